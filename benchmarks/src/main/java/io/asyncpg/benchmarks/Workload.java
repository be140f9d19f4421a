package io.asyncpg.benchmarks;

import java.util.List;

/** What is measured. Every contender answers each operation of one with the same checksum. */
enum Workload {
  SELECT_1("SELECT 1+1", "SELECT 1+1", true),
  ONE_ROW("SELECT id, name, amount FROM bench_rows WHERE id = $1", "one row by key", true),
  MIXED("SELECT * FROM bench_mixed", "500 rows × 20 mixed columns", true),
  INTS("SELECT i FROM bench_ints", "1,001 rows of int4", true),
  BYTES("SELECT b, t FROM bench_bytes", "1,000 rows of bytea(128), text(128)", true),
  ARRAYS("SELECT a FROM bench_arrays", "100 rows of int4[1000]", true),
  MILLION("SELECT * FROM bench_million", "1M rows × 8 columns, whole", false),
  MILLION_BOUNDED(
      "SELECT * FROM bench_million", "1M rows × 8 columns, 5,000 at a time, 64 MB heap", false),
  REPLAYED("SELECT * FROM bench_million", "1M × 8 whole, replayed, one core", false),
  REPLAYED_BOUNDED(
      "SELECT * FROM bench_million", "1M × 8, 5,000 at a time, replayed, one core", false),
  EXECUTE_MANY(
      "INSERT INTO bench_items (id, name, amount, price) VALUES ($1, $2, $3, $4)",
      "executeMany of 10,000 rows × 4",
      true),
  COPY_IN("bench_items", "COPY in of 1M records × 4", false),
  IN_FLIGHT(
      "SELECT id, name, amount FROM bench_rows WHERE id = $1",
      "one row by key, 64 in flight",
      false),
  COLD(
      "SELECT id, name, amount FROM bench_rows WHERE id = $1",
      "200 cold statements, 1 ms round trip",
      false),
  COLD_TOGETHER(
      "SELECT id, name, amount FROM bench_rows WHERE id = $1",
      "200 cold statements at once, 1 ms round trip",
      false);

  /** Where a contender's process runs. */
  enum Place {
    ROOMY("-Xmx2g"),
    /** What is read in portions must fit. */
    NARROW("-Xmx64m"),
    /** Alone on the first core; its server is on the second. */
    ONE_CORE("-Xmx2g");

    final String heap;

    Place(String heap) {
      this.heap = heap;
    }
  }

  /** Keys are 1 to this. */
  static final int KEYS = 10_000;

  /** How many rows an executeMany brings. */
  static final int ITEMS = 10_000;

  static final int MILLION_ROWS = 1_000_000;
  static final int PORTION = 5_000;
  static final int COLD_STATEMENTS = 200;

  final String sql;
  final String title;
  private final boolean withTen;

  Workload(String sql, String title, boolean withTen) {
    this.sql = sql;
    this.title = title;
    this.withTen = withTen;
  }

  /** With how many connections it is run. */
  List<Integer> connections() {
    return withTen ? List.of(1, 10) : List.of(1);
  }

  /** How many operations run at a time on each connection. */
  int inFlight() {
    return this == IN_FLIGHT ? 64 : 1;
  }

  boolean byKey() {
    return this == ONE_ROW || this == IN_FLIGHT;
  }

  boolean cold() {
    return this == COLD || this == COLD_TOGETHER;
  }

  boolean bounded() {
    return this == MILLION_BOUNDED || this == REPLAYED_BOUNDED;
  }

  boolean replayed() {
    return this == REPLAYED || this == REPLAYED_BOUNDED;
  }

  /** Whether rows arrive in {@code bench_items}, which is emptied after each slice. */
  boolean writes() {
    return this == EXECUTE_MANY || this == COPY_IN;
  }

  /** Whether a slice is as few operations as may be, as each takes long. */
  boolean heavy() {
    return this == MILLION || bounded() || replayed() || this == COPY_IN || cold();
  }

