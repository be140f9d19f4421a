package io.asyncpg.client.session;

import io.asyncpg.client.PgFuture;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * What all handles of one lease of a session share: the connection, what was made from it, and
 * their views with another timeout. Any thread.
 *
 * <p>A session that belongs to a pool has many, one after the other. Whoever needs the session for
 * an application, a handle or a request under way, holds the lease; the pool does not, so that one
 * that nobody can give back any more is noticed.
 */
final class Lease {
  /** Sees to what nobody can end any more: leases, and streams that are read half. */
  static final Cleaner CLEANER = Cleaner.create();

  /** Tells the pool of a lease that was collected as garbage. */
  private static final class Watch implements Runnable {
    private final PooledSession home;
    private final PgFuture<@Nullable Void> over;
    private final AtomicBoolean ended = new AtomicBoolean();

    Watch(PooledSession home, PgFuture<@Nullable Void> over) {
      this.home = home;
      this.over = over;
    }

    @Override
    public void run() {
      if (ended.compareAndSet(false, true)) {
        home.forgotten(new Lease(home, over));
      }
    }
  }

  private final @Nullable PooledSession home;
  private final PgFuture<@Nullable Void> over;
  private @Nullable Watch watch;
  private Cleaner.@Nullable Cleanable cleanable;
  private volatile @Nullable String ended;

  /** Whether a hook of the pool has it: it is not for the hook to give it back. */
  private volatile boolean withHook;

  /** Whether what it was for was cancelled: what is left open then is nobody's fault. */
  private volatile boolean cancelled;

  /** What is taken from now on belongs to another lease. */
  private volatile boolean past;

  /** The one lease of a session without a pool. */
  Lease() {
    this(null, new PgFuture<>());
  }

  /** One lease of a pool's session. */
  Lease(PooledSession home) {
    this(home, new PgFuture<>());
  }

  private Lease(@Nullable PooledSession home, PgFuture<@Nullable Void> over) {
    this.home = home;
    this.over = over;
  }

  /** Has the pool told when nobody can end it any more. */
  void watch() {
    PooledSession told = home;
    if (told != null) {
      Watch made = new Watch(told, over);
      watch = made;
      cleanable = CLEANER.register(this, made);
    }
  }

  /** Whose session it is a lease of; null without a pool. */
  @Nullable PooledSession home() {
    return home;
  }

  /** Why the handles may not be used any more, and what to do; null while they may. */
  @Nullable String ended() {
    return ended;
  }

  /** Completes when the session is no longer held by this lease; not to be handed out. */
  PgFuture<@Nullable Void> over() {
    return over;
  }

  /**
   * Ends the lease, once.
   *
   * @return false when it had ended before
   */
  boolean end(String why) {
    synchronized (this) {
      if (ended != null) {
        return false;
      }
      ended = why;
    }
    Watch told = watch;
    Cleaner.Cleanable registered = cleanable;
    if (told != null && registered != null) {
      told.ended.set(true);
      registered.clean();
    }
    return true;
  }

  /**
   * Does something to the session that its end would undo, if it has not ended.
   *
   * @throws IllegalStateException when it has
   */
  synchronized void whileItLasts(Runnable change) {
    String why = ended;
    if (why != null) {
      throw new IllegalStateException(why);
    }
    change.run();
  }

  boolean isWithHook() {
    return withHook;
  }

  void withHook(boolean has) {
    withHook = has;
  }

  boolean isCancelled() {
    return cancelled;
  }

  void cancelled() {
    cancelled = true;
  }

  boolean isPast() {
    return past;
  }

  void pass() {
    past = true;
  }
}
