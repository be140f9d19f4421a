package io.asyncpg.pool;

import static io.asyncpg.testkit.Backend.bindComplete;
import static io.asyncpg.testkit.Backend.column;
import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.concat;
import static io.asyncpg.testkit.Backend.dataRow;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.int4;
import static io.asyncpg.testkit.Backend.noData;
import static io.asyncpg.testkit.Backend.parameterDescription;
import static io.asyncpg.testkit.Backend.parseComplete;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static io.asyncpg.testkit.Backend.rowDescription;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.PgBatch;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Rows;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.testkit.WireLines;
import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.InvalidKeyException;
import java.security.Key;
import java.security.Provider;
import java.security.Security;
import java.security.spec.AlgorithmParameterSpec;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.crypto.Mac;
import javax.crypto.MacSpi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the connections of one pool know of each other's statements. */
class PoolSharingTest {
  private static final int INT4 = 23;

  private PgPool pool;

  private PgPool open(String dsn) {
    pool =
        PgPool.create(
            PoolConfig.builder().connection(PgConfig.parse(dsn)).minSize(0).maxSize(2).build());
    return pool;
  }

  @AfterEach
  void close() {
    if (pool != null) {
      pool.terminate();
      pool.closed().await();
    }
  }

  /** Its own Parse was never sent: the other's was to do for both. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStatementWhoseParseWasLostToTheCancelOfAnotherRunsAgain(boolean inBatch) throws Exception {
    CountDownLatch received = new CountDownLatch(1);
    byte[] read = concat(parameterDescription(INT4), rowDescription(column("i", INT4)));
    byte[] write = concat(parameterDescription(INT4), noData());
    byte[] row = concat(bindComplete(), dataRow(int4(1)), commandComplete("SELECT 1"));
    byte[] inserted = concat(bindComplete(), commandComplete("INSERT 0 1"));
    byte[] ready = readyForQuery('I');
    try (ScriptedServer server = ScriptedServer.start()) {
      Script one = server.connection().acceptStartup();
      Script two = server.connection().acceptStartup();
      one.expect("P", "D", "S")
          .send(parseComplete(), read, ready)
          .expect("B", "E", "S")
          .send(row, ready)
          .expect("P", "D", "S")
          .send(parseComplete(), write, ready)
          .expect("B", "E", "S")
          .send(inserted, ready)
          .readToEnd();
      two.expect("P", "D", "B", "E", "S")
          .expect("B", "E", "S")
          .expect("P", "D", "B", "E", "S")
          .then(received::countDown)
          .then(() -> server.awaitCancel(1))
          .send(error("57014", "canceling statement due to user request"), ready)
          .send(error("26000", "prepared statement does not exist"), ready)
          .send(parseComplete(), write, inserted, ready)
          .expect("S") // the fence
          .send(ready)
          .expect("P", "D", "S")
          .send(parseComplete(), read, ready)
          .expect("B", "E", "S")
          .send(row, ready)
          .readToEnd();
      open(server.dsn());
      PgConnection first = pool.acquire().await();
      PgConnection second = pool.acquire().await();
      first.fetch("SELECT $1 AS i", 1).await();
      first.execute("INSERT INTO t VALUES ($1)", 1).await();
      PgFuture<Rows> cancelled = second.fetch("SELECT $1 AS i", 1);
      PgFuture<Rows> innocent;
      if (inBatch) {
        PgBatch batch = second.batch();
        innocent = batch.fetch("SELECT $1 AS i", 1);
        batch.run();
      } else {
        innocent = second.fetch("SELECT $1 AS i", 1);
      }
      PgFuture<CommandTag> behind = second.execute("INSERT INTO t VALUES ($1)", 1);
      assertThat(received.await(20, TimeUnit.SECONDS)).isTrue();
      cancelled.cancel(true);
      assertThat(innocent.await()).hasSize(1);
      assertThat(behind.await().rows()).isEqualTo(1);
      first.terminate();
      second.terminate();
    }
  }

  /** The server stops a statement by itself too, and says the same. */
  @Test
  void aStatementWhoseParseWasLostToATimeoutOfTheServersIsNotRunBehindALaterOne() {
    byte[] write = concat(parameterDescription(INT4), noData());
    byte[] inserted = concat(bindComplete(), commandComplete("INSERT 0 1"));
    byte[] ready = readyForQuery('I');
    try (ScriptedServer server = ScriptedServer.start()) {
      Script one = server.connection().acceptStartup();
      Script two = server.connection().acceptStartup();
      one.expect("P", "D", "S")
          .send(parseComplete(), write, ready)
          .expect("B", "E", "S")
          .send(inserted, ready)
          .expect("P", "D", "S")
          .send(parseComplete(), write, ready)
          .expect("B", "E", "S")
          .send(inserted, ready)
          .readToEnd();
      two.expect("P", "D", "B", "E", "S")
          .expect("B", "E", "S")
          .expect("P", "D", "B", "E", "S")
          .send(error("57014", "canceling statement due to statement timeout"), ready)
          .send(error("26000", "prepared statement does not exist"), ready)
          .send(parseComplete(), write, inserted, ready)
          .readToEnd();
      open(server.dsn());
      PgConnection first = pool.acquire().await();
      PgConnection second = pool.acquire().await();
      first.execute("INSERT INTO a VALUES ($1)", 1).await();
      first.execute("INSERT INTO b VALUES ($1)", 1).await();
      PgFuture<CommandTag> tooSlow = second.execute("INSERT INTO a VALUES ($1)", 1);
      PgFuture<CommandTag> next = second.execute("INSERT INTO a VALUES ($1)", 2);
      PgFuture<CommandTag> behind = second.execute("INSERT INTO b VALUES ($1)", 3);
      assertThat(behind.await().rows()).isEqualTo(1);
      assertThatThrownBy(tooSlow::await).hasMessageContaining("statement timeout");
      assertThatThrownBy(next::await).hasMessageContaining("26000");
      first.terminate();
      second.terminate();
    }
  }

