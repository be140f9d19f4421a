package io.asyncpg.benchmarks;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Row;
import io.asyncpg.client.Rows;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** This client. */
final class AsyncpgContender implements Contender {
  private @Nullable PgConnection connection;

  private PgConnection connection() {
    return Objects.requireNonNull(connection);
  }

  @Override
  public void open(String host, int port, String user, String database) {
    connection =
        PgConnection.connect(
                PgConfig.builder().host(host).port(port).user(user).database(database).build())
            .await();
  }

  @Override
  public void run(Workload workload, long deadline, Tally tally) throws Exception {
    switch (workload) {
      case SELECT_1_PLUS_1 -> {
        while (System.nanoTime() < deadline) {
          long start = System.nanoTime();
          Integer sum = connection().fetchValue(Integer.class, workload.sql).await();
          tally.done(start, Objects.requireNonNull(sum));
        }
      }
      case ONE_ROW -> {
        int key = 0;
        while (System.nanoTime() < deadline) {
          long start = System.nanoTime();
          key = key % KEYS + 1;
          tally.done(start, sum(connection().fetchRow(workload.sql, key).await()));
        }
      }
      case INTS_1001 -> {
        while (System.nanoTime() < deadline) {
          long start = System.nanoTime();
          Rows rows = connection().fetch(workload.sql).await();
          long sum = 0;
          for (Row row : rows) {
            sum += row.getInt(0);
          }
          tally.done(start, sum);
        }
      }
      case MIXED_500 -> {
        while (System.nanoTime() < deadline) {
          long start = System.nanoTime();
          Rows rows = connection().fetch(workload.sql).await();
          long sum = 0;
          for (Row row : rows) {
            sum += mixed(row);
          }
          tally.done(start, sum);
        }
      }
      case IN_FLIGHT_64 -> new Pipeline(workload, deadline, tally).run();
    }
  }

  private static long mixed(Row row) {
    long sum = 0;
    for (int c = 0; c < 20; c += 10) {
      sum += row.getInt(c);
      sum += row.getLong(c + 1);
      sum += Objects.requireNonNull(row.getString(c + 2)).length();
      sum += Objects.requireNonNull(row.get(c + 3, Instant.class)).getEpochSecond();
      sum += (long) row.getDouble(c + 4);
      sum += Objects.requireNonNull(row.get(c + 5, BigDecimal.class)).longValue();
      sum += row.getBoolean(c + 6) ? 1 : 0;
      sum += Objects.requireNonNull(row.get(c + 7, UUID.class)).getLeastSignificantBits() & 0xff;
      sum += row.getInt(c + 8);
      sum += Objects.requireNonNull(row.getString(c + 9)).length();
    }
    return sum;
  }

  private static long sum(Optional<Row> found) {
    Row row = found.orElseThrow();
    return row.getInt(0) + Objects.requireNonNull(row.getString(1)).length() + row.getLong(2);
  }

  private final class Pipeline {
    private final Workload workload;
    private final long deadline;
    private final Tally tally;
    private final CompletableFuture<@Nullable Void> over = new CompletableFuture<>();
    private int key;
    private int running;

    Pipeline(Workload workload, long deadline, Tally tally) {
      this.workload = workload;
      this.deadline = deadline;
      this.tally = tally;
    }

    void run() throws Exception {
      running = workload.inFlight;
      // The first query's answer starts them all, on the event loop.
      connection()
          .fetchRow(workload.sql, 1)
          .thenAccept(
              row -> {
                for (int i = 0; i < workload.inFlight; i++) {
                  next();
                }
              });
      over.get();
    }

    private void next() {
      long start = System.nanoTime();
      key = key % KEYS + 1;
      connection()
          .fetchRow(workload.sql, key)
          .whenComplete(
              (row, failure) -> {
                if (failure != null) {
                  over.completeExceptionally(failure);
                  return;
                }
                tally.done(start, sum(row));
                if (System.nanoTime() < deadline) {
                  next();
                } else if (--running == 0) {
                  over.complete(null);
                }
              });
    }
  }

  @Override
  public void close() {
    connection().close();
  }
}
