package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.TestServer;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InsertManyTest {
  private static final String INSERT = "INSERT INTO items (id, name, price) VALUES ($1, $2, $3)";

  private final TestServer server = TestServer.shared();
  private final String database = server.createDatabase();
  private PgConnection connection;

  record Item(int id, String name, BigDecimal price) {}

  @BeforeEach
  void connect() {
    server.sqlIn(
        database,
        "CREATE DOMAIN label AS text CHECK (VALUE <> 'bad')",
        "CREATE TABLE items(id int8 PRIMARY KEY, name label, price numeric, at timestamptz DEFAULT now())");
    connection = PgConnection.connect(server.dsn(database)).await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
    server.dropDatabase(database);
  }

  private List<List<String>> found() {
    return server.rowsIn(database, "SELECT id, name, price FROM items ORDER BY id");
  }

  @Test
  void rowsOfEveryFormAreInsertedWithTheirNulls() {
    List<Object> rows =
        List.of(
            new Item(1, "one", new BigDecimal("1.10")),
            new Object[] {2, null, null},
            Arrays.asList(3, "it's, \"three\"", new BigDecimal("3")));
    RowCounts counts = connection.insertMany(INSERT, rows).await();
    assertThat(List.of(counts.size(), counts.get(2), counts.total())).containsExactly(3, 1L, 3L);
    assertThat(found())
        .containsExactly(
            List.of("1", "one", "1.10"),
            Arrays.asList("2", null, null),
            List.of("3", "it's, \"three\"", "3"));
    assertThat(server.rowsIn(database, "SELECT FROM items WHERE at IS NULL")).isEmpty();
  }

  @Test
  void moreRowsThanOneStatementTakesArriveAll() {
    List<Item> rows =
        IntStream.range(0, 25_001)
            .mapToObj(i -> new Item(i, "name " + i, BigDecimal.valueOf(i)))
            .toList();
    assertThat(connection.insertMany(INSERT, rows).await().total()).isEqualTo(25_001);
    assertThat(server.rowsIn(database, "SELECT count(*), sum(id), count(DISTINCT name) FROM items"))
        .containsExactly(List.of("25001", "312512500", "25001"));
  }

  @Test
  void noRowsInsertNothing() {
    assertThat(connection.insertMany(INSERT, List.of()).await().size()).isZero();
  }

  @Test
  void parametersMayStandInAnyOrderAndNamesBeQuoted() {
    connection
        .insertMany(
            "insert into \"public\".Items (\"name\", ID)\n values ($2,$1) ;",
            List.of(List.of(7, "seven")))
        .await();
    assertThat(found()).containsExactly(Arrays.asList("7", "seven", null));
  }

  @Test
  void theTypesOfEverydayGoThrough() {
    server.sqlIn(
        database, "CREATE TABLE kinds(u uuid, b bool, t timestamptz, f float8, j jsonb, y bytea)");
    UUID id = new UUID(1, 2);
    Instant at = Instant.parse("2026-11-22T10:00:00Z");
    connection
        .insertMany(
            "INSERT INTO kinds (u, b, t, f, j, y) VALUES ($1, $2, $3, $4, $5, $6)",
            List.of(
                List.of(id, true, at, 1.5, "{\"a\": 1}", new byte[] {1, 2}),
                List.of(id, false, at, -0.5, "[]", new byte[0])))
        .await();
    assertThat(server.rowsIn(database, "SELECT * FROM kinds ORDER BY f DESC"))
        .containsExactly(
            List.of(id.toString(), "t", "2026-11-22 10:00:00+00", "1.5", "{\"a\": 1}", "\\x0102"),
            List.of(id.toString(), "f", "2026-11-22 10:00:00+00", "-0.5", "[]", "\\x"));
  }

  @Test
  void anErrorInsertsNoneOfThem() {
    List<Item> rows = new ArrayList<>(List.of(new Item(1, "one", null), new Item(2, "bad", null)));
    assertThatThrownBy(() -> connection.insertMany(INSERT, rows).await())
        .isInstanceOfSatisfying(
            PgServerException.class, e -> assertThat(e.sqlState()).isEqualTo("23514"));
    assertThat(found()).isEmpty();
    assertThat(connection.isInTransaction()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "INSERT INTO items (id) VALUES ($1) ON CONFLICT DO NOTHING",
        "INSERT INTO items (id) VALUES ($1) RETURNING id",
        "INSERT INTO items (id) VALUES ($1 + 1)",
        "INSERT INTO items (id, name) VALUES ($1, 'x')",
        "INSERT INTO items (id, name) VALUES ($1, $1)",
        "INSERT INTO items (id) VALUES ($2)",
        "INSERT INTO items (id, name) VALUES ($1)",
        "INSERT INTO items (id) VALUES ($1), ($2)",
        "INSERT INTO items VALUES ($1)",
        "UPDATE items SET id = $1",
        "INSERT INTO items (nothing) VALUES ($1)",
        "INSERT INTO arrays (a) VALUES ($1)",
        "INSERT INTO composites (c) VALUES ($1)",
        "INSERT INTO composites (d) VALUES ($1)",
        "INSERT INTO watched (id) VALUES ($1)",
        "INSERT INTO ruled (id) VALUES ($1)",
        "INSERT INTO seen (id) VALUES ($1)",
      })
  void whatCouldComeOutOtherwiseIsRefused(String sql) {
    server.sqlIn(
        database,
        "CREATE TABLE arrays(a int4[])",
        "CREATE TYPE pair AS (a int4, b int4)",
        "CREATE DOMAIN pairs AS pair",
        "CREATE TABLE composites(c pair, d pairs)",
        "CREATE TABLE watched(id int8)",
        "CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER watch BEFORE INSERT ON watched EXECUTE FUNCTION watch()",
        "CREATE TABLE ruled(id int8)",
        "CREATE RULE nothing AS ON INSERT TO ruled DO INSTEAD NOTHING",
        "CREATE VIEW seen AS SELECT id FROM items");
    assertThatThrownBy(() -> connection.insertMany(sql, List.of(List.of(1))).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("use executeMany");
    assertThat(found()).isEmpty();
  }

  @Test
  void aRowOfAnotherLengthIsRefusedByItsIndex() {
    assertThatThrownBy(
            () ->
                connection
                    .insertMany(INSERT, List.of(List.of(1, "a", BigDecimal.ONE), List.of(2)))
                    .await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("row 1 has 1 values, the statement 3 parameters");
    assertThat(found()).isEmpty();
  }

  @Test
  void insideATransactionItIsPartOfIt() {
    PgTransaction transaction = connection.begin().await();
    assertThat(transaction.insertMany(INSERT, List.of(new Item(1, "x", null))).await().total())
        .isEqualTo(1);
    transaction.rollback().await();
    assertThat(found()).isEmpty();
  }
}
