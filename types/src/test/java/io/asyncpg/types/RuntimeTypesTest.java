package io.asyncpg.types;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.PgType.Composite.Attribute;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Types made at run time, and those of extensions, against what a live server sends of them. */
class RuntimeTypesTest {
  private static String database = "";

  @BeforeAll
  static void makeTypes() {
    database = TestServer.shared().createDatabase();
    TestServer.shared()
        .sqlIn(
            database,
            "CREATE SCHEMA app",
            "CREATE TYPE app.mood AS ENUM ('sad', 'very happy', 'it''s \"so\"')",
            "CREATE DOMAIN app.positive AS int4 CHECK (VALUE > 0)",
            "CREATE DOMAIN app.more_positive AS app.positive",
            "CREATE TYPE app.pair AS (n int4, \"the text\" text, m app.mood)",
            "CREATE TYPE app.nest AS (p app.pair, ps app.pair[], d app.more_positive)",
            "CREATE TYPE app.floats AS RANGE (subtype = float8, multirange_type_name = app.floatses)",
            "CREATE TABLE app.people (id int4, gone int4, acl aclitem)",
            "ALTER TABLE app.people DROP COLUMN gone",
            "CREATE TYPE app.marked AS (mark xml, doc jsonb, words text, span int4range)",
            "CREATE EXTENSION hstore SCHEMA app",
            "CREATE EXTENSION ltree",
            "CREATE EXTENSION citext",
            "CREATE EXTENSION cube",
            "CREATE EXTENSION isn");
  }

  @AfterAll
  static void dropTypes() {
    TestServer.shared().dropDatabase(database);
  }

  private static int oid(String type) {
    return Integer.parseUnsignedInt(
        Objects.requireNonNull(row("SELECT '" + type + "'::regtype::oid").get(0)));
  }

  private static List<@Nullable String> row(String sql) {
    return TestServer.shared().rowsIn(database, sql).get(0);
  }

  private static PgType.Enumeration mood() {
    return new PgType.Enumeration(
        oid("app.mood"), "app", "mood", List.of("sad", "very happy", "it's \"so\""));
  }

  private static PgType.Domain morePositive() {
    var positive = new PgType.Domain(oid("app.positive"), "app", "positive", BuiltinTypes.INT4);
    return new PgType.Domain(oid("app.more_positive"), "app", "more_positive", positive);
  }

  private static PgType.Composite pair() {
    return new PgType.Composite(
        oid("app.pair"),
        "app",
        "pair",
        List.of(
            new Attribute("n", BuiltinTypes.INT4),
            new Attribute("the text", BuiltinTypes.TEXT),
            new Attribute("m", mood())));
  }

  private static PgType.Array arrayOf(PgType element) {
    return new PgType.Array(
        oid(element.schema() + "." + element.name() + "[]"),
        element.schema(),
        "_" + element.name(),
        element);
  }

  private static PgType.Composite nest() {
    return new PgType.Composite(
        oid("app.nest"),
        "app",
        "nest",
        List.of(
            new Attribute("p", pair()),
            new Attribute("ps", arrayOf(pair())),
            new Attribute("d", morePositive())));
  }

  private static PgType.Range floats() {
    return new PgType.Range(oid("app.floats"), "app", "floats", BuiltinTypes.FLOAT8);
  }

  private static PgType.Base extension(String schema, String name) {
    return new PgType.Base(oid(schema + "." + name), schema, name, ',');
  }

  /** What the server prints and sends of an expression is read, written and printed alike. */
  private static void agree(PgType type, String send, String... expressions) {
    for (String expression : expressions) {
      List<@Nullable String> row =
          row(
              "SELECT format('%s', x), "
                  + (send.isEmpty() ? "''" : "encode(" + send + "(x), 'hex')")
                  + " FROM (SELECT "
                  + expression
                  + " AS x) s");
      ServerAgreementTest.agree(
          type, expression, Objects.requireNonNull(row.get(0)), Objects.requireNonNull(row.get(1)));
    }
  }

