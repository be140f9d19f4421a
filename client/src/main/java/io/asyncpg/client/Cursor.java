package io.asyncpg.client;

import java.util.Optional;

/**
 * A place in the rows of a statement, on the server: asked for as many rows as are wanted, when
 * they are. It lives in the transaction in which it was made; other statements may run in between.
 *
 * <p>Safe from any thread; what is called first runs first. Its portal on the server is closed when
 * the last row has been taken, by {@link #close}, and at the end of the transaction.
 */
public interface Cursor extends AutoCloseable {

  /**
   * The next rows.
   *
   * @param rows how many at most, 1 or more
   * @return fewer than asked for, or none, at the end
   */
  PgFuture<Rows> fetch(int rows);

  /**
   * The next row.
   *
   * @return the row, or empty at the end
   */
  PgFuture<Optional<Row>> fetchRow();

  /**
   * Moves past rows without fetching them.
   *
   * @param rows how many at most, 1 or more
   * @return how many there were
   */
  PgFuture<Long> forward(int rows);

  /** Closes the portal on the server, behind what was asked for before, and returns. */
  @Override
  void close();
}
