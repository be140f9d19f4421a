package io.asyncpg.client.session;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import org.jspecify.annotations.Nullable;

/**
 * What is written in one piece and answered up to one ReadyForQuery. Confined to its session's
 * event loop from the moment it is handed over.
 */
abstract class Exchange {
  /** Where an exchange stands. */
  enum Stage {
    /** In a queue: no byte of it has been written. */
    WAITING,
    /** Written; the server owes it answers. */
    WRITTEN,
    /** Answered, failed, or dropped before it was written. */
    DONE;

    private boolean leadsTo(Stage next) {
      return next != WAITING && this != DONE && next != this;
    }
  }

  /** The one handed over before it; set and read by {@link Session#submit} and its taking. */
  @Nullable Exchange handedOverBefore;

  private Stage stage = Stage.WAITING;
  private boolean abandoned;
  private int closesOwed;

  final Stage stage() {
    return stage;
  }

  final void become(Stage next) {
    assert stage.leadsTo(next) : stage + " -> " + next;
    stage = next;
  }

  /** Has to be written once more: it was answered, but not with what its caller wants to know. */
  final void again() {
    assert stage == Stage.DONE : stage;
    stage = Stage.WAITING;
  }

  /** Whether nobody waits for it any more: its time is up, or its caller cancelled it. */
  final boolean isAbandoned() {
    return abandoned;
  }

  void abandon() {
    abandoned = true;
  }

  /** Statements that the server was asked to close in front of this exchange. */
  final void owesCloses(int count) {
    closesOwed = count;
  }

  /**
   * Whether it can be written now. What is missing, a prepared statement for instance, is asked for
   * by this call.
   *
   * @param first whether nothing unwritten comes before it
   */
  boolean isReadyToWrite(Session session, boolean first) {
    return true;
  }

  /** Writes all of it. Whatever it throws fails this exchange alone, and nothing has been sent. */
  abstract void write(Session session, FrontendWriter out);

  /**
   * Whether it may be written only when all that was written before it has been answered: what it
   * says depends on the state of the session, or it cannot be run twice and so must not be near
   * another's cancel.
   */
  boolean mustBeFirst() {
    return false;
  }

  /**
   * Whether it has been written in part. Nothing of any other exchange is written until it is
   * whole, which ends with its Sync.
   */
  boolean isOpen() {
    return false;
  }

  /**
   * Writes what can be written now of an exchange that is open, a slice at most: called whenever
   * the socket takes more. It handles its own failures, as part of it has been sent.
   */
  void writeMore(Session session, FrontendWriter out) {
    throw new AssertionError("written whole");
  }

  /** Whether running it may leave a transaction open that was not open before. */
  boolean mayOpenTransaction() {
    return false;
  }

  /**
   * Whether the server may read what comes behind it as data of a COPY, so that nothing may come
   * behind it until it is answered.
   */
  boolean mustBeAlone() {
    return false;
  }

  /** The SQL, for errors; null where there is none. */
  @Nullable String sql() {
    return null;
  }

  /** How many columns a DataRow has now; see {@link #unexpected} for what else to do. */
  int rowWidth() {
    throw unexpected("DataRow");
  }

  void dataRows(byte[] bytes, int from, int to, int count) {
    throw unexpected("DataRow");
  }

  void copyData(byte[] bytes, int from, int to) {
    throw unexpected("CopyData");
  }

  void commandComplete(String command, long rows) {
    throw unexpected("CommandComplete");
  }

  /** An ErrorResponse: everything up to our Sync is discarded by the server. */
  abstract void failed(Diagnostic diagnostic);

  /** Any other message, CloseComplete for evicted statements already taken out. */
  void message(BackendMessage message) {
    throw unexpected(message.getClass().getSimpleName());
  }

  final void receive(BackendMessage message) {
    if (message instanceof BackendMessage.CloseComplete && closesOwed > 0) {
      closesOwed--;
    } else {
      message(message);
    }
  }

  /** ReadyForQuery: the exchange is over. */
  abstract void ready(Session session, TransactionStatus status);

  /** It will not be answered: it was not written, or the connection is lost. */
  abstract void fail(Throwable failure);

  final PgProtocolException unexpected(String message) {
    return new PgProtocolException(
        "the server sent " + message + ", which nobody waits for " + doing(),
        sql(),
        RetrySafety.UNKNOWN,
        null);
  }

  /** What is going on, as an error about a message out of place says it. */
  abstract String doing();
}