  /** What figures are per: the rows of an operation where they are many, else the operation. */
  int units() {
    return switch (this) {
      case MILLION, MILLION_BOUNDED, REPLAYED, REPLAYED_BOUNDED, COPY_IN -> MILLION_ROWS;
      case EXECUTE_MANY -> ITEMS;
      default -> 1;
    };
  }

  String unit() {
    return units() == 1 ? "operation" : "row";
  }

  Place place() {
    return replayed() ? Place.ONE_CORE : this == MILLION_BOUNDED ? Place.NARROW : Place.ROOMY;
  }

  /** A statement that no connection has seen under this number. */
  String coldSql(int number) {
    return sql + " /* " + number + " */";
  }

  /** What the row of a key comes to, folded. */
  static long expected(int key) {
    return key + (10 * 31 + '0' + key % 10) + key * 100L;
  }

  /** SQL that makes the tables. */
  static String[] tables() {
    return new String[] {
      "CREATE TABLE bench_rows(id int4 PRIMARY KEY, name text NOT NULL, amount int8 NOT NULL)",
      "INSERT INTO bench_rows SELECT i, 'name ' || lpad(i::text, 5, '0'), i * 100 FROM"
          + " generate_series(1, "
          + KEYS
          + ") i",
      "CREATE TABLE bench_ints AS SELECT i::int4 FROM generate_series(1, 1001) i",
      "CREATE TABLE bench_mixed AS SELECT "
          + mixedColumns("a")
          + ", "
          + mixedColumns("b")
          + " FROM generate_series(1, 500) i",
      "CREATE TABLE bench_bytes AS SELECT decode(repeat(md5(i::text), 8), 'hex') AS b,"
          + " repeat(md5(i::text), 4) AS t FROM generate_series(1, 1000) i",
      "CREATE TABLE bench_arrays AS SELECT (SELECT array_agg((i * 1000 + j)::int4) FROM"
          + " generate_series(1, 1000) j) AS a FROM generate_series(1, 100) i",
      "CREATE UNLOGGED TABLE bench_million AS SELECT i::int4 AS id, i::int8 * 1000003 AS big,"
          + " 'text number ' || i AS txt, timestamptz '2026-01-01 00:00:00Z' + i * interval '1.5"
          + " s' AS at, i::float8 * 1.5 AS f, ((i % 50000 + 1) * 12.34)::numeric(12, 2) AS n, i % 2 ="
          + " 0 AS b, md5(i::text)::uuid AS u FROM generate_series(1, "
          + MILLION_ROWS
          + ") i",
      "CREATE UNLOGGED TABLE bench_items(id int4, name text, amount int8, price float8)",
      "VACUUM (ANALYZE, FREEZE) bench_rows",
      "VACUUM (ANALYZE, FREEZE) bench_ints",
      "VACUUM (ANALYZE, FREEZE) bench_mixed",
      "VACUUM (ANALYZE, FREEZE) bench_bytes",
      "VACUUM (ANALYZE, FREEZE) bench_arrays",
      "VACUUM (ANALYZE, FREEZE) bench_million"
    };
  }

  private static String mixedColumns(String prefix) {
    List<String> columns =
        List.of(
            "i::int4",
            "i::int8 * 1000000007",
            "'text number ' || i",
            "timestamptz '2026-01-01 00:00:00Z' + i * interval '61.5 s'",
            "i::float8 * 1.5",
            "(i * 12.34)::numeric(12, 2)",
            "i % 2 = 0",
            "md5(i::text)::uuid",
            "(i % 128)::int4",
            "repeat('x', i % 40)");
    StringBuilder named = new StringBuilder();
    for (int c = 0; c < columns.size(); c++) {
      named
          .append(c == 0 ? "" : ", ")
          .append(columns.get(c))
          .append(" AS ")
          .append(prefix)
          .append(c);
    }
    return named.toString();
  }
}
