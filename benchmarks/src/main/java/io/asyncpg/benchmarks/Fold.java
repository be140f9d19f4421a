package io.asyncpg.benchmarks;

import java.math.BigDecimal;
import java.time.OffsetDateTime;
import java.util.UUID;

/** Values folded into a checksum: cheap, without allocation, and as Python folds them too. */
final class Fold {
  private Fold() {}

  static long of(String text) {
    int length = text.length();
    return length == 0 ? 0 : length * 31L + text.charAt(length - 1);
  }

  static long of(byte[] bytes) {
    return bytes.length * 31L + (bytes[bytes.length - 1] & 0xff);
  }

  static long of(OffsetDateTime at) {
    return at.toEpochSecond() + at.getNano() / 1000;
  }

  static long of(double number) {
    return (long) number;
  }

  /** For compact numbers hashCode is {@code 31 * unscaled + scale}. */
  static long of(BigDecimal number) {
    return number.hashCode();
  }

  static long of(boolean truth) {
    return truth ? 1 : 0;
  }

  static long of(UUID id) {
    return (id.getLeastSignificantBits() & 0xff) + (id.getMostSignificantBits() & 0xff);
  }

  static long of(int[] numbers) {
    long sum = 0;
    for (int number : numbers) {
      sum += number;
    }
    return sum;
  }

  static long of(Integer[] numbers) {
    long sum = 0;
    for (Integer number : numbers) {
      sum += number;
    }
    return sum;
  }
}
