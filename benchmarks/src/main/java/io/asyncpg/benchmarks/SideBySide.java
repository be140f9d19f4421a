package io.asyncpg.benchmarks;

import io.asyncpg.testkit.TestServer;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * This client beside its peers: each in a process of its own, in interleaved slices, so that a
 * machine that changes its speed does so for all. Prints a Markdown table; figures are the median
 * of the slices with the least and the greatest behind it.
 *
 * <p>Arguments: {@code quick} (the default) or {@code full}, then names of workloads, if not all.
 */
final class SideBySide {
  private static final List<String> CONTENDERS = List.of("asyncpg", "pgjdbc", "vertx");

  private record Result(
      long operations,
      double perSecond,
      double cpuMicros,
      double allocatedBytes,
      double p50,
      double p99,
      long checksum) {}

  private static final class Runner implements AutoCloseable {
    private final Process process;
    private final BufferedReader out;
    private final BufferedWriter in;

    Runner(String contender, TestServer server) throws IOException {
      process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx1g",
                  "-XX:+UseParallelGC",
                  "-cp",
                  classPath(),
                  Slice.class.getName(),
                  contender,
                  server.host(),
                  String.valueOf(server.port()),
                  server.user(),
                  server.database())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      in =
          new BufferedWriter(
              new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
      expectLine();
    }

    private String expectLine() throws IOException {
      String line = out.readLine();
      if (line == null) {
        throw new IOException("a contender's process ended early");
      }
      return line;
    }

    Result run(Workload workload, long millis) throws IOException {
      in.write(workload + " " + millis + "\n");
      in.flush();
      String[] words = expectLine().split(" ", -1);
      long operations = Math.max(1, Long.parseLong(words[0]));
      return new Result(
          operations,
          operations * 1e9 / Long.parseLong(words[1]),
          Long.parseLong(words[2]) / 1e3 / operations,
          Long.parseLong(words[3]) / (double) operations,
          Double.parseDouble(words[4]),
          Double.parseDouble(words[5]),
          Long.parseLong(words[6]));
    }

    @Override
    public void close() throws IOException {
      in.close();
      try {
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        process.destroyForcibly();
      }
    }
  }

  private SideBySide() {}

  public static void main(String[] args) throws Exception {
    boolean full = args.length > 0 && args[0].equals("full");
    List<Workload> workloads =
        args.length > 1
            ? Arrays.stream(args).skip(1).map(Workload::valueOf).toList()
            : List.of(Workload.values());
    int rounds = full ? 9 : 5;
    long millis = full ? 3_000 : 1_000;
    try (TestServer server = TestServer.start()) {
      createTables(server);
      Map<String, Runner> runners = new LinkedHashMap<>();
      try {
        for (String contender : CONTENDERS) {
          runners.put(contender, new Runner(contender, server));
        }
        System.out.println(
            "| workload | client | operations/s | CPU µs/op | bytes allocated/op | p50 µs | p99 µs |");
        System.out.println("|---|---|---|---|---|---|---|");
        for (Workload workload : workloads) {
          report(workload, measure(workload, runners, rounds, millis));
        }
      } finally {
        for (Runner runner : runners.values()) {
          runner.close();
        }
      }
    }
  }

  private static void createTables(TestServer server) {
    server.sql(
        "CREATE TABLE bench_rows(id int4 PRIMARY KEY, name text NOT NULL, amount int8 NOT NULL)",
        "INSERT INTO bench_rows SELECT i, 'name ' || i, i * 100 FROM generate_series(1, "
            + Contender.KEYS
            + ") i",
        "CREATE TABLE bench_ints AS SELECT i::int4 FROM generate_series(1, 1001) i",
        "CREATE TABLE bench_mixed AS SELECT "
            + mixedColumns("a")
            + ", "
            + mixedColumns("b")
            + " FROM generate_series(1, 500) i",
        "VACUUM ANALYZE bench_rows",
        "VACUUM ANALYZE bench_ints",
        "VACUUM ANALYZE bench_mixed");
  }

  private static String mixedColumns(String prefix) {
    String[] columns = {
      "i::int4",
      "i::int8 * 1000000007",
      "'text number ' || i",
      "timestamptz '2026-01-01 00:00:00Z' + i * interval '61.5 s'",
      "i::float8 * 1.5",
      "(i * 12.34)::numeric(12, 2)",
      "i % 2 = 0",
      "md5(i::text)::uuid",
      "(i % 128)::int4",
      "repeat('x', i % 40)"
    };
    List<String> named = new ArrayList<>();
    for (int c = 0; c < columns.length; c++) {
      named.add(columns[c] + " AS " + prefix + c);
    }
    return String.join(", ", named);
  }

  private static Map<String, List<Result>> measure(
      Workload workload, Map<String, Runner> runners, int rounds, long millis) {
    Map<String, List<Result>> results = new LinkedHashMap<>();
    for (int round = -2; round < rounds; round++) {
      for (Map.Entry<String, Runner> runner : runners.entrySet()) {
        try {
          Result result = runner.getValue().run(workload, millis);
          if (round >= 0) { // two rounds to warm up
            results.computeIfAbsent(runner.getKey(), name -> new ArrayList<>()).add(result);
          }
        } catch (IOException broken) {
          throw new UncheckedIOException(runner.getKey() + " failed at " + workload, broken);
        }
      }
    }
    if (workload.sql.indexOf('$') < 0) {
      long agreed = -1;
      for (Map.Entry<String, List<Result>> result : results.entrySet()) {
        for (Result one : result.getValue()) {
          if (agreed != -1 && one.checksum() != agreed) {
            throw new IllegalStateException(
                result.getKey() + " computes " + one.checksum() + ", others " + agreed);
          }
          agreed = one.checksum();
        }
      }
    }
    return results;
  }

  private static void report(Workload workload, Map<String, List<Result>> results) {
    results.forEach(
        (contender, all) ->
            System.out.printf(
                "| %s | %s | %s | %s | %s | %s | %s |%n",
                workload.title,
                contender,
                figure(all, Result::perSecond, "%,.0f"),
                figure(all, Result::cpuMicros, "%.1f"),
                figure(all, Result::allocatedBytes, "%,.0f"),
                figure(all, Result::p50, "%.0f"),
                figure(all, Result::p99, "%.0f")));
  }

  private static String figure(List<Result> results, ToDoubleFunction<Result> of, String format) {
    double[] sorted = results.stream().mapToDouble(of).sorted().toArray();
    return String.format(format, sorted[sorted.length / 2])
        + " ("
        + String.format(format, sorted[0])
        + "–"
        + String.format(format, sorted[sorted.length - 1])
        + ")";
  }

  /** What this program was loaded from: by Maven's exec:java that is no java.class.path. */
  private static String classPath() {
    if (!(SideBySide.class.getClassLoader() instanceof URLClassLoader loader)) {
      return System.getProperty("java.class.path");
    }
    return Stream.of(loader.getURLs())
        .map(url -> Path.of(URI.create(url.toString())).toString())
        .collect(Collectors.joining(File.pathSeparator));
  }
}
