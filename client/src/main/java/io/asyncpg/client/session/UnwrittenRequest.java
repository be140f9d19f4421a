package io.asyncpg.client.session;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import org.jspecify.annotations.Nullable;

/** A request for which nothing is written: something done on this side when its turn has come. */
abstract class UnwrittenRequest<T extends @Nullable Object> extends Request<T> {
  /**
   * Creates a request.
   *
   * @param timeout in nanoseconds; 0 for none
   */
  UnwrittenRequest(Session session, long timeout) {
    super(session, timeout);
  }

  /** All that was asked before has been written. */
  abstract void turn(Session session);

  @Override
  final boolean endsUnwritten(Session session) {
    turn(session);
    return true;
  }

  @Override
  final void write(Session session, FrontendWriter out) {
    throw new AssertionError("nothing is written for it");
  }

  @Override
  final void failed(Diagnostic diagnostic) {
    throw new AssertionError("never written");
  }

  @Override
  final void ready(Session session, TransactionStatus status) {
    throw new AssertionError("never written");
  }
}
