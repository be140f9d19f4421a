package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.DivisionByZeroException;
import io.asyncpg.error.InFailedSqlTransactionException;
import io.asyncpg.error.InvalidCachedStatementException;
import io.asyncpg.error.InvalidSqlStatementNameException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.testkit.WireLines;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StatementTest {
  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  private void reconnect(PgConfig.Builder config) {
    close();
    connection = PgConnection.connect(config.build()).await();
  }

  private static PgConfig.Builder config() {
    return PgConfig.parse(TestServer.shared().dsn()).toBuilder();
  }

  private long preparedOnServer(String like) {
    return connection
        .fetchValue(
            Long.class, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE $1", like)
        .await();
  }

  @Test
  void aStatementKnowsItsParametersAndColumns() {
    connection.execute("CREATE TEMP TABLE item(id int8, name varchar(20))").await();
    PgStatement statement =
        connection.prepare("SELECT id, name, 1 AS one FROM item WHERE id = $1").await();
    assertThat(statement.name()).startsWith("asyncpg_");
    assertThat(statement.sql()).startsWith("SELECT id");
    assertThat(statement.parameters()).hasSize(1);
    assertThat(statement.parameters().get(0).name()).isEqualTo("int8");
    assertThat(statement.columns()).extracting(Column::name).containsExactly("id", "name", "one");
    assertThat(statement.columns().get(0).tableOid()).isPositive();
    assertThat(statement.columns().get(1).attribute()).isEqualTo(2);
    assertThat(statement.columns().get(1).typmod()).isEqualTo(24);
    assertThat(statement.columns().get(2).tableOid()).isZero();
  }

  @Test
  void itRunsInEveryWay() {
    PgStatement statement =
        connection.prepare("SELECT i FROM generate_series(1, $1) i ORDER BY i").await();
    assertThat(statement.fetch(3).await()).hasSize(3);
    assertThat(statement.fetchRow(3).await().orElseThrow().getInt(0)).isEqualTo(1);
    assertThat(statement.fetchRow(0).await()).isEmpty();
    assertThat(statement.fetchValue(Integer.class, 3).await()).isEqualTo(1);
    assertThat(statement.fetch(Integer.class, 3).await()).containsExactly(1, 2, 3);
    assertThat(statement.execute(3).await()).hasToString("SELECT 3");
    assertThat(statement.executeMany(List.of(List.of(1), List.of(2))).await().total()).isEqualTo(3);
    assertThat(statement.fetchMany(List.of(List.of(1), List.of(2))).await()).hasSize(3);
    assertThatThrownBy(() -> statement.fetch().await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 parameter");
  }

  @Test
  void itsRowsCanBeStreamedAndReadThroughACursor() {
    PgStatement statement = connection.prepare("SELECT generate_series(1, $1)").await();
    int sum = 0;
    try (RowStream rows = statement.stream(100).fetchSize(7)) {
      for (Row row : rows) {
        sum += row.getInt(0);
      }
    }
    assertThat(sum).isEqualTo(5050);
    try (PgTransaction transaction = connection.begin().await();
        Cursor cursor = statement.cursor(10).await()) {
      assertThat(cursor.fetch(4).await()).hasSize(4);
      assertThat(transaction.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
      assertThat(cursor.fetch(40).await()).hasSize(6);
    }
    statement.close();
    RowStream late = statement.stream(1);
    assertThatThrownBy(() -> late.iterator().hasNext())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void sqlThatIsWrongFailsToBePrepared() {
    assertThatThrownBy(() -> connection.prepare("SELECT nonsense").await())
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("nonsense");
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void closingItClosesItOnTheServerBehindWhatWasAskedBefore() {
    PgStatement statement = connection.prepare("SELECT 'held', $1::int4").await();
    assertThat(preparedOnServer("%'held'%")).isEqualTo(1);
    PgFuture<Rows> before = statement.fetch(1);
    statement.close();
    assertThat(before.await()).hasSize(1);
    assertThat(preparedOnServer("%'held'%")).isZero();
    assertThatThrownBy(() -> statement.fetch(1).await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> statement.explain(1).await())
        .isInstanceOf(IllegalStateException.class);
    statement.close();
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void withoutACacheStatementsHaveNoName() {
    reconnect(config().statementCacheSize(0));
    PgStatement statement = connection.prepare("SELECT $1::int4").await();
    assertThat(statement.name()).isEmpty();
    assertThat(statement.fetchValue(Integer.class, 5).await()).isEqualTo(5);
    assertThat(connection.fetchValue(Integer.class, "SELECT $1::int4 + 1", 5).await()).isEqualTo(6);
    assertThat(statement.fetchValue(Integer.class, 7).await()).isEqualTo(7);
    assertThat(preparedOnServer("%")).isZero();
  }

  @Test
  void explainPlansAndExplainAnalyzeRunsAndUndoes() {
    connection.execute("CREATE TEMP TABLE item(id int)").await();
    PgStatement insert = connection.prepare("INSERT INTO item VALUES ($1)").await();
    assertThat(insert.explain(1).await()).contains("ModifyTable").doesNotContain("Actual Rows");
    assertThat(insert.explainAnalyze(1).await()).contains("Actual Rows");
    assertThat(connection.isInTransaction()).isFalse();
    try (PgTransaction transaction = connection.begin().await()) {
      insert.execute(1).await();
      assertThat(insert.explainAnalyze(2).await()).contains("Actual Rows");
      transaction.commit().await();
    }
    connection.execute("BEGIN").await();
    assertThat(insert.explainAnalyze(3).await()).contains("Actual Rows");
    assertThat(connection.isInTransaction()).isTrue();
    connection.execute("COMMIT").await();
    assertThat(connection.fetch(Integer.class, "SELECT id FROM item").await()).containsExactly(1);
  }

  @Test
  void aStalePlanIsMadeAnewOutsideATransaction() {
    connection.execute("CREATE TEMP TABLE item(id int); INSERT INTO item VALUES (1)").await();
    PgStatement held = connection.prepare("SELECT * FROM item WHERE id = $1").await();
    assertThat(held.fetch(1).await().columns()).hasSize(1);
    assertThat(connection.fetch("SELECT * FROM item").await().columns()).hasSize(1);
    connection.execute("ALTER TABLE item ADD COLUMN name text").await();
    assertThat(connection.fetch("SELECT * FROM item").await().columns()).hasSize(2);
    assertThat(held.fetch(1).await().columns()).hasSize(2);
    assertThat(held.columns()).hasSize(2);
  }

  @Test
  void aStalePlanIsKnownInEveryLanguageTheServerSpeaks() {
    int spoken = 0;
    for (String language : List.of("C", "de_DE.utf8", "fr_FR.utf8", "ja_JP.utf8", "ru_RU.utf8")) {
      try {
        connection.execute("SET lc_messages = '" + language + "'").await();
      } catch (PgServerException notThere) {
        continue;
      }
      spoken++;
      connection.execute("DROP TABLE IF EXISTS spoken; CREATE TEMP TABLE spoken(i int)").await();
      assertThat(connection.fetch("SELECT * FROM spoken").await().columns()).hasSize(1);
      connection.execute("ALTER TABLE spoken ADD j int").await();
      assertThat(connection.fetch("SELECT * FROM spoken").await().columns()).hasSize(2);
    }
    assertThat(spoken).isPositive();
  }

  @Test
  void theFirstUseCostsTwoRoundTripsAndLaterOnesOne() {
    try (WireLines log = new WireLines()) {
      reconnect(config());
      String sql = "SELECT i FROM generate_series(1, $1) i";
      connection.fetch(sql, 3).await();
      assertThat(log.sent(connection.serverPid()))
          .containsExactly("Parse", "Describe", "Sync", "Bind", "Execute", "Sync");
      log.clear();
      connection.fetch(sql, 5).await();
      assertThat(log.sent(connection.serverPid())).containsExactly("Bind", "Execute", "Sync");
      log.clear();
      PgBatch batch = connection.batch();
      batch.fetch(sql, 1);
      batch.fetch(sql, 2);
      batch.run().await();
      assertThat(log.sent(connection.serverPid()))
          .containsExactly("Bind", "Execute", "Bind", "Execute", "Sync");
    }
  }

  @Test
  void aStalePlanInATransactionIsRaisedAndForgotten() {
    connection.execute("CREATE TEMP TABLE item(id int); INSERT INTO item VALUES (1)").await();
    connection.fetch("SELECT * FROM item").await();
    connection.execute("ALTER TABLE item ADD COLUMN name text").await();
    PgTransaction transaction = connection.begin().await();
    assertThatThrownBy(() -> transaction.fetch("SELECT * FROM item").await())
        .isInstanceOf(InvalidCachedStatementException.class);
    assertThatThrownBy(() -> transaction.fetch("SELECT * FROM item").await())
        .isInstanceOf(InFailedSqlTransactionException.class);
    transaction.rollback().await();
    assertThat(connection.transaction(tx -> tx.fetch("SELECT * FROM item")).await().columns())
        .hasSize(2);
  }

  @Test
  void statementsThatTheServerForgotArePreparedAnew() {
    PgStatement held = connection.prepare("SELECT $1::int4").await();
    assertThat(connection.fetchValue(Integer.class, "SELECT $1::int4 + 1", 1).await()).isEqualTo(2);
    connection.execute("DEALLOCATE ALL").await();
    assertThat(
            connection
                .transaction(tx -> tx.fetchValue(Integer.class, "SELECT $1::int4 + 1", 1))
                .await())
        .isEqualTo(2);
    assertThat(held.fetchValue(Integer.class, 1).await()).isEqualTo(1);
    connection.execute("DISCARD ALL").await();
    assertThat(connection.fetchValue(Integer.class, "SELECT $1::int4 + 1", 1).await()).isEqualTo(2);

    // Where only the error tells:
    connection.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$").await();
    assertThat(connection.fetchValue(Integer.class, "SELECT $1::int4 + 1", 1).await()).isEqualTo(2);
    assertThat(held.fetchValue(Integer.class, 1).await()).isEqualTo(1);
    connection.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$").await();
    assertThatThrownBy(
            () ->
                connection
                    .transaction(tx -> tx.fetchValue(Integer.class, "SELECT $1::int4 + 1", 1))
                    .await())
        .isInstanceOf(InvalidSqlStatementNameException.class);
    assertThat(connection.transaction(tx -> held.fetchValue(Integer.class, 1)).await())
        .isEqualTo(1);
  }

  @Test
  void anAlteredEnumIsKnownAfterReloading() {
    connection.execute("DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('sad', 'ok')").await();
    assertThat(connection.fetchValue(String.class, "SELECT 'sad'::mood").await()).isEqualTo("sad");
    connection.execute("DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')").await();
    connection.reloadSchemaState().await();
    assertThat(connection.fetchValue(String.class, "SELECT 'happy'::mood").await())
        .isEqualTo("happy");
    connection.execute("DROP TYPE mood").await();
  }

  @Test
  void theMostArgumentsAreTakenAndOneMoreIsRefused() {
    Object[] most = Collections.nCopies(65_535, 1).toArray();
    String sql =
        IntStream.rangeClosed(1, most.length)
            .mapToObj(i -> i == 1 ? "$1::int4" : "$" + i)
            .collect(Collectors.joining(",", "SELECT array_length(ARRAY[", "], 1)"));
    assertThat(connection.fetchValue(Integer.class, sql, most).await()).isEqualTo(65_535);
    Object[] tooMany = Collections.nCopies(65_536, 1).toArray();
    assertThatThrownBy(() -> connection.fetch(sql, tooMany).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("65536 arguments")
        .hasMessageContaining("65535");
  }

  @Test
  void oddShapesOfResultsWork() {
    String wide =
        IntStream.range(0, 1664)
            .mapToObj(i -> i + " AS c" + i)
            .collect(Collectors.joining(",", "SELECT ", ""));
    Row row = connection.fetchRow(wide).await().orElseThrow();
    assertThat(row.size()).isEqualTo(1664);
    assertThat(row.getInt("c1663")).isEqualTo(1663);
    Rows noColumns = connection.fetch("SELECT FROM generate_series(1, 3)").await();
    assertThat(noColumns).hasSize(3);
    assertThat(noColumns.columns()).isEmpty();
    Rows noRows = connection.fetch("SELECT 1 AS one WHERE false").await();
    assertThat(noRows).isEmpty();
    assertThat(noRows.columns()).hasSize(1);
    assertThat(connection.fetch("").await()).isEmpty();
    assertThat(connection.fetch(" -- nothing").await().tag()).hasToString("");
    assertThat(connection.execute(";;").await()).hasToString("");
    PgStatement empty = connection.prepare("").await();
    assertThat(empty.execute().await()).hasToString("");
    assertThat(empty.columns()).isEmpty();
  }

  @Test
  void moreStatementsThanTheCacheHoldsMayWaitTogether() {
    reconnect(config().statementCacheSize(2));
    List<PgFuture<Integer>> answers =
        IntStream.range(0, 50)
            .mapToObj(
                i ->
                    connection
                        .withTimeout(Duration.ofSeconds(20))
                        .fetchValue(Integer.class, "SELECT " + i))
            .collect(Collectors.toList());
    for (int i = 0; i < 50; i++) {
      assertThat(answers.get(i).await()).isEqualTo(i);
    }
    assertThat(preparedOnServer("SELECT %")).isLessThanOrEqualTo(3);
  }

  @Test
  void whatIsEvictedIsClosedAlsoInAFailedTransaction() {
    reconnect(config().statementCacheSize(1));
    connection.fetch("SELECT 'first'").await();
    PgTransaction transaction = connection.begin().await();
    assertThatThrownBy(() -> transaction.execute("SELECT 1/0").await())
        .isInstanceOf(PgServerException.class);
    assertThatThrownBy(() -> transaction.fetch("SELECT 'second'").await())
        .isInstanceOf(InFailedSqlTransactionException.class);
    transaction.rollback().await();
    connection.execute("CREATE TEMP TABLE seen AS SELECT statement FROM pg_prepared_statements");
    assertThat(connection.fetch(String.class, "SELECT statement FROM seen").await())
        .doesNotContain("SELECT 'first'");
  }

  @Test
  void moreColdStatementsThanTheCacheHoldsRunInOnePipeline() {
    for (int capacity : new int[] {0, 1, 7, 100}) {
      PgConfig config =
          PgConfig.parse(TestServer.shared().dsn()).toBuilder()
              .statementCacheSize(capacity)
              .build();
      try (PgConnection narrow = PgConnection.connect(config).await()) {
        List<PgFuture<Integer>> answers = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
          answers.add(narrow.fetchValue(Integer.class, "SELECT $1::int4 + " + i, i));
        }
        for (int i = 0; i < answers.size(); i++) {
          assertThat(answers.get(i).await()).isEqualTo(2 * i);
        }
      }
    }
  }

  @Test
  void aProcedureThatHasCommittedIsNotRunAgain() {
    connection
        .execute(
            "CREATE TEMP TABLE ran(i int4);"
                + " CREATE PROCEDURE pg_temp.commits(x int4) LANGUAGE plpgsql AS $$ BEGIN"
                + " INSERT INTO ran VALUES (x); COMMIT; EXECUTE 'DEALLOCATE nosuch'; END $$")
        .await();
    List<Supplier<PgFuture<?>>> ways =
        List.of(
            () -> connection.execute("CALL pg_temp.commits(1)"),
            () -> connection.execute("CALL pg_temp.commits($1)", 2),
            () -> connection.fetch("CALL pg_temp.commits($1)", 3),
            () -> connection.executeMany("CALL pg_temp.commits($1)", List.of(List.of(4))),
            () -> {
              PgBatch batch = connection.batch();
              batch.execute("CALL pg_temp.commits($1)", 5);
              return batch.run();
            });
    for (Supplier<PgFuture<?>> way : ways) {
      assertThatThrownBy(() -> way.get().await())
          .isInstanceOfSatisfying(
              InvalidSqlStatementNameException.class,
              e -> {
                assertThat(e.retrySafety()).isEqualTo(RetrySafety.UNKNOWN);
                assertThat(e.hint()).isNull(); // it is no statement of ours that is not there
              });
    }
    assertThatThrownBy(() -> connection.stream("CALL pg_temp.commits(6)").forEach(row -> {}))
        .isInstanceOf(InvalidSqlStatementNameException.class);
    assertThat(connection.fetch(Integer.class, "SELECT i FROM ran ORDER BY i").await())
        .containsExactly(1, 2, 3, 4, 5, 6);
  }

  private long preparedOnTheServer() {
    return connection.fetchValue(Long.class, "SELECT count(*) FROM pg_prepared_statements").await();
  }

  @Test
  void aNameThatTheApplicationsOwnSqlMissesCostsNoStatementOfOurs() {
    PgStatement held = connection.prepare("SELECT 1").await();
    long before = preparedOnTheServer();
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> connection.execute("EXECUTE nosuch", new Object[0]).await())
          .isInstanceOf(InvalidSqlStatementNameException.class);
      assertThatThrownBy(() -> connection.fetch("EXECUTE nosuch").await())
          .isInstanceOfSatisfying(
              InvalidSqlStatementNameException.class, e -> assertThat(e.hint()).isNull());
    }
    String name = held.name();
    assertThat(held.fetchValue(Integer.class).await()).isEqualTo(1);
    assertThat(held.name()).isEqualTo(name);
    assertThat(preparedOnTheServer()).isEqualTo(before + 1); // EXECUTE nosuch
  }

  @Test
  void whereOneStatementIsGoneTheOthersAreClosedAndPreparedAnew() {
    PgStatement held = connection.prepare("SELECT 0").await();
    for (int round = 0; round < 3; round++) {
      PgStatement gone = connection.prepare("SELECT $1::int4").await();
      for (int i = 0; i < 5; i++) {
        connection.fetch("SELECT " + i).await();
      }
      connection.execute("DEALLOCATE " + gone.name()).await();
      assertThat(gone.fetchValue(Integer.class, 7).await()).isEqualTo(7);
      gone.close();
    }
    assertThat(held.fetchValue(Integer.class).await()).isZero();
    assertThat(preparedOnTheServer()).isLessThanOrEqualTo(7);
  }

  @Test
  void aParseThatFailedInADeadTransactionIsTriedAgainBehindIt() {
    String sql = "SELECT 42 AS answer, $1::int4";
    PgTransaction transaction = connection.begin().await();
    assertThatThrownBy(() -> transaction.execute("SELECT 1/0").await())
        .isInstanceOf(DivisionByZeroException.class);
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> transaction.fetch(sql, 1).await())
          .isInstanceOf(InFailedSqlTransactionException.class);
    }
    transaction.rollback().await();
    assertThat(connection.fetchRow(sql, 1).await().orElseThrow().getInt("answer")).isEqualTo(42);

    // Here it is this side that knows that the transaction is no more.
    String another = "SELECT 43 AS answer, $1::int4";
    PgTransaction ended = connection.begin().await();
    ended.execute("COMMIT").await();
    assertThatThrownBy(() -> ended.fetch(another, 1).await())
        .hasStackTraceContaining("ended by SQL");
    assertThatThrownBy(() -> ended.commit().await()).hasMessageContaining("ended by SQL");
    assertThat(connection.fetchRow(another, 1).await().orElseThrow().getInt("answer"))
        .isEqualTo(43);
  }
}
