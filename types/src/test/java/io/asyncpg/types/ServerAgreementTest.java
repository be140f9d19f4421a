package io.asyncpg.types;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.value.Interval;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the server sends for a literal is read, written again to the same bytes, and printed as the
 * server prints it; the same from its text, and inside an array.
 */
class ServerAgreementTest {
  static Stream<Arguments> literals() {
    return Literals.ALL.entrySet().stream()
        .map(entry -> Arguments.of(entry.getKey(), entry.getValue()));
  }

  /** Types whose values cannot be written down, and the pseudo-types without values. */
  private static final Set<String> NOT_WRITTEN =
      Set.of(
          "gtsvector",
          "pg_brin_bloom_summary",
          "pg_brin_minmax_multi_summary",
          "pg_ddl_command",
          "pg_dependencies",
          "pg_mcv_list",
          "pg_ndistinct",
          "pg_node_tree");

  @Test
  void everyTypeThatTakesLiteralsHasTwentyAtLeast() {
    assertThat(BuiltinTypes.all())
        .filteredOn(type -> !(type instanceof PgType.Array || type instanceof PgType.Pseudo))
        .filteredOn(type -> !NOT_WRITTEN.contains(type.name()))
        .allSatisfy(type -> assertThat(Literals.ALL).containsKey(type.name()));
    assertThat(Literals.ALL.entrySet())
        .allSatisfy(
            entry ->
                assertThat(Set.copyOf(entry.getValue()))
                    .as(entry.getKey())
                    .hasSizeGreaterThanOrEqualTo(20));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("literals")
  void theServerAndTheCodecsAgree(String name, List<String> literals) {
    PgType type = Objects.requireNonNull(BuiltinTypes.byName(name), name);
    boolean binary = CodecRegistry.standard().formatOf(type) == Format.BINARY;
    List<List<String>> rows = sent(type, literals, binary);
    assertThat(rows).hasSameSizeAs(literals);
    for (int i = 0; i < rows.size(); i++) {
      agree(type, literals.get(i), rows.get(i).get(0), rows.get(i).get(1));
    }
    if (!(type instanceof PgType.Array)) {
      agreeInsideAnArray(type, literals, binary);
    }
  }

  @Test
  void intervalsWithoutEndAgreeWhereTheServerHasThem() {
    TestServer.shared().since(17);
    theServerAndTheCodecsAgree("interval", List.of("infinity", "-infinity"));
    assertThat(Interval.INFINITY).hasToString("infinity");
  }

  @Test
  void powersOfTwoAndTheirNeighboursArePrintedAsTheServerPrintsThem() {
    var doubles = new ArrayList<Double>();
    for (int e = Double.MIN_EXPONENT - 52; e <= Double.MAX_EXPONENT; e++) {
      double power = Math.scalb(1.0, e);
      doubles.addAll(List.of(power, -power, Math.nextUp(power), Math.nextDown(power)));
    }
    assertThat(doubles.stream().map(NumberCodecs::print).toList())
        .isEqualTo(printed("float8", doubles));
    var floats = new ArrayList<Float>();
    for (int e = Float.MIN_EXPONENT - 23; e <= Float.MAX_EXPONENT; e++) {
      float power = Math.scalb(1f, e);
      floats.addAll(List.of(power, -power, Math.nextUp(power), Math.nextDown(power)));
    }
    assertThat(floats.stream().map(NumberCodecs::print).toList())
        .isEqualTo(printed("float4", floats));
  }

  private static List<String> printed(String type, List<?> numbers) {
    return rows(
            "SELECT n::text FROM unnest('{"
                + numbers.toString().replaceAll("[\\[\\] ]", "")
                + "}'::"
                + type
                + "[]) WITH ORDINALITY u(n, i) ORDER BY i")
        .stream()
        .map(row -> row.get(0))
        .toList();
  }

  /** Text and bytes of each literal, as the type's own functions make them. */
  private static List<List<String>> sent(PgType type, List<String> literals, boolean binary) {
    String send =
        Objects.requireNonNull(
            TestServer.shared().value("SELECT typsend FROM pg_type WHERE oid=" + type.oid()));
    var sql = new ArrayList<String>();
    for (String literal : literals) {
      sql.add(
          "SELECT format('%s', x), "
              + (binary
                  ? "encode("
                      + send
                      + (send.equals("textsend") ? "(x::text), 'hex')" : "(x), 'hex')")
                  : "''")
              + " FROM (SELECT '"
              + literal.replace("'", "''")
              + "'::"
              + sqlName(type)
              + " AS x) s");
    }
    return rows(String.join(" UNION ALL ", sql));
  }

  @SuppressWarnings("unchecked")
  private static List<List<String>> rows(String sql) {
    return (List<List<String>>) (List<?>) TestServer.shared().rows(sql);
  }

  private static String sqlName(PgType type) {
    return type instanceof PgType.Array array && type.name().startsWith("_")
        ? sqlName(array.element()) + "[]"
        : "pg_catalog.\"" + type.name() + "\"";
  }

  static void agree(PgType type, String literal, String text, String hex) {
    CodecRegistry registry = CodecRegistry.standard();
    String what = type.displayName() + " '" + literal + "'";
    Object fromText = decode(registry.findDecoder(type, full(type), Format.TEXT), type, utf8(text));
    assertThat(new String(encode(registry, type, fromText, Format.TEXT), StandardCharsets.UTF_8))
        .as(what + " printed")
        .isEqualTo(text);
    if (hex.isEmpty() && registry.formatOf(type) == Format.TEXT) {
      return;
    }
    byte[] bytes = HexFormat.of().parseHex(hex);
    Object value = decode(registry.findDecoder(type, full(type), Format.BINARY), type, bytes);
    assertSame(what, value, fromText);
    assertThat(HexFormat.of().formatHex(encode(registry, type, value, Format.BINARY)))
        .as(what + " written again")
        .isEqualTo(hex);
    assertThat(decode(registry.decoder(type, String.class), type, bytes))
        .as(what + " as a String")
        .isEqualTo(type == BuiltinTypes.BOOL ? value.toString() : text);
  }

  /** What holds every value of the type, where the default does not. */
  private static Class<?> full(PgType type) {
    return switch (type.name()) {
      case "numeric" -> io.asyncpg.types.value.Numeric.class;
      case "time" -> io.asyncpg.types.value.TimeOfDay.class;
      case "timetz" -> io.asyncpg.types.value.TimeTz.class;
      case "xid8" -> java.math.BigInteger.class;
      default -> Object.class;
    };
  }

  private static void agreeInsideAnArray(PgType type, List<String> literals, boolean binary) {
    PgType array = BuiltinTypes.byName("_" + type.name());
    if (array == null || !full(type).equals(Object.class)) {
      return;
    }
    var elements = new ArrayList<String>();
    literals.forEach(
        literal -> elements.add("'" + literal.replace("'", "''") + "'::" + sqlName(type)));
    List<String> row =
        rows("SELECT format('%s', x), "
                + (binary ? "encode(array_send(x), 'hex')" : "''")
                + " FROM (SELECT ARRAY["
                + String.join(",", elements)
                + ",NULL] AS x) s")
            .get(0);
    agreeOnArray(array, row.get(0), row.get(1));
  }

  private static void agreeOnArray(PgType array, String text, String hex) {
    CodecRegistry registry = CodecRegistry.standard();
    Object fromText = decode(registry.findDecoder(array, null, Format.TEXT), array, utf8(text));
    assertThat(new String(encode(registry, array, fromText, Format.TEXT), StandardCharsets.UTF_8))
        .isEqualTo(text);
    if (!hex.isEmpty()) {
      Object value =
          decode(
              registry.findDecoder(array, null, Format.BINARY),
              array,
              HexFormat.of().parseHex(hex));
      assertSame(array.displayName(), value, fromText);
      assertThat(HexFormat.of().formatHex(encode(registry, array, value, Format.BINARY)))
          .isEqualTo(hex);
    }
  }

  /** Byte arrays do not know equality, not even inside lists; NaN does not in deep comparison. */
  private static void assertSame(String what, Object binary, Object text) {
    if (what.startsWith("bytea")) {
      assertThat(binary).as(what).usingRecursiveComparison().isEqualTo(text);
    } else {
      assertThat(binary).as(what + " in binary and in text").isEqualTo(text);
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Object decode(@Nullable Codec<?> codec, PgType type, byte[] bytes) {
    Objects.requireNonNull(codec, "no decoder of " + type.displayName());
    return new ValueReader(bytes, 0, bytes.length).readAll(codec, type);
  }

  @SuppressWarnings("unchecked")
  private static byte[] encode(CodecRegistry registry, PgType type, Object value, Format format) {
    Codec<Object> codec = (Codec<Object>) registry.findEncoder(type, value.getClass(), format);
    Objects.requireNonNull(codec, "no encoder of " + type.displayName());
    var out = new ValueWriter();
    codec.encode(value, type, out);
    return java.util.Arrays.copyOf(out.array(), out.size());
  }
}
