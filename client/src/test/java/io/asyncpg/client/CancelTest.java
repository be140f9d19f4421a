package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
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

  /** Each round: a query that is cancelled at a random moment, with others before and behind it. */
  @Test
  void noQueryIsEverHitByTheCancelOfAnother() {
    Random random = new Random(20261122);
    int cancelled = 0;
    for (int round = 0; round < 2_000; round++) {
      PgFuture<Integer> before = connection.fetchValue(Integer.class, "SELECT $1::int4", round);
      PgFuture<Rows> victim = connection.fetch("SELECT pg_sleep($1)", random.nextInt(4) * 0.0005);
      PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT $1::int4", -round);
      LockSupport.parkNanos(random.nextInt(2_000_000));
      if (victim.cancel(true)) {
        cancelled++;
      }
      PgFuture<Integer> after = connection.fetchValue(Integer.class, "SELECT $1::int4 + 1", round);
      assertThat(before.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(round);
      assertThat(behind.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(-round);
      assertThat(after.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(round + 1);
    }
    assertThat(cancelled).isBetween(100, 2_000);
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
  void aTimeoutOfZeroFailsBeforeAnythingIsSent() {
    assertThatThrownBy(
            () -> connection.withTimeout(Duration.ZERO).execute("SELECT pg_sleep(1)").await())
        .isInstanceOf(io.asyncpg.error.PgTimeoutException.class)
        .hasMessageContaining("leaves no time");
  }
}
