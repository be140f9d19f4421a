package io.asyncpg.client;

import io.asyncpg.types.PgType;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Flow;
import java.util.stream.Collector;
import org.jspecify.annotations.Nullable;

/**
 * A statement that stays prepared until it is closed or its connection is given back or reset. Safe
 * from any thread; it runs on its connection, in the order of the calls, and in the transaction
 * that is open there.
 *
 * <p>When the server has forgotten it ({@code DEALLOCATE ALL}), or its plan is stale since a table
 * was altered, it is prepared anew and run again; inside a transaction, where that cannot be, the
 * call fails and the next one prepares it anew.
 *
 * <p>Use after its end is an {@link IllegalStateException}.
 */
public interface PgStatement extends AutoCloseable {

  /**
   * Its name on the server.
   *
   * @return the name; empty where the configuration says {@code statementCacheSize} 0: then it is
   *     parsed with each execution, and works behind a pooler
   */
  String name();

  /**
   * Its SQL.
   *
   * @return as it was given
   */
  String sql();

  /**
   * The types of its parameters, as the server inferred them.
   *
   * @return {@code $1} first
   */
  List<PgType> parameters();

  /**
   * The columns of its rows, with the table and attribute they come from.
   *
   * @return empty for a statement that returns no rows
   */
  List<Column> columns();

  /**
   * Runs it for its effect.
   *
   * @param args the arguments; null for NULL
   * @return the command's tag
   */
  PgFuture<CommandTag> execute(@Nullable Object... args);

  /**
   * Runs it for its rows.
   *
   * @param args the arguments; null for NULL
   * @return all rows
   */
  PgFuture<Rows> fetch(@Nullable Object... args);

  /**
   * Runs it for its first row. The server is asked for one row only.
   *
   * @param args the arguments; null for NULL
   * @return the first row, or empty when there is none
   */
  PgFuture<Optional<Row>> fetchRow(@Nullable Object... args);

  /**
   * Runs it for the first column of its first row.
   *
   * @param <T> the Java type wanted
   * @param type the Java type wanted
   * @param args the arguments; null for NULL
   * @return the value; null for NULL, and when there is no row
   */
  <T> PgFuture<@Nullable T> fetchValue(Class<T> type, @Nullable Object... args);

  /**
   * Runs it for its rows as Java values, made as {@link PgClient#fetch(Class, String, Object...)}
   * makes them.
   *
   * @param <T> the record, or the column's Java type
   * @param type its class
   * @param args the arguments; null for NULL
   * @return an unmodifiable list, a null in it for each NULL
   */
  <T> PgFuture<List<T>> fetch(Class<T> type, @Nullable Object... args);

  /**
   * Runs it and collects its rows as they come, as {@link PgClient#fetch(Collector, String,
   * Object...)} does.
   *
   * @param <R> the result
   * @param collector called on the event loop; a row is its own for one call of the accumulator
   * @param args the arguments; null for NULL
   * @return what the collector makes of all rows, or of none
   */
  <R extends @Nullable Object> PgFuture<R> fetch(
      Collector<? super Row, ?, R> collector, @Nullable Object... args);

  /**
   * Runs it once for each row of arguments, as {@link PgClient#executeMany(String, Iterable)} does.
   *
   * @param rows each an {@code Object[]}, a list or a record; read lazily
   * @return how many rows each execution touched
   */
  PgFuture<RowCounts> executeMany(Iterable<?> rows);

  /**
   * Runs it once for each row of arguments and gathers what is returned, as {@link
   * PgClient#fetchMany} does.
   *
   * @param rows each an {@code Object[]}, a list or a record; read lazily
   * @return the rows that all executions returned, in order
   */
  PgFuture<Rows> fetchMany(Iterable<?> rows);

  /**
   * As {@link #executeMany(Iterable)}, of rows that somebody publishes.
   *
   * @param rows each an {@code Object[]}, a list or a record
   * @return how many rows each execution touched
   */
  PgFuture<RowCounts> executeMany(Flow.Publisher<?> rows);

  /**
   * As {@link #fetchMany(Iterable)}, of rows that somebody publishes.
   *
   * @param rows each an {@code Object[]}, a list or a record
   * @return the rows that all executions returned, in order
   */
  PgFuture<Rows> fetchMany(Flow.Publisher<?> rows);

  /**
   * Its first row as a Java value, made as {@link PgClient#fetchRow(Class, String, Object...)}
   * makes it.
   *
   * @param <T> the record, or the column's Java type
   * @param type its class
   * @param args the arguments; null for NULL
   * @return the value; empty when there is no row, and for NULL
   */
  <T> PgFuture<Optional<T>> fetchRow(Class<T> type, @Nullable Object... args);

  /**
   * Its rows as they come; see {@link PgClient#stream}.
   *
   * @param args the arguments; null for NULL
   * @return the rows, to be read once
   */
  RowStream stream(@Nullable Object... args);

  /**
   * Its rows as they are wanted, inside a transaction; see {@link PgConnection#cursor}.
   *
   * @param args the arguments; null for NULL
   * @return the cursor; {@link IllegalStateException} when no transaction is open
   */
  PgFuture<Cursor> cursor(@Nullable Object... args);

  /**
   * The server's plan for it, without running it.
   *
   * @param args the arguments; null for NULL
   * @return what {@code EXPLAIN (FORMAT JSON, VERBOSE)} says: a JSON array
   */
  PgFuture<String> explain(@Nullable Object... args);

  /**
   * The server's plan for it and how it went. The statement runs, in a transaction or savepoint
   * that is rolled back.
   *
   * @param args the arguments; null for NULL
   * @return what {@code EXPLAIN (FORMAT JSON, VERBOSE, ANALYZE)} says: a JSON array
   */
  PgFuture<String> explainAnalyze(@Nullable Object... args);

  /** Ends it behind what was called before; the server is told with the next request. */
  @Override
  void close();

  /**
   * The same statement, each of its calls bounded.
   *
   * @param timeout the time each call has
   * @return a view of this statement
   */
  PgStatement withTimeout(Duration timeout);
}
