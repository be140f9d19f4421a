package io.asyncpg.client;

import io.asyncpg.client.session.Connector;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One session with one server. Safe from any thread; what is called first runs first.
 *
 * <p>Requests are pipelined: they are written without waiting for earlier answers, and each has its
 * own fate, so that an error fails only its own request. While a transaction is open, all that runs
 * on the connection runs in it; independent concurrency is the pool's job.
 */
public interface PgConnection extends PgClient, AutoCloseable {

  /**
   * Opens a session.
   *
   * @param dsn where and as whom: {@code
   *     postgresql://user:password@host:port/database?option=value}
   * @return the session
   */
  static PgFuture<PgConnection> connect(String dsn) {
    return connect(PgConfig.parse(dsn));
  }

  /**
   * Opens a session.
   *
   * @param config where and as whom
   * @return the session
   */
  static PgFuture<PgConnection> connect(PgConfig config) {
    return Connector.connect(config);
  }

  /**
   * Prepares a statement that stays prepared until it is closed. What is run by its SQL is prepared
   * and kept as well, as long as the statement cache has room: prepare to know parameters and
   * columns, or to keep it for certain.
   *
   * @param sql one statement
   * @return the statement
   */
  PgFuture<PgStatement> prepare(String sql);

  /**
   * Forgets what is known of the database's types and statements, on all connections that share it:
   * those of a pool. To be called when types were altered by somebody else.
   *
   * @return complete when the requests before it have been written; nothing is sent
   */
  PgFuture<Void> reloadSchemaState();

  /**
   * Begins a transaction with the session's defaults; see {@link #begin(TransactionOptions)}.
   *
   * @return the transaction
   */
  PgFuture<PgTransaction> begin();

  /**
   * Begins a transaction, or a savepoint when one is open. Nothing is sent for a transaction until
   * its first statement is.
   *
   * @param options isolation and access mode; retries are for {@link PgClient#transaction} alone. A
   *     savepoint cannot have others than the transaction around it: {@link
   *     IllegalArgumentException}
   * @return the transaction. It fails with {@link IllegalStateException} when a transaction was
   *     begun by hand, with SQL, and is open
   */
  PgFuture<PgTransaction> begin(TransactionOptions options);

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
   * Opens a cursor: the rows of a statement, fetched as they are wanted. Inside a transaction only;
   * {@link #stream} needs none.
   *
   * @param sql a statement that returns rows
   * @param args the arguments; null for NULL
   * @return the cursor; {@link IllegalStateException} when no transaction is open
   */
  PgFuture<Cursor> cursor(String sql, @Nullable Object... args);

  /**
   * Listens to the server's notices. The same listener twice counts once.
   *
   * @param listener called on the event loop, in the order of the server; must not block
   */
  void addNoticeListener(Consumer<Notice> listener);

  /**
   * No longer listens to notices.
   *
   * @param listener one that was added; any other is ignored
   */
  void removeNoticeListener(Consumer<Notice> listener);

  /**
   * Listens to what is run on this connection: every request with SQL, those of prepared statements
   * and transactions among them. The same listener twice counts once.
   *
   * @param listener called on the event loop, before the request's future completes, in the order
   *     of the answers; must not block; what it throws is logged
   */
  void addQueryListener(Consumer<QueryEvent> listener);

  /**
   * No longer listens to what is run.
   *
   * @param listener one that was added; any other is ignored
   */
  void removeQueryListener(Consumer<QueryEvent> listener);

  /**
   * Listens to a channel: {@code LISTEN} for its first listener. The same listener twice counts
   * once. In a transaction the server listens from its commit on.
   *
   * @param channel its name, exactly as it is; quoted here
   * @param listener called for each notification, in the order of the server, on the configured
   *     completion executor or else on the event loop, where it must not block; what it throws is
   *     logged
   * @return complete when the server listens
   */
  PgFuture<Void> addListener(String channel, Consumer<Notification> listener);

  /**
   * No longer listens to a channel: {@code UNLISTEN} with its last listener. On a connection that
   * has ended there is nothing to do, and that is done.
   *
   * @param channel its name
   * @param listener one that was added; any other is ignored
   * @return complete when the server knows
   */
  PgFuture<Void> removeListener(String channel, Consumer<Notification> listener);

  /**
   * Makes the session as good as new: rolls back, releases advisory locks, closes cursors, stops
   * listening, and sets all settings back; drops all listeners and ends the transactions and
   * prepared statements that were made from it. One round trip; none when nothing was run since it
   * was opened or reset. The cache of statements and temporary tables stay.
   *
   * @return complete when it is done
   */
  PgFuture<Void> reset();

  /**
   * The server process of this session.
   *
   * @return its number; 0 where a pooler does not tell
   */
  int serverPid();

  /**
   * The server's version.
   *
   * @return as the server said it when the session began
   */
  ServerVersion serverVersion();

  /**
   * The settings that the server reports, as they are now.
   *
   * @return a copy, by name
   */
  Map<String, String> settings();

  /**
   * Whether the session is in a transaction block, failed or not: one begun here, from the call on,
   * or by hand, from the answer on.
   *
   * @return false between transactions
   */
  boolean isInTransaction();

  /**
   * Whether the session has ended or this handle has.
   *
   * @return true when every further request fails
   */
  boolean isClosed();

  /**
   * Completes when the session has ended, for whatever reason.
   *
   * @return never fails; cancelling it does nothing to the session
   */
  PgFuture<Void> closed();

  /** Says goodbye after what was already asked for, and returns; {@link #closed()} tells when. */
  @Override
  void close();

  /** Ends the session now: what is under way fails. */
  void terminate();

  @Override
  PgConnection withTimeout(Duration timeout);
}
