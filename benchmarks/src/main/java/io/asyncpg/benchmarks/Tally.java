package io.asyncpg.benchmarks;

import java.util.Arrays;

/** What one slice came to: operations, how long each took, and a checksum per operation. */
final class Tally {
  private long[] nanos = new long[1 << 16];
  private int count;
  private long checksum;

  /** One operation is done. */
  void done(long startedAt, long sum) {
    if (count == nanos.length) {
      nanos = Arrays.copyOf(nanos, count * 2);
    }
    nanos[count++] = System.nanoTime() - startedAt;
    checksum += sum;
  }

  int count() {
    return count;
  }

  /** The mean of the checksums: the same for all clients on workloads without keys. */
  long checksumPerOperation() {
    return count == 0 ? 0 : checksum / count;
  }

  double percentileMicros(double p) {
    if (count == 0) {
      return 0;
    }
    long[] sorted = Arrays.copyOf(nanos, count);
    Arrays.sort(sorted);
    return sorted[Math.min(count - 1, (int) (count * p))] / 1e3;
  }
}
