package io.asyncpg.client.session;

import io.asyncpg.client.IsolationLevel;
import io.asyncpg.client.TransactionOptions;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import org.jspecify.annotations.Nullable;

/**
 * One transaction block, or one savepoint in it. It has two sides: the phase, which callers on any
 * thread move and ask, and the stage, which the event loop moves as requests are written.
 */
final class Block {
  /** How far its callers have come with it. */
  enum Phase {
    OPEN("is open"),
    COMMITTING("is being committed"),
    COMMITTED("has been committed already"),
    ROLLING_BACK("is being rolled back"),
    ROLLED_BACK("has been rolled back already"),
    FAILED("failed to commit, and has been rolled back"),
    LOST("was lost while it was being committed"),
    NEVER_BEGUN("was never begun");

    private final String text;

    Phase(String text) {
      this.text = text;
    }

    private boolean leadsTo(Phase next) {
      return switch (this) {
        case OPEN -> next == COMMITTING || next == ROLLING_BACK || next == NEVER_BEGUN;
        case COMMITTING ->
            next == COMMITTED || next == ROLLED_BACK || next == FAILED || next == LOST;
        case ROLLING_BACK -> next == ROLLED_BACK;
        case COMMITTED, ROLLED_BACK, FAILED, LOST, NEVER_BEGUN -> false;
      };
    }
  }

  /** How far it is on the server, as of what has been written. */
  private enum Stage {
    /** Nothing has been sent. */
    PENDING,
    /** BEGIN has been written and not been answered: nothing may be written behind it. */
    BEGINNING,
    OPEN,
    /** It never began, or was ended behind our back: nothing may run in it. */
    BROKEN,
    OVER;

    private boolean leadsTo(Stage next) {
      return switch (this) {
        case PENDING -> next == BEGINNING || next == OPEN || next == OVER;
        case BEGINNING -> next == OPEN || next == BROKEN;
        case OPEN -> next == BROKEN || next == OVER;
        case BROKEN -> next == OVER;
        case OVER -> false;
      };
    }
  }

  /** The transaction or savepoint this one is in; null for a transaction. */
  final @Nullable Block around;

  final TransactionOptions options;

  private final String name;
  private boolean savepoint;
  private volatile Phase phase = Phase.OPEN;
  private volatile @Nullable String whyNeverBegun;

  private Stage stage = Stage.PENDING;
  private boolean endedByHand;
  private @Nullable Diagnostic firstError;

  /**
   * Creates one that is open and of which nothing has been sent.
   *
   * @param number makes its savepoint's name unique in the session
   */
  Block(@Nullable Block around, TransactionOptions options, long number) {
    this.around = around;
    this.options = options;
    this.savepoint = around != null;
    this.name = "\"asyncpg_savepoint_" + number + '"';
  }

  /**
   * Refuses what a savepoint cannot have.
   *
   * @throws IllegalArgumentException when it is not what the transaction around has
   */
  static void checkNested(TransactionOptions inner, Block around) {
    TransactionOptions outer = around.options;
    if (inner.isolation() != null && inner.isolation() != outer.isolation()) {
      throw new IllegalArgumentException(
          "the nested transaction asks for isolation "
              + inner.isolation().sql()
              + ", but the transaction around it has "
              + (outer.isolation() == null ? "the session's default" : outer.isolation().sql())
              + ": ask it of the outer one, or leave it out here");
    }
    if (inner.accessMode() != null && inner.accessMode() != outer.accessMode()) {
      throw new IllegalArgumentException(
          "the nested transaction asks to be "
              + inner.accessMode().sql()
              + ", but the transaction around it is "
              + (outer.accessMode() == null
                  ? "as the session's default says"
                  : outer.accessMode().sql())
              + ": ask it of the outer one, or leave it out here");
    }
    if (inner.isDeferrable() && !outer.isDeferrable()) {
      throw new IllegalArgumentException(
          "the nested transaction asks to be DEFERRABLE, but the transaction around it is not:"
              + " ask it of the outer one, or leave it out here");
    }
    if (inner.retries() > 0) {
      throw new IllegalArgumentException(
          "a nested transaction cannot be retried by itself, as the server undoes the whole:"
              + " ask for retries of the outer one");
    }
  }

  // ---- Any thread

  Phase phase() {
    return phase;
  }

  /** Moves as callers or answers say; callers only while holding the session's transactions. */
  void move(Phase next) {
    assert phase.leadsTo(next) : phase + " -> " + next;
    phase = next;
  }

  /** Why it was never begun, whatever its callers have done with it since; null if it was. */
  @Nullable String whyNeverBegun() {
    return whyNeverBegun;
  }

  void neverBegun(@Nullable String why) {
    whyNeverBegun = String.valueOf(why);
    if (phase == Phase.OPEN) {
      move(Phase.NEVER_BEGUN);
    }
  }

