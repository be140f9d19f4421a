package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.Codec;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import java.io.File;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows as records. */
class RecordTest {
  private static final String ALL =
      "SELECT 1::int2 AS s, 2::int4 AS i, 3::int8 AS l, 1.5::float4 AS f, 2.5::float8 AS d,"
          + " true AS b, 'text' AS t, 7.50 AS n";

  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  record Primitives(short s, int i, long l, float f, double d, boolean b, String t, BigDecimal n) {}

  record Wrapped(
      Short s, Integer i, Long l, Float f, Double d, Boolean b, String t, BigDecimal n) {}

  @Test
  void componentsArePrimitiveOrNotAsTheRecordHasIt() {
    BigDecimal seven = new BigDecimal("7.50");
    assertThat(connection.fetch(Primitives.class, ALL).await())
        .containsExactly(new Primitives((short) 1, 2, 3, 1.5f, 2.5, true, "text", seven));
    assertThat(connection.fetch(Wrapped.class, ALL).await())
        .containsExactly(new Wrapped((short) 1, 2, 3L, 1.5f, 2.5, true, "text", seven));
    assertThat(connection.fetchRow(ALL).await().orElseThrow().as(Primitives.class))
        .isEqualTo(new Primitives((short) 1, 2, 3, 1.5f, 2.5, true, "text", seven));
  }

  @Test
  void aModuleThatOpensItsPackageToUsNeedNotMakeItsRecordsPublic(@TempDir Path directory)
      throws Exception {
    Path module =
        Files.writeString(
            directory.resolve("module-info.java"),
            """
            module demo {
              requires io.asyncpg.client;
              opens demo to io.asyncpg.client;
            }
            """);
    Path program =
        Files.writeString(
            directory.resolve("Demo.java"),
            """
            package demo;

            public final class Demo {
              record Hidden(int id, String name) {}

              public static void main(String[] dsn) {
                try (var connection = io.asyncpg.client.PgConnection.connect(dsn[0]).await()) {
                  connection.execute("CREATE TEMP TABLE hidden(id int4, name text)").await();
                  var rows = java.util.List.of(new Hidden(7, "x"));
                  connection.executeMany("INSERT INTO hidden VALUES ($1, $2)", rows).await();
                  System.out.print(connection.fetch(Hidden.class, "SELECT * FROM hidden").await());
                }
              }
            }
            """);
    String path = ForkedJvm.modulePath();
    Path classes = directory.resolve("classes");
    assertThat(
            ToolProvider.getSystemJavaCompiler()
                .run(
                    null,
                    null,
                    null,
                    "--module-path",
                    path,
                    "-d",
                    classes.toString(),
                    module.toString(),
                    program.toString()))
        .isZero();
    assertThat(
            ForkedJvm.run(
                directory,
                List.of(
                    "--module-path",
                    classes + File.pathSeparator + path,
                    "--module",
                    "demo/demo.Demo",
                    TestServer.shared().dsn())))
        .contains("[Hidden[id=7, name=x]]");
  }

  record Wider(long i, double f, String n) {}

  @Test
  void aColumnOfAnotherTypeThatFitsIsRead() {
    assertThat(
            connection
                .fetch(Wider.class, "SELECT 2::int4 AS i, 1.5::float4 AS f, 'a'::varchar AS n")
                .await())
        .containsExactly(new Wider(2, 1.5, "a"));
  }

  @Test
  void nullIsNoPrimitiveAndIsAnyObject() {
    for (String column : List.of("s", "i", "l", "f", "d", "b")) {
      String sql = ALL.replaceFirst("\\S+( AS " + column + "\\b)", "NULL::" + type(column) + "$1");
      assertThatThrownBy(() -> connection.fetch(Primitives.class, sql).await())
          .as(sql)
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("is NULL")
          .hasMessageContaining("Primitives." + column + " is primitive");
      assertThat(connection.fetch(Wrapped.class, sql).await()).hasSize(1);
    }
    assertThat(
            connection
                .fetch(Wider.class, "SELECT 1::int8 AS i, 2::float8 AS f, NULL::text AS n")
                .await())
        .containsExactly(new Wider(1, 2, null));
  }

  private static String type(String column) {
    return Map.of(
            "s", "int2", "i", "int4", "l", "int8", "f", "float4", "d", "float8", "b", "boolean")
        .get(column);
  }

  record Mixed(
      boolean last,
      String fooBar,
      double d,
      long big,
      char one,
      byte[] raw,
      int i,
      String foo_bar) {}

  @Test
  void componentsTakeTheirColumnsInAnyOrderAndTwoMayTakeOne() {
    String sql =
        "SELECT 7::int4 AS i, NULL::text AS unused, 'both' AS foo_bar, '\\x01'::bytea AS raw,"
            + " 'x'::\"char\" AS one, 5::int8 AS big, 1.5::float8 AS d, 'too' AS more,"
            + " n % 2 = 0 AS last FROM generate_series(1, 3) AS g(n)";
    List<Mixed> values = connection.fetch(Mixed.class, sql).await();
    assertThat(values).extracting(Mixed::last).containsExactly(false, true, false);
    List<Mixed> ofRows =
        connection.fetch(sql).await().stream().map(row -> row.as(Mixed.class)).toList();
    for (Mixed value : List.of(values.get(2), ofRows.get(2))) {
      assertThat(value)
          .usingRecursiveComparison()
          .isEqualTo(new Mixed(false, "both", 1.5, 5, 'x', new byte[] {1}, 7, "both"));
    }
  }

