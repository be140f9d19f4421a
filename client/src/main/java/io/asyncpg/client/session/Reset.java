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
final class Reset extends Request<Void> {
  private static final String SQL =
      "SELECT pg_advisory_unlock_all();CLOSE ALL;UNLISTEN *;RESET ALL";

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
    if (session.isTouched() || open) {
      return false;
    }
    complete(null);
    return true;
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
  String sql() {
    return open ? "ROLLBACK;" + SQL : SQL;
  }

  @Override
  String doing() {
    return "while it reset the session";
  }
}
