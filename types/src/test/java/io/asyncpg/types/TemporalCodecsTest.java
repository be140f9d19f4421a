package io.asyncpg.types;

import static io.asyncpg.types.Wire.read;
import static io.asyncpg.types.Wire.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Interval;
import io.asyncpg.types.value.TimeOfDay;
import io.asyncpg.types.value.TimeTz;
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
import java.time.temporal.ChronoUnit;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TemporalCodecsTest {
  @Test
  void aDateCountsDaysFrom2000() {
    assertThat(write(BuiltinTypes.DATE, LocalDate.of(2000, 1, 2))).isEqualTo("00000001");
    assertThat(read(BuiltinTypes.DATE, "ffffffff")).isEqualTo(LocalDate.of(1999, 12, 31));
    assertThat(read(BuiltinTypes.DATE, String.class, "ffda97a7")).isEqualTo("4714-11-24 BC");
  }

  @Test
  void everyMomentOfEveryCenturyIsTheOneThatWasMeant() {
    Random random = new Random(20261123);
    long year = 366L * 86_400_000_000L;
    for (int i = 0; i < 20_000; i++) {
      // Around the days that are kept, from 1970 to 2059, and far from them.
      long micros = random.nextLong(-1L << random.nextInt(1, 57), year * 100);
      String hex = String.format("%016x", micros);
      LocalDateTime expected = LocalDateTime.of(2000, 1, 1, 0, 0).plus(micros, ChronoUnit.MICROS);
      assertThat(read(BuiltinTypes.TIMESTAMP, hex)).isEqualTo(expected);
      assertThat(read(BuiltinTypes.TIMESTAMPTZ, hex)).isEqualTo(expected.atOffset(ZoneOffset.UTC));
      String day = String.format("%08x", (int) Math.floorDiv(micros, 86_400_000_000L));
      assertThat(read(BuiltinTypes.DATE, day)).isEqualTo(expected.toLocalDate());
    }
  }

  @Test
  void infinityIsTheClassesMaximumBothWays() {
    assertThat(read(BuiltinTypes.DATE, "7fffffff")).isEqualTo(LocalDate.MAX);
    assertThat(read(BuiltinTypes.DATE, "80000000")).isEqualTo(LocalDate.MIN);
    assertThat(write(BuiltinTypes.DATE, LocalDate.MAX)).isEqualTo("7fffffff");
    assertThat(read(BuiltinTypes.TIMESTAMP, "7fffffffffffffff")).isEqualTo(LocalDateTime.MAX);
    assertThat(write(BuiltinTypes.TIMESTAMP, LocalDateTime.MIN)).isEqualTo("8000000000000000");
    assertThat(read(BuiltinTypes.TIMESTAMPTZ, "7fffffffffffffff")).isEqualTo(OffsetDateTime.MAX);
    assertThat(write(BuiltinTypes.TIMESTAMPTZ, OffsetDateTime.MIN)).isEqualTo("8000000000000000");
    assertThat(read(BuiltinTypes.TIMESTAMPTZ, Instant.class, "8000000000000000"))
        .isEqualTo(Instant.MIN);
    assertThat(write(BuiltinTypes.TIMESTAMPTZ, Instant.MAX)).isEqualTo("7fffffffffffffff");
    assertThatThrownBy(
            () -> read(BuiltinTypes.TIMESTAMPTZ, ZonedDateTime.class, "7fffffffffffffff"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("read it as java.time.OffsetDateTime");
  }

  @Test
  void aDateOutsideTheServersRangeIsRefused() {
    assertThatThrownBy(() -> write(BuiltinTypes.DATE, LocalDate.of(-5000, 1, 1)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("4714-11-24 BC");
    assertThatThrownBy(() -> write(BuiltinTypes.DATE, LocalDate.of(5_874_898, 1, 1)))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> write(BuiltinTypes.TIMESTAMP, LocalDateTime.of(294_277, 1, 1, 0, 0)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("294276");
    assertThatThrownBy(() -> write(BuiltinTypes.TIMESTAMPTZ, Instant.MAX.minusSeconds(1)))
        .isInstanceOf(PgCodecException.class);
    assertThat(write(BuiltinTypes.DATE, LocalDate.of(5_874_897, 12, 31))).isEqualTo("7fda970c");
  }

  @Test
  void aFractionOfAMicrosecondIsRefusedWithTheRemedy() {
    for (Object value :
        new Object[] {
          Instant.ofEpochSecond(0, 1),
          LocalDateTime.of(2024, 1, 1, 0, 0, 0, 1).atOffset(ZoneOffset.UTC),
          LocalDateTime.of(2024, 1, 1, 0, 0, 0, 1).atZone(ZoneOffset.UTC)
        }) {
      assertThatThrownBy(() -> write(BuiltinTypes.TIMESTAMPTZ, value))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("truncatedTo(ChronoUnit.MICROS)");
    }
    assertThatThrownBy(() -> write(BuiltinTypes.TIME, LocalTime.of(0, 0, 0, 999)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("truncatedTo(ChronoUnit.MICROS)");
  }

  @Test
  void aTimestampHasNoZoneAndIsNotTakenForAMoment() {
    LocalDateTime time = LocalDateTime.of(2000, 1, 1, 0, 0, 1);
    assertThat(write(BuiltinTypes.TIMESTAMP, time)).isEqualTo("00000000000f4240");
    assertThat(write(BuiltinTypes.TIMESTAMP, LocalDate.of(2000, 1, 1)))
        .isEqualTo("0000000000000000");
    assertThatThrownBy(() -> write(BuiltinTypes.TIMESTAMPTZ, time))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.time.LocalDateTime cannot become timestamptz");
    assertThatThrownBy(() -> write(BuiltinTypes.TIMESTAMP, Instant.EPOCH))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(BuiltinTypes.TIMESTAMP, Instant.class, "00000000000f4240"))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void aMomentIsReadInUtcWhateverWroteIt() {
    OffsetDateTime time = OffsetDateTime.of(2000, 1, 1, 5, 0, 0, 0, ZoneOffset.ofHours(5));
    assertThat(write(BuiltinTypes.TIMESTAMPTZ, time)).isEqualTo("0000000000000000");
    assertThat(read(BuiltinTypes.TIMESTAMPTZ, "ffffffffffffffff"))
        .isEqualTo(OffsetDateTime.of(1999, 12, 31, 23, 59, 59, 999_999_000, ZoneOffset.UTC));
    assertThat(read(BuiltinTypes.TIMESTAMPTZ, Instant.class, "0000000000000000"))
        .isEqualTo(Instant.parse("2000-01-01T00:00:00Z"));
  }

  @Test
  void theEndOfTheDayIsNoLocalTime() {
    assertThatThrownBy(() -> read(BuiltinTypes.TIME, "000000141dd76000"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("24:00:00")
        .hasMessageContaining("io.asyncpg.types.value.TimeOfDay");
    assertThat(read(BuiltinTypes.TIME, TimeOfDay.class, "000000141dd76000"))
        .isEqualTo(TimeOfDay.END_OF_DAY);
    assertThat(read(BuiltinTypes.TIME, String.class, "000000141dd76000")).isEqualTo("24:00:00");
    assertThat(write(BuiltinTypes.TIME, TimeOfDay.END_OF_DAY)).isEqualTo("000000141dd76000");
    assertThatThrownBy(() -> read(BuiltinTypes.TIME, "000000141dd76001"))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void aZoneOffsetIsKeptToTheSecond() {
    OffsetTime time = OffsetTime.of(LocalTime.NOON, ZoneOffset.ofHoursMinutesSeconds(1, 2, 3));
    String hex = write(BuiltinTypes.TIMETZ, time);
    assertThat(hex).isEqualTo("0000000a0eebb000" + "fffff175");
    assertThat(read(BuiltinTypes.TIMETZ, hex)).isEqualTo(time);
    assertThat(read(BuiltinTypes.TIMETZ, String.class, hex)).isEqualTo("12:00:00+01:02:03");
    assertThat(read(BuiltinTypes.TIMETZ, TimeTz.class, "000000141dd76000 00000000"))
        .isEqualTo(new TimeTz(TimeOfDay.END_OF_DAY, ZoneOffset.UTC));
    assertThatThrownBy(() -> read(BuiltinTypes.TIMETZ, "0000000a0eebb000 7fffffff"))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void anIntervalKeepsMonthsDaysAndMicroseconds() {
    String hex = "00000000000f4240" + "00000002" + "0000000e";
    assertThat(read(BuiltinTypes.INTERVAL, hex)).isEqualTo(new Interval(14, 2, 1_000_000));
    assertThat(write(BuiltinTypes.INTERVAL, new Interval(14, 2, 1_000_000))).isEqualTo(hex);
    assertThat(read(BuiltinTypes.INTERVAL, String.class, hex))
        .isEqualTo("1 year 2 mons 2 days 00:00:01");
  }

  @Test
  void anIntervalIsAPeriodOrADurationOnlyWithoutLoss() {
    assertThat(write(BuiltinTypes.INTERVAL, Period.of(1, 2, 3)))
        .isEqualTo("0000000000000000" + "00000003" + "0000000e");
    assertThat(write(BuiltinTypes.INTERVAL, Duration.ofMillis(-1500)))
        .isEqualTo("ffffffffffe91ca0" + "00000000" + "00000000");
    assertThat(read(BuiltinTypes.INTERVAL, Duration.class, "ffffffffffe91ca0 00000000 00000000"))
        .isEqualTo(Duration.ofMillis(-1500));
    assertThat(read(BuiltinTypes.INTERVAL, Period.class, "0000000000000000 00000003 0000000e"))
        .isEqualTo(Period.of(1, 2, 3));
    assertThatThrownBy(
            () -> read(BuiltinTypes.INTERVAL, Period.class, "0000000000000001 00000003 0000000e"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("read it as io.asyncpg.types.value.Interval");
    assertThatThrownBy(
            () -> read(BuiltinTypes.INTERVAL, Duration.class, "0000000000000001 00000003 00000000"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> write(BuiltinTypes.INTERVAL, Duration.ofNanos(1)))
        .isInstanceOf(PgCodecException.class);
    assertThat(Interval.of(Duration.ofSeconds(-9_223_372_036_855L, 224_192_000)).microseconds())
        .isEqualTo(Long.MIN_VALUE);
  }
}
