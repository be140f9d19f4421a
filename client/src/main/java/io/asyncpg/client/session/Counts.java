package io.asyncpg.client.session;

import io.asyncpg.client.RowCounts;
import java.util.Arrays;
import java.util.Objects;

/** Row counts as four bytes each, or eight once there is one that needs them. */
final class Counts implements RowCounts {
  private static final int[] NONE = {};
  private static final long[] NO_WIDE = {};

  private int[] counts = NONE;
  private long[] wide = NO_WIDE;
  private boolean isWide;
  private int size;
  private long total;

  void add(long count) {
    if (!isWide && count != (int) count) {
      wide = new long[Math.max(16, counts.length)];
      for (int i = 0; i < size; i++) {
        wide[i] = counts[i];
      }
      counts = NONE;
      isWide = true;
    }
    if (isWide) {
      if (size == wide.length) {
        wide = Arrays.copyOf(wide, Math.max(16, size + (size >> 1)));
      }
      wide[size++] = count;
    } else {
      if (size == counts.length) {
        counts = Arrays.copyOf(counts, Math.max(16, size + (size >> 1)));
      }
      counts[size++] = (int) count;
    }
    total += count;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public long get(int i) {
    Objects.checkIndex(i, size);
    return isWide ? wide[i] : counts[i];
  }

  @Override
  public long total() {
    return total;
  }

  @Override
  public String toString() {
    return "RowCounts[" + size + " executions, " + total + " rows]";
  }
}
