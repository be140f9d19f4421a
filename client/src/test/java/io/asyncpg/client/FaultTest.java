package io.asyncpg.client;

import static io.asyncpg.testkit.Backend.authenticationOk;
import static io.asyncpg.testkit.Backend.authenticationSasl;
import static io.asyncpg.testkit.Backend.bindComplete;
import static io.asyncpg.testkit.Backend.column;
import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.concat;
import static io.asyncpg.testkit.Backend.dataRow;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.fatal;
import static io.asyncpg.testkit.Backend.int4;
import static io.asyncpg.testkit.Backend.lying;
import static io.asyncpg.testkit.Backend.parameterDescription;
import static io.asyncpg.testkit.Backend.parseComplete;
import static io.asyncpg.testkit.Backend.raw;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static io.asyncpg.testkit.Backend.rowDescription;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.testkit.FaultyProxy;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows of the fault matrix that no other test's subject covers (docs/reliability.md). */
class FaultTest {
  private static final TestServer SERVER = TestServer.shared();
  private static final byte[] DESCRIBED =
      concat(
          parseComplete(),
          parameterDescription(),
          rowDescription(column("answer", 23)),
          readyForQuery('I'));
  private static final byte[] ANSWERED =
      concat(bindComplete(), dataRow(int4(42)), commandComplete("SELECT 1"), readyForQuery('I'));

  /** Where in the greeting a server falls silent, its socket open. */
  enum Silence {
    AFTER_ACCEPT {
      @Override
      void play(Script script) {
        script.expectSslRequest();
      }
    },
    AFTER_N {
      @Override
      void play(Script script) {
        script.expectSslRequest().send(new byte[] {'N'});
      }
    },
    IN_THE_HANDSHAKE {
      @Override
      void play(Script script) {
        script.expectSslRequest().send(new byte[] {'S'});
      }
    },
    AFTER_STARTUP {
      @Override
      void play(Script script) {
        script.expectStartup(message -> {});
      }
    },
    IN_SASL {
      @Override
      void play(Script script) {
        script.expectStartup(message -> {}).send(authenticationSasl("SCRAM-SHA-256")).expect("p");
      }
    },
    BEHIND_OK {
      @Override
      void play(Script script) {
        script.expectStartup(message -> {}).send(authenticationOk());
      }
    };

    abstract void play(Script script);
  }

  @Test
  void aServerThatFallsSilentInItsGreetingIsLeftInTimeForTheNext() {
    List<ScriptedServer> silent = new ArrayList<>();
    try {
      Map<Silence, PgFuture<PgConnection>> attempts = new EnumMap<>(Silence.class);
      for (Silence silence : Silence.values()) {
        ScriptedServer server = ScriptedServer.start();
        silent.add(server);
        silence.play(server.connection());
        attempts.put(silence, PgConnection.connect(firstTo(server)));
      }
      attempts.forEach(
          (silence, attempt) -> {
            PgConnection connection = attempt.await();
            assertThat(connection.fetchValue(Integer.class, "SELECT 1").await())
                .as("behind one silent %s", silence)
                .isEqualTo(1);
            end(connection);
          });
    } finally {
      silent.forEach(ScriptedServer::close);
    }
  }

  private static PgConfig firstTo(ScriptedServer silent) {
    String hosts = silent.host() + ":" + silent.port() + "," + SERVER.host() + ":" + SERVER.port();
    return PgConfig.builder()
        .environment(Map.of())
        .dsn("postgresql://" + SERVER.user() + ":secret@" + hosts + "/" + SERVER.database())
        .connectTimeout(Duration.ofSeconds(6))
        .build();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aServerThatLeavesInTheMiddleOfTheHandshakeIsNamed(boolean hard) {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().expectSslRequest().send(new byte[] {'S'});
      if (hard) {
        script.cutWithReset();
      } else {
        script.cutWithFin();
      }
      String dsn = server.dsn().replace("sslmode=disable", "sslmode=require");
      assertThatThrownBy(() -> PgConnection.connect(dsn).await())
          .isInstanceOfSatisfying(
              PgConnectionException.class,
              e -> assertThat(e.retrySafety()).isEqualTo(RetrySafety.NOT_SENT))
          .hasMessageContaining(String.valueOf(server.port()));
    }
  }

