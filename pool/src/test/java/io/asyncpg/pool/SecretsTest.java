package io.asyncpg.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySource;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgStatement;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.testkit.Backend;
import io.asyncpg.testkit.FaultyProxy;
import io.asyncpg.testkit.ScriptedServer;
import io.asyncpg.testkit.TestServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A password, a token and an argument of a statement, looked for in everything that could be read:
 * all records of all loggers, at every level; exceptions with their traces, causes and what they
 * suppress; and what all objects that an application holds print of themselves.
 */
class SecretsTest {
  private static final TestServer SERVER = TestServer.shared();
  private static final String PASSWORD = TestServer.USERS_PASSWORD;
  private static final String WRONG = "wrong-5e1d-password";
  private static final String TOKEN = "a.very-secret_token~42";
  private static final String VALUE = "an-argument-77ab";
  private static final List<String> SECRETS =
      List.of(
          PASSWORD,
          WRONG,
          TOKEN,
          VALUE,
          Base64.getEncoder().encodeToString(PASSWORD.getBytes(UTF_8)),
          Base64.getEncoder().encodeToString(VALUE.getBytes(UTF_8)));

  private final Queue<String> seen = new ConcurrentLinkedQueue<>();
  private final Logger loggers = Logger.getLogger("io.asyncpg");
  private final Handler handler =
      new Handler() {
        private final SimpleFormatter format = new SimpleFormatter();

        @Override
        public void publish(LogRecord line) {
          seen.add(format.format(line));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void listen() {
    handler.setLevel(Level.ALL);
    loggers.addHandler(handler);
    loggers.setUseParentHandlers(false);
    loggers.setLevel(Level.ALL);
  }

  @AfterEach
  void stopListening() {
    loggers.setLevel(null);
    loggers.setUseParentHandlers(true);
    loggers.removeHandler(handler);
  }

  private static PgConfig.Builder as(String user, String password) {
    return PgConfig.builder()
        .environment(Map.of())
        .dsn(SERVER.dsn() + "?sslmode=disable")
        .user(user)
        .password(password);
  }

  /** What this prints of itself. */
  private void show(Object... things) {
    for (Object thing : things) {
      seen.add(String.valueOf(thing));
    }
  }

  /** Fails, and everything that is said of it is kept. */
  private void failing(Supplier<?> work) {
    try {
      Object result = work.get();
      throw new AssertionError("wanted a failure, not " + result);
    } catch (RuntimeException failure) {
      StringWriter trace = new StringWriter();
      failure.printStackTrace(new PrintWriter(trace, true));
      seen.add(trace.toString());
    }
  }

  @Test
  void noSecretIsReadInALogAnExceptionOrAToString() {
    for (String user :
        List.of(TestServer.SCRAM_USER, TestServer.MD5_USER, TestServer.CLEARTEXT_USER)) {
      allThatAConnectionDoes(as(user, PASSWORD));
      failing(() -> PgConnection.connect(as(user, WRONG).build()).await());
    }
    failing(() -> PgConnection.connect(as(TestServer.REJECTED_USER, PASSWORD).build()).await());
    failing(
        () ->
            PgConnection.connect(
                    as(TestServer.SCRAM_USER, PASSWORD).database("there_is_none").build())
                .await());
    failing(
        () -> PgConnection.connect(as(TestServer.SCRAM_USER, PASSWORD).port(1).build()).await());
    failing(() -> PgConfig.parse("postgresql://me:" + PASSWORD + "@db:x/app"));
    failing(() -> PgConfig.parse("host=db password=" + PASSWORD + " sslmode=odd"));
    failing(() -> PgConfig.parse("host=db password='" + PASSWORD));
    theyDoNotTellOfATokenEither();
    allThatAPoolDoes();
    assertThat(seen).hasSizeGreaterThan(200);
    assertThat(seen).anyMatch(line -> line.contains("PasswordMessage") || line.contains("SASL"));
    for (String secret : SECRETS) {
      assertThat(seen.stream().filter(line -> line.contains(secret))).as(secret).isEmpty();
    }
  }

  private void allThatAConnectionDoes(PgConfig.Builder builder) {
    PgConfig config = builder.build();
    show(builder, config, config.toBuilder());
    try (FaultyProxy proxy = FaultyProxy.before(SERVER);
        PgConnection connection =
            PgConnection.connect(
                    builder.host(proxy.host()).port(proxy.port()).captureCallSite(true).build())
                .await()) {
      connection.addQueryListener(this::show, true);
      connection.addNoticeListener(this::show);
      show(connection, connection.settings(), connection.serverVersion());
      PgStatement statement = connection.prepare("SELECT $1::text || $2::text").await();
      show(statement, statement.parameters(), statement.columns());
      statement.fetch(VALUE, "x").await();
      failing(() -> connection.fetch("SELECT $1::int", VALUE).await());
      failing(() -> connection.fetch("SELECT $1::uuid", VALUE).await());
      failing(() -> connection.execute("ALTER ROLE nobody_known PASSWORD '" + WRONG + "'").await());
      failing(() -> connection.execute("ALTER USER x OPTIONS PASSWORD '" + WRONG + "' 1").await());
      failing(() -> connection.fetch("SELECT pg_sleep($1::int), 1/0, $2::text", 0, VALUE).await());
      failing(
          () ->
              connection
                  .withTimeout(Duration.ofMillis(50))
                  .fetch("SELECT pg_sleep(60), $1::text", VALUE)
                  .await());
      failing(
          () ->
              connection
                  .executeMany("SELECT $1::int, $2::text", List.of(List.of("no int", VALUE)))
                  .await());
      failing(
          () ->
              connection
                  .copyToTable(
                      "there_is_none", CopySource.from(VALUE.getBytes(UTF_8)), CopyOptions.text())
                  .await());
      PgTransaction transaction = connection.begin().await();
      show(transaction, connection.stream("SELECT 1"));
      transaction.rollback().await();
      CompletableFuture<?> cut = connection.fetch("SELECT pg_sleep(60), $1::text", VALUE);
      show(cut);
      proxy.cutWithReset();
      failing(cut::join);
      SERVER.endSession(connection.serverPid());
      failing(() -> connection.fetch("SELECT $1::text", VALUE).await());
    }
  }

  private void theyDoNotTellOfATokenEither() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(message -> {})
          .send(Backend.authenticationSasl("OAUTHBEARER"));
      PgConfig.Builder builder =
          PgConfig.builder()
              .environment(Map.of())
              .dsn(server.dsn())
              .oauthToken(request -> CompletableFuture.completedFuture(TOKEN));
      show(builder, builder.build());
      failing(() -> PgConnection.connect(builder.build()).await());
    }
  }

  private void allThatAPoolDoes() {
    PoolConfig.Builder builder =
        PoolConfig.builder()
            .connection(as(TestServer.SCRAM_USER, PASSWORD).build())
            .maxSize(1)
            .minSize(0);
    show(builder, builder.build());
    try (PgPool pool = PgPool.create(builder.build())) {
      show(pool.closed());
      allThatABorrowerDoes(pool);
    }
    try (PgPool wrong =
        PgPool.create(
            PoolConfig.builder()
                .connection(as(TestServer.SCRAM_USER, WRONG).build())
                .minSize(0)
                .build())) {
      failing(() -> wrong.acquire().await());
    }
  }

  private void allThatABorrowerDoes(PgPool pool) {
    PgConnection lent = pool.acquire().await();
    show(pool, lent, pool.stats());
    PgPool hasty = pool.withTimeout(Duration.ofMillis(50));
    failing(() -> hasty.fetch("SELECT $1::text", VALUE).await());
    lent.close();
    failing(() -> lent.fetch("SELECT $1::text", VALUE).await());
  }
}
