package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.asyncpg.types.CodecRegistry;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.NullMarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The cache of statements, full of a hundred. */
@NullMarked
@State(Scope.Thread)
public class StatementsBenchmark {
  private final Statements statements =
      new Statements(
          PgConfig.builder().host("localhost").user("nobody").build(),
          new TypeCatalog(CodecRegistry.standard(), 0));
  private final String[] known =
      IntStream.range(0, 100)
          .mapToObj(i -> "SELECT id, name, amount FROM bench_rows WHERE id = $1 /* " + i + " */")
          .toArray(String[]::new);
  private final String[] equal = Arrays.stream(known).map(String::new).toArray(String[]::new);
  private int next;

  /** Makes it full. */
  public StatementsBenchmark() {
    for (String sql : known) {
      statements.get(sql);
    }
  }

  /** By the very string. */
  @Benchmark
  public Object same() {
    next = (next + 1) % known.length;
    return statements.get(known[next]);
  }

  /** By the same string again and again, as a loop does. */
  @Benchmark
  public Object again() {
    return statements.get(known[7]);
  }

  /** By another string that is equal. */
  @Benchmark
  public Object equal() {
    next = (next + 1) % equal.length;
    return statements.get(equal[next]);
  }
}
