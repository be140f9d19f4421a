package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.Codec;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import io.asyncpg.types.value.Interval;
import io.asyncpg.types.value.Range;
import java.io.File;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of values into a table, and out of one. */
class CopyRecordsTest {
  enum Mood {
    sad,
    ok,
    happy
  }

  record Part(String name, int[] sizes) {}

  record Thing(int id, Mood mood, Part part, List<Part> parts, String email) {}

  record Account(long accountId, @Nullable String ownerName, BigDecimal balance) {}

  /** A temperature in tenths of a degree, as an application may have it. */
  record Celsius(int tenths) {}

  record CelsiusCodec(Format format) implements Codec<Celsius> {
    @Override
    public Class<Celsius> javaType() {
      return Celsius.class;
    }

    @Override
    public void encode(Celsius value, PgType type, ValueWriter out) {
      if (format == Format.BINARY) {
        out.writeInt(value.tenths);
      } else {
        out.writeUtf8(Integer.toString(value.tenths));
      }
    }

    @Override
    public Celsius decode(PgType type, ValueReader in) {
      return new Celsius(
          format == Format.BINARY ? in.readInt() : Integer.parseInt(in.readUtf8(), 10));
    }
  }

  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() {
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
    connection.close();
    connection.closed().await();
  }

  private String text(String sql) {
    return connection.fetchValue(String.class, sql).await();
  }

  /** What the rows of a table are to PostgreSQL itself. */
  private String asText(String table) {
    return text(
        "SELECT string_agg(whole::text, ';' ORDER BY whole::text) FROM " + table + " whole");
  }

  @Test
  void everyKindOfValueArrivesAsItDoesAsAnArgument() {
    String table = "CREATE TEMP TABLE %s(%s)";
    String columns =
        "i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, b bool, t text, by bytea,"
            + " d date, ti time, ts timestamptz, iv interval, u uuid, a int4[], ta text[], r"
            + " int4range, j jsonb, v varchar(5), c char(3), o oid";
    connection.execute(String.format(table, "by_copy", columns)).await();
    connection.execute(String.format(table, "by_insert", columns)).await();
    connection.execute(String.format(table, "by_text", columns + ", acl aclitem")).await();
    List<@Nullable Object> row =
        Arrays.asList(
            (short) -2,
            4,
            1L << 60,
            1.5f,
            -2.25,
            new BigDecimal("123456789.000010"),
            true,
            "ä\tb\\c\nd\re€𝄞",
            new byte[] {0, 1, '\\', (byte) 0xff, '\t'},
            LocalDate.of(2001, 2, 3),
            LocalTime.of(4, 5, 6, 7000),
            Instant.parse("2020-02-29T12:13:14.151617Z"),
            Interval.of(Duration.ofSeconds(-3)),
            UUID.fromString("c0ffee00-0000-4000-8000-000000000001"),
            new int[] {1, 2},
            Arrays.asList("x,y", null, "\"q\"\\"),
            Range.of(1, 5),
            "{\"a\": [1, \"\\\\\\n\"]}",
            "five5",
            "ab",
            77);
    List<@Nullable Object> nulls = new ArrayList<>(row);
    nulls.replaceAll(value -> null);
    List<List<@Nullable Object>> rows = List.of(row, nulls);
    connection.copyRecordsToTable("by_copy", List.of(), rows).await();
    String parameters =
        IntStream.rangeClosed(1, row.size())
            .mapToObj(i -> "$" + i)
            .collect(java.util.stream.Collectors.joining(", "));
    connection.executeMany("INSERT INTO by_insert VALUES (" + parameters + ")", rows).await();
    assertThat(asText("by_copy")).isEqualTo(asText("by_insert")).contains("five5");

    // The same through a table with a column that has no binary format: all of it goes as text.
    List<List<@Nullable Object>> withAcl = new ArrayList<>();
    for (List<@Nullable Object> each : rows) {
      List<@Nullable Object> more = new ArrayList<>(each);
      more.add(null);
      withAcl.add(more);
    }
    connection.copyRecordsToTable("by_text", List.of(), withAcl).await();
    connection.execute("ALTER TABLE by_text DROP COLUMN acl").await();
    assertThat(asText("by_text")).isEqualTo(asText("by_insert"));

    // And out again, by a binary COPY, as a query has them.
    Rows queried = connection.fetch("SELECT * FROM by_insert ORDER BY i2").await();
    List<Row> copied = new ArrayList<>();
    connection.copyRows("SELECT * FROM by_copy ORDER BY i2").forEach(copied::add);
    assertThat(copied).hasSize(2);
    for (int i = 0; i < queried.columns().size(); i++) {
      assertThat(copied.get(0).get(i)).as("column %s", i).isEqualTo(queried.get(0).get(i));
      assertThat(copied.get(1).isNull(i)).isTrue();
    }
  }