  @Test
  void enums() {
    agree(mood(), "enum_send", "'sad'::app.mood", "'it''s \"so\"'::app.mood");
    agree(arrayOf(mood()), "array_send", "'{sad,NULL,very happy}'::app.mood[]");
  }

  @Test
  void domains() {
    agree(morePositive(), "int4send", "7::app.more_positive");
    agree(arrayOf(morePositive()), "array_send", "'{1,2}'::app.more_positive[]");
  }

  @Test
  void composites() {
    agree(
        pair(),
        "record_send",
        "ROW(1, 'a', 'sad')::app.pair",
        "ROW(NULL, NULL, NULL)::app.pair",
        "ROW(-1, '', 'very happy')::app.pair",
        "ROW(2, ' (a,b) \"c\" \\ ', NULL)::app.pair");
    agree(arrayOf(pair()), "array_send", "ARRAY[ROW(1, 'a \"b\"', 'sad')::app.pair, NULL]");
  }

  @Test
  void compositesInComposites() {
    agree(
        nest(),
        "record_send",
        "ROW(ROW(1, 'a', 'sad'), ARRAY[ROW(2, 'b,', NULL)::app.pair, NULL], 7)::app.nest",
        "ROW(NULL, '{}', NULL)::app.nest");
  }

  @Test
  void rangesOfOurOwn() {
    agree(
        floats(),
        "range_send",
        "'[1.5,2]'::app.floats",
        "'empty'::app.floats",
        "'(,)'::app.floats");
    agree(
        new PgType.Multirange(oid("app.floatses"), "app", "floatses", floats()),
        "multirange_send",
        "'{[1.5,2],(3,)}'::app.floatses",
        "'{}'::app.floatses");
  }

  @Test
  void aRowOfATableThatHasNoBinaryFormIsReadFromItsText() {
    var people =
        new PgType.Composite(
            oid("app.people"),
            "app",
            "people",
            List.of(
                new Attribute("id", BuiltinTypes.INT4),
                new Attribute("acl", BuiltinTypes.ACLITEM)));
    agree(people, "", "ROW(1, 'postgres=r/postgres')::app.people", "ROW(NULL, NULL)::app.people");
    assertThat(CodecRegistry.standard().formatOf(people)).isEqualTo(Format.TEXT);
  }

  @Test
  void bracketsOfAllKindsGoThroughARowInText() {
    var marked =
        new PgType.Composite(
            oid("app.marked"),
            "app",
            "marked",
            List.of(
                new Attribute("mark", BuiltinTypes.XML),
                new Attribute("doc", BuiltinTypes.JSONB),
                new Attribute("words", BuiltinTypes.TEXT),
                new Attribute("span", BuiltinTypes.INT4RANGE)));
    agree(
        marked,
        "",
        "ROW('<a/>', '[]', 'a]b', '[1,5)')::app.marked",
        "ROW('<a/>', '[1]', '[', '(,5)')::app.marked",
        "ROW('<a/>', '{\"a\": [1, 2]}', ']', 'empty')::app.marked",
        "ROW(NULL, '{}', '{[(', NULL)::app.marked");
  }

  @Test
  void anonymousRecords() {
    List<@Nullable String> row =
        row(
            "SELECT format('%s', x), encode(record_send(x), 'hex') FROM (SELECT (1, true, 'a'::text, NULL::int4, 1.50, '{1,2}'::int4[], ROW('b,'::text)) AS x) s");
    String hex = Objects.requireNonNull(row.get(1));
    assertThat(Wire.read(BuiltinTypes.RECORD, hex))
        .hasToString("(f1=1, f2=true, f3=a, f4=null, f5=1.50, f6=[1, 2], f7=(f1=b,))");
    assertThat(Wire.read(BuiltinTypes.RECORD, List.class, hex).size()).isEqualTo(7);
  }

