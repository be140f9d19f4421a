package io.asyncpg.examples;

import static io.asyncpg.examples.Console.say;

import io.asyncpg.client.Column;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.client.Rows;
import io.asyncpg.error.UniqueViolationException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The main job, on a PostgreSQL that this program starts itself: connect, create a table, insert
 * and read a dozen types, roll a transaction back, pipeline a thousand queries.
 */
public final class Quickstart {
  /** A row of the table, by column name: {@code birth_date} is {@code birthDate}. */
  public record Person(
      int id, String name, @Nullable LocalDate birthDate, BigDecimal balance, List<String> tags) {}

  private Quickstart() {}

  /**
   * Runs it.
   *
   * @param args none
   * @throws Exception when anything goes wrong
   */
  public static void main(String[] args) throws Exception {
    say("Starting an embedded PostgreSQL, unless you named a server ...");
    try (ExampleServer server = ExampleServer.open();
        PgConnection conn = PgConnection.connect(server.dsn()).await()) {
      say("Connected to PostgreSQL %s, process %d.", conn.serverVersion(), conn.serverPid());
      createAndFill(conn);
      read(conn);
      fail(conn);
      rollBack(conn);
      pipeline(conn);
      say("%nDone.");
    }
  }

  private static void createAndFill(PgConnection conn) {
    conn.execute(
            """
            CREATE TABLE person (
              id          serial PRIMARY KEY,
              name        text NOT NULL UNIQUE,
              birth_date  date,
              wakes_at    time,
              balance     numeric(12, 2) NOT NULL,
              height      float8,
              visits      int8,
              active      bool,
              joined      timestamptz,
              key         uuid,
              photo       bytea,
              scores      int4[],
              tags        text[] NOT NULL,
              settings    jsonb
            )
            """)
        .await();
    String insert =
        """
        INSERT INTO person(name, birth_date, wakes_at, balance, height, visits, active, joined,
                           key, photo, scores, tags, settings)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """;
    say(
        "%nInsert: %s",
        conn.execute(
                insert,
                "Bob",
                LocalDate.of(1984, 3, 1),
                LocalTime.of(6, 30),
                new BigDecimal("1234.50"),
                1.83,
                9_000_000_000L,
                true,
                Instant.parse("2026-11-22T12:00:00Z"),
                UUID.fromString("c0ffee00-0000-4000-8000-000000000001"),
                new byte[] {(byte) 0xca, (byte) 0xfe},
                new int[] {3, 1, 4},
                List.of("early", "bird"),
                "{\"theme\": \"dark\"}")
            .await());
    say(
        "Insert: %s",
        conn.execute(
                insert,
                "Ann",
                null,
                null,
                new BigDecimal("0.10"),
                null,
                null,
                false,
                null,
                null,
                null,
                null,
                List.of(),
                null)
            .await());
  }

  private static void read(PgConnection conn) {
    Rows rows = conn.fetch("SELECT * FROM person ORDER BY id").await();
    say("%nEach column as the Java type it has by default:");
    Row bob = rows.get(0);
    for (Column column : rows.columns()) {
      Object value = bob.get(column.name());
      say(
          "  %-11s %-12s %-26s %s",
          column.name(),
          column.type(),
          value == null ? "null" : value.getClass().getSimpleName(),
          value instanceof byte[] bytes ? Arrays.toString(bytes) : value);
    }
    say("%nRows as records:");
    conn.fetch(Person.class, "SELECT * FROM person ORDER BY id")
        .await()
        .forEach(person -> say("  %s", person));
    say(
        "%nOne value, $1 filled in: %s",
        conn.fetchValue(BigDecimal.class, "SELECT sum(balance) FROM person WHERE id >= $1", 1)
            .await());
  }

  private static void fail(PgConnection conn) {
    try {
      conn.execute("INSERT INTO person(name, balance, tags) VALUES ($1, 0, '{}')", "Bob").await();
    } catch (UniqueViolationException e) {
      say(
          "%nAn error is an exception that says which: %s, constraint %s, safe to retry: %s",
          e.sqlState(), e.constraint(), e.retrySafety());
    }
  }

  private static void rollBack(PgConnection conn) {
    try {
      conn.transaction(
              tx ->
                  tx.execute("UPDATE person SET balance = balance - 100")
                      .thenAccept(updated -> say("%nIn the transaction: %s", updated))
                      .thenCompose(
                          updated ->
                              tx.fetchValue(BigDecimal.class, "SELECT min(balance) FROM person"))
                      .thenAccept(
                          least -> {
                            say("In the transaction, the least balance: %s", least);
                            if (least.signum() < 0) {
                              throw new IllegalStateException("nobody may owe us money");
                            }
                          }))
          .await();
    } catch (IllegalStateException refused) {
      say(
          "Rolled back (%s). The least balance now: %s",
          refused.getMessage(),
          conn.fetchValue(BigDecimal.class, "SELECT min(balance) FROM person").await());
    }
  }

  private static void pipeline(PgConnection conn) {
    List<PgFuture<Long>> answers = new ArrayList<>();
    long start = System.nanoTime();
    for (int i = 1; i <= 1000; i++) {
      answers.add(conn.fetchValue(Long.class, "SELECT $1::int8 * $1::int8", i));
    }
    long sum = answers.stream().mapToLong(PgFuture::await).sum();
    say(
        "%n1,000 queries pipelined on this one connection in %d ms; sum of squares: %,d.",
        Duration.ofNanos(System.nanoTime() - start).toMillis(), sum);
  }
}
