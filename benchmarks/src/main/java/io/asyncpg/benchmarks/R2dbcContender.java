package io.asyncpg.benchmarks;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.r2dbc.postgresql.PostgresqlConnectionConfiguration;
import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.postgresql.api.PostgresqlStatement;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Row;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** r2dbc-postgresql: binary transfer forced. */
final class R2dbcContender implements Contender {
  private static final int CHUNK = 64 * 1024;

  private final List<PostgresqlConnection> connections = new ArrayList<>();
  private @Nullable PostgresqlConnectionFactory factory;

  private record Eight(
      int id, long big, String text, OffsetDateTime at, double f, BigDecimal n, boolean b, UUID u) {
    static Eight of(Readable row) {
      return new Eight(
          value(row, 0, Integer.class),
          value(row, 1, Long.class),
          value(row, 2, String.class),
          value(row, 3, OffsetDateTime.class),
          value(row, 4, Double.class),
          value(row, 5, BigDecimal.class),
          value(row, 6, Boolean.class),
          value(row, 7, UUID.class));
    }

    long sum() {
      return id
          + big
          + Fold.of(text)
          + Fold.of(at)
          + Fold.of(f)
          + Fold.of(n)
          + Fold.of(b)
          + Fold.of(u);
    }
  }

  @Override
  public void open(Place server, int count) {
    factory =
        new PostgresqlConnectionFactory(
            PostgresqlConnectionConfiguration.builder()
                .host(server.host())
                .port(server.port())
                .username(server.user())
                .database(server.database())
                .forceBinary(true)
                .build());
    for (int i = 0; i < count; i++) {
      connections.add(Objects.requireNonNull(factory.create().block()));
    }
  }

  @Override
  public void run(Lanes lanes) throws Exception {
    lanes.run(
        switch (lanes.workload) {
          case SELECT_1, INTS -> lane -> rows(lane, row -> value(row, 0, Integer.class));
          case ONE_ROW, IN_FLIGHT -> lane -> keyed(lane);
          case MIXED -> lane -> rows(lane, R2dbcContender::mixed);
          case BYTES ->
              lane ->
                  rows(
                      lane,
                      row ->
                          Fold.of(bytes(value(row, 0, ByteBuffer.class)))
                              + Fold.of(value(row, 1, String.class)));
          case ARRAYS -> lane -> rows(lane, row -> Fold.of(value(row, 0, Integer[].class)));
          case MILLION, REPLAYED -> this::whole;
          case MILLION_BOUNDED, REPLAYED_BOUNDED -> this::bounded;
          case EXECUTE_MANY -> this::executeMany;
          case COPY_IN -> this::copyIn;
          case COLD, COLD_TOGETHER -> this::cold;
        });
  }

