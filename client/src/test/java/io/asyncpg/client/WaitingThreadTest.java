package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A thread that asks and waits, ask after ask, does the event loop's work while it waits. */
@Timeout(60)
class WaitingThreadTest {
  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() {
    connection.terminate();
  }

  /** Asks and waits until the answer is read by this very thread. */
  private void waitUntilThisThreadReadsItsAnswers() {
    Thread self = Thread.currentThread();
    AtomicReference<Thread> reader = new AtomicReference<>();
    do {
      PgFuture<Integer> answer = connection.fetchValue(Integer.class, "SELECT 1");
      answer.thenRun(() -> reader.set(Thread.currentThread()));
      assertThat(answer.await()).isEqualTo(1);
    } while (reader.getAndSet(null) != self || connection.isClosed());
  }

  @Test
  void itReadsItsAnswersItself() {
    waitUntilThisThreadReadsItsAnswers();
    assertThat(connection.fetchValue(Integer.class, "SELECT 2").await()).isEqualTo(2);
  }

  @Test
  void whatItAsksWithoutWaitingIsDoneWithoutIt() {
    waitUntilThisThreadReadsItsAnswers();
    PgFuture<Integer> first = connection.fetchValue(Integer.class, "SELECT 1");
    PgFuture<Integer> second = connection.fetchValue(Integer.class, "SELECT 2");
    while (!first.isDone() || !second.isDone()) {
      Thread.onSpinWait();
    }
    assertThat(second.getNow(null)).isEqualTo(2);
  }

  @Test
  void aWaitOfAnotherKindIsServedToo() throws Exception {
    waitUntilThisThreadReadsItsAnswers();
    PgFuture<Integer> first = connection.fetchValue(Integer.class, "SELECT 1");
    CompletableFuture.allOf(first).join();
    waitUntilThisThreadReadsItsAnswers();
    assertThat(connection.fetchValue(Integer.class, "SELECT 2").get(20, TimeUnit.SECONDS))
        .isEqualTo(2);
    waitUntilThisThreadReadsItsAnswers();
    assertThat(
            connection
                .transaction(tx -> tx.fetchValue(Integer.class, "SELECT 3"))
                .thenApply(three -> three)
                .join())
        .isEqualTo(3);
  }

