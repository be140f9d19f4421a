package io.asyncpg.benchmarks;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import io.vertx.sqlclient.Cursor;
import io.vertx.sqlclient.PreparedQuery;
import io.vertx.sqlclient.PreparedStatement;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Transaction;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import java.util.stream.Collector;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** vertx-pg-client: cached statements, native epoll, pipelining up to a limit. */
final class VertxContender implements Contender {
  private final Vertx vertx =
      Vertx.vertx(
          new VertxOptions()
              .setPreferNativeTransport(true)
              // A million rows are looked through on the event loop: no warnings of that.
              .setMaxEventLoopExecuteTimeUnit(TimeUnit.MINUTES)
              .setMaxEventLoopExecuteTime(10));
  private final int pipelining;
  private final List<PgConnection> connections = new ArrayList<>();
  private final List<PreparedQuery<RowSet<Row>>> queries = new ArrayList<>();
  private @Nullable PgConnectOptions options;

  VertxContender(int pipelining) {
    this.pipelining = pipelining;
  }

  @Override
  public void open(Place server, int count) throws Exception {
    if (!vertx.isNativeTransportEnabled()) {
      throw new IllegalStateException("no native epoll", vertx.unavailableNativeTransportCause());
    }
    options =
        new PgConnectOptions()
            .setHost(server.host())
            .setPort(server.port())
            .setUser(server.user())
            .setDatabase(server.database())
            .setCachePreparedStatements(true)
            .setPipeliningLimit(pipelining);
    for (int i = 0; i < count; i++) {
      // Each from a thread of its own, so that each gets the next event loop.
      CompletableFuture<PgConnection> connected = new CompletableFuture<>();
      new Thread(
              () ->
                  connect()
                      .onSuccess(connected::complete)
                      .onFailure(connected::completeExceptionally))
          .start();
      connections.add(connected.get());
    }
  }

  private Future<PgConnection> connect() {
    return PgConnection.connect(vertx, Objects.requireNonNull(options));
  }

  @Override
  public void run(Lanes lanes) throws Exception {
    Workload workload = lanes.workload;
    queries.clear();
    connections.forEach(connection -> queries.add(connection.preparedQuery(workload.sql)));
    lanes.run(
        switch (workload) {
          case SELECT_1, INTS -> lane -> rows(lane, row -> row.getInteger(0));
          case ONE_ROW, IN_FLIGHT -> this::oneRow;
          case MIXED -> lane -> collected(lane, VertxContender::mixed);
          case BYTES ->
              lane ->
                  collected(
                      lane,
                      row -> Fold.of(row.getBuffer(0).getBytes()) + Fold.of(row.getString(1)));
          case ARRAYS -> lane -> rows(lane, row -> Fold.of(row.getArrayOfIntegers(0)));
          case MILLION, REPLAYED -> lane -> rows(lane, VertxContender::eight);
          case MILLION_BOUNDED, REPLAYED_BOUNDED -> this::bounded;
          case EXECUTE_MANY -> this::executeMany;
          case COLD -> this::cold;
          case COLD_TOGETHER -> this::coldTogether;
          case COPY_IN -> throw new IllegalArgumentException("vertx has no COPY");
        });
  }

  private PreparedQuery<RowSet<Row>> query(Lanes.Lane lane) {
    return queries.get(lane.connection);
  }

  private void oneRow(Lanes.Lane lane) {
    query(lane)
        .execute(Tuple.of(lane.nextKey()))
        .onFailure(lane::failed)
        .onSuccess(rows -> lane.done(one(rows)));
  }

  private static long one(RowSet<Row> rows) {
    Row row = rows.iterator().next();
    return row.getInteger(0) + Fold.of(row.getString(1)) + row.getLong(2);
  }

  private void rows(Lanes.Lane lane, ToLongFunction<Row> fold) {
    query(lane)
        .execute()
        .onFailure(lane::failed)
        .onSuccess(
            rows -> {
              lane.loaded();
              lane.done(sum(rows, fold));
            });
  }

  /** Each row is folded as it comes, and used again for the next. */
  private void collected(Lanes.Lane lane, ToLongFunction<Row> fold) {
    query(lane)
        .collecting(
            Collector.<Row, long[]>of(
                () -> new long[1],
                (sum, row) -> {
                  sum[0] += fold.applyAsLong(row);
                  row.release();
                },
                (one, other) -> {
                  throw new AssertionError("nothing to combine");
                }))
        .execute()
        .onFailure(lane::failed)
        .onSuccess(
            result -> {
              lane.loaded();
              lane.done(result.value()[0]);
            });
  }

  private static long sum(RowSet<Row> rows, ToLongFunction<Row> fold) {
    long sum = 0;
    for (Row row : rows) {
      sum += fold.applyAsLong(row);
    }
    return sum;
  }

