package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.PgType;
import io.asyncpg.types.value.Composite;
import io.asyncpg.types.value.Inet;
import io.asyncpg.types.value.Interval;
import io.asyncpg.types.value.Numeric;
import io.asyncpg.types.value.PgArray;
import io.asyncpg.types.value.Range;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.Period;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Several Java types for each PostgreSQL type, both ways, and what is refused rather than lost. */
class ConversionsTest {
  record Part(String name, int[] sizes) {}

  record Whole(int id, List<Part> parts, Part main) {}

  private static String database = "";
  private static PgConnection connection;

  @BeforeAll
  static void makeTypes() {
    database = TestServer.shared().createDatabase();
    connection = PgConnection.connect(TestServer.shared().dsn(database)).await();
    connection
        .execute(
            """
            CREATE TYPE part AS (name text, sizes int4[]);
            CREATE TYPE whole AS (id int4, parts part[], main part);
            CREATE SCHEMA one; CREATE TYPE one.same AS ENUM ('a');
            CREATE SCHEMA two; CREATE TYPE two.same AS (n int4);
            CREATE TYPE strange AS ENUM ('x', 'y');
            CREATE DOMAIN columns AS int2vector;
            CREATE TYPE key AS (oids oidvector, places columns, more int2vector[], at timestamptz)
            """)
        .await();
  }

  @AfterAll
  static void dropTypes() {
    connection.close();
    connection.closed().await();
    TestServer.shared().dropDatabase(database);
  }

  private static Object value(String sql, Object... args) {
    return connection.fetchRow(sql, args).await().orElseThrow().get(0);
  }

  /** Sent as it is, and read as the same class. */
  @SuppressWarnings("unchecked")
  private static <T> T echo(String type, Class<T> javaType, Object value) {
    return connection.fetchValue(javaType, "SELECT $1::" + type, value).await();
  }

  private static String text(String type, Object value) {
    return connection.fetchValue(String.class, "SELECT $1::" + type + "::text", value).await();
  }

