package io.asyncpg.benchmarks;

import io.asyncpg.testkit.FaultyProxy;
import io.asyncpg.testkit.TestServer;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
          "pgjdbc",
          "pgjdbc-rewrite",
          "vertx",
          "vertx-1",
          "r2dbc",
          "asyncpg-python",
          "pgbench");

  /** How long and how often. */
  private record Pace(
      long burnInMillis,
      int warmUps,
      long warmUpMillis,
      int rounds,
      long millis,
      int heavyRounds) {}

  private static final Pace QUICK = new Pace(600, 1, 500, 3, 250, 1);
  private static final Pace FULL = new Pace(2_000, 3, 700, 5, 700, 3);

  private final TestServer server;
  private final Pace pace;
  private final List<String> contenders;
  private final Map<String, Runner> runners = new LinkedHashMap<>();
  private final Map<String, String> versions = new LinkedHashMap<>();
  private @Nullable Runner replay;
  private @Nullable FaultyProxy slow;

  private SideBySide(TestServer server, boolean full, List<String> contenders) {
    this.server = server;
    this.pace = full ? FULL : QUICK;
    this.contenders = contenders;
  }

  public static void main(String[] args) throws Exception {
    Instant start = Instant.now();
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
    List<String> contenders =
        options.containsKey("--clients") ? list(options.get("--clients")) : installed();
    try (TestServer server =
        TestServer.start(
            Map.of(
                "shared_buffers", "512MB",
                "max_wal_size", "4GB",
                "autovacuum", "off",
                "jit", "off",
                "max_parallel_workers_per_gather", "0"))) {
      server.sql(Workload.tables());
      SideBySide race = new SideBySide(server, full, contenders);
      List<Cell> cells = new ArrayList<>();
      try {
        for (Workload workload : workloads) {
          for (int count : workload.connections()) {
            if (connections.contains(String.valueOf(count))) {
              Cell cell = race.measure(workload, count);
              cells.add(cell);
              OUT.println(Report.section(cell));
            }
          }
        }
      } finally {
        race.end();
      }
      Report report =
          new Report(
              cells,
              full ? "full" : "quick",
              race.versions,
              String.valueOf(server.value("SHOW server_version")),
              Duration.between(start, Instant.now()));
      OUT.println(report.summary());
      String out = options.get("--out");
      if (out != null) {
        Files.createDirectories(Path.of(out));
        Files.writeString(Path.of(out, "README.md"), report.page());
        Files.writeString(Path.of(out, "side-by-side.svg"), Chart.of(cells));
        OUT.println("Written to " + out);
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

  private Cell measure(Workload workload, int connections) throws IOException {
    Cell cell = new Cell(workload, connections);
    List<String> able =
        contenders.stream().filter(name -> Contender.takes(name, workload)).toList();
    boolean weigh = workload == Workload.MILLION || workload == Workload.REPLAYED;
    int warmUps = workload.heavy() ? 1 : pace.warmUps;
    int rounds = workload.heavy() ? pace.heavyRounds : pace.rounds;
    Map<String, Long> weights = new LinkedHashMap<>();
    for (int round = -warmUps; round < rounds; round++) {
      long millis =
          workload.heavy()
              ? round < 0 && weigh ? -1 : 0
              : round < 0 ? pace.warmUpMillis : pace.millis;
      for (String contender : able) {
        if (cell.failures.containsKey(contender)) {
          continue;
        }
        try {
          Result result = slice(contender, workload, connections, millis);
          if (millis < 0) {
            weights.put(contender, result.live());
          }
          if (round >= 0) {
            cell.add(contender, result.weighing(weights.getOrDefault(contender, 0L)));
          }
        } catch (IOException failure) {
          cell.failures.put(contender, String.valueOf(failure.getMessage()));
          stop(contender, workload);
        }
      }
    }
    if (workload.place() != Workload.Place.ROOMY) {
      able.forEach(contender -> stop(contender, workload));
    }
    cell.agree();
    return cell;
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

  private void stop(String contender, Workload workload) {
    Runner runner = runners.remove(contender + " " + workload.place());
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

  /** A network that takes a millisecond each way. */
  private FaultyProxy slow() {
    if (slow == null) {
      slow = FaultyProxy.before(server);
      slow.delay(Duration.ofMillis(1));
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

  private void end() {
    runners.values().forEach(Runner::close);
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