  private static long mixed(Row row) {
    long sum = 0;
    for (int c = 0; c < 20; c += 10) {
      sum += row.getInteger(c);
      sum += row.getLong(c + 1);
      sum += Fold.of(row.getString(c + 2));
      sum += Fold.of(row.getOffsetDateTime(c + 3));
      sum += Fold.of(row.getDouble(c + 4));
      sum += Fold.of(row.getBigDecimal(c + 5));
      sum += Fold.of(row.getBoolean(c + 6));
      sum += Fold.of(row.getUUID(c + 7));
      sum += row.getInteger(c + 8);
      sum += Fold.of(row.getString(c + 9));
    }
    return sum;
  }

  private static long eight(Row row) {
    return row.getInteger(0)
        + row.getLong(1)
        + Fold.of(row.getString(2))
        + Fold.of(row.getOffsetDateTime(3))
        + Fold.of(row.getDouble(4))
        + Fold.of(row.getBigDecimal(5))
        + Fold.of(row.getBoolean(6))
        + Fold.of(row.getUUID(7));
  }

  private void bounded(Lanes.Lane lane) {
    PgConnection connection = connections.get(lane.connection);
    connection
        .begin()
        .onFailure(lane::failed)
        .onSuccess(
            transaction ->
                connection
                    .prepare(Workload.MILLION_BOUNDED.sql)
                    .onFailure(lane::failed)
                    .onSuccess(
                        statement -> portion(lane, transaction, statement, statement.cursor(), 0)));
  }

  private static void portion(
      Lanes.Lane lane,
      Transaction transaction,
      PreparedStatement statement,
      Cursor cursor,
      long sum) {
    cursor
        .read(Workload.PORTION)
        .onFailure(lane::failed)
        .onSuccess(
            rows -> {
              long more = sum + sum(rows, VertxContender::eight);
              if (cursor.hasMore()) {
                portion(lane, transaction, statement, cursor, more);
              } else {
                cursor
                    .close()
                    .compose(nothing -> statement.close())
                    .compose(nothing -> transaction.commit())
                    .onFailure(lane::failed)
                    .onSuccess(nothing -> lane.done(more));
              }
            });
  }

  private void executeMany(Lanes.Lane lane) {
    List<Tuple> rows = new ArrayList<>(Workload.ITEMS);
    for (Item item : Item.ITEMS) {
      rows.add(Tuple.of(item.id(), item.name(), item.amount(), item.price()));
    }
    query(lane)
        .executeBatch(rows)
        .onFailure(lane::failed)
        .onSuccess(
            first -> {
              long touched = 0;
              for (RowSet<Row> result = first; result != null; result = result.next()) {
                touched += result.rowCount();
              }
              lane.done(touched);
            });
  }

  private void cold(Lanes.Lane lane) {
    onNewConnection(lane, connection -> cold(lane, connection, 1, 0));
  }

  private void onNewConnection(Lanes.Lane lane, Consumer<PgConnection> statements) {
    connect()
        .onFailure(lane::failed)
        .onSuccess(
            connection -> {
              lane.restart();
              statements.accept(connection);
            });
  }

  private static void cold(Lanes.Lane lane, PgConnection connection, int number, long sum) {
    if (number > Workload.COLD_STATEMENTS) {
      closed(lane, connection, sum);
      return;
    }
    cold(connection, number)
        .onFailure(lane::failed)
        .onSuccess(one -> cold(lane, connection, number + 1, sum + one));
  }

  private static Future<Long> cold(PgConnection connection, int number) {
    return connection
        .preparedQuery(Workload.COLD.coldSql(number))
        .execute(Tuple.of(number))
        .map(VertxContender::one);
  }

  private void coldTogether(Lanes.Lane lane) {
    onNewConnection(lane, connection -> coldTogether(lane, connection));
  }

  private static void coldTogether(Lanes.Lane lane, PgConnection connection) {
    List<Future<Long>> answers =
        IntStream.rangeClosed(1, Workload.COLD_STATEMENTS)
            .mapToObj(number -> cold(connection, number))
            .toList();
    Future.all(answers)
        .onFailure(lane::failed)
        .onSuccess(
            all -> closed(lane, connection, answers.stream().mapToLong(Future::result).sum()));
  }

  private static void closed(Lanes.Lane lane, PgConnection connection, long sum) {
    lane.stop();
    connection.close().onFailure(lane::failed).onSuccess(nothing -> lane.done(sum));
  }

  @Override
  public void disconnect() throws Exception {
    for (PgConnection connection : connections) {
      connection.close().toCompletionStage().toCompletableFuture().get();
    }
    connections.clear();
  }

  @Override
  public void close() throws Exception {
    disconnect();
    vertx.close().toCompletionStage().toCompletableFuture().get();
  }
}
