package io.asyncpg.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * What this client must reach in a cell: a figure no worse than a multiple of a rival's, or than a
 * number.
 *
 * @param ours which way of using this client
 * @param limit the number, or the multiple of the rival's figure
 */
record Goal(String ours, Measure measure, double limit, Rival rival) {
  enum Measure {
    THROUGHPUT("throughput", true),
    CPU("CPU", false),
    ALLOCATED("bytes allocated", false),
    LIVE("live MiB", false),
    PEAK("peak heap MiB", false),
    ROUND_TRIPS("round trips", false);

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
        case PEAK -> result.peakHeap() / (double) (1 << 20);
        case ROUND_TRIPS -> result.roundTrips();
      };
    }
  }

  /** Whose figure it is held against. */
  enum Rival {
    /** Nobody's: the limit is a number. */
    NONE(""),
    BEST_PEER(""),
    PGJDBC("pgjdbc"),
    /** pgjdbc that makes one INSERT of many. */
    REWRITING("pgjdbc-rewrite");

    final String contender;

    Rival(String contender) {
      this.contender = contender;
    }
  }

  enum Verdict {
    MET,
    /** Some slices reach it and some do not. */
    WITHIN_NOISE,
    OPEN,
    /** This client, or whom it is held against, failed or did not run. */
    NOT_JUDGED
  }

  private static Goal than(Measure measure, double ratio) {
    return new Goal(Report.OURS, measure, ratio, Rival.BEST_PEER);
  }

  private static Goal faster(double ratio) {
    return than(Measure.THROUGHPUT, ratio);
  }

  private static Goal cpu(double ratio) {
    return than(Measure.CPU, ratio);
  }

  private static Goal most(Measure measure, double number) {
    return new Goal(Report.OURS, measure, number, Rival.NONE);
  }

  private static Goal bytes(double most) {
    return most(Measure.ALLOCATED, most);
  }

  static List<Goal> of(Workload workload, int connections) {
    return switch (workload) {
      case SELECT_1 ->
          connections == 1 ? List.of(faster(1), cpu(1), bytes(400)) : List.of(faster(1), cpu(0.9));
      case ONE_ROW ->
          connections == 1 ? List.of(faster(1), cpu(1), bytes(550)) : List.of(faster(1), cpu(0.9));
      case MIXED -> List.of(cpu(0.6), than(Measure.ALLOCATED, 0.4));
      case INTS -> List.of(cpu(0.5), bytes(25_000));
      case BYTES -> List.of(cpu(0.8), than(Measure.ALLOCATED, 0.8));
      case ARRAYS -> List.of(cpu(0.5), bytes(1_300_000));
      case MILLION -> List.of(cpu(0.5), bytes(350), most(Measure.LIVE, 160));
      case MILLION_BOUNDED -> List.of(faster(1.1), cpu(0.8), most(Measure.PEAK, 64));
      case REPLAYED, REPLAYED_BOUNDED -> List.of(faster(2));
      case EXECUTE_MANY ->
          List.of(faster(1.1), new Goal("asyncpg-insert", Measure.THROUGHPUT, 1, Rival.REWRITING));
      case COPY_IN -> List.of(faster(1), new Goal(Report.OURS, Measure.CPU, 1.5, Rival.PGJDBC));
      case IN_FLIGHT -> List.of(faster(1.3), cpu(0.7), bytes(550));
      case COLD ->
          List.of(
              than(Measure.ROUND_TRIPS, 1),
              new Goal("asyncpg-pool", Measure.ROUND_TRIPS, 1, Rival.BEST_PEER));
      // Two would be the least: what describes them all, and what runs them.
      case COLD_TOGETHER -> List.of(than(Measure.ROUND_TRIPS, 1), most(Measure.ROUND_TRIPS, 10));
    };
  }

  /** Whom it is held against in a cell; empty for a number, or when there is none. */
  private Optional<String> rival(Cell cell) {
    return switch (rival) {
      case NONE -> Optional.empty();
      case BEST_PEER -> cell.bestPeer(measure);
      case PGJDBC, REWRITING -> Optional.of(rival.contender).filter(cell.results::containsKey);
    };
  }

  /** Our figure, as the goal counts it: a number, or a multiple of the rival's. */
  Optional<Double> reached(Cell cell) {
    double figure = cell.median(ours, measure);
    if (figure == 0) {
      return Optional.empty();
    }
    return rival == Rival.NONE
        ? Optional.of(figure)
        : rival(cell).flatMap(name -> cell.ratio(ours, name, measure));
  }

  /** The figure that must be reached; empty when there is no rival. */
  Optional<Double> bound(Cell cell) {
    return rival == Rival.NONE
        ? Optional.of(limit)
        : rival(cell).map(name -> limit * cell.median(name, measure));
  }

  Verdict judge(Cell cell) {
    Optional<Double> reached = reached(cell);
    if (reached.isEmpty()) {
      return Verdict.NOT_JUDGED;
    }
    boolean met = meets(reached.get());
    if (Arrays.stream(slices(cell)).anyMatch(slice -> meets(slice) != met)) {
      return Verdict.WITHIN_NOISE;
    }
    if (!met) {
      return Verdict.OPEN;
    }
    // Who is not there might have been better than the best that is.
    return rival == Rival.BEST_PEER && !cell.missingPeers().isEmpty()
        ? Verdict.NOT_JUDGED
        : Verdict.MET;
  }

  private boolean meets(double reached) {
    return measure.moreIsBetter ? reached >= limit : reached <= limit;
  }

  /** What was reached in each round, without the quarter of them at each end. */
  private double[] slices(Cell cell) {
    double[] rounds =
        rival == Rival.NONE
            ? Objects.requireNonNull(cell.results.get(ours)).stream()
                .mapToDouble(measure::of)
                .sorted()
                .toArray()
            : rival(cell).map(name -> cell.ratios(ours, name, measure)).orElse(new double[0]);
    int left = rounds.length / 4;
    return Arrays.copyOfRange(rounds, left, rounds.length - left);
  }

  /** What it is about. */
  String title() {
    return (ours.equals(Report.OURS) ? "" : Report.called(ours).replaceAll(".*, ", "") + " ")
        + measure.title;
  }

  /** The goal, and in brackets what was reached. */
  String in(Cell cell) {
    String bound =
        rival == Rival.NONE
            ? String.format(Locale.ROOT, "%,.0f", limit)
            : String.format(Locale.ROOT, "%.1f×", limit);
    return title()
        + (measure.moreIsBetter ? " ≥ " : " ≤ ")
        + bound
        + (rival.contender.isEmpty() ? "" : " of " + Report.called(rival.contender))
        + " ("
        + reached(cell).map(this::figure).orElse("–")
        + ")";
  }

  private String figure(double reached) {
    return rival == Rival.NONE ? Result.figure(reached) : Report.times(reached);
  }
}
