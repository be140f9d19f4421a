package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgServerException;
import io.asyncpg.error.SqlState;
import io.asyncpg.testkit.PgBouncer;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Through a real PgBouncer, with the settings that docs/connecting.md tells. */
class PgBouncerTest {
  private static PgBouncer pooling(String mode) {
    return PgBouncer.before(TestServer.shared(), mode, Map.of());
  }

  private static PgConnection connect(String dsn, int statementCacheSize) {
    return PgConnection.connect(
            PgConfig.builder().dsn(dsn).statementCacheSize(statementCacheSize).build())
        .await();
  }

  private static void close(PgConnection... connections) {
    for (PgConnection connection : connections) {
      connection.close();
      connection.closed().await();
    }
  }

  @Test
  void inSessionModeEverythingWorksWithTheDefaults() throws Exception {
    try (PgBouncer pooler = pooling("session")) {
      PgConnection connection = PgConnection.connect(pooler.dsn()).await();
      assertThat(connection.serverVersion().major()).isEqualTo(TestServer.shared().majorVersion());
      assertThat(connection.settings()).containsEntry("client_encoding", "UTF8");
      statementsAndTransactionsWork(connection);
      PgStatement statement = connection.prepare("SELECT $1::int4 + 1").await();
      assertThat(statement.fetchValue(Integer.class, 1).await()).isEqualTo(2);
      assertThat(statement.fetchValue(Integer.class, 2).await()).isEqualTo(3);
      BlockingQueue<String> heard = new LinkedBlockingQueue<>();
      connection.addListener("pooled", notification -> heard.add(notification.payload())).await();
      connection.execute("SELECT pg_notify('pooled', 'hello')").await();
      assertThat(heard.poll(30, TimeUnit.SECONDS)).isEqualTo("hello");
      connection.execute("SET search_path = pg_catalog").await();
      connection.reset().await();
      assertThat(connection.fetchValue(String.class, "SHOW search_path").await())
          .contains("public");
      close(connection);
    }
  }

  @Test
  void inSessionModeTheNextClientGetsACleanServer() {
    try (PgBouncer pooler =
        PgBouncer.before(TestServer.shared(), "session", Map.of("default_pool_size", "1"))) {
      for (int i = 0; i < 3; i++) {
        PgConnection connection = PgConnection.connect(pooler.dsn()).await();
        assertThat(connection.fetchValue(Integer.class, "SELECT $1::int4", i).await()).isEqualTo(i);
        connection.execute("SET search_path = pg_catalog").await();
        assertThat(connection.fetchValue(Integer.class, "SELECT $1::int4", -i).await())
            .isEqualTo(-i);
        close(connection);
      }
    }
  }

  @Test
  void inTransactionModeManyShareTwoServersWithoutAStatementCache() {
    try (PgBouncer pooler = pooling("transaction")) {
      PgConnection[] connections = new PgConnection[6];
      for (int i = 0; i < connections.length; i++) {
        connections[i] = connect(pooler.dsn(), 0);
      }
      List<PgFuture<Integer>> answers = new ArrayList<>();
      for (int i = 0; i < 600; i++) {
        answers.add(
            connections[i % connections.length].fetchValue(
                Integer.class, "SELECT $1::int4 + pg_backend_pid() * 0", i));
      }
      for (int i = 0; i < answers.size(); i++) {
        assertThat(answers.get(i).await()).isEqualTo(i);
      }
      for (PgConnection connection : connections) {
        statementsAndTransactionsWork(connection);
        connection.reset().await();
      }
      close(connections);
    }
  }

  @Test
  void inTransactionModeATransactionKeepsItsServer() {
    try (PgBouncer pooler = pooling("transaction")) {
      PgConnection one = connect(pooler.dsn(), 0);
      PgConnection other = connect(pooler.dsn(), 0);
      PgTransaction transaction = one.begin().await();
      int server = transaction.fetchRow("SELECT pg_backend_pid()").await().orElseThrow().getInt(0);
      for (int i = 0; i < 20; i++) {
        PgFuture<Integer> elsewhere = other.fetchValue(Integer.class, "SELECT pg_backend_pid()");
        assertThat(transaction.fetchValue(Integer.class, "SELECT pg_backend_pid()").await())
            .isEqualTo(server);
        assertThat(elsewhere.await()).isNotEqualTo(server);
      }
      transaction.commit().await();
      close(one, other);
    }
  }

