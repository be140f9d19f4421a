package io.asyncpg.types;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.PgType.Composite.Attribute;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;

/**
 * Whatever the bytes, a codec answers with a value or a PgCodecException. Each target is a family:
 * the first byte picks the type, the second the Java type wanted, the rest is the value. What is
 * read can be written.
 *
 * <p>As a test this runs the inputs kept beside it; with {@code JAZZER_FUZZ=1} and one target
 * named, it looks for new ones.
 */
class CodecFuzzTest {
  enum Mood {
    SAD,
    HAPPY
  }

  record Pair(int n, String odd) {}

  private static final PgType.Base ODD = new PgType.Base(70_000, "app", "odd", ',');
  private static final PgType.Enumeration MOOD =
      new PgType.Enumeration(70_001, "app", "mood", List.of("sad", "happy"));
  private static final PgType.Composite PAIR =
      new PgType.Composite(
          70_002,
          "app",
          "pair",
          List.of(new Attribute("n", BuiltinTypes.INT4), new Attribute("odd", BuiltinTypes.TEXT)));
  private static final PgType.Composite ODD_PAIR =
      new PgType.Composite(
          70_003,
          "app",
          "odd_pair",
          List.of(new Attribute("n", BuiltinTypes.INT4), new Attribute("odd", ODD)));
  private static final PgType.Range ODD_RANGE = new PgType.Range(70_004, "app", "oddrange", ODD);

  private static PgType.Base extension(String name) {
    return new PgType.Base(70_010, "public", name, ',');
  }

  @FuzzTest(maxDuration = "10m")
  void numbers(byte[] input) {
    decode(
        input,
        List.of(
            BuiltinTypes.INT2,
            BuiltinTypes.INT4,
            BuiltinTypes.INT8,
            BuiltinTypes.OID,
            BuiltinTypes.XID8,
            BuiltinTypes.FLOAT4,
            BuiltinTypes.FLOAT8,
            BuiltinTypes.NUMERIC),
        Object.class,
        String.class,
        Double.class,
        Long.class,
        io.asyncpg.types.value.Numeric.class);
  }

  @FuzzTest(maxDuration = "10m")
  void texts(byte[] input) {
    decode(
        input,
        List.of(
            BuiltinTypes.TEXT,
            BuiltinTypes.JSONB,
            BuiltinTypes.CHAR,
            BuiltinTypes.BYTEA,
            BuiltinTypes.UUID,
            BuiltinTypes.BOOL,
            BuiltinTypes.VARBIT,
            MOOD),
        Object.class,
        String.class,
        Mood.class,
        char[].class);
  }

  @FuzzTest(maxDuration = "10m")
  void times(byte[] input) {
    decode(
        input,
        List.of(
            BuiltinTypes.DATE,
            BuiltinTypes.TIME,
            BuiltinTypes.TIMETZ,
            BuiltinTypes.TIMESTAMP,
            BuiltinTypes.TIMESTAMPTZ,
            BuiltinTypes.INTERVAL),
        Object.class,
        String.class,
        java.time.Instant.class,
        java.time.Duration.class);
  }

  @FuzzTest(maxDuration = "10m")
  void addressesAndShapes(byte[] input) {
    decode(
        input,
        List.of(
            BuiltinTypes.INET,
            BuiltinTypes.CIDR,
            BuiltinTypes.MACADDR,
            BuiltinTypes.MACADDR8,
            BuiltinTypes.POINT,
            BuiltinTypes.LINE,
            BuiltinTypes.BOX,
            BuiltinTypes.PATH,
            BuiltinTypes.POLYGON,
            BuiltinTypes.CIRCLE,
            BuiltinTypes.TID,
            BuiltinTypes.PG_LSN,
            BuiltinTypes.PG_SNAPSHOT),
        Object.class,
        String.class);
  }

  @FuzzTest(maxDuration = "10m")
  void arrays(byte[] input) {
    decode(
        input,
        List.of(
            BuiltinTypes.INT4_ARRAY,
            BuiltinTypes.TEXT_ARRAY,
            BuiltinTypes.BOOL_ARRAY,
            BuiltinTypes.NUMERIC_ARRAY,
            BuiltinTypes.INT2VECTOR,
            BuiltinTypes.RECORD_ARRAY,
            BuiltinTypes.ACLITEM_ARRAY,
            BuiltinTypes.BOX_ARRAY),
        Object.class,
        String.class,
        int[].class,
        int[][].class,
        String[].class,
        java.util.Set.class);
  }

  @FuzzTest(maxDuration = "10m")
  void ranges(byte[] input) {
    decode(
        input,
        List.of(
            BuiltinTypes.INT4RANGE,
            BuiltinTypes.NUMRANGE,
            BuiltinTypes.TSTZRANGE,
            BuiltinTypes.INT4MULTIRANGE,
            BuiltinTypes.INT4RANGE_ARRAY,
            ODD_RANGE,
            new PgType.Multirange(70_005, "app", "oddmultirange", ODD_RANGE)),
        Object.class,
        String.class);
  }

  @FuzzTest(maxDuration = "10m")
  void composites(byte[] input) {
    decode(
        input,
        List.of(
            PAIR, ODD_PAIR, BuiltinTypes.RECORD, new PgType.Array(70_006, "app", "_pair", PAIR)),
        Object.class,
        String.class,
        Pair.class,
        java.util.Map.class);
  }

  @FuzzTest(maxDuration = "10m")
  void extensions(byte[] input) {
    decode(
        input,
        List.of(
            extension("hstore"),
            extension("vector"),
            extension("halfvec"),
            extension("sparsevec"),
            extension("ltree")),
        Object.class,
        String.class);
  }

  @FuzzTest(maxDuration = "10m")
  void printedText(byte[] input) {
    if (input.length < 1) {
      return;
    }
    List<PgType> types = BuiltinTypes.all().stream().toList();
    PgType type = types.get((input[0] & 0xFF) % types.size());
    read(CodecRegistry.standard().findDecoder(type, null, Format.TEXT), type, input, 1);
  }

  private static void decode(byte[] input, List<PgType> types, Type... wanted) {
    if (input.length < 2) {
      return;
    }
    PgType type = types.get((input[0] & 0xFF) % types.size());
    Codec<?> codec;
    try {
      codec = CodecRegistry.standard().decoder(type, wanted[(input[1] & 0xFF) % wanted.length]);
    } catch (PgCodecException noSuchPair) {
      return;
    }
    read(codec, type, input, 2);
  }

  @SuppressWarnings("unchecked")
  private static void read(
      @org.jspecify.annotations.Nullable Codec<?> codec, PgType type, byte[] input, int from) {
    if (codec == null) {
      return;
    }
    byte[] bytes = Arrays.copyOfRange(input, from, input.length);
    try {
      Object value = new ValueReader(bytes, 0, bytes.length).readAll(codec, type);
      var writer = (Codec<Object>) CodecRegistry.standard().encoder(type, value.getClass());
      writer.encode(value, type, new ValueWriter());
    } catch (PgCodecException refused) {
      if (refused.getCause() != null
          && refused.getMessage() != null
          && refused.getMessage().startsWith("the codec ")) {
        throw new AssertionError("a codec failed instead of refusing", refused);
      }
    }
  }
}
