package io.asyncpg.client;

import static io.asyncpg.testkit.Backend.bindComplete;
import static io.asyncpg.testkit.Backend.closeComplete;
import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.concat;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.noData;
import static io.asyncpg.testkit.Backend.parameterDescription;
import static io.asyncpg.testkit.Backend.parseComplete;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.InvalidCachedStatementException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What preparing, running and closing a statement says to the server. */
class StatementWireTest {
  private ScriptedServer server;
  private Script script;

  @BeforeEach
  void start() {
    server = ScriptedServer.start();
    script = server.connection().acceptStartup();
  }

  @AfterEach
  void close() {
    server.close();
  }

  private PgConnection connect(int cacheSize) {
    return PgConnection.connect(
            PgConfig.parse(server.dsn()).toBuilder().statementCacheSize(cacheSize).build())
        .await();
  }

  @Test
  void theFirstUseCostsTwoRoundTripsAndLaterOnesOne() {
    PgConnection connection = connect(100);
    script
        .expect("P", "D", "S")
        .send(parseComplete(), parameterDescription(), noData(), readyForQuery('I'))
        .expect("B", "E", "S")
        .send(bindComplete(), commandComplete("DO"), readyForQuery('I'))
        .expect("B", "E", "S")
        .send(bindComplete(), commandComplete("DO"), readyForQuery('I'))
        .expectTerminate();
    connection.fetch("DO").await();
    connection.fetch("DO").await();
    connection.close();
    script.await();
  }

  @Test
  void whatIsEvictedIsClosedInTheSameWriteAsTheNextRequest() {
    PgConnection connection = connect(1);
    script
        .expect("P", "D", "S")
        .send(parseComplete(), parameterDescription(), noData(), readyForQuery('I'))
        .expect("B", "E", "S")
        .send(bindComplete(), commandComplete("DO"), readyForQuery('I'))
        .expect("C", "P", "D", "S")
        .send(
            closeComplete(), parseComplete(), parameterDescription(), noData(), readyForQuery('I'))
        .expect("B", "E", "S")
        .send(bindComplete(), commandComplete("DO"), readyForQuery('I'))
        .expectTerminate();
    connection.fetch("DO 1").await();
    assertThat(connection.fetch("DO 2").await().tag()).hasToString("DO");
    connection.close();
    script.await();
  }

  @Test
  void statementsThatWaitTogetherArePreparedTogether() {
    PgConnection connection = connect(100);
    PgFuture<CommandTag> gate = connection.execute("GATE");
    PgFuture<PgStatement> first = connection.prepare("DO 1");
    PgFuture<Rows> second = connection.fetch("DO 2");
    script
        .expect("Q")
        .expect("P", "D", "S", "P", "D", "S")
        .send(commandComplete("GATE"), readyForQuery('I'))
        .send(parseComplete(), parameterDescription(), noData(), readyForQuery('I'))
        .send(parseComplete(), parameterDescription(), noData(), readyForQuery('I'))
        .expect("B", "E", "S")
        .send(bindComplete(), commandComplete("DO"), readyForQuery('I'))
        .expectTerminate();
    assertThat(gate.await()).hasToString("GATE");
    assertThat(first.await().sql()).isEqualTo("DO 1");
    assertThat(second.await().tag()).hasToString("DO");
    connection.close();
    script.await();
  }

  @Test
  void aStalePlanIsKnownByItsRoutineAndNotByItsText() {
    PgConnection connection = connect(100);
    byte[] prepared = concat(parseComplete(), parameterDescription(), noData(), readyForQuery('I'));
    script
        .expect("P", "D", "S")
        .send(prepared)
        .expect("B", "E", "S")
        .send(
            error(
                "ERROR",
                "0A000",
                "zwischengespeicherter Plan darf den Ergebnistyp nicht ändern",
                Map.of('R', "RevalidateCachedQuery")),
            readyForQuery('I'))
        .expect("C", "P", "D", "S")
        .send(closeComplete(), prepared)
        .expect("B", "E", "S")
        .send(bindComplete(), commandComplete("DO"), readyForQuery('I'))
        .expect("B", "E", "S")
        .send(
            error("0A000", "cached plan must not change result type, says another routine"),
            readyForQuery('I'))
        .expectTerminate();
    assertThat(connection.fetch("DO").await().tag()).hasToString("DO");
    assertThatThrownBy(() -> connection.fetch("DO").await())
        .isInstanceOf(PgServerException.class)
        .isNotInstanceOf(InvalidCachedStatementException.class);
    connection.close();
    script.await();
  }
}
