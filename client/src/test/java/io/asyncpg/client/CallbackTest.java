package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.netty.NettyConnections;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import io.asyncpg.types.value.Point;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What an application's callbacks do to themselves they do to nobody else. All connections here
 * share one event loop.
 */
class CallbackTest {
  private static final int DEEP = 100_000;

  private EventLoopGroup loop;
  private PgConnection one;
  private PgConnection other;

  @BeforeEach
  void connect() {
    loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    one = connect(config());
    other = connect(config());
  }

  @AfterEach
  void close() throws InterruptedException {
    for (PgConnection connection : List.of(one, other)) {
      connection.close();
      connection.closed().await();
    }
    loop.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
  }

  private static PgConfig.Builder config() {
    return PgConfig.builder().dsn(TestServer.shared().dsn());
  }

  private PgConnection connect(PgConfig.Builder config) {
    return NettyConnections.connect(config.build(), loop).await();
  }

  private static void works(PgConnection connection) {
    assertThat(connection.fetchValue(Integer.class, "SELECT 42").await()).isEqualTo(42);
  }

  /**
   * An answer that does not come before {@link #letAnswer}: what is attached to it meanwhile runs
   * where it completes.
   */
  private PgFuture<Integer> answerThatWaits(PgConnection connection) {
    other.execute("SELECT pg_advisory_lock(77101)").await();
    return connection.fetchValue(Integer.class, "SELECT 1 FROM pg_advisory_xact_lock(77101)");
  }

  private void letAnswer() {
    other.execute("SELECT pg_advisory_unlock(77101)").await();
  }

  @Test
  void aCallbackThatBlocksOnAThreadOfItsOwnHoldsUpNobody() {
    ExecutorService executor = Executors.newCachedThreadPool();
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch blocked = new CountDownLatch(1);
    try (PgConnection blocking = connect(config().completionExecutor(executor))) {
      CompletableFuture<Boolean> done =
          answerThatWaits(blocking)
              .thenApply(
                  value -> {
                    blocked.countDown();
                    try {
                      release.await();
                    } catch (InterruptedException e) {
                      throw new AssertionError(e);
                    }
                    return true;
                  });
      letAnswer();
      blocked.await();
      works(blocking);
      works(other);
      release.countDown();
      assertThat(done.join()).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } finally {
      release.countDown();
      executor.shutdown();
    }
  }

  @Test
  void aCallbackThatWaitsOnTheEventLoopIsRefusedAndHoldsUpNobody() {
    CompletableFuture<Integer> waits =
        answerThatWaits(one)
            .thenApply(value -> other.fetchValue(Integer.class, "SELECT 2").await());
    letAnswer();
    assertThatThrownBy(waits::join)
        .hasCauseInstanceOf(IllegalStateException.class)
        .hasMessageContaining("would block the very thread");
    works(one);
    works(other);
  }

  @Test
  void callbacksThatThrowHurtNobody() {
    one.addNoticeListener(
        notice -> {
          throw new IllegalStateException("theirs");
        });
    one.addQueryListener(
        event -> {
          throw new IllegalStateException("theirs");
        });
    CompletableFuture<Integer> thrown =
        one.fetchValue(Integer.class, "SELECT 1")
            .thenApply(
                value -> {
                  throw new StackOverflowError("theirs");
                });
    assertThatThrownBy(thrown::join).hasCauseInstanceOf(StackOverflowError.class);
    one.execute("DO $$ BEGIN RAISE NOTICE 'x'; END $$").await();
    works(one);
    works(other);
  }

  @Test
  void aHundredThousandStagesOnOneFutureComplete() {
    CompletableFuture<Integer> end = one.fetchValue(Integer.class, "SELECT 0");
    for (int i = 0; i < DEEP; i++) {
      end = end.thenApply(value -> value + 1);
    }
    assertThat(end.join()).isEqualTo(DEEP);
    works(other);
  }

