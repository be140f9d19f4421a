package io.asyncpg.client;

import java.time.Duration;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * A transaction, or a savepoint in one. Safe from any thread.
 *
 * <p>BEGIN is sent with the first statement; a transaction in which nothing ran sends nothing. All
 * that runs on the connection while it is open runs in it, whatever the handle. After a statement
 * has failed, PostgreSQL refuses all others until the end; a savepoint keeps such a failure to
 * itself.
 *
 * <p>Use after its end is an {@link IllegalStateException} that says how it ended.
 */
public interface PgTransaction extends PgClient, AutoCloseable {

  /**
   * Keeps what was done. Whatever comes of it, the transaction has ended then.
   *
   * @return complete when the server has committed. It fails with {@link
   *     io.asyncpg.error.TransactionRollbackException} (SQLSTATE 40000) when a statement had failed
   *     and the server rolled back instead; with {@link io.asyncpg.error.PgConnectionException}
   *     whose {@code retrySafety()} is {@code UNKNOWN} when the connection was lost meanwhile and
   *     nobody can tell
   */
  PgFuture<Void> commit();

  /**
   * Undoes what was done.
   *
   * @return complete when the server has rolled back
   */
  PgFuture<Void> rollback();

  /**
   * As {@link #fetchMany(String, Iterable)}, of rows that somebody publishes. No more than some
   * hundred are asked for ahead of what the server takes.
   *
   * @param sql the SQL
   * @param rows each an {@code Object[]}, a {@link java.util.List} or a record
   * @return the rows of all executions, in order
   */
  PgFuture<Rows> fetchMany(String sql, Flow.Publisher<?> rows);

  /**
   * Makes a batch: different statements sent together, each with its own result.
   *
   * @return a batch that is empty; it is bounded as this client is, from its run on
   */
  PgBatch batch();

  /**
   * Opens a cursor: the rows of a statement, fetched as they are wanted.
   *
   * @param sql a statement that returns rows
   * @param args the arguments; null for NULL
   * @return the cursor, which ends with the transaction
   */
  PgFuture<Cursor> cursor(String sql, @Nullable Object... args);

  /** Rolls back if it is open, without waiting. */
  @Override
  void close();

  @Override
  PgTransaction withTimeout(Duration timeout);
}
