package io.asyncpg.benchmarks;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Row;
import io.asyncpg.client.Rows;
import io.asyncpg.pool.PgPool;
import io.asyncpg.pool.PoolConfig;
import java.math.BigDecimal;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import java.util.stream.Collector;
import org.jspecify.annotations.Nullable;

/**
 * This client. As the other asynchronous ones it goes on where an answer arrives, on the event
 * loop; or, as those who call {@code await} do, on a thread that waits.
 */
final class AsyncpgContender implements Contender {
  private final boolean awaiting;
  private final boolean inserting;
  private final ExecutorService threads = Executors.newFixedThreadPool(10);
  private final List<PgConnection> connections = new ArrayList<>();
  private @Nullable PgConfig config;

  /** Where new connections come from that know what others have described. */
  private @Nullable PgPool pool;

  private final boolean pooled;

  AsyncpgContender(String name) {
    this.awaiting = name.equals("asyncpg-await");
    this.inserting = name.equals("asyncpg-insert");
    this.pooled = name.equals("asyncpg-pool");
  }

  @Override
  public void open(Place server, int count) {
    PgConfig to =
        PgConfig.builder()
            .host(server.host())
            .port(server.port())
            .user(server.user())
            .database(server.database())
            .build();
    config = to;
    if (pooled) {
      pool = PgPool.create(PoolConfig.builder().connection(to).minSize(0).maxSize(count).build());
    }
    for (int i = 0; i < count; i++) {
      connections.add(PgConnection.connect(to).await());
    }
  }

  @Override
  public void run(Lanes lanes) throws Exception {
    Workload workload = lanes.workload;
    if (awaiting) {
      lanes.run(threads, lane -> await(workload, lane));
      return;
    }
    lanes.run(
        switch (workload) {
          case SELECT_1 -> this::selectOne;
          case ONE_ROW, IN_FLIGHT -> this::oneRow;
          case INTS -> lane -> rows(lane, AsyncpgContender::ints);
          case MIXED -> lane -> collected(lane, AsyncpgContender::mixed);
          case BYTES -> lane -> collected(lane, AsyncpgContender::blob);
          case ARRAYS -> lane -> values(lane, int[].class, Fold::of);
          case MILLION, REPLAYED -> lane -> rows(lane, AsyncpgContender::eight);
          case MILLION_BOUNDED, REPLAYED_BOUNDED -> this::bounded;
          case EXECUTE_MANY -> this::executeMany;
          case COPY_IN -> this::copyIn;
          case COLD -> this::cold;
          case COLD_TOGETHER -> this::coldTogether;
        });
  }

  private PgConnection connection(Lanes.Lane lane) {
    return connections.get(lane.connection);
  }

  private long await(Workload workload, Lanes.Lane lane) {
    return workload == Workload.SELECT_1
        ? Objects.requireNonNull(connection(lane).fetchValue(Integer.class, workload.sql).await())
        : one(connection(lane).fetchRow(workload.sql, lane.nextKey()).await());
  }

  private void selectOne(Lanes.Lane lane) {
    connection(lane)
        .fetchValue(Integer.class, Workload.SELECT_1.sql)
        .whenComplete(
            (value, failure) -> {
              if (value == null) {
                lane.failed(failure);
              } else {
                lane.done(value);
              }
            });
  }

  private void oneRow(Lanes.Lane lane) {
    connection(lane)
        .fetchRow(Workload.ONE_ROW.sql, lane.nextKey())
        .whenComplete(
            (row, failure) -> {
              if (failure != null) {
                lane.failed(failure);
              } else {
                lane.done(one(row));
              }
            });
  }

  private static long one(Optional<Row> found) {
    return three(found.orElseThrow());
  }

  private static long three(Row row) {
    return row.getInt(0) + Fold.of(text(row, 1)) + row.getLong(2);
  }

  private void rows(Lanes.Lane lane, ToLongFunction<Row> fold) {
    connection(lane)
        .fetch(lane.workload().sql)
        .whenComplete(
            then(
                lane,
                rows -> {
                  lane.loaded();
                  lane.done(sum(rows, fold));
                }));
  }

  private static long sum(Rows rows, ToLongFunction<Row> fold) {
    long sum = 0;
    for (Row row : rows) {
      sum += fold.applyAsLong(row);
    }
    return sum;
  }

  private <T> void values(Lanes.Lane lane, Class<T> type, ToLongFunction<T> fold) {
    connection(lane)
        .fetch(type, lane.workload().sql)
        .whenComplete(
            (values, failure) -> {
              if (failure != null) {
                lane.failed(failure);
              } else {
                lane.loaded();
                long sum = 0;
                for (T value : values) {
                  sum += fold.applyAsLong(value);
                }
                lane.done(sum);
              }
            });
  }

  /** Each row is folded as it comes, and not kept. */
  private void collected(Lanes.Lane lane, ToLongFunction<Row> fold) {
    connection(lane)
        .fetch(
            Collector.of(
                () -> new long[1],
                (sum, row) -> sum[0] += fold.applyAsLong(row),
                (one, other) -> {
                  throw new AssertionError("nothing to combine");
                },
                sum -> sum[0]),
            lane.workload().sql)
        .whenComplete(
            then(
                lane,
                sum -> {
                  lane.loaded();
                  lane.done(sum);
                }));
  }