  @Test
  void inTransactionModeTheStatementCacheNeedsAPoolerThatKnowsPreparedStatements() {
    int[] version = PgBouncer.version();
    Assumptions.assumeTrue(
        version[0] > 1 || version[1] >= 21,
        "server version of PgBouncer " + version[0] + "." + version[1] + " is below 1.21");
    try (PgBouncer pooler =
        PgBouncer.before(
            TestServer.shared(), "transaction", Map.of("max_prepared_statements", "100"))) {
      PgConnection[] connections = new PgConnection[6];
      for (int i = 0; i < connections.length; i++) {
        connections[i] = connect(pooler.dsn(), 50);
      }
      for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 100; i++) {
          PgConnection connection = connections[i % connections.length];
          assertThat(connection.fetchValue(Integer.class, "SELECT $1::int4 + " + i, round).await())
              .isEqualTo(round + i);
        }
      }
      close(connections);
    }
  }

  @Test
  void whereAPoolerLosesPreparedStatementsTheErrorTellsTheSetting() {
    int[] version = PgBouncer.version();
    Map<String, String> off =
        version[0] > 1 || version[1] >= 21 ? Map.of("max_prepared_statements", "0") : Map.of();
    try (PgBouncer pooler = PgBouncer.before(TestServer.shared(), "transaction", off)) {
      PgConnection one = connect(pooler.dsn(), 100);
      PgConnection other = connect(pooler.dsn(), 100);
      assertThat(one.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
      assertThatThrownBy(() -> other.fetchValue(Integer.class, "SELECT 2").await())
          .isInstanceOfSatisfying(
              PgServerException.class,
              e -> assertThat(e.sqlState()).isEqualTo(SqlState.DUPLICATE_PREPARED_STATEMENT))
          .hasMessageContaining("statementCacheSize(0)");
      close(one, other);
    }
  }

  @Test
  void inStatementModeSingleStatementsWorkAndTransactionsAreRefused() {
    try (PgBouncer pooler = pooling("statement")) {
      PgConnection connection = connect(pooler.dsn(), 0);
      List<PgFuture<Integer>> answers = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        answers.add(connection.fetchValue(Integer.class, "SELECT $1::int4", i));
      }
      for (int i = 0; i < answers.size(); i++) {
        assertThat(answers.get(i).await()).isEqualTo(i);
      }
      connection.reset().await();
      assertThatThrownBy(() -> connection.execute("BEGIN").await())
          .hasMessageContaining("transaction blocks not allowed in statement pooling mode");
      connection.closed().await();
    }
  }

  @Test
  void aCancelGoesThroughThePoolerAndHitsNothingElse() {
    for (String mode : List.of("session", "transaction")) {
      try (PgBouncer pooler = pooling(mode)) {
        PgConnection connection = connect(pooler.dsn(), 0);
        PgConnection neighbour = connect(pooler.dsn(), 0);
        PgFuture<Rows> sleeping = connection.fetch("SELECT pg_sleep(100)");
        assertThat(neighbour.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
        sleeping.cancel(true);
        assertThatThrownBy(sleeping::await).isInstanceOf(CancellationException.class);
        Random random = new Random(4);
        for (int round = 0; round < 100; round++) {
          PgFuture<Rows> victim =
              connection.fetch("SELECT pg_sleep($1)", random.nextInt(4) * 0.0005);
          PgFuture<Integer> beside = neighbour.fetchValue(Integer.class, "SELECT $1::int4", round);
          LockSupport.parkNanos(random.nextInt(2_000_000));
          victim.cancel(true);
          assertThat(
                  connection
                      .withTimeout(Duration.ofSeconds(20))
                      .fetchValue(Integer.class, "SELECT $1::int4 + 1", round)
                      .await())
              .isEqualTo(round + 1);
          assertThat(beside.await()).isEqualTo(round);
        }
        close(connection, neighbour);
      }
    }
  }

  @Test
  void aTimeoutStopsTheStatementOnTheServerBehindThePooler() {
    try (PgBouncer pooler = pooling("transaction")) {
      PgConnection connection = connect(pooler.dsn(), 0);
      assertThatThrownBy(
              () ->
                  connection
                      .withTimeout(Duration.ofMillis(200))
                      .fetch("SELECT pg_sleep(100), 'behind the pooler'")
                      .await())
          .isInstanceOf(io.asyncpg.error.PgTimeoutException.class);
      assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
      assertThat(
              connection
                  .fetchValue(
                      Long.class,
                      "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE"
                          + " '%behind the pooler%' AND pid <> pg_backend_pid()")
                  .await())
          .isZero();
      close(connection);
    }
  }

  @Test
  void copyWorksInEveryMode() {
    TestServer.shared().sql("CREATE TABLE pooled_copy(i int4)");
    try {
      for (String mode : List.of("session", "transaction", "statement")) {
        try (PgBouncer pooler = pooling(mode)) {
          PgConnection connection = connect(pooler.dsn(), 0);
          assertThat(
                  connection
                      .copyRecordsToTable(
                          "pooled_copy",
                          List.of("i"),
                          List.of(new Object[] {1}, new Object[] {2}, new Object[] {3}))
                      .await()
                      .rows())
              .isEqualTo(3);
          int sum = 0;
          try (RowStream rows = connection.copyRows("SELECT i FROM pooled_copy")) {
            for (Row row : rows) {
              sum += row.getInt(0);
            }
          }
          assertThat(sum).as(mode).isEqualTo(6);
          connection.execute("DELETE FROM pooled_copy").await();
          close(connection);
        }
      }
    } finally {
      TestServer.shared().sql("DROP TABLE pooled_copy");
    }
  }

  @Test
  void scramWorksWithThePooler() {
    try (PgBouncer pooler =
        PgBouncer.before(
            TestServer.shared(), "transaction", Map.of("auth_type", "scram-sha-256"))) {
      PgConnection connection = connect(pooler.dsnAs(TestServer.SCRAM_USER), 0);
      assertThat(connection.fetchValue(String.class, "SELECT current_user::text").await())
          .isEqualTo(TestServer.SCRAM_USER);
      close(connection);
    }
  }

  @Test
  void aSettingThatThePoolerDoesNotKnowIsRefusedUnlessItIsToldToIgnoreIt() {
    PgConfig.Builder telling = PgConfig.builder().setting("statement_timeout", "1min");
    try (PgBouncer pooler = pooling("session")) {
      assertThatThrownBy(() -> PgConnection.connect(telling.dsn(pooler.dsn()).build()).await())
          .hasMessageContaining("unsupported startup parameter: statement_timeout");
    }
    try (PgBouncer pooler =
        PgBouncer.before(
            TestServer.shared(),
            "session",
            Map.of("ignore_startup_parameters", "statement_timeout"))) {
      PgConnection connection = PgConnection.connect(telling.dsn(pooler.dsn()).build()).await();
      assertThat(connection.fetchValue(String.class, "SHOW statement_timeout").await())
          .isEqualTo("0");
      close(connection);
    }
  }

  @Test
  void targetSessionAttrsAreAskedForWhereThePoolerDoesNotTellThem() {
    try (PgBouncer pooler = pooling("transaction")) {
      PgConnection connection =
          PgConnection.connect(
                  PgConfig.builder()
                      .dsn(pooler.dsn() + "?target_session_attrs=read-write")
                      .statementCacheSize(0)
                      .build())
              .await();
      assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
      close(connection);
    }
  }

  /** What works wherever there are transactions. */
  private static void statementsAndTransactionsWork(PgConnection connection) {
    assertThat(connection.fetchValue(String.class, "SELECT $1::text || '!'", "pooled").await())
        .isEqualTo("pooled!");
    assertThat(connection.fetch("SELECT i FROM generate_series(1, 1000) i").await()).hasSize(1000);
    assertThat(connection.execute("SELECT 1; SELECT 2").await().toString()).isEqualTo("SELECT 1");
    assertThatThrownBy(() -> connection.fetch("SELECT 1/0").await())
        .isInstanceOf(PgServerException.class);
    int sum =
        connection
            .transaction(
                transaction -> {
                  PgFuture<CommandTag> made =
                      transaction.execute("CREATE TEMP TABLE pooled(i int4) ON COMMIT DROP");
                  PgFuture<RowCounts> filled =
                      transaction.executeMany(
                          "INSERT INTO pooled VALUES ($1)",
                          List.of(new Object[] {1}, new Object[] {2}, new Object[] {3}));
                  return made.thenCompose(tag -> filled)
                      .thenCompose(
                          counts ->
                              transaction.fetchValue(
                                  Integer.class, "SELECT sum(i)::int4 FROM pooled"));
                })
            .await();
    assertThat(sum).isEqualTo(6);
    int streamed = 0;
    try (RowStream rows = connection.stream("SELECT i FROM generate_series(1, 3000) i")) {
      for (Row row : rows) {
        streamed += row.getInt(0) > 0 ? 1 : 0;
      }
    }
    assertThat(streamed).isEqualTo(3000);
    PgTransaction transaction = connection.begin().await();
    Cursor cursor = transaction.cursor("SELECT i FROM generate_series(1, 10) i").await();
    assertThat(cursor.fetch(4).await()).hasSize(4);
    assertThat(cursor.fetch(100).await()).hasSize(6);
    transaction.rollback().await();
  }
}
