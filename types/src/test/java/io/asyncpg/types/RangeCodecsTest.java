package io.asyncpg.types;

import static io.asyncpg.types.Wire.read;
import static io.asyncpg.types.Wire.text;
import static io.asyncpg.types.Wire.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Range;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class RangeCodecsTest {
  private static final String ONE_TO_THREE = "02 00000004 00000001 00000004 00000003";
  private static final PgType.Base ODD = new PgType.Base(70_000, "public", "odd", ',');
  private static final PgType.Range ODD_RANGE = new PgType.Range(70_001, "public", "oddrange", ODD);
  private static final PgType.Multirange ODD_RANGES =
      new PgType.Multirange(70_002, "public", "oddmultirange", ODD_RANGE);

  @Test
  void aRangeKeepsItsBoundsAndWhetherTheyBelong() {
    assertThat(read(BuiltinTypes.INT4RANGE, ONE_TO_THREE)).isEqualTo(Range.of(1, 3));
    assertThat(write(BuiltinTypes.INT4RANGE, Range.of(1, 3)))
        .isEqualTo(ONE_TO_THREE.replace(" ", ""));
    assertThat(read(BuiltinTypes.INT4RANGE, "01")).isEqualTo(Range.empty());
    assertThat(write(BuiltinTypes.INT4RANGE, Range.empty())).isEqualTo("01");
    assertThat(read(BuiltinTypes.INT4RANGE, "18")).isEqualTo(Range.unbounded());
    assertThat(write(BuiltinTypes.INT4RANGE, Range.unbounded())).isEqualTo("18");
    assertThat(read(BuiltinTypes.INT4RANGE, "0c 00000004 00000005"))
        .isEqualTo(Range.closed(null, 5));
    assertThat(write(BuiltinTypes.INT4RANGE, Range.closed(null, 5)))
        .isEqualTo("0c0000000400000005");
  }

  @Test
  void aBoundIsConvertedAsAValueAloneWouldBe() {
    assertThat(write(BuiltinTypes.INT4RANGE, Range.of(1L, 3L)))
        .isEqualTo(ONE_TO_THREE.replace(" ", ""));
    assertThatThrownBy(() -> write(BuiltinTypes.INT4RANGE, Range.of("1", "3")))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("lower bound: java.lang.String cannot become int4");
  }

  @Test
  void aRangePrintsAsTheServerPrintsIt() {
    assertThat(read(BuiltinTypes.INT4RANGE, String.class, ONE_TO_THREE)).isEqualTo("[1,3)");
    assertThat(Range.closed(null, 5)).hasToString("(,5]");
    assertThat(Range.empty()).hasToString("empty");
  }

  @Test
  void aMultirangeIsAListOfRanges() {
    String hex = "00000002 00000011" + ONE_TO_THREE + "00000001 18";
    assertThat(read(BuiltinTypes.INT4MULTIRANGE, hex))
        .isEqualTo(List.of(Range.of(1, 3), Range.unbounded()));
    assertThat(write(BuiltinTypes.INT4MULTIRANGE, List.of(Range.of(1, 3), Range.unbounded())))
        .isEqualTo(hex.replace(" ", ""));
    assertThat(read(BuiltinTypes.INT4MULTIRANGE, "00000000")).isEqualTo(List.of());
    assertThatThrownBy(() -> write(BuiltinTypes.INT4MULTIRANGE, Arrays.asList(1, 2)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("index 0");
    assertThatThrownBy(() -> read(BuiltinTypes.INT4MULTIRANGE, "7fffffff"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(BuiltinTypes.INT4MULTIRANGE, "00000001 ffffffff 00"))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void aRangeOverAnUnknownTypeIsText() {
    assertThat(CodecRegistry.standard().decoder(ODD_RANGE, null).format()).isEqualTo(Format.TEXT);
    assertThat(read(ODD_RANGE, text("[\"a b\",\"c\"\"\\\\\")")))
        .isEqualTo(Range.of("a b", "c\"\\"));
    assertThat(write(ODD_RANGE, Range.of("a b", "c\"\\")))
        .isEqualTo(text("[\"a b\",\"c\"\"\\\\\")"));
    assertThat(read(ODD_RANGE, text("(,x]"))).isEqualTo(Range.closed(null, "x"));
    assertThat(read(ODD_RANGE, text("empty"))).isEqualTo(Range.empty());
    assertThat(read(ODD_RANGES, text("{[a,b),(c,]}")))
        .isEqualTo(List.of(Range.of("a", "b"), Range.open("c", null)));
    assertThat(write(ODD_RANGES, List.of(Range.of("a", "b"), Range.empty())))
        .isEqualTo(text("{[a,b),empty}"));
    for (String bad : List.of("", "[", "[a", "[a,b", "{a,b}", "[a,b)x", "[\"a,b)")) {
      assertThatThrownBy(() -> read(ODD_RANGE, text(bad)))
          .as(bad)
          .isInstanceOf(PgCodecException.class);
    }
  }

  @Test
  void aRangeKnowsWhatIsInIt() {
    assertThat(Range.of(1, 3).contains(1)).isTrue();
    assertThat(Range.of(1, 3).contains(3)).isFalse();
    assertThat(Range.open(1, 3).contains(1)).isFalse();
    assertThat(Range.<Integer>unbounded().contains(3)).isTrue();
    assertThat(Range.<Integer>empty().contains(3)).isFalse();
    assertThat(Range.closed(1, 5).containsRange(Range.of(1, 5))).isTrue();
    assertThat(Range.of(1, 5).containsRange(Range.closed(1, 5))).isFalse();
    assertThat(Range.of(1, 5).containsRange(Range.of(0, 5))).isFalse();
    assertThat(Range.of(1, 5).containsRange(Range.unbounded())).isFalse();
    assertThat(Range.of(1, 5).containsRange(Range.empty())).isTrue();
    assertThat(Range.of(1, 3).map(n -> n * 2L)).isEqualTo(Range.of(2L, 6L));
    assertThatIllegalArgumentException().isThrownBy(() -> new Range<>(1, null, true, false, true));
  }
}
