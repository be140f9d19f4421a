package io.asyncpg.pool;

import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.session.Connector;
import org.jspecify.annotations.Nullable;

/** A connection that somebody wants: its future. */
final class Acquire extends PgFuture<PgConnection> {
  private final Pool pool;

  /** For errors: what it is wanted for; null for the borrower's own use. */
  final @Nullable String sql;

  /** Whether its deadline is of the call, rather than the pool's. */
  final boolean ownDeadline;

  final @Nullable Throwable borrower;
  final PoolState.Waiter waiter;

  /** Who is making it, up to when its caller gets it. */
  private @Nullable Thread maker = Thread.currentThread();

  Acquire(
      Pool pool,
      @Nullable String sql,
      boolean ownDeadline,
      @Nullable Throwable borrower,
      long now,
      long deadline) {
    this.pool = pool;
    this.sql = sql;
    this.ownDeadline = ownDeadline;
    this.borrower = borrower;
    this.waiter = new PoolState.Waiter(this, now, deadline);
  }

  /** Whether this thread is still making it: nobody can have attached anything to it. */
  boolean isBeingMade() {
    return maker == Thread.currentThread();
  }

  void made() {
    maker = null;
  }

  @Override
  protected void cancelled() {
    pool.giveUp(this);
  }

  /** The connection has nobody who would give it back. */
  @Override
  protected void unused() {
    join().close();
  }

  @Override
  protected boolean onEventLoop() {
    return Connector.isOnEventLoop();
  }
}