  @Test
  void othersAreServedWhileItIsElsewhere() throws Exception {
    List<PgConnection> others = new ArrayList<>();
    for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
      others.add(PgConnection.connect(TestServer.shared().dsn()).await());
    }
    waitUntilThisThreadReadsItsAnswers();
    for (PgConnection other : others) {
      FutureTask<Integer> task =
          new FutureTask<>(() -> other.fetchValue(Integer.class, "SELECT 5").await());
      new Thread(task).start();
      assertThat(task.get(20, TimeUnit.SECONDS)).isEqualTo(5);
      other.close();
    }
  }

  @Test
  void othersAreServedWhileItWaits() throws Exception {
    List<PgConnection> others = new ArrayList<>();
    for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
      others.add(PgConnection.connect(TestServer.shared().dsn()).await());
    }
    waitUntilThisThreadReadsItsAnswers();
    // Waits for a lock of its neighbour's, which is given up when all others have been served.
    PgConnection holder = others.remove(0);
    holder.execute("SELECT pg_advisory_lock(77002)").await();
    Thread helper =
        new Thread(
            () -> {
              while (holder
                      .fetchValue(
                          Long.class,
                          "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $1",
                          connection.serverPid())
                      .await()
                  != 1) {
                Thread.onSpinWait();
              }
              for (PgConnection other : others) {
                other.fetchValue(Integer.class, "SELECT 5").await();
              }
              holder.execute("SELECT pg_advisory_unlock(77002)").await();
            });
    helper.start();
    connection.execute("SELECT pg_advisory_lock(77002)").await();
    helper.join();
    others.forEach(PgConnection::close);
    holder.close();
  }

  @Test
  void anInterruptEndsItsWait() throws Exception {
    waitUntilThisThreadReadsItsAnswers();
    Thread self = Thread.currentThread();
    Thread interrupter =
        new Thread(
            () -> {
              TestServer.shared().awaitSleeping(connection.serverPid());
              self.interrupt();
            });
    interrupter.start();
    assertThatThrownBy(() -> connection.execute("SELECT pg_sleep(600)").await())
        .isInstanceOf(CancellationException.class)
        .hasMessageContaining("interrupted while waiting");
    assertThat(Thread.interrupted()).isTrue();
    interrupter.join();
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void anInterruptThatComesTooLateTakesNothingAway() {
    var answered =
        new PgFuture<String>() {
          @Override
          public boolean cancel(boolean mayInterruptIfRunning) {
            complete("the answer"); // between the interrupt and what comes of it
            return super.cancel(mayInterruptIfRunning);
          }
        };
    Thread.currentThread().interrupt();
    assertThat(answered.await()).isEqualTo("the answer");
    assertThat(Thread.interrupted()).isTrue();
    var failed =
        new PgFuture<String>() {
          @Override
          public boolean cancel(boolean mayInterruptIfRunning) {
            completeExceptionally(new IllegalArgumentException("its own failure"));
            return super.cancel(mayInterruptIfRunning);
          }
        };
    Thread.currentThread().interrupt();
    assertThatThrownBy(failed::await)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("its own failure");
    assertThat(Thread.interrupted()).isTrue();
    PgFuture<String> cancelled = new PgFuture<>();
    cancelled.cancel(true);
    Thread.currentThread().interrupt();
    assertThatThrownBy(cancelled::await).isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void aFutureCompletedByHandEndsItsWait() throws Exception {
    waitUntilThisThreadReadsItsAnswers();
    PgFuture<Integer> answer = connection.fetchValue(Integer.class, "SELECT 1 FROM pg_sleep(60)");
    Thread completer =
        new Thread(
            () -> {
              TestServer.shared().awaitSleeping(connection.serverPid());
              answer.complete(7);
            });
    completer.start();
    assertThat(answer.await()).isEqualTo(7);
    completer.join();
    TestServer.shared().endSession(connection.serverPid());
  }

  @Test
  void aTimeoutEndsItsWait() {
    waitUntilThisThreadReadsItsAnswers();
    assertThatThrownBy(
            () ->
                connection
                    .withTimeout(Duration.ofMillis(50))
                    .execute("SELECT pg_sleep(600)")
                    .await())
        .isInstanceOf(io.asyncpg.error.PgTimeoutException.class);
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void waitingInACallbackIsRefusedOnItAsOnTheLoopsOwnThread() {
    Thread self = Thread.currentThread();
    AtomicReference<Throwable> refusal = new AtomicReference<>();
    while (refusal.get() == null) {
      PgFuture<Integer> answer = connection.fetchValue(Integer.class, "SELECT 1");
      answer.thenRun(
          () -> {
            if (Thread.currentThread() != self) {
              return; // it does not read its answers yet, or not any more
            }
            try {
              connection.fetchValue(Integer.class, "SELECT 2").await();
            } catch (IllegalStateException refused) {
              refusal.set(refused);
            }
          });
      answer.await();
    }
    assertThat(refusal.get()).hasMessageContaining("would block the very thread");
  }

  @Test
  void itLosesItsConnectionLikeAnyOther() {
    waitUntilThisThreadReadsItsAnswers();
    PgFuture<CommandTag> suicide =
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())");
    assertThatThrownBy(suicide::await).hasMessageContaining("57P01");
    connection.closed().await();
  }

  @Test
  void nothingIsLostWhenThreadsAskAndWaitInAllWays() throws Exception {
    List<FutureTask<Long>> tasks = new ArrayList<>();
    for (int t = 0; t < 6; t++) {
      int seed = t;
      FutureTask<Long> task = new FutureTask<>(() -> askInAllWays(new Random(seed)));
      tasks.add(task);
      new Thread(task).start();
    }
    for (FutureTask<Long> task : tasks) {
      assertThat(task.get(50, TimeUnit.SECONDS)).isEqualTo(2_000L);
    }
  }

  private static long askInAllWays(Random random) throws Exception {
    PgConnection mine = PgConnection.connect(TestServer.shared().dsn()).await();
    long answered = 0;
    List<PgFuture<Integer>> left = new ArrayList<>();
    while (answered + left.size() < 2_000) {
      // Long rows of the same way make a tenant; the change of ways is what is tried.
      int way = random.nextInt(5);
      for (int i = random.nextInt(60); i >= 0 && answered + left.size() < 2_000; i--) {
        PgFuture<Integer> answer = mine.fetchValue(Integer.class, "SELECT 1");
        switch (way) {
          case 0, 1 -> answered += answer.await();
          case 2 -> answered += answer.get(20, TimeUnit.SECONDS);
          case 3 -> answered += CompletableFuture.allOf(answer).thenApply(x -> 1).join();
          default -> left.add(answer);
        }
      }
      for (PgFuture<Integer> answer : left) {
        answered += answer.await();
      }
      left.clear();
    }
    mine.close();
    return answered;
  }
}
