package io.asyncpg.client;

import static io.asyncpg.testkit.Backend.bindComplete;
import static io.asyncpg.testkit.Backend.closeComplete;
import static io.asyncpg.testkit.Backend.column;
import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.concat;
import static io.asyncpg.testkit.Backend.dataRow;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.int4;
import static io.asyncpg.testkit.Backend.parameterDescription;
import static io.asyncpg.testkit.Backend.parseComplete;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static io.asyncpg.testkit.Backend.rowDescription;
import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.maxBy;
import static java.util.stream.Collectors.summingInt;
import static java.util.stream.Collectors.summingLong;
import static java.util.stream.Collectors.toList;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.DivisionByZeroException;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import io.asyncpg.testkit.TestServer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collector;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rows that are collected as they come. */
class CollectorTest {
  private static final String NUMBERS = "SELECT i FROM generate_series(1, 5) i";

  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  private static <A> Collector<Row, A, A> into(A container, BiConsumer<A, Row> accumulator) {
    return Collector.of(
        () -> container,
        accumulator,
        (one, other) -> {
          throw new AssertionError("combined");
        });
  }

  record Sale(String town, int amount) {}

  @Test
  void rowsBecomeWhatTheCollectorMakesOfThem() {
    String sql = "SELECT * FROM (VALUES ('Bonn', 1), ('Rome', 2), ('Bonn', $1)) s(town, amount)";
    assertThat(
            connection
                .fetch(
                    groupingBy(row -> row.getString("town"), summingInt(row -> row.getInt(1))),
                    sql,
                    40)
                .await())
        .isEqualTo(Map.of("Bonn", 41, "Rome", 2));
    assertThat(connection.fetch(mapping(row -> row.as(Sale.class), toList()), sql, 40).await())
        .containsExactly(new Sale("Bonn", 1), new Sale("Rome", 2), new Sale("Bonn", 40));
  }

  @Test
  void noRowsAreCollectedToo() {
    assertThat(connection.fetch(counting(), "SELECT 1 WHERE false").await()).isZero();
    assertThat(connection.fetch(counting(), "CREATE TEMP TABLE none(i int)").await()).isZero();
    assertThat(
            connection
                .fetch(mapping(row -> row.get(0), toList()), "SELECT 1 WHERE $1", false)
                .await())
        .isEmpty();
  }

  @Test
  void rowsOfManyReadsAreCollectedInOrder() {
    List<Long> seen = new ArrayList<>();
    assertThat(
            connection
                .fetch(
                    into(seen, (list, row) -> list.add(row.getLong(0))),
                    "SELECT i::int8, repeat('x', 100) FROM generate_series(1, 20000) i")
                .await())
        .isSameAs(seen);
    assertThat(seen).isEqualTo(LongStream.rangeClosed(1, 20000).boxed().toList());
  }

  @Test
  void aResultMayBeNull() {
    assertThat(
            connection
                .fetch(
                    Collector.of(
                        () -> "", (nothing, row) -> {}, (one, other) -> one, nothing -> null),
                    NUMBERS)
                .await())
        .isNull();
  }

  @Test
  void theFinisherIsNotAskedWhereItIsSaidToBeTheIdentity() {
    Collector<Row, AtomicInteger, AtomicInteger> counting =
        new Collector<>() {
          @Override
          public Supplier<AtomicInteger> supplier() {
            return AtomicInteger::new;
          }

          @Override
          public BiConsumer<AtomicInteger, Row> accumulator() {
            return (count, row) -> count.incrementAndGet();
          }

          @Override
          public BinaryOperator<AtomicInteger> combiner() {
            throw new AssertionError("combined");
          }

          @Override
          public Function<AtomicInteger, AtomicInteger> finisher() {
            throw new UnsupportedOperationException("it is the identity");
          }

          @Override
          public Set<Characteristics> characteristics() {
            return Set.of(Characteristics.IDENTITY_FINISH);
          }
        };
    assertThat(connection.fetch(counting, NUMBERS).await()).hasValue(5);
  }

  @Test
  void aRowIsTheCollectorsForOneCall() {
    List<Row> kept = connection.fetch(toList(), "SELECT 1 AS a, NULL::int AS b, true").await();
    Row row = kept.get(0);
    assertThat(row.size()).isEqualTo(3);
    assertThat(row.columns().get(0).name()).isEqualTo("a");
    assertThat(row.indexOf("b")).isEqualTo(1);
    assertThat(row).hasToString("Row(passed)").isEqualTo(row);
    List<Function<Row, ?>> uses =
        List.of(
            r -> r.get(0),
            r -> r.get("a"),
            r -> r.get(0, Long.class),
            r -> r.getInt(0),
            r -> r.getLong(0),
            r -> r.getDouble(0),
            r -> r.getString(0),
            r -> r.getBoolean(2),
            r -> r.isNull(0),
            r -> r.isNull(1),
            Row::toMap,
            Row::hashCode,
            r -> r.equals(connection.fetchRow("SELECT 1 AS a, NULL::int AS b, true").await().get()),
            r -> r.as(OneColumn.class));
    for (int i = 0; i < uses.size(); i++) {
      Function<Row, ?> use = uses.get(i);
      assertThatThrownBy(() -> use.apply(row))
          .as("use %s", i)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("collector's for the time of one call")
          .hasMessageContaining("row.as(");
    }
  }

  record OneColumn(int a) {}

