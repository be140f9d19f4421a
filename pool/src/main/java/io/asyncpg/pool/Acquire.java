package io.asyncpg.pool;

import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.session.Connector;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
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

  private static final AtomicIntegerFieldUpdater<Acquire> STAGES =
      AtomicIntegerFieldUpdater.newUpdater(Acquire.class, "stages");

  /** Whether a thread has it, waits for it, or has waited. */
  private volatile boolean taken;

  /** How many have been derived from this; each may have passed it on. */
  private volatile int stages;

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

  /** Does what the pool itself has to do at its end. */
  void atEnd(Runnable action) {
    STAGES.decrementAndGet(this);
    whenComplete((connection, failure) -> action.run());
  }

  @Override
  public <U extends @Nullable Object> PgFuture<U> newIncompleteFuture() {
    STAGES.incrementAndGet(this);
    return super.newIncompleteFuture();
  }

  @Override
  public CompletionStage<PgConnection> minimalCompletionStage() {
    STAGES.incrementAndGet(this); // which is made in another way
    return super.minimalCompletionStage();
  }

  /** One stage was to have the connection: if it was the only one, nobody would give it back. */
  @Override
  protected void unused() {
    if (!taken && stages == 1) {
      join().close();
    }
  }

  @Override
  public PgConnection await() {
    taken = true;
    return super.await();
  }

  @Override
  public PgConnection join() {
    taken = true;
    return super.join();
  }

  @Override
  public PgConnection get() throws InterruptedException, ExecutionException {
    taken = true;
    return super.get();
  }

  @Override
  public PgConnection get(long timeout, TimeUnit unit)
      throws InterruptedException, ExecutionException, TimeoutException {
    taken = true;
    return super.get(timeout, unit);
  }

  @Override
  public PgConnection getNow(PgConnection otherwise) {
    if (isDone()) {
      taken = true;
    }
    return super.getNow(otherwise);
  }

  @Override
  protected boolean onEventLoop() {
    return Connector.isOnEventLoop();
  }
}
