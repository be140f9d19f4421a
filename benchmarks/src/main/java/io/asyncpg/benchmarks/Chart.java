package io.asyncpg.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The figures beside the best peer's, as a picture: a line for each cell, a dot for each client, a
 * panel each for throughput, CPU and allocation, on a logarithmic scale. The best peer is at 1.
 */
final class Chart {
  private static final int LABELS = 300;
  private static final int PANEL = 270;
  private static final int GAP = 36;
  private static final int TOP = 136;
  private static final int LINE = 30;
  private static final double LEAST = 0.125;
  private static final double MOST = 8;
  private static final List<Double> TICKS = List.of(0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0);
  private static final List<Goal.Measure> MEASURES = Report.COMPARED;

  private final StringBuilder svg = new StringBuilder();
  private final List<Cell> cells;
  private final int width = LABELS + MEASURES.size() * (PANEL + GAP);
  private final int height;

  private Chart(List<Cell> cells) {
    this.cells = cells;
    this.height = TOP + cells.size() * LINE + 24;
  }

  static String of(List<Cell> cells) {
    return new Chart(cells).draw();
  }

  private void add(String element, Object... values) {
    svg.append(String.format(Locale.ROOT, element, values)).append('\n');
  }

  private String draw() {
    add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\""
            + " font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\">",
        width, height, width, height);
    add("<rect width=\"%d\" height=\"%d\" rx=\"10\" fill=\"#ffffff\"/>", width, height);
    add(
        "<text x=\"20\" y=\"32\" font-size=\"18\" font-weight=\"600\" fill=\"#1a1a1a\">asyncpg for"
            + " Java beside its peers</text>");
    add(
        "<text x=\"20\" y=\"52\" font-size=\"12\" fill=\"#666\">median of interleaved slices, as a"
            + " multiple of the best peer’s; the thick tick is what we must reach</text>");
    legend();
    for (int line = 0; line < cells.size(); line++) {
      if (line % 2 == 0) {
        add(
            "<rect x=\"10\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\" fill=\"#f6f6f4\"/>",
            TOP + line * LINE, width - 20, LINE);
      }
      add(
          "<text x=\"20\" y=\"%d\" font-size=\"12\" fill=\"#1a1a1a\">%s</text>",
          TOP + line * LINE + 19, label(cells.get(line)));
    }
    for (int panel = 0; panel < MEASURES.size(); panel++) {
      panel(MEASURES.get(panel), LABELS + panel * (PANEL + GAP));
    }
    return svg.append("</svg>\n").toString();
  }

  private static String label(Cell cell) {
    return switch (cell.workload) {
          case BYTES -> "1,000 × bytea(128), text(128)";
          case MILLION_BOUNDED -> "1M × 8, 5,000 at a time, 64 MB heap";
          case REPLAYED -> "1M × 8 whole, replayed, one core";
          case REPLAYED_BOUNDED -> "1M × 8 in portions, replayed, one core";
          case COLD_TOGETHER -> "200 cold statements at once";
          default -> cell.workload.title;
        }
        + (cell.connections > 1 ? ", ×" + cell.connections : "");
  }

  private void legend() {
    int x = 20;
    int y = 73;
    for (String contender : SideBySide.CONTENDERS) {
      if (cells.stream().noneMatch(cell -> cell.results.containsKey(contender))) {
        continue;
      }
      String name = Report.called(contender).replaceAll("[*`]", "");
      int length = 34 + (int) (name.length() * 6.1);
      if (x + length > width) {
        x = 20;
        y += 18;
      }
      dot(contender, x + 6, y);
      add(
          "<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"#333\"%s>%s</text>",
          x + 16, y + 4, contender.equals("asyncpg") ? " font-weight=\"600\"" : "", name);
      x += length;
    }
  }

  private void panel(Goal.Measure measure, int left) {
    int bottom = TOP + cells.size() * LINE;
    add(
        "<text x=\"%d\" y=\"118\" font-size=\"12\" font-weight=\"600\" fill=\"#1a1a1a\">%s"
            + " <tspan font-weight=\"400\" fill=\"#666\">%s</tspan></text>",
        left,
        measure == Goal.Measure.THROUGHPUT
            ? "Throughput"
            : measure == Goal.Measure.CPU ? "CPU per operation" : "Bytes allocated",
        measure.moreIsBetter ? "more is better →" : "← less is better");
    for (double tick : TICKS) {
      double x = left + at(tick);
      add(
          "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\" stroke-width=\"1\"/>",
          x, TOP - 4, x, bottom + 4, tick == 1 ? "#1a1a1a" : "#dddddd");
      add(
          "<text x=\"%.1f\" y=\"%d\" font-size=\"10\" text-anchor=\"middle\" fill=\"#888\">%s</text>",
          x, bottom + 17, tick < 1 ? "1/" + Math.round(1 / tick) : Math.round(tick) + "×");
    }
    for (int line = 0; line < cells.size(); line++) {
      Cell cell = cells.get(line);
      double y = TOP + line * LINE + LINE / 2.0;
      goal(cell, measure, left, y);
      List<String> backToFront = new ArrayList<>(SideBySide.CONTENDERS);
      Collections.reverse(backToFront);
      for (String contender : backToFront) {
        Optional<Double> ratio = cell.ratio(contender, measure);
        if (ratio.isPresent()) {
          dot(contender, left + at(ratio.get()), y);
        }
      }
    }
  }

  /** A tick where we must be. */
  private void goal(Cell cell, Goal.Measure measure, int left, double y) {
    for (Goal goal : Goal.of(cell.workload, cell.connections)) {
      Optional<Double> best = cell.bestPeer(measure).map(name -> cell.median(name, measure));
      Optional<Double> bound = goal.bound(cell);
      if (goal.ours().equals(Report.OURS)
          && goal.measure() == measure
          && best.isPresent()
          && bound.isPresent()) {
        double x = left + at(bound.get() / best.get());
        add(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#d9480f\""
                + " stroke-width=\"3\" stroke-opacity=\"0.45\"/>",
            x, y - 11, x, y + 11);
      }
    }
  }

  /** Where on the scale, no further than its ends. */
  private static double at(double ratio) {
    double kept = Math.max(LEAST, Math.min(MOST, ratio));
    return Math.log(kept / LEAST) / Math.log(MOST / LEAST) * PANEL;
  }

  /** Ours is a diamond; a variant of a client is hollow. */
  private void dot(String contender, double x, double y) {
    String colour =
        switch (contender) {
          case "asyncpg", "asyncpg-await", "asyncpg-insert", "asyncpg-pool" -> "#d9480f";
          case "pgjdbc", "pgjdbc-rewrite" -> "#1971c2";
          case "vertx", "vertx-1" -> "#7048e8";
          case "r2dbc" -> "#2b8a3e";
          case "asyncpg-python" -> "#b08900";
          default -> "#868e96";
        };
    boolean hollow =
        contender.endsWith("-await")
            || contender.endsWith("-insert")
            || contender.endsWith("-pool")
            || contender.endsWith("-rewrite")
            || contender.endsWith("-1");
    if (contender.startsWith("asyncpg") && !contender.equals("asyncpg-python")) {
      double r = hollow ? 5 : 7;
      add(
          "<path d=\"M%.1f %.1fl%.1f %.1fl-%.1f %.1fl-%.1f -%.1fz\" fill=\"%s\" stroke=\"%s\""
              + " stroke-width=\"1.5\"/>",
          x, y - r, r, r, r, r, r, r, hollow ? "#ffffff" : colour, hollow ? colour : "#ffffff");
    } else {
      add(
          "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" fill=\"%s\" stroke=\"%s\""
              + " stroke-width=\"1.5\"/>",
          x, y, hollow ? "#ffffff" : colour, hollow ? colour : "#ffffff");
    }
  }
}
