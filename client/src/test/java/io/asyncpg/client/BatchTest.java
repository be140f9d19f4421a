package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.UniqueViolationException;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BatchTest {
  private static final String INSERT = "INSERT INTO many(i, name) VALUES ($1, $2)";

  private PgConnection connection;

  record Person(int id, String name) {}

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    connection.execute("CREATE TEMP TABLE many(i int4 PRIMARY KEY, name text)").await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  private long count() {
    return connection.fetchValue(Long.class, "SELECT count(*) FROM many").await();
  }

  private static Iterable<Object[]> lazily(int rows) {
    return () -> IntStream.range(0, rows).mapToObj(i -> new Object[] {i, "n" + i}).iterator();
  }

  @Test
  void rowsMayBeArraysListsAndRecords() {
    RowCounts counts =
        connection
            .executeMany(
                INSERT, List.of(new Object[] {1, "a"}, List.of(2, "b"), new Person(3, "c")))
            .await();
    assertThat(counts.size()).isEqualTo(3);
    assertThat(counts.total()).isEqualTo(3);
    assertThat(connection.fetchValue(String.class, "SELECT string_agg(name, '') FROM many").await())
        .isEqualTo("abc");
  }

  @Test
  void eachExecutionHasItsCount() {
    connection.executeMany(INSERT, lazily(10)).await();
    RowCounts counts =
        connection
            .executeMany(
                "DELETE FROM many WHERE i < $1", List.of(List.of(3), List.of(3), List.of(5)))
            .await();
    assertThat(counts.get(0)).isEqualTo(3);
    assertThat(counts.get(1)).isZero();
    assertThat(counts.get(2)).isEqualTo(2);
  }

  @Test
  void noRowsAreNoError() {
    assertThat(connection.executeMany(INSERT, List.of()).await().size()).isZero();
    assertThat(connection.executeMany(INSERT, lazily(0)).await().size()).isZero();
    assertThat(connection.fetchMany(INSERT + " RETURNING i", List.of()).await()).isEmpty();
    assertThat(count()).isZero();
  }

  @Test
  void thirtyThousandLazyRowsArrive() {
    assertThat(connection.executeMany(INSERT, lazily(30_000)).await().total()).isEqualTo(30_000);
    assertThat(count()).isEqualTo(30_000);
  }

  @Test
  void publishedRowsArrive() {
    try (SubmissionPublisher<Object[]> publisher = new SubmissionPublisher<>()) {
      PgFuture<RowCounts> counts = connection.executeMany(INSERT, publisher);
      IntStream.range(0, 5000).forEach(i -> publisher.submit(new Object[] {i, "p"}));
      publisher.close();
      assertThat(counts.await().total()).isEqualTo(5000);
    }
    try (SubmissionPublisher<Object[]> publisher = new SubmissionPublisher<>()) {
      PgFuture<RowCounts> counts = connection.executeMany(INSERT, publisher);
      IntStream.range(6000, 9000).forEach(i -> publisher.submit(new Object[] {i, "p"}));
      publisher.closeExceptionally(new IllegalStateException("no more paper"));
      assertThatThrownBy(counts::await).hasMessage("no more paper");
    }
    assertThat(count()).isEqualTo(5000);
  }

  @Test
  void returnedRowsOfPublishedOnesComeInOrder() {
    String sql = INSERT + " RETURNING i";
    PgStatement statement = connection.prepare(sql).await();
    List<Function<Flow.Publisher<?>, PgFuture<Rows>>> ways =
        List.of(rows -> connection.fetchMany(sql, rows), statement::fetchMany);
    for (Function<Flow.Publisher<?>, PgFuture<Rows>> way : ways) {
      connection.execute("TRUNCATE many").await();
      try (SubmissionPublisher<Object[]> publisher = new SubmissionPublisher<>()) {
        PgFuture<Rows> rows = way.apply(publisher);
        IntStream.range(0, 1000).forEach(i -> publisher.submit(new Object[] {i, "p"}));
        publisher.close();
        assertThat(rows.await()).extracting(row -> row.getInt(0)).hasSize(1000).isSorted();
      }
    }
    try (SubmissionPublisher<Object[]> publisher = new SubmissionPublisher<>()) {
      PgFuture<RowCounts> counts = statement.executeMany(publisher);
      publisher.submit(new Object[] {1000, "p"});
      publisher.close();
      assertThat(counts.await().total()).isEqualTo(1);
    }
  }

  @Test
  void aStreamsRowsAreReadLazily() {
    AtomicInteger closed = new AtomicInteger();
    Stream<Object> rows =
        IntStream.iterate(0, i -> i + 1)
            .limit(5000)
            .<Object>mapToObj(i -> List.of(i, "s"))
            .onClose(closed::incrementAndGet);
    assertThat(connection.executeMany(INSERT, rows).await().total()).isEqualTo(5000);
    Stream<Object> endless =
        IntStream.iterate(5000, i -> i + 1)
            .<Object>mapToObj(i -> i < 9000 ? List.of(i, "s") : "no row")
            .onClose(closed::incrementAndGet);
    assertThatThrownBy(() -> connection.fetchMany(INSERT, endless).await())
        .hasMessageContaining("row 4000");
    assertThat(count()).isEqualTo(5000);
    Stream<Object> none = Stream.empty();
    assertThat(connection.fetchMany(INSERT, none.onClose(closed::incrementAndGet)).await())
        .isEmpty();
    assertThat(closed).hasValueGreaterThan(1);
  }

  @Test
  void textThatSpeaksOfStdinIsNoCopy() {
    connection
        .executeMany("INSERT INTO many VALUES ($1, 'stdin')", List.of(List.of(1), List.of(2)))
        .await();
    assertThat(count()).isEqualTo(2);
  }

  @Test
  void returnedRowsComeInOrder() {
    Rows rows = connection.fetchMany(INSERT + " RETURNING i, name", lazily(2000)).await();
    assertThat(rows).hasSize(2000);
    assertThat(rows.tag()).hasToString("INSERT 0 2000");
    assertThat(rows.get(1999).getString("name")).isEqualTo("n1999");
  }

  @Test
  void aServerErrorNamesItsRowAndUndoesAll() {
    List<Object[]> rows = new ArrayList<>();
    lazily(5000).forEach(rows::add);
    rows.set(3000, new Object[] {17, "again"});
    assertThatThrownBy(() -> connection.executeMany(INSERT, rows).await())
        .isInstanceOf(UniqueViolationException.class)
        .hasMessageContaining("ROW:  3000 (the first is 0)")
        .satisfies(e -> assertThat(((PgServerException) e).row()).isEqualTo(3000));
    assertThat(count()).isZero();
  }

  @Test
  void anArgumentThatDoesNotFitNamesItsRowAndUndoesAll() {
    List<Object[]> rows = new ArrayList<>();
    lazily(50_000).forEach(rows::add);
    rows.set(40_000, new Object[] {"x", "bad"});
    assertThatThrownBy(() -> connection.executeMany(INSERT, rows).await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("row 40000, argument 1 of")
        .hasMessageContaining("java.lang.String cannot become int4");
    assertThat(count()).isZero();
    rows.set(40_000, new Object[] {1});
    assertThatThrownBy(() -> connection.executeMany(INSERT, rows).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("row 40000: the statement has 2 parameters, but 1 argument");
    assertThat(count()).isZero();
    assertThatThrownBy(() -> connection.executeMany(INSERT, List.of(5)).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("row 0: java.lang.Integer is no row");
    assertThatThrownBy(
            () -> connection.executeMany(INSERT, Collections.singletonList(null)).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("row 0 is null");
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void rowsThatThrowUndoAll() {
    Iterable<Object[]> failing =
        () ->
            IntStream.range(0, 100_000)
                .mapToObj(
                    i -> {
                      if (i == 70_000) {
                        throw new IllegalStateException("the file ended");
                      }
                      return new Object[] {i, "x"};
                    })
                .iterator();
    assertThatThrownBy(() -> connection.executeMany(INSERT, failing).await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the file ended");
    assertThat(count()).isZero();
  }

  @Test
  void insideATransactionAFailureLeavesWhatRanToItsRollback() {
    connection.execute("BEGIN").await();
    List<Object[]> rows = new ArrayList<>();
    lazily(20_000).forEach(rows::add);
    rows.set(19_999, new Object[] {"x", "bad"});
    assertThatThrownBy(() -> connection.executeMany(INSERT, rows).await())
        .isInstanceOf(PgCodecException.class);
    assertThat(connection.isInTransaction()).isTrue();
    assertThat(count()).isPositive();
    connection.execute("ROLLBACK").await();
    assertThat(count()).isZero();
  }

  @Test
  void neitherSideWaitsForTheOtherWhenBothHaveMuchToSay() {
    RowCounts counts =
        connection
            .executeMany(
                "SELECT repeat('x', 1000000), length($1)",
                () ->
                    Stream.<Object>generate(() -> List.of("y".repeat(10_000)))
                        .limit(10_000)
                        .iterator())
            .await();
    assertThat(counts.total()).isEqualTo(10_000);
    Rows rows =
        connection
            .fetchMany(
                "SELECT repeat('x', 1000000), length($1)",
                () ->
                    Stream.<Object>generate(() -> List.of("y".repeat(1_000_000)))
                        .limit(100)
                        .iterator())
            .await();
    assertThat(rows).hasSize(100).allMatch(row -> row.getInt(1) == 1_000_000);
  }

  @Test
  void aTimeoutInTheMiddleUndoesAllAndTheConnectionLives() {
    CountDownLatch endless = new CountDownLatch(1);
    Iterable<Object[]> stuck =
        () ->
            new Iterator<>() {
              private int i;

              @Override
              public boolean hasNext() {
                return true;
              }

              @Override
              public Object[] next() {
                if (i == 1000) {
                  try {
                    endless.await(20, TimeUnit.SECONDS);
                  } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                }
                return new Object[] {i++, "x"};
              }
            };
    assertThatThrownBy(
            () -> connection.withTimeout(Duration.ofMillis(300)).executeMany(INSERT, stuck).await())
        .isInstanceOf(PgTimeoutException.class);
    assertThat(count()).isZero();
    endless.countDown();
  }

  @Test
  void whatIsAskedBehindABatchRunsBehindIt() {
    PgFuture<RowCounts> batch = connection.executeMany(INSERT, lazily(50_000));
    PgFuture<Long> behind = connection.fetchValue(Long.class, "SELECT count(*) FROM many");
    PgFuture<RowCounts> second =
        connection.executeMany("DELETE FROM many WHERE i >= $1", List.of(List.of(100)));
    assertThat(behind.await()).isEqualTo(50_000);
    assertThat(second.await().total()).isEqualTo(49_900);
    assertThat(batch.await().size()).isEqualTo(50_000);
  }

  @Test
  void aStalePlanIsMadeAnewForRowsThatCanBeReadAgain() {
    connection.execute("CREATE TEMP TABLE stale(i int4)").await();
    String sql = "INSERT INTO stale VALUES ($1) RETURNING *";
    connection.fetchMany(sql, List.of(List.of(1))).await();
    connection.execute("ALTER TABLE stale ADD j int4 DEFAULT 7").await();
    Rows rows = connection.fetchMany(sql, List.of(List.of(2), List.of(3))).await();
    assertThat(rows.get(1).getInt("j")).isEqualTo(7);
    assertThat(connection.fetchValue(Long.class, "SELECT count(*) FROM stale").await())
        .isEqualTo(3);
  }

  @Test
  void copyIsNoBatch() {
    assertThatThrownBy(
            () -> connection.executeMany("COPY many FROM STDIN", List.of(List.of())).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("copyToTable");
    assertThatThrownBy(
            () -> connection.executeMany("COPY many TO STDOUT", List.of(List.of())).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("copyFromTable");
    assertThat(count()).isZero();
  }
}