  @Test
  void aStatementThatThePoolKnowsIsParsedBoundAndRunInOneFlight() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script one = server.connection().acceptStartup();
      Script two = server.connection().acceptStartup();
      one.expect("P", "D", "S")
          .send(
              parseComplete(),
              parameterDescription(INT4),
              rowDescription(column("i", INT4)),
              readyForQuery('I'))
          .expect("B", "E", "S")
          .send(bindComplete(), dataRow(int4(1)), commandComplete("SELECT 1"), readyForQuery('I'))
          .readToEnd();
      two.expect("P", parse -> assertThat(parse.parse().typeOids()).containsExactly(INT4))
          .expect("D", "B", "E", "S")
          .send(
              parseComplete(),
              parameterDescription(INT4),
              rowDescription(column("i", INT4)),
              bindComplete(),
              dataRow(int4(2)),
              commandComplete("SELECT 1"),
              readyForQuery('I'))
          .expect("B", "E", "S")
          .send(bindComplete(), dataRow(int4(3)), commandComplete("SELECT 1"), readyForQuery('I'))
          .readToEnd();
      open(server.dsn());
      PgConnection first = pool.acquire().await();
      PgConnection second = pool.acquire().await();
      assertThat(first.fetchValue(int.class, "SELECT $1", 1).await()).isEqualTo(1);
      assertThat(second.fetchValue(int.class, "SELECT $1", 2).await()).isEqualTo(2);
      assertThat(second.fetchValue(int.class, "SELECT $1", 3).await()).isEqualTo(3);
      pool.terminate();
      pool.closed().await();
      one.await();
      two.await();
    }
  }

  @Test
  void aKnownStatementThatIsRefusedIsPreparedAnew() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script one = server.connection().acceptStartup();
      Script two = server.connection().acceptStartup();
      one.expect("P", "D", "S")
          .send(
              parseComplete(),
              parameterDescription(INT4),
              rowDescription(column("i", INT4)),
              readyForQuery('I'))
          .expect("B", "E", "S")
          .send(bindComplete(), dataRow(int4(1)), commandComplete("SELECT 1"), readyForQuery('I'))
          .readToEnd();
      two.expect("P", "D", "B", "E", "S")
          .send(error("42804", "not that type"), readyForQuery('I'))
          .expect("P", parse -> assertThat(parse.parse().typeOids()).isEmpty())
          .expect("D", "S")
          .send(
              parseComplete(),
              parameterDescription(INT4),
              rowDescription(column("i", INT4)),
              readyForQuery('I'))
          .expect("B", "E", "S")
          .send(bindComplete(), dataRow(int4(2)), commandComplete("SELECT 1"), readyForQuery('I'))
          .readToEnd();
      open(server.dsn());
      PgConnection first = pool.acquire().await();
      PgConnection second = pool.acquire().await();
      assertThat(first.fetchValue(int.class, "SELECT $1", 1).await()).isEqualTo(1);
      assertThat(second.fetchValue(int.class, "SELECT $1", 2).await()).isEqualTo(2);
      pool.terminate();
      pool.closed().await();
      one.await();
      two.await();
    }
  }

  @Test
  void aSessionThatWasNotTouchedIsNotReset() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().acceptStartup();
      script
          .expect("P", "D", "S")
          .send(
              parseComplete(),
              parameterDescription(INT4),
              rowDescription(column("i", INT4)),
              readyForQuery('I'));
      for (int i = 0; i < 3; i++) {
        script
            .expect("B", "E", "S")
            .send(
                bindComplete(), dataRow(int4(i)), commandComplete("SELECT 1"), readyForQuery('I'));
      }
      script.expectEnd();
      pool =
          PgPool.create(
              PoolConfig.builder().connection(PgConfig.parse(server.dsn())).maxSize(1).build());
      for (int i = 0; i < 3; i++) {
        assertThat(pool.fetchValue(int.class, "SELECT $1", i).await()).isEqualTo(i);
      }
      pool.terminate();
      pool.closed().await();
      script.await();
    }
  }

  @Test
  void theResetOfATouchedSessionIsNotWaitedForByTheNextBorrower() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().acceptStartup();
      script
          .expect("Q", query -> assertThat(query.sql()).isEqualTo("SET work_mem = 1"))
          .send(commandComplete("SET"), readyForQuery('I'))
          .expect("Q", reset -> assertThat(reset.sql()).endsWith("RESET ALL"))
          .expect("Q", next -> assertThat(next.sql()).isEqualTo("SET work_mem = 2"))
          // Only now is the reset answered: the next borrower's statement was behind it already.
          .send(commandComplete("RESET"), readyForQuery('I'))
          .send(commandComplete("SET"), readyForQuery('I'))
          .readToEnd();
      pool =
          PgPool.create(
              PoolConfig.builder().connection(PgConfig.parse(server.dsn())).maxSize(1).build());
      pool.execute("SET work_mem = 1").await();
      pool.execute("SET work_mem = 2").await();
      pool.terminate();
      pool.closed().await();
      script.await();
    }
  }

  @Test
  void aTableAlteredMeanwhileIsReadAsItIsNow() {
    open(TestServer.shared().dsn());
    pool.execute(
            "DROP TABLE IF EXISTS shared_shape;"
                + "CREATE TABLE shared_shape (a int, t timestamp);"
                + "INSERT INTO shared_shape VALUES (1, '2001-02-03 04:05:06')")
        .await();
    try (PgConnection first = pool.acquire().await();
        PgConnection second = pool.acquire().await()) {
      LocalDateTime then = LocalDateTime.of(2001, 2, 3, 4, 5, 6);
      String sql = "SELECT a FROM shared_shape WHERE t = $1";
      String all = "SELECT * FROM shared_shape";
      assertThat(first.fetchValue(Object.class, sql, then).await()).isEqualTo(1);
      assertThat(first.fetch(all).await()).hasSize(1);
      TestServer.shared()
          .sql(
              "ALTER TABLE shared_shape ALTER a TYPE bigint USING 5000000000",
              "ALTER TABLE shared_shape ALTER t TYPE timestamptz USING t AT TIME ZONE 'UTC'");
      // The same bytes would be read as another moment if nobody looked.
      assertThat(second.fetchValue(Object.class, sql, then).await()).isEqualTo(5_000_000_000L);
      TestServer.shared().sql("ALTER TABLE shared_shape ADD b text DEFAULT 'x'");
      Rows rows = second.fetch(all).await();
      assertThat(rows.columns()).hasSize(3);
      assertThat(rows.get(0).getString("b")).isEqualTo("x");
      assertThat(first.fetch(all).await().columns()).hasSize(3);
    }
    pool.execute("DROP TABLE shared_shape").await();
  }

  @Test
  void anErrorOfAKnownStatementIsItsOwn() {
    open(TestServer.shared().dsn());
    try (PgConnection first = pool.acquire().await();
        PgConnection second = pool.acquire().await()) {
      String sql = "SELECT 10 / $1::int";
      assertThat(first.fetchValue(int.class, sql, 5).await()).isEqualTo(2);
      assertThatThrownBy(() -> second.fetchValue(int.class, sql, 0).await())
          .isInstanceOf(PgServerException.class)
          .hasMessageContaining("division by zero");
      assertThat(second.fetchValue(int.class, sql, 2).await()).isEqualTo(5);
    }
  }

  @Test
  void statementsPipelinedBehindOneAnotherShareItsParse() {
    open(TestServer.shared().dsn());
    try (PgConnection first = pool.acquire().await();
        PgConnection second = pool.acquire().await()) {
      String sql = "SELECT $1::int + 1";
      assertThat(first.fetchValue(int.class, sql, 1).await()).isEqualTo(2);
      var one = second.fetchValue(int.class, sql, 10);
      var two = second.fetchValue(int.class, sql, 20);
      var three = second.stream(sql, 30).iterator();
      assertThat(one.await()).isEqualTo(11);
      assertThat(two.await()).isEqualTo(21);
      assertThat(three.next().getInt(0)).isEqualTo(31);
      assertThat(three.hasNext()).isFalse();
      assertThat(
              second
                  .fetchValue(
                      long.class,
                      "SELECT count(*) FROM pg_prepared_statements WHERE statement = $1",
                      sql)
                  .await())
          .isEqualTo(1L);
    }
  }

  @Test
  void typesMadeAtRunTimeAreLookedUpOnceForAll() {
    open(TestServer.shared().dsn());
    pool.execute("DROP TYPE IF EXISTS shared_mood; CREATE TYPE shared_mood AS ENUM ('sad', 'ok')")
        .await();
    try (PgConnection first = pool.acquire().await();
        PgConnection second = pool.acquire().await()) {
      String sql = "SELECT 'ok'::shared_mood";
      assertThat(first.fetchValue(String.class, sql).await()).isEqualTo("ok");
      assertThat(second.fetchValue(String.class, sql).await()).isEqualTo("ok");
    }
    pool.execute("DROP TYPE shared_mood").await();
  }

  /** With a role that proves itself by SCRAM, and a type that no codec knows beforehand. */
  @Test
  void theHundredthConnectionCostsOneRoundTripAfterAuthentication() {
    TestServer server = TestServer.shared();
    server.sql(
        "DROP TYPE IF EXISTS hundredth_mood", "CREATE TYPE hundredth_mood AS ENUM ('sad', 'ok')");
    List<Integer> processes = new ArrayList<>();
    try (Rounds rounds = new Rounds();
        WireLines wire = new WireLines()) {
      pool =
          PgPool.create(
              PoolConfig.builder()
                  .connection(
                      PgConfig.parse(server.dsnAs(TestServer.SCRAM_USER)).toBuilder()
                          .password(TestServer.USERS_PASSWORD)
                          .build())
                  .minSize(0)
                  .maxSize(1)
                  .build());
      for (int i = 0; i < 100; i++) {
        PgConnection connection = pool.acquire().await();
        processes.add(connection.serverPid());
        assertThat(
                connection
                    .fetchValue(
                        String.class,
                        "SELECT $1::hundredth_mood FROM generate_series(1, $2)",
                        "ok",
                        1)
                    .await())
            .isEqualTo("ok");
        connection.terminate();
        connection.closed().await();
      }
      assertThat(processes).doesNotHaveDuplicates();
      assertThat(wire.sent(processes.get(0)).stream().filter("Sync"::equals).count())
          .isGreaterThan(1); // it had to learn
      assertThat(wire.sent(processes.get(99)))
          .containsExactly("Parse", "Describe", "Bind", "Execute", "Sync");
      // PostgreSQL wants 4096 rounds of hashing for each password: one connection has done them.
      assertThat(rounds.count()).isBetween(4096L, 2 * 4096L);
    } finally {
      server.sql("DROP TYPE hundredth_mood");
    }
  }

  /** Counts what is hashed with HMAC-SHA-256 in this JVM, until it is closed. */
  private static final class Rounds extends Provider implements AutoCloseable {
    private static final long serialVersionUID = 1L;
    private static final String NAME = "CountingRounds";
    private static final AtomicLong COUNT = new AtomicLong();

    Rounds() {
      super(NAME, "1", "counts");
      COUNT.set(0);
      put("Mac.HmacSHA256", CountingMac.class.getName());
      assertThat(Security.insertProviderAt(this, 1)).isEqualTo(1);
    }

    long count() {
      return COUNT.get();
    }

    @Override
    public void close() {
      Security.removeProvider(NAME);
    }
  }

  /** The JDK's own, counting. */
  public static final class CountingMac extends MacSpi {
    private final Mac mac;

    public CountingMac() throws GeneralSecurityException {
      mac = Mac.getInstance("HmacSHA256", "SunJCE");
    }

    @Override
    protected int engineGetMacLength() {
      return mac.getMacLength();
    }

    @Override
    protected void engineInit(Key key, AlgorithmParameterSpec parameters)
        throws InvalidKeyException, InvalidAlgorithmParameterException {
      mac.init(key, parameters);
    }

    @Override
    protected void engineUpdate(byte input) {
      mac.update(input);
    }

    @Override
    protected void engineUpdate(byte[] input, int from, int length) {
      mac.update(input, from, length);
    }

    @Override
    protected byte[] engineDoFinal() {
      Rounds.COUNT.incrementAndGet();
      return mac.doFinal();
    }

    @Override
    protected void engineReset() {
      mac.reset();
    }
  }
}
