package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.PgClient;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowCounts;
import io.asyncpg.client.Rows;
import io.asyncpg.error.PgException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Many rows by few INSERTs: an array for each column, taken apart by {@code unnest}. Refuses what
 * could come out other than an execution for each row.
 */
public final class BulkInsert {
  /** How many rows one statement brings. */
  private static final int ROWS = 10_000;

  private static final String NAME =
      "(?:[A-Za-z_\\x{80}-\\x{ffff}][\\w$\\x{80}-\\x{ffff}]*|\"(?:[^\"]|\"\")+\")";
  private static final Pattern INSERT =
      Pattern.compile(
          "\\s*INSERT\\s+INTO\\s+(NAME(?:\\s*\\.\\s*NAME)?)\\s*\\((\\s*NAME\\s*(?:,\\s*NAME\\s*)*)\\)"
                  .replace("NAME", NAME)
              + "\\s*VALUES\\s*\\((\\s*\\$\\d+\\s*(?:,\\s*\\$\\d+\\s*)*)\\)\\s*;?\\s*",
          Pattern.CASE_INSENSITIVE);

  /** A trigger or a rule may do anything with a row; arrays and composites would be taken apart. */
  private static final String COLUMNS =
      """
      WITH RECURSIVE target AS (
        SELECT oid, relkind, relhasrules FROM pg_catalog.pg_class
        WHERE oid = $1::text::pg_catalog.regclass
      ), base AS (
        SELECT a.attname, t.oid, t.typtype, t.typbasetype, t.typcategory
        FROM target, pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = target.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT b.attname, t.oid, t.typtype, t.typbasetype, t.typcategory
        FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype
        WHERE b.typtype = 'd'
      )
      SELECT b.attname::text,
        n.nspname::text,
        t.typname::text,
        b.typcategory = 'A' OR b.typtype = 'c' OR t.typarray = 0,
        target.relkind NOT IN ('r', 'p') OR target.relhasrules OR EXISTS (
          SELECT FROM pg_catalog.pg_trigger g
          WHERE NOT g.tgisinternal AND g.tgtype & 4 <> 0 AND (g.tgrelid = target.oid OR g.tgrelid IN (
            SELECT relid FROM pg_catalog.pg_partition_tree(target.oid::pg_catalog.regclass))))
      FROM target, base b
      JOIN pg_catalog.pg_type t ON t.oid = b.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
      WHERE b.typtype <> 'd'
      """;

  /** Every row was inserted, or nothing was. */
  private record OneEach(int size) implements RowCounts {
    @Override
    public long get(int i) {
      Objects.checkIndex(i, size);
      return 1;
    }

    @Override
    public long total() {
      return size;
    }
  }

  private final String sql;
  private final String table;
  private final List<String> columns;
  private final int[] parameters;
  private final List<Object> rows;

  private BulkInsert(String sql, Matcher parts, List<Object> rows) {
    this.sql = sql;
    this.table = parts.group(1);
    this.columns = new ArrayList<>();
    Matcher names = Pattern.compile(NAME).matcher(parts.group(2));
    while (names.find()) {
      columns.add(names.group());
    }
    this.parameters =
        Pattern.compile("\\d+")
            .matcher(parts.group(3))
            .results()
            .mapToInt(number -> Integer.parseInt(number.group()) - 1)
            .toArray();
    this.rows = rows;
  }

  /**
   * Inserts rows through a client, in a transaction.
   *
   * @param client where
   * @param sql the INSERT of one row
   * @param rows the rows; read before this returns
   * @return a count of one for each row
   */
  public static PgFuture<RowCounts> run(PgClient client, String sql, Collection<?> rows) {
    Matcher parts = INSERT.matcher(sql);
    if (!parts.matches()) {
      return PgFuture.failed(refused(sql, "only INSERT INTO table (columns) VALUES ($1, …) is"));
    }
    BulkInsert insert = new BulkInsert(sql, parts, new ArrayList<>(rows));
    int[] sorted = insert.parameters.clone();
    Arrays.sort(sorted);
    for (int i = 0; i < sorted.length; i++) {
      if (sorted[i] != i || sorted.length != insert.columns.size()) {
        return PgFuture.failed(refused(sql, "only one with each parameter once, for a column, is"));
      }
    }
    return client.transaction(insert::in);
  }

