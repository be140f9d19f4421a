package io.asyncpg.examples;

import static io.asyncpg.examples.Console.say;

import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;

/**
 * A result that is larger than one would like to hold goes into a compressed file, row by row. The
 * server is asked for more only when what came is written: the heap stays small, however many rows
 * there are.
 */
public final class StreamingExport {
  private static final int ROWS = 500_000;

  private StreamingExport() {}

  /**
   * Runs it.
   *
   * @param args how many rows; 500,000 if nothing is said
   * @throws IOException when the file cannot be written
   */
  public static void main(String[] args) throws IOException {
    int wanted = args.length == 0 ? ROWS : Integer.parseInt(args[0]);
    Path file = Files.createTempFile("events", ".csv.gz");
    try (ExampleServer server = ExampleServer.open();
        PgConnection conn = PgConnection.connect(server.dsn()).await()) {
      conn.execute("CREATE TABLE event(id int8, at timestamptz, kind text, amount numeric)")
          .await();
      conn.execute(
              """
              INSERT INTO event
              SELECT i, timestamptz '2026-01-01' + i * interval '1 second',
                     (ARRAY['order', 'refund', 'visit'])[1 + i % 3], (i % 10000) / 100.0
              FROM generate_series(1, $1::int4) i
              """,
              wanted)
          .await();
      export(conn, file);
    } finally {
      Files.delete(file);
    }
  }

  private static void export(PgConnection conn, Path file) throws IOException {
    long start = System.nanoTime();
    long count = 0;
    long most = 0;
    try (RowStream rows = conn.stream("SELECT * FROM event ORDER BY id").fetchSize(1_000);
        var out =
            new PrintWriter(
                new GZIPOutputStream(Files.newOutputStream(file)), false, StandardCharsets.UTF_8)) {
      for (Row row : rows) {
        out.printf(
            Locale.ROOT,
            "%d,%s,%s,%s%n",
            row.getLong("id"),
            row.get("at", Instant.class),
            row.getString("kind"),
            row.get("amount"));
        if (++count % 50_000 == 0) {
          most = Math.max(most, heap());
          say("  %,9d rows written", count);
        }
      }
    }
    long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();
    say("%,d rows in %,d ms, %,d bytes compressed", count, millis, Files.size(file));
    say("meanwhile never more than %,d MB were alive in the heap", most >> 20);
  }

  /** What is alive in the heap, without garbage. */
  private static long heap() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