  private static String text(Row row, int column) {
    return Objects.requireNonNull(row.getString(column));
  }

  private static <T> T value(Row row, int column, Class<T> type) {
    return Objects.requireNonNull(row.get(column, type));
  }

  private static long ints(Row row) {
    return row.getInt(0);
  }

  private static long blob(Row row) {
    return Fold.of(value(row, 0, byte[].class)) + Fold.of(text(row, 1));
  }

  private static long mixed(Row row) {
    long sum = 0;
    for (int c = 0; c < 20; c += 10) {
      sum += row.getInt(c);
      sum += row.getLong(c + 1);
      sum += Fold.of(text(row, c + 2));
      sum += Fold.of(value(row, c + 3, OffsetDateTime.class));
      sum += Fold.of(row.getDouble(c + 4));
      sum += Fold.of(value(row, c + 5, BigDecimal.class));
      sum += Fold.of(row.getBoolean(c + 6));
      sum += Fold.of(value(row, c + 7, UUID.class));
      sum += row.getInt(c + 8);
      sum += Fold.of(text(row, c + 9));
    }
    return sum;
  }

  private static long eight(Row row) {
    return row.getInt(0)
        + row.getLong(1)
        + Fold.of(text(row, 2))
        + Fold.of(value(row, 3, OffsetDateTime.class))
        + Fold.of(row.getDouble(4))
        + Fold.of(value(row, 5, BigDecimal.class))
        + Fold.of(row.getBoolean(6))
        + Fold.of(value(row, 7, UUID.class));
  }

  private void bounded(Lanes.Lane lane) {
    connection(lane).stream(Workload.MILLION_BOUNDED.sql)
        .fetchSize(Workload.PORTION)
        .subscribe(
            new Flow.Subscriber<Row>() {
              private long sum;

              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
              }

              @Override
              public void onNext(Row row) {
                sum += eight(row);
              }

              @Override
              public void onError(Throwable failure) {
                lane.failed(failure);
              }

              @Override
              public void onComplete() {
                lane.done(sum);
              }
            });
  }

  private void executeMany(Lanes.Lane lane) {
    String sql = Workload.EXECUTE_MANY.sql;
    (inserting
            ? connection(lane).insertMany(sql, Item.ITEMS)
            : connection(lane).executeMany(sql, Item.ITEMS))
        .whenComplete(then(lane, counts -> lane.done(counts.total())));
  }

  private void copyIn(Lanes.Lane lane) {
    connection(lane)
        .copyRecordsToTable(
            Workload.COPY_IN.sql, List.of("id", "name", "amount", "price"), Item.MILLION)
        .whenComplete(then(lane, tag -> lane.done(tag.rows())));
  }

  private static <T> BiConsumer<T, @Nullable Throwable> then(Lanes.Lane lane, Consumer<T> next) {
    return (result, failure) -> {
      if (failure != null) {
        lane.failed(failure);
      } else {
        next.accept(result);
      }
    };
  }

  private void cold(Lanes.Lane lane) {
    onNewConnection(lane, connection -> cold(lane, connection, 1, 0));
  }

  private void onNewConnection(Lanes.Lane lane, Consumer<PgConnection> statements) {
    PgPool known = pool;
    if (known != null) {
      known.expireConnections();
    }
    (known != null ? known.acquire() : PgConnection.connect(Objects.requireNonNull(config)))
        .whenComplete(
            then(
                lane,
                connection -> {
                  lane.restart();
                  statements.accept(connection);
                }));
  }

  private static void cold(Lanes.Lane lane, PgConnection connection, int number, long sum) {
    if (number > Workload.COLD_STATEMENTS) {
      closed(lane, connection, sum);
      return;
    }
    connection
        .fetchRow(Workload.COLD.coldSql(number), number)
        .whenComplete(then(lane, row -> cold(lane, connection, number + 1, sum + one(row))));
  }

  private void coldTogether(Lanes.Lane lane) {
    onNewConnection(lane, connection -> coldTogether(lane, connection));
  }

  private static void coldTogether(Lanes.Lane lane, PgConnection connection) {
    List<CompletableFuture<Optional<Row>>> answers = new ArrayList<>();
    for (int i = 1; i <= Workload.COLD_STATEMENTS; i++) {
      answers.add(connection.fetchRow(Workload.COLD.coldSql(i), i));
    }
    CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
        .whenComplete(
            then(
                lane,
                nothing ->
                    closed(
                        lane,
                        connection,
                        answers.stream().mapToLong(row -> one(row.join())).sum())));
  }

  private static void closed(Lanes.Lane lane, PgConnection connection, long sum) {
    lane.stop();
    connection.close();
    connection.closed().whenComplete((nothing, failure) -> lane.done(sum));
  }

  @Override
  public void disconnect() {
    connections.forEach(PgConnection::close);
    connections.clear();
    PgPool known = pool;
    if (known != null) {
      known.close();
      known.closed().await();
      pool = null;
    }
  }

  @Override
  public void close() {
    disconnect();
    threads.shutdown();
  }
}
