package io.asyncpg.types;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.BitString;
import io.asyncpg.types.value.Inet;
import io.asyncpg.types.value.Interval;
import io.asyncpg.types.value.PgArray;
import io.asyncpg.types.value.Range;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

/** What is written is read again, in binary and in text, whatever it is. */
class RoundTripTest {
  private static final CodecRegistry REGISTRY = CodecRegistry.standard();

  @SuppressWarnings("unchecked")
  private static Object again(PgType type, Object value, Format format) {
    var writer = (Codec<Object>) REGISTRY.findEncoder(type, value.getClass(), format);
    Codec<?> reader = REGISTRY.findDecoder(type, null, format);
    assertThat(writer).isNotNull();
    assertThat(reader).isNotNull();
    var out = new ValueWriter();
    java.util.Objects.requireNonNull(writer).encode(value, type, out);
    return new ValueReader(out.array(), 0, out.size())
        .readAll(java.util.Objects.requireNonNull(reader), type);
  }

  private static void assertSameAgain(PgType type, Object value) {
    assertThat(again(type, value, Format.BINARY)).isEqualTo(value);
    assertThat(again(type, value, Format.TEXT)).isEqualTo(value);
  }

  @Property
  void numerics(@ForAll BigInteger digits, @ForAll @IntRange(max = 60) int scale) {
    assertSameAgain(BuiltinTypes.NUMERIC, new BigDecimal(digits, scale));
  }

  @Property
  void shortNumerics(
      @ForAll @LongRange(min = -99_999_999, max = 99_999_999) long digits,
      @ForAll @IntRange(max = 20) int scale) {
    assertSameAgain(BuiltinTypes.NUMERIC, BigDecimal.valueOf(digits, scale));
  }

  @Property
  void doubles(@ForAll long bits) {
    double value = Double.longBitsToDouble(bits);
    assertSameAgain(BuiltinTypes.FLOAT8, value);
  }

  @Property
  void floats(@ForAll int bits) {
    assertSameAgain(BuiltinTypes.FLOAT4, Float.intBitsToFloat(bits));
  }

  @Property
  void wholeNumbers(@ForAll long number) {
    assertSameAgain(BuiltinTypes.INT8, number);
    assertSameAgain(BuiltinTypes.INT4, (int) number);
    assertSameAgain(BuiltinTypes.INT2, (short) number);
    assertSameAgain(BuiltinTypes.OID, number & 0xFFFF_FFFFL);
  }

  @Property
  void intervals(@ForAll int months, @ForAll int days, @ForAll long micros) {
    assertSameAgain(BuiltinTypes.INTERVAL, new Interval(months, days, micros));
  }

  @Property
  void dates(@ForAll @IntRange(min = -2_440_588, max = 2_145_042_905) int epochDay) {
    assertSameAgain(BuiltinTypes.DATE, LocalDate.ofEpochDay(epochDay));
  }

  @Property
  void times(
      @ForAll @LongRange(min = -210_866_803_200L, max = 9_224_318_015_999L) long second,
      @ForAll @IntRange(max = 999_999) int micro) {
    LocalDateTime time = LocalDateTime.ofEpochSecond(second, micro * 1000, ZoneOffset.UTC);
    assertSameAgain(BuiltinTypes.TIMESTAMP, time);
    assertSameAgain(BuiltinTypes.TIMESTAMPTZ, time.atOffset(ZoneOffset.UTC));
    assertSameAgain(BuiltinTypes.TIME, time.toLocalTime());
    assertThat(Instant.from(time.atOffset(ZoneOffset.UTC)))
        .isEqualTo(
            new ValueReader(written(time), 0, 8)
                .readAll(TemporalCodecs.INSTANT, BuiltinTypes.TIMESTAMPTZ));
  }

  private static byte[] written(LocalDateTime time) {
    var out = new ValueWriter();
    TemporalCodecs.TIMESTAMP.encode(time, BuiltinTypes.TIMESTAMP, out);
    return out.array();
  }

  @Property
  void texts(@ForAll String text) {
    boolean sendable = text.indexOf(0) < 0 && !hasHalfSurrogate(text);
    try {
      assertSameAgain(BuiltinTypes.TEXT, text);
      assertSameAgain(BuiltinTypes.TEXT_ARRAY, Arrays.asList(text, null, text));
      assertThat(sendable).isTrue();
    } catch (PgCodecException refused) {
      assertThat(sendable).isFalse();
    }
  }

  private static boolean hasHalfSurrogate(String text) {
    return text.codePoints().anyMatch(point -> point >= 0xD800 && point <= 0xDFFF);
  }

  @Property
  void ranges(@ForAll("ranges") Range<Integer> range) {
    assertSameAgain(BuiltinTypes.INT4RANGE, range);
    assertSameAgain(BuiltinTypes.INT4MULTIRANGE, List.of(range, range));
    assertSameAgain(BuiltinTypes.INT4RANGE_ARRAY, List.of(range));
  }

  @Provide
  Arbitrary<Range<Integer>> ranges() {
    Arbitrary<Integer> bound = Arbitraries.integers().injectNull(0.2);
    Arbitrary<Range<Integer>> some =
        Combinators.combine(bound, bound, Arbitraries.of(true, false), Arbitraries.of(true, false))
            .as((lower, upper, from, to) -> new Range<>(lower, upper, from, to, false));
    return Arbitraries.oneOf(some, Arbitraries.just(Range.empty()));
  }

  @Property
  void arraysOfAnyShape(
      @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 1, max = 3) Integer> lengths,
      @ForAll long seed) {
    var random = new Random(seed);
    int count = 1;
    for (int length : lengths) {
      count *= length;
    }
    var elements = new ArrayList<Integer>();
    for (int i = 0; i < count; i++) {
      elements.add(random.nextInt(5) == 0 ? null : random.nextInt());
    }
    int[] bounds = random.ints(lengths.size(), -10, 10).toArray();
    PgArray<Integer> array =
        PgArray.of(
            lengths.stream().mapToInt(Integer::intValue).toArray(), bounds, elements.toArray());
    for (Format format : Format.values()) {
      var again = (PgArray<?>) again(BuiltinTypes.INT4_ARRAY, array, format);
      assertThat(again).isEqualTo(array);
      assertThat(again.lowerBounds()).isEqualTo(bounds);
      assertThat(again.dimensions()).isEqualTo(array.dimensions());
    }
  }

  @Property
  void addresses(@ForAll @Size(16) byte[] bytes, @ForAll @IntRange(max = 128) int prefix) {
    assertSameAgain(BuiltinTypes.INET, Inet.of(bytes, prefix));
    assertSameAgain(BuiltinTypes.INET, Inet.of(Arrays.copyOf(bytes, 4), prefix / 4));
  }

  @Property
  void bits(@ForAll boolean[] bits) {
    assertSameAgain(BuiltinTypes.VARBIT, BitString.of(bits));
  }

  @Property(tries = 300)
  void garbageIsRefusedByPgCodecExceptionOnly(@ForAll @Size(max = 64) byte[] garbage) {
    for (PgType type : BuiltinTypes.all()) {
      try {
        assertThat(
                new ValueReader(garbage, 0, garbage.length)
                    .readAll(REGISTRY.decoder(type, null), type))
            .isNotNull();
      } catch (PgCodecException refused) {
        assertThat(refused.getMessage()).doesNotStartWith("the codec ");
      }
    }
  }
}
