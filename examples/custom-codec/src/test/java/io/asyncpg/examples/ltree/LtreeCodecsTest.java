package io.asyncpg.examples.ltree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Row;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.TestServer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** On a real server, as an application would use it. */
class LtreeCodecsTest {
  private static final TestServer SERVER = TestServer.shared();

  private String database;
  private PgConnection connection;

  @BeforeEach
  void connect() {
    database = SERVER.createDatabase();
    SERVER.sqlIn(database, "CREATE SCHEMA trees", "CREATE EXTENSION ltree SCHEMA trees");
    PgConfig config =
        PgConfig.parse(SERVER.dsn(database)).toBuilder()
            .setting("search_path", "public,trees")
            .codecs(new LtreeCodecs())
            .build();
    connection = PgConnection.connect(config).await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
    SERVER.dropDatabase(database);
  }

  @Test
  void aPathGoesInAndComesOut() {
    connection.execute("CREATE TABLE node(id int PRIMARY KEY, path ltree)").await();
    LabelPath science = LabelPath.of("Top.Science");
    connection
        .executeMany(
            "INSERT INTO node VALUES ($1, $2)",
            List.of(
                List.of(1, LabelPath.of("Top")),
                List.of(2, science),
                List.of(3, science.child("Astronomy")),
                List.of(4, LabelPath.of("Top.Hobbies"))))
        .await();
    assertThat(
            connection
                .fetch(
                    LabelPath.class, "SELECT path FROM node WHERE path <@ $1 ORDER BY id", science)
                .await())
        .containsExactly(science, LabelPath.of("Top.Science.Astronomy"));
  }

  @Test
  void itIsTheDefaultAndServesArraysCompositesAndDomains() {
    assertThat(connection.fetchRow("SELECT 'a.b'::ltree").await().map(row -> row.get(0)))
        .contains(LabelPath.of("a.b"));
    connection.execute("CREATE DOMAIN place AS ltree").await();
    connection.execute("CREATE TYPE found AS (path ltree, many int)").await();
    record Found(LabelPath path, int many) {}
    Row row =
        connection
            .fetchRow("SELECT ARRAY['a', 'b.c']::ltree[], 'd'::place, ROW('e.f', 7)::found")
            .await()
            .orElseThrow();
    assertThat(row.get(0, LabelPath[].class))
        .containsExactly(LabelPath.of("a"), LabelPath.of("b.c"));
    assertThat(row.get(1, LabelPath.class)).isEqualTo(LabelPath.of("d"));
    assertThat(row.get(2, Found.class)).isEqualTo(new Found(LabelPath.of("e.f"), 7));
  }

  @Test
  void stringsGoOnWorking() {
    assertThat(connection.fetchValue(String.class, "SELECT $1::ltree", "x.y").await())
        .isEqualTo("x.y");
  }

  @Test
  void whatIsNoPathIsRefusedHereOrByTheServer() {
    assertThatThrownBy(() -> LabelPath.of("a..b")).hasMessageContaining("part of a path");
    assertThatThrownBy(
            () -> connection.execute("SELECT $1::ltree", LabelPath.of("no spaces")).await())
        .isInstanceOf(PgServerException.class);
    assertThat(connection.fetchValue(LabelPath.class, "SELECT ''::ltree").await())
        .isEqualTo(new LabelPath(List.of()));
  }
}