  @Test
  void aServerThatDripsBytesForEverIsLeftAtTheDeadline() {
    try (FaultyProxy proxy = FaultyProxy.before(SERVER)) {
      PgConnection connection = PgConnection.connect(proxy.dsn(SERVER)).await();
      proxy.throttle(50);
      PgFuture<Rows> dripping =
          connection
              .withTimeout(Duration.ofMillis(300))
              .fetch("SELECT repeat('x', 100) FROM generate_series(1, 1000)");
      assertThatThrownBy(dripping::await).isInstanceOf(PgTimeoutException.class);
      end(connection);
    }
  }

  @Test
  void aResetInTheMiddleOfAQueryIsTheQuerysFailureAndTheConnectionsEnd() {
    try (FaultyProxy proxy = FaultyProxy.before(SERVER)) {
      PgConnection connection = PgConnection.connect(proxy.dsn(SERVER)).await();
      PgFuture<CommandTag> asleep = connection.execute("SELECT pg_sleep(60)");
      SERVER.awaitSleeping(connection.serverPid());
      proxy.cutWithReset();
      assertThatThrownBy(asleep::await)
          .isInstanceOfSatisfying(
              PgConnectionException.class,
              e -> assertThat(e.retrySafety()).isEqualTo(RetrySafety.UNKNOWN));
      connection.closed().await();
      SERVER.endSession(connection.serverPid());
    }
  }

