package io.asyncpg.types.value;

import java.util.Locale;

/**
 * A position in the write-ahead log, pg_lsn. Ordered by position.
 *
 * @param value the position in bytes, unsigned
 */
public record Lsn(long value) implements Comparable<Lsn> {
  /**
   * Reads a position as the server prints it.
   *
   * @param text as {@code 16/B374D848}
   * @return the position
   * @throws IllegalArgumentException if it is none
   */
  public static Lsn parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 1 || slash > 8 || text.length() - slash < 2 || text.length() - slash > 9) {
      throw new IllegalArgumentException("a pg_lsn looks like 16/B374D848");
    }
    return new Lsn(
        Long.parseLong(text, 0, slash, 16) << 32
            | Long.parseLong(text, slash + 1, text.length(), 16));
  }

  @Override
  public int compareTo(Lsn other) {
    return Long.compareUnsigned(value, other.value);
  }

  /** As the server prints it: {@code 16/B374D848}. */
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%X/%X", value >>> 32, value & 0xFFFF_FFFFL);
  }
}
