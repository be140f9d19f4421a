package io.asyncpg.benchmarks;

import io.asyncpg.testkit.TestServer;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * This client beside its peers: each in a process of its own, in interleaved slices, so that a
 * machine that changes its speed does so for all. Prints Markdown, and writes it and a chart.
 *
 * <p>Arguments: {@code quick} (the default) or {@code full}; {@code --workloads A,B}, {@code
 * --clients a,b}, {@code --connections 1,10} for some of them only; {@code --out DIRECTORY}.
 */
final class SideBySide {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  static final List<String> CONTENDERS =
      List.of(
          "asyncpg",
          "asyncpg-await",
          "asyncpg-insert",
          "asyncpg-pool",
          "pgjdbc",
          "pgjdbc-rewrite",
          "vertx",
          "vertx-1",
          "r2dbc",
          "asyncpg-python",
          "pgbench");

  /**
   * How often, and how long at least: an operation that has begun is ended.
   *
   * @param passes how often all is measured, with new processes each time: what a JVM happens to
   *     compile in one of them makes a fifth of a difference
   * @param burnInMillis of each process, before its first cell
   * @param rounds in each pass
   */
  private record Pace(
      int passes,
      long burnInMillis,
      int warmUps,
      long warmUpMillis,
      int rounds,
      long millis,
      long heavyWarmUpMillis,
      int heavyRounds,
      long heavyMillis) {}

  private static final Pace QUICK = new Pace(1, 600, 1, 500, 3, 250, 0, 2, 0);

  /** Many short slices: what the machine does to one of them happens to the next one too. */
  private static final Pace FULL = new Pace(2, 2_000, 4, 600, 6, 300, 2_000, 2, 500);

  /** Who takes so long for one slice is not asked a third time. */
  private static final Duration SLOW = Duration.ofSeconds(3);

  private final TestServer server;
  private final Pace pace;
  private final List<String> contenders;
  private final Map<String, Runner> runners = new LinkedHashMap<>();
  private final Map<String, String> versions = new LinkedHashMap<>();
  private @Nullable Runner replay;
  private @Nullable SlowLine slow;

  private SideBySide(TestServer server, boolean full, List<String> contenders) {
    this.server = server;
    this.pace = full ? FULL : QUICK;
    this.contenders = contenders;
  }

  public static void main(String[] args) throws Exception {
    boolean full = args.length > 0 && args[0].equals("full");
    Map<String, String> options = new LinkedHashMap<>();
    for (int i = 0; i + 1 < args.length; i++) {
      if (args[i].startsWith("--")) {
        options.put(args[i], args[i + 1]);
      }
    }
    List<Workload> workloads =
        options.containsKey("--workloads")
            ? list(options.get("--workloads")).stream()
                .map(name -> Workload.valueOf(name.toUpperCase(Locale.ROOT)))
                .toList()
            : Stream.of(Workload.values()).filter(w -> full || !w.replayed()).toList();
    List<String> connections = list(options.getOrDefault("--connections", full ? "1,10" : "1"));
    List<String> installed = installed();
    List<String> contenders =
        options.containsKey("--clients") ? list(options.get("--clients")) : installed;
    List<Cell> cells =
        workloads.stream()
            .flatMap(
                workload ->
                    workload.connections().stream()
                        .filter(count -> connections.contains(String.valueOf(count)))
                        .map(count -> new Cell(workload, count, installed)))
            .toList();
    try (TestServer server =
        TestServer.start(
            Map.of(
                "shared_buffers", "512MB",
                "max_wal_size", "4GB",
                "autovacuum", "off",
                "jit", "off",
                "max_parallel_workers_per_gather", "0"))) {
      server.sql(Workload.tables());
      Report report =
          new Report(
              full ? "full" : "quick",
              String.valueOf(server.value("SHOW server_version")),
              cells.size() * (full ? FULL : QUICK).passes);
      String out = options.get("--out");
      SideBySide race = new SideBySide(server, full, contenders);
      try {
        for (int pass = 0; pass < race.pace.passes; pass++) {
          race.stopAll();
          for (Cell cell : cells) {
            race.measure(cell, pass);
            OUT.println(Report.section(cell));
            report.add(cell);
            if (out != null) {
              report.write(Path.of(out), race.versions.values());
            }
          }
        }
      } finally {
        race.end();
      }
      OUT.println(report.summary());
      if (out != null) {
        OUT.println("Written to " + out);
      }
      String readme = options.get("--readme");
      if (out != null && readme != null) {
        ReadmeTable.refresh(Path.of(readme), Path.of(out, Report.PAGE));
      }
      for (Cell cell : cells) {
        String failure = cell.failures.get("asyncpg");
        if (failure != null) {
          throw new IllegalStateException("this client failed at " + cell + ": " + failure);
        }
      }
    }
  }

  private static List<String> list(@Nullable String names) {
    return names == null ? List.of() : Arrays.asList(names.split(",", -1));
  }

  /** All that this machine has. */
  private static List<String> installed() {
    List<String> installed = new ArrayList<>(CONTENDERS);
    if (Runner.python().isEmpty()) {
      OUT.println("There is no Python with asyncpg and uvloop: left out.");
      installed.remove("asyncpg-python");
    }
    if (!Pgbench.isInstalled()) {
      OUT.println("There is no pgbench: left out.");
      installed.remove("pgbench");
    }
    return installed;
  }

