package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.InFailedSqlTransactionException;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.UniqueViolationException;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StatementBatchTest {
  private static final String INSERT = "INSERT INTO account VALUES ($1, $2)";

  private PgConnection connection;

  record Account(int id, int sum) {}

  @BeforeEach
  void connect() {
    connect(PgConfig.parse(TestServer.shared().dsn()));
  }

  private void connect(PgConfig config) {
    connection = PgConnection.connect(config).await();
    connection.execute("CREATE TEMP TABLE account(id int PRIMARY KEY, sum int)").await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  private long accounts() {
    return connection.fetchValue(Long.class, "SELECT count(*) FROM account").await();
  }

  @Test
  void eachStatementHasItsOwnResult() {
    for (boolean together : new boolean[] {true, false}) {
      connection.execute("TRUNCATE account").await();
      PgBatch batch = connection.batch();
      PgFuture<CommandTag> inserted = batch.execute(INSERT, 1, 10);
      PgFuture<Rows> rows = batch.fetch(INSERT + ", (3, 30) RETURNING id, sum", 2, 20);
      PgFuture<Optional<Row>> row = batch.fetchRow("SELECT * FROM account ORDER BY id");
      PgFuture<Integer> value = batch.fetchValue(int.class, "SELECT sum FROM account ORDER BY id");
      PgFuture<List<Account>> records =
          batch.fetch(Account.class, "SELECT * FROM account ORDER BY id");
      PgFuture<Optional<Account>> none =
          batch.fetchRow(Account.class, "SELECT * FROM account WHERE id = $1", 99);
      PgFuture<CommandTag> empty = batch.execute("");
      assertThat(batch.size()).isEqualTo(7);
      assertThat(inserted).isNotDone();

      (together ? batch.run() : batch.runEach()).await();

      assertThat(inserted.await()).hasToString("INSERT 0 1");
      assertThat(rows.await()).extracting(r -> r.getInt("sum")).containsExactly(20, 30);
      assertThat(row.await().orElseThrow().getInt("sum")).isEqualTo(10);
      assertThat(value.await()).isEqualTo(10);
      assertThat(records.await())
          .containsExactly(new Account(1, 10), new Account(2, 20), new Account(3, 30));
      assertThat(none.await()).isEmpty();
      assertThat(empty.await()).hasToString("");
    }
  }

  @Test
  void whatFailsUndoesTheWholeBatchAndIsNamed() {
    PgBatch batch = connection.batch();
    List<PgFuture<?>> answers = new ArrayList<>();
    answers.add(batch.execute(INSERT, 1, 10));
    answers.add(batch.fetchValue(Integer.class, "SELECT 1"));
    answers.add(batch.execute(INSERT, 1, 20));
    answers.add(batch.execute(INSERT, 2, 20));
    PgFuture<Void> run = batch.run();
    answers.add(run);
    for (PgFuture<?> answer : answers) {
      assertThatThrownBy(answer::await)
          .isInstanceOf(UniqueViolationException.class)
          .hasMessageContaining("STATEMENT:  2 (the first is 0)")
          .satisfies(
              e -> {
                assertThat(((PgServerException) e).statement()).isEqualTo(2);
                assertThat(((PgServerException) e).sql()).isEqualTo(INSERT);
              });
    }
    assertThat(accounts()).isZero();
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void whatFailsByItselfLeavesTheOthersAlone() {
    PgBatch batch = connection.batch();
    PgFuture<CommandTag> first = batch.execute(INSERT, 1, 10);
    PgFuture<CommandTag> again = batch.execute(INSERT, 1, 20);
    PgFuture<CommandTag> unfit = batch.execute(INSERT, "x", 20);
    PgFuture<Rows> nonsense = batch.fetch("SELECT nonsense");
    PgFuture<CommandTag> last = batch.execute(INSERT, 2, 20);
    assertThatThrownBy(batch.runEach()::await)
        .isInstanceOf(UniqueViolationException.class)
        .hasMessageContaining("STATEMENT:  1");
    assertThat(first.await()).hasToString("INSERT 0 1");
    assertThatThrownBy(again::await).isInstanceOf(UniqueViolationException.class);
    assertThatThrownBy(unfit::await)
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("statement 2: argument 1 of");
    assertThatThrownBy(nonsense::await)
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("STATEMENT:  3");
    assertThat(last.await()).hasToString("INSERT 0 1");
    assertThat(accounts()).isEqualTo(2);
  }

  @Test
  void whatIsFoundBeforeItIsSentIsNamedAndNothingIsSent() {
    PgBatch unfit = connection.batch();
    PgFuture<CommandTag> first = unfit.execute(INSERT, 1, 10);
    unfit.execute(INSERT, "x", 10);
    assertThatThrownBy(unfit.run()::await)
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("statement 1: argument 1 of")
        .hasMessageContaining("java.lang.String cannot become int4");
    assertThatThrownBy(first::await).isInstanceOf(PgCodecException.class);

    PgBatch tooFew = connection.batch();
    tooFew.execute(INSERT, 1);
    assertThatThrownBy(tooFew.run()::await)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("statement 0: the statement has 2 parameters, but 1 argument");

    PgBatch nonsense = connection.batch();
    nonsense.execute(INSERT, 1, 10);
    nonsense.fetch("SELECT nonsense");
    assertThatThrownBy(nonsense.run()::await)
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("STATEMENT:  1");

    PgBatch copy = connection.batch();
    copy.execute(INSERT, 1, 10);
    copy.execute("/* out */ COPY account TO STDOUT");
    assertThatThrownBy(copy.run()::await)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("statement 1: COPY from or to the client")
        .hasMessageContaining("copyFromQuery");
    assertThat(accounts()).isZero();
  }

  @Test
  void aResultThatCannotBeReadFailsAlone() {
    PgBatch batch = connection.batch();
    batch.execute(INSERT, 1, 10);
    PgFuture<Integer> unreadable = batch.fetchValue(Integer.class, "SELECT 'x'");
    PgFuture<Integer> readable = batch.fetchValue(Integer.class, "SELECT 2");
    assertThatThrownBy(batch.run()::await).hasMessageContaining("statement 1: ");
    assertThatThrownBy(unreadable::await).hasMessageContaining("statement 1: ");
    assertThat(readable.await()).isEqualTo(2);
    assertThat(accounts()).isEqualTo(1);
  }

  @Test
  void aDeferredConstraintFailsTheBatch() {
    connection
        .execute("CREATE TEMP TABLE late(id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        .await();
    PgBatch batch = connection.batch();
    PgFuture<CommandTag> first = batch.execute("INSERT INTO late VALUES ($1)", 1);
    batch.execute("INSERT INTO late VALUES ($1)", 1);
    assertThatThrownBy(batch.run()::await).isInstanceOf(UniqueViolationException.class);
    assertThatThrownBy(first::await).isInstanceOf(UniqueViolationException.class);
    assertThat(connection.fetch("SELECT * FROM late").await()).isEmpty();
  }

  @Test
  void itMayBeTheFirstOfATransactionAndIsUndoneWithIt() {
    PgTransaction transaction = connection.begin().await();
    PgBatch batch = transaction.batch();
    batch.execute(INSERT, 1, 10);
    PgFuture<Long> count = batch.fetchValue(Long.class, "SELECT count(*) FROM account");
    batch.run().await();
    assertThat(count.await()).isEqualTo(1);
    PgBatch each = transaction.batch();
    each.execute(INSERT, 1, 10);
    PgFuture<CommandTag> behind = each.execute(INSERT, 2, 10);
    assertThatThrownBy(each.runEach()::await).isInstanceOf(UniqueViolationException.class);
    assertThatThrownBy(behind::await)
        .isInstanceOf(InFailedSqlTransactionException.class)
        .hasMessageContaining("STATEMENT:  1");
    transaction.rollback().await();
    assertThat(accounts()).isZero();
    PgBatch late = transaction.batch();
    PgFuture<CommandTag> never = late.execute(INSERT, 2, 10);
    assertThatThrownBy(late.run()::await)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("rolled back already");
    assertThatThrownBy(never::await).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void itRunsInItsTurn() {
    PgFuture<CommandTag> before = connection.execute(INSERT, 1, 10);
    PgBatch batch = connection.batch();
    PgFuture<Integer> seen = batch.fetchValue(Integer.class, "SELECT sum FROM account");
    batch.execute("UPDATE account SET sum = sum + $1", 1);
    PgFuture<Void> run = batch.run();
    PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT sum FROM account");
    assertThat(behind.await()).isEqualTo(11);
    assertThat(seen.await()).isEqualTo(10);
    assertThat(before.await()).hasToString("INSERT 0 1");
    run.await();
  }

  @Test
  void moreStatementsThanTheCacheHoldsRunTogether() {
    close();
    connect(PgConfig.parse(TestServer.shared().dsn()).toBuilder().statementCacheSize(2).build());
    for (int round = 0; round < 2; round++) {
      PgBatch batch = connection.withTimeout(Duration.ofSeconds(20)).batch();
      List<PgFuture<Integer>> answers = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        answers.add(batch.fetchValue(Integer.class, "SELECT $1::int4 + " + i, round));
      }
      batch.run().await();
      for (int i = 0; i < 10; i++) {
        assertThat(answers.get(i).await()).isEqualTo(round + i);
      }
    }
  }

  @Test
  void aStalePlanIsMadeAnewAndAllOfItRunsOnce() {
    connection.execute(INSERT, 1, 10).await();
    connection.fetch("SELECT * FROM account").await();
    connection.execute("ALTER TABLE account ADD note text").await();
    PgBatch batch = connection.batch();
    batch.execute("INSERT INTO account VALUES (2, 20)");
    PgFuture<Rows> rows = batch.fetch("SELECT * FROM account");
    batch.run().await();
    assertThat(rows.await().columns()).hasSize(3);
    assertThat(rows.await()).hasSize(2);
    assertThat(accounts()).isEqualTo(2);
  }

  @Test
  void itIsRunOnce() {
    PgBatch empty = connection.batch();
    empty.run().await();
    assertThatThrownBy(empty.runEach()::await)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has been run");
    assertThatThrownBy(empty.execute("SELECT 1")::await).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void cancellingOneStatementCancelsWhatRunsWithIt() {
    PgBatch together = connection.batch();
    PgFuture<CommandTag> first = together.execute(INSERT, 1, 10);
    PgFuture<Rows> sleeping = together.fetch("SELECT pg_sleep(60)");
    PgFuture<Void> run = together.run();
    sleeping.cancel(true);
    assertThatThrownBy(run::await).isInstanceOf(CancellationException.class);
    assertThatThrownBy(first::await).isInstanceOf(CancellationException.class);

    PgBatch each = connection.batch();
    PgFuture<CommandTag> before = each.execute(INSERT, 2, 10);
    PgFuture<Rows> alone = each.fetch("SELECT pg_sleep(60)");
    PgFuture<CommandTag> behind = each.execute(INSERT, 3, 10);
    alone.cancel(true);
    assertThatThrownBy(each.runEach()::await).isInstanceOf(CancellationException.class);
    assertThat(before.await()).hasToString("INSERT 0 1");
    assertThat(behind.await()).hasToString("INSERT 0 1");
    assertThat(connection.fetch(Integer.class, "SELECT id FROM account ORDER BY id").await())
        .containsExactly(2, 3);

    PgBatch neverRun = connection.batch();
    neverRun.execute(INSERT, 4, 10).cancel(true);
    assertThatThrownBy(neverRun.run()::await).isInstanceOf(CancellationException.class);
    assertThat(accounts()).isEqualTo(2);
  }

  @Test
  void aTimeoutBoundsAllOfIt() {
    PgBatch batch = connection.withTimeout(Duration.ofMillis(300)).batch();
    PgFuture<CommandTag> first = batch.execute(INSERT, 1, 10);
    batch.fetch("SELECT pg_sleep(60)");
    assertThatThrownBy(batch.run()::await).isInstanceOf(PgTimeoutException.class);
    assertThatThrownBy(first::await).isInstanceOf(PgTimeoutException.class);
    assertThat(accounts()).isZero();
    PgBatch noTime = connection.withTimeout(Duration.ZERO).batch();
    PgFuture<CommandTag> unsent = noTime.execute(INSERT, 1, 10);
    assertThatThrownBy(noTime.runEach()::await).hasMessageContaining("leaves no time");
    assertThatThrownBy(unsent::await).isInstanceOf(PgTimeoutException.class);
  }

  @Test
  void everyFutureFailsWhenTheConnectionIsLost() {
    PgConnection lost = PgConnection.connect(TestServer.shared().dsn()).await();
    PgBatch batch = lost.batch();
    List<PgFuture<Rows>> answers =
        List.of(batch.fetch("SELECT 1"), batch.fetch("SELECT pg_sleep(60)"));
    PgFuture<Void> run = batch.run();
    lost.terminate();
    assertThatThrownBy(run::await).isInstanceOf(PgConnectionException.class);
    for (PgFuture<Rows> answer : answers) {
      assertThatThrownBy(answer::await).isInstanceOf(PgConnectionException.class);
    }
    TestServer.shared().endSession(lost.serverPid());
  }

  @Test
  void queryListenersHearOfEachStatement() {
    List<QueryEvent> events = new ArrayList<>();
    connection.addQueryListener(events::add);
    PgBatch batch = connection.batch();
    batch.execute(INSERT, 1, 10);
    batch.fetch("SELECT 1 FROM generate_series(1, 3)");
    batch.run().await();
    assertThat(events)
        .extracting(QueryEvent::sql)
        .containsExactly(INSERT, "SELECT 1 FROM generate_series(1, 3)");
    assertThat(events).extracting(QueryEvent::rows).containsExactly(1L, 3L);
  }

  @Test
  void aBatchOfManyReturnsMuch() {
    PgBatch batch = connection.batch();
    List<PgFuture<Integer>> lengths = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      lengths.add(
          batch.fetchValue(
              Integer.class, "SELECT length($1), repeat('x', 100000)", "y".repeat(50_000)));
    }
    batch.run().await();
    for (PgFuture<Integer> length : lengths) {
      assertThat(length.await()).isEqualTo(50_000);
    }
  }
}
