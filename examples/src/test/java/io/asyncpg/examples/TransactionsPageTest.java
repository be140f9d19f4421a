package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.IsolationLevel;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.TransactionOptions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What docs/transactions.md shows, compiled and run; the page has it from here. */
class TransactionsPageTest extends InADatabase {
  @BeforeEach
  void makeTables() {
    server.sqlIn(
        database,
        "CREATE TABLE account(id int4 PRIMARY KEY, sum int8 NOT NULL)",
        "INSERT INTO account VALUES (1, 100)",
        "CREATE TABLE transfer(id int8 GENERATED ALWAYS AS IDENTITY, amount int8)");
  }

  private void assertThatAccountsAre(List<?>... rows) {
    assertThat(server.rowsIn(database, "SELECT id, sum FROM account ORDER BY id"))
        .isEqualTo(List.of(rows));
  }

  @Test
  void workInATransaction() {
    int from = 1;
    long id =
        connection
            .transaction(
                tx ->
                    tx.execute("UPDATE account SET sum = sum - $1 WHERE id = $2", 10, from)
                        .thenCompose(
                            done ->
                                tx.fetchValue(
                                    Long.class,
                                    "INSERT INTO transfer(amount) VALUES ($1) RETURNING id",
                                    10)))
            .await();
    assertThat(id).isEqualTo(1);
    assertThatAccountsAre(List.of("1", "90"));
  }

  @Test
  void endedByHand() {
    try (PgTransaction tx = connection.begin().await()) {
      tx.execute("INSERT INTO account VALUES ($1, 0)", 7).await();
      tx.commit().await();
    }
    assertThatAccountsAre(List.of("1", "100"), List.of("7", "0"));
  }

  @Test
  void options() {
    TransactionOptions report =
        TransactionOptions.defaults()
            .isolation(IsolationLevel.SERIALIZABLE)
            .readOnly()
            .deferrable();
    connection.transaction(report, tx -> tx.fetch("SELECT sum(sum) FROM account")).await();
    assertThat(report.isDeferrable()).isTrue();
    assertThat(connection.isInTransaction()).isFalse();
  }

  @Test
  void retries() {
    Function<PgTransaction, CompletionStage<CommandTag>> work =
        tx -> tx.execute("UPDATE account SET sum = 0");
    connection
        .withTimeout(Duration.ofSeconds(10))
        .transaction(
            TransactionOptions.defaults().isolation(IsolationLevel.SERIALIZABLE).retries(5), work)
        .await();
    assertThatAccountsAre(List.of("1", "0"));
  }
}
