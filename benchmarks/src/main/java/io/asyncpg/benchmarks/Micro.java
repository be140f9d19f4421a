package io.asyncpg.benchmarks;

import io.asyncpg.client.session.RecordsBenchmark;
import io.asyncpg.client.session.RowsBenchmark;
import io.asyncpg.client.session.StatementsBenchmark;
import io.asyncpg.testkit.TestServer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * The hot parts by themselves, with JMH and its GC profiler. Argument: a regular expression of what
 * to run and print; with none, all of it is run and written to {@code docs/performance/jmh.md}.
 */
final class Micro {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private record Part(String title, Class<?> benchmark) {
    String expression() {
      return "\\." + benchmark.getSimpleName() + "\\.";
    }
  }

  private static final List<Part> PARTS =
      List.of(
          new Part("Frames: read; Bind and COPY encoded; per row or record", FramesBenchmark.class),
          new Part(
              "Rows: a thousand of one column, from frames to values, per row",
              RowsBenchmark.class),
          new Part(
              "Records: a thousand of six columns, from frames to values, per row",
              RecordsBenchmark.class),
          new Part("EWKB", EwkbBenchmark.class),
          new Part("The look-up in a cache of a hundred statements", StatementsBenchmark.class),
          new Part(
              "The pool: one of ten connections borrowed and given back, by so many threads",
              PoolBenchmark.class));

  private Micro() {}

  public static void main(String[] args) throws Exception {
    // What JMH starts its processes with; under Maven the property names Maven itself.
    System.setProperty("java.class.path", SideBySide.classPath());
    try (TestServer server = TestServer.start()) {
      if (args.length > 0) {
        OUT.println(table(run(options(server, args[0]))));
        return;
      }
      StringBuilder page = new StringBuilder();
      page.append("# The hot parts by themselves\n\n`benchmarks/run jmh` on ")
          .append(LocalDate.now(ZoneOffset.UTC))
          .append(": ")
          .append(Report.machine())
          .append(". Average times with their error, and what was allocated on the heap")
          .append(" (`-prof gc`).\n");
      for (Part part : PARTS) {
        add(page, part.title, run(options(server, part.expression())));
      }
      Optional<Path> newer = javaWithVirtualThreads();
      if (newer.isPresent()) {
        add(
            page,
            "The pool, by virtual threads",
            run(
                options(server, PoolBenchmark.class.getSimpleName())
                    .jvm(newer.get().toString())
                    .jvmArgsAppend("-Djmh.executor=VIRTUAL")));
      }
    }
  }

  private static Collection<RunResult> run(ChainedOptionsBuilder options) throws RunnerException {
    return new Runner(options.build()).run();
  }

  /** Written after each part: a run that is cut leaves what it has. */
  private static void add(StringBuilder page, String title, Collection<RunResult> results)
      throws IOException {
    page.append("\n## ").append(title).append("\n\n").append(table(results));
    OUT.println(title + "\n\n" + table(results));
    Path directory = Path.of("docs", "performance");
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("jmh.md"), page);
  }

  /** This Java, or a newer one that is installed beside it. */
  private static Optional<Path> javaWithVirtualThreads() throws IOException {
    Path own = Path.of(System.getProperty("java.home")).toRealPath();
    if (Runtime.version().feature() >= 21) {
      return Optional.of(own.resolve("bin/java"));
    }
    try (Stream<Path> installed = Files.list(Objects.requireNonNull(own.getParent()))) {
      return installed
          .filter(home -> feature(home) >= 21)
          .max(Comparator.comparingInt(Micro::feature))
          .map(home -> home.resolve("bin/java"));
    }
  }

  /** The version that a JDK says it has; 0 if it says none. */
  private static int feature(Path home) {
    try {
      Matcher version =
          Pattern.compile("JAVA_VERSION=\"(\\d+)")
              .matcher(Files.readString(home.resolve("release")));
      return version.find() ? Integer.parseInt(version.group(1)) : 0;
    } catch (IOException none) {
      return 0;
    }
  }

  private static ChainedOptionsBuilder options(TestServer server, String wanted) {
    return new OptionsBuilder()
        .include(wanted)
        .mode(Mode.AverageTime)
        .timeUnit(TimeUnit.NANOSECONDS)
        .forks(1)
        .warmupIterations(4)
        .warmupTime(TimeValue.milliseconds(500))
        .measurementIterations(5)
        .measurementTime(TimeValue.milliseconds(500))
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
