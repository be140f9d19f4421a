package io.asyncpg.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What was measured, in Markdown. */
final class Report {
  private static final String OURS = "asyncpg";

  private final List<Cell> cells;
  private final String kind;
  private final Map<String, String> versions;
  private final String serverVersion;
  private final Duration took;

  Report(
      List<Cell> cells,
      String kind,
      Map<String, String> versions,
      String serverVersion,
      Duration took) {
    this.cells = cells;
    this.kind = kind;
    this.versions = versions;
    this.serverVersion = serverVersion;
    this.took = took;
  }

  /** How a contender is called on paper. */
  static String called(String contender) {
    return switch (contender) {
      case OURS -> "**asyncpg for Java**";
      case "asyncpg-await" -> "asyncpg for Java, `await`";
      case "asyncpg-insert" -> "asyncpg for Java, `insertMany`";
      case "pgjdbc-rewrite" -> "pgjdbc, rewriting";
      case "vertx" -> "vertx-pg-client";
      case "vertx-1" -> "vertx-pg-client, no pipelining";
      case "r2dbc" -> "r2dbc-postgresql";
      case "asyncpg-python" -> "asyncpg (Python)";
      default -> contender;
    };
  }

  /** All figures of one cell. */
  static String section(Cell cell) {
    String unit = cell.workload.unit();
    StringBuilder text = new StringBuilder();
    text.append("### ").append(cell.title()).append("\n\n");
    text.append("| client | ")
        .append(unit)
        .append("s/s | | CPU µs/")
        .append(unit)
        .append(" | | bytes allocated/")
        .append(unit)
        .append(" | | p50 µs | p99 µs | peak heap MiB |");
    boolean weighed =
        cell.results.values().stream().anyMatch(all -> all.stream().anyMatch(r -> r.live() > 0));
    text.append(weighed ? " live MiB |" : "").append('\n');
    text.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
        .append(weighed ? "--:|" : "")
        .append('\n');
    cell.results.forEach(
        (contender, all) -> {
          text.append("| ").append(called(contender));
          for (Goal.Measure measure :
              List.of(Goal.Measure.THROUGHPUT, Goal.Measure.CPU, Goal.Measure.ALLOCATED)) {
            boolean known = cell.median(contender, measure) > 0;
            text.append(" | ").append(known ? Result.spread(all, measure::of) : "–");
            text.append(" | ").append(cell.ratio(contender, measure).map(Report::times).orElse(""));
          }
          text.append(" | ").append(Result.figure(Result.median(all, Result::p50)));
          double p99 = Result.median(all, Result::p99);
          text.append(" | ").append(p99 > 0 ? Result.figure(p99) : "–");
          double peak = all.stream().mapToLong(Result::peakHeap).max().orElse(0);
          text.append(" | ")
              .append(
                  peak > 0 && !contender.equals("asyncpg-python")
                      ? Result.figure(peak / (1 << 20))
                      : "–");
          if (weighed) {
            double live = cell.median(contender, Goal.Measure.LIVE);
            text.append(" | ").append(live > 0 ? Result.figure(live) : "–");
          }
          text.append(" |\n");
        });
    cell.failures.forEach(
        (contender, why) ->
            text.append("\n")
                .append(called(contender))
                .append(" failed: ")
                .append(why)
                .append('\n'));
    return text.toString();
  }

  private static String times(double ratio) {
    return String.format(Locale.ROOT, "%.2f×", ratio);
  }

