package io.asyncpg.client;

import static io.asyncpg.testkit.Backend.bindComplete;
import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.noData;
import static io.asyncpg.testkit.Backend.parameterDescription;
import static io.asyncpg.testkit.Backend.parseComplete;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.InFailedSqlTransactionException;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a transaction says to the server, and what it makes of odd answers. */
class TransactionWireTest {
  private ScriptedServer server;
  private Script script;
  private PgConnection connection;

  @BeforeEach
  void connect() {
    server = ScriptedServer.start();
    script = server.connection().acceptStartup();
    connection = PgConnection.connect(server.dsn()).await();
  }

  @AfterEach
  void close() {
    connection.terminate();
    connection.closed().await();
    server.close();
  }

  private void prepare(String sql) {
    script
        .expect("P", parse -> assertThat(parse.sql()).isEqualTo(sql))
        .expect("D", "S")
        .send(parseComplete(), parameterDescription(), noData(), readyForQuery('I'))
        .expect("B", "E", "S")
        .send(bindComplete(), commandComplete("INSERT 0 1"), readyForQuery('I'));
    assertThat(connection.fetch(sql).await().tag()).hasToString("INSERT 0 1");
  }

  @Test
  void aTransactionInWhichNothingRanSendsNothing() {
    connection.begin().await().commit().await();
    connection.begin().await().rollback().await();
    connection
        .transaction(tx -> java.util.concurrent.CompletableFuture.completedFuture("x"))
        .await();
    assertThat(connection.isInTransaction()).isFalse();
    script.await();
    assertThat(server.transcript()).doesNotContain("<< Query").doesNotContain("<< Parse");
  }

  @Test
  void beginGoesWithTheFirstStatementUnderOneSync() {
    prepare("INSERT 1");
    PgTransaction transaction = connection.begin().await();
    script
        .expect("P", parse -> assertThat(parse.sql()).isEqualTo("BEGIN READ ONLY"))
        .expect("B", "E", "B", "E", "S")
        .send(
            parseComplete(),
            bindComplete(),
            commandComplete("BEGIN"),
            bindComplete(),
            commandComplete("INSERT 0 1"),
            readyForQuery('T'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("COMMIT"))
        .send(commandComplete("COMMIT"), readyForQuery('I'));
    transaction.rollback().await();
    transaction = connection.begin(TransactionOptions.defaults().readOnly()).await();
    assertThat(transaction.fetch("INSERT 1").await().tag()).hasToString("INSERT 0 1");
    transaction.commit().await();
    script.await();
  }

  @Test
  void beginGoesWithTheFirstScriptInOneQuery() {
    PgTransaction transaction = connection.begin().await();
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN;SELECT 1"))
        .send(commandComplete("BEGIN"), commandComplete("DO"), readyForQuery('T'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("ROLLBACK"))
        .send(commandComplete("ROLLBACK"), readyForQuery('I'));
    assertThat(transaction.execute("SELECT 1").await()).hasToString("DO");
    transaction.close();
    script.await();
  }

  @Test
  void nothingIsWrittenBehindABeginThatIsNotAnswered() {
    prepare("INSERT 1");
    PgTransaction transaction = connection.begin().await();
    PgFuture<Rows> first = transaction.fetch("INSERT 1");
    PgFuture<Rows> second = transaction.fetch("INSERT 1");
    PgFuture<CommandTag> byConnection = connection.execute("INSERT 2");
    PgFuture<Void> commit = transaction.commit();
    PgFuture<CommandTag> after = connection.execute("AFTER");
    script
        .expect("P", "B", "E", "B", "E", "S")
        .send(error("57014", "canceling statement due to statement timeout"), readyForQuery('I'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("AFTER"))
        .send(commandComplete("AFTER"), readyForQuery('I'));
    assertThatThrownBy(first::await)
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("57014");
    assertThatThrownBy(second::await)
        .isInstanceOf(InFailedSqlTransactionException.class)
        .hasMessageContaining("could not be begun")
        .hasMessageContaining("57014");
    assertThatThrownBy(byConnection::await).isInstanceOf(InFailedSqlTransactionException.class);
    assertThatThrownBy(commit::await).isInstanceOf(InFailedSqlTransactionException.class);
    assertThat(after.await()).hasToString("AFTER");
    script.await();
  }

  @Test
  void aConnectionLostDuringCommitLeavesItsOutcomeUnknown() {
    prepare("INSERT 1");
    PgTransaction transaction = connection.begin().await();
    script
        .expect("P", "B", "E", "B", "E", "S")
        .send(
            parseComplete(),
            bindComplete(),
            commandComplete("BEGIN"),
            bindComplete(),
            commandComplete("INSERT 0 1"),
            readyForQuery('T'))
        .expect("Q")
        .cutWithReset();
    transaction.fetch("INSERT 1").await();
    assertThatThrownBy(() -> transaction.commit().await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("during COMMIT")
        .hasMessageContaining("unknown")
        .satisfies(
            e ->
                assertThat(((PgConnectionException) e).retrySafety())
                    .isEqualTo(RetrySafety.UNKNOWN));
    assertThatThrownBy(() -> transaction.execute("SELECT 1").await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("lost while it was being committed");
  }
}
