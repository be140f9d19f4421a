package io.asyncpg.types.value;

import java.time.LocalTime;

/**
 * A time of day as the server has it: {@code 24:00:00} is one, which {@link LocalTime} cannot hold.
 *
 * @param microseconds microseconds since midnight, 0 to 86,400,000,000
 */
public record TimeOfDay(long microseconds) implements Comparable<TimeOfDay> {
  /** The end of the day, {@code 24:00:00}. */
  public static final TimeOfDay END_OF_DAY = new TimeOfDay(86_400_000_000L);

  /**
   * Checks the range.
   *
   * @param microseconds microseconds since midnight, 0 to 86,400,000,000
   * @throws IllegalArgumentException if outside it
   */
  public TimeOfDay {
    if (microseconds < 0 || microseconds > 86_400_000_000L) {
      throw new IllegalArgumentException(
          "a time of day lies between 0 and 86400000000 microseconds, not " + microseconds);
    }
  }

  /**
   * The time of day of a local time.
   *
   * @param time a time in whole microseconds
   * @return the same time
   * @throws ArithmeticException if it has a fraction of a microsecond
   */
  public static TimeOfDay of(LocalTime time) {
    long nanos = time.toNanoOfDay();
    if (nanos % 1_000 != 0) {
      throw new ArithmeticException(
          "the time has a fraction of a microsecond, which PostgreSQL cannot hold: truncate it with"
              + " truncatedTo(ChronoUnit.MICROS)");
    }
    return new TimeOfDay(nanos / 1_000);
  }

  /**
   * This time as a local time.
   *
   * @return the same time
   * @throws ArithmeticException for {@code 24:00:00}
   */
  public LocalTime toLocalTime() {
    if (microseconds == END_OF_DAY.microseconds) {
      throw new ArithmeticException("24:00:00 is no LocalTime");
    }
    return LocalTime.ofNanoOfDay(microseconds * 1_000);
  }

  @Override
  public int compareTo(TimeOfDay other) {
    return Long.compare(microseconds, other.microseconds);
  }

  /** As the server prints it. */
  @Override
  public String toString() {
    var text = new StringBuilder(15);
    Interval.time(text, microseconds);
    return text.toString();
  }
}
