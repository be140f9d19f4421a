package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.netty.NettyConnections;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StreamTest {
  private static final String SERIES = "SELECT i FROM generate_series(1, $1) i";

  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() {
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
    connection.close();
    connection.closed().await();
  }

  private static long sum(Iterable<Row> rows) {
    long sum = 0;
    for (Row row : rows) {
      sum += row.getInt(0);
    }
    return sum;
  }

  /** Collects what a publisher says, asking for so many rows at a time. */
  private static final class Collecting implements Flow.Subscriber<Row> {
    final List<Integer> values = new ArrayList<>();
    final CompletableFuture<List<Integer>> done = new CompletableFuture<>();
    final CompletableFuture<Flow.Subscription> subscribed = new CompletableFuture<>();
    private final int atATime;
    private final int stopAt;

    Collecting(int atATime, int stopAt) {
      this.atATime = atATime;
      this.stopAt = stopAt;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscribed.complete(subscription);
      subscription.request(atATime);
    }

    @Override
    public void onNext(Row row) {
      values.add(row.getInt(0));
      if (values.size() == stopAt) {
        subscribed.join().cancel();
        done.complete(values);
      } else if (values.size() % atATime == 0) {
        subscribed.join().request(atATime);
      }
    }

    @Override
    public void onError(Throwable failure) {
      done.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      done.complete(values);
    }

    List<Integer> await() throws Exception {
      return done.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void rowsAreIteratedInOrderOutsideATransaction() {
    int expected = 1;
    try (RowStream rows = connection.stream(SERIES, 10_000).fetchSize(100)) {
      for (Row row : rows) {
        assertThat(row.getInt("i")).isEqualTo(expected++);
      }
    }
    assertThat(expected).isEqualTo(10_001);
    assertThat(sum(connection.stream(SERIES, 0))).isZero();
    assertThat(sum(connection.stream(SERIES, 1).fetchSize(1))).isEqualTo(1);
    assertThat(sum(connection.stream(SERIES, 5).fetchSize(5))).isEqualTo(15);
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void aSubscriberGetsWhatItAsksFor() throws Exception {
    Collecting collecting = new Collecting(7, -1);
    connection.stream(SERIES, 1000).fetchSize(10).subscribe(collecting);
    assertThat(collecting.await()).hasSize(1000).startsWith(1, 2, 3).endsWith(1000);
  }

  @Test
  void aSubscriberThatCancelsFreesTheConnection() throws Exception {
    Collecting collecting = new Collecting(5, 50);
    connection.stream("SELECT generate_series(1, 100000000)").fetchSize(10).subscribe(collecting);
    assertThat(collecting.await()).hasSize(50);
    assertThat(connection.fetchValue(Integer.class, "SELECT 2").await()).isEqualTo(2);
    assertThat(collecting.values).hasSize(50);
  }

  @Test
  void closingAnIterationHalfWayFreesTheConnectionAndItsLocks() {
    connection.execute("CREATE TEMP TABLE streamed AS SELECT generate_series(1, 10000) i").await();
    connection.execute("BEGIN").await();
    try (RowStream rows = connection.stream("SELECT i FROM streamed").fetchSize(10)) {
      assertThat(rows.iterator().next().getInt(0)).isEqualTo(1);
    }
    // A portal left open would refuse it: "being used by active queries in this session".
    connection.execute("DROP TABLE streamed").await();
    connection.execute("COMMIT").await();
  }

  @Test
  void whatIsAskedMeanwhileWaitsForTheEnd() {
    Iterator<Row> rows = connection.stream(SERIES, 3000).iterator();
    assertThat(rows.next().getInt(0)).isEqualTo(1);
    PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 5");
    PgFuture<Integer> failing = connection.fetchValue(Integer.class, "SELECT 1 / 0");
    assertThat(behind).isNotDone();
    int count = 1;
    while (rows.hasNext()) {
      rows.next();
      count++;
    }
    assertThat(count).isEqualTo(3000);
    assertThat(behind.await()).isEqualTo(5);
    assertThatThrownBy(failing::await).isInstanceOf(PgServerException.class);
  }

  @Test
  void aRunningStatementIsCancelledWhenItsStreamIsClosed() {
    RowStream rows = connection.stream("SELECT i, pg_sleep(i * 30) FROM generate_series(0, 1) i");
    CompletableFuture<Throwable> reader = new CompletableFuture<>();
    new Thread(
            () -> {
              try {
                sum(rows.fetchSize(2));
                reader.complete(null);
              } catch (RuntimeException failure) {
                reader.complete(failure);
              }
            })
        .start();
    TestServer.shared().awaitSleeping(connection.serverPid());
    PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 5");
    rows.close();
    assertThat(reader.orTimeout(10, TimeUnit.SECONDS).join())
        .isInstanceOf(CancellationException.class);
    assertThat(behind.orTimeout(10, TimeUnit.SECONDS).join()).isEqualTo(5);
  }

  @Test
  void anErrorInTheMiddleComesBehindTheRowsBeforeIt() throws Exception {
    String sql = "SELECT 1000 / (500 - i) FROM generate_series(1, 1000) i";
    Collecting collecting = new Collecting(10, -1);
    connection.stream(sql).fetchSize(100).subscribe(collecting);
    assertThatThrownBy(collecting::await).hasRootCauseInstanceOf(PgServerException.class);
    assertThat(collecting.values).hasSizeBetween(400, 499);
    assertThatThrownBy(() -> sum(connection.stream(sql)))
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("22012");
    assertThatThrownBy(() -> sum(connection.stream("SELECT nonsense")))
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("42703");
    assertThatThrownBy(() -> sum(connection.stream("SELECT $1::int4", "x")))
        .hasMessageContaining("argument 1");
  }

  @Test
  void aTimeoutBoundsTheServerAndNotTheReader() {
    PgConnection hasty = connection.withTimeout(Duration.ofMillis(300));
    assertThatThrownBy(() -> sum(hasty.stream("SELECT 1, pg_sleep(30)")))
        .isInstanceOf(PgTimeoutException.class);
    // Longer than a busy machine stalls, and shorter than the reader's pause.
    PgConnection bounded = connection.withTimeout(Duration.ofSeconds(2));
    Iterator<Row> rows = bounded.stream(SERIES, 5000).fetchSize(1000).iterator();
    rows.next();
    CompletableFuture.runAsync(
            () -> {}, CompletableFuture.delayedExecutor(2300, TimeUnit.MILLISECONDS))
        .join();
    int left = 0;
    while (rows.hasNext()) {
      rows.next();
      left++;
    }
    assertThat(left).isEqualTo(4999);
  }

  @Test
  void aStreamHasOneReader() throws Exception {
    RowStream rows = connection.stream(SERIES, 3);
    assertThat(sum(rows)).isEqualTo(6);
    assertThatThrownBy(rows::iterator)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has its reader already");
    assertThatThrownBy(() -> rows.fetchSize(5)).isInstanceOf(IllegalStateException.class);
    Collecting second = new Collecting(1, -1);
    rows.subscribe(second);
    assertThatThrownBy(second::await).hasRootCauseInstanceOf(IllegalStateException.class);
    RowStream closed = connection.stream(SERIES, 3);
    closed.close();
    assertThatThrownBy(closed::iterator).hasMessageContaining("has been closed");
    assertThatThrownBy(() -> connection.stream(SERIES, 3).fetchSize(0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aSubscriberThatAsksForNothingIsTold() {
    Collecting collecting = new Collecting(0, -1);
    connection.stream(SERIES, 3).subscribe(collecting);
    assertThatThrownBy(collecting::await).hasRootCauseInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void iteratingOnTheEventLoopIsRefused() {
    assertThat(OnTheLoop.thrownBy(connection, () -> sum(connection.stream(SERIES, 3))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("would block the very thread");
  }

  @Test
  void afterTheEndOfTheConnectionAStreamFails() throws Exception {
    PgConnection other = PgConnection.connect(TestServer.shared().dsn()).await();
    Iterator<Row> open = other.stream(SERIES, 1_000_000).iterator();
    open.next();
    other.terminate();
    other.closed().await();
    assertThatThrownBy(
            () -> {
              while (open.hasNext()) {
                open.next();
              }
            })
        .isInstanceOf(io.asyncpg.error.PgConnectionException.class);
    Collecting late = new Collecting(1, -1);
    other.stream(SERIES, 3).subscribe(late);
    assertThatThrownBy(late::await).hasRootCauseInstanceOf(IllegalStateException.class);
  }

  @Test
  void aStalePlanIsMadeAnew() {
    connection.execute("CREATE TEMP TABLE stale AS SELECT 1 AS i").await();
    assertThat(sum(connection.stream("SELECT * FROM stale"))).isEqualTo(1);
    connection.execute("ALTER TABLE stale ADD j int4").await();
    assertThat(sum(connection.stream("SELECT * FROM stale"))).isEqualTo(1);
  }

  @Test
  void rowsTooLargeForThePortionsPauseTheSocket() {
    long length = 0;
    for (Row row : connection.stream("SELECT repeat('x', 1000000) FROM generate_series(1, 300)")) {
      length += row.getString(0).length();
    }
    assertThat(length).isEqualTo(300_000_000L);
  }

  @Test
  void othersOnTheSameEventLoopAreServedWhileMillionsOfRowsStream() throws Exception {
    var loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    try {
      PgConfig config = PgConfig.parse(TestServer.shared().dsn());
      PgConnection streaming = NettyConnections.connect(config, loops).await();
      PgConnection neighbour = NettyConnections.connect(config, loops).await();
      RowStream rows = streaming.stream("SELECT generate_series(1, $1)", 10_000_000);
      AtomicLong read = new AtomicLong();
      CountDownLatch begun = new CountDownLatch(1);
      Thread reader =
          new Thread(
              () -> {
                try {
                  for (Row row : rows) {
                    read.addAndGet(row.size());
                    begun.countDown();
                  }
                } catch (CancellationException closed) {
                  // As the test wants it.
                }
              });
      reader.start();
      assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
      // Many portions pass meanwhile, and by far not all.
      long before = read.get();
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      for (int i = 0; i < 200 || read.get() < before + 50_000; i++) {
        assertThat(neighbour.fetchValue(Integer.class, "SELECT $1::int4", i).await()).isEqualTo(i);
        assertThat(System.nanoTime()).isLessThan(deadline);
      }
      assertThat(read.get()).isLessThan(10_000_000);
      rows.close();
      reader.join();
      for (PgConnection connection : List.of(streaming, neighbour)) {
        connection.close();
        connection.closed().await();
      }
    } finally {
      loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }
  }

  @Test
  void statementsWithoutRowsRunToo() {
    assertThat(sum(connection.stream("CREATE TEMP TABLE made(i int4)"))).isZero();
    assertThat(sum(connection.stream("INSERT INTO made SELECT 1 FROM generate_series(1, 3)")))
        .isZero();
    assertThat(sum(connection.stream("INSERT INTO made VALUES (7), (8) RETURNING i")))
        .isEqualTo(15);
    assertThat(connection.fetchValue(Long.class, "SELECT count(*) FROM made").await()).isEqualTo(5);
    assertThatThrownBy(() -> sum(connection.stream("COPY made TO STDOUT")))
        .hasMessageContaining("copyFromTable");
  }

  /** What {@link #tenMillionRowsPassThroughASmallHeap} runs in a JVM of its own. */
  static final class TenMillion {
    private TenMillion() {}

    public static void main(String[] dsn) {
      try (PgConnection connection = PgConnection.connect(dsn[0]).await()) {
        long sum = 0;
        for (Row row :
            connection.stream("SELECT i, 'row ' || i FROM generate_series(1, 10000000) i")) {
          sum += row.getInt(0);
        }
        System.out.print(sum);
      }
    }
  }

  @Test
  void tenMillionRowsPassThroughASmallHeap(@TempDir Path directory) throws Exception {
    assertThat(ForkedJvm.run(directory, TenMillion.class, "-Xmx64m", TestServer.shared().dsn()))
        .endsWith("50000005000000");
  }

  @Test
  void aSubscriberThatThrowsAnErrorHasHadItsLastRow() throws Exception {
    for (int rows : List.of(10, 100_000_000)) {
      CompletableFuture<Integer> first = new CompletableFuture<>();
      AtomicInteger calls = new AtomicInteger();
      connection.stream("SELECT generate_series(1, " + rows + ")")
          .subscribe(
              new Flow.Subscriber<>() {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                  subscription.request(Long.MAX_VALUE);
                }

                @Override
                public void onNext(Row row) {
                  calls.incrementAndGet();
                  first.complete(row.getInt(0));
                  throw new AssertionError("theirs");
                }

                @Override
                public void onError(Throwable failure) {
                  calls.incrementAndGet();
                }

                @Override
                public void onComplete() {
                  calls.incrementAndGet();
                }
              });
      assertThat(first.get(20, TimeUnit.SECONDS)).isEqualTo(1);
      assertThat(connection.fetchValue(Integer.class, "SELECT 2").get(20, TimeUnit.SECONDS))
          .isEqualTo(2);
      assertThat(calls).hasValue(1);
    }
  }
}
