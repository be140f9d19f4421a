package io.asyncpg.client.session;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import org.jspecify.annotations.Nullable;

/** Sees whether the server is there: a Sync and nothing else. */
final class Check extends Request<Void> {
  private @Nullable Diagnostic failure;

  Check(Session session, long timeout) {
    super(session, timeout);
  }

  @Override
  boolean uses() {
    return false;
  }

  @Override
  boolean runsInTransactions() {
    return false;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    out.sync();
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
      fail(PgServerException.of(reason, null, RetrySafety.UNKNOWN));
    }
  }

  @Override
  String doing() {
    return "while it was checked";
  }
}
