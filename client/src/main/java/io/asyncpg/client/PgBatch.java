package io.asyncpg.client;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Different statements, sent to the server together, each with its own result. Safe from any
 * thread; run once.
 *
 * <pre>{@code
 * PgBatch batch = connection.batch();
 * PgFuture<CommandTag> paid = batch.execute("UPDATE account SET sum = sum - $1 WHERE id = $2", 10, 1);
 * PgFuture<Long> left = batch.fetchValue(Long.class, "SELECT sum FROM account WHERE id = $1", 1);
 * batch.run().await();
 * }</pre>
 *
 * <p>Nothing is sent before {@link #run} or {@link #runEach}; until then no future of the batch
 * completes, so that waiting for one would be waiting for ever. Statements that are prepared
 * already leave in one write; those that are not are prepared before, all in one round trip.
 *
 * <p>Each call adds one statement: unlike {@link PgClient#execute}, a script of several is none. An
 * error names the index of its statement, the first being 0: {@link
 * io.asyncpg.error.PgServerException#statement()}. An {@link IllegalStateException} is the fate of
 * what is added to a batch that was run.
 */
public interface PgBatch {

  /**
   * Adds a statement for its effect.
   *
   * @param sql one statement
   * @param args the arguments; null for NULL
   * @return its tag, once the batch has run
   */
  PgFuture<CommandTag> execute(String sql, @Nullable Object... args);

  /**
   * Adds a statement for its rows.
   *
   * @param sql one statement
   * @param args the arguments; null for NULL
   * @return all its rows, once the batch has run
   */
  PgFuture<Rows> fetch(String sql, @Nullable Object... args);

  /**
   * Adds a statement for its first row. The server is asked for one row only.
   *
   * @param sql one statement
   * @param args the arguments; null for NULL
   * @return the first row, or empty when there is none
   */
  PgFuture<Optional<Row>> fetchRow(String sql, @Nullable Object... args);

  /**
   * Adds a statement for the first column of its first row.
   *
   * @param <T> the Java type wanted
   * @param type the Java type wanted
   * @param sql one statement
   * @param args the arguments; null for NULL
   * @return the value; null for NULL, and when there is no row
   */
  <T> PgFuture<@Nullable T> fetchValue(Class<T> type, String sql, @Nullable Object... args);

  /**
   * Adds a statement for its rows as Java values, made as {@link PgClient#fetch(Class, String,
   * Object...)} makes them.
   *
   * @param <T> the record, or the column's Java type
   * @param type its class
   * @param sql one statement
   * @param args the arguments; null for NULL
   * @return an unmodifiable list, a null in it for each NULL
   */
  <T> PgFuture<List<T>> fetch(Class<T> type, String sql, @Nullable Object... args);

  /**
   * Adds a statement whose rows are collected as they come, as {@link PgClient#fetch(Collector,
   * String, Object...)} does.
   *
   * @param <R> the result
   * @param collector called on the event loop; a row is its own for one call of the accumulator
   * @param sql one statement
   * @param args the arguments; null for NULL
   * @return what the collector makes of all rows, or of none
   */
  <R extends @Nullable Object> PgFuture<R> fetch(
      Collector<? super Row, ?, R> collector, String sql, @Nullable Object... args);

  /**
   * Adds a statement for its first row as a Java value, made as {@link PgClient#fetch(Class,
   * String, Object...)} makes it.
   *
   * @param <T> the record, or the column's Java type
   * @param type its class
   * @param sql one statement
   * @param args the arguments; null for NULL
   * @return the value; empty when there is no row, and for NULL
   */
  <T> PgFuture<Optional<T>> fetchRow(Class<T> type, String sql, @Nullable Object... args);

  /**
   * How many statements it has.
   *
   * @return 0 or more
   */
  int size();

  /**
   * Runs all of them under one Sync: outside a transaction the batch is one, and either all take
   * effect or none does, unless one of them is COMMIT or its like. When one fails, all futures fail
   * with its error; a statement that cannot be prepared, or an argument that does not fit, is found
   * before anything is sent. A statement therefore cannot use a table that one before it in the
   * same batch creates.
   *
   * <p>A result that cannot be read as the Java type wanted fails its own future, and this one:
   * what the server did stays done. Cancelling any future of the batch cancels all of it.
   *
   * @return complete when all have run
   */
  PgFuture<Void> run();

  /**
   * Runs each under a Sync of its own: outside a transaction each takes effect or fails for itself,
   * as if it had been called by itself, and nothing else of this connection comes between them.
   * Inside a transaction, those behind one that failed fail with it.
   *
   * @return complete when all have run; it fails with the error of the first that failed
   */
  PgFuture<Void> runEach();
}
