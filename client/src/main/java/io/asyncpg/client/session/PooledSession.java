package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.RowStream;
import io.asyncpg.client.TargetSessionAttrs;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.RetrySafety;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A session as its pool has it: lent to one borrower after another. With {@link Connector} it is
 * the pool's only door into this room. Any thread.
 */
public final class PooledSession {
  /** Set on a thread that is cancelling something, and tells all who wait for that. */
  private static final ThreadLocal<Boolean> CANCELLING = new ThreadLocal<>();

  /** What a pool is told of one of its sessions. */
  public interface Keeper {
    /**
     * The borrower has given it back; what was asked before is still being done. On the borrower's
     * thread.
     */
    void released();

    /**
     * Whether somebody waits for a connection, as was so a moment ago. Any thread.
     *
     * @return true when {@link #returnedAsNew} need not be tried
     */
    boolean isWaitedFor();

    /**
     * The borrower has given it back, and left nothing behind: it can be lent again at once. On the
     * borrower's thread.
     *
     * @return false when somebody waits for a connection, who is not to be served on this thread:
     *     then nothing has happened
     */
    boolean returnedAsNew();

    /**
     * Nobody can give it back any more: its handles were collected as garbage. On a thread of the
     * JVM.
     */
    void forgotten();

    /**
     * It can be lent again: what is asked of it now comes after its reset. On its event loop.
     *
     * @param wasUsed whether anything was run on it
     * @param wasInTransaction whether its borrower left a transaction open, which is rolled back
     */
    void returned(boolean wasUsed, boolean wasInTransaction);

    /**
     * Its server is not of the kind that its pool wants any more: it refused to write (SQLSTATE
     * 25006) where that is wanted, or is no standby where one is. On its event loop.
     */
    void hostChanged();

    /**
     * It has ended. On its event loop.
     *
     * @param reason why, whoever wanted it
     */
    void ended(Throwable reason);
  }

  private final Session session;
  private final Keeper keeper;
  private final boolean resetByPool;
  private final long resetNanos;

  /** Whether its pool's own way of resetting is under way. On the event loop. */
  private boolean beingReset;

  private volatile boolean terminated;
  private volatile boolean broken;

  private PooledSession(
      Session session, Keeper keeper, boolean resetByPool, Duration resetTimeout) {
    this.session = session;
    this.keeper = keeper;
    this.resetByPool = resetByPool;
    this.resetNanos = Deadlines.nanos(resetTimeout);
  }

  /**
   * Takes a connection into a pool. The handle it was is of no use any more.
   *
   * @param connection just opened by a {@link Connector}
   * @param keeper told what becomes of it
   * @param resetByPool whether the pool has its own way of resetting a session that comes back:
   *     only a transaction is rolled back here then
   * @param resetTimeout how long the server may take for that before the session is ended
   * @return the session
   */
  public static PooledSession of(
      PgConnection connection, Keeper keeper, boolean resetByPool, Duration resetTimeout) {
    Connection handle = (Connection) connection;
    handle.lease.end("the connection has been taken into a pool: acquire it there");
    PooledSession home = new PooledSession(handle.session, keeper, resetByPool, resetTimeout);
    handle.session.belongsTo(home);
    handle.session.ended().whenComplete((nothing, never) -> keeper.ended(home.session.whyEnded()));
    return home;
  }

  /**
   * Lends it to an application.
   *
   * @return a handle, whose {@code close} gives it back
   */
  public PgConnection lend() {
    return lend(false);
  }

  /**
   * Lends it to a hook of its pool.
   *
   * @return a handle, whose {@code close} does nothing before {@link #handOver}
   */
  public PgConnection lendToHook() {
    return lend(true);
  }

  private PgConnection lend(boolean toHook) {
    Lease lease = new Lease(this);
    lease.withHook(toHook);
    lease.watch();
    return new Connection(session, lease);
  }

  /**
   * Takes a handle over from the hook it was lent to: from now on its {@code close} gives it back.
   *
   * @param handle one that this has lent
   */
  public static void handOver(PgConnection handle) {
    ((Connection) handle).lease.withHook(false);
  }

  /**
   * Ends a handle without a reset: what was done through it stays in the session, and the codecs
   * registered through it survive its resets.
   *
   * @param handle one that this has lent
   */
  public void keep(PgConnection handle) {
    ((Connection) handle).lease.end("the connection was lent for a hook of its pool only");
    // In its order: what the next borrower registers is not to be kept.
    session.runInOrder(() -> session.statements().codecs().keep());
  }

  /**
   * Gives one back whose use was cancelled: a transaction that this has left open is rolled back,
   * and the pool is not told of it.
   *
   * @param handle one that this has lent
   */
  public static void closeCancelled(PgConnection handle) {
    ((Connection) handle).lease.cancelled();
    handle.close();
  }

  /**
   * Cancels what a function of the application's has returned, from where it begins: what it does
   * at its end is done, but for what waits for another thread then.
   *
   * @param stage complete behind this
   */
  public static void cancel(CompletionStage<?> stage) {
    if (stage instanceof PgFuture<?> ours) {
      ours.thenRun(() -> {}).cancel(true);
    }
    stage.toCompletableFuture().cancel(true);
  }

  /**
   * Cancels something. What is given back by those who are told of that on this thread, whatever it
   * is, is given back as by {@link #closeCancelled}.
   *
   * @param cancel does it
   */
  public static void whileCancelling(Runnable cancel) {
    if (CANCELLING.get() != null) {
      cancel.run();
      return;
    }
    CANCELLING.set(true);
    try {
      cancel.run();
    } finally {
      CANCELLING.remove();
    }
  }

