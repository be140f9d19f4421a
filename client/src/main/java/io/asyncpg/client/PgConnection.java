package io.asyncpg.client;

import io.asyncpg.client.session.Connector;
import io.asyncpg.types.Codec;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
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
   * Reads and writes a type with a codec of the caller's, on this session and from this call on:
   * wherever the type stands, in arrays, domains, composites and ranges too. It goes before the
   * codecs of the configuration and replaces what was registered for the type before. It is found
   * by the type's name, so that a type made anew has it as well, and goes with {@link #reset()};
   * what all connections shall have belongs into the configuration.
   *
   * @param schema the schema the type lives in, unquoted; {@code pg_catalog} for a built-in one
   * @param typeName its name as pg_type has it, unquoted; of a built-in one the SQL standard's name
   *     will do, such as {@code double precision}
   * @param codec what reads and writes it, in text or binary
   * @return complete when what is asked for next uses it. It fails with {@link
   *     IllegalArgumentException} when there is no such type, or it is neither scalar, enum nor
   *     composite: then its element, subtype or base type is what to register for
   */
  PgFuture<Void> registerCodec(String schema, String typeName, Codec<?> codec);

  /**
   * Reads and writes a type as another is, in all the Java types that one has; else as {@link
   * #registerCodec(String, String, Codec)}. For types of extensions whose values look like those of
   * a type known here.
   *
   * @param schema the schema the type lives in, unquoted
   * @param typeName its name as pg_type has it, unquoted
   * @param sameAs the type whose codecs serve it, {@code BuiltinTypes.TEXT} for instance
   * @param format what to ask the server for: text where both types print alike, binary where their
   *     send functions write the same bytes
   * @return complete when what is asked for next uses it; it fails as the other does
   */
  PgFuture<Void> registerCodec(String schema, String typeName, PgType sameAs, Format format);

  /**
   * Takes back what was registered for a type on this session: the codecs of the configuration
   * serve it again.
   *
   * @param schema the schema the type lives in, unquoted
   * @param typeName its name as pg_type has it, unquoted
   * @return complete when what is asked for next is without it. It fails with {@link
   *     IllegalArgumentException} when there is no such type
   */
  PgFuture<Void> resetCodec(String schema, String typeName);

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
   * Listens to what is run on this connection, with the arguments: see {@link
   * #addQueryListener(Consumer)}. They may hold secrets; {@link QueryEvent#toString} shows how many
   * there are, and no more.
   *
   * @param listener as there
   * @param withArguments whether it is told the arguments too
   */
  void addQueryListener(Consumer<QueryEvent> listener, boolean withArguments);

  /**
   * No longer listens to what is run.
   *
   * @param listener one that was added; any other is ignored
   */
  void removeQueryListener(Consumer<QueryEvent> listener);

  /**
   * Listens to changes of the settings that the server reports (manual, "Asynchronous Operations"):
   * {@code TimeZone}, {@code search_path} from PostgreSQL 18 on, {@code in_hot_standby} and so on.
   * The same listener twice counts once.
   *
   * @param listener called on the event loop, in the order of the server; must not block; what it
   *     throws is logged
   */
  void addParameterListener(Consumer<ParameterChange> listener);

  /**
   * No longer listens to changes of settings.
   *
   * @param listener one that was added; any other is ignored
   */
  void removeParameterListener(Consumer<ParameterChange> listener);

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
   * The notifications of a channel, with a buffer of 1,024; see {@link #listen(String, int)}.
   *
   * @param channel its name, exactly as it is; quoted here
   * @return a publisher, which listens while it has subscribers
   */
  Flow.Publisher<Notification> listen(String channel);

  /**
   * The notifications of a channel, to each subscriber at its own pace: {@code LISTEN} with the
   * first, {@code UNLISTEN} with the last.
   *
   * <p>Neither the connection nor anybody else waits for a slow subscriber. When its buffer is full
   * it is told what is in it, then {@code onError} with an {@link IllegalStateException} that says
   * so, and no more: nothing is left out in silence. The end of the connection is {@code onError},
   * or {@code onComplete} when this side has closed or reset it. {@link PgListener} outlives its
   * connections.
   *
   * @param channel its name, exactly as it is; quoted here
   * @param bufferSize in notifications, of up to 8,000 bytes each; rounded up to a power of two
   * @return a publisher, which listens while it has subscribers; they are called on the configured
   *     completion executor, or else on a thread that is no event loop, where they may block
   */
  Flow.Publisher<Notification> listen(String channel, int bufferSize);

  /**
   * Makes the session as good as new: rolls back, goes back to the role that it began with,
   * releases advisory locks, closes cursors, stops listening, and sets all settings back; drops all
   * listeners and the codecs registered on it, and ends the transactions and prepared statements
   * that were made from it. One round trip; none when nothing was run since it was opened or reset.
   * The cache of statements and temporary tables stay, and so do statements of PREPARE and what
   * {@code currval}, {@code setseed} and {@code LOAD} leave behind.
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

  /**
   * Says goodbye after what was already asked for, and returns; {@link #closed()} tells when. A
   * stream that has not been read to its end is closed: its reader may never go on. A COPY and an
   * {@code executeMany} go on to the end of their data, however long that takes: {@link #terminate}
   * does not wait for it.
   */
  @Override
  void close();

  /** Ends the session now: what is under way fails. */
  void terminate();

  @Override
  PgConnection withTimeout(Duration timeout);
}
