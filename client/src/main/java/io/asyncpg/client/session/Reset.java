package io.asyncpg.client.session;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import org.jspecify.annotations.Nullable;

/**
 * Makes a session as good as new, in one round trip; in none when nothing was run on it. Prepared
 * statements of the cache and temporary tables stay.
 */
class Reset extends Request<Void> {
  /**
   * RESET ALL leaves the role alone, so that comes first: back to what the session began with, the
   * role of its settings included. The function is named in full, as the search path is still the
   * last user's.
   */
  private static final String SQL =
      "RESET SESSION AUTHORIZATION;RESET ROLE;SELECT pg_catalog.pg_advisory_unlock_all();"
          + "CLOSE ALL;UNLISTEN *;RESET ALL";

  private boolean open;
  private @Nullable Diagnostic failure;

  Reset(Session session, long timeout) {
    super(session, timeout);
    session.transactions().endAll();
  }

  @Override
  boolean runsInTransactions() {
    return false;
  }

  @Override
  boolean isWrittenEvenAbandoned() {
    return true; // the transactions have been told that they are over
  }

  @Override
  boolean mustBeFirst() {
    return true; // whether there is a transaction to roll back is known then
  }

  @Override
  @SuppressWarnings("NullAway") // a Void is null
  boolean endsUnwritten(Session session) {
    session.forgetListeners();
    session.statements().releaseAll("the connection has been reset: prepare the statement anew");
    session.statements().codecs().reset();
    session.transactions().leave();
    open = session.transactionStatus() != TransactionStatus.IDLE;
    boolean work = hasWork(session.isUsed(), session.isTouched(), open);
    forgetUse(session);
    if (work) {
      return false;
    }
    complete(null);
    return true;
  }

  /** It is as good as new. */
  void forgetUse(Session session) {
    session.untouched();
  }

  /** Whether the server has to be asked for anything. */
  boolean hasWork(boolean used, boolean touched, boolean open) {
    return used || open;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    out.query(sql());
  }

  @Override
  int rowWidth() {
    return 1; // the advisory locks
  }

  @Override
  void dataRows(byte[] bytes, int from, int to, int count) {
    // A void value.
  }

  @Override
  void commandComplete(String command, long rows) {
    // One of several.
  }

  @Override
  void message(BackendMessage message) {
    if (!(message instanceof BackendMessage.RowDescription)) {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  @Override
  void failed(Diagnostic diagnostic) {
    failure = diagnostic;
  }

  @Override
  @SuppressWarnings("NullAway") // a Void is null
  void ready(Session session, TransactionStatus status) {
    Diagnostic reason = failure;
    if (reason == null) {
      complete(null);
    } else {
      session.touch();
      fail(PgServerException.of(reason, sql(), RetrySafety.UNKNOWN));
    }
  }

  @Override
  boolean uses() {
    return false;
  }

  @Override
  String sql() {
    return open ? "ROLLBACK;" + SQL : SQL;
  }

  @Override
  String doing() {
    return "while it reset the session";
  }

  /**
   * A session of a pool comes back. Its pool is told as soon as all that was asked before is
   * answered: what the next borrower asks is written behind the reset, and costs no round trip
   * more.
   */
  static final class Return extends Reset {
    private final PooledSession home;
    private final Lease lease;
    private boolean rollsBackOnly;

    Return(Session session, PooledSession home, Lease lease) {
      super(session, 0);
      this.home = home;
      this.lease = lease;
    }

    /** It has been taken out of the session's mailbox: what comes behind it is the next lease's. */
    void arrived() {
      lease.pass();
      for (Exchange exchange : session.pending()) {
        if (exchange instanceof StreamRequest stream) {
          stream.buffer().end(new IllegalStateException(String.valueOf(lease.ended())));
          stream.stop();
        } else if (exchange instanceof CopyIn || exchange instanceof CopyOut) {
          home.broken(
              new IllegalStateException("a COPY was under way when the connection was given back"));
          return;
        } else if (exchange instanceof Batch<?> batch) {
          home.boundRows(batch, lease);
        }
      }
    }

    @Override
    boolean hasWork(boolean used, boolean touched, boolean open) {
      rollsBackOnly = home.isResetByPool();
      home.returned(lease, used, open);
      return open || (touched && !rollsBackOnly);
    }

    @Override
    void forgetUse(Session session) {
      // Where the pool resets in its own way, that comes next, and may be connection.reset().
      if (!rollsBackOnly || home.isResetBehindIt(session.isUsed())) {
        session.untouched();
      }
    }

    @Override
    void write(Session session, FrontendWriter out) {
      super.write(session, out);
      session.rollsBack(true);
      home.boundReset(this);
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      session.rollsBack(false);
      super.ready(session, status);
    }

    void timeUp() {
      if (stage() == Stage.WRITTEN) {
        home.broken(null);
      }
    }

    @Override
    void fail(Throwable reason) {
      super.fail(reason);
      home.broken(reason);
      lease.over().complete(null);
    }

    @Override
    String sql() {
      return rollsBackOnly ? "ROLLBACK" : super.sql();
    }
  }
}
