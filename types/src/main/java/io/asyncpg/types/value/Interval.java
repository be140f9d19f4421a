package io.asyncpg.types.value;

import java.time.Duration;
import java.time.Period;

/**
 * An interval: months, days and microseconds, which the server keeps apart because none has a fixed
 * length in the next. Two are equal when all three parts are, although SQL's {@code =} counts a
 * month as 30 days and a day as 24 hours.
 *
 * @param months whole months, of either sign
 * @param days whole days, of either sign
 * @param microseconds the rest, of either sign
 */
public record Interval(int months, int days, long microseconds) {
  /** Longer than every interval (PostgreSQL 17 and later). */
  public static final Interval INFINITY =
      new Interval(Integer.MAX_VALUE, Integer.MAX_VALUE, Long.MAX_VALUE);

  /** Shorter than every interval (PostgreSQL 17 and later). */
  public static final Interval NEGATIVE_INFINITY =
      new Interval(Integer.MIN_VALUE, Integer.MIN_VALUE, Long.MIN_VALUE);

  private static final long MICROS_PER_SECOND = 1_000_000;

  /**
   * The interval of a period.
   *
   * @param period years, months and days
   * @return twelve months for a year, the days as they are
   * @throws ArithmeticException if the months exceed an int
   */
  @SuppressWarnings("JavaPeriodGetDays")
  public static Interval of(Period period) {
    return new Interval(Math.toIntExact(period.toTotalMonths()), period.getDays(), 0);
  }

  /**
   * The interval of a duration: microseconds only, no days.
   *
   * @param duration a length of time in whole microseconds
   * @return the interval
   * @throws ArithmeticException if the duration has a fraction of a microsecond, or more of them
   *     than a long holds
   */
  public static Interval of(Duration duration) {
    if (duration.getNano() % 1_000 != 0) {
      throw new ArithmeticException(
          "the duration has a fraction of a microsecond, which an interval cannot hold: truncate it"
              + " with truncatedTo(ChronoUnit.MICROS)");
    }
    // A negative duration counts its seconds down and its nanoseconds up: -0.5s is -1s and 0.5s.
    long seconds = duration.getSeconds();
    long micros = duration.getNano() / 1_000;
    if (seconds < 0 && micros > 0) {
      seconds++;
      micros -= MICROS_PER_SECOND;
    }
    return new Interval(
        0, 0, Math.addExact(Math.multiplyExact(seconds, MICROS_PER_SECOND), micros));
  }

  /**
   * Whether this is neither {@link #INFINITY} nor {@link #NEGATIVE_INFINITY}.
   *
   * @return true for a length
   */
  public boolean isFinite() {
    return !equals(INFINITY) && !equals(NEGATIVE_INFINITY);
  }

  /**
   * This interval as a period.
   *
   * @return years, months and days
   * @throws ArithmeticException if there are microseconds, or it is infinite
   */
  public Period toPeriod() {
    if (microseconds != 0) {
      throw new ArithmeticException("the interval has a time of day, which a Period cannot hold");
    }
    return Period.of(months / 12, months % 12, days);
  }

  /**
   * This interval as a duration.
   *
   * @return the microseconds
   * @throws ArithmeticException if there are months or days, whose length is not fixed
   */
  public Duration toDuration() {
    if (months != 0 || days != 0) {
      throw new ArithmeticException(
          "the interval has months or days, whose length is not fixed: a Duration cannot hold it");
    }
    return Duration.ofSeconds(
        Math.floorDiv(microseconds, MICROS_PER_SECOND),
        Math.floorMod(microseconds, MICROS_PER_SECOND) * 1_000);
  }

  /** As the server prints it with {@code IntervalStyle = postgres}, its default. */
  @Override
  public String toString() {
    if (!isFinite()) {
      return months > 0 ? "infinity" : "-infinity";
    }
    var text = new StringBuilder();
    boolean negativeBefore = part(text, months / 12, "year", false);
    negativeBefore = part(text, months % 12, "mon", negativeBefore);
    negativeBefore = part(text, days, "day", negativeBefore);
    if (microseconds != 0 || text.isEmpty()) {
      if (!text.isEmpty()) {
        text.append(' ');
      }
      if (microseconds < 0) {
        text.append('-');
      } else if (negativeBefore) {
        text.append('+');
      }
      time(text, microseconds);
    }
    return text.toString();
  }

  /** Appends one part; what comes after a negative part shows its sign. */
  private static boolean part(StringBuilder text, int count, String unit, boolean negativeBefore) {
    if (count == 0) {
      return negativeBefore;
    }
    if (!text.isEmpty()) {
      text.append(' ');
    }
    if (negativeBefore && count > 0) {
      text.append('+');
    }
    text.append(count).append(' ').append(unit);
    if (count != 1) {
      text.append('s');
    }
    return count < 0;
  }

  /** Appends hours, minutes and seconds without a sign; hours take two digits or more. */
  static void time(StringBuilder text, long microseconds) {
    long seconds = Math.abs(microseconds / MICROS_PER_SECOND);
    long fraction = Math.abs(microseconds % MICROS_PER_SECOND);
    two(text, seconds / 3600);
    text.append(':');
    two(text, seconds / 60 % 60);
    text.append(':');
    two(text, seconds % 60);
    if (fraction != 0) {
      int end = text.length();
      text.append('.').append(MICROS_PER_SECOND + fraction).deleteCharAt(end + 1);
      while (text.charAt(text.length() - 1) == '0') {
        text.setLength(text.length() - 1);
      }
    }
  }

  private static void two(StringBuilder text, long number) {
    if (number < 10) {
      text.append('0');
    }
    text.append(number);
  }
}
