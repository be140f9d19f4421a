package io.asyncpg.client;

import io.asyncpg.client.session.BulkInsert;
import io.asyncpg.client.session.StreamRows;
import io.asyncpg.types.TypeReference;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Function;
import java.util.stream.Collector;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Anything SQL can be run on: a connection, a transaction, a pool.
 *
 * <p>Parameters are PostgreSQL's own, {@code $1} to {@code $65535}; an argument is encoded as the
 * type that the server infers for its parameter (docs/types.md). Arguments must not change until
 * the returned future is complete. An {@link java.io.InputStream} is read to its end before the
 * call returns, on the calling thread: give none on an event loop, which must not wait. It is not
 * closed. That is so of an argument by itself; inside another value, or in a row of many, pass its
 * bytes.
 *
 * <p>Every failure comes through the future: {@link io.asyncpg.error.PgServerException} for an
 * error of the server, {@link io.asyncpg.error.PgCodecException} for an argument that does not fit,
 * {@link io.asyncpg.error.PgTimeoutException} when its time has passed, {@link
 * io.asyncpg.error.PgConnectionException} when the connection is lost; {@link
 * IllegalArgumentException} for a wrong number of arguments, {@link IllegalStateException} for use
 * after the end.
 */
public interface PgClient {

  /**
   * Runs SQL for its effect. Without arguments it may be a script of any number of statements,
   * which are one transaction unless they say otherwise.
   *
   * @param sql the SQL
   * @param args the arguments; null for NULL
   * @return the tag of the last command
   */
  PgFuture<CommandTag> execute(String sql, @Nullable Object... args);

  /**
   * Runs one statement for its rows.
   *
   * @param sql the SQL
   * @param args the arguments; null for NULL
   * @return all rows
   */
  PgFuture<Rows> fetch(String sql, @Nullable Object... args);

  /**
   * Runs one statement for its first row. The server is asked for one row only.
   *
   * @param sql the SQL
   * @param args the arguments; null for NULL
   * @return the first row, or empty when there is none
   */
  PgFuture<Optional<Row>> fetchRow(String sql, @Nullable Object... args);

  /**
   * Runs one statement for the first column of its first row.
   *
   * @param <T> the Java type wanted
   * @param type the Java type wanted
   * @param sql the SQL
   * @param args the arguments; null for NULL
   * @return the value; null for NULL, and when there is no row
   */
  <T> PgFuture<@Nullable T> fetchValue(Class<T> type, String sql, @Nullable Object... args);

  /**
   * Runs a statement and takes the first column of its first row, as a generic Java type.
   *
   * @param <T> the Java type
   * @param type the Java type
   * @param sql one statement
   * @param args the arguments; null for NULL
   * @return the value; null if there is no row, or for NULL
   */
  default <T> PgFuture<@Nullable T> fetchValue(
      TypeReference<T> type, String sql, @Nullable Object... args) {
    // What is derived from a PgFuture is one.
    return (PgFuture<@Nullable T>)
        fetchRow(sql, args)
            .<@Nullable T>thenApply(row -> row.map(r -> r.get(0, type)).orElse(null));
  }

  /**
   * Runs one statement for its rows as Java values: a record per row, by column name; or the one
   * column of each row, when the class is no record, or when it is one that a codec reads (a
   * composite, a document) and the column's name is none of its components.
   *
   * @param <T> the record, or the column's Java type
   * @param type its class
   * @param sql the SQL
   * @param args the arguments; null for NULL
   * @return an unmodifiable list, a null in it for each NULL
   */
  <T> PgFuture<List<T>> fetch(Class<T> type, String sql, @Nullable Object... args);

  /**
   * Runs one statement and collects its rows as they come. Nothing is kept of a row but what the
   * collector keeps.
   *
   * <pre>{@code
   * Map<String, Long> sums =
   *     client
   *         .fetch(
   *             Collectors.groupingBy(
   *                 row -> row.getString("town"),
   *                 Collectors.summingLong(row -> row.getLong("amount"))),
   *             "SELECT town, amount FROM sale")
   *         .await();
   * }</pre>
   *
   * <p>The collector runs where the rows arrive, on the event loop, so it must not block. A row is
   * its own for the one call of the accumulator, and on that thread: asked for a column later it
   * throws {@link IllegalStateException}. What is to be kept are values, or {@link Row#as records}.
   * A statement that has to be run once more is collected anew.
   *
   * @param <R> the result
   * @param collector made of a supplier, an accumulator and a finisher; a combiner is not called.
   *     What any of them throws fails this call alone, and ends the collecting
   * @param sql the SQL
   * @param args the arguments; null for NULL
   * @return what the collector makes of all rows, or of none
   */
  <R extends @Nullable Object> PgFuture<R> fetch(
      Collector<? super Row, ?, R> collector, String sql, @Nullable Object... args);

