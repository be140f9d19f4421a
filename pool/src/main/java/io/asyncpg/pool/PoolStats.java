package io.asyncpg.pool;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a pool has and has done, at one moment.
 *
 * @param size connections that count against {@code maxSize}: open, being opened or being closed
 * @param idle connections that wait for a borrower
 * @param active connections that are lent, or being made ready for their next borrower
 * @param waiting borrowers who wait for a connection
 * @param connecting connections that are being opened
 * @param minSize how many are kept open
 * @param maxSize how many there may be
 * @param acquired how often a connection was lent
 * @param acquiredAfterWait how often its borrower had to wait for it
 * @param timedOut how often a borrower's time was up first
 * @param rejected how often {@code maxWaiting} others waited already
 * @param cancelled how often a borrower gave up
 * @param created connections opened
 * @param connectFailures attempts to open one that failed
 * @param reclaimed handles that nobody gave back and the garbage collector found
 * @param closed connections closed, by reason
 * @param acquireTimes how long borrowers waited: one count more than {@link #ACQUIRE_TIME_BOUNDS},
 *     each of the waits up to and including its bound and above the one before, the last of those
 *     above all bounds
 */
public record PoolStats(
    int size,
    int idle,
    int active,
    int waiting,
    int connecting,
    int minSize,
    int maxSize,
    long acquired,
    long acquiredAfterWait,
    long timedOut,
    long rejected,
    long cancelled,
    long created,
    long connectFailures,
    long reclaimed,
    Map<CloseReason, Long> closed,
    List<Long> acquireTimes) {
  /** The bounds of {@link #acquireTimes}. */
  public static final List<Duration> ACQUIRE_TIME_BOUNDS =
      List.of(
          Duration.ofNanos(10_000),
          Duration.ofNanos(100_000),
          Duration.ofMillis(1),
          Duration.ofMillis(10),
          Duration.ofMillis(100),
          Duration.ofSeconds(1),
          Duration.ofSeconds(10));

  /**
   * Keeps copies of the collections.
   *
   * @param size connections that count against {@code maxSize}
   * @param idle connections that wait for a borrower
   * @param active connections that are lent
   * @param waiting borrowers who wait
   * @param connecting connections that are being opened
   * @param minSize how many are kept open
   * @param maxSize how many there may be
   * @param acquired how often a connection was lent
   * @param acquiredAfterWait how often its borrower had to wait
   * @param timedOut how often a borrower's time was up
   * @param rejected how often too many waited
   * @param cancelled how often a borrower gave up
   * @param created connections opened
   * @param connectFailures attempts that failed
   * @param reclaimed handles that nobody gave back
   * @param closed connections closed, by reason
   * @param acquireTimes how long borrowers waited
   */
  public PoolStats {
    closed = Map.copyOf(closed);
    acquireTimes = List.copyOf(acquireTimes);
  }
}
