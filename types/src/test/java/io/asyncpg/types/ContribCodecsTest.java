package io.asyncpg.types;

import static io.asyncpg.types.Wire.read;
import static io.asyncpg.types.Wire.text;
import static io.asyncpg.types.Wire.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.SparseVector;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ContribCodecsTest {
  private static final PgType HSTORE = new PgType.Base(70_000, "ext", "hstore", ',');
  private static final PgType VECTOR = new PgType.Base(70_001, "public", "vector", ',');
  private static final PgType HALFVEC = new PgType.Base(70_002, "public", "halfvec", ',');
  private static final PgType SPARSEVEC = new PgType.Base(70_003, "public", "sparsevec", ',');
  private static final PgType LTREE = new PgType.Base(70_004, "public", "ltree", ',');

  @Test
  void hstoreIsAMap() {
    var map = new LinkedHashMap<String, @Nullable String>();
    map.put("a", "1");
    map.put("b", null);
    String hex = "00000002" + "0000000161" + "0000000131" + "0000000162" + "ffffffff";
    assertThat(write(HSTORE, map)).isEqualTo(hex);
    assertThat(read(HSTORE, hex)).isEqualTo(map);
    assertThat(read(HSTORE, String.class, hex)).isEqualTo("\"a\"=>\"1\", \"b\"=>NULL");
    assertThat(HstoreText.parse("\"a\"=>\"1\", \"b\"=>NULL")).isEqualTo(map);
    assertThat(HstoreText.parse("\"a\\\"\\\\\"=>\"\"")).isEqualTo(Map.of("a\"\\", ""));
    assertThatIllegalArgumentException().isThrownBy(() -> HstoreText.parse("\"a"));
  }

  @Test
  void hstoreHoldsStringsOnly() {
    assertThatThrownBy(() -> write(HSTORE, Map.of("a", 1)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.Integer");
    assertThatThrownBy(() -> write(HSTORE, Collections.singletonMap(null, "a")))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("null");
    assertThatThrownBy(() -> read(HSTORE, "00000001 ffffffff ffffffff"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(HSTORE, "7fffffff")).isInstanceOf(PgCodecException.class);
  }

  @Test
  void hstoreIsAMapOfNothingElseThanStrings() {
    CodecRegistry registry = CodecRegistry.standard();
    var texts = new TypeReference<Map<CharSequence, ?>>() {}.type();
    assertThat(read(registry, HSTORE, texts, "00000001" + "0000000161" + "0000000131"))
        .isEqualTo(Map.of("a", "1"));
    for (TypeReference<?> wanted :
        List.of(
            new TypeReference<Map<String, Integer>>() {},
            new TypeReference<Map<Integer, String>>() {})) {
      assertThatThrownBy(() -> registry.decoder(HSTORE, wanted.type()))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("ext.hstore cannot be read as " + wanted)
          .hasMessageContaining("ask for java.util.Map, java.lang.String");
    }
  }

  @Test
  void aVectorIsItsDimensionsAndFloats() {
    String hex = "0002" + "0000" + "3f800000" + "c0000000";
    assertThat(write(VECTOR, new float[] {1, -2})).isEqualTo(hex);
    assertThat(read(VECTOR, float[].class, hex)).containsExactly(1f, -2f);
    assertThat(read(VECTOR, double[].class, hex)).containsExactly(1.0, -2.0);
    assertThat(write(VECTOR, "[1,-2]")).isEqualTo(hex);
    assertThat(read(VECTOR, String.class, hex)).isEqualTo("[1,-2]");
    assertThatThrownBy(() -> write(VECTOR, new double[] {0.1}))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(VECTOR, "ffff0000 3f800000"))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void aHalfIsExactOrRefused() {
    assertThat(write(HALFVEC, new float[] {1, -2, 0.5f, 65504, 0x1p-14f, 0x1p-24f}))
        .isEqualTo("0006" + "0000" + "3c00" + "c000" + "3800" + "7bff" + "0400" + "0001");
    assertThatThrownBy(() -> write(HALFVEC, new float[] {0.1f}))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("half");
    assertThatThrownBy(() -> write(HALFVEC, new float[] {65536}))
        .isInstanceOf(PgCodecException.class);
    for (int bits = 0; bits < 0x10000; bits++) {
      float number = Halves.toFloat((short) bits);
      if (!Float.isNaN(number)) {
        assertThat(Halves.fromFloat(number)).isEqualTo((short) bits);
      }
    }
  }

  @Test
  void aSparseVectorCountsFromOne() {
    var vector = new SparseVector(5, new TreeMap<>(Map.of(1, 1.5f, 3, 2f)));
    String hex =
        "00000005" + "00000002" + "00000000" + "00000000" + "00000002" + "3fc00000" + "40000000";
    assertThat(write(SPARSEVEC, vector)).isEqualTo(hex);
    assertThat(read(SPARSEVEC, hex)).isEqualTo(vector);
    assertThat(read(SPARSEVEC, String.class, hex)).isEqualTo("{1:1.5,3:2}/5");
    assertThat(SparseVector.parse("{1:1.5,3:2}/5")).isEqualTo(vector);
    assertThatThrownBy(() -> read(SPARSEVEC, "00000001 7fffffff 00000000"))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void otherExtensionsTravelAsText() {
    assertThat(read(LTREE, text("Top.Science"))).isEqualTo("Top.Science");
    assertThat(CodecRegistry.standard().encoder(LTREE, String.class).format())
        .isEqualTo(Format.TEXT);
    assertThat(StandardCodecs.contrib().keySet()).containsAll(List.of("citext", "cube", "isbn"));
  }
}
