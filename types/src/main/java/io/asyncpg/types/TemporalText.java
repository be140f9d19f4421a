package io.asyncpg.types;

import io.asyncpg.types.value.Interval;
import io.asyncpg.types.value.TimeOfDay;
import io.asyncpg.types.value.TimeTz;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Dates and times as the server prints them with {@code DateStyle = ISO}, its default. */
final class TemporalText {
  private static final Pattern DATE = Pattern.compile("(\\d{4,})-(\\d\\d)-(\\d\\d)( BC)?");
  private static final Pattern TIME = Pattern.compile("(\\d\\d+):(\\d\\d):(\\d\\d)(\\.\\d{1,6})?");
  private static final Pattern PART =
      Pattern.compile("([+-]?\\d+) (year|mon|day)s?|([+-]?)(\\d+:\\d\\d:\\d\\d(?:\\.\\d{1,6})?)");

  private TemporalText() {}

  static String print(LocalDate date) {
    if (date.equals(LocalDate.MAX)) {
      return "infinity";
    }
    if (date.equals(LocalDate.MIN)) {
      return "-infinity";
    }
    return day(date) + era(date);
  }

  static String print(LocalDateTime time) {
    if (time.equals(LocalDateTime.MAX)) {
      return "infinity";
    }
    if (time.equals(LocalDateTime.MIN)) {
      return "-infinity";
    }
    LocalDate date = time.toLocalDate();
    return day(date) + " " + TimeOfDay.of(time.toLocalTime()) + era(date);
  }

  static String print(OffsetDateTime time) {
    if (time.equals(OffsetDateTime.MAX)) {
      return "infinity";
    }
    if (time.equals(OffsetDateTime.MIN)) {
      return "-infinity";
    }
    LocalDate date = time.toLocalDate();
    return day(date) + " " + TimeTz.of(time.toOffsetTime()) + era(date);
  }

  static LocalDate parseDate(String text) {
    return switch (text) {
      case "infinity" -> LocalDate.MAX;
      case "-infinity" -> LocalDate.MIN;
      default -> date(text);
    };
  }

  static TimeOfDay parseTime(String text) {
    return new TimeOfDay(micros(text));
  }

  static TimeTz parseTimeTz(String text) {
    int zone = zoneStart(text);
    return new TimeTz(parseTime(text.substring(0, zone)), ZoneOffset.of(text.substring(zone)));
  }

  static LocalDateTime parseTimestamp(String text) {
    if (text.equals("infinity")) {
      return LocalDateTime.MAX;
    }
    if (text.equals("-infinity")) {
      return LocalDateTime.MIN;
    }
    String plain = text.endsWith(" BC") ? text.substring(0, text.length() - 3) : text;
    int space = plain.indexOf(' ');
    if (space < 0) {
      throw new DateTimeException("no time");
    }
    String date = text.substring(0, space) + text.substring(plain.length());
    return date(date).atTime(parseTime(plain.substring(space + 1)).toLocalTime());
  }

  static OffsetDateTime parseTimestampTz(String text) {
    if (text.equals("infinity")) {
      return OffsetDateTime.MAX;
    }
    if (text.equals("-infinity")) {
      return OffsetDateTime.MIN;
    }
    String plain = text.endsWith(" BC") ? text.substring(0, text.length() - 3) : text;
    int zone = zoneStart(plain);
    String local = text.substring(0, zone) + text.substring(plain.length());
    return parseTimestamp(local)
        .atOffset(ZoneOffset.of(plain.substring(zone)))
        .withOffsetSameInstant(ZoneOffset.UTC);
  }

  static Interval parseInterval(String text) {
    if (text.equals("infinity")) {
      return Interval.INFINITY;
    }
    if (text.equals("-infinity")) {
      return Interval.NEGATIVE_INFINITY;
    }
    long months = 0;
    int days = 0;
    long micros = 0;
    Matcher part = PART.matcher(text);
    int at = 0;
    while (part.lookingAt()) {
      if (part.group(4) != null) {
        long negative = negativeMicros(part.group(4));
        micros = "-".equals(part.group(3)) ? negative : Math.negateExact(negative);
      } else if (part.group(2).equals("day")) {
        days = Integer.parseInt(part.group(1));
      } else {
        int count = Integer.parseInt(part.group(1));
        months += part.group(2).equals("year") ? 12L * count : count;
      }
      at = part.end();
      if (at == text.length()) {
        return new Interval(Math.toIntExact(months), days, micros);
      }
      if (text.charAt(at) != ' ') {
        break;
      }
      at++;
      part.region(at, text.length());
    }
    throw new DateTimeException("no interval");
  }

  private static String day(LocalDate date) {
    int year = date.getYear() > 0 ? date.getYear() : 1 - date.getYear();
    return String.format(
        Locale.ROOT, "%04d-%02d-%02d", year, date.getMonthValue(), date.getDayOfMonth());
  }

  private static String era(LocalDate date) {
    return date.getYear() > 0 ? "" : " BC";
  }

  private static LocalDate date(String text) {
    Matcher parts = DATE.matcher(text);
    if (!parts.matches()) {
      throw new DateTimeException("no date");
    }
    int year = Integer.parseInt(parts.group(1));
    return LocalDate.of(
        parts.group(4) == null ? year : 1 - year,
        Integer.parseInt(parts.group(2)),
        Integer.parseInt(parts.group(3)));
  }

  private static long micros(String text) {
    return Math.negateExact(negativeMicros(text));
  }

  /** Counted down, as the longest interval is a negative one. */
  private static long negativeMicros(String text) {
    Matcher parts = TIME.matcher(text);
    if (!parts.matches()) {
      throw new DateTimeException("no time");
    }
    long seconds =
        Math.addExact(
            Math.multiplyExact(Long.parseLong(parts.group(1)), 3600),
            Long.parseLong(parts.group(2)) * 60 + Long.parseLong(parts.group(3)));
    String fraction = parts.group(4) == null ? "" : parts.group(4).substring(1);
    return Math.subtractExact(
        Math.multiplyExact(-seconds, 1_000_000),
        Long.parseLong((fraction + "000000").substring(0, 6)));
  }

  private static int zoneStart(String text) {
    // After the seconds, as a date has signs of its own.
    int at = text.lastIndexOf('.');
    at = Math.max(at, text.indexOf(':'));
    while (at >= 0 && at < text.length() && text.charAt(at) != '+' && text.charAt(at) != '-') {
      at++;
    }
    if (at < 0 || at == text.length()) {
      throw new DateTimeException("no zone");
    }
    return at;
  }
}
