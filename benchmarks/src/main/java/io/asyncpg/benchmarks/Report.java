package io.asyncpg.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What was measured, in Markdown: as it comes, so that a run that is cut leaves what it has. */
final class Report {
  static final String OURS = "asyncpg";

  /** The page's name. */
  static final String PAGE = "side-by-side.md";

  /** What is compared in every cell. */
  static final List<Goal.Measure> COMPARED =
      List.of(Goal.Measure.THROUGHPUT, Goal.Measure.CPU, Goal.Measure.ALLOCATED);

  private final List<Cell> cells = new ArrayList<>();
  private final String kind;
  private final String serverVersion;
  private final int planned;
  private int measured;
  private final Instant start = Instant.now();

  /**
   * @param planned how often cells will be added
   */
  Report(String kind, String serverVersion, int planned) {
    this.kind = kind;
    this.serverVersion = serverVersion;
    this.planned = planned;
  }

  /** Takes a cell, or once more one that has new figures. */
  void add(Cell cell) {
    measured++;
    if (!cells.contains(cell)) {
      cells.add(cell);
    }
  }

  /** Writes the page and the chart of what is there until now. */
  void write(Path directory, Collection<String> versions) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve(PAGE), page(versions));
    Files.writeString(directory.resolve("side-by-side.svg"), Chart.of(cells));
  }

  /** How a contender is called on paper. */
  static String called(String contender) {
    return switch (contender) {
      case OURS -> "**asyncpg for Java**";
      case "asyncpg-await" -> "asyncpg for Java, `await`";
      case "asyncpg-insert" -> "asyncpg for Java, `insertMany`";
      case "asyncpg-pool" -> "asyncpg for Java, from a pool";
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
    List<Goal.Measure> more =
        Stream.of(Goal.Measure.LIVE, Goal.Measure.ROUND_TRIPS)
            .filter(
                measure ->
                    cell.results.keySet().stream().anyMatch(c -> cell.median(c, measure) > 0))
            .toList();
    more.forEach(measure -> text.append(' ').append(measure.title).append(" |"));
    text.append("\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
        .append("--:|".repeat(more.size()))
        .append('\n');
    cell.results.forEach(
        (contender, all) -> {
          text.append("| ").append(called(contender));
          for (Goal.Measure measure : COMPARED) {
            boolean known = cell.median(contender, measure) > 0;
            text.append(" | ").append(known ? Result.spread(all, measure::of) : "–");
            text.append(" | ").append(cell.ratio(contender, measure).map(Report::times).orElse(""));
          }
          text.append(" | ").append(Result.figure(Result.median(all, Result::p50)));
          double p99 = Result.median(all, Result::p99);
          text.append(" | ").append(p99 > 0 ? Result.figure(p99) : "–");
          double peak = all.stream().mapToDouble(Goal.Measure.PEAK::of).max().orElse(0);
          text.append(" | ")
              .append(peak > 0 && !contender.equals("asyncpg-python") ? Result.figure(peak) : "–");
          for (Goal.Measure measure : more) {
            double figure = cell.median(contender, measure);
            text.append(" | ").append(figure > 0 ? Result.figure(figure) : "–");
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

  static String times(double ratio) {
    return String.format(Locale.ROOT, "%.2f×", ratio);
  }

  /** Ours beside the best peer, and what it must reach. */
  String summary() {
    StringBuilder text = new StringBuilder();
    text.append("| workload | throughput | CPU | bytes allocated | must reach (ours) | |\n");
    text.append("|---|--:|--:|--:|---|---|\n");
    for (Cell cell : cells) {
      text.append("| ").append(cell.title());
      for (Goal.Measure measure : COMPARED) {
        text.append(" | ").append(cell.ratio(OURS, measure).map(Report::times).orElse("–"));
      }
      List<String> wanted = new ArrayList<>();
      Map<Goal.Verdict, List<String>> verdicts = new EnumMap<>(Goal.Verdict.class);
      for (Goal goal : Goal.of(cell.workload, cell.connections)) {
        wanted.add(goal.in(cell));
        verdicts.computeIfAbsent(goal.judge(cell), verdict -> new ArrayList<>()).add(goal.title());
      }
      text.append(" | ").append(String.join(", ", wanted));
      text.append(" | ").append(said(verdicts));
      text.append(" |\n");
    }
    return text.toString();
  }

  private static String said(Map<Goal.Verdict, List<String>> verdicts) {
    List<String> words = new ArrayList<>();
    verdicts.forEach(
        (verdict, goals) -> {
          switch (verdict) {
            case MET ->
                words.add("✓" + (verdicts.size() == 1 ? "" : " " + String.join(", ", goals)));
            case WITHIN_NOISE -> words.add("within noise: " + String.join(", ", goals));
            case OPEN -> words.add("open: " + String.join(", ", goals));
            case NOT_JUDGED -> words.add("not judged: " + String.join(", ", goals));
          }
        });
    return String.join("; ", words);
  }

  private String page(Collection<String> versions) throws IOException {
    try (var template = Report.class.getResourceAsStream(PAGE)) {
      if (template == null) {
        throw new IOException(PAGE + " is not on the class path");
      }
      StringBuilder sections = new StringBuilder();
      cells.forEach(cell -> sections.append(section(cell)).append('\n'));
      long minutes = Math.round(Duration.between(start, Instant.now()).toSeconds() / 60.0);
      return new String(template.readAllBytes(), StandardCharsets.UTF_8)
          .replace("{kind}", kind)
          .replace("{date}", LocalDate.now(ZoneOffset.UTC).toString())
          .replace("{minutes}", minutes == 1 ? "a minute" : minutes + " minutes")
          .replace(
              "{part}",
              measured == planned
                  ? ""
                  : " It was cut: " + measured + " measurements of " + planned + " are here.")
          .replace("{machine}", machine())
          .replace("{versions}", versions(versions))
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

  private String versions(Collection<String> said) {
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
    said.stream().filter(version -> !version.isEmpty()).distinct().forEach(named::add);
    return String.join(", ", named);
  }
}
