package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Interval;
import io.asyncpg.types.value.TimeOfDay;
import io.asyncpg.types.value.TimeTz;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoField;
import org.jspecify.annotations.Nullable;

/**
 * Dates and times: days and microseconds counted from 2000-01-01. The server's infinity is the
 * {@code MAX} of the Java class and its -infinity the {@code MIN}, both ways.
 */
final class TemporalCodecs {
  private static final long EPOCH_DAY = 10_957;
  private static final long EPOCH_SECOND = 946_684_800;
  private static final long MICROS = 1_000_000;
  private static final long MICROS_PER_DAY = 86_400 * MICROS;

  // The server's own limits (datatype/timestamp.h): from 4714-11-24 BC to the end of 5874897 for a
  // date, of 294276 for a timestamp.
  private static final long MIN_DAY = -2_451_545;
  private static final long END_DAY = 2_145_031_949;
  private static final long MIN_MICROS = -211_813_488_000_000_000L;
  private static final long END_MICROS = 9_223_371_331_200_000_000L;

  static final Codec<LocalDate> DATE =
      new Codec<>() {
        @Override
        public Class<LocalDate> javaType() {
          return LocalDate.class;
        }

        @Override
        public void encode(LocalDate value, PgType type, ValueWriter out) {
          if (value.equals(LocalDate.MAX)) {
            out.writeInt(Integer.MAX_VALUE);
          } else if (value.equals(LocalDate.MIN)) {
            out.writeInt(Integer.MIN_VALUE);
          } else {
            long day = value.toEpochDay() - EPOCH_DAY;
            if (day < MIN_DAY || day >= END_DAY) {
              throw new PgCodecException(
                  "a java.time.LocalDate does not fit date, which goes from 4714-11-24 BC to"
                      + " 5874897-12-31; infinity is LocalDate.MAX, -infinity LocalDate.MIN");
            }
            out.writeInt((int) day);
          }
        }

        @Override
        public LocalDate decode(PgType type, ValueReader in) {
          int day = in.readInt();
          return switch (day) {
            case Integer.MAX_VALUE -> LocalDate.MAX;
            case Integer.MIN_VALUE -> LocalDate.MIN;
            default -> date(day + EPOCH_DAY);
          };
        }
      };

  static final Codec<TimeOfDay> TIME_OF_DAY =
      new Codec<>() {
        @Override
        public Class<TimeOfDay> javaType() {
          return TimeOfDay.class;
        }

        @Override
        public void encode(TimeOfDay value, PgType type, ValueWriter out) {
          out.writeLong(value.microseconds());
        }

        @Override
        public TimeOfDay decode(PgType type, ValueReader in) {
          return timeOfDay(type, in);
        }
      };

  static final Codec<LocalTime> TIME =
      new Codec<>() {
        @Override
        public Class<LocalTime> javaType() {
          return LocalTime.class;
        }

        @Override
        public void encode(LocalTime value, PgType type, ValueWriter out) {
          out.writeLong(microOfDay(value, type));
        }

        @Override
        public LocalTime decode(PgType type, ValueReader in) {
          return localTime(timeOfDay(type, in), TimeOfDay.class);
        }
      };

  static final Codec<TimeTz> TIME_TZ =
      new Codec<>() {
        @Override
        public Class<TimeTz> javaType() {
          return TimeTz.class;
        }

        @Override
        public void encode(TimeTz value, PgType type, ValueWriter out) {
          out.writeLong(value.time().microseconds()).writeInt(-value.offset().getTotalSeconds());
        }

        @Override
        public TimeTz decode(PgType type, ValueReader in) {
          return new TimeTz(timeOfDay(type, in), zone(in));
        }
      };

  static final Codec<OffsetTime> OFFSET_TIME =
      new Codec<>() {
        @Override
        public Class<OffsetTime> javaType() {
          return OffsetTime.class;
        }

        @Override
        public void encode(OffsetTime value, PgType type, ValueWriter out) {
          out.writeLong(microOfDay(value.toLocalTime(), type))
              .writeInt(-value.getOffset().getTotalSeconds());
        }

        @Override
        public OffsetTime decode(PgType type, ValueReader in) {
          return OffsetTime.of(localTime(timeOfDay(type, in), TimeTz.class), zone(in));
        }
      };

