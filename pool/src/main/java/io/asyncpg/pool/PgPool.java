package io.asyncpg.pool;

import io.asyncpg.client.PgClient;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Many connections to one database, lent to many borrowers. Safe from any thread.
 *
 * <p>What is called on the pool itself borrows a connection for that call: a statement, a
 * transaction, or a stream up to its end. The deadline of a call covers its wait for a connection.
 * A statement whose connection turns out to be lost before it was sent is sent on another. What
 * several calls need in common, a setting, a temporary table, a cursor, needs one connection:
 * {@link #acquire} or {@link #withConnection}.
 *
 * <p>The work of a transaction is called on the caller's thread when a connection is free at once,
 * otherwise where futures complete, so that it must not block.
 *
 * <p>Connections are opened in the background, up to {@code maxSize}. Those of one pool share what
 * is known of the database: its types, the description of statements, what a password costs to
 * hash. See {@link PoolConfig} for what can be chosen.
 */
public interface PgPool extends PgClient, AutoCloseable {

  /**
   * Creates a pool with the usual limits, and begins to connect.
   *
   * @param dsn where and as whom: {@code
   *     postgresql://user:password@host:port/database?option=value}
   * @return the pool
   */
  static PgPool create(String dsn) {
    return create(PoolConfig.builder().connection(PgConfig.parse(dsn)).build());
  }

  /**
   * Creates a pool, and begins to connect.
   *
   * @param config where and as whom, and how many
   * @return the pool
   */
  static PgPool create(PoolConfig config) {
    return Pool.create(config);
  }

  /**
   * Waits for the pool to have what it keeps open.
   *
   * @return complete when {@code minSize} connections are open; it fails with what an attempt to
   *     connect failed with. The pool goes on trying all the same, and may be asked again. With
   *     {@link IllegalStateException} it fails when the pool is closed, or is closed before that
   */
  PgFuture<Void> ready();

  /**
   * Borrows a connection. It is open, in no transaction, within its lifetime, and as good as new
   * but for its prepared statements, temporary tables and sequences' last values. Those who wait
   * are served in their order.
   *
   * @return a connection, whose {@code close} gives it back; its {@code closed()} tells when the
   *     pool has it. Cancelling the future gives up: a connection that comes all the same goes to
   *     the next. It fails with {@link io.asyncpg.error.PgPoolException}, which says why, when the
   *     time is up, when too many wait, and when the server does not let us in; with {@link
   *     IllegalStateException} when the pool is closed
   */
  PgFuture<PgConnection> acquire();

  /**
   * Runs work with a connection, and gives it back when the stage that the work returns is
   * complete, however it completes.
   *
   * @param <T> the result
   * @param work what to do with the connection; called on this thread when one is free at once,
   *     otherwise where futures complete, so that it must not block
   * @return the work's result. Cancelling it cancels the stage. A timeout given by {@link
   *     #withTimeout} bounds the wait for the connection; each call of the work is bounded as the
   *     connection's own are
   */
  <T extends @Nullable Object> PgFuture<T> withConnection(
      Function<? super PgConnection, ? extends CompletionStage<T>> work);

  /**
   * What the pool has and has done.
   *
   * @return the numbers of this moment
   */
  PoolStats stats();

  /**
   * Replaces all connections: the idle ones now, those that are lent when they come back. For after
   * a failover, or when types were altered by others.
   *
   * @return complete when every connection that was open at the call is closed
   */
  PgFuture<Void> drain();

  /** As {@link #drain}, without word of its end. */
  void expireConnections();

  /**
   * Changes the limits. What is too many now is closed when it is idle, what is missing is opened.
   *
   * @param min how many are kept open, 0 or more
   * @param max how many there may be, 1 or more, and no fewer than {@code min}
   * @throws IllegalArgumentException when they are not that
   */
  void resize(int min, int max);

  /**
   * This pool's servers, for reading: a pool of its own over the same hosts, made at the first call
   * and closed with this one, whose connections go to standbys, and to the primary only while no
   * standby takes them ({@code target_session_attrs=prefer-standby}). Each is opened to the standby
   * that has the fewest of them; the one that is lent is to the standby with the fewest lent, and
   * standbys with as many take turns. Unless {@code minSize} is 0, it keeps as many open as there
   * are hosts, if that is more and {@code maxSize} allows it. Where the pool has a {@link
   * PoolConfig#connect} of its own, that says where connections go.
   *
   * @return the pool for reading, with the other limits of this one
   */
  PgPool readOnly();

  /**
   * This pool's servers, for writing: a pool of its own over the same hosts, made at the first call
   * and closed with this one, whose connections go to whichever takes writes ({@code
   * target_session_attrs=read-write}). Where the pool has a {@link PoolConfig#connect} of its own,
   * that says where connections go.
   *
   * @return this pool if it asks for that already, else the pool for writing, with the limits of
   *     this one
   */
  PgPool readWrite();

  /**
   * Closes the pool, and returns. Nobody gets a connection any more, those who wait for one fail,
   * idle connections are closed at once and the others when they come back; those that are not back
   * after {@code closeTimeout} are terminated. {@link #closed} tells when all are gone. Twice is as
   * good as once.
   */
  @Override
  void close();

  /** Closes the pool and all connections now: what is under way fails. */
  void terminate();

  /**
   * Completes when the pool has been closed and its last connection is gone.
   *
   * @return never fails; cancelling it does nothing to the pool
   */
  PgFuture<Void> closed();

  @Override
  PgPool withTimeout(Duration timeout);
}
