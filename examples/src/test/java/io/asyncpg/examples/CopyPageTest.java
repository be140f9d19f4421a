package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.CopySource;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/copy.md shows, compiled and run; the page has it from here. */
class CopyPageTest extends InADatabase {
  @TempDir Path directory;

  @BeforeEach
  void makeTables() {
    server.sqlIn(
        database,
        "CREATE TABLE users(id int4, name text)",
        "CREATE SCHEMA app",
        "CREATE TABLE app.users(id int4, first_name text, born date)",
        "CREATE TABLE measurements AS SELECT i / 2.0::float8 AS value FROM generate_series(1, 4) i");
  }

  private void searchApp() {
    connection.execute("SET search_path = app").await();
  }

  @Test
  void rowsOfValues() {
    List<List<Object>> rows = List.of(List.of(1, "Ann"), List.of(2, "Bob"));
    connection.copyRecordsToTable("users", List.of("id", "name"), rows).await(); // COPY 1000000
    assertThat(server.rowsIn(database, "SELECT * FROM users"))
        .containsExactly(List.of("1", "Ann"), List.of("2", "Bob"));
  }

  @Test
  void records() {
    searchApp();
    record User(int id, String firstName, LocalDate born) {}

    connection
        .copyRecordsToTable(
            "users", List.of(), List.of(new User(1, "Ann", LocalDate.of(2001, 2, 3))))
        .await();
    assertThat(server.rowsIn(database, "SELECT * FROM app.users"))
        .containsExactly(List.of("1", "Ann", "2001-02-03"));
  }

  @Test
  void optionsForRecords() {
    List<List<Object>> rows = List.of(List.of(0), List.of(7));
    connection
        .copyRecordsToTable(
            "users", List.of("id"), rows, CopyOptions.binary().schema("app").where("id > 0"))
        .await();
    assertThat(server.rowsIn(database, "SELECT id FROM app.users")).containsExactly(List.of("7"));
  }

  @Test
  void manyInserts() {
    searchApp();
    List<List<Object>> rows = List.of(List.of(1, "Ann"), List.of(2, "Bob"));
    connection
        .insertMany("INSERT INTO users (id, first_name) VALUES ($1, $2)", rows)
        .await(); // a count of 1 for each row
    assertThat(server.rowsIn(database, "SELECT id, first_name FROM app.users"))
        .containsExactly(List.of("1", "Ann"), List.of("2", "Bob"));
  }

  @Test
  void bytesInAndOut() throws Exception {
    Path file = directory.resolve("users.csv");
    Files.writeString(file, "id,name\n1,Ann\n200,Bob\n");
    connection.copyToTable("users", CopySource.from(file), CopyOptions.csv().header()).await();

    Files.delete(file);
    var stream = new ByteArrayOutputStream();
    connection.copyFromTable("users", CopySink.to(file), CopyOptions.csv().header()).await();
    connection
        .copyFromQuery(
            "SELECT * FROM users WHERE id > $1",
            List.of(100),
            CopySink.to(stream),
            CopyOptions.text())
        .await();
    assertThat(Files.readString(file)).isEqualTo("id,name\n1,Ann\n200,Bob\n");
    assertThat(stream.toString(StandardCharsets.UTF_8)).isEqualTo("200\tBob\n");
  }

  private static final class Http {
    private final StringBuilder written = new StringBuilder();

    CompletionStage<?> write(ByteBuffer chunk) {
      written.append(StandardCharsets.UTF_8.decode(chunk));
      return CompletableFuture.completedFuture(null);
    }
  }

  @Test
  void toWhateverTakesChunks() {
    server.sqlIn(database, "INSERT INTO users VALUES (1, 'Ann')");
    var http = new Http();
    connection
        .copyFromTable(
            "users",
            CopySink.to(
                chunk -> http.write(chunk)), // the next chunk comes when this stage is complete
            CopyOptions.csv())
        .await();
    assertThat(http.written).hasToString("1,Ann\n");
  }

  @Test
  void rowsOut() {
    double sum = 0;
    try (RowStream rows = connection.copyRows("SELECT * FROM measurements")) {
      for (Row row : rows) {
        sum += row.getDouble("value");
      }
    }
    assertThat(sum).isEqualTo(5);
  }

  @Test
  void progress() throws Exception {
    Path file = Files.writeString(directory.resolve("users.csv"), "1,Ann\n");
    long size = Files.size(file);
    CopyOptions options =
        CopyOptions.csv()
            .progress((rows, bytes) -> System.out.printf("\r%d %%", 100 * bytes / size));
    assertThat(connection.copyToTable("users", CopySource.from(file), options).await())
        .hasToString("COPY 1");
  }
}