  /**
   * Runs one statement for its first row as a Java value, made as {@link #fetch(Class, String,
   * Object...)} makes it.
   *
   * @param <T> the record, or the column's Java type
   * @param type its class
   * @param sql the SQL
   * @param args the arguments; null for NULL
   * @return the value; empty when there is no row, and for NULL
   */
  <T> PgFuture<Optional<T>> fetchRow(Class<T> type, String sql, @Nullable Object... args);

  /**
   * Runs work in a transaction: commits when the stage it returns completes well, and rolls back
   * when it fails, when the work throws, and when the returned future is cancelled. In a
   * transaction that is open already, the work runs in a savepoint.
   *
   * @param <T> the result
   * @param work what to do with the transaction, which it must neither commit nor roll back; called
   *     on this thread
   * @return the work's result, once it is committed. It fails with what the work failed with; what
   *     went wrong while rolling back is suppressed in that. {@link #withTimeout} bounds the whole
   */
  <T extends @Nullable Object> PgFuture<T> transaction(
      Function<? super PgTransaction, ? extends CompletionStage<T>> work);

  /**
   * As {@link #transaction(Function)}, with options.
   *
   * @param <T> the result
   * @param options isolation, access mode, retries. A savepoint cannot have others than the
   *     transaction around it: {@link IllegalArgumentException}
   * @param work what to do with the transaction; called on this thread, and for a retry where
   *     futures complete, so that there it must not block. It has to be fit to run more than once
   * @return the work's result, once it is committed
   */
  <T extends @Nullable Object> PgFuture<T> transaction(
      TransactionOptions options,
      Function<? super PgTransaction, ? extends CompletionStage<T>> work);

  /**
   * Runs one statement once for each row of arguments, all of them pipelined. Outside a transaction
   * it is one: either all rows take effect or none does. Inside one, what ran before a failure is
   * the transaction's to roll back.
   *
   * <p>The rows are read as they are sent: those of a {@link java.util.Collection} on the event
   * loop, any other Iterable on a thread that may block. An error of the server, or of an argument,
   * names the row's index.
   *
   * @param sql the SQL
   * @param rows each an {@code Object[]}, a {@link List} or a record, whose components are {@code
   *     $1}, {@code $2}, … in order
   * @return the rows each execution touched
   */
  PgFuture<RowCounts> executeMany(String sql, Iterable<?> rows);

  /**
   * As {@link #executeMany(String, Iterable)}, of rows that somebody publishes. No more than some
   * hundred are asked for ahead of what the server takes.
   *
   * @param sql the SQL
   * @param rows each an {@code Object[]}, a {@link List} or a record
   * @return the rows each execution touched
   */
  PgFuture<RowCounts> executeMany(String sql, Flow.Publisher<?> rows);

  /**
   * As {@link #executeMany(String, Iterable)}, of the elements of a stream: read once, on a thread
   * that may block, and closed at the end.
   *
   * @param sql the SQL
   * @param rows each an {@code Object[]}, a {@link List} or a record
   * @return the rows each execution touched
   */
  default PgFuture<RowCounts> executeMany(String sql, Stream<?> rows) {
    return executeMany(sql, new StreamRows(rows));
  }

  /**
   * Inserts rows as {@link #executeMany(String, Iterable)} does, in a fraction of the messages:
   * they travel as an array for each column, and an INSERT takes up to 10,000 rows from {@code
   * unnest}. It runs in a transaction: either all rows are inserted or none is.
   *
   * <p>What could come out other than by an execution for each row is refused with an {@link
   * IllegalArgumentException} before anything is inserted: SQL that is not {@code INSERT INTO table
   * (columns) VALUES ($1, …)} with each parameter once, so ON CONFLICT, RETURNING, expressions and
   * defaults; a table with triggers for INSERT or with rules, a view, a foreign table; a column
   * whose type is an array or a composite. All the values of a column are encoded by the codec of
   * the first of them. An error does not name the row's index.
   *
   * <p>It costs a round trip more than {@code executeMany}, to ask for the columns' types.
   *
   * @param sql the INSERT of one row
   * @param rows each an {@code Object[]}, a {@link List} or a record, whose components are {@code
   *     $1}, {@code $2}, … in order
   * @return a count of one for each row
   */
  default PgFuture<RowCounts> insertMany(String sql, Collection<?> rows) {
    return BulkInsert.run(this, sql, rows);
  }

  /**
   * As {@link #executeMany(String, Iterable)}, for a statement that returns rows, such as INSERT …
   * RETURNING.
   *
   * @param sql the SQL
   * @param rows each an {@code Object[]}, a {@link List} or a record
   * @return the rows of all executions, in order
   */
  PgFuture<Rows> fetchMany(String sql, Iterable<?> rows);

