package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.InFailedSqlTransactionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SerializationFailureException;
import io.asyncpg.error.SqlState;
import io.asyncpg.error.SyntaxErrorException;
import io.asyncpg.error.TransactionRollbackException;
import io.asyncpg.error.UniqueViolationException;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TransactionTest {
  private PgConnection connection;
  private PgConnection other;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    other = PgConnection.connect(TestServer.shared().dsn()).await();
    connection
        .execute("DROP TABLE IF EXISTS account; CREATE TABLE account(id int PRIMARY KEY, sum int)")
        .await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
    other.execute("DROP TABLE account").await();
    other.close();
    other.closed().await();
  }

  private long accounts() {
    return other.fetchValue(Long.class, "SELECT count(*) FROM account").await();
  }

  @Test
  void whatIsCommittedIsSeenByOthersAndNotBefore() {
    PgTransaction transaction = connection.begin().await();
    transaction.execute("INSERT INTO account VALUES ($1, 10)", 1).await();
    assertThat(accounts()).isZero();
    transaction.commit().await();
    assertThat(accounts()).isEqualTo(1);
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void whatIsRolledBackIsGone() {
    PgTransaction transaction = connection.begin().await();
    transaction.execute("INSERT INTO account VALUES (1, 10)").await();
    transaction.rollback().await();
    assertThat(accounts()).isZero();
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void closingAnOpenTransactionRollsBack() {
    try (PgTransaction transaction = connection.begin().await()) {
      transaction.execute("INSERT INTO account VALUES (1, 10)").await();
    }
    assertThat(connection.fetchValue(Long.class, "SELECT count(*) FROM account").await()).isZero();
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void closingAnEndedTransactionDoesNothing() {
    try (PgTransaction transaction = connection.begin().await()) {
      transaction.execute("INSERT INTO account VALUES (1, 10)").await();
      transaction.commit().await();
    }
    assertThat(accounts()).isEqualTo(1);
  }

  @Test
  void theConnectionIsInTheTransactionFromBeginOn() {
    assertThat(connection.isInTransaction()).isFalse();
    PgTransaction transaction = connection.begin().await();
    assertThat(connection.isInTransaction()).isTrue();
    connection.execute("INSERT INTO account VALUES (1, 10)").await();
    transaction.rollback().await();
    assertThat(accounts()).isZero();
  }

  @Test
  void aTransactionBegunByHandIsSeenAndNotMixedWithOurs() {
    connection.execute("BEGIN").await();
    assertThat(connection.isInTransaction()).isTrue();
    assertThatThrownBy(() -> connection.begin().await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("begun by hand");
    assertThatThrownBy(
            () ->
                connection
                    .transaction(tx -> tx.execute("INSERT INTO account VALUES (1, 10)"))
                    .await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("begun by hand");
    assertThatThrownBy(
            () -> connection.transaction(tx -> CompletableFuture.completedFuture(1)).await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("begun by hand");
    connection.execute("COMMIT").await();
    assertThat(accounts()).isZero();
    connection.execute("BEGIN");
    connection.execute("COMMIT");
    PgTransaction behind = connection.begin().await();
    behind.rollback().await();
  }

  @Test
  void everyOptionReachesTheServer() {
    for (IsolationLevel level : IsolationLevel.values()) {
      assertThat(setting(TransactionOptions.defaults().isolation(level), "transaction_isolation"))
          .isEqualToIgnoringCase(level.sql());
    }
    assertThat(setting(TransactionOptions.defaults().readOnly(), "transaction_read_only"))
        .isEqualTo("on");
    connection.execute("SET default_transaction_read_only = on").await();
    assertThat(setting(TransactionOptions.defaults().readWrite(), "transaction_read_only"))
        .isEqualTo("off");
    assertThat(setting(TransactionOptions.defaults(), "transaction_read_only")).isEqualTo("on");
    assertThat(setting(TransactionOptions.defaults().deferrable(), "transaction_deferrable"))
        .isEqualTo("on");
    assertThatThrownBy(() -> TransactionOptions.defaults().retries(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("-1");
  }

  private String setting(TransactionOptions options, String name) {
    return connection
        .transaction(options, tx -> tx.fetchValue(String.class, "SHOW " + name))
        .await();
  }

  @Test
  void workThatCompletesWellIsCommitted() {
    int id =
        connection
            .transaction(
                tx ->
                    tx.execute("INSERT INTO account VALUES (7, 10)")
                        .thenCompose(
                            done -> tx.fetchValue(Integer.class, "SELECT max(id) FROM account")))
            .await();
    assertThat(id).isEqualTo(7);
    assertThat(accounts()).isEqualTo(1);
  }

  @Test
  void workThatThrowsIsRolledBackAndItsExceptionComesOut() {
    IllegalArgumentException own = new IllegalArgumentException("no");
    assertThatThrownBy(
            () ->
                connection
                    .transaction(
                        tx -> {
                          tx.execute("INSERT INTO account VALUES (1, 10)");
                          throw own;
                        })
                    .await())
        .isSameAs(own);
    assertThat(accounts()).isZero();
    assertThat(connection.isInTransaction()).isFalse();
    assertThatThrownBy(() -> connection.transaction(tx -> null).await())
        .hasMessageContaining("returned null");
  }

  @Test
  void workWhoseStageFailsIsRolledBackAndTheFirstFailureComesOut() {
    assertThatThrownBy(
            () ->
                connection
                    .transaction(
                        tx -> {
                          tx.execute("INSERT INTO account VALUES (1, 10)");
                          return tx.execute("INSERT INTO account VALUES ($1, 10)", 1);
                        })
                    .await())
        .isInstanceOf(UniqueViolationException.class);
    assertThat(accounts()).isZero();
  }

  @Test
  void cancellingTheFutureCancelsTheStatementAndRollsBack() {
    AtomicReference<PgTransaction> used = new AtomicReference<>();
    CompletableFuture<Void> asleep = new CompletableFuture<>();
    PgFuture<CommandTag> running =
        connection.transaction(
            tx -> {
              used.set(tx);
              return tx.execute("INSERT INTO account VALUES (1, 10)")
                  .thenCompose(
                      done -> {
                        PgFuture<CommandTag> sleep = tx.execute("SELECT pg_sleep(60)");
                        asleep.complete(null);
                        return sleep;
                      });
            });
    asleep.join();
    running.cancel(true);
    assertThatThrownBy(running::await).isInstanceOf(CancellationException.class);
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(10))
                .fetchValue(Long.class, "SELECT count(*) FROM account")
                .await())
        .isZero();
    assertThat(connection.isInTransaction()).isFalse();
    assertThatThrownBy(() -> used.get().execute("SELECT 1").await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("rolled back");
  }

  @Test
  void aTimeoutBoundsTheWholeWork() {
    assertThatThrownBy(
            () ->
                connection
                    .withTimeout(Duration.ofMillis(200))
                    .transaction(
                        tx ->
                            tx.execute("INSERT INTO account VALUES (1, 10)")
                                .thenCompose(done -> new CompletableFuture<Integer>()))
                    .await())
        .isInstanceOf(PgTimeoutException.class);
    assertThat(connection.fetchValue(Long.class, "SELECT count(*) FROM account").await()).isZero();
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void aFunctionMayNotEndTheTransactionThatIsEndedForIt() {
    assertThatThrownBy(() -> connection.transaction(tx -> tx.commit()).await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("commits and rolls back by itself");
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void nestedWorkIsASavepointThatKeepsItsFailureToItself() {
    connection
        .transaction(
            tx -> {
              tx.execute("INSERT INTO account VALUES (1, 10)");
              return tx.transaction(
                      inner -> {
                        inner.execute("INSERT INTO account VALUES (2, 10)");
                        return inner.execute("INSERT INTO account VALUES (1, 10)");
                      })
                  .handle(
                      (done, failure) -> {
                        assertThat(failure).isNotNull();
                        return failure;
                      })
                  .thenCompose(
                      failure ->
                          tx.transaction(
                              inner -> inner.execute("INSERT INTO account VALUES (3, 10)")));
            })
        .await();
    assertThat(other.fetch(Integer.class, "SELECT id FROM account ORDER BY id").await())
        .containsExactly(1, 3);
  }

  @Test
  void beginInsideATransactionIsASavepoint() {
    PgTransaction outer = connection.begin().await();
    outer.execute("INSERT INTO account VALUES (1, 10)").await();
    PgTransaction inner = connection.begin().await();
    inner.execute("INSERT INTO account VALUES (2, 10)").await();
    inner.rollback().await();
    PgTransaction second = connection.begin().await();
    second.execute("INSERT INTO account VALUES (3, 10)").await();
    second.commit().await();
    outer.commit().await();
    assertThat(other.fetch(Integer.class, "SELECT id FROM account ORDER BY id").await())
        .containsExactly(1, 3);
  }

  @Test
  void aSavepointThatCannotBeReleasedIsRolledBack() {
    PgTransaction outer = connection.begin().await();
    outer.execute("INSERT INTO account VALUES (1, 10)").await();
    PgTransaction inner = connection.begin().await();
    assertThatThrownBy(() -> inner.execute("INSERT INTO account VALUES (1, 10)").await())
        .isInstanceOf(UniqueViolationException.class);
    assertThatThrownBy(() -> inner.commit().await())
        .isInstanceOf(InFailedSqlTransactionException.class);
    outer.execute("INSERT INTO account VALUES (2, 10)").await();
    outer.commit().await();
    assertThat(accounts()).isEqualTo(2);
  }

  @Test
  void aNestedTransactionCannotAskForWhatTheOuterDoesNotHave() {
    TransactionOptions serializable =
        TransactionOptions.defaults().isolation(IsolationLevel.SERIALIZABLE);
    PgTransaction outer =
        connection
            .begin(TransactionOptions.defaults().isolation(IsolationLevel.REPEATABLE_READ))
            .await();
    assertThatThrownBy(() -> connection.begin(serializable).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("SERIALIZABLE")
        .hasMessageContaining("REPEATABLE READ");
    assertThatThrownBy(
            () ->
                outer
                    .transaction(
                        TransactionOptions.defaults().readOnly(), tx -> tx.execute("SELECT 1"))
                    .await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("READ ONLY");
    assertThatThrownBy(
            () ->
                outer
                    .transaction(
                        TransactionOptions.defaults().retries(1), tx -> tx.execute("SELECT 1"))
                    .await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("retr");
    assertThat(
            outer
                .transaction(
                    TransactionOptions.defaults().isolation(IsolationLevel.REPEATABLE_READ),
                    tx -> tx.fetchValue(int.class, "SELECT 1"))
                .await())
        .isEqualTo(1);
    outer.rollback().await();
  }

  @Test
  void useAfterTheEndSaysHowItEnded() {
    PgTransaction committed = connection.begin().await();
    committed.commit().await();
    assertThatThrownBy(() -> committed.execute("SELECT 1").await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("committed already");
    assertThatThrownBy(() -> committed.commit().await()).hasMessageContaining("committed already");
    PgTransaction rolledBack = connection.begin().await();
    rolledBack.rollback().await();
    assertThatThrownBy(() -> rolledBack.commit().await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("rolled back already");
    PgTransaction outer = connection.begin().await();
    PgTransaction inner = connection.begin().await();
    outer.rollback().await();
    assertThatThrownBy(() -> inner.execute("SELECT 1").await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("nested in has been rolled back");
    PgTransaction cut = connection.begin().await();
    connection.close();
    assertThatThrownBy(() -> cut.execute("SELECT 1").await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("connection has been closed");
  }

  @Test
  void aCommitThatTheServerAnswersWithRollbackIsAnError() {
    PgTransaction transaction = connection.begin().await();
    transaction.execute("INSERT INTO account VALUES (1, 10)").await();
    assertThatThrownBy(() -> transaction.execute("INSERT INTO account VALUES (1, 10)").await())
        .isInstanceOf(UniqueViolationException.class);
    assertThatThrownBy(() -> transaction.commit().await())
        .isInstanceOf(TransactionRollbackException.class)
        .hasMessageContaining("COMMIT was answered with ROLLBACK")
        .hasMessageContaining(SqlState.UNIQUE_VIOLATION)
        .satisfies(
            e ->
                assertThat(((PgServerException) e).retrySafety())
                    .isEqualTo(RetrySafety.ROLLED_BACK));
    assertThat(accounts()).isZero();
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void anErrorAtTheFirstStatementFailsTheTransactionAsAnyOther() {
    PgTransaction unprepared = connection.begin().await();
    assertThatThrownBy(() -> unprepared.fetch("SELECT nonsense").await())
        .isInstanceOf(PgServerException.class);
    assertThatThrownBy(() -> unprepared.execute("INSERT INTO account VALUES (1, 10)").await())
        .isInstanceOf(InFailedSqlTransactionException.class);
    unprepared.rollback().await();

    PgTransaction script = connection.begin().await();
    assertThatThrownBy(() -> script.execute("SELECT 1;\nnonsense").await())
        .isInstanceOf(SyntaxErrorException.class)
        .satisfies(e -> assertThat(((PgServerException) e).position()).isEqualTo(11))
        .hasMessageContaining("LINE 2: nonsense");
    assertThatThrownBy(() -> script.execute("INSERT INTO account VALUES (1, 10)").await())
        .isInstanceOf(InFailedSqlTransactionException.class);
    assertThatThrownBy(() -> script.commit().await()).isInstanceOf(PgServerException.class);
    assertThat(accounts()).isZero();
    assertThat(connection.execute("INSERT INTO account VALUES (1, 10)").await())
        .hasToString("INSERT 0 1");
  }

  @Test
  void whatIsPipelinedBehindABeginThatFailsDoesNotRun() {
    connection.execute("SET default_transaction_isolation = 'serializable'").await();
    connection.execute("SET statement_timeout = 0").await();
    PgTransaction transaction = connection.begin().await();
    PgFuture<CommandTag> first = transaction.execute("nonsense");
    PgFuture<CommandTag> second = transaction.execute("INSERT INTO account VALUES ($1, 10)", 1);
    PgFuture<CommandTag> third = transaction.execute("INSERT INTO account VALUES (2, 10)");
    PgFuture<Void> end = transaction.commit();
    assertThatThrownBy(first::await).isInstanceOf(SyntaxErrorException.class);
    assertThatThrownBy(second::await).isInstanceOf(InFailedSqlTransactionException.class);
    assertThatThrownBy(third::await).isInstanceOf(InFailedSqlTransactionException.class);
    assertThatThrownBy(end::await).isInstanceOf(PgServerException.class);
    assertThat(accounts()).isZero();
  }

  @Test
  void sqlThatEndsTheTransactionBehindOurBackIsNoticed() {
    PgTransaction transaction = connection.begin().await();
    transaction.execute("INSERT INTO account VALUES (1, 10)").await();
    transaction.execute("COMMIT").await();
    assertThatThrownBy(() -> transaction.execute("INSERT INTO account VALUES (2, 10)").await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ended by SQL");
    assertThatThrownBy(() -> transaction.commit().await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ended by SQL");
    assertThat(connection.isInTransaction()).isFalse();
    assertThat(accounts()).isEqualTo(1);
  }

  @Test
  void manyTransactionsArePipelined() {
    List<PgFuture<Void>> ends = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      PgTransaction transaction = connection.begin().await();
      transaction.execute("INSERT INTO account VALUES ($1, $2)", i, 0);
      transaction.execute("UPDATE account SET sum = sum + 11 WHERE id = $1", i);
      ends.add(i % 2 == 0 ? transaction.commit() : transaction.rollback());
    }
    ends.forEach(PgFuture::await);
    assertThat(other.fetchValue(Long.class, "SELECT sum(sum) FROM account").await())
        .isEqualTo(25 * 11);
  }

  @Test
  void aSerializationFailureIsRetriedAsOftenAsAllowed() {
    connection.execute("INSERT INTO account VALUES (1, 0)").await();
    AtomicInteger attempts = new AtomicInteger();
    TransactionOptions options =
        TransactionOptions.defaults().isolation(IsolationLevel.REPEATABLE_READ);
    int sum =
        connection
            .transaction(options.retries(3), tx -> disturbed(tx, attempts, 2))
            .orTimeout(30, TimeUnit.SECONDS)
            .join();
    assertThat(attempts).hasValue(3);
    assertThat(sum).isEqualTo(3);
    attempts.set(0);
    assertThatThrownBy(
            () ->
                connection
                    .transaction(options.retries(1), tx -> disturbed(tx, attempts, 2))
                    .await())
        .isInstanceOf(SerializationFailureException.class);
    assertThat(attempts).hasValue(2);
    attempts.set(0);
    assertThatThrownBy(
            () -> connection.transaction(options, tx -> disturbed(tx, attempts, 2)).await())
        .isInstanceOf(SerializationFailureException.class);
    assertThat(attempts).hasValue(1);
  }

  /** Another session changes the row in between, the first few times. */
  private CompletableFuture<Integer> disturbed(
      PgTransaction tx, AtomicInteger attempts, int disturbances) {
    int attempt = attempts.incrementAndGet();
    return tx.fetchValue(Integer.class, "SELECT sum FROM account WHERE id = 1")
        .thenCompose(
            seen ->
                (attempt <= disturbances
                        ? other.execute("UPDATE account SET sum = sum + 1 WHERE id = 1")
                        : CompletableFuture.<CommandTag>completedFuture(null))
                    .thenCompose(
                        done ->
                            tx.fetchValue(
                                Integer.class,
                                "UPDATE account SET sum = sum + 1 WHERE id = 1 RETURNING sum")));
  }

  @Test
  void aDeadlockIsRetried() throws Exception {
    connection.execute("SET deadlock_timeout = '50ms'").await();
    other.execute("SET deadlock_timeout = '60s'").await();
    connection.execute("INSERT INTO account VALUES (1, 0), (2, 0)").await();
    AtomicInteger attempts = new AtomicInteger();
    PgTransaction rival = other.begin().await();
    rival.execute("UPDATE account SET sum = sum + 1 WHERE id = 2").await();
    CompletableFuture<Boolean> hasOne = new CompletableFuture<>();
    CompletableFuture<Boolean> rivalWaits = new CompletableFuture<>();
    PgFuture<CommandTag> mine =
        connection.transaction(
            TransactionOptions.defaults().retries(3),
            tx -> {
              attempts.incrementAndGet();
              return tx.execute("UPDATE account SET sum = sum + 10 WHERE id = 1")
                  .thenCompose(
                      done -> {
                        hasOne.complete(true);
                        return rivalWaits;
                      })
                  .thenCompose(
                      done -> tx.execute("UPDATE account SET sum = sum + 10 WHERE id = 2"));
            });
    try (PgConnection witness = PgConnection.connect(TestServer.shared().dsn()).await()) {
      hasOne.join();
      PgFuture<CommandTag> theirs = rival.execute("UPDATE account SET sum = sum + 1 WHERE id = 1");
      String waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1";
      awaitTrue(witness, waits, other.serverPid());
      // Who waits last looks for a deadlock once, after its deadlock_timeout, and finds it.
      rivalWaits.complete(true);
      theirs.await();
      rival.commit().await();
    }
    mine.orTimeout(30, TimeUnit.SECONDS).join();
    assertThat(attempts).hasValueGreaterThan(1);
    assertThat(other.fetch(Integer.class, "SELECT sum FROM account ORDER BY id").await())
        .containsExactly(11, 11);
  }

  private static void awaitTrue(PgConnection witness, String sql, Object... args) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!Boolean.TRUE.equals(witness.fetchValue(Boolean.class, sql, args).await())) {
      assertThat(System.nanoTime()).isLessThan(deadline);
    }
  }

  @Test
  void retriesEndAtTheDeadline() {
    AtomicInteger attempts = new AtomicInteger();
    assertThatThrownBy(
            () ->
                connection
                    .withTimeout(Duration.ofMillis(300))
                    .transaction(
                        TransactionOptions.defaults().retries(1_000_000),
                        tx -> {
                          attempts.incrementAndGet();
                          return tx.execute(
                              "DO $$ BEGIN RAISE 'again' USING ERRCODE = '40001'; END $$");
                        })
                    .await())
        .isInstanceOfAny(SerializationFailureException.class, PgTimeoutException.class);
    assertThat(attempts).hasValueBetween(1, 100);
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void otherErrorsAreNotRetried() {
    AtomicInteger attempts = new AtomicInteger();
    assertThatThrownBy(
            () ->
                connection
                    .transaction(
                        TransactionOptions.defaults().retries(5),
                        tx -> {
                          attempts.incrementAndGet();
                          return tx.execute("SELECT 1 / $1", 0);
                        })
                    .await())
        .isInstanceOf(PgServerException.class);
    assertThat(attempts).hasValue(1);
  }

  @Test
  void anArgumentThatDoesNotFitLeavesTheTransactionAsItWas() {
    PgTransaction transaction = connection.begin().await();
    assertThatThrownBy(() -> transaction.fetch("SELECT $1::int4", "x").await())
        .hasMessageContaining("cannot become int4");
    transaction.execute("INSERT INTO account VALUES (1, 10)").await();
    transaction.rollback().await();
    assertThat(accounts()).isZero();
  }

  @Test
  void aBatchThatDoesNotEncodeLeavesTheTransactionOpen() {
    String sql = "INSERT INTO account VALUES ($1, 0)";
    connection.executeMany(sql, List.of()).await();
    PgTransaction transaction = connection.begin().await();
    assertThatThrownBy(
            () -> transaction.executeMany(sql, List.of(List.of(1), List.of("x"))).await())
        .hasMessageContaining("cannot become int4");
    assertThat(connection.isInTransaction()).isTrue();
    transaction.execute("INSERT INTO account VALUES (2, 0)").await();
    transaction.commit().await();
    assertThat(accounts()).isPositive();
  }

  @Test
  void aCancelledFirstStatementDoesNotLetTheRestRunOutside() {
    PgTransaction transaction = connection.begin().await();
    PgFuture<CommandTag> sleeping = transaction.execute("SELECT pg_sleep($1)", 60.0);
    PgFuture<CommandTag> behind = transaction.execute("INSERT INTO account VALUES (1, 10)");
    sleeping.cancel(true);
    PgFuture<Void> rollback = transaction.rollback();
    rollback.orTimeout(20, TimeUnit.SECONDS).join();
    assertThat(behind).isDone();
    assertThat(accounts()).isZero();
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void cancellingTheOuterWorkEndsTheInnerThatHasNotBegun() throws Exception {
    CompletableFuture<PgFuture<CommandTag>> inner = new CompletableFuture<>();
    PgFuture<Void> outer =
        connection.transaction(
            tx -> {
              PgFuture<CommandTag> asleep = tx.execute("SELECT pg_sleep(60)");
              inner.complete(tx.transaction(nested -> nested.execute("SELECT 1")));
              return CompletableFuture.allOf(asleep, inner.join());
            });
    TestServer.shared().awaitSleeping(connection.serverPid());
    outer.cancel(true);
    assertThatThrownBy(() -> inner.join().get(20, TimeUnit.SECONDS))
        .isInstanceOf(CancellationException.class);
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
    assertThat(connection.isInTransaction()).isFalse();
  }
}
