package io.asyncpg.examples;

import static io.asyncpg.examples.Console.print;
import static io.asyncpg.examples.Console.say;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopyProgress;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.CopySource;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.LongStream;

/**
 * A million rows by COPY, with a progress bar, on a PostgreSQL that this program starts itself:
 * records into a table, the table into a CSV file, the file into a table, and rows out again.
 */
public final class BulkLoad {
  /** A row of the table, by column name: {@code taken_at} is {@code takenAt}. */
  public record Measurement(long sensor, Instant takenAt, double degrees) {}

  private static final long ROWS = 1_000_000;
  private static final int WIDTH = 40;

  private BulkLoad() {}

  /**
   * Runs it.
   *
   * @param args how many rows; a million if nothing is said
   * @throws Exception when anything goes wrong
   */
  public static void main(String[] args) throws Exception {
    long rows = args.length == 0 ? ROWS : Long.parseLong(args[0]);
    Path file = Files.createTempFile("measurements", ".csv");
    try (ExampleServer server = ExampleServer.open();
        PgConnection conn = PgConnection.connect(server.dsn()).await()) {
      conn.execute("CREATE TABLE measurement(sensor int8, taken_at timestamptz, degrees float8)")
          .await();
      load(conn, rows);
      throughAFile(conn, file, rows);
      read(conn);
    } finally {
      Files.delete(file);
    }
  }

  /** The records are made as the server takes them: there are never more than some hundred. */
  private static void load(PgConnection conn, long wanted) {
    Iterable<Measurement> measurements =
        () ->
            LongStream.range(0, wanted)
                .mapToObj(i -> new Measurement(i % 100, Instant.ofEpochSecond(i), i % 400 / 10.0))
                .iterator();
    CommandTag tag =
        conn.copyRecordsToTable(
                "measurement",
                List.of(),
                measurements,
                CopyOptions.binary().progress((rows, bytes) -> bar("records in", rows, wanted)))
            .await();
    say("  %s", tag);
  }

  private static void throughAFile(PgConnection conn, Path file, long wanted) throws Exception {
    CopyProgress out = (rows, bytes) -> bar("to a file", rows, wanted);
    CommandTag tag =
        conn.copyFromTable(
                "measurement", CopySink.to(file), CopyOptions.csv().header().progress(out))
            .await();
    say("  %s, %,d bytes", tag, Files.size(file));

    // On the way in only the server counts rows; how large the file is, we know.
    long size = Files.size(file);
    CopyProgress in = (rows, bytes) -> bar("from a file", bytes, size);
    tag =
        conn.copyToTable(
                "measurement", CopySource.from(file), CopyOptions.csv().header().progress(in))
            .await();
    say("  %s", tag);
  }

  private static void read(PgConnection conn) {
    double sum = 0;
    long count = 0;
    try (RowStream rows = conn.copyRows("SELECT degrees FROM measurement")) {
      for (Row row : rows) {
        sum += row.getDouble(0);
        count++;
      }
    }
    say("rows out: %,d, %.2f degrees on average", count, sum / count);
  }

  private static void bar(String what, long done, long all) {
    int filled = (int) Math.min(WIDTH, WIDTH * done / all);
    print(
        "\r%-12s [%s%s] %3d %%",
        what, "#".repeat(filled), " ".repeat(WIDTH - filled), Math.min(100, 100 * done / all));
  }
}
