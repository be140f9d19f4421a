package io.asyncpg.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.PgClient;
import io.asyncpg.client.PgConnection;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.testkit.WireLines;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What loans cost on the wire, in messages: the statements of the borrower, and one Query that
 * makes a session as good as new after a loan that may have left something in it.
 */
class PoolWireTest {
  private static final String SQL = "SELECT $1::int4";

  private WireLines wire;
  private PgPool pool;

  @BeforeEach
  void open() {
    wire = new WireLines();
    pool =
        PgPool.create(
            PoolConfig.builder().dsn(TestServer.shared().dsn()).minSize(1).maxSize(1).build());
  }

  @AfterEach
  void close() {
    pool.close();
    pool.closed().await();
    wire.close();
  }

  private static void ask(PgClient client) {
    assertThat(client.fetchValue(Integer.class, SQL, 7).await()).isEqualTo(7);
  }

  /** What this side has said of these in the whole life of the pool's only session. */
  private Map<String, Integer> messages() {
    pool.close();
    pool.closed().await();
    Map<String, Integer> counts = new TreeMap<>();
    for (String line : wire.all()) {
      String[] words = line.split("\t", -1);
      if (words[0].endsWith("F") && List.of("Parse", "Bind", "Sync", "Query").contains(words[2])) {
        counts.merge(words[2], 1, Integer::sum);
      }
    }
    return counts;
  }

  @Test
  void aLoanThatNobodyUsesSaysNothing() {
    for (int i = 0; i < 10; i++) {
      pool.acquire().await().close();
    }
    assertThat(messages()).isEmpty();
  }

  @Test
  void aLoanThatOnlyReadsCostsItsStatements() {
    try (PgConnection connection = pool.acquire().await()) {
      ask(connection);
      ask(connection);
      ask(connection);
    }
    pool.acquire().await().close();
    assertThat(messages()).isEqualTo(Map.of("Parse", 1, "Bind", 3, "Sync", 4));
  }

  @Test
  void aLoanThatSetsSomethingCostsOneResetMore() {
    try (PgConnection connection = pool.acquire().await()) {
      ask(connection);
      connection.fetchValue(String.class, "SELECT set_config('a.b', $1, false)", "c").await();
      ask(connection);
    }
    pool.acquire().await().close();
    assertThat(messages()).isEqualTo(Map.of("Parse", 2, "Bind", 3, "Sync", 5, "Query", 1));
  }

  @Test
  void aStatementOnThePoolCostsItselfAlone() {
    for (int i = 0; i < 10; i++) {
      ask(pool);
    }
    assertThat(messages()).isEqualTo(Map.of("Parse", 1, "Bind", 10, "Sync", 11));
  }
}
