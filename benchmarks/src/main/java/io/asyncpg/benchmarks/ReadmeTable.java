package io.asyncpg.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The README's table of figures, taken from the page of the last full run. Arguments: the README
 * and the page.
 */
final class ReadmeTable {
  private static final String BEGIN = "<!-- from here: benchmarks/run readme -->";
  private static final String END = "<!-- until here -->";
  private static final Pattern DATE = Pattern.compile("measured it on (\\d{4}-\\d\\d-\\d\\d)");
  private static final Pattern CORES = Pattern.compile("- Machine: (\\d+) cores");

  /** The cell, three ratios, the goals and what became of them. */
  private static final Pattern ROW =
      Pattern.compile(
          "(?m)^\\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\| [^|]* \\| [^|]* \\|$");

  private ReadmeTable() {}

  public static void main(String[] args) throws IOException {
    refresh(Path.of(args[0]), Path.of(args[1]));
  }

  static void refresh(Path readme, Path page) throws IOException {
    Files.writeString(readme, refreshed(Files.readString(readme), Files.readString(page)));
  }

  /** The README with the figures of the page in the place of those that it has. */
  static String refreshed(String readme, String page) {
    int begin = readme.indexOf(BEGIN);
    int end = readme.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException(
          "the README has no \"" + BEGIN + "\" before \"" + END + "\"");
    }
    return readme.substring(0, begin + BEGIN.length()) + table(page) + readme.substring(end);
  }

  private static String table(String page) {
    StringBuilder text = new StringBuilder("\n[The last run](docs/performance/README.md), ");
    text.append(first(CORES, page)).append(" cores, ").append(first(DATE, page));
    text.append("; the best peer is 1.00×:\n\n");
    text.append("| | throughput | CPU | bytes allocated |\n|---|--:|--:|--:|\n");
    for (List<String> row : rows(page)) {
      text.append("| ").append(String.join(" | ", row)).append(" |\n");
    }
    return text.append('\n').toString();
  }

  /** Those on one connection: ten are for who wants to know more. */
  private static List<List<String>> rows(String page) {
    List<List<String>> rows = new ArrayList<>();
    for (MatchResult row : ROW.matcher(page).results().toList()) {
      if (!row.group(1).equals("workload") && !row.group(1).endsWith("10 connections")) {
        rows.add(List.of(row.group(1), row.group(2), row.group(3), row.group(4)));
      }
    }
    return rows;
  }

  private static String first(Pattern pattern, String page) {
    Matcher found = pattern.matcher(page);
    if (!found.find()) {
      throw new IllegalArgumentException("the page has nothing like \"" + pattern + "\"");
    }
    return Objects.requireNonNull(found.group(1));
  }
}