  @Test
  void anEmptyVectorIsCopiedToo() {
    connection
        .execute("CREATE TEMP TABLE vectors(id int, places int2vector, more oidvector[])")
        .await();
    List<List<Object>> rows =
        List.of(
            List.of(1, List.of(), List.of(new long[0])),
            List.of(2, new short[] {3, 4}, List.of(new long[] {5}, new long[0])));
    connection.copyRecordsToTable("vectors", List.of(), rows).await();
    assertThat(asText("vectors")).isEqualTo("(1,\"\",\"{\"\"\"\"}\");(2,\"3 4\",\"{5,\"\"\"\"}\")");
  }

  @Test
  void typesMadeAtRunTimeNeedNoRegistration() {
    connection
        .execute(
            """
            CREATE SCHEMA copying;
            CREATE TYPE copying.mood AS ENUM ('sad', 'ok', 'happy');
            CREATE TYPE copying.part AS (name text, sizes int4[]);
            CREATE DOMAIN copying.email AS text CHECK (VALUE LIKE '%@%');
            CREATE TABLE copying.thing(id int4, mood copying.mood, part copying.part,
              parts copying.part[], email copying.email)
            """)
        .await();
    try {
      Part part = new Part("hat", new int[] {1, 2});
      CopyOptions inSchema = CopyOptions.binary().schema("copying");
      assertThat(
              connection
                  .copyRecordsToTable(
                      "thing",
                      List.of(),
                      List.of(
                          new Thing(1, Mood.happy, part, List.of(part, part), "a@b"),
                          Arrays.asList(2, "sad", Map.of("name", "x"), null, null)),
                      inSchema)
                  .await())
          .hasToString("COPY 2");
      assertThat(asText("copying.thing"))
          .isEqualTo(
              "(1,happy,\"(hat,\"\"{1,2}\"\")\",\"{\"\"(hat,\\\\\"\"{1,2}\\\\\"\")\"\",\"\"(hat,"
                  + "\\\\\"\"{1,2}\\\\\"\")\"\"}\",a@b);(2,sad,\"(x,)\",,)");
      Thing back =
          connection
              .copyRows("SELECT * FROM copying.thing WHERE id = 1")
              .iterator()
              .next()
              .as(Thing.class);
      assertThat(back.mood()).isEqualTo(Mood.happy);
      assertThat(back.parts().get(1).sizes()).containsExactly(1, 2);
      assertThatThrownBy(
              () ->
                  connection
                      .copyRecordsToTable(
                          "thing", List.of("email"), List.of(List.of("nobody")), inSchema)
                      .await())
          .isInstanceOf(PgServerException.class)
          .hasMessageContaining("23514");
      assertThatThrownBy(
              () ->
                  connection
                      .copyRecordsToTable(
                          "thing", List.of("mood"), List.of(List.of("grumpy")), inSchema)
                      .await())
          .hasMessageContaining("grumpy");
    } finally {
      connection.execute("DROP SCHEMA copying CASCADE").await();
    }
  }

  @Test
  void aCodecOfTheApplicationsServesCopyInEitherFormat() {
    for (Format format : Format.values()) {
      PgConfig config =
          PgConfig.parse(TestServer.shared().dsn()).toBuilder()
              .codec("public", "celsius", new CelsiusCodec(format))
              .build();
      connection.execute("CREATE DOMAIN public.celsius AS int4").await();
      PgConnection own = PgConnection.connect(config).await();
      try {
        own.execute("CREATE TEMP TABLE weather(city text, degrees public.celsius)").await();
        own.copyRecordsToTable(
                "weather",
                List.of(),
                List.of(List.of("Rome\n", new Celsius(215)), List.of("Oslo", new Celsius(-31))))
            .await();
        assertThat(
                own.fetchValue(Integer.class, "SELECT sum(degrees::int4)::int4 FROM weather")
                    .await())
            .isEqualTo(184);
        assertThat(
                own.copyRows("SELECT ARRAY[degrees] FROM weather WHERE city = E'Rome\\n'")
                    .iterator()
                    .next()
                    .get(0))
            .isEqualTo(List.of(new Celsius(215)));
      } finally {
        own.close();
        own.closed().await();
        connection.execute("DROP DOMAIN public.celsius CASCADE").await();
      }
    }
  }

