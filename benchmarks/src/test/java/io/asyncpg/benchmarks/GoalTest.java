package io.asyncpg.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class GoalTest {
  private static final List<String> INSTALLED = List.of("asyncpg", "pgjdbc", "vertx", "r2dbc");

  private final Cell copy = new Cell(Workload.COPY_IN, 1, INSTALLED);
  private final Goal throughput = goal(Workload.COPY_IN, Goal.Measure.THROUGHPUT);
  private final Goal cpu = goal(Workload.COPY_IN, Goal.Measure.CPU);

  private static Goal goal(Workload workload, Goal.Measure measure) {
    return Goal.of(workload, 1).stream()
        .filter(goal -> goal.measure() == measure)
        .findFirst()
        .orElseThrow();
  }

  private static void slices(Cell cell, String contender, double cpu, double... perSecond) {
    for (double rate : perSecond) {
      int round = cell.results.getOrDefault(contender, List.of()).size();
      cell.add(contender, round, new Result(1, rate, cpu, 100, 1, 1, 1 << 20, 0, 0, 7));
    }
  }

  private Goal.Verdict throughput(double[] ours, double[] pgjdbcs, double[] r2dbcs) {
    slices(copy, "asyncpg", 1, ours);
    slices(copy, "pgjdbc", 1, pgjdbcs);
    slices(copy, "r2dbc", 1, r2dbcs);
    return throughput.judge(copy);
  }

  private static double[] rates(double... rates) {
    return rates;
  }

  @Test
  void aGoalThatEverySliceReachesIsMet() {
    assertThat(throughput(rates(11, 12, 13), rates(10, 10, 10), rates(9, 9, 9)))
        .isEqualTo(Goal.Verdict.MET);
    assertThat(throughput.in(copy)).isEqualTo("throughput ≥ 1.0× (1.20×)");
  }

  @Test
  void aGoalThatNoSliceReachesIsOpenWhoeverIsMissing() {
    assertThat(throughput(rates(7, 8, 9), rates(10, 10, 10), rates())).isEqualTo(Goal.Verdict.OPEN);
  }

  @Test
  void aGoalThatSomeSlicesReachIsWithinNoise() {
    assertThat(throughput(rates(9, 11, 12), rates(10, 10, 10), rates(9, 9, 9)))
        .isEqualTo(Goal.Verdict.WITHIN_NOISE);
  }

  @Test
  void aSliceIsHeldAgainstTheRivalsOfTheSameRound() {
    assertThat(throughput(rates(20, 11, 5), rates(18, 10, 4), rates(9, 9, 4)))
        .isEqualTo(Goal.Verdict.MET);
  }

  @Test
  void ofFiveSlicesOneBadOneDoesNotDecide() {
    assertThat(throughput(rates(11, 12, 3, 12, 13), rates(10, 10, 10, 10, 10), rates(9, 9)))
        .isEqualTo(Goal.Verdict.MET);
  }

  @Test
  void ofManySlicesAQuarterAtEachEndDoesNotDecide() {
    double[] tens = new double[12];
    Arrays.fill(tens, 10);
    double[] ours = {3, 12, 12, 4, 12, 5, 11, 12, 13, 12, 12, 12};
    assertThat(throughput(ours, tens, rates(9, 9))).isEqualTo(Goal.Verdict.MET);
    Cell worse = new Cell(Workload.COPY_IN, 1, INSTALLED);
    ours[1] = 6;
    slices(worse, "asyncpg", 1, ours);
    slices(worse, "pgjdbc", 1, tens);
    slices(worse, "r2dbc", 1, tens);
    assertThat(throughput.judge(worse)).isEqualTo(Goal.Verdict.WITHIN_NOISE);
  }

  /** 2, 2 and 1/2 times the rival; the medians would say 1. */
  @Test
  void aMultipleIsTheMedianOfTheRounds() {
    slices(copy, "asyncpg", 1, 20, 8, 10);
    slices(copy, "pgjdbc", 1, 10, 4, 20);
    assertThat(copy.ratio("asyncpg", "pgjdbc", Goal.Measure.THROUGHPUT)).contains(2.0);
  }

  @Test
  void aPoolThatKnowsTheStatementsIsHeldAgainstTheBestPeer() {
    Cell cold = new Cell(Workload.COLD, 1, INSTALLED);
    for (String contender : INSTALLED) {
      cold.add(contender, 0, new Result(1, 1, 1, 1, 1, 1, 1, 0, 200, 7));
    }
    cold.add("asyncpg-pool", 0, new Result(1, 1, 1, 1, 1, 1, 1, 0, 200, 7));
    Goal pool = Goal.of(Workload.COLD, 1).get(1);
    assertThat(pool.judge(cold)).isEqualTo(Goal.Verdict.MET);
    assertThat(pool.in(cold)).isEqualTo("from a pool round trips ≤ 1.0× (1.00×)");
  }

  @Test
  void whatIsReachedIsNotJudgedWhileAPeerIsMissing() {
    assertThat(throughput(rates(11, 12, 13), rates(10, 10, 10), rates()))
        .isEqualTo(Goal.Verdict.NOT_JUDGED);
    assertThat(copy.missingPeers()).containsExactly("r2dbc");
  }

  @Test
  void nothingIsJudgedWithoutOurOwnFigures() {
    assertThat(throughput(rates(), rates(10, 10, 10), rates(9, 9, 9)))
        .isEqualTo(Goal.Verdict.NOT_JUDGED);
  }

  @Test
  void theCpuOfCopyIsHeldAgainstPgjdbcWhoeverIsBetter() {
    slices(copy, "asyncpg", 1.4, 10, 10, 10);
    slices(copy, "pgjdbc", 1, 10, 10, 10);
    slices(copy, "r2dbc", 0.5, 10, 10, 10);
    assertThat(cpu.judge(copy)).isEqualTo(Goal.Verdict.MET);
    assertThat(cpu.in(copy)).isEqualTo("CPU ≤ 1.5× of pgjdbc (1.40×)");
  }

  @Test
  void insertManyIsHeldAgainstRewritingOnly() {
    Cell many = new Cell(Workload.EXECUTE_MANY, 1, INSTALLED);
    Goal bulk = Goal.of(Workload.EXECUTE_MANY, 1).get(1);
    slices(many, "asyncpg-insert", 1, 30, 30, 30);
    slices(many, "pgjdbc", 1, 50, 50, 50);
    assertThat(bulk.judge(many)).isEqualTo(Goal.Verdict.NOT_JUDGED);
    slices(many, "pgjdbc-rewrite", 1, 20, 20, 20);
    assertThat(bulk.judge(many)).isEqualTo(Goal.Verdict.MET);
    assertThat(bulk.in(many))
        .isEqualTo("`insertMany` throughput ≥ 1.0× of pgjdbc, rewriting (1.50×)");
  }

  @Test
  void aNumberNeedsNoRival() {
    Cell ints = new Cell(Workload.INTS, 1, INSTALLED);
    slices(ints, "asyncpg", 1, 1, 1, 1);
    Goal bytes = goal(Workload.INTS, Goal.Measure.ALLOCATED);
    assertThat(bytes.judge(ints)).isEqualTo(Goal.Verdict.MET);
    assertThat(bytes.in(ints)).isEqualTo("bytes allocated ≤ 25,000 (100)");
  }
}