  @Test
  void momentsAndDates() {
    Instant instant = Instant.parse("2024-02-29T12:34:56.789012Z");
    OffsetDateTime offset = instant.atOffset(ZoneOffset.ofHoursMinutesSeconds(1, 2, 3));
    ZonedDateTime zoned = instant.atZone(ZoneId.of("Europe/Berlin"));
    LocalDateTime local = LocalDateTime.of(2024, 2, 29, 12, 34, 56, 789012000);
    for (Object moment : List.of(instant, offset, zoned)) {
      assertThat(echo("timestamptz", Instant.class, moment)).isEqualTo(instant);
    }
    assertThat(echo("timestamptz", OffsetDateTime.class, zoned))
        .isEqualTo(offset.withOffsetSameInstant(ZoneOffset.UTC));
    assertThat(echo("timestamptz", ZonedDateTime.class, instant).toInstant()).isEqualTo(instant);
    assertThat(echo("timestamp", LocalDateTime.class, local)).isEqualTo(local);
    assertThat(echo("date", LocalDate.class, LocalDate.of(-43, 3, 15)))
        .isEqualTo(LocalDate.of(-43, 3, 15));
    assertThatThrownBy(() -> text("timestamptz", local))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining(
            "argument 1 of \"SELECT $1::timestamptz::text\": java.time.LocalDateTime cannot become timestamptz");
    assertThatThrownBy(() -> text("timestamp", instant)).isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> text("timestamptz", instant.plusNanos(1)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("with a fraction of a microsecond does not fit timestamptz");
    assertThat(connection.fetchValue(LocalTime.class, "SELECT '23:59:59.999999'::time").await())
        .isEqualTo(LocalTime.of(23, 59, 59, 999999000));
    assertThatThrownBy(
            () -> connection.fetchValue(LocalTime.class, "SELECT '24:00:00'::time").await())
        .hasMessageContaining("TimeOfDay");
    assertThat(value("SELECT '2000-01-01 00:00:00+05:06:07'::timestamptz AT TIME ZONE 'UTC'"))
        .isEqualTo(LocalDateTime.of(1999, 12, 31, 18, 53, 53));
  }

  @Test
  void periodsAndDurationsBesideInterval() {
    assertThat(text("interval", Period.of(1, 2, 3))).isEqualTo("1 year 2 mons 3 days");
    assertThat(echo("interval", Period.class, Period.of(1, 2, 3))).isEqualTo(Period.of(1, 2, 3));
    assertThat(echo("interval", Duration.class, Duration.ofMillis(90_061_001)))
        .isEqualTo(Duration.ofMillis(90_061_001));
    assertThat(value("SELECT '1 month 2 days 00:00:03'::interval"))
        .isEqualTo(new Interval(1, 2, 3_000_000));
    assertThatThrownBy(
            () -> connection.fetchValue(Duration.class, "SELECT '1 month'::interval").await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("read it as io.asyncpg.types.value.Interval");
    assertThatThrownBy(
            () -> connection.fetchValue(Period.class, "SELECT '1 hour'::interval").await())
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void numbersWidenAndNeverNarrowInSilence() {
    assertThat(connection.fetchValue(Long.class, "SELECT 7::int2").await()).isEqualTo(7);
    assertThat(connection.fetchValue(BigInteger.class, "SELECT 7::int4").await()).isEqualTo(7);
    assertThat(echo("int8", BigInteger.class, BigInteger.TEN)).isEqualTo(BigInteger.TEN);
    assertThat(text("int2", 7L)).isEqualTo("7");
    assertThatThrownBy(() -> text("int4", 1L << 31))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("a java.lang.Long does not fit int4");
    assertThatThrownBy(() -> connection.fetchValue(Integer.class, "SELECT 1::int8 << 31").await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("read it as java.lang.Long");
    Row wide = connection.fetchRow("SELECT 1::int8 << 31").await().orElseThrow();
    assertThatThrownBy(() -> wide.getInt(0)).hasMessageContaining("use getLong");
    assertThat(wide.getLong(0)).isEqualTo(1L << 31);
    assertThat(echo("numeric", BigDecimal.class, new BigDecimal("1.500")))
        .isEqualTo(new BigDecimal("1.500"));
    assertThat(value("SELECT 'NaN'::numeric::text::float8")).isEqualTo(Double.NaN);
    assertThat(echo("numeric", Numeric.class, Double.NaN)).hasToString("NaN");
    assertThatThrownBy(
            () -> connection.fetchValue(BigDecimal.class, "SELECT '-Infinity'::numeric").await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("-Infinity");
    assertThat(1 / (double) value("SELECT '-0'::float8")).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(value("SELECT 4294967295::oid")).isEqualTo(4294967295L);
  }

  @Test
  void bytesInEveryShape() throws Exception {
    byte[] bytes = {0, -1, 7};
    assertThat(echo("bytea", byte[].class, bytes)).isEqualTo(bytes);
    ByteBuffer slice = ByteBuffer.allocateDirect(5).put(1, bytes).position(1).limit(4);
    assertThat(echo("bytea", ByteBuffer.class, slice)).isEqualTo(ByteBuffer.wrap(bytes));
    assertThat(slice.remaining()).as("the caller's buffer is left alone").isEqualTo(3);
    try (InputStream back = echo("bytea", InputStream.class, new ByteArrayInputStream(bytes))) {
      assertThat(back.readAllBytes()).isEqualTo(bytes);
    }
  }

  @Test
  void textInEveryShape() {
    assertThat(echo("text", char[].class, new char[] {'a', 'é'})).containsExactly('a', 'é');
    assertThat(echo("text", CharSequence.class, CharBuffer.wrap("b")).toString()).isEqualTo("b");
    assertThat(echo("text", String.class, Thread.State.NEW)).isEqualTo("NEW");
    assertThat(echo("text", Thread.State.class, "NEW")).isEqualTo(Thread.State.NEW);
    UUID uuid = UUID.randomUUID();
    assertThat(echo("uuid", UUID.class, uuid.toString())).isEqualTo(uuid);
    assertThat(echo("uuid", String.class, uuid)).isEqualTo(uuid.toString());
    assertThatThrownBy(() -> text("text", "a\0b"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("argument 1");
    assertThatThrownBy(() -> text("text", "a\ud800b")).isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> text("int4", "7"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.String cannot become int4: pass java.lang.Integer")
        .hasMessageContaining("or cast the parameter with $1::text");
  }

  @Test
  void addressesKeepMaskAndFamily() throws Exception {
    assertThat(value("SELECT '10.1.2.3/8'::inet")).hasToString("10.1.2.3/8");
    assertThat(echo("inet", InetAddress.class, InetAddress.getByName("10.1.2.3")))
        .isEqualTo(InetAddress.getByName("10.1.2.3"));
    assertThatThrownBy(
            () -> connection.fetchValue(InetAddress.class, "SELECT '10.1.2.3/8'::inet").await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("Inet");
    assertThat(value("SELECT '::ffff:1.2.3.4'::inet")).hasToString("::ffff:1.2.3.4");
    InetAddress mapped =
        connection.fetchValue(InetAddress.class, "SELECT '::ffff:1.2.3.4'::inet").await();
    assertThat(mapped).isInstanceOf(Inet6Address.class);
    assertThat(text("inet", value("SELECT '::ffff:1.2.3.4'::inet")))
        .isEqualTo("::ffff:1.2.3.4/128");
    assertThat(value("SELECT '::1'::inet")).isInstanceOf(Inet.class);
  }

  @Test
  void arraysAsListsSetsAndPrimitives() {
    assertThat(echo("int4[]", int[].class, new int[] {1, 2})).containsExactly(1, 2);
    assertThat(echo("int8[]", long[].class, new long[] {1, 2})).containsExactly(1, 2);
    assertThat(echo("float8[]", double[].class, new double[] {1, -0.0})).containsExactly(1, -0.0);
    assertThat(echo("bool[]", boolean[].class, new boolean[] {true})).containsExactly(true);
    assertThat(echo("int4[]", Integer[].class, new Integer[] {1, null})).containsExactly(1, null);
    assertThat(echo("int4[]", int[][].class, new int[][] {{1, 2}, {3, 4}}))
        .isDeepEqualTo(new int[][] {{1, 2}, {3, 4}});
    Object set = echo("text[]", Set.class, Set.of("a"));
    assertThat(set).isEqualTo(Set.of("a"));
    assertThat(value("SELECT $1::int4[]", List.of(List.of(1, 2), List.of(3, 4))))
        .isEqualTo(List.of(List.of(1, 2), List.of(3, 4)));
    assertThat(value("SELECT $1::text[]", Arrays.asList("a", null)))
        .isEqualTo(Arrays.asList("a", null));
    assertThat(((PgArray<?>) value("SELECT '[0:1]={7,8}'::int4[]")).lowerBounds())
        .containsExactly(0);
    assertThat(text("int4[]", value("SELECT '[0:1]={7,8}'::int4[]"))).isEqualTo("[0:1]={7,8}");
    assertThat(text("int4[]", value("SELECT '{{{{{{7}}}}}}'::int4[]"))).isEqualTo("{{{{{{7}}}}}}");
    assertThatThrownBy(
            () -> connection.fetchValue(int[].class, "SELECT '{1,NULL}'::int4[]").await())
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> connection.fetchValue(Set.class, "SELECT '{1,1}'::int4[]").await())
        .hasMessageContaining("an element twice");
    assertThat(text("int2vector", new short[] {3, 4})).isEqualTo("3 4");
    assertThat(text("int2vector", List.of())).isEmpty();
    assertThat(text("oidvector", new long[0])).isEmpty();
    assertThat(text("oidvector", List.of(4_294_967_295L))).isEqualTo("4294967295");
    assertThat((List<?>) value("SELECT $1::int2vector", new short[0])).isEmpty();
    assertThat(text("aclitem[]", null)).isNull();
  }

  @Test
  void vectorsWithNothingInThemAreWrittenInsideRowsToo() {
    Composite empty = Composite.of(List.of(), new short[0], List.of(List.of()), null);
    assertThat(text("key", empty)).isEqualTo("(\"\",\"\",\"{\"\"\"\"}\",)");
    assertThat(text("key[]", List.of(empty))).startsWith("{\"(");
    assertThat(((Composite) value("SELECT $1::key", empty)).values().get(0)).isEqualTo(List.of());
    Composite full = Composite.of(List.of(7L), List.of((short) 8), List.of(), null);
    assertThat(text("key", full)).isEqualTo("(7,8,{},)");
  }

  @Test
  void aDateInAnotherStyleInsideARowInTextIsRefusedWithARemedyThatHelps() {
    connection.execute("CREATE TYPE event AS (words tsvector, day date, span interval)").await();
    String row = "SELECT ROW('a', '2020-02-03', '1 mon')::event";
    for (String[] style :
        new String[][] {
          {"SET DateStyle = German", "day", "date", "('a',03.02.2020,\"1 mon\")"},
          {"SET IntervalStyle = iso_8601", "span", "interval", "('a',2020-02-03,P1M)"}
        }) {
      connection.execute(style[0]).await();
      assertThatThrownBy(() -> value(row))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining(style[1])
          .hasMessageContaining("text that is no " + style[2])
          .hasMessageEndingWith(
              "set DateStyle to ISO and IntervalStyle to postgres, or read the whole value as"
                  + " java.lang.String");
      assertThat(connection.fetchValue(String.class, row).await()).isEqualTo(style[3]);
      connection.execute("SET DateStyle = ISO; SET IntervalStyle = postgres").await();
      assertThat(((Composite) value(row)).values().get(1)).isEqualTo(LocalDate.of(2020, 2, 3));
    }
  }

  @Test
  void asAStringValuesAreWhatTheServerPrintsInUtcWhateverTheSettings() {
    String settings =
        "SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'SQL, DMY'; SET bytea_output = escape";
    String sql =
        """
        SELECT t, ARRAY[t], tstzrange(t, t, '[]'), ROW(NULL, NULL, NULL, t)::key, ARRAY['a'::bytea]
        FROM (SELECT '2024-02-01 03:04:05+00'::timestamptz) AS _ (t)
        """;
    connection.execute(settings).await();
    try {
      Row row = connection.fetchRow(sql).await().orElseThrow();
      String moment = "2024-02-01 03:04:05+00";
      assertThat(row.getString(0)).isEqualTo(moment);
      assertThat(row.getString(1)).isEqualTo("{\"" + moment + "\"}");
      assertThat(row.getString(2)).isEqualTo("[\"" + moment + "\",\"" + moment + "\"]");
      assertThat(row.getString(3)).isEqualTo("(,,,\"" + moment + "\")");
      assertThat(row.getString(4)).isEqualTo("{\"\\\\x61\"}");
    } finally {
      connection.execute("RESET TimeZone; RESET DateStyle; RESET bytea_output").await();
    }
  }

  @Test
  void recordsInRecordsInArrays() {
    Part hat = new Part("hat", new int[] {1});
    Whole back =
        echo("whole", Whole.class, new Whole(1, List.of(hat, new Part("cap", new int[0])), hat));
    assertThat(back.parts()).extracting(Part::name).containsExactly("hat", "cap");
    assertThat(back.parts().get(0).sizes()).containsExactly(1);
    assertThat(back.main().name()).isEqualTo("hat");
    Part[] parts = echo("part[]", Part[].class, new Part[] {hat, hat});
    assertThat(parts).extracting(Part::name).containsExactly("hat", "hat");
    assertThat(((Composite) value("SELECT $1::whole", Map.of("id", 3))).toMap())
        .containsEntry("id", 3)
        .containsEntry("parts", null);
  }

  @Test
  void typesOfOneNameInTwoSchemasDoNotMix() {
    assertThat(value("SELECT 'a'::one.same")).isEqualTo("a");
    assertThat(value("SELECT ROW(1)::two.same")).hasToString("(n=1)");
    Rows both = connection.fetch("SELECT 'a'::one.same, ROW(1)::two.same").await();
    assertThat(both.columns())
        .extracting(Column::type)
        .extracting(PgType::schema)
        .containsExactly("one", "two");
    assertThat(both.get(0).get(0)).isEqualTo("a");
  }

  @Test
  void oidsAboveTwoToTheThirtyFirstAreTypesToo() {
    // Nobody makes two milliards of types to get there.
    connection
        .execute(
            """
            SET allow_system_table_mods = on;
            UPDATE pg_type SET typelem = 3000000000 WHERE oid = 'strange[]'::regtype;
            UPDATE pg_enum SET enumtypid = 3000000000 WHERE enumtypid = 'strange'::regtype;
            UPDATE pg_type SET oid = 3000000000 WHERE oid = 'strange'::regtype
            """)
        .await();
    assertThat(value("SELECT 'x'::strange")).isEqualTo("x");
    assertThat(value("SELECT $1::strange", "y")).isEqualTo("y");
    assertThat(value("SELECT $1::strange[]", List.of("x", "y"))).isEqualTo(List.of("x", "y"));
    PgType type = connection.fetch("SELECT 'x'::strange").await().columns().get(0).type();
    assertThat(Integer.toUnsignedLong(type.oid())).isEqualTo(3_000_000_000L);
  }

  @Test
  void aRangesBoundsMayBeMissingOrIncluded() {
    assertThat(echo("int8range", Range.class, Range.of(1L, null))).isEqualTo(Range.of(1L, null));
    assertThat(echo("numrange", Range.class, Range.closed(BigDecimal.ONE, BigDecimal.TEN)))
        .isEqualTo(Range.closed(BigDecimal.ONE, BigDecimal.TEN));
    assertThat(echo("daterange", Range.class, Range.empty())).isEqualTo(Range.empty());
    assertThat(value("SELECT $1::int4multirange", List.of(Range.of(1, 2), Range.of(5, 6))))
        .isEqualTo(List.of(Range.of(1, 2), Range.of(5, 6)));
  }

  @Test
  void aFailureNamesColumnTypeAndWhatToDoAndOnlyThatAccessFails() {
    Row row = connection.fetchRow("SELECT 'x' AS name, 1 AS id").await().orElseThrow();
    assertThatThrownBy(() -> row.get(0, Integer.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("column 0 (name, text): text cannot be read as java.lang.Integer")
        .hasMessageContaining("ask for java.lang.String");
    assertThat(row.getInt(1)).isEqualTo(1);
    assertThatThrownBy(() -> connection.fetch("SELECT $1::int4, $2::int4", 1).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the statement has 2 parameters, but 1 argument was given");
  }
}
