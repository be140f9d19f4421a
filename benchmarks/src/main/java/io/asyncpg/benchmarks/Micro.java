package io.asyncpg.benchmarks;

import io.asyncpg.testkit.TestServer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * The hot parts by themselves, with JMH and its GC profiler. Argument: a regular expression of what
 * to run; with none, all of it is run and written to {@code docs/performance/jmh.md}.
 */
final class Micro {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private Micro() {}

  public static void main(String[] args) throws Exception {
    // What JMH starts its processes with; under Maven the property names Maven itself.
    System.setProperty("java.class.path", SideBySide.classPath());
    String wanted = args.length == 0 ? ".*Benchmark.*" : args[0];
    List<RunResult> results = new ArrayList<>();
    String virtual = "";
    try (TestServer server = TestServer.start()) {
      results.addAll(new Runner(options(server, wanted).build()).run());
      if (Runtime.version().feature() >= 21 && "PoolBenchmark".matches(".*" + wanted + ".*")) {
        virtual =
            "\n## The pool, by virtual threads\n\n"
                + table(
                    new Runner(
                            options(server, "PoolBenchmark")
                                .jvmArgsAppend("-Djmh.executor=VIRTUAL")
                                .build())
                        .run());
      }
    }
    String page =
        "# The hot parts by themselves\n\n`benchmarks/run jmh` on "
            + LocalDate.now(ZoneOffset.UTC)
            + ": "
            + Report.machine()
            + ". Average times with their error, and what was allocated on the heap"
            + " (`-prof gc`). Rows, records and codecs are per row.\n\n"
            + table(results)
            + virtual;
    OUT.println(page);
    if (args.length == 0) {
      Path directory = Path.of("docs", "performance");
      Files.createDirectories(directory);
      Files.writeString(directory.resolve("jmh.md"), page);
    }
  }

  private static ChainedOptionsBuilder options(TestServer server, String wanted) {
    return new OptionsBuilder()
        .include(wanted)
        .mode(Mode.AverageTime)
        .timeUnit(TimeUnit.NANOSECONDS)
        .forks(1)
        .warmupIterations(3)
        .warmupTime(TimeValue.milliseconds(300))
        .measurementIterations(4)
        .measurementTime(TimeValue.milliseconds(300))
        .addProfiler(GCProfiler.class)
        .verbosity(VerboseMode.SILENT)
        .jvmArgs("-Xmx1g", "-XX:+UseParallelGC", "-D" + PoolBenchmark.DSN + "=" + server.dsn());
  }

  private static String table(Collection<RunResult> results) throws IOException {
    StringBuilder text = new StringBuilder("| what | ns | ± | bytes |\n|---|--:|--:|--:|\n");
    for (RunResult result : results) {
      Result<?> time = result.getPrimaryResult();
      Result<?> bytes = result.getSecondaryResults().get("gc.alloc.rate.norm");
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %,.1f | %,.1f | %,.1f |%n",
              name(result.getParams()),
              time.getScore(),
              time.getScoreError(),
              bytes == null ? 0 : bytes.getScore()));
    }
    return text.toString();
  }

  private static String name(BenchmarkParams params) {
    String[] words = params.getBenchmark().split("\\.", -1);
    String parameters =
        params.getParamsKeys().stream().map(params::getParam).collect(Collectors.joining(", "));
    return words[words.length - 2].replace("Benchmark", "")
        + "."
        + words[words.length - 1]
        + (parameters.isEmpty() ? "" : ": " + parameters);
  }
}
