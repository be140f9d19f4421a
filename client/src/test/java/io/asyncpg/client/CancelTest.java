package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CancelTest {
  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() throws Exception {
    connection.close();
    connection.closed().get(30, TimeUnit.SECONDS);
  }

  /**
   * Each round a statement that is cancelled at a random moment, with innocent ones before and
   * behind it. Some are hit while they sleep, some as they end, some before they are written; now
   * and then one sleeps so long that the cancel has to be sent over the heads of those behind it.
   */
  @Test
  void noQueryIsEverHitByTheCancelOfAnother() throws InterruptedException {
    AtomicInteger cancelled = new AtomicInteger();
    Queue<Throwable> wrong = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Random random = new Random(20261122 + i);
      Thread thread =
          new Thread(
              () -> {
                try {
                  cancelled.addAndGet(cancelAtRandom(random, 20_000 / 8));
                } catch (Throwable failure) {
                  wrong.add(failure);
                }
              },
              "cancels-" + i);
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(wrong).isEmpty();
    assertThat(cancelled).hasValueBetween(2_000, 20_000);
  }

  private static int cancelAtRandom(Random random, int rounds) {
    PgConnection pipelined = PgConnection.connect(TestServer.shared().dsn()).await();
    int pid = pipelined.serverPid();
    String echo = "SELECT $1::int4";
    Deque<Integer> expected = new ArrayDeque<>();
    Deque<PgFuture<Integer>> innocent = new ArrayDeque<>();
    int cancelled = 0;
    for (int round = 0; round < rounds; round++) {
      expected.add(round);
      innocent.add(pipelined.fetchValue(Integer.class, echo, round));
      int kind = random.nextInt(100);
      double seconds = kind == 0 ? 0.03 : kind < 50 ? 0 : random.nextInt(4) * 0.0002;
      PgFuture<Rows> victim = pipelined.fetch("SELECT pg_sleep($1)", seconds);
      if (kind % 4 != 0) {
        expected.add(-round);
        innocent.add(pipelined.fetchValue(Integer.class, echo, -round));
      }
      int moment = random.nextInt(3);
      if (moment > 0) {
        LockSupport.parkNanos(random.nextInt(moment == 1 ? 100_000 : 1_000_000));
      }
      if (victim.cancel(true)) {
        cancelled++;
      }
      while (innocent.size() > random.nextInt(20)) {
        assertThat(innocent.remove().orTimeout(60, TimeUnit.SECONDS).join())
            .isEqualTo(expected.remove());
      }
    }
    while (!innocent.isEmpty()) {
      assertThat(innocent.remove().orTimeout(60, TimeUnit.SECONDS).join())
          .isEqualTo(expected.remove());
    }
    assertThat(pipelined.fetchValue(Integer.class, "SELECT pg_backend_pid()").await())
        .isEqualTo(pid);
    pipelined.close();
    pipelined.closed().await();
    return cancelled;
  }

  @Test
  void everyOfManyCancelledAtOnceIsAnsweredAndTheConnectionLives() {
    List<PgFuture<Rows>> sleeping = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      sleeping.add(connection.fetch("SELECT pg_sleep(30)"));
    }
    sleeping.forEach(future -> future.cancel(true));
    sleeping.forEach(
        future -> assertThatThrownBy(future::await).isInstanceOf(CancellationException.class));
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
  }

  /** The signal and the statement race for the server's process: whoever is first, it stops. */
  @Test
  void aStatementStopsHoweverSoonItIsCancelled() {
    Random random = new Random(20261123);
    for (int i = 0; i < 500; i++) {
      PgFuture<CommandTag> sleeping = connection.execute("SELECT pg_sleep(60)");
      long written = System.nanoTime() + random.nextInt(300_000);
      while (System.nanoTime() < written) {
        Thread.onSpinWait();
      }
      assertThat(sleeping.cancel(true)).isTrue();
    }
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void anInterruptedWaiterCancelsItsStatement() throws InterruptedException {
    PgFuture<Rows> sleeping = connection.fetch("SELECT pg_sleep(30)");
    List<Throwable> thrown = new ArrayList<>();
    Thread waiter =
        new Thread(
            () -> {
              try {
                sleeping.await();
              } catch (Throwable e) {
                thrown.add(e);
              }
            });
    waiter.start();
    waiter.interrupt();
    waiter.join();
    assertThat(thrown).singleElement().isInstanceOf(CancellationException.class);
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
  }

  @Test
  void waitingOnTheEventLoopIsRefused() {
    assertThat(OnTheLoop.thrownBy(connection, () -> connection.fetch("SELECT 2").await()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("event loop");
  }

  @Test
  void aTimeoutOfZeroOrLessFailsBeforeAnythingIsSent() {
    for (Duration none : List.of(Duration.ZERO, Duration.ofMillis(-1))) {
      PgConnection bounded = connection.withTimeout(none);
      List<PgFuture<?>> calls =
          List.of(
              bounded.execute("SELECT pg_sleep(1)"),
              bounded.fetch("SELECT pg_sleep(1)"),
              bounded.prepare("SELECT pg_sleep(1)"),
              bounded.executeMany("SELECT $1::int4", List.of(List.of(1))),
              bounded.begin(),
              bounded.transaction(tx -> tx.execute("SELECT pg_sleep(1)")));
      for (PgFuture<?> call : calls) {
        assertThatThrownBy(call::await)
            .isInstanceOfSatisfying(
                PgTimeoutException.class,
                e -> assertThat(e.retrySafety()).isEqualTo(RetrySafety.NOT_SENT))
            .hasMessageContaining("leaves no time");
      }
    }
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void theBudgetCoversAPrepareThatWaitsForALockAndTheConnectionGoesOn() {
    connection.execute("DROP TABLE IF EXISTS locked; CREATE TABLE locked(i int4)").await();
    try (PgConnection other = PgConnection.connect(TestServer.shared().dsn()).await()) {
      other.execute("BEGIN; LOCK TABLE locked").await();
      assertThatThrownBy(
              () ->
                  connection
                      .withTimeout(Duration.ofMillis(200))
                      .fetch("SELECT * FROM locked")
                      .await())
          .isInstanceOf(PgTimeoutException.class)
          .hasMessageContaining("too long to prepare");
      PgFuture<PgStatement> preparing = connection.prepare("SELECT i FROM locked");
      PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 1");
      preparing.cancel(true);
      assertThat(behind.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(1);

      // One that is waited for by another as well goes on.
      PgFuture<Rows> first = connection.fetch("SELECT 1 FROM locked");
      PgFuture<Rows> second = connection.fetch("SELECT 1 FROM locked");
      first.cancel(true);
      other.execute("ROLLBACK").await();
      assertThat(second.orTimeout(20, TimeUnit.SECONDS).join()).isEmpty();
      assertThat(connection.fetch("SELECT * FROM locked").await()).isEmpty();
    } finally {
      connection.execute("DROP TABLE locked").await();
    }
  }

  @Test
  void anInterruptedWaiterCancelsItsStatementAndStaysInterrupted() throws InterruptedException {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    CompletableFuture<Boolean> stillInterrupted = new CompletableFuture<>();
    Thread waiter =
        new Thread(
            () -> {
              try {
                connection.execute("SELECT pg_sleep(60)").await();
                thrown.complete(null);
              } catch (RuntimeException expected) {
                thrown.complete(expected);
              }
              stillInterrupted.complete(Thread.currentThread().isInterrupted());
            });
    waiter.start();
    TestServer.shared().awaitSleeping(connection.serverPid());
    waiter.interrupt();
    waiter.join(20_000);
    assertThat(thrown.join())
        .isInstanceOf(CancellationException.class)
        .hasCauseInstanceOf(InterruptedException.class);
    assertThat(stillInterrupted.join()).isTrue();
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
  }

  @Test
  void cancellingAComposedStageCancelsWhatItsFunctionHasBegun() {
    CompletableFuture<CommandTag> composed =
        connection
            .execute("SELECT 1")
            .thenCompose(done -> connection.execute("SELECT pg_sleep(600)"));
    TestServer.shared().awaitSleeping(connection.serverPid());
    assertThat(composed.cancel(true)).isTrue();
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
  }

  @Test
  void aCopyFromTheClientBehindACancelledStatementIsRefusedAsEver() {
    connection.execute("CREATE TEMP TABLE copied(id int)").await();
    for (int i = 0; i < 10; i++) {
      PgFuture<?> asleep = connection.execute("SELECT pg_sleep(600)");
      PgFuture<?> copy = connection.execute("COPY copied FROM STDIN");
      TestServer.shared().awaitSleeping(connection.serverPid());
      asleep.cancel(true);
      assertThatThrownBy(() -> copy.orTimeout(20, TimeUnit.SECONDS).join())
          .hasCauseInstanceOf(IllegalArgumentException.class);
    }
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
  }

  @Test
  void soDoesCancellingWhatAFailureIsAnsweredWith() {
    List<CompletableFuture<CommandTag>> composed =
        List.of(
            connection
                .execute("SELECT 1/0")
                .exceptionallyCompose(failed -> connection.execute("SELECT pg_sleep(600)")),
            connection
                .execute("SELECT 1/0")
                .exceptionallyComposeAsync(failed -> connection.execute("SELECT pg_sleep(600)")),
            connection
                .execute("SELECT 1/0")
                .exceptionallyComposeAsync(
                    failed -> connection.execute("SELECT pg_sleep(600)"), Runnable::run));
    for (CompletableFuture<CommandTag> each : composed) {
      TestServer.shared().awaitSleeping(connection.serverPid());
      assertThat(each.cancel(true)).isTrue();
    }
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
  }

  @Test
  void aComposedStageEndsAsItsSourceAndItsFunctionDo() {
    assertThat(
            connection
                .fetchValue(Integer.class, "SELECT 1")
                .thenCompose(one -> connection.fetchValue(Integer.class, "SELECT $1 + 1", one))
                .join())
        .isEqualTo(2);
    assertThatThrownBy(
            () ->
                connection
                    .execute("SELECT 1/0")
                    .thenCompose(done -> PgFuture.failed(new AssertionError(done)))
                    .join())
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(PgServerException.class);
    assertThatThrownBy(
            () ->
                connection
                    .execute("SELECT 1")
                    .thenComposeAsync(done -> connection.execute("SELECT 1/0"))
                    .join())
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(PgServerException.class);
    IllegalArgumentException theirs = new IllegalArgumentException("on purpose");
    assertThatThrownBy(
            () ->
                connection
                    .execute("SELECT 1")
                    .thenComposeAsync(
                        done -> {
                          throw theirs;
                        },
                        Runnable::run)
                    .join())
        .isInstanceOf(CompletionException.class)
        .hasCause(theirs);
  }

  @Test
  void theBudgetCoversTheLookUpOfTypesToo() {
    TestServer server = TestServer.shared();
    server.sql("DROP TYPE IF EXISTS slow_to_learn", "CREATE TYPE slow_to_learn AS (a int4)");
    PgConnection holder = PgConnection.connect(server.dsn()).await();
    try {
      // The server's process knows the type from here on; this side does not.
      connection.fetch("SELECT NULL::slow_to_learn IS NULL").await();
      holder.execute("BEGIN; LOCK TABLE pg_catalog.pg_type IN ACCESS EXCLUSIVE MODE").await();
      assertThatThrownBy(
              () ->
                  connection
                      .withTimeout(Duration.ofMillis(300))
                      .fetch("SELECT ROW(1)::slow_to_learn")
                      .await())
          .isInstanceOf(PgTimeoutException.class);
      holder.execute("ROLLBACK").await();
      assertThat(
              connection
                  .withTimeout(Duration.ofSeconds(20))
                  .fetchValue(String.class, "SELECT (ROW(1)::slow_to_learn)::text")
                  .await())
          .isEqualTo("(1)");
    } finally {
      holder.close();
      holder.closed().await();
      server.sql("DROP TYPE slow_to_learn");
    }
  }

  @Test
  void whatWaitedForAnotherWhoseTimeIsUpTooIsNotSent() throws Exception {
    String insert = "INSERT INTO late VALUES ($1)";
    connection.execute("CREATE TEMP TABLE late(i int4)").await();
    connection.fetch(insert, 0).await();
    CountDownLatch blocked = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    connection.addNoticeListener(
        notice -> {
          blocked.countDown();
          try {
            release.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        });
    PgFuture<CommandTag> busy =
        connection.execute("DO $$ BEGIN RAISE NOTICE 'now'; PERFORM pg_sleep(0.5); END $$");
    blocked.await();
    PgConnection bounded = connection.withTimeout(Duration.ofMillis(20));
    // What cannot be written behind the other, and what could.
    PgFuture<RowCounts> first = bounded.executeMany(insert, List.of(List.of(1)));
    PgFuture<CommandTag> second = bounded.execute(insert, 2);
    long late = System.nanoTime() + 20_000_000;
    while (System.nanoTime() - late < 0) {
      LockSupport.parkNanos(late - System.nanoTime());
    }
    release.countDown();
    for (PgFuture<?> unsent : List.of(first, second)) {
      assertThatThrownBy(unsent::await)
          .isInstanceOfSatisfying(
              PgTimeoutException.class,
              e -> assertThat(e.retrySafety()).isEqualTo(RetrySafety.NOT_SENT));
    }
    busy.await();
    assertThat(connection.fetch(Integer.class, "SELECT i FROM late").await()).containsExactly(0);
  }

  @Test
  void nothingIsTriedAgainForACallerWhoHasCancelled() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    CompletableFuture<CommandTag> retried = attempt(attempts);
    retried.thenApply(tag -> tag).cancel(true);
    CompletableFuture<CommandTag> derived = attempt(attempts).thenApply(tag -> tag);
    derived.cancel(true);
    assertThat(connection.fetchValue(int.class, "SELECT 1").get(20, TimeUnit.SECONDS)).isEqualTo(1);
    assertThat(attempts).hasValue(2);
  }

  /** For ever. */
  private CompletableFuture<CommandTag> attempt(AtomicInteger attempts) {
    attempts.incrementAndGet();
    return connection
        .execute("SELECT pg_sleep(600)")
        .exceptionallyCompose(failure -> attempt(attempts));
  }

  @Test
  void whatAStageInBetweenBeginsAtItsEndIsCancelledToo() throws Exception {
    List<PgFuture<CommandTag>> begun = new ArrayList<>();
    CompletableFuture<CommandTag> outcome =
        connection
            .execute("SELECT pg_sleep(600)")
            .handle(
                (tag, failure) -> {
                  PgFuture<CommandTag> instead = connection.execute("SELECT pg_sleep(601)");
                  begun.add(instead);
                  return instead;
                })
            .thenCompose(stage -> stage);
    outcome.cancel(true);
    assertThat(connection.fetchValue(int.class, "SELECT 1").get(20, TimeUnit.SECONDS)).isEqualTo(1);
    assertThat(begun).hasSize(1).allMatch(CompletableFuture::isCancelled);
  }

  @Test
  void soIsWhatAStageInBetweenBeginsThatIsAboutToEnd() throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    CompletableFuture<Void> cancelled = new CompletableFuture<>();
    CompletableFuture<PgFuture<CommandTag>> begun = new CompletableFuture<>();
    ExecutorService threads = Executors.newSingleThreadExecutor();
    try {
      CompletableFuture<CommandTag> outcome =
          connection
              .execute("SELECT 1")
              .handleAsync(
                  (tag, failure) -> {
                    called.countDown();
                    cancelled.join();
                    begun.complete(connection.execute("SELECT pg_sleep(601)"));
                    return begun.join();
                  },
                  threads)
              .thenCompose(stage -> stage);
      called.await();
      outcome.cancel(true);
      cancelled.complete(null);
      PgFuture<CommandTag> instead = begun.get(20, TimeUnit.SECONDS);
      assertThatThrownBy(() -> instead.get(20, TimeUnit.SECONDS))
          .isInstanceOf(CancellationException.class);
      assertThat(connection.fetchValue(int.class, "SELECT 1").get(20, TimeUnit.SECONDS))
          .isEqualTo(1);
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void cancellingWhatCombinesTwoCancelsBoth() throws Exception {
    try (PgConnection second = PgConnection.connect(TestServer.shared().dsn()).await()) {
      for (boolean first : new boolean[] {true, false}) {
        PgFuture<CommandTag> one = connection.execute(first ? "SELECT 1" : "SELECT pg_sleep(600)");
        PgFuture<CommandTag> other = second.execute("SELECT pg_sleep(601)");
        if (first) {
          one.get(20, TimeUnit.SECONDS);
        }
        AtomicInteger called = new AtomicInteger();
        List<CompletableFuture<?>> both =
            List.of(
                one.thenCombine(other, (a, b) -> called.incrementAndGet()),
                one.thenCombineAsync(other, (a, b) -> called.incrementAndGet()),
                one.thenCombineAsync(other, (a, b) -> called.incrementAndGet(), Runnable::run),
                one.thenAcceptBoth(other, (a, b) -> called.incrementAndGet()),
                one.thenAcceptBothAsync(other, (a, b) -> called.incrementAndGet()),
                one.thenAcceptBothAsync(other, (a, b) -> called.incrementAndGet(), Runnable::run),
                one.runAfterBoth(other, called::incrementAndGet),
                one.runAfterBothAsync(other, called::incrementAndGet),
                one.runAfterBothAsync(other, called::incrementAndGet, Runnable::run));
        both.forEach(stage -> stage.thenApply(result -> result).cancel(true));
        assertThat(both).allMatch(CompletableFuture::isCompletedExceptionally);
        assertThat(other).isCancelled();
        assertThat(one.isCancelled()).isEqualTo(!first);
        assertThat(second.fetchValue(int.class, "SELECT 1").get(20, TimeUnit.SECONDS)).isEqualTo(1);
        assertThat(called).hasValue(0);
      }
    }
  }

  @Test
  void whatCombinesWithAFutureThatIsNotOursEndsWithTheCancel() {
    CompletableFuture<Integer> never = new CompletableFuture<>();
    PgFuture<CommandTag> one = connection.execute("SELECT 1");
    one.await();
    CompletableFuture<Integer> combined = one.thenCombine(never, (tag, number) -> number);
    combined.thenApply(number -> number).cancel(true);
    assertThat(combined).isCancelled();
    assertThat(never).isNotDone();
  }

  @Test
  void aStageThatWaitsForItselfCanBeCancelled() {
    AtomicReference<CompletableFuture<CommandTag>> endless = new AtomicReference<>();
    OnTheLoop.run(
        connection,
        () -> endless.set(connection.execute("SELECT 1").thenCompose(executed -> endless.get())));
    connection.execute("SELECT 1").await(); // the function has been called
    endless.get().thenApply(tag -> tag).cancel(true);
    assertThat(endless.get()).isCancelled();
  }
}