  private static IllegalArgumentException refused(String sql, String why) {
    return new IllegalArgumentException(
        "this INSERT cannot take its rows as arrays, "
            + why
            + ": use executeMany: "
            + PgException.quoted(sql));
  }

  private CompletionStage<RowCounts> in(PgTransaction transaction) {
    if (rows.isEmpty()) {
      return CompletableFuture.completedFuture(new OneEach(0));
    }
    return transaction
        .fetch(COLUMNS, table)
        .thenCompose(found -> from(transaction, statement(found), 0));
  }

  /** The INSERT by arrays. */
  private String statement(Rows found) {
    Map<String, Row> byName = new HashMap<>();
    found.forEach(row -> byName.put(Objects.requireNonNull(row.getString(0)), row));
    StringBuilder arrays = new StringBuilder();
    for (int i = 0; i < columns.size(); i++) {
      Row column = byName.get(folded(columns.get(i)));
      if (column == null) {
        throw refused(sql, "the table has no column " + columns.get(i) + ", so it is not");
      }
      if (column.getBoolean(3)) {
        throw refused(
            sql,
            "the type of "
                + columns.get(i)
                + " is an array or a composite, or has no array, so it is not");
      }
      if (column.getBoolean(4)) {
        throw refused(sql, "its table has triggers or rules or is none, so it is not");
      }
      arrays
          .append(i == 0 ? "$" : ", $")
          .append(parameters[i] + 1)
          .append("::")
          .append(Sql.identifier(Objects.requireNonNull(column.getString(1))))
          .append('.')
          .append(Sql.identifier(Objects.requireNonNull(column.getString(2))))
          .append("[]");
    }
    return "INSERT INTO "
        + table
        + " ("
        + String.join(", ", columns)
        + ") SELECT * FROM unnest("
        + arrays
        + ")";
  }

  /** A name as the catalog has it. */
  private static String folded(String name) {
    return name.startsWith("\"")
        ? name.substring(1, name.length() - 1).replace("\"\"", "\"")
        : name.toLowerCase(Locale.ROOT);
  }

  private CompletionStage<RowCounts> from(PgTransaction transaction, String statement, int first) {
    int end = Math.min(rows.size(), first + ROWS);
    return transaction
        .execute(statement, arrays(first, end))
        .thenCompose(
            tag -> {
              check(tag, end - first);
              return end == rows.size()
                  ? CompletableFuture.completedFuture(new OneEach(end))
                  : from(transaction, statement, end);
            });
  }

  private void check(CommandTag tag, int sent) {
    if (tag.rows() != sent) {
      throw new IllegalStateException(
          "the server says " + tag + " to " + sent + " rows: " + PgException.quoted(sql));
    }
  }

  private @Nullable Object[] arrays(int first, int end) {
    @Nullable Object[] arrays = new Object[parameters.length];
    List<List<@Nullable Object>> values = new ArrayList<>();
    for (int p = 0; p < parameters.length; p++) {
      List<@Nullable Object> column = new ArrayList<>(end - first);
      values.add(column);
      arrays[p] = column;
    }
    for (int r = first; r < end; r++) {
      @Nullable Object[] row = RowArguments.of(rows.get(r));
      if (row.length != parameters.length) {
        throw new IllegalArgumentException(
            "row "
                + r
                + " has "
                + row.length
                + " values, the statement "
                + parameters.length
                + " parameters: "
                + PgException.quoted(sql));
      }
      for (int p = 0; p < parameters.length; p++) {
        values.get(p).add(row[p]);
      }
    }
    return arrays;
  }
}