  private static <T> T value(Readable row, int column, Class<T> type) {
    return Objects.requireNonNull(row.get(column, type));
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  private PostgresqlConnection connection(Lanes.Lane lane) {
    return connections.get(lane.connection);
  }

  private static Mono<Long> sum(PostgresqlStatement statement, ToLongFunction<Row> fold) {
    return statement
        .execute()
        .concatMap(result -> result.map((row, metadata) -> fold.applyAsLong(row)))
        .reduce(0L, Long::sum);
  }

  private void rows(Lanes.Lane lane, ToLongFunction<Row> fold) {
    sum(connection(lane).createStatement(lane.workload().sql), fold)
        .subscribe(lane::done, lane::failed);
  }

  private void keyed(Lanes.Lane lane) {
    sum(
            connection(lane).createStatement(Workload.ONE_ROW.sql).bind("$1", lane.nextKey()),
            R2dbcContender::three)
        .subscribe(lane::done, lane::failed);
  }

  private static long three(Row row) {
    return value(row, 0, Integer.class)
        + Fold.of(value(row, 1, String.class))
        + value(row, 2, Long.class);
  }

  private static long mixed(Row row) {
    long sum = 0;
    for (int c = 0; c < 20; c += 10) {
      sum += value(row, c, Integer.class);
      sum += value(row, c + 1, Long.class);
      sum += Fold.of(value(row, c + 2, String.class));
      sum += Fold.of(value(row, c + 3, OffsetDateTime.class));
      sum += Fold.of(value(row, c + 4, Double.class));
      sum += Fold.of(value(row, c + 5, BigDecimal.class));
      sum += Fold.of(value(row, c + 6, Boolean.class));
      sum += Fold.of(value(row, c + 7, UUID.class));
      sum += value(row, c + 8, Integer.class);
      sum += Fold.of(value(row, c + 9, String.class));
    }
    return sum;
  }

  /** It has no rows that last: what is kept of each is a record. */
  private void whole(Lanes.Lane lane) {
    connection(lane)
        .createStatement(Workload.MILLION.sql)
        .execute()
        .concatMap(result -> result.map((row, metadata) -> Eight.of(row)))
        .collectList()
        .subscribe(
            rows -> {
              lane.loaded();
              lane.done(rows.stream().mapToLong(Eight::sum).sum());
            },
            lane::failed);
  }

  private void bounded(Lanes.Lane lane) {
    PostgresqlConnection connection = connection(lane);
    connection
        .beginTransaction()
        .then(
            sum(
                connection
                    .createStatement(Workload.MILLION_BOUNDED.sql)
                    .fetchSize(Workload.PORTION),
                row -> Eight.of(row).sum()))
        .flatMap(sum -> connection.commitTransaction().thenReturn(sum))
        .subscribe(lane::done, lane::failed);
  }

  private void executeMany(Lanes.Lane lane) {
    PostgresqlConnection connection = connection(lane);
    PostgresqlStatement statement = connection.createStatement(Workload.EXECUTE_MANY.sql);
    boolean first = true;
    for (Item item : Item.ITEMS) {
      if (!first) {
        statement.add();
      }
      first = false;
      statement
          .bind("$1", item.id())
          .bind("$2", item.name())
          .bind("$3", item.amount())
          .bind("$4", item.price());
    }
    connection
        .beginTransaction()
        .thenMany(statement.execute())
        .concatMap(result -> result.getRowsUpdated())
        .reduce(0L, Long::sum)
        .flatMap(sum -> connection.commitTransaction().thenReturn(sum))
        .subscribe(lane::done, lane::failed);
  }

  private void copyIn(Lanes.Lane lane) {
    Flux<ByteBuf> chunks =
        Flux.generate(
            Item.MILLION::iterator,
            (items, sink) -> {
              if (!items.hasNext()) {
                sink.complete();
              } else {
                sink.next(Unpooled.wrappedBuffer(chunk(items)));
              }
              return items;
            });
    connection(lane)
        .copyIn("COPY " + Workload.COPY_IN.sql + " (id, name, amount, price) FROM STDIN", chunks)
        .subscribe(lane::done, lane::failed);
  }

  private static byte[] chunk(Iterator<Item> items) {
    StringBuilder text = new StringBuilder(CHUNK + 1024);
    while (items.hasNext() && text.length() < CHUNK) {
      items.next().appendTo(text);
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private void cold(Lanes.Lane lane) {
    boolean together = lane.workload() == Workload.COLD_TOGETHER;
    Objects.requireNonNull(factory)
        .create()
        .flatMap(
            connection -> {
              lane.restart();
              Flux<Integer> numbers = Flux.range(1, Workload.COLD_STATEMENTS);
              Flux<Long> answers =
                  together
                      ? numbers.flatMap(i -> cold(connection, i), Workload.COLD_STATEMENTS)
                      : numbers.concatMap(i -> cold(connection, i));
              return answers
                  .reduce(0L, Long::sum)
                  .doOnNext(sum -> lane.stop())
                  .flatMap(sum -> connection.close().thenReturn(sum));
            })
        .subscribe(lane::done, lane::failed);
  }

  private static Mono<Long> cold(PostgresqlConnection connection, int number) {
    return sum(
        connection.createStatement(Workload.COLD.coldSql(number)).bind("$1", number),
        R2dbcContender::three);
  }

  @Override
  public void disconnect() {
    connections.forEach(connection -> connection.close().block());
    connections.clear();
  }

  @Override
  public void close() {
    disconnect();
  }
}