  static final Codec<LocalDateTime> TIMESTAMP =
      new Codec<>() {
        @Override
        public Class<LocalDateTime> javaType() {
          return LocalDateTime.class;
        }

        @Override
        public void encode(LocalDateTime value, PgType type, ValueWriter out) {
          if (value.equals(LocalDateTime.MAX)) {
            out.writeLong(Long.MAX_VALUE);
          } else if (value.equals(LocalDateTime.MIN)) {
            out.writeLong(Long.MIN_VALUE);
          } else {
            out.writeLong(
                micros(
                    value.toEpochSecond(ZoneOffset.UTC),
                    value.get(ChronoField.NANO_OF_SECOND),
                    javaType(),
                    type));
          }
        }

        @Override
        public LocalDateTime decode(PgType type, ValueReader in) {
          long micros = in.readLong();
          if (micros == Long.MAX_VALUE) {
            return LocalDateTime.MAX;
          }
          if (micros == Long.MIN_VALUE) {
            return LocalDateTime.MIN;
          }
          return dateTime(micros);
        }
      };

  static final Codec<OffsetDateTime> TIMESTAMPTZ =
      new Codec<>() {
        @Override
        public Class<OffsetDateTime> javaType() {
          return OffsetDateTime.class;
        }

        @Override
        public void encode(OffsetDateTime value, PgType type, ValueWriter out) {
          if (value.equals(OffsetDateTime.MAX)) {
            out.writeLong(Long.MAX_VALUE);
          } else if (value.equals(OffsetDateTime.MIN)) {
            out.writeLong(Long.MIN_VALUE);
          } else {
            out.writeLong(micros(value.toEpochSecond(), value.getNano(), javaType(), type));
          }
        }

        @Override
        public OffsetDateTime decode(PgType type, ValueReader in) {
          long micros = in.readLong();
          if (micros == Long.MAX_VALUE) {
            return OffsetDateTime.MAX;
          }
          if (micros == Long.MIN_VALUE) {
            return OffsetDateTime.MIN;
          }
          return OffsetDateTime.of(dateTime(micros), ZoneOffset.UTC);
        }
      };

  static final Codec<Instant> INSTANT =
      new Codec<>() {
        @Override
        public Class<Instant> javaType() {
          return Instant.class;
        }

        @Override
        public void encode(Instant value, PgType type, ValueWriter out) {
          if (value.equals(Instant.MAX)) {
            out.writeLong(Long.MAX_VALUE);
          } else if (value.equals(Instant.MIN)) {
            out.writeLong(Long.MIN_VALUE);
          } else {
            out.writeLong(micros(value.getEpochSecond(), value.getNano(), javaType(), type));
          }
        }

        @Override
        public Instant decode(PgType type, ValueReader in) {
          long micros = in.readLong();
          if (micros == Long.MAX_VALUE) {
            return Instant.MAX;
          }
          if (micros == Long.MIN_VALUE) {
            return Instant.MIN;
          }
          return Instant.ofEpochSecond(seconds(micros), nanos(micros));
        }
      };

  static final Codec<Interval> INTERVAL =
      new Codec<>() {
        @Override
        public Class<Interval> javaType() {
          return Interval.class;
        }

        @Override
        public void encode(Interval value, PgType type, ValueWriter out) {
          out.writeLong(value.microseconds()).writeInt(value.days()).writeInt(value.months());
        }

        @Override
        public Interval decode(PgType type, ValueReader in) {
          long micros = in.readLong();
          int days = in.readInt();
          return new Interval(in.readInt(), days, micros);
        }
      };

  /**
   * The days that most values are of, from 1970 to 2059, each made once: a million timestamps of a
   * month share thirty dates. Racy, and harmless: dates are immutable, and equal whoever made them.
   */
  private static final class Days {
    private static final @Nullable LocalDate[] KNOWN = new LocalDate[1 << 15];
  }

  private TemporalCodecs() {}

  private static LocalDate date(long epochDay) {
    @Nullable LocalDate[] known = Days.KNOWN;
    if (epochDay < 0 || epochDay >= known.length) {
      return LocalDate.ofEpochDay(epochDay);
    }
    LocalDate date = known[(int) epochDay];
    if (date == null) {
      date = LocalDate.ofEpochDay(epochDay);
      known[(int) epochDay] = date;
    }
    return date;
  }

  private static LocalDateTime dateTime(long micros) {
    long day = Math.floorDiv(micros, MICROS_PER_DAY);
    return LocalDateTime.of(
        date(day + EPOCH_DAY), LocalTime.ofNanoOfDay((micros - day * MICROS_PER_DAY) * 1_000));
  }

  static Conversions<LocalDate> date() {
    return Conversions.of(DATE, TemporalText::print, TemporalText::parseDate);
  }

  static Conversions<TimeOfDay> time() {
    return Conversions.of(TIME_OF_DAY, TimeOfDay::toString, TemporalText::parseTime)
        .standard(TIME, TimeOfDay::toLocalTime, TimeOfDay::of);
  }

  static Conversions<TimeTz> timeTz() {
    return Conversions.of(TIME_TZ, TimeTz::toString, TemporalText::parseTimeTz)
        .standard(OFFSET_TIME, TimeTz::toOffsetTime, TimeTz::of);
  }

