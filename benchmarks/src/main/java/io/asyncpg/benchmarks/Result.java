package io.asyncpg.benchmarks;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What one slice came to. Per unit of its workload, that is per operation or per row; times of an
 * operation as a whole.
 *
 * @param allocatedBytes 0 where nobody knows
 * @param peakHeap 0 where nobody knows
 * @param live 0 unless it was weighed
 * @param roundTrips of an operation; 0 unless they were counted
 */
record Result(
    long operations,
    double perSecond,
    double cpuMicros,
    double allocatedBytes,
    double p50,
    double p99,
    long peakHeap,
    long live,
    double roundTrips,
    long checksum) {

  /** Reads the line of a contender's process. */
  static Result parse(String line, Workload workload) {
    String[] words = line.split(" ", -1);
    long operations = Math.max(1, Long.parseLong(words[1]));
    double units = (double) operations * workload.units();
    double p50 = Double.parseDouble(words[5]);
    return new Result(
        operations,
        // Connecting is no part of what is cold.
        workload.cold() ? 1e6 / p50 : units * 1e9 / Long.parseLong(words[2]),
        Long.parseLong(words[3]) / 1e3 / units,
        Long.parseLong(words[4]) / units,
        p50,
        Double.parseDouble(words[6]),
        Long.parseLong(words[7]),
        Long.parseLong(words[8]),
        0,
        Long.parseLong(words[9]));
  }

  /** The same, with what others found: what its result weighs, and the round trips. */
  Result with(long bytesLive, double trips) {
    return new Result(
        operations,
        perSecond,
        cpuMicros,
        allocatedBytes,
        p50,
        p99,
        peakHeap,
        bytesLive,
        trips,
        checksum);
  }

  static double median(List<Result> results, ToDoubleFunction<Result> of) {
    return middle(results.stream().mapToDouble(of).sorted().toArray());
  }

  /** The middle of figures that are sorted. */
  static double middle(double[] sorted) {
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }

  /** {@code median (least–greatest)}. */
  static String spread(List<Result> results, ToDoubleFunction<Result> of) {
    double[] sorted = results.stream().mapToDouble(of).sorted().toArray();
    return figure(middle(sorted))
        + " ("
        + figure(sorted[0])
        + "–"
        + figure(sorted[sorted.length - 1])
        + ")";
  }

  /** Three digits that mean something. */
  static String figure(double value) {
    String format =
        value >= 99.5 ? "%,.0f" : value >= 9.95 ? "%.1f" : value >= 0.995 ? "%.2f" : "%.3f";
    return String.format(Locale.ROOT, format, value);
  }
}
