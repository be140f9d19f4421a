package io.asyncpg.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Format;
import org.junit.jupiter.api.Test;

/** What a borrower registers is gone with it; what the pool's init registers stays. */
class RegisteredCodecTest {
  private static final String SQL = "SELECT 1::int4, 2::int2";

  @Test
  void aCodecOfTheFirstBorrowerIsNotKeptThoughItFollowsInitAtOnce() {
    PoolConfig config =
        PoolConfig.builder()
            .connection(PgConfig.parse(TestServer.shared().dsn()))
            .minSize(0)
            .maxSize(1)
            .init(connection -> connection.execute("SELECT 1"))
            .build();
    try (PgPool pool = PgPool.create(config)) {
      pool.acquire()
          .thenCompose(
              first ->
                  first
                      .registerCodec("pg_catalog", "int4", BuiltinTypes.TEXT, Format.TEXT)
                      .thenRun(first::close))
          .join();
      assertThat(pool.fetchRow(SQL).await().orElseThrow().get(0)).isEqualTo(1);
    }
  }

  @Test
  void aCodecOfOneBorrowerIsNotTheNextOnes() {
    PoolConfig config =
        PoolConfig.builder()
            .connection(PgConfig.parse(TestServer.shared().dsn()))
            .minSize(1)
            .maxSize(1)
            .init(
                connection ->
                    connection.registerCodec("pg_catalog", "int2", BuiltinTypes.TEXT, Format.TEXT))
            .build();
    try (PgPool pool = PgPool.create(config)) {
      try (PgConnection first = pool.acquire().await()) {
        first.registerCodec("pg_catalog", "int4", BuiltinTypes.TEXT, Format.TEXT).await();
        assertThat(first.fetchRow(SQL).await().orElseThrow().get(0)).isEqualTo("1");
        assertThat(first.fetchRow(SQL).await().orElseThrow().get(1)).isEqualTo("2");
      }
      try (PgConnection second = pool.acquire().await()) {
        assertThat(second.fetchRow(SQL).await().orElseThrow().get(0)).isEqualTo(1);
        assertThat(second.fetchRow(SQL).await().orElseThrow().get(1)).isEqualTo("2");
      }
    }
  }
}