  /** What is not to be had as its standard Java class is printed all the same. */
  @Test
  void aContainerAsAStringIsWhatTheServerPrints() {
    isPrinted(
        BuiltinTypes.RECORD,
        "record_send",
        "(1, true, NULL::int4, 'x y'::text, 1.5)",
        "ROW('24:00+01'::timetz, '18446744073709551615'::xid8, 'NaN'::numeric)",
        "ROW(ROW(true, 'a\"b'::text), ARRAY[true, NULL], '[1.50,)'::numrange, '\\xde'::bytea)",
        "ROW(ARRAY[ROW(1, true)], ROW())");
    isPrinted(BuiltinTypes.NUMERIC_ARRAY, "array_send", "ARRAY['NaN'::numeric, 1, NULL]");
    isPrinted(BuiltinTypes.TIME_ARRAY, "array_send", "ARRAY['24:00'::time]");
    isPrinted(BuiltinTypes.XID8_ARRAY, "array_send", "ARRAY['18446744073709551615'::xid8]");
    isPrinted(BuiltinTypes.RECORD_ARRAY, "array_send", "ARRAY[ROW(1, 'a'::text), ROW(2, NULL)]");
    isPrinted(BuiltinTypes.INT2VECTOR_ARRAY, "array_send", "ARRAY['1 2'::int2vector, '', NULL]");
    isPrinted(BuiltinTypes.NUMRANGE, "range_send", "numrange('1', 'NaN')");
    isPrinted(BuiltinTypes.NUMMULTIRANGE, "multirange_send", "'{[1,2),[5,NaN]}'::nummultirange");
  }

  private static void isPrinted(PgType type, String send, String... expressions) {
    for (String expression : expressions) {
      List<@Nullable String> row =
          row(
              "SELECT format('%s', x), encode("
                  + send
                  + "(x), 'hex') FROM (SELECT "
                  + expression
                  + " AS x) s");
      assertThat(Wire.read(type, String.class, Objects.requireNonNull(row.get(1))))
          .as(expression)
          .isEqualTo(row.get(0));
    }
  }

  @Test
  void hstoreInAnySchema() {
    PgType hstore = extension("app", "hstore");
    agree(hstore, "app.hstore_send", "'a=>1, b=>NULL'::app.hstore", "''::app.hstore");
    agree(hstore, "app.hstore_send", "app.hstore('k \"q\" \\', E'v\\n')");
    assertThat(Wire.read(hstore, hex("app.hstore_send('a=>1, b=>NULL'::app.hstore)")))
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.MAP)
        .containsEntry("a", "1")
        .containsEntry("b", null);
    assertThat(Wire.write(hstore, Map.of("a", "1")))
        .isEqualTo(hex("app.hstore_send('a=>1'::app.hstore)"));
  }

  private static String hex(String expression) {
    return Objects.requireNonNull(row("SELECT encode(" + expression + ", 'hex')").get(0));
  }

  static Stream<Arguments> contrib() {
    return Literals.CONTRIB.entrySet().stream()
        .map(entry -> Arguments.of(entry.getKey(), entry.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("contrib")
  void typesOfExtensions(String name, List<String> literals) {
    PgType type = extension(name.equals("hstore") ? "app" : "public", name);
    boolean binary = CodecRegistry.standard().formatOf(type) == Format.BINARY;
    String send =
        binary
            ? row("SELECT typsend::regproc::text FROM pg_type WHERE oid=" + type.oid()).get(0)
            : "";
    assertThat(Set.copyOf(literals)).hasSizeGreaterThanOrEqualTo(20);
    agree(
        type,
        Objects.requireNonNull(send),
        literals.stream()
            .map(literal -> "'" + literal.replace("'", "''") + "'::" + type.displayName())
            .toArray(String[]::new));
    agree(
        arrayOf(type),
        binary ? "array_send" : "",
        "ARRAY["
            + "'"
            + literals.get(1).replace("'", "''")
            + "'::"
            + type.displayName()
            + ", NULL]",
        "'{}'::" + type.displayName() + "[]");
  }

  @Test
  void everyTypeOfAnExtensionThatHasALineIsTried() {
    assertThat(Literals.CONTRIB.keySet())
        .containsAll(
            StandardCodecs.contrib().keySet().stream()
                .filter(name -> !Set.of("vector", "halfvec", "sparsevec").contains(name))
                .toList());
  }
}
