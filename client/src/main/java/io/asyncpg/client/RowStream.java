package io.asyncpg.client;

import java.util.Iterator;
import java.util.concurrent.Flow;

/**
 * Rows as they come, with back-pressure to the server: iterate on a thread that may wait, or
 * subscribe. Either once.
 *
 * <pre>{@code
 * try (RowStream rows = connection.stream("SELECT * FROM big")) {
 *   for (Row row : rows) {
 *     …
 *   }
 * }
 * }</pre>
 *
 * <p>The server is asked for {@link #fetchSize} rows at a time, the next when half of them have
 * been taken. A reader that stops early closes the stream, or cancels its subscription: that closes
 * the portal, and the connection goes on. One that does neither keeps the connection to itself.
 *
 * <p>A subscriber is called on the event loop unless the configuration names a completion executor;
 * on the event loop it must not block. Everything wrong arrives by {@code onError}, or is thrown by
 * the iterator, as {@link PgFuture#await} throws it.
 */
public interface RowStream extends Flow.Publisher<Row>, Iterable<Row>, AutoCloseable {

  /**
   * How many rows the server is asked for at a time. 1,000 unless it is changed.
   *
   * @param rows 1 or more
   * @return this
   * @throws IllegalStateException when the stream is being read already
   */
  RowStream fetchSize(int rows);

  /**
   * Begins to read on this thread.
   *
   * @return the rows; waiting for them throws {@link java.util.concurrent.CancellationException}
   *     when the thread is interrupted, and the stream is closed then
   * @throws IllegalStateException when the stream is being read already, or has been closed, or on
   *     an event loop
   */
  @Override
  Iterator<Row> iterator();

  /** Ends the stream if it has not ended: a reader in the middle of it fails. */
  @Override
  void close();
}
