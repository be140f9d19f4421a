package io.asyncpg.benchmarks;

/** How long operations took, in buckets 1.6 % wide, and the checksum that all of them agree on. */
final class Tally {
  private static final int PER_OCTAVE = 64;

  private final int[] buckets = new int[64 * PER_OCTAVE];
  private long count;
  private long checksum;

  /** One operation is done. */
  void done(long nanos, long sum) {
    if (count == 0) {
      checksum = sum;
    } else if (sum != checksum) {
      throw new IllegalStateException(
          "one operation sums up to " + checksum + ", another to " + sum);
    }
    buckets[bucket(nanos)]++;
    count++;
  }

  void add(Tally other) {
    if (other.count == 0) {
      return;
    }
    if (count > 0 && other.checksum != checksum) {
      throw new IllegalStateException(
          "one operation sums up to " + checksum + ", another to " + other.checksum);
    }
    checksum = other.checksum;
    count += other.count;
    for (int b = 0; b < buckets.length; b++) {
      buckets[b] += other.buckets[b];
    }
  }

  private static int bucket(long nanos) {
    long n = Math.max(nanos, PER_OCTAVE);
    int shift = 63 - Long.numberOfLeadingZeros(n) - 6;
    return (shift + 1) * PER_OCTAVE + (int) (n >>> shift) - PER_OCTAVE;
  }

  private static double middle(int bucket) {
    int shift = bucket / PER_OCTAVE - 1;
    return (bucket % PER_OCTAVE + PER_OCTAVE + 0.5) * (1L << Math.max(0, shift));
  }

  long count() {
    return count;
  }

  long checksum() {
    return checksum;
  }

  double percentileMicros(double p) {
    long rank = (long) Math.ceil(count * p);
    long seen = 0;
    for (int b = 0; b < buckets.length; b++) {
      seen += buckets[b];
      if (seen > 0 && seen >= rank) {
        return middle(b) / 1e3;
      }
    }
    return 0;
  }
}
