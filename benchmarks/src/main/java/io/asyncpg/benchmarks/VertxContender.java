package io.asyncpg.benchmarks;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import io.vertx.sqlclient.PreparedQuery;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.OffsetDateTime;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** vertx-pg-client: cached statements, native epoll, pipelining as wide as the workload. */
final class VertxContender implements Contender {
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
  private @Nullable PgConnection connection;

  @Override
  public void open(String host, int port, String user, String database) throws Exception {
    connection =
        PgConnection.connect(
                vertx,
                new PgConnectOptions()
                    .setHost(host)
                    .setPort(port)
                    .setUser(user)
                    .setDatabase(database)
                    .setCachePreparedStatements(true)
                    .setPipeliningLimit(256))
            .toCompletionStage()
            .toCompletableFuture()
            .get();
  }

  @Override
  public void run(Workload workload, long deadline, Tally tally) throws Exception {
    PreparedQuery<RowSet<Row>> query =
        Objects.requireNonNull(connection).preparedQuery(workload.sql);
    if (workload == Workload.IN_FLIGHT_64) {
      new Pipeline(query, workload.inFlight, deadline, tally).run();
      return;
    }
    int key = 0;
    while (System.nanoTime() < deadline) {
      long start = System.nanoTime();
      boolean byKey = workload == Workload.ONE_ROW;
      key = key % KEYS + 1;
      RowSet<Row> rows =
          (byKey ? query.execute(Tuple.of(key)) : query.execute())
              .toCompletionStage()
              .toCompletableFuture()
              .get();
      long sum = 0;
      for (Row row : rows) {
        sum += byKey ? sum(row) : workload == Workload.MIXED_500 ? mixed(row) : row.getInteger(0);
      }
      tally.done(start, sum);
    }
  }

  private static long sum(Row row) {
    return row.getInteger(0) + row.getString(1).length() + row.getLong(2);
  }

  private static long mixed(Row row) {
    long sum = 0;
    for (int c = 0; c < 20; c += 10) {
      sum += row.getInteger(c);
      sum += row.getLong(c + 1);
      sum += row.getString(c + 2).length();
      OffsetDateTime at = row.getOffsetDateTime(c + 3);
      sum += at.toEpochSecond();
      sum += (long) (double) row.getDouble(c + 4);
      sum += row.getBigDecimal(c + 5).longValue();
      sum += row.getBoolean(c + 6) ? 1 : 0;
      sum += row.getUUID(c + 7).getLeastSignificantBits() & 0xff;
      sum += row.getInteger(c + 8);
      sum += row.getString(c + 9).length();
    }
    return sum;
  }

  private static final class Pipeline {
    private final PreparedQuery<RowSet<Row>> query;
    private final int inFlight;
    private final long deadline;
    private final Tally tally;
    private final CompletableFuture<@Nullable Void> over = new CompletableFuture<>();
    private int key;
    private int running;

    Pipeline(PreparedQuery<RowSet<Row>> query, int inFlight, long deadline, Tally tally) {
      this.query = query;
      this.inFlight = inFlight;
      this.deadline = deadline;
      this.tally = tally;
    }

    void run() throws Exception {
      running = inFlight;
      query
          .execute(Tuple.of(1))
          .onSuccess(
              rows -> {
                for (int i = 0; i < inFlight; i++) {
                  next();
                }
              })
          .onFailure(over::completeExceptionally);
      over.get();
    }

    private void next() {
      long start = System.nanoTime();
      key = key % KEYS + 1;
      query
          .execute(Tuple.of(key))
          .onComplete(
              answer -> {
                if (answer.failed()) {
                  over.completeExceptionally(answer.cause());
                  return;
                }
                tally.done(start, sum(answer.result().iterator().next()));
                if (System.nanoTime() < deadline) {
                  next();
                } else if (--running == 0) {
                  over.complete(null);
                }
              });
    }
  }

  @Override
  public void close() throws Exception {
    Objects.requireNonNull(connection).close().toCompletionStage().toCompletableFuture().get();
    vertx.close().toCompletionStage().toCompletableFuture().get();
  }
}
