package io.asyncpg.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One workload with some connections: what each contender came to. */
final class Cell {
  /** Whom ours is held against. Variants for one purpose and pgbench are not among them. */
  private static final Set<String> PEERS =
      Set.of("pgjdbc", "vertx", "vertx-1", "r2dbc", "asyncpg-python");

  final Workload workload;
  final int connections;

  /** The peers that this machine has and that can do it, whether they ran or not. */
  private final Set<String> peers;

  final Map<String, List<Result>> results = new LinkedHashMap<>();

  /** The round of each result. */
  private final Map<String, List<Integer>> rounds = new LinkedHashMap<>();

  final Map<String, String> failures = new LinkedHashMap<>();

  Cell(Workload workload, int connections, List<String> installed) {
    this.workload = workload;
    this.connections = connections;
    this.peers = new LinkedHashSet<>(installed);
    peers.retainAll(PEERS);
    peers.removeIf(name -> !Contender.takes(name, workload));
  }

  void add(String contender, int round, Result result) {
    results.computeIfAbsent(contender, name -> new ArrayList<>()).add(result);
    rounds.computeIfAbsent(contender, name -> new ArrayList<>()).add(round);
  }

  /** The checksums must be the same for all: who differs from most is out of this cell. */
  void agree() {
    Set<Long> agreed = new HashSet<>();
    results.values().forEach(all -> all.forEach(one -> agreed.add(one.checksum())));
    if (agreed.size() < 2) {
      return;
    }
    List<Long> counted =
        results.values().stream().map(all -> all.get(0).checksum()).sorted().toList();
    long most =
        Collections.max(agreed, Comparator.comparing(sum -> Collections.frequency(counted, sum)));
    for (String contender : List.copyOf(results.keySet())) {
      for (Result one : results.getOrDefault(contender, List.of())) {
        if (one.checksum() != most) {
          results.remove(contender);
          failures.put(contender, "its checksum is " + one.checksum() + ", that of most " + most);
        }
      }
    }
  }

  String title() {
    return workload.title
        + (workload.connections().size() > 1
            ? connections == 1 ? ", 1 connection" : ", " + connections + " connections"
            : "");
  }

  double median(String contender, Goal.Measure measure) {
    List<Result> all = results.get(contender);
    return all == null ? 0 : Result.median(all, measure::of);
  }

  /** The peers whose figures are missing, as they failed or were left out. */
  List<String> missingPeers() {
    return peers.stream().filter(name -> !results.containsKey(name)).toList();
  }

  /** The peer with the best figure; empty when none is known. */
  Optional<String> bestPeer(Goal.Measure measure) {
    Comparator<String> byFigure = Comparator.comparingDouble(name -> median(name, measure));
    return results.keySet().stream()
        .filter(peers::contains)
        .filter(name -> median(name, measure) > 0)
        .max(measure.moreIsBetter ? byFigure : byFigure.reversed());
  }

  /** As a multiple of the best peer's figure; empty when one of them is not known. */
  Optional<Double> ratio(String contender, Goal.Measure measure) {
    return bestPeer(measure).flatMap(best -> ratio(contender, best, measure));
  }

  /** As a multiple of a rival's figure: the median of the rounds'. Empty when one is not known. */
  Optional<Double> ratio(String contender, String rival, Goal.Measure measure) {
    double[] rounds = ratios(contender, rival, measure);
    return rounds.length == 0 || median(contender, measure) == 0 || median(rival, measure) == 0
        ? Optional.empty()
        : Optional.of(Result.middle(rounds));
  }

  /**
   * The multiples of a rival's figures, least first: each slice held against the rival's of the
   * same round, when the machine was as fast.
   */
  double[] ratios(String contender, String rival, Goal.Measure measure) {
    Map<Integer, Double> own = byRound(contender, measure);
    Map<Integer, Double> others = byRound(rival, measure);
    return own.keySet().stream()
        .filter(others::containsKey)
        .mapToDouble(round -> own.getOrDefault(round, 0.0) / others.getOrDefault(round, 0.0))
        .sorted()
        .toArray();
  }

  private Map<Integer, Double> byRound(String contender, Goal.Measure measure) {
    List<Result> all = results.getOrDefault(contender, List.of());
    Map<Integer, Double> figures = new LinkedHashMap<>();
    for (int i = 0; i < all.size(); i++) {
      figures.put(rounds.getOrDefault(contender, List.of()).get(i), measure.of(all.get(i)));
    }
    return figures;
  }

  @Override
  public String toString() {
    return workload + " ×" + connections;
  }
}