  /** Ours beside the best peer, and what it must reach. */
  String summary() {
    StringBuilder text = new StringBuilder();
    text.append("| workload | throughput | CPU | bytes allocated | must reach | |\n");
    text.append("|---|--:|--:|--:|---|---|\n");
    for (Cell cell : cells) {
      if (!cell.results.containsKey(OURS)) {
        continue;
      }
      text.append("| ").append(cell.title());
      for (Goal.Measure measure :
          List.of(Goal.Measure.THROUGHPUT, Goal.Measure.CPU, Goal.Measure.ALLOCATED)) {
        text.append(" | ").append(cell.ratio(OURS, measure).map(Report::times).orElse("–"));
      }
      List<String> wanted = new ArrayList<>();
      List<String> open = new ArrayList<>();
      for (Goal goal : Goal.of(cell.workload, cell.connections)) {
        double figure = cell.median(OURS, goal.measure());
        Optional<Double> best = cell.best(goal.measure());
        boolean known = figure > 0 && (best.isPresent() || !goal.ofPeer());
        wanted.add(goal + (goal.ofPeer() ? "" : " (" + Result.figure(figure) + ")"));
        if (known && !goal.metBy(figure, best.orElse(0.0))) {
          open.add(goal.measure().title);
        }
      }
      text.append(" | ").append(String.join(", ", wanted));
      text.append(" | ").append(open.isEmpty() ? "✓" : "open: " + String.join(", ", open));
      text.append(" |\n");
      if (cell.results.containsKey("asyncpg-insert")
          && cell.results.containsKey("pgjdbc-rewrite")) {
        text.append(bulk(cell));
      }
    }
    return text.toString();
  }

  /** insertMany has a peer of its own: pgjdbc's rewriting. */
  private static String bulk(Cell cell) {
    StringBuilder text = new StringBuilder("| ");
    text.append(cell.title()).append(": `insertMany` beside pgjdbc's rewriting");
    for (Goal.Measure measure :
        List.of(Goal.Measure.THROUGHPUT, Goal.Measure.CPU, Goal.Measure.ALLOCATED)) {
      double ratio =
          cell.median("asyncpg-insert", measure) / cell.median("pgjdbc-rewrite", measure);
      text.append(" | ").append(times(ratio));
    }
    boolean met =
        cell.median("asyncpg-insert", Goal.Measure.THROUGHPUT)
            >= cell.median("pgjdbc-rewrite", Goal.Measure.THROUGHPUT);
    return text.append(" | throughput ≥ 1.0× | ")
        .append(met ? "✓" : "open: throughput")
        .append(" |\n")
        .toString();
  }

  /** The page for docs. */
  String page() throws IOException {
    try (var template = Report.class.getResourceAsStream("performance.md")) {
      if (template == null) {
        throw new IOException("performance.md is not on the class path");
      }
      StringBuilder sections = new StringBuilder();
      cells.forEach(cell -> sections.append(section(cell)).append('\n'));
      return new String(template.readAllBytes(), StandardCharsets.UTF_8)
          .replace("{kind}", kind)
          .replace("{date}", LocalDate.now(ZoneOffset.UTC).toString())
          .replace("{minutes}", String.valueOf(Math.round(took.toSeconds() / 60.0)))
          .replace("{machine}", machine())
          .replace("{versions}", versions())
          .replace("{summary}", summary())
          .replace("{sections}", sections.toString().stripTrailing());
    }
  }

  static String machine() throws IOException {
    Path info = Path.of("/proc/cpuinfo");
    String processor = System.getProperty("os.arch");
    if (Files.isReadable(info)) {
      Matcher name = Pattern.compile("model name\\s*: (.*)").matcher(Files.readString(info));
      if (name.find()) {
        processor = name.group(1);
      }
    }
    return Runtime.getRuntime().availableProcessors()
        + " cores of an "
        + processor
        + ", "
        + System.getProperty("os.name")
        + " "
        + System.getProperty("os.version")
        + ", Java "
        + System.getProperty("java.version")
        + " with ParallelGC";
  }

  private String versions() {
    String path = SideBySide.classPath();
    List<String> named = new ArrayList<>();
    named.add("PostgreSQL " + serverVersion + " over loopback");
    for (String artifact :
        List.of("postgresql", "vertx-pg-client", "r2dbc-postgresql", "netty-transport")) {
      Matcher jar = Pattern.compile("[/\\\\]" + artifact + "-(\\d[\\w.]*)\\.jar").matcher(path);
      if (jar.find()) {
        named.add((artifact.equals("postgresql") ? "pgjdbc" : artifact) + " " + jar.group(1));
      }
    }
    versions.values().stream().filter(said -> !said.isEmpty()).distinct().forEach(named::add);
    return String.join(", ", named);
  }
}