  @Test
  void whatTheServerSaidLastIsToldThoughItNoLongerReads() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().acceptStartup();
      PgConnection connection = PgConnection.connect(server.dsn()).await();
      script
          .expect("P", "D", "S")
          .send(parseComplete(), parameterDescription(17), raw('n'), readyForQuery('I'))
          .send(fatal("57P01", "terminating connection"));
      assertThatThrownBy(
              () -> connection.execute("INSERT INTO t VALUES ($1)", new byte[8 << 20]).await())
          .isInstanceOf(PgException.class)
          .hasMessageContaining("terminating connection");
      connection.closed().await();
    }
  }

  @Test
  void anErrorBehindCommandCompleteIsTheStatementsFailure() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().acceptStartup();
      PgConnection connection = PgConnection.connect(server.dsn()).await();
      script
          .expect("P", "D", "S")
          .send(DESCRIBED)
          .expect("B", "E", "S")
          .send(bindComplete(), dataRow(int4(1)), commandComplete("SELECT 1"))
          .send(error("23503", "deferred"), readyForQuery('I'))
          .expect("B", "E", "S")
          .send(ANSWERED);
      assertThatThrownBy(() -> connection.fetch("SELECT answer").await())
          .isInstanceOfSatisfying(
              PgServerException.class, e -> assertThat(e.sqlState()).isEqualTo("23503"));
      assertThat(connection.fetch("SELECT answer").await()).hasSize(1);
      connection.terminate();
      connection.closed().await();
    }
  }

  @Test
  void twoFatalErrorsAreOneFailure() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().acceptStartup();
      PgConnection connection = PgConnection.connect(server.dsn()).await();
      script
          .expect("P", "D", "S")
          .send(DESCRIBED)
          .expect("B", "E", "S")
          .send(fatal("57P01", "first"), fatal("57P02", "second"));
      assertThatThrownBy(() -> connection.fetch("SELECT answer").await())
          .isInstanceOfSatisfying(
              PgServerException.class, e -> assertThat(e.sqlState()).isEqualTo("57P01"));
      connection.closed().await();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 1_000_000})
  void anErrorOfAnyLengthWithoutStateAndInNoEncodingIsTold(int length) {
    byte[] odd = ("M" + "\u00e9\u00ff".repeat(length / 2) + "\0\0").getBytes(ISO_8859_1);
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().acceptStartup();
      PgConnection connection = PgConnection.connect(server.dsn()).await();
      script
          .expect("P", "D", "S")
          .send(raw('E', odd), readyForQuery('I'))
          .expect("P", "D", "S")
          .send(DESCRIBED)
          .expect("B", "E", "S")
          .send(ANSWERED);
      assertThatThrownBy(() -> connection.fetch("SELECT odd").await())
          .isInstanceOfSatisfying(
              PgServerException.class, e -> assertThat(e.sqlState()).isEqualTo("XX000"));
      assertThat(connection.fetch("SELECT answer").await()).hasSize(1);
      connection.terminate();
      connection.closed().await();
    }
  }

  /** Some poolers have no key to give: then nothing can be cancelled, and all else works. */
  @Test
  void aServerWithoutAKeyIsAServer() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script =
          server
              .connection()
              .expectStartup(message -> {})
              .send(authenticationOk(), readyForQuery('I'));
      PgConnection connection = PgConnection.connect(server.dsn()).await();
      script.expect("P", "D", "S").send(DESCRIBED).expect("B", "E", "S").send(ANSWERED);
      assertThat(connection.fetch("SELECT answer").await()).hasSize(1);
      script.expect("B", "E", "S");
      PgFuture<Rows> unanswered =
          connection.withTimeout(Duration.ofMillis(50)).fetch("SELECT answer");
      assertThatThrownBy(unanswered::await).isInstanceOf(PgTimeoutException.class);
      assertThat(server.cancels()).isEmpty();
      connection.terminate();
      connection.closed().await();
    }
  }

  @Test
  void anEncodingThatIsNotOursEndsTheConnectionBeforeATextIsMisread() {
    PgConnection connection = PgConnection.connect(SERVER.dsn()).await();
    assertThatThrownBy(() -> connection.execute("SET client_encoding = 'LATIN1'").await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("client_encoding was set to LATIN1")
        .hasMessageContaining("UTF8 only");
    connection.closed().await();
  }

  @Test
  void aMessageLongerThanAllowedIsRefusedByItsLengthAlone() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().acceptStartup();
      PgConfig config =
          PgConfig.builder()
              .environment(Map.of())
              .dsn(server.dsn())
              .maxMessageSize(1 << 20)
              .build();
      PgConnection connection = PgConnection.connect(config).await();
      script
          .expect("P", "D", "S")
          .send(DESCRIBED)
          .expect("B", "E", "S")
          .send(bindComplete(), lying('D', (1 << 20) + 1));
      assertThatThrownBy(() -> connection.fetch("SELECT answer").await())
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("length 1048577");
      connection.closed().await();
    }
  }

  @Test
  void aServerThatCrashesFailsWhatRunsAndLetsUsInOnceItHasRecovered() {
    try (TestServer server = TestServer.start()) {
      PgConnection victim = PgConnection.connect(server.dsn()).await();
      PgConnection bystander = PgConnection.connect(server.dsn()).await();
      PgFuture<CommandTag> asleep = bystander.execute("SELECT pg_sleep(30)");
      server.awaitSleeping(bystander.serverPid());
      server.killSession(victim.serverPid());
      // Its neighbours are told, or only cut off.
      assertThatThrownBy(asleep::await)
          .isInstanceOfSatisfying(
              PgException.class,
              e -> {
                if (e instanceof PgServerException told) {
                  assertThat(told.sqlState()).isEqualTo("57P02");
                } else {
                  assertThat(e).isInstanceOf(PgConnectionException.class);
                  assertThat(e.retrySafety()).isEqualTo(RetrySafety.UNKNOWN);
                }
              });
      for (PgConnection ended : List.of(victim, bystander)) {
        ended.closed().await();
      }
      server.kill();
      assertThatThrownBy(() -> PgConnection.connect(server.dsn()).await())
          .isInstanceOf(PgConnectionException.class);
      server.startAgain();
      end(PgConnection.connect(server.dsn()).await());
    }
  }

  private static void end(PgConnection connection) {
    connection.terminate();
    connection.closed().await();
  }
}