  private enum Doubled implements Codec<Integer> {
    CODEC;

    @Override
    public Class<Integer> javaType() {
      return Integer.class;
    }

    @Override
    public void encode(Integer value, PgType type, ValueWriter out) {
      out.writeInt(value / 2);
    }

    @Override
    public Integer decode(PgType type, ValueReader in) {
      return in.readInt() * 2;
    }
  }

  record One(int i) {}

  /** A module may serve int4 as Integer, and leave its default to the standard codec. */
  @Test
  void aCodecOfTheApplicationsReadsPrimitivesToo() {
    PgConfig config =
        PgConfig.parse(TestServer.shared().dsn()).toBuilder()
            .codecs(
                (type, javaType) ->
                    type.name().equals("int4") && javaType == Integer.class ? Doubled.CODEC : null)
            .build();
    PgConnection doubling = PgConnection.connect(config).await();
    try {
      assertThat(doubling.fetch(One.class, "SELECT 21 AS i").await()).containsExactly(new One(42));
    } finally {
      doubling.close();
      doubling.closed().await();
    }
  }

  record Refusing(int i) {
    Refusing {
      if (i > 1) {
        throw new IllegalArgumentException("more than 1: " + i);
      }
    }
  }

  @Test
  void whatTheConstructorThrowsIsTheAnswer() {
    assertThatThrownBy(
            () ->
                connection
                    .fetch(Refusing.class, "SELECT i FROM generate_series(1, 2) AS i")
                    .await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("more than 1: 2");
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  // A hundred longs: as wide as a constructor comes, nearly.
  record Wide(
      long a1,
      long a2,
      long a3,
      long a4,
      long a5,
      long a6,
      long a7,
      long a8,
      long a9,
      long a10,
      long b1,
      long b2,
      long b3,
      long b4,
      long b5,
      long b6,
      long b7,
      long b8,
      long b9,
      long b10,
      long c1,
      long c2,
      long c3,
      long c4,
      long c5,
      long c6,
      long c7,
      long c8,
      long c9,
      long c10,
      long d1,
      long d2,
      long d3,
      long d4,
      long d5,
      long d6,
      long d7,
      long d8,
      long d9,
      long d10,
      long e1,
      long e2,
      long e3,
      long e4,
      long e5,
      long e6,
      long e7,
      long e8,
      long e9,
      long e10,
      long f1,
      long f2,
      long f3,
      long f4,
      long f5,
      long f6,
      long f7,
      long f8,
      long f9,
      long f10,
      long g1,
      long g2,
      long g3,
      long g4,
      long g5,
      long g6,
      long g7,
      long g8,
      long g9,
      long g10,
      long h1,
      long h2,
      long h3,
      long h4,
      long h5,
      long h6,
      long h7,
      long h8,
      long h9,
      long h10,
      long i1,
      long i2,
      long i3,
      long i4,
      long i5,
      long i6,
      long i7,
      long i8,
      long i9,
      long i10,
      long j1,
      long j2,
      long j3,
      long j4,
      long j5,
      long j6,
      long j7,
      long j8,
      long j9,
      long j10,
      long k1,
      long k2,
      long k3,
      long k4,
      long k5,
      long k6,
      long k7,
      long k8,
      long k9,
      long k10,
      long l1,
      long l2,
      long l3,
      long l4,
      long l5,
      long l6,
      long l7,
      long l8,
      long l9,
      long l10) {}

  @Test
  void aRecordMayHaveMoreThanAHundredComponents() throws ReflectiveOperationException {
    List<String> names = new ArrayList<>();
    for (RecordComponent component : Wide.class.getRecordComponents()) {
      names.add(component.getName());
    }
    String sql =
        IntStream.range(0, names.size())
            .mapToObj(i -> i + "::int8 AS " + names.get(i))
            .collect(Collectors.joining(", ", "SELECT ", ""));
    Wide wide = connection.fetch(Wide.class, sql).await().get(0);
    for (int i = 0; i < names.size(); i++) {
      assertThat(Wide.class.getDeclaredMethod(names.get(i)).invoke(wide)).isEqualTo((long) i);
    }
  }

  record Asserting(int i) {
    Asserting {
      if (i > 1) {
        throw new AssertionError("more than 1: " + i);
      }
    }
  }

  @Test
  void anErrorOfTheConstructorCostsItsOwnRequest() {
    String sql = "SELECT i FROM generate_series(1, 2) AS i";
    PgFuture<List<Asserting>> list = connection.fetch(Asserting.class, sql);
    PgFuture<Optional<Asserting>> one = connection.fetchRow(Asserting.class, sql + " WHERE i = 2");
    PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 1");
    assertThatThrownBy(list::await).hasStackTraceContaining("more than 1: 2");
    assertThatThrownBy(one::await).hasStackTraceContaining("more than 1: 2");
    assertThat(behind.await()).isEqualTo(1);
  }
}
