package io.asyncpg.pool;

import io.asyncpg.pool.PoolState.Phase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/** Counts what a pool has done. Any thread. */
final class Tally {
  private static final long[] BOUNDS =
      PoolStats.ACQUIRE_TIME_BOUNDS.stream().mapToLong(Duration::toNanos).toArray();

  final AtomicLong timedOut = new AtomicLong();
  final AtomicLong rejected = new AtomicLong();
  final AtomicLong cancelled = new AtomicLong();
  final AtomicLong connectFailures = new AtomicLong();
  final AtomicLong reclaimed = new AtomicLong();
  private final AtomicLong acquired = new AtomicLong();
  private final AtomicLong acquiredAfterWait = new AtomicLong();
  private final AtomicLongArray acquireTimes = new AtomicLongArray(BOUNDS.length + 1);

  /**
   * A connection was lent.
   *
   * @param nanos since it was asked for
   * @param atOnce whether it was there when it was asked for
   */
  void lent(long nanos, boolean atOnce) {
    int at = Arrays.binarySearch(BOUNDS, nanos);
    acquireTimes.incrementAndGet(at >= 0 ? at : -at - 1);
    acquired.incrementAndGet();
    if (!atOnce) {
      acquiredAfterWait.incrementAndGet();
    }
  }

  /** All numbers. The caller holds the lock of the state. */
  PoolStats with(PoolState state) {
    List<Long> times = new ArrayList<>();
    for (int i = 0; i < acquireTimes.length(); i++) {
      times.add(acquireTimes.get(i));
    }
    return new PoolStats(
        state.size(),
        state.count(Phase.IDLE),
        state.count(Phase.LENT) + state.count(Phase.RETURNING) + state.count(Phase.CHECKING),
        state.waiting(),
        state.count(Phase.CONNECTING),
        state.minSize(),
        state.maxSize(),
        acquired.get(),
        acquiredAfterWait.get(),
        timedOut.get(),
        rejected.get(),
        cancelled.get(),
        state.created(),
        connectFailures.get(),
        reclaimed.get(),
        state.closed(),
        times);
  }
}
