package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.PgConnection;
import io.asyncpg.pool.PgPool;
import io.asyncpg.pool.PoolConfig;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What docs/pool.md shows, compiled and run but for the names of hosts; the page has it from here.
 */
class PoolPageTest extends InADatabase {
  private static final String REPORT = "SHOW work_mem";

  /** Not run: there is no such host. */
  static void aPool(int from) {
    try (PgPool pool = PgPool.create("postgresql://app@db.example.com/shop")) {
      pool.ready().await();
      pool.execute("UPDATE account SET sum = sum - $1 WHERE id = $2", 10, from).await();
    }
  }

  @Test
  void oneConnectionForSeveralCalls() {
    try (PgPool pool = PgPool.create(dsn)) {
      pool.withConnection(
          connection ->
              connection
                  .execute("SET work_mem = '1GB'")
                  .thenCompose(done -> connection.fetch(REPORT)));

      try (PgConnection connection = pool.acquire().await()) { // close() gives it back
        connection.execute("CREATE TEMP TABLE scratch (i int)").await();
      }
      assertThat(pool.stats().acquired()).isEqualTo(2);
      pool.close();
      pool.closed().await();
    }
  }

  @Test
  void whatCanBeChosen() {
    PoolConfig config =
        PoolConfig.builder()
            .dsn("postgresql://app@db.example.com/shop")
            .minSize(2)
            .maxSize(20)
            .build();
    assertThat(List.of(config.minSize(), config.maxSize())).containsExactly(2, 20);
    assertThat(config.connection().host()).isEqualTo("db.example.com");
  }
}