  @Test
  void recordsGoByTheirComponentsNames() {
    connection
        .execute("CREATE TEMP TABLE account(balance numeric, account_id int8, owner_name text)")
        .await();
    List<Account> accounts =
        List.of(
            new Account(1, "O'Neil", new BigDecimal("1.50")),
            new Account(2, null, BigDecimal.ZERO));
    connection.copyRecordsToTable("account", List.of(), accounts).await();
    connection.copyRecordsToTable("account", List.of("account_id"), accounts).await();
    assertThat(asText("account")).isEqualTo("(,1,);(,2,);(0,2,);(1.50,1,O'Neil)");
    assertThatThrownBy(
            () ->
                connection
                    .copyRecordsToTable("account", List.of(), List.of(new Celsius(3)))
                    .await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("row 0 for account")
        .hasMessageContaining("no component for column \"balance\"");
  }

  @Test
  void anyListAndAnyKindOfRowMayBeMixed() {
    connection.execute("CREATE TEMP TABLE mixed(a int4, b text)").await();
    List<Object> rows = new ArrayList<>();
    rows.add(new Object[] {1, "array"});
    rows.add(List.of(2, "list"));
    rows.add(Collections.unmodifiableList(Arrays.asList(3, "view")));
    rows.add(new Integer[] {4, null});
    connection.copyRecordsToTable("mixed", List.of(), rows).await();
    assertThat(asText("mixed")).isEqualTo("(1,array);(2,list);(3,view);(4,)");
    assertThatThrownBy(
            () -> connection.copyRecordsToTable("mixed", List.of(), List.of("row")).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.lang.String is no row");
    assertThatThrownBy(
            () ->
                connection
                    .copyRecordsToTable("mixed", List.of(), List.of(List.of(1, "b", "c")))
                    .await())
        .hasMessageContaining("it has 3 values, but there are 2 columns");
    assertThatThrownBy(
            () ->
                connection
                    .copyRecordsToTable("mixed", List.of(), Arrays.asList(List.of(1, "b"), null))
                    .await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("row 1 is null");
    assertThatThrownBy(
            () ->
                connection
                    .copyRecordsToTable(
                        "mixed", List.of("a"), List.of(List.of(1)), CopyOptions.csv().header())
                    .await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("HEADER is about bytes");
  }

  @Test
  void aColumnWhoseTypeWasChangedMeanwhileIsEncodedAsItIsNow() {
    connection.execute("CREATE TEMP TABLE changing(v int4)").await();
    List<Object> one = List.of(List.of(1));
    connection.copyRecordsToTable("changing", List.of(), one).await();
    assertThat(connection.copyRows("SELECT * FROM changing").iterator().next().get(0)).isEqualTo(1);
    // As wide as before: bytes of an int4 would be taken for a float4, and nobody would know.
    PgFuture<CommandTag> changed =
        connection.execute("ALTER TABLE changing ALTER v TYPE float4, ADD w text DEFAULT 'x'");
    PgFuture<CommandTag> behind =
        connection.copyRecordsToTable("changing", List.of("v"), List.of(List.of(2.5f)));
    changed.await();
    behind.await();
    assertThat(asText("changing")).isEqualTo("(1,x);(2.5,x)");
    List<Object> values = new ArrayList<>();
    connection.copyRows("SELECT * FROM changing ORDER BY v").forEach(r -> values.add(r.get(0)));
    assertThat(values).containsExactly(1f, 2.5f);
  }

  @Test
  void generatedColumnsAreLeftToTheServer() {
    connection
        .execute(
            "CREATE TEMP TABLE squares(i int4, square int4 GENERATED ALWAYS AS (i * i) STORED)")
        .await();
    connection.copyRecordsToTable("squares", List.of("i"), List.of(List.of(3))).await();
    assertThat(asText("squares")).isEqualTo("(3,9)");
    connection.copyRecordsToTable("squares", List.of(), List.of(List.of(4))).await();
    assertThat(asText("squares")).isEqualTo("(3,9);(4,16)");
    assertThatThrownBy(
            () ->
                connection
                    .copyRecordsToTable("squares", List.of("square"), List.of(List.of(4)))
                    .await())
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("42P10");
  }

  @Test
  void whoMayOnlyInsertMayCopy() {
    connection
        .execute(
            "CREATE TABLE public.inbox(i int4); CREATE ROLE inserter;"
                + " GRANT INSERT ON public.inbox TO inserter; SET ROLE inserter")
        .await();
    try {
      connection.copyRecordsToTable("inbox", List.of("i"), List.of(List.of(1))).await();
    } finally {
      connection.execute("RESET ROLE").await();
      assertThat(text("SELECT count(*)::text FROM public.inbox")).isEqualTo("1");
      connection.execute("DROP TABLE public.inbox; DROP ROLE inserter").await();
    }
  }

  @Test
  void valuesLargerThanAPieceArrive() {
    connection.execute("CREATE TEMP TABLE large(i int4, t text)").await();
    String megabyte = "x".repeat(1 << 20);
    Iterable<Object[]> rows =
        () ->
            IntStream.range(0, 40)
                .mapToObj(i -> new Object[] {i, i % 2 == 0 ? megabyte : "small"})
                .iterator();
    connection.copyRecordsToTable("large", List.of(), rows).await();
    assertThat(text("SELECT sum(length(t))::text FROM large"))
        .isEqualTo(Long.toString(20L * (1 << 20) + 20 * 5));
  }

  @Test
  void publishedRowsArriveAndAreAskedForAsTheyAreTaken() throws Exception {
    connection.execute("CREATE TEMP TABLE published(i int4)").await();
    try (SubmissionPublisher<Object[]> publisher = new SubmissionPublisher<>(Runnable::run, 64)) {
      PgFuture<CommandTag> copied =
          connection.copyRecordsToTable("published", List.of("i"), publisher);
      // submit() blocks while its buffer is full: it goes on only because rows are asked for.
      IntStream.range(0, 50_000).forEach(i -> publisher.submit(new Object[] {i}));
      publisher.close();
      assertThat(copied.get(20, TimeUnit.SECONDS)).hasToString("COPY 50000");
    }
    assertThat(text("SELECT sum(i)::text FROM published")).isEqualTo("1249975000");
  }

  @Test
  void anEmptyIterableIsACopyOfNothing() {
    connection.execute("CREATE TEMP TABLE nothing(i int4, acl aclitem)").await();
    assertThat(connection.copyRecordsToTable("nothing", List.of(), List.of()).await())
        .hasToString("COPY 0");
    assertThat(connection.copyRecordsToTable("nothing", List.of("i"), List.of()).await())
        .hasToString("COPY 0");
  }

  @Test
  void copiesOfManyRowsPipelinedWithOtherStatementsKeepTheirOrder() {
    connection.execute("CREATE TEMP TABLE ordered(i int4)").await();
    List<PgFuture<?>> all = new ArrayList<>();
    List<PgFuture<Long>> counts = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      all.add(connection.copyRecordsToTable("ordered", List.of(), List.of(List.of(i), List.of(i))));
      PgFuture<Long> count = connection.fetchValue(Long.class, "SELECT count(*) FROM ordered");
      counts.add(count);
      all.add(connection.copyRecordsToTable("ordered", List.of(), List.of(List.of("no"))));
    }
    for (int i = 0; i < 20; i++) {
      assertThat(counts.get(i).await()).isEqualTo(2L * (i + 1));
    }
    assertThatThrownBy(() -> all.get(39).await()).isInstanceOf(PgCodecException.class);
  }

  /** What {@link #aMillionRowsLoadFromASmallHeap} runs in a JVM of its own. */
  static final class Million {
    private static final int ROWS = 1_000_000;

    private Million() {}

    public static void main(String[] dsn) {
      try (PgConnection connection = PgConnection.connect(dsn[0]).await()) {
        connection
            .execute(
                "CREATE TEMP TABLE million(i int4, l int8, d float8, b bool, t text, day date,"
                    + " at timestamptz, n numeric)")
            .await();
        Iterable<Object[]> rows = () -> new Made();
        long begun = System.nanoTime();
        CommandTag tag = connection.copyRecordsToTable("million", List.of(), rows).await();
        System.err.println("loaded in " + (System.nanoTime() - begun) / 1_000_000 + " ms");
        String check =
            "SELECT count(DISTINCT i) || ' ' || sum(l) || ' ' || sum(d) || ' ' || count(*) FILTER"
                + " (WHERE b) || ' ' || max(length(t)) || ' ' || max(day) || ' ' || sum(n) FROM"
                + " million";
        System.out.print(tag + " " + connection.fetchValue(String.class, check).await());
      }
    }

    private static final class Made implements Iterator<Object[]> {
      private int i;

      @Override
      public boolean hasNext() {
        return i < ROWS;
      }

      @Override
      public Object[] next() {
        int n = i++;
        return new Object[] {
          n,
          (long) n,
          n / 2.0,
          n % 4 == 0,
          "row number " + n,
          LocalDate.ofEpochDay(n % 1000),
          Instant.ofEpochSecond(n),
          BigDecimal.valueOf(n, 2)
        };
      }
    }
  }

  @Test
  void aMillionRowsLoadFromASmallHeap(@TempDir Path directory) throws Exception {
    Path output = directory.resolve("output");
    Path log = directory.resolve("log");
    Process jvm =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-cp",
                classPath(),
                Million.class.getName(),
                TestServer.shared().dsn())
            .redirectError(log.toFile())
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(jvm.waitFor(180, TimeUnit.SECONDS)).isTrue();
      assertThat(Files.readString(output))
          .as("%s", Files.readString(log))
          .isEqualTo(
              "COPY 1000000 1000000 499999500000 249999750000 250000 17 1972-09-26"
                  + " 4999995000.00");
    } finally {
      jvm.destroyForcibly();
    }
  }

  private static String classPath() {
    String modules = System.getProperty("jdk.module.path", "");
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return modules.isEmpty() ? classes : modules + File.pathSeparator + classes;
  }
}
