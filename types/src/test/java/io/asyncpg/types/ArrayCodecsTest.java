package io.asyncpg.types;

import static io.asyncpg.types.Wire.read;
import static io.asyncpg.types.Wire.text;
import static io.asyncpg.types.Wire.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.PgArray;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ArrayCodecsTest {
  private static final String ONE_TWO =
      "00000001 00000000 00000017 00000002 00000001 00000004 00000001 00000004 00000002";
  private static final String TWO_BY_TWO =
      "00000002 00000000 00000017 00000002 00000001 00000002 00000001"
          + "00000004 00000001 00000004 00000002 00000004 00000003 00000004 00000004";
  private static final String ONE_NULL =
      "00000001 00000001 00000017 00000002 00000001 00000004 00000001 ffffffff";
  private static final String FROM_ZERO =
      "00000001 00000000 00000017 00000002 00000000 00000004 00000007 00000004 00000008";
  private static final PgType UNKNOWN_ARRAY =
      new PgType.Array(70_001, "public", "_odd", new PgType.Base(70_000, "public", "odd", ','));

  private static String plain(String hex) {
    return hex.replace(" ", "");
  }

  @Test
  void anArrayIsAListByDefault() {
    assertThat(read(BuiltinTypes.INT4_ARRAY, ONE_TWO)).isEqualTo(List.of(1, 2));
    assertThat(read(BuiltinTypes.INT4_ARRAY, TWO_BY_TWO))
        .isEqualTo(List.of(List.of(1, 2), List.of(3, 4)));
    assertThat(read(BuiltinTypes.INT4_ARRAY, ONE_NULL)).isEqualTo(Arrays.asList(1, null));
    assertThat(read(BuiltinTypes.INT4_ARRAY, "00000000 00000000 00000017")).isEqualTo(List.of());
  }

  @Test
  void anArrayIsReadAsTheJavaArrayAskedFor() {
    assertThat(read(BuiltinTypes.INT4_ARRAY, int[].class, ONE_TWO)).containsExactly(1, 2);
    assertThat(read(BuiltinTypes.INT4_ARRAY, long[].class, ONE_TWO)).containsExactly(1L, 2L);
    assertThat(read(BuiltinTypes.INT4_ARRAY, Integer[].class, ONE_NULL)).containsExactly(1, null);
    assertThat(read(BuiltinTypes.INT4_ARRAY, int[][].class, TWO_BY_TWO))
        .isDeepEqualTo(new int[][] {{1, 2}, {3, 4}});
    assertThat((Object) read(BuiltinTypes.INT4_ARRAY, Set.class, ONE_TWO)).isEqualTo(Set.of(1, 2));
    assertThat(read(BuiltinTypes.INT4_ARRAY, int[][].class, "00000000 00000000 00000017"))
        .isEmpty();
  }

  @Test
  void whatAJavaArrayCannotHoldIsRefused() {
    assertThatThrownBy(() -> read(BuiltinTypes.INT4_ARRAY, int[].class, ONE_NULL))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("NULL");
    assertThatThrownBy(() -> read(BuiltinTypes.INT4_ARRAY, int[].class, FROM_ZERO))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("lower bound is 0")
        .hasMessageContaining("PgArray");
    assertThatThrownBy(() -> read(BuiltinTypes.INT4_ARRAY, int[].class, TWO_BY_TWO))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("2 dimensions");
  }

  @Test
  void aSetIsAskedForAsSuchAndNotAsOneClassOfSets() {
    for (Class<?> set : List.of(HashSet.class, LinkedHashSet.class, TreeSet.class)) {
      assertThatThrownBy(() -> CodecRegistry.standard().decoder(BuiltinTypes.INT4_ARRAY, set))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("int4[] cannot be read as " + set.getName());
    }
  }

  @Test
  void anArrayOfADomainOverArraysHoldsThemAsElements() {
    var numbers = new PgType.Domain(70_002, "app", "numbers", BuiltinTypes.INT4_ARRAY);
    var arrays = new PgType.Array(70_003, "app", "_numbers", numbers);
    String hex = write(arrays, List.of(List.of(1, 2), List.of(3)));
    assertThat(read(arrays, Object[].class, hex)).containsExactly(List.of(1, 2), List.of(3));
    assertThat((Object[]) read(arrays, List[].class, hex))
        .containsExactly(List.of(1, 2), List.of(3));
    assertThat(read(arrays, int[][].class, hex)).isDeepEqualTo(new int[][] {{1, 2}, {3}});
  }

  @Test
  void lowerBoundsAreKeptBothWays() {
    var array = (PgArray<?>) read(BuiltinTypes.INT4_ARRAY, FROM_ZERO);
    assertThat(array.lowerBounds()).containsExactly(0);
    assertThat(array).isEqualTo(List.of(7, 8));
    assertThat(write(BuiltinTypes.INT4_ARRAY, array)).isEqualTo(plain(FROM_ZERO));
    assertThat(read(BuiltinTypes.INT4_ARRAY, String.class, FROM_ZERO)).isEqualTo("[0:1]={7,8}");
  }

  @Test
  void listsArraysAndSetsAreWritten() {
    assertThat(write(BuiltinTypes.INT4_ARRAY, List.of(1, 2))).isEqualTo(plain(ONE_TWO));
    assertThat(write(BuiltinTypes.INT4_ARRAY, new int[] {1, 2})).isEqualTo(plain(ONE_TWO));
    assertThat(write(BuiltinTypes.INT4_ARRAY, new long[] {1, 2})).isEqualTo(plain(ONE_TWO));
    assertThat(write(BuiltinTypes.INT4_ARRAY, new Integer[] {1, null})).isEqualTo(plain(ONE_NULL));
    assertThat(write(BuiltinTypes.INT4_ARRAY, Set.of(5))).endsWith("0000000400000005");
    assertThat(write(BuiltinTypes.INT4_ARRAY, new int[][] {{1, 2}, {3, 4}}))
        .isEqualTo(plain(TWO_BY_TWO));
    assertThat(write(BuiltinTypes.INT4_ARRAY, List.of(List.of(1, 2), List.of(3, 4))))
        .isEqualTo(plain(TWO_BY_TWO));
    assertThat(write(BuiltinTypes.INT4_ARRAY, new int[0])).isEqualTo("000000000000000000000017");
    assertThat(write(BuiltinTypes.INT4_ARRAY, List.of())).isEqualTo("000000000000000000000017");
  }

  @Test
  void aByteArrayIsAnElementOfBytea() {
    assertThat(write(BuiltinTypes.BYTEA_ARRAY, new byte[][] {{1}, {2, 3}}))
        .isEqualTo(plain("00000001 00000000 00000011 00000002 00000001 00000001 01 00000002 0203"));
    assertThat(
            read(
                BuiltinTypes.BYTEA_ARRAY,
                byte[][].class,
                "00000001 00000000 00000011 00000001 00000001 00000002 0203"))
        .isDeepEqualTo(new byte[][] {{2, 3}});
  }

  @Test
  void raggedListsAreRefused() {
    assertThatThrownBy(() -> write(BuiltinTypes.INT4_ARRAY, List.of(List.of(1, 2), List.of(3))))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("even");
    assertThatThrownBy(() -> write(BuiltinTypes.INT4_ARRAY, List.of(List.of(1), 2)))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void aBadElementIsNamedByItsIndex() {
    assertThatThrownBy(() -> write(BuiltinTypes.INT4_ARRAY, List.of(1, "2")))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("array element 1")
        .hasMessageContaining("java.lang.String cannot become int4");
  }

  @Test
  void anArrayOfAnUnknownTypeIsText() {
    assertThat(CodecRegistry.standard().decoder(UNKNOWN_ARRAY, null).format())
        .isEqualTo(Format.TEXT);
    assertThat(read(UNKNOWN_ARRAY, text("{a,NULL,\"b \\\"c\\\\\",\"NULL\",\"\"}")))
        .isEqualTo(Arrays.asList("a", null, "b \"c\\", "NULL", ""));
    assertThat(read(UNKNOWN_ARRAY, text("[-1:0][2:3]={{a,b},{c,d}}")))
        .isEqualTo(List.of(List.of("a", "b"), List.of("c", "d")));
    assertThat(write(UNKNOWN_ARRAY, Arrays.asList("a", null, "b \"c\\", "NULL", "", "é,")))
        .isEqualTo(text("{a,NULL,\"b \\\"c\\\\\",\"NULL\",\"\",\"é,\"}"));
    assertThat(write(UNKNOWN_ARRAY, List.of(List.of("a", "b"), List.of("c", "d"))))
        .isEqualTo(text("{{a,b},{c,d}}"));
    assertThat(write(UNKNOWN_ARRAY, List.of())).isEqualTo(text("{}"));
  }

  @Test
  void malformedTextIsRefused() {
    for (String bad :
        List.of("", "{", "{a", "{a,}", "{{a},{b,c}}", "{a}x", "[1:2]={a", "{a,{b}}")) {
      assertThatThrownBy(() -> read(UNKNOWN_ARRAY, text(bad)))
          .as(bad)
          .isInstanceOf(PgCodecException.class);
    }
  }

  @Test
  void aCountThatCannotBeIsRefusedBeforeAnythingIsAllocated() {
    assertThatThrownBy(
            () -> read(BuiltinTypes.INT4_ARRAY, "00000001 00000000 00000017 7fffffff 00000001"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(
            () ->
                read(
                    BuiltinTypes.INT4_ARRAY,
                    int[].class,
                    "00000001 00000000 00000017 7fffffff 00000001"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(BuiltinTypes.INT4_ARRAY, "00000007 00000000 00000017"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(BuiltinTypes.INT4_ARRAY, "00000000 00000000 00000019"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("type 25, not 23");
  }

  @Test
  void int2vectorIsCountedFromZero() {
    Codec<?> inBinary =
        CodecRegistry.standard().encoder(BuiltinTypes.INT2VECTOR, List.class, Format.BINARY);
    assertThat(write(inBinary, BuiltinTypes.INT2VECTOR, List.of(1)))
        .isEqualTo(plain("00000001 00000000 00000015 00000001 00000000 00000002 0001"));
    assertThat(
            read(
                BuiltinTypes.INT2VECTOR,
                short[].class,
                "00000001 00000000 00000015 00000001 00000000 00000002 0001"))
        .containsExactly((short) 1);
  }

  @Test
  void thatAVectorIsCountedFromZeroIsNothingToLose() {
    String hex = "00000001 00000000 00000015 00000002 00000000 00000002 0001 00000002 0002";
    assertThat(read(BuiltinTypes.INT2VECTOR, int[].class, hex)).containsExactly(1, 2);
    assertThat(read(BuiltinTypes.INT2VECTOR, Short[].class, hex))
        .containsExactly((short) 1, (short) 2);
    assertThat((Object) read(BuiltinTypes.INT2VECTOR, Set.class, hex))
        .isEqualTo(Set.of((short) 1, (short) 2));
    assertThat(
            read(
                BuiltinTypes.OIDVECTOR,
                long[].class,
                "00000001 00000000 0000001a 00000001 00000000 00000004 00000007"))
        .containsExactly(7L);
  }

  @Test
  void aVectorHasOneDimension() {
    for (PgType vector : List.of(BuiltinTypes.INT2VECTOR, BuiltinTypes.OIDVECTOR)) {
      assertThatThrownBy(() -> write(vector, List.of(List.of(1), List.of(2))))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("do not fit " + vector.displayName());
    }
  }

  @Test
  void vectorsAreSentInTextAsTheServerRefusesAnEmptyOneInBinary() {
    Codec<?> codec = CodecRegistry.standard().encoder(BuiltinTypes.INT2VECTOR, short[].class);
    assertThat(codec.format()).isEqualTo(Format.TEXT);
    var empty = PgArray.of(PgArray.of((short) 1), PgArray.of());
    assertThat(write(BuiltinTypes.INT2VECTOR_ARRAY, empty)).isEqualTo(text("{1,\"\"}"));
  }
}
