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
abstract class Exchange extends HandedOver {
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

  /** What the server owes us of a BEGIN in front: ParseComplete, BindComplete, CommandComplete. */
  private static final byte ALL_OF_BEGIN = 3;

  private static final byte[] UNNAMED = FrontendWriter.name("");
  private static final byte[] NO_VALUES = {};
  private static final byte[] NO_FORMATS = {0, 0};

  private Stage stage = Stage.WAITING;
  private boolean abandoned;
  private boolean hitInstead;
  private boolean repeated;
  private int closesOwed;
  private byte beginOwed;
  private String beginPrefix = "";
  private @Nullable Block owner;
  private @Nullable Block enclosing;

  @Override
  final void taken(Session session) {
    session.enqueue(this);
  }

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
    hitInstead = false;
    repeated = true;
  }

  /** Whether it is written once more, or is to be. */
  final boolean isRepeated() {
    return repeated;
  }

  /**
   * Whether it changes nothing that another could see, so that it does not matter which of it and
   * another reader runs first.
   */
  boolean onlyReads() {
    return false;
  }

  /** Whether nobody waits for it any more: its time is up, or its caller cancelled it. */
  final boolean isAbandoned() {
    return abandoned;
  }

  void abandon() {
    abandoned = true;
  }

  /**
   * Whether the server is asked to stop it when nobody waits for it any more. Not so COMMIT: what
   * became of it could not be told.
   */
  boolean mayBeStopped() {
    return true;
  }

  /** Whether it is under way, and to be stopped on the server. */
  final boolean isToBeStopped() {
    return abandoned && mayBeStopped();
  }

  /** Whether the server has cancelled it in place of another. */
  final boolean wasHitInstead() {
    return hitInstead;
  }

  final void hitInstead() {
    hitInstead = true;
  }

  /** The transaction or savepoint through whose handle it was asked for; null for none. */
  final @Nullable Block owner() {
    return owner;
  }

  final void own(@Nullable Block block) {
    owner = block;
  }

  /** The transaction begun here in which it was written; null for none. */
  final @Nullable Block enclosing() {
    return enclosing;
  }

  final void entered(Block transaction) {
    enclosing = transaction;
  }

  /** Whether it belongs into a transaction that is open; false for what only keeps house. */
  boolean runsInTransactions() {
    return true;
  }

  /** Whether it has to be written though nobody waits for it: the server would be left behind. */
  boolean isWrittenEvenAbandoned() {
    return false;
  }

  /**
   * Its turn has come.
   *
   * @return whether it is over without a byte being written, and has completed
   */
  boolean endsUnwritten(Session session) {
    return false;
  }

  /** Writes BEGIN in front of itself, where it cannot run if BEGIN fails. */
  void writeBegin(String begin, FrontendWriter out) {
    out.parse(UNNAMED, begin, new int[0]);
    out.bind(UNNAMED, UNNAMED, NO_FORMATS, 0, NO_VALUES, 0, NO_FORMATS);
    out.execute(UNNAMED, 0);
    beginOwed = ALL_OF_BEGIN;
  }

  /** For an exchange that is a Query: BEGIN becomes its first statement. */
  final void prefixBegin(String begin) {
    beginPrefix = begin + ";";
    beginOwed = 1;
  }

  /** What stands before the SQL of a Query; empty for nothing. */
  final String beginPrefix() {
    return beginPrefix;
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

  /** Whether it cannot be written before this statement is ready. */
  boolean waitsFor(Preparation asked) {
    return false;
  }

  /** How many statements have to be ready together for it. */
  int preparations() {
    return 1;
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

  /** How many bytes of rows it is likely to be answered with; 0 where nobody knows. */
  long rowBytesLikely() {
    return 0;
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

  /** CommandComplete, of a BEGIN in front or of its own. */
  final void completed(String command, long rows) {
    if (beginOwed == 0) {
      commandComplete(command, rows);
      return;
    }
    Block begun = enclosing;
    if (beginOwed != 1 || begun == null) {
      throw unexpected("CommandComplete");
    }
    beginOwed = 0;
    begun.begun();
  }

  final void receive(BackendMessage message) {
    if (message instanceof BackendMessage.CloseComplete && closesOwed > 0) {
      closesOwed--;
    } else if ((beginOwed == ALL_OF_BEGIN && message instanceof BackendMessage.ParseComplete)
        || (beginOwed == ALL_OF_BEGIN - 1 && message instanceof BackendMessage.BindComplete)) {
      beginOwed--;
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