  @Test
  void aRowThatIsKeptIsRefusedAtTheNextOneAlready() {
    assertThatThrownBy(
            () ->
                connection
                    .fetch(maxBy(Comparator.comparing(row -> row.getInt(0))), NUMBERS)
                    .await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("collector's for the time of one call");
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void whatTheCollectorThrowsFailsItsCallAlone() {
    for (Throwable thrown :
        List.of(new IllegalArgumentException("theirs"), new AssertionError("theirs"))) {
      AtomicInteger calls = new AtomicInteger();
      PgFuture<Integer> before = connection.fetchValue(Integer.class, "SELECT 1");
      PgFuture<?> failing =
          connection.fetch(
              into(
                  calls,
                  (count, row) -> {
                    if (count.incrementAndGet() == 3) {
                      sneak(thrown);
                    }
                  }),
              "SELECT i, repeat('x', 1000) FROM generate_series(1, 1000) i");
      PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 2");
      assertThatThrownBy(failing::await).isSameAs(thrown);
      assertThat(calls).hasValue(3);
      assertThat(before.await()).isEqualTo(1);
      assertThat(behind.await()).isEqualTo(2);
    }
  }

  @Test
  void whatItsSupplierOrItsFinisherThrowsDoesToo() {
    RuntimeException theirs = new IllegalStateException("theirs");
    for (Collector<Row, Object, Object> failing :
        List.of(
            Collector.<Row, Object, Object>of(
                () -> {
                  throw theirs;
                },
                (container, row) -> {},
                (one, other) -> one,
                container -> container),
            Collector.<Row, Object, Object>of(
                Object::new,
                (container, row) -> {},
                (one, other) -> one,
                container -> {
                  throw theirs;
                }))) {
      for (String sql : List.of(NUMBERS, "SELECT 1 WHERE false")) {
        assertThatThrownBy(() -> connection.fetch(failing, sql).await()).isSameAs(theirs);
      }
    }
    assertThatThrownBy(() -> connection.fetch((Collector<Row, ?, ?>) null, NUMBERS))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("collector");
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @SuppressWarnings("unchecked") // thrown as it is
  private static <X extends Throwable> void sneak(Throwable thrown) throws X {
    throw (X) thrown;
  }

  @Test
  void aValueThatDoesNotFitNamesItsRow() {
    assertThatThrownBy(
            () ->
                connection
                    .fetch(
                        summingLong(row -> row.getLong(0)),
                        "SELECT nullif(i, 3) AS n FROM generate_series(1, 5) i")
                    .await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("row 2, column 0 (n, int4) is NULL");
  }

  @Test
  void anErrorOfTheServerInTheMiddleIsTheResult() {
    AtomicInteger finished = new AtomicInteger();
    assertThatThrownBy(
            () ->
                connection
                    .fetch(
                        Collector.<Row, int[], Integer>of(
                            () -> new int[1],
                            (count, row) -> count[0]++,
                            (one, other) -> one,
                            count -> finished.incrementAndGet()),
                        "SELECT 1 / (9000 - i), repeat('x', 100) FROM generate_series(1, 9001) i")
                    .await())
        .isInstanceOf(DivisionByZeroException.class);
    assertThat(finished).hasValue(0);
  }

  @Test
  void whoCancelsInTheMiddleIsNotCalledAgain() {
    AtomicInteger calls = new AtomicInteger();
    CompletableFuture<PgFuture<?>> itself = new CompletableFuture<>();
    PgFuture<?> cancelled =
        connection.fetch(
            into(
                calls,
                (count, row) -> {
                  if (count.incrementAndGet() == 10) {
                    itself.join().cancel(true);
                  }
                }),
            "SELECT i, repeat('x', 1000) FROM generate_series(1, 100000) i");
    itself.complete(cancelled);
    assertThatThrownBy(cancelled::await).isInstanceOf(CancellationException.class);
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
    assertThat(calls).hasValue(10);
  }

  @Test
  void theCollectorRunsOnTheEventLoopWhereItMustNotWait() {
    assertThatThrownBy(
            () ->
                connection
                    .fetch(
                        summingLong(row -> connection.execute("SELECT 1").await().rows()), NUMBERS)
                    .await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("event loop");
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void preparedStatementsTransactionsAndBatchesCollectToo() {
    try (PgStatement statement =
        connection.prepare("SELECT i FROM generate_series(1, $1) i").await()) {
      assertThat(statement.fetch(counting(), 7).await()).isEqualTo(7);
    }
    assertThat(connection.transaction(tx -> tx.fetch(counting(), NUMBERS)).await()).isEqualTo(5);
    PgBatch batch = connection.batch();
    PgFuture<Long> count = batch.fetch(counting(), NUMBERS);
    PgFuture<Integer> sum = batch.fetch(summingInt(row -> row.getInt(0)), NUMBERS);
    batch.run().await();
    assertThat(count.await()).isEqualTo(5);
    assertThat(sum.await()).isEqualTo(15);
  }

  @Test
  void aStatementThatIsRunOnceMoreIsCollectedAnew() {
    byte[] prepared =
        concat(
            parseComplete(),
            parameterDescription(),
            rowDescription(column("i", 23)),
            readyForQuery('I'));
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script =
          server
              .connection()
              .acceptStartup()
              .expect("P", "D", "S")
              .send(prepared)
              .expect("B", "E", "S")
              .send(
                  bindComplete(),
                  dataRow(int4(1)),
                  error("ERROR", "0A000", "stale", Map.of('R', "RevalidateCachedQuery")),
                  readyForQuery('I'))
              .expect("C", "P", "D", "S")
              .send(closeComplete(), prepared)
              .expect("B", "E", "S")
              .send(
                  bindComplete(), dataRow(int4(2)), commandComplete("SELECT 1"), readyForQuery('I'))
              .expectTerminate();
      try (PgConnection scripted = PgConnection.connect(server.dsn()).await()) {
        assertThat(scripted.fetch(mapping(row -> row.getInt(0), toList()), "SELECT i").await())
            .containsExactly(2);
      }
      script.await();
    }
  }
}
