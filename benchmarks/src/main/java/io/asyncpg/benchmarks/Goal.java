package io.asyncpg.benchmarks;

import java.util.List;
import java.util.Locale;

/**
 * What this client must reach in a cell: a figure no worse than a multiple of the best peer's, or
 * than a bound.
 *
 * @param ofPeer whether the limit is a multiple of the best peer's figure
 */
record Goal(Measure measure, double limit, boolean ofPeer) {
  enum Measure {
    THROUGHPUT("throughput", true),
    CPU("CPU", false),
    ALLOCATED("bytes allocated", false),
    LIVE("live MiB", false);

    final String title;
    final boolean moreIsBetter;

    Measure(String title, boolean moreIsBetter) {
      this.title = title;
      this.moreIsBetter = moreIsBetter;
    }

    double of(Result result) {
      return switch (this) {
        case THROUGHPUT -> result.perSecond();
        case CPU -> result.cpuMicros();
        case ALLOCATED -> result.allocatedBytes();
        case LIVE -> result.live() / (double) (1 << 20);
      };
    }
  }

  private static Goal faster(double ratio) {
    return new Goal(Measure.THROUGHPUT, ratio, true);
  }

  private static Goal cpu(double ratio) {
    return new Goal(Measure.CPU, ratio, true);
  }

  private static Goal allocated(double ratio) {
    return new Goal(Measure.ALLOCATED, ratio, true);
  }

  private static Goal bytes(double most) {
    return new Goal(Measure.ALLOCATED, most, false);
  }

  static List<Goal> of(Workload workload, int connections) {
    return switch (workload) {
      case SELECT_1 ->
          connections == 1 ? List.of(faster(1), cpu(1), bytes(400)) : List.of(faster(1), cpu(0.9));
      case ONE_ROW ->
          connections == 1 ? List.of(faster(1), cpu(1), bytes(550)) : List.of(faster(1), cpu(0.9));
      case MIXED -> List.of(cpu(0.6), allocated(0.4));
      case INTS -> List.of(cpu(0.5), bytes(25_000));
      case BYTES -> List.of(cpu(0.8), allocated(0.8));
      case ARRAYS -> List.of(cpu(0.5), bytes(1_300_000));
      case MILLION -> List.of(cpu(0.5), bytes(350), new Goal(Measure.LIVE, 160, false));
      case MILLION_BOUNDED -> List.of(faster(1.1), cpu(0.8));
      case REPLAYED, REPLAYED_BOUNDED -> List.of(faster(2));
      case EXECUTE_MANY -> List.of(faster(1.1));
      case COPY_IN -> List.of(faster(1), cpu(1.5));
      case IN_FLIGHT -> List.of(faster(1.3), cpu(0.7), bytes(550));
      case COLD, COLD_TOGETHER -> List.of(faster(1));
    };
  }

  boolean metBy(double figure, double best) {
    double bound = ofPeer ? limit * best : limit;
    return measure.moreIsBetter ? figure >= bound : figure <= bound;
  }

  @Override
  public String toString() {
    return measure.title
        + (measure.moreIsBetter ? " ≥ " : " ≤ ")
        + (ofPeer
            ? String.format(Locale.ROOT, "%.1f×", limit)
            : String.format(Locale.ROOT, "%,.0f", limit));
  }
}
