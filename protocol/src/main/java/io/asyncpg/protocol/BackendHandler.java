package io.asyncpg.protocol;

/**
 * Whom a {@link BackendReader} calls, in the order in which the server spoke. Byte arrays belong to
 * the reader: they are valid during the call only.
 */
public interface BackendHandler {

  /**
   * The number of columns that each row of the run about to be handed over must have.
   *
   * @return the columns of the current result
   * @throws io.asyncpg.error.PgProtocolException when no row is expected now
   */
  int rowWidth();

  /**
   * A run of whole DataRow frames, type byte and length included, each checked: the column count is
   * {@link #rowWidth()} and the column lengths add up to the frame's.
   *
   * @param bytes the reader's bytes
   * @param from where the first frame begins
   * @param to where the last frame ends
   * @param count how many frames they are, at least one
   */
  void dataRows(byte[] bytes, int from, int to, int count);

  /**
   * The body of one CopyData.
   *
   * @param bytes the reader's bytes
   * @param from where the data begin
   * @param to where they end
   */
  void copyData(byte[] bytes, int from, int to);

  /**
   * A command is done.
   *
   * @param command the command tag without its numbers
   * @param rows the rows it touched, 0 where the tag has none
   */
  void commandComplete(String command, long rows);

  /**
   * The server waits for the next request.
   *
   * @param status the state of the session's transaction
   */
  void readyForQuery(TransactionStatus status);

  /**
   * Any other message.
   *
   * @param message what the server said
   */
  void message(BackendMessage message);

  /**
   * What the session is doing, in a few words, for errors about messages that do not fit.
   *
   * @return for instance {@code "during authentication"}
   */
  String doing();
}