  static Conversions<LocalDateTime> timestamp() {
    return Conversions.of(TIMESTAMP, TemporalText::print, TemporalText::parseTimestamp)
        .writes(LocalDate.class, TemporalCodecs::midnight);
  }

  static Conversions<OffsetDateTime> timestampTz() {
    return Conversions.of(TIMESTAMPTZ, TemporalText::print, TemporalText::parseTimestampTz)
        .alternative(INSTANT, TemporalCodecs::toInstant, TemporalCodecs::toOffsetDateTime)
        .both(
            ZonedDateTime.class,
            time -> finite(time).atZoneSameInstant(ZoneOffset.UTC),
            ZonedDateTime::toOffsetDateTime);
  }

  static Conversions<Interval> interval() {
    return Conversions.of(INTERVAL, Interval::toString, TemporalText::parseInterval)
        .both(Period.class, Interval::toPeriod, Interval::of)
        .both(Duration.class, Interval::toDuration, Interval::of);
  }

  private static LocalDateTime midnight(LocalDate date) {
    if (date.equals(LocalDate.MAX)) {
      return LocalDateTime.MAX;
    }
    return date.equals(LocalDate.MIN) ? LocalDateTime.MIN : date.atStartOfDay();
  }

  private static Instant toInstant(OffsetDateTime time) {
    if (time.equals(OffsetDateTime.MAX)) {
      return Instant.MAX;
    }
    return time.equals(OffsetDateTime.MIN) ? Instant.MIN : time.toInstant();
  }

  private static OffsetDateTime toOffsetDateTime(Instant time) {
    if (time.equals(Instant.MAX)) {
      return OffsetDateTime.MAX;
    }
    return time.equals(Instant.MIN) ? OffsetDateTime.MIN : time.atOffset(ZoneOffset.UTC);
  }

  private static OffsetDateTime finite(OffsetDateTime time) {
    if (time.equals(OffsetDateTime.MAX) || time.equals(OffsetDateTime.MIN)) {
      throw new DateTimeException("infinity");
    }
    return time;
  }

  private static TimeOfDay timeOfDay(PgType type, ValueReader in) {
    long micros = in.readLong();
    if (micros < 0 || micros > TimeOfDay.END_OF_DAY.microseconds()) {
      throw new PgCodecException(type.displayName() + " outside 00:00:00 to 24:00:00");
    }
    return new TimeOfDay(micros);
  }

  private static LocalTime localTime(TimeOfDay time, Class<?> alternative) {
    if (time.equals(TimeOfDay.END_OF_DAY)) {
      throw new PgCodecException(
          "24:00:00 is a time that java.time cannot hold: read it as "
              + alternative.getName()
              + " or as java.lang.String");
    }
    return time.toLocalTime();
  }

  /** The wire counts seconds west of UTC. */
  private static ZoneOffset zone(ValueReader in) {
    int west = in.readInt();
    if (Math.abs((long) west) > 18 * 3600) {
      throw new PgCodecException("a zone " + west + " seconds west of UTC");
    }
    return ZoneOffset.ofTotalSeconds(-west);
  }

  private static long microOfDay(LocalTime time, PgType type) {
    long nanos = time.toNanoOfDay();
    if (nanos % 1_000 != 0) {
      throw fraction(LocalTime.class, type);
    }
    return nanos / 1_000;
  }

  private static long micros(long epochSecond, int nano, Class<?> javaType, PgType type) {
    if (nano % 1_000 != 0) {
      throw fraction(javaType, type);
    }
    // Beyond 300,000 years either way the product would overflow, and the server has no such time.
    if (Math.abs(epochSecond - EPOCH_SECOND) < 9_223_372_036_854L) {
      long micros = (epochSecond - EPOCH_SECOND) * MICROS + nano / 1_000;
      if (micros >= MIN_MICROS && micros < END_MICROS) {
        return micros;
      }
    }
    throw outside(javaType, type);
  }

  private static PgCodecException fraction(Class<?> javaType, PgType type) {
    return new PgCodecException(
        "a "
            + javaType.getName()
            + " with a fraction of a microsecond does not fit "
            + type.displayName()
            + ": truncate it with truncatedTo(ChronoUnit.MICROS)");
  }

  private static PgCodecException outside(Class<?> javaType, PgType type) {
    String name = javaType.getSimpleName();
    return new PgCodecException(
        "a "
            + javaType.getName()
            + " does not fit "
            + type.displayName()
            + ", which goes from 4714-11-24 BC to the end of 294276; infinity is "
            + name
            + ".MAX, -infinity "
            + name
            + ".MIN");
  }

  private static long seconds(long micros) {
    return Math.floorDiv(micros, MICROS) + EPOCH_SECOND;
  }

  private static int nanos(long micros) {
    return (int) Math.floorMod(micros, MICROS) * 1_000;
  }
}
