package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.netty.NettyConnections;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.testkit.TestServer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SessionTest {
  private static PgConnection connect() {
    return PgConnection.connect(TestServer.shared().dsn()).await();
  }

  private static PgConfig.Builder config() {
    return PgConfig.builder().dsn(TestServer.shared().dsn());
  }

  @Test
  void closeSaysGoodbyeAfterWhatWasAskedFor() {
    PgConnection connection = connect();
    List<PgFuture<Integer>> asked = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      asked.add(connection.fetchValue(Integer.class, "SELECT $1::int4", i));
    }
    connection.close();
    assertThat(connection.isClosed()).isTrue();
    assertThatThrownBy(() -> connection.fetch("SELECT 1").await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    for (int i = 0; i < 100; i++) {
      assertThat(asked.get(i).await()).isEqualTo(i);
    }
    connection.closed().await();
    connection.close();
  }

  @Test
  void terminateFailsWhatIsUnderWay() {
    PgConnection connection = connect();
    PgFuture<Rows> sleeping = connection.fetch("SELECT pg_sleep(60)");
    connection.terminate();
    assertThatThrownBy(sleeping::await).isInstanceOf(PgConnectionException.class);
    connection.closed().await();
    TestServer.shared().endSession(connection.serverPid());
  }

  @Test
  void aKilledBackendFailsItsQueryAndClosesTheConnection() {
    try (PgConnection killer = connect()) {
      PgConnection victim = connect();
      PgFuture<Rows> sleeping = victim.fetch("SELECT pg_sleep(30)");
      TestServer.shared().awaitSleeping(victim.serverPid());
      killer.execute("SELECT pg_terminate_backend($1)", victim.serverPid()).await();
      assertThatThrownBy(sleeping::await).hasMessageContaining("57P01");
      victim.closed().await();
      assertThat(victim.isClosed()).isTrue();
    }
  }

  @Test
  void copyThatNobodyAskedForIsAnErrorAndTheConnectionLives() {
    try (PgConnection connection = connect()) {
      connection.execute("CREATE TEMP TABLE copied(i int)").await();
      List<PgFuture<?>> refused =
          List.of(
              connection.execute("COPY copied FROM STDIN"),
              connection.execute("COPY copied TO STDOUT"),
              connection.fetch("COPY copied FROM STDIN"),
              connection.fetch("COPY (SELECT 1) TO STDOUT"));
      PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 1");
      for (PgFuture<?> copy : refused) {
        assertThatThrownBy(copy::await)
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("COPY from or to the client is no query");
      }
      assertThat(behind.await()).isEqualTo(1);
    }
  }

  @Test
  void withoutACacheNothingStaysOnTheServer() {
    try (PgConnection connection =
        PgConnection.connect(config().statementCacheSize(0).build()).await()) {
      for (int i = 0; i < 3; i++) {
        assertThat(connection.fetchValue(Integer.class, "SELECT $1::int4", i).await()).isEqualTo(i);
      }
      assertThat(
              connection
                  .fetchValue(Long.class, "SELECT count(*) FROM pg_prepared_statements")
                  .await())
          .isZero();
    }
  }

  @Test
  void theEldestStatementGoesWhenTheCacheIsFull() {
    try (PgConnection connection =
        PgConnection.connect(config().statementCacheSize(2).build()).await()) {
      for (int i = 0; i < 10; i++) {
        assertThat(connection.fetchValue(Integer.class, "SELECT " + i).await()).isEqualTo(i);
      }
      assertThat(
              connection
                  .fetchValue(Long.class, "SELECT count(*) FROM pg_prepared_statements")
                  .await())
          .isLessThanOrEqualTo(2);
    }
  }

  @Test
  void whatACompletionExecutorIsForRunsThere() {
    ExecutorService executor =
        Executors.newSingleThreadExecutor(work -> new Thread(work, "completions"));
    try (PgConnection connection =
        PgConnection.connect(config().completionExecutor(executor).build()).await()) {
      CountDownLatch attached = new CountDownLatch(1);
      executor.execute(
          () -> {
            try {
              attached.await();
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
          });
      CompletableFuture<String> name =
          connection.fetch("SELECT 1").thenApply(rows -> Thread.currentThread().getName());
      attached.countDown();
      String thread = name.join();
      assertThat(thread).isEqualTo("completions");
    } finally {
      executor.shutdown();
    }
  }

  @Test
  void anApplicationMayBringItsOwnEventLoops() throws InterruptedException {
    var loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    try {
      PgConnection connection = NettyConnections.connect(config().build(), loops).await();
      assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
      connection.close();
      connection.closed().await();
    } finally {
      loops.shutdownGracefully().sync();
    }
  }

  @Test
  void noticesAreHeard() {
    try (PgConnection connection = connect()) {
      List<Notice> heard = new ArrayList<>();
      connection.addNoticeListener(heard::add);
      connection.execute("DO $$ BEGIN RAISE NOTICE 'one of %', 2; END $$").await();
      assertThat(heard)
          .singleElement()
          .satisfies(
              notice -> {
                assertThat(notice.message()).isEqualTo("one of 2");
                assertThat(notice.severity()).isEqualTo("NOTICE");
              });
    }
  }

  @Test
  void theServerTellsOfItself() {
    try (PgConnection connection = connect()) {
      assertThat(connection.serverVersion().major()).isEqualTo(TestServer.shared().majorVersion());
      assertThat(connection.serverPid())
          .isEqualTo(connection.fetchValue(Integer.class, "SELECT pg_backend_pid()").await());
      assertThat(connection.settings()).containsEntry("client_encoding", "UTF8");
      assertThat(connection.isInTransaction()).isFalse();
    }
  }

  @Test
  void closeEndsAStreamThatNobodyReadsOn() throws Exception {
    for (boolean copied : List.of(false, true)) {
      PgConnection connection = connect();
      String sql = "SELECT repeat('x', 1000) FROM generate_series(1, 100000)";
      Iterator<Row> rows = (copied ? connection.copyRows(sql) : connection.stream(sql)).iterator();
      assertThat(rows.next().getString(0)).hasSize(1000);
      PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 1");
      RowStream waiting = connection.stream("SELECT 2");
      Iterator<Row> never = waiting.iterator();
      connection.close();
      assertThat(behind.get(20, TimeUnit.SECONDS)).isEqualTo(1);
      connection.closed().get(20, TimeUnit.SECONDS);
      assertThatThrownBy(() -> rows.forEachRemaining(row -> {}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the connection has been closed");
      assertThatThrownBy(never::hasNext)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the connection has been closed");
    }
  }

  @Test
  void aCompletionExecutorThatThrowsLeavesNobodyWaiting() throws Exception {
    for (Throwable theirs :
        List.of(new IllegalStateException("theirs"), new OutOfMemoryError("theirs"))) {
      Executor executor =
          work -> {
            throw CallbackTest.sneaky(theirs);
          };
      PgConnection connection =
          PgConnection.connect(config().completionExecutor(executor).build()).await();
      assertThat(connection.fetchValue(Integer.class, "SELECT 1").get(20, TimeUnit.SECONDS))
          .isEqualTo(1);
      assertThatThrownBy(() -> connection.fetch("SELECT 1/0").get(20, TimeUnit.SECONDS))
          .hasMessageContaining("22012");
      connection.close();
      connection.closed().get(20, TimeUnit.SECONDS);
    }
  }
}