  /** Why nothing more can run in it; null while something can. */
  @Nullable String ended() {
    Phase now = phase;
    if (now != Phase.OPEN) {
      String why = now == Phase.NEVER_BEGUN ? whyNeverBegun : null;
      return "the transaction " + now.text + (why == null ? ": begin another" : ": " + why);
    }
    Block outer = around;
    return outer == null || outer.ended() == null
        ? null
        : "the transaction that this one is nested in "
            + outer.phase.text
            + ", and this one ended with it: begin another";
  }

  boolean isWithin(Block other) {
    for (Block block = this; block != null; block = block.around) {
      if (block == other) {
        return true;
      }
    }
    return false;
  }

  // ---- On the event loop

  private void move(Stage next) {
    assert stage.leadsTo(next) : stage + " -> " + next;
    stage = next;
  }

  boolean isSavepoint() {
    return savepoint;
  }

  /** Begun inside a transaction that was begun by hand. */
  void becomeSavepoint() {
    savepoint = true;
  }

  boolean isPending() {
    return stage == Stage.PENDING;
  }

  boolean isBeginning() {
    return stage == Stage.BEGINNING;
  }

  boolean isBroken() {
    return stage == Stage.BROKEN;
  }

  boolean isOver() {
    return stage == Stage.OVER || phase == Phase.NEVER_BEGUN || (around != null && around.isOver());
  }

  void beginWritten() {
    move(Stage.BEGINNING);
  }

  void begun() {
    move(Stage.OPEN);
  }

  void over() {
    if (stage == Stage.BEGINNING) {
      move(Stage.BROKEN);
    }
    if (stage != Stage.OVER) {
      move(Stage.OVER);
    }
  }

  /** Nothing can run in it any more: BEGIN failed, or SQL of the application has ended it. */
  void broken() {
    endedByHand = stage == Stage.OPEN;
    move(Stage.BROKEN);
  }

  boolean wasEndedByHand() {
    return endedByHand;
  }

  /** A statement in it has failed. */
  void failed(Diagnostic diagnostic) {
    if (firstError == null) {
      firstError = diagnostic;
    }
  }

  /** The server says that it has not failed: a savepoint has kept the failure to itself. */
  void isWell() {
    firstError = null;
  }

  /** What made the server refuse all that followed; null when nothing did. */
  @Nullable Diagnostic firstError() {
    return firstError;
  }

  /** Why nothing can run in it, though it is open to its callers. */
  RuntimeException whyBroken(@Nullable String sql) {
    Diagnostic error = firstError;
    return endedByHand || error == null
        ? new IllegalStateException(
            "the transaction was ended by SQL of the application, COMMIT or ROLLBACK: end it with"
                + " commit() or rollback(), or begin it by SQL as well")
        : PgServerException.of(
            diagnostic(
                SqlState.IN_FAILED_SQL_TRANSACTION,
                "the transaction could not be begun, so nothing runs in it until its end",
                error),
            sql,
            RetrySafety.NOT_SENT);
  }

  /** COMMIT was answered with ROLLBACK. */
  PgServerException rolledBackInstead() {
    return PgServerException.of(
        diagnostic(
            SqlState.TRANSACTION_ROLLBACK,
            "COMMIT was answered with ROLLBACK: a statement of the transaction had failed, and"
                + " nothing of it was kept",
            firstError),
        "COMMIT",
        RetrySafety.ROLLED_BACK);
  }

  /**
   * What a statement is told that the cancel of an earlier one of its transaction has hit: the
   * transaction ends as if the cancel had come in time, and nobody asked for this one to be
   * stopped.
   */
  static Diagnostic lostToCancel(Diagnostic canceled) {
    return diagnostic(
        SqlState.IN_FAILED_SQL_TRANSACTION,
        "the transaction was aborted by the cancel of an earlier statement in it, so this one was"
            + " not run, and nothing of the transaction is kept",
        canceled);
  }

  private static Diagnostic diagnostic(String sqlState, String message, @Nullable Diagnostic why) {
    return new Diagnostic(
        "ERROR",
        "ERROR",
        sqlState,
        message,
        why == null ? null : "the first error was " + why.sqlState() + ": " + why.message(),
        null,
        0,
        0,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        0,
        null);
  }

  /** BEGIN, with what was asked for. */
  String beginSql() {
    StringBuilder sql = new StringBuilder("BEGIN");
    IsolationLevel isolation = options.isolation();
    if (isolation != null) {
      sql.append(" ISOLATION LEVEL ").append(isolation.sql());
    }
    if (options.accessMode() != null) {
      sql.append(' ').append(options.accessMode().sql());
    }
    if (options.isDeferrable()) {
      sql.append(" DEFERRABLE");
    }
    return sql.toString();
  }

  String savepointSql() {
    return "SAVEPOINT " + name;
  }

  String commitSql() {
    return savepoint ? "RELEASE SAVEPOINT " + name : "COMMIT";
  }

  String rollbackSql() {
    return savepoint ? "ROLLBACK TO SAVEPOINT " + name + "; RELEASE SAVEPOINT " + name : "ROLLBACK";
  }
}