  /**
   * Bounds the first portion of a stream by what its reader's wait for the connection has left.
   *
   * @param stream of one of the handles lent, and not read yet
   * @param left above zero
   */
  public static void firstWithin(RowStream stream, Duration left) {
    ((Streaming) stream).firstWithin(Deadlines.nanos(left));
  }

  /**
   * Whether it cannot be used any more.
   *
   * @return true from its end on
   */
  public boolean isEnded() {
    return session.isEnded();
  }

  /**
   * Whether its borrower ended it.
   *
   * @return true when {@code terminate} was called on its handle
   */
  public boolean wasTerminated() {
    return terminated;
  }

  /**
   * Whether its reset went wrong.
   *
   * @return true when that is why it ended
   */
  public boolean wasBroken() {
    return broken;
  }

  /**
   * How much was run on it. On its event loop, or by the borrower who gives it back as new.
   *
   * @return requests with SQL since it was opened
   */
  public long requests() {
    return session.requests();
  }

  /**
   * The server process.
   *
   * @return its number
   */
  public int serverPid() {
    return session.processId();
  }

  /**
   * Where its server is.
   *
   * @return host, port and address
   */
  public String host() {
    return Dial.of(session.channel()).toString();
  }

  /**
   * Sees whether it answers.
   *
   * @param within fails with a timeout, and the session ends, when this has passed
   * @return complete after one round trip
   */
  public PgFuture<Void> check(Duration within) {
    return Fetch.run(new Check(session, Deadlines.nanos(within)));
  }

  /** Says goodbye when all that was asked has been answered. */
  public void close() {
    new Connection(session).close();
  }

  /** Ends it now. */
  public void terminate() {
    session.terminate();
  }

  // ---- For the handles

  /** The lease is over: what was asked is answered, then it is made as good as new. */
  void giveBack(Lease lease) {
    if (lease.isWithHook()) {
      return;
    }
    if (lease.end(
        "the connection has been given back to its pool: acquire another, or close it later")) {
      PgFuture<@Nullable Void> over = lease.over();
      if (!resetByPool
          && !keeper.isWaitedFor()
          && over.getNumberOfDependents() == 0 // theirs complete on the event loop
          && session.letGo(lease)
          && keeper.returnedAsNew()) {
        over.complete(null);
        return;
      }
      if (CANCELLING.get() != null) {
        lease.cancelled();
      }
      keeper.released();
      session.submit(new Reset.Return(session, this, lease));
    }
  }

  void terminate(Lease lease) {
    if (lease.end("the connection has been terminated: acquire another")) {
      terminated = true;
      session.terminate();
    }
  }

  /** A lease was forgotten: this one takes its place. */
  void forgotten(Lease successor) {
    if (session.isEnded()) {
      return;
    }
    keeper.forgotten();
    session.submit(new Reset.Return(session, this, successor));
  }

  // ---- On the event loop

  void returned(Lease lease, boolean wasUsed, boolean wasInTransaction) {
    session.runOnLoop(
        () -> {
          if (!session.isEnded()) {
            keeper.returned(wasUsed, wasInTransaction && !lease.isCancelled());
          }
          lease.over().complete(null);
        });
  }

  /** An error that says 25006: true of a transaction that is read-only by its own wish as well. */
  void refusedToWrite() {
    PgConfig config = session.config();
    TargetSessionAttrs wanted = config.targetSessionAttrs();
    if (wanted != TargetSessionAttrs.READ_WRITE && wanted != TargetSessionAttrs.PRIMARY) {
      return;
    }
    Map<String, String> said = session.parameters();
    String standby = said.get("in_hot_standby");
    String readOnly = said.get("default_transaction_read_only");
    if (standby == null
        || readOnly == null
        || standby.equals("on")
        || (readOnly.equals("on") && wanted == TargetSessionAttrs.READ_WRITE)) {
      keeper.hostChanged();
    }
  }

  /** Its server says that it is no standby any more. */
  void promoted() {
    TargetSessionAttrs wanted = session.config().targetSessionAttrs();
    if (wanted == TargetSessionAttrs.STANDBY || wanted == TargetSessionAttrs.PREFER_STANDBY) {
      keeper.hostChanged();
    }
  }

  /** Whether the pool has its own way of resetting: only a transaction is rolled back here then. */
  boolean isResetByPool() {
    return resetByPool;
  }

  /**
   * Whether, of the two times that it comes back where the pool resets it in its own way, this is
   * the second; or it comes back once, as there is nothing to reset.
   */
  boolean isResetBehindIt(boolean used) {
    beingReset = used && !beingReset;
    return !beingReset;
  }

  /** Its reset went wrong. */
  void broken(@Nullable Throwable reason) {
    if (session.isLost()) {
      return;
    }
    broken = true;
    session.lose(
        new PgConnectionException(
            "the session could not be reset when it was given back to its pool",
            RetrySafety.UNKNOWN,
            reason));
  }

  /** A batch of the last borrower's is under way: its next row has so long to come. */
  void boundRows(Batch<?> batch, Lease lease) {
    batch.boundRows(String.valueOf(lease.ended()), resetNanos);
  }

  /** A reset has been written: it has so long. */
  void boundReset(Reset.Return reset) {
    session.schedule(reset::timeUp, resetNanos, TimeUnit.NANOSECONDS);
  }
}
