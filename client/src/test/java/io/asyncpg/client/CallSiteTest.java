package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Stages that nobody waits for show where their call was made all the same. */
class CallSiteTest {
  private PgConnection connection;

  @BeforeEach
  void connect() {
    connect(true);
  }

  private void connect(boolean captureCallSite) {
    connection =
        PgConnection.connect(
                PgConfig.parse(TestServer.shared().dsn()).toBuilder()
                    .captureCallSite(captureCallSite)
                    .build())
            .await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  private PgFuture<Rows> askedHere(String sql) {
    return connection.fetch(sql);
  }

  private PgFuture<Rows> askedThere(String sql) {
    return connection.fetch(sql);
  }

  /** What a stage is told, with no frame of one that waits. */
  private static Throwable failureOf(PgFuture<?> future) {
    return future.handle((result, failure) -> failure).orTimeout(20, TimeUnit.SECONDS).join();
  }

  private static List<String> methods(Throwable failure) {
    return Arrays.stream(failure.getStackTrace())
        .filter(frame -> frame.getClassName().equals(CallSiteTest.class.getName()))
        .map(StackTraceElement::getMethodName)
        .toList();
  }

  @Test
  void anErrorOfTheServerShowsWhereTheCallWasMade() {
    Throwable failure = failureOf(askedHere("SELECT 1 / 0"));
    assertThat(failure).isInstanceOf(PgServerException.class);
    assertThat(methods(failure))
        .containsExactly("askedHere", "anErrorOfTheServerShowsWhereTheCallWasMade");
  }

  @Test
  void callsThatFailByTheSameParseShowEachItsOwnPlace() {
    PgFuture<Rows> here = askedHere("SELECT nonsense");
    PgFuture<Rows> there = askedThere("SELECT nonsense");
    assertThat(methods(failureOf(here))).contains("askedHere").doesNotContain("askedThere");
    assertThat(methods(failureOf(there))).contains("askedThere").doesNotContain("askedHere");
  }

  @Test
  void timeoutsLostConnectionsAndUnfitArgumentsShowItToo() {
    assertThat(methods(failureOf(connection.fetch("SELECT $1::int4", "x"))))
        .containsExactly("timeoutsLostConnectionsAndUnfitArgumentsShowItToo");
    assertThat(methods(failureOf(connection.fetch("SELECT $1::int4", 1, 2))))
        .containsExactly("timeoutsLostConnectionsAndUnfitArgumentsShowItToo");
    Throwable late =
        failureOf(connection.withTimeout(Duration.ofMillis(50)).fetch("SELECT pg_sleep(60)"));
    assertThat(late).isInstanceOf(PgTimeoutException.class);
    assertThat(methods(late)).containsExactly("timeoutsLostConnectionsAndUnfitArgumentsShowItToo");
    PgFuture<Rows> lost = askedHere("SELECT pg_sleep(60)");
    connection.terminate();
    assertThat(failureOf(lost)).isInstanceOf(PgConnectionException.class);
    assertThat(methods(failureOf(lost))).contains("askedHere");
    TestServer.shared().endSession(connection.serverPid());
  }

  @Test
  void whoDrivesTheLoopWhileItWaitsIsNotTakenForWhoeverAsked() {
    for (int i = 0; i < 300; i++) {
      assertThat(methods(failureOf(askedHere("SELECT 1 / 0"))))
          .containsExactly("askedHere", "whoDrivesTheLoopWhileItWaitsIsNotTakenForWhoeverAsked");
      assertThat(methods(failureOf(connection.fetch("SELECT $1::int4", "x"))))
          .containsExactly("whoDrivesTheLoopWhileItWaitsIsNotTakenForWhoeverAsked");
    }
  }

  @Test
  void aBatchShowsWhereItWasRun() {
    PgBatch batch = connection.batch();
    PgFuture<Rows> first = batch.fetch("SELECT 1");
    batch.fetch("SELECT 1 / 0");
    batch.run();
    assertThat(methods(failureOf(first))).containsExactly("aBatchShowsWhereItWasRun");
  }

  @Test
  void oneThatWaitsWhereItCalledIsShownOnce() {
    try {
      askedHere("SELECT 1 / 0").await();
    } catch (PgServerException failure) {
      assertThat(methods(failure))
          .containsExactly("askedHere", "oneThatWaitsWhereItCalledIsShownOnce");
      return;
    }
    throw new AssertionError("it did not fail");
  }

  @Test
  void withoutItNothingIsKept() {
    close();
    connect(false);
    assertThat(methods(failureOf(askedHere("SELECT 1 / 0")))).isEmpty();
  }
}
