package io.asyncpg.pool;

import java.util.function.LongUnaryOperator;

/**
 * What the attempts to connect have met, and when the next may be made. Like {@link PoolState},
 * whose part it is, it has no clock.
 */
final class Backoff {
  /** After failures: the pause before the next attempt grows from here. */
  private static final long FIRST_PAUSE_NANOS = 20_000_000;

  private static final long LONGEST_PAUSE_NANOS = 250_000_000;

  /**
   * While somebody waits, the next attempt after one that failed, or that hangs, is never farther
   * away: a server that returns is noticed within a second, however long it was gone.
   */
  static final long LONGEST_WITH_WAITERS_NANOS = 750_000_000;

  /** A server that refuses who we are is not asked that often while nobody waits. */
  static final long LONGEST_PAUSE_REFUSED_NANOS = 10_000_000_000L;

  /** As long as there is no trouble, an attempt hangs when it takes longer than this. */
  static final long SLOW_ATTEMPT_NANOS = 5_000_000_000L;

  private final LongUnaryOperator jitter;

  /** Whether an attempt has succeeded since a host was left, or since one failed. */
  private boolean reachable;

  /** Whether since one succeeded a host was left, or an attempt has failed, or hangs. */
  private boolean troubled;

  /** Attempts that have failed since one succeeded. */
  private int failures;

  /** After a failure: when the next attempt is made if somebody waits, and if nobody does. */
  private long retryAt;

  private long refillAt;

  /**
   * Creates one that knows of no trouble.
   *
   * @param jitter given a bound above zero: a random number from zero up to it, exclusive
   */
  Backoff(LongUnaryOperator jitter) {
    this.jitter = jitter;
  }

  void succeeded() {
    reachable = true;
    troubled = false;
    failures = 0;
  }

  /**
   * An attempt has failed.
   *
   * @param refused whether it will be the same next time
   */
  void failed(boolean refused, long now) {
    hostLeft();
    failures++;
    retryAt = now + pause(refused ? LONGEST_WITH_WAITERS_NANOS : LONGEST_PAUSE_NANOS);
    refillAt = refused ? now + pause(LONGEST_PAUSE_REFUSED_NANOS) : retryAt;
  }

  /** The pause after as many failures: half of it by chance, so that pools do not march in step. */
  private long pause(long longest) {
    long pause = Math.min(longest, FIRST_PAUSE_NANOS << Math.min(failures - 1, 20));
    return pause / 2 + jitter.applyAsLong(pause / 2 + 1);
  }

  /** Nothing is known of whether it can be reached. */
  void hostLeft() {
    reachable = false;
    troubled = true;
  }

  void attemptHangs() {
    troubled = true;
  }

  /** Whether attempts are made one by one, until one succeeds. */
  boolean isOneByOne() {
    return !reachable;
  }

  boolean isTroubled() {
    return troubled;
  }

  /** Whether no attempt has succeeded since one failed. */
  boolean isFailing() {
    return failures > 0;
  }

  /** So long an attempt is counted on by those who wait; after that it hangs. */
  long patience() {
    return troubled ? LONGEST_WITH_WAITERS_NANOS : SLOW_ATTEMPT_NANOS;
  }

  /**
   * For how long there is to be no attempt.
   *
   * @param waited whether somebody waits
   * @return in nanoseconds; nothing, or less than that, when one may be made
   */
  long pauseLeft(boolean waited, long now) {
    return failures == 0 ? 0 : (waited ? retryAt : refillAt) - now;
  }
}
