package io.asyncpg.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.error.PgPoolException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What init, setup and reset may do with their connection, and what may become of them. */
class PoolHookTest {
  /** The hooks. */
  enum Which {
    INIT,
    SETUP,
    RESET;

    PoolConfig.Builder set(
        PoolConfig.Builder config, Function<PgConnection, CompletionStage<?>> hook) {
      return switch (this) {
        case INIT -> config.init(hook);
        case SETUP -> config.setup(hook);
        case RESET -> config.reset(hook);
      };
    }
  }

  private PgPool pool;

  private static PoolConfig.Builder config() {
    return PoolConfig.builder().connection(PgConfig.parse(TestServer.shared().dsn())).minSize(0);
  }

  private PgPool open(PoolConfig.Builder config) {
    pool = PgPool.create(config.build());
    return pool;
  }

  @AfterEach
  void close() throws Exception {
    if (pool != null) {
      pool.terminate();
      pool.closed().get(20, TimeUnit.SECONDS);
    }
  }

  private static PgConnection lent(PgFuture<PgConnection> acquire) throws Exception {
    return acquire.get(20, TimeUnit.SECONDS);
  }

  @ParameterizedTest
  @EnumSource(Which.class)
  void aHookThatClosesItsConnectionKeepsIt(Which which) throws Exception {
    open(
        which.set(
            config().maxSize(1),
            connection -> {
              connection.close();
              return connection.execute("SELECT 1").thenRun(connection::close);
            }));
    pool.execute("SELECT 1").get(20, TimeUnit.SECONDS); // so that there is something to reset
    PgFuture<PgConnection> first = pool.acquire();
    PgFuture<PgConnection> second = pool.acquire();
    PgConnection borrowed = lent(first);
    assertThat(borrowed.fetchValue(int.class, "SELECT 1").get(20, TimeUnit.SECONDS)).isEqualTo(1);
    assertThat(second).isNotDone();
    borrowed.close();
    lent(second).close();
    assertThat(pool.stats().created()).isEqualTo(1);
    assertThat(pool.stats().closed()).isEmpty();
  }

  @Test
  void aSetupThatClosesItsConnectionAndHangsHasItForItself() throws Exception {
    AtomicInteger process = new AtomicInteger();
    open(
        config()
            .maxSize(1)
            .setup(
                connection -> {
                  boolean isFirst = process.compareAndSet(0, connection.serverPid());
                  if (isFirst) {
                    connection.close();
                  }
                  return isFirst
                      ? new CompletableFuture<Void>()
                      : CompletableFuture.completedFuture(null);
                }));
    PgFuture<PgConnection> first = pool.withTimeout(Duration.ofSeconds(1)).acquire();
    PgConnection second = lent(pool.acquire());
    assertThat(first).isCompletedExceptionally();
    assertThatThrownBy(first::await).isInstanceOf(PgTimeoutException.class);
    assertThat(second.serverPid()).isNotEqualTo(process.get());
    assertThat(pool.stats().closed()).isEqualTo(Map.of(CloseReason.HOOK, 1L));
  }

  @Test
  void aResetThatClosesItsConnectionAndHangsHasItForItself() throws Exception {
    open(
        config()
            .maxSize(1)
            .resetTimeout(Duration.ofMillis(100))
            .reset(
                connection -> {
                  connection.close();
                  return new CompletableFuture<Void>();
                }));
    int process = pool.fetchValue(int.class, "SELECT pg_backend_pid()").get(20, TimeUnit.SECONDS);
    assertThat(lent(pool.acquire()).serverPid()).isNotEqualTo(process);
    assertThat(pool.stats().closed()).isEqualTo(Map.of(CloseReason.HOOK, 1L));
  }

  @Test
  void anInitWhoseTimeWasUpIsTriedAgainForWhoWaits() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    open(
        config()
            .acquireTimeout(Duration.ofMinutes(10))
            .init(
                connection ->
                    calls.incrementAndGet() == 1
                        ? CompletableFuture.failedFuture(new TimeoutException())
                        : CompletableFuture.completedFuture(null)));
    lent(pool.acquire()).close();
    assertThat(pool.stats().connectFailures()).isEqualTo(1);
  }

  @Test
  void aFailureWithoutAMessageIsToldByItsName() throws Exception {
    CompletableFuture<PgConnection> never =
        CompletableFuture.failedFuture(new UnsupportedOperationException());
    for (PoolConfig.Builder fails :
        new PoolConfig.Builder[] {
          config().connect(() -> never),
          config().init(handle -> never),
          config().setup(handle -> never)
        }) {
      open(fails);
      assertThatThrownBy(() -> lent(pool.acquire()))
          .hasCauseInstanceOf(PgPoolException.class)
          .hasMessageEndingWith(": java.lang.UnsupportedOperationException");
      pool.terminate();
      pool.closed().get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void aTimeoutWithoutAMessageIsToldByItsNameToWhoWaitsInVain() {
    open(
        config()
            .acquireTimeout(Duration.ofSeconds(1))
            .init(handle -> CompletableFuture.failedFuture(new TimeoutException())));
    assertThatThrownBy(() -> lent(pool.acquire()))
        .hasMessageContaining("no connection within PT1S")
        .hasMessageEndingWith(
            "init failed for a new connection: java.util.concurrent.TimeoutException");
  }
}
