package io.asyncpg.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.PgClient;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.testkit.TestServer;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of a transaction on a pool whose caller has cancelled it. */
class CancelledTransactionTest {
  private static final String MAKE = "CREATE TEMP TABLE undone (i int)";

  private static final Logger LOGGER = Logger.getLogger("io.asyncpg.pool");

  private final Queue<String> logged = new ConcurrentLinkedQueue<>();

  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord line) {
          logged.add(line.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  private final CompletableFuture<Void> begun = new CompletableFuture<>();
  private PgPool pool;

  @BeforeEach
  void open() {
    PgConfig where = PgConfig.parse(TestServer.shared().dsn());
    pool = PgPool.create(PoolConfig.builder().connection(where).maxSize(1).build());
    LOGGER.addHandler(handler);
  }

  @AfterEach
  void close() throws Exception {
    LOGGER.removeHandler(handler);
    pool.terminate();
    pool.closed().get(20, TimeUnit.SECONDS);
  }

  /** The ways to have one. */
  enum Way {
    OF_THE_POOL,
    WITH_CONNECTION,
    DERIVED,
    STATEMENT,
    BY_HAND,
    CLOSED_BEHIND_IT,
    CLOSED_FAR_BEHIND_IT,
    BEGUN_AND_CLOSED
  }

  private CompletionStage<Void> hang() {
    begun.complete(null);
    return new CompletableFuture<>();
  }

  private PgFuture<Void> begin(Way way) {
    Function<PgTransaction, CompletionStage<Void>> work =
        transaction -> transaction.execute(MAKE).thenCompose(tag -> hang());
    return switch (way) {
      case OF_THE_POOL -> pool.transaction(work);
      case WITH_CONNECTION -> pool.withConnection(connection -> connection.transaction(work));
      case DERIVED ->
          pool.withConnection(connection -> connection.transaction(work).thenRun(() -> {}));
      case STATEMENT ->
          pool.transaction(
              transaction ->
                  transaction
                      .execute(MAKE)
                      .thenCompose(
                          tag -> {
                            begun.complete(null);
                            return transaction.execute("SELECT pg_sleep(60)");
                          })
                      .thenRun(() -> {}));
      case BY_HAND ->
          pool.withConnection(
              connection -> connection.execute("BEGIN; " + MAKE).thenCompose(tag -> hang()));
      case CLOSED_BEHIND_IT ->
          acquired(
              connection ->
                  connection
                      .transaction(work)
                      .whenComplete((nothing, failure) -> connection.close()));
      case CLOSED_FAR_BEHIND_IT ->
          acquired(
              connection ->
                  connection
                      .transaction(work)
                      .thenRun(() -> {})
                      .whenComplete((nothing, failure) -> connection.close())
                      .thenRun(() -> {}));
      case BEGUN_AND_CLOSED ->
          acquired(
              connection ->
                  connection
                      .begin()
                      .thenCompose(work)
                      .whenComplete((nothing, failure) -> connection.close()));
    };
  }

  private PgFuture<Void> acquired(Function<PgConnection, CompletionStage<Void>> use) {
    return (PgFuture<Void>) pool.acquire().thenCompose(use);
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void itIsRolledBackAndNoBorrowerIsBlamed(Way way) throws Exception {
    int process = pool.fetchValue(int.class, "SELECT pg_backend_pid()").get(20, TimeUnit.SECONDS);
    PgFuture<Void> call = begin(way);
    begun.get(20, TimeUnit.SECONDS);
    assertThat(call.cancel(true)).isTrue();

    PgConnection next = pool.acquire().get(20, TimeUnit.SECONDS);
    assertThat(next.serverPid()).isEqualTo(process);
    assertThat(
            next.fetchValue(String.class, "SELECT to_regclass('pg_temp.undone')::text")
                .get(20, TimeUnit.SECONDS))
        .isNull();
    assertThat(logged).isEmpty();

    // A borrower who leaves one open is told of.
    next.execute("BEGIN").get(20, TimeUnit.SECONDS);
    PgFuture<Void> returned = next.closed();
    next.close();
    returned.get(20, TimeUnit.SECONDS);
    assertThat(logged).singleElement().asString().contains("given back with a transaction open");
  }

  @Test
  void whatTheWorkDoesAtItsEndIsDoneThoughItsCallerHasCancelled() throws Exception {
    for (boolean inTransaction : new boolean[] {true, false}) {
      CompletableFuture<Void> running = new CompletableFuture<>();
      CompletableFuture<Void> cleanedUp = new CompletableFuture<>();
      Function<PgClient, CompletionStage<Void>> work =
          client ->
              client
                  .execute("SELECT 1")
                  .thenCompose(
                      tag -> {
                        PgFuture<CommandTag> sleeping = client.execute("SELECT pg_sleep(60)");
                        running.complete(null);
                        return sleeping;
                      })
                  .thenRun(() -> {})
                  .whenComplete((nothing, failure) -> cleanedUp.complete(null));
      PgFuture<Void> call = inTransaction ? pool.transaction(work) : pool.withConnection(work);
      running.get(20, TimeUnit.SECONDS);
      assertThat(call.cancel(true)).isTrue();
      cleanedUp.get(20, TimeUnit.SECONDS);
      pool.acquire().get(20, TimeUnit.SECONDS).close(); // the statement has been stopped
    }
  }

  @Test
  void aConnectionThatComesAsItsFutureIsCancelledIsGivenBack() throws Exception {
    // A stage that is cancelled between the connection's coming and the function's being called.
    PgConnection borrowed = pool.acquire().get(20, TimeUnit.SECONDS);
    CompletableFuture<Void> came = new CompletableFuture<>();
    CompletableFuture<Void> use =
        pool.acquire()
            .thenComposeAsync(
                connection -> {
                  connection.close();
                  return CompletableFuture.completedFuture(null);
                },
                task -> came.complete(null));
    borrowed.close();
    came.get(20, TimeUnit.SECONDS);
    assertThat(use.cancel(true)).isTrue();
    pool.acquire().get(20, TimeUnit.SECONDS).close();
  }

  @Test
  void norIsOneThatAnotherStageHas() throws Exception {
    PgFuture<PgConnection> acquire = pool.acquire();
    PgConnection connection = acquire.thenApply(c -> c).get(20, TimeUnit.SECONDS);
    CompletableFuture<CommandTag> never =
        acquire.thenComposeAsync(c -> c.execute("SELECT 1"), task -> {});
    never.cancel(true);
    assertThat(connection.isClosed()).isFalse();
    connection.close();
  }

  @Test
  void whatWaitsForItsExecutorToCloseIsCalledThoughItsCallerHasCancelled() throws Exception {
    CompletableFuture<Runnable> closing = new CompletableFuture<>();
    CompletableFuture<CommandTag> done =
        pool.acquire()
            .thenCompose(
                c ->
                    c.execute("SELECT 1")
                        .whenCompleteAsync((tag, failure) -> c.close(), closing::complete));
    Runnable close = closing.get(20, TimeUnit.SECONDS);
    done.cancel(true);
    close.run();
    pool.acquire().get(20, TimeUnit.SECONDS).close();
  }

  @Test
  void aConnectionThatSomebodyHasIsNotGivenBackUnderHim() throws Exception {
    PgFuture<PgConnection> acquire = pool.acquire();
    PgConnection connection = acquire.get(20, TimeUnit.SECONDS);
    CompletableFuture<CommandTag> never =
        acquire.thenComposeAsync(c -> c.execute("SELECT 1"), task -> {});
    never.cancel(true);
    assertThat(connection.isClosed()).isFalse();
    connection.execute("SELECT 1").get(20, TimeUnit.SECONDS);
    connection.close();
  }
}
