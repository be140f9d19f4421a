package io.asyncpg.types.value;

import java.time.OffsetTime;
import java.time.ZoneOffset;
import java.util.Locale;

/**
 * A time with time zone as the server has it: {@code 24:00:00+02} is one, which {@link OffsetTime}
 * cannot hold.
 *
 * @param time the time of day
 * @param offset how far ahead of UTC, to the second
 */
public record TimeTz(TimeOfDay time, ZoneOffset offset) {
  /**
   * The value of an offset time.
   *
   * @param time a time in whole microseconds
   * @return the same time
   * @throws ArithmeticException if it has a fraction of a microsecond
   */
  public static TimeTz of(OffsetTime time) {
    return new TimeTz(TimeOfDay.of(time.toLocalTime()), time.getOffset());
  }

  /**
   * This time as an offset time.
   *
   * @return the same time
   * @throws ArithmeticException for {@code 24:00:00}
   */
  public OffsetTime toOffsetTime() {
    return OffsetTime.of(time.toLocalTime(), offset);
  }

  /** As the server prints it. */
  @Override
  public String toString() {
    int seconds = Math.abs(offset.getTotalSeconds());
    var text = new StringBuilder(time.toString());
    text.append(offset.getTotalSeconds() < 0 ? '-' : '+');
    text.append(String.format(Locale.ROOT, "%02d", seconds / 3600));
    if (seconds % 3600 != 0) {
      text.append(String.format(Locale.ROOT, ":%02d", seconds / 60 % 60));
    }
    if (seconds % 60 != 0) {
      text.append(String.format(Locale.ROOT, ":%02d", seconds % 60));
    }
    return text.toString();
  }
}
