package io.asyncpg.benchmarks;

/** What is measured. Every contender answers each with the same checksum. */
enum Workload {
  /** {@code SELECT 1+1} on one connection, one after the other. */
  SELECT_1_PLUS_1("SELECT 1+1", "SELECT 1+1, 1 connection", 1),

  /** One row by its key on one connection, one after the other. */
  ONE_ROW("SELECT id, name, amount FROM bench_rows WHERE id = $1", "one row by key", 1),

  /** 1,001 rows of one int4. */
  INTS_1001("SELECT i FROM bench_ints", "1,001 int4 rows", 1),

  /** 500 rows of 20 columns of mixed types. */
  MIXED_500("SELECT * FROM bench_mixed", "500 rows x 20 mixed columns", 1),

  /** One row by its key on one connection, 64 in flight. */
  IN_FLIGHT_64(
      "SELECT id, name, amount FROM bench_rows WHERE id = $1",
      "one row by key, 64 in flight, 1 connection",
      64);

  final String sql;
  final String title;
  final int inFlight;

  Workload(String sql, String title, int inFlight) {
    this.sql = sql;
    this.title = title;
    this.inFlight = inFlight;
  }
}