  @Test
  void aHundredThousandStagesMayBeWaitedForWhileTheirStatementRuns() throws Exception {
    other.execute("SELECT pg_advisory_lock(45001)").await();
    CompletableFuture<Integer> end =
        one.fetchValue(Integer.class, "SELECT 0 FROM pg_advisory_lock(45001)");
    for (int i = 0; i < DEEP; i++) {
      end = end.thenApply(value -> value + 1);
    }
    CompletableFuture<Integer> last = end;
    assertThatThrownBy(() -> last.get(1, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
    other.execute("SELECT pg_advisory_unlock(45001)").await();
    assertThat(last.join()).isEqualTo(DEEP);
  }

  @Test
  void aHundredThousandStagesAreCancelledWithTheirStatement() {
    PgFuture<?> asleep = one.execute("SELECT pg_sleep(600)");
    CompletableFuture<?> end = asleep;
    for (int i = 0; i < DEEP; i++) {
      end = end.thenApply(value -> value);
    }
    assertThat(end.cancel(true)).isTrue();
    assertThat(asleep).isCancelled();
    works(one);
    works(other);
  }

  @Test
  void aHundredThousandStagesWithinEachOtherAreCancelledWithTheirStatement() {
    PgFuture<Integer> done = one.fetchValue(Integer.class, "SELECT 1");
    done.await();
    PgFuture<Integer> asleep = one.fetchValue(Integer.class, "SELECT 1 FROM pg_sleep(600)");
    CompletableFuture<Integer> end = asleep;
    for (int i = 0; i < DEEP; i++) {
      CompletableFuture<Integer> begun = end;
      end = done.thenCompose(value -> begun);
    }
    assertThat(end.cancel(true)).isTrue();
    assertThat(asleep).isCancelled();
    works(one);
    works(other);
  }

  @Test
  void aRecursionOfThousandsOfRequestsComesToItsEnd() {
    assertThat(count(one, 0, 5000).join()).isEqualTo(5000);
    works(other);
  }

  private static CompletableFuture<Integer> count(PgConnection connection, int from, int to) {
    return connection
        .fetchValue(Integer.class, "SELECT $1::int + 1", from)
        .thenCompose(
            next ->
                next == to ? CompletableFuture.completedFuture(next) : count(connection, next, to));
  }

  /** Java's own stack is the application's to use up; the session behind it stays whole. */
  @Test
  void futuresCompletedInsideFuturesAHundredThousandDeepHurtNobodyElse() {
    List<CompletableFuture<Integer>> inside = new ArrayList<>();
    for (int i = 0; i <= DEEP; i++) {
      inside.add(new CompletableFuture<>());
    }
    for (int i = 0; i < DEEP; i++) {
      CompletableFuture<Integer> next = inside.get(i + 1);
      inside.get(i).whenComplete((value, failure) -> next.complete(value));
    }
    PgFuture<Integer> first = one.fetchValue(Integer.class, "SELECT 7");
    CompletableFuture<Boolean> all = first.thenApply(value -> inside.get(0).complete(value));
    all.handle((done, overflow) -> true).join();
    works(other);
    works(one);
  }

  /** Throws it as if it were unchecked. */
  @SuppressWarnings("unchecked")
  static <E extends Throwable> RuntimeException sneaky(Throwable thrown) throws E {
    throw (E) thrown;
  }

  @Test
  void listenersThatThrowAnErrorHurtNobody() throws Exception {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    one.addNoticeListener(
        notice -> {
          throw new AssertionError("theirs");
        });
    one.addQueryListener(
        event -> {
          throw new AssertionError("theirs");
        });
    one.addParameterListener(
        change -> {
          throw new AssertionError("theirs");
        });
    one.addListener(
            "errors",
            said -> {
              heard.add(said.payload());
              throw new StackOverflowError("theirs");
            })
        .await();
    one.addListener("others", said -> heard.add(said.payload())).await();
    one.execute("DO $$ BEGIN RAISE NOTICE 'x'; END $$").await();
    one.execute("SET application_name = 'x'").await();
    other.execute("NOTIFY errors, '1'").await();
    other.execute("NOTIFY errors, '2'").await();
    other.execute("NOTIFY others, '3'").await();
    for (String payload : List.of("1", "2", "3")) {
      assertThat(heard.poll(20, TimeUnit.SECONDS)).isEqualTo(payload);
    }
    works(one);
    works(other);
  }

  @Test
  void codecsThatThrowAnErrorCostTheirOwnStatement() {
    Codec<Point> throwing =
        new Codec<>() {
          @Override
          public Class<Point> javaType() {
            return Point.class;
          }

          @Override
          public void encode(Point value, PgType type, ValueWriter out) {
            throw new AssertionError("theirs: encode");
          }

          @Override
          public Point decode(PgType type, ValueReader in) {
            throw new AssertionError("theirs: decode");
          }
        };
    try (PgConnection connection = connect(config().codec("pg_catalog", "point", throwing))) {
      PgFuture<Rows> before = connection.fetch("SELECT 1");
      PgFuture<Rows> encoded = connection.fetch("SELECT $1::point", new Point(1, 2));
      PgFuture<Point> decoded = connection.fetchValue(Point.class, "SELECT point(1, 2)");
      PgFuture<List<Point>> all = connection.fetch(Point.class, "SELECT point(1, 2)");
      PgFuture<Rows> behind = connection.fetch("SELECT 2");
      before.await();
      assertThatThrownBy(encoded::await).hasStackTraceContaining("theirs: encode");
      assertThatThrownBy(decoded::await).hasStackTraceContaining("theirs: decode");
      assertThatThrownBy(all::await).hasStackTraceContaining("theirs: decode");
      assertThat(behind.await()).hasSize(1);
      works(connection);
    }
  }

  @Test
  void aCodecModuleThatThrowsFailsItsStatementAlone() {
    for (Throwable theirs :
        List.of(new NullPointerException("theirs"), new AssertionError("theirs"))) {
      CodecModule throwing =
          (type, javaType) -> {
            if (type.name().equals("point")) {
              throw sneaky(theirs);
            }
            return null;
          };
      try (PgConnection connection = connect(config().codecs(throwing))) {
        PgFuture<Rows> before = connection.fetch("SELECT 1");
        PgFuture<Rows> column = connection.fetch("SELECT point(1, 2)");
        PgFuture<Rows> argument = connection.fetch("SELECT 1 WHERE $1::point IS NULL", "(1,2)");
        PgFuture<Rows> behind = connection.fetch("SELECT 2");
        before.await();
        for (PgFuture<Rows> theirOwn : List.of(column, argument)) {
          assertThatThrownBy(theirOwn::await)
              .isInstanceOf(PgCodecException.class)
              .hasStackTraceContaining("theirs");
        }
        assertThat(behind.await()).hasSize(1);
        works(connection);
      }
    }
  }

  @Test
  void waitingForTheEndOnTheEventLoopIsRefused() {
    assertThat(OnTheLoop.thrownBy(one, () -> one.closed().await()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("event loop");
    works(one);
    works(other);
  }
}