  private void measure(Cell cell, int pass) throws IOException {
    Workload workload = cell.workload;
    for (Workload.Place place : Workload.Place.values()) {
      if (place != Workload.Place.ROOMY && place != workload.place()) {
        contenders.forEach(contender -> stop(contender, place));
      }
    }
    boolean weigh = workload == Workload.MILLION || workload == Workload.REPLAYED;
    int warmUps = workload.heavy() ? 1 : pace.warmUps;
    int rounds = workload.heavy() ? pace.heavyRounds : pace.rounds;
    Map<String, Long> weights = new HashMap<>();
    Set<String> slowOnes = new HashSet<>();
    for (int round = weigh ? -warmUps - 1 : -warmUps; round < rounds; round++) {
      boolean measured = round >= 0;
      boolean weighed = weigh && round == -1;
      long millis =
          weighed
              ? -1
              : workload.heavy()
                  ? measured ? pace.heavyMillis : pace.heavyWarmUpMillis
                  : measured ? pace.millis : pace.warmUpMillis;
      for (String contender : contenders) {
        if (!Contender.takes(contender, workload)
            || cell.failures.containsKey(contender)
            || (round >= 2 && slowOnes.contains(contender))
            || (!measured && contender.equals("pgbench"))) {
          continue;
        }
        try {
          long start = System.nanoTime();
          Result result = slice(contender, workload, cell.connections, millis);
          if (measured && System.nanoTime() - start > SLOW.toNanos()) {
            slowOnes.add(contender);
          }
          if (weighed) {
            weights.put(contender, result.live());
          }
          if (measured) {
            cell.add(
                contender,
                pass * rounds + round,
                result.with(weights.getOrDefault(contender, 0L), roundTrips()));
          } else {
            roundTrips(); // these are not counted
          }
        } catch (IOException failure) {
          cell.failures.put(contender, String.valueOf(failure.getMessage()));
          stop(contender, workload.place());
        }
      }
    }
    cell.agree();
  }

  /** Those of the last slice; 0 where there was no line to count them. */
  private double roundTrips() {
    return slow == null ? 0 : slow.roundTrips();
  }

  private Result slice(String contender, Workload workload, int connections, long millis)
      throws IOException {
    Result result;
    if (contender.equals("pgbench")) {
      result = Pgbench.run(workload, connections, millis, server);
    } else {
      String host = server.host();
      int port = server.port();
      if (workload.replayed()) {
        port = replayPort();
      } else if (workload.cold()) {
        host = slow().host();
        port = slow().port();
      }
      result = runner(contender, workload).run(workload, connections, millis, host, port);
    }
    if (workload.writes()) {
      checkItems(contender, result.operations() * workload.units());
    }
    return result;
  }

  private Runner runner(String contender, Workload workload) throws IOException {
    String name = contender + " " + workload.place();
    Runner runner = runners.get(name);
    if (runner == null) {
      runner = Runner.start(contender, workload.place(), server);
      runners.put(name, runner);
      if (workload.place() == Workload.Place.ROOMY) {
        // What all workloads have in common is compiled before the first of them is measured.
        runner.run(Workload.ONE_ROW, 1, pace.burnInMillis, server.host(), server.port());
      }
      versions.putIfAbsent(contender, runner.greeting.substring("ready".length()).strip());
    }
    return runner;
  }

  private void stop(String contender, Workload.Place place) {
    Runner runner = runners.remove(contender + " " + place);
    if (runner != null) {
      runner.close();
    }
  }

  private int replayPort() throws IOException {
    if (replay == null) {
      replay = Runner.replay(server);
    }
    return Integer.parseInt(replay.greeting);
  }

  private SlowLine slow() throws IOException {
    if (slow == null) {
      slow = SlowLine.before(server.host(), server.port(), Duration.ofMillis(1));
    }
    return slow;
  }

  /** What was written must be what was to be written; then the table is empty again. */
  private void checkItems(String contender, long rows) throws IOException {
    List<@Nullable String> found =
        server
            .rows(
                "SELECT count(*), sum(id::int8), sum(length(name)), sum(amount), sum(price)::int8"
                    + " FROM bench_items")
            .get(0);
    long sets = rows / Workload.ITEMS;
    List<String> expected =
        Stream.of(
                rows,
                sets * Item.ITEMS.stream().mapToLong(Item::id).sum(),
                sets * Item.ITEMS.stream().mapToLong(item -> item.name().length()).sum(),
                sets * Item.ITEMS.stream().mapToLong(Item::amount).sum(),
                (long) (sets * Item.ITEMS.stream().mapToDouble(Item::price).sum()))
            .map(String::valueOf)
            .toList();
    if (!found.equals(expected)) {
      throw new IOException(contender + " wrote " + found + ", not " + expected);
    }
    server.sql("TRUNCATE bench_items");
  }

  private void stopAll() {
    runners.values().forEach(Runner::close);
    runners.clear();
  }

  private void end() throws IOException {
    stopAll();
    if (replay != null) {
      replay.close();
    }
    if (slow != null) {
      slow.close();
    }
  }

  /** What this program was loaded from: by Maven's exec:java that is no java.class.path. */
  static String classPath() {
    if (!(SideBySide.class.getClassLoader() instanceof URLClassLoader loader)) {
      return System.getProperty("java.class.path");
    }
    return Stream.of(loader.getURLs())
        .map(url -> Path.of(URI.create(url.toString())).toString())
        .collect(Collectors.joining(File.pathSeparator));
  }
}