  /**
   * As {@link #fetchMany(String, Iterable)}, of the elements of a stream: read once, on a thread
   * that may block, and closed at the end.
   *
   * @param sql the SQL
   * @param rows each an {@code Object[]}, a {@link List} or a record
   * @return the rows of all executions, in order
   */
  default PgFuture<Rows> fetchMany(String sql, Stream<?> rows) {
    return fetchMany(sql, new StreamRows(rows));
  }

  /**
   * The rows of one statement as they come, at constant memory however many they are. Nothing is
   * sent before the stream is read; it needs no transaction. From then to its end nothing else runs
   * on the connection: what is asked for meanwhile waits.
   *
   * <p>A timeout bounds each wait for the server, not the time the reader takes.
   *
   * @param sql a statement that returns rows
   * @param args the arguments; null for NULL
   * @return the rows, to be read once
   */
  RowStream stream(String sql, @Nullable Object... args);

  /**
   * Copies a table, or columns of it, to a sink; a slow sink slows the server, and memory stays
   * constant.
   *
   * @param table one identifier, quoted by us; its schema is an option
   * @param sink takes the bytes
   * @param options the format, and what goes with it
   * @return the tag, when the sink has taken all; the sink's own failure when it failed
   */
  PgFuture<CommandTag> copyFromTable(String table, CopySink sink, CopyOptions options);

  /**
   * Copies the rows of a query to a sink.
   *
   * @param sql a query; COPY takes no parameters, so the server quotes the arguments, which costs a
   *     round trip
   * @param args the arguments, a null for NULL
   * @param sink takes the bytes
   * @param options the format, and what goes with it
   * @return the tag, when the sink has taken all
   */
  PgFuture<CommandTag> copyFromQuery(String sql, List<?> args, CopySink sink, CopyOptions options);

  /**
   * Copies bytes into a table. All rows are kept, or none when anything fails. While it runs, what
   * is asked for on the same connection waits.
   *
   * @param table one identifier, quoted by us; its schema is an option
   * @param source brings the bytes
   * @param options the format, and what goes with it
   * @return the tag; when the source fails, what the server said to that, with the source's own
   *     failure as its cause
   */
  PgFuture<CommandTag> copyToTable(String table, CopySource source, CopyOptions options);

  /**
   * Copies rows of values into a table, the fastest way to bring many: by a binary COPY, or by one
   * in text when a column's type has no binary format. All rows are kept, or none when anything
   * fails; an error of a value names its row and column.
   *
   * @param table one identifier, quoted by us
   * @param columns the columns, in the order of the values; none for all of the table's
   * @param rows each an {@code Object[]} or a {@link List}, in the order of the columns, or a
   *     record whose components have the columns' names; read as for {@link #executeMany(String,
   *     Iterable)}
   * @return the tag
   */
  PgFuture<CommandTag> copyRecordsToTable(String table, List<String> columns, Iterable<?> rows);

  /**
   * As {@link #copyRecordsToTable(String, List, Iterable)}, of rows that somebody publishes.
   *
   * @param table one identifier, quoted by us
   * @param columns the columns; none for all of the table's
   * @param rows some hundred are asked for ahead of what the server takes
   * @return the tag
   */
  PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Flow.Publisher<?> rows);

  /**
   * As {@link #copyRecordsToTable(String, List, Iterable)}, with options.
   *
   * @param table one identifier, quoted by us
   * @param columns the columns; none for those of the options
   * @param rows the rows
   * @param options schema, columns, where, freeze and progress; the format is ours to choose, and
   *     what is about bytes is refused
   * @return the tag
   */
  PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Iterable<?> rows, CopyOptions options);

  /**
   * As {@link #copyRecordsToTable(String, List, Iterable, CopyOptions)}, of rows that somebody
   * publishes.
   *
   * @param table one identifier, quoted by us
   * @param columns the columns; none for those of the options
   * @param rows the rows
   * @param options as there
   * @return the tag
   */
  PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Flow.Publisher<?> rows, CopyOptions options);

  /**
   * The rows of a query by a binary COPY: as {@link #stream}, without portions, for the whole of a
   * large result. With arguments, or a column whose type has no binary format, it is {@link
   * #stream}; the rows are the same.
   *
   * @param sql a query
   * @param args the arguments; null for NULL
   * @return the rows, to be read once
   */
  RowStream copyRows(String sql, @Nullable Object... args);

  /**
   * The same client, each of its calls bounded: waiting for its turn, preparing and running count
   * together. When the time is up the future fails with {@link io.asyncpg.error.PgTimeoutException}
   * and the statement is cancelled on the server.
   *
   * @param timeout the time each call has; a call with none left fails before anything is sent
   * @return a view of this client
   */
  PgClient withTimeout(Duration timeout);
}
