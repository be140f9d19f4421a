package io.asyncpg.benchmarks;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.pool.PgPool;
import io.asyncpg.pool.PoolConfig;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;

/** A connection borrowed and given back, of ten, by as many threads. The server is a real one. */
@State(Scope.Benchmark)
public class PoolBenchmark {
  /** The system property with the server's DSN. */
  static final String DSN = "asyncpg.benchmarks.dsn";

  private @Nullable PgPool pool;

  @Setup
  public void open() {
    PgPool opened =
        PgPool.create(
            PoolConfig.builder()
                .connection(PgConfig.parse(Objects.requireNonNull(System.getProperty(DSN))))
                .minSize(10)
                .maxSize(10)
                .build());
    opened.ready().await();
    pool = opened;
  }

  @TearDown
  public void close() {
    PgPool opened = Objects.requireNonNull(pool);
    opened.close();
    opened.closed().await();
  }

  private int borrow() {
    try (PgConnection connection = Objects.requireNonNull(pool).acquire().await()) {
      return connection.serverPid();
    }
  }

  @Benchmark
  @Threads(1)
  public int by1() {
    return borrow();
  }

  @Benchmark
  @Threads(8)
  public int by8() {
    return borrow();
  }

  @Benchmark
  @Threads(64)
  public int by64() {
    return borrow();
  }
}
