package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.CopySource;
import io.asyncpg.client.Cursor;
import io.asyncpg.client.PgBatch;
import io.asyncpg.client.PgClient;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowCounts;
import io.asyncpg.client.RowStream;
import io.asyncpg.client.Rows;
import io.asyncpg.client.TransactionOptions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.stream.Collector;
import org.jspecify.annotations.Nullable;

/** What a connection and a transaction have in common: SQL runs on their session. Any thread. */
abstract class Client implements PgClient {
  /** Bind counts its parameters in sixteen bits. */
  private static final int MOST_ARGUMENTS = 0xffff;

  /** So many published rows are asked for ahead of what the server takes. */
  static final int AHEAD = 256;

  final Session session;
  final Lease lease;

  /** What this view was asked to bound each call with; null for the configuration's. */
  final @Nullable Duration ownTimeout;

  Client(Session session, Lease lease, @Nullable Duration ownTimeout) {
    this.session = session;
    this.lease = lease;
    this.ownTimeout = ownTimeout;
  }

  /** Why it may not be used any more, and what to do; null while it may. */
  @Nullable String ended() {
    return lease.ended();
  }

  /** The transaction or savepoint that this is a handle of; null for none. */
  @Nullable Block block() {
    return null;
  }

  @Override
  public abstract Client withTimeout(Duration timeout);

  @Override
  public <T extends @Nullable Object> PgFuture<T> transaction(
      Function<? super PgTransaction, ? extends CompletionStage<T>> work) {
    return transaction(TransactionOptions.defaults(), work);
  }

  @Override
  public <T extends @Nullable Object> PgFuture<T> transaction(
      TransactionOptions options,
      Function<? super PgTransaction, ? extends CompletionStage<T>> work) {
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(work, "work");
    return TransactionRun.start(this, options, work);
  }

  /** The bound of one call; null for none. Zero or less fails before anything is sent. */
  final @Nullable Duration timeout() {
    return ownTimeout == null ? session.config().commandTimeout() : ownTimeout;
  }

  /**
   * Runs a request, if this handle may still be used and has time.
   *
   * @param request makes the request, given its timeout in nanoseconds; 0 for none
   */
  <T extends @Nullable Object> PgFuture<T> run(String sql, LongFunction<Request<T>> request) {
    return run(sql, refusal -> {}, request);
  }

  /** The same, for a call that is given what has to be closed, or told, if it cannot be made. */
  private <T extends @Nullable Object> PgFuture<T> run(
      String sql, Consumer<RuntimeException> refused, LongFunction<Request<T>> request) {
    RuntimeException refusal = refusal(sql);
    Request<T> made = null;
    if (refusal == null) {
      try {
        made = request.apply(nanos());
      } catch (IllegalArgumentException | IllegalStateException misuse) {
        refusal = misuse;
      }
    }
    if (made != null) {
      return run(made);
    }
    RuntimeException why = Objects.requireNonNull(refusal);
    refused.accept(why);
    return PgFuture.failed(why);
  }

  /**
   * Makes a call, if this handle may still be used and has time.
   *
   * @param call is given its timeout in nanoseconds; 0 for none
   */
  final <T extends @Nullable Object> PgFuture<T> bounded(
      String sql, LongFunction<PgFuture<T>> call) {
    RuntimeException refusal = refusal(sql);
    if (refusal != null) {
      return PgFuture.failed(refusal);
    }
    try {
      return call.apply(nanos());
    } catch (IllegalArgumentException | IllegalStateException misuse) {
      return PgFuture.failed(misuse);
    }
  }

  /** Why a statement with these arguments cannot be run now; null where it can. */
  private @Nullable RuntimeException refusal(String sql, @Nullable Object[] args) {
    return StreamArgument.given(args).length > MOST_ARGUMENTS ? tooMany(args) : refusal(sql);
  }

  /** Runs a request; for those that are made often, and want nothing made but the request. */
  private <T extends @Nullable Object> PgFuture<T> run(Request<T> request) {
    request.own(block());
    request.under(lease);
    return Fetch.run(request);
  }

  /** Why a call cannot be made now; null where it can. */
  private @Nullable RuntimeException refusal(String sql) {
    Objects.requireNonNull(sql, "the SQL, or the name of the table, is null");
    String ended = ended();
    if (ended != null) {
      return new IllegalStateException(ended);
    }
    Duration timeout = timeout();
    return timeout != null && (timeout.isNegative() || timeout.isZero())
        ? Deadlines.noneLeft(timeout, sql)
        : null;
  }

  /** The bound of one call in nanoseconds; 0 for none. */
  private long nanos() {
    Duration timeout = timeout();
    return timeout == null ? 0 : Deadlines.nanos(timeout);
  }

  /** The arguments as they are now, streams read to their ends. */
  static @Nullable Object[] copy(@Nullable Object[] args) {
    if (StreamArgument.given(args).length > MOST_ARGUMENTS) {
      throw tooMany(args);
    }
    return args.length == 0 ? args : StreamArgument.read(args.clone());
  }

  private static IllegalArgumentException tooMany(@Nullable Object[] args) {
    return new IllegalArgumentException(
        args.length
            + " arguments were given, but PostgreSQL takes "
            + MOST_ARGUMENTS
            + " at most: pass an array as one argument, or use COPY");
  }

  @Override
  public PgFuture<CommandTag> execute(String sql, @Nullable Object... args) {
    RuntimeException refusal = refusal(sql, args);
    if (refusal != null) {
      return PgFuture.failed(refusal);
    }
    return args.length == 0
        ? run(new Script(session, sql, nanos()))
        : run(new Fetch.Tag(session, sql, copy(args), nanos()));
  }

  @Override
  public PgFuture<Rows> fetch(String sql, @Nullable Object... args) {
    RuntimeException refusal = refusal(sql, args);
    return refusal != null
        ? PgFuture.failed(refusal)
        : run(new Fetch.AllRows(session, sql, copy(args), nanos()));
  }

  @Override
  public PgFuture<Optional<Row>> fetchRow(String sql, @Nullable Object... args) {
    RuntimeException refusal = refusal(sql, args);
    return refusal != null
        ? PgFuture.failed(refusal)
        : run(new Fetch.FirstRow(session, sql, copy(args), nanos()));
  }

  @Override
  public <T> PgFuture<@Nullable T> fetchValue(Class<T> type, String sql, @Nullable Object... args) {
    RuntimeException refusal = refusal(sql, args);
    return refusal != null
        ? PgFuture.failed(refusal)
        : run(new Fetch.FirstColumn<T>(session, type, sql, copy(args), nanos()));
  }

  @Override
  public <T> PgFuture<List<T>> fetch(Class<T> type, String sql, @Nullable Object... args) {
    RuntimeException refusal = refusal(sql, args);
    return refusal != null
        ? PgFuture.failed(refusal)
        : run(new Fetch.AllValues<T>(session, type, sql, copy(args), nanos()));
  }

  @Override
  public <R extends @Nullable Object> PgFuture<R> fetch(
      Collector<? super Row, ?, R> collector, String sql, @Nullable Object... args) {
    RuntimeException refusal = refusal(sql, args);
    return refusal != null
        ? PgFuture.failed(refusal)
        : run(new Fetch.Collected<>(session, collector, sql, copy(args), nanos()));
  }

  @Override
  public <T> PgFuture<Optional<T>> fetchRow(Class<T> type, String sql, @Nullable Object... args) {
    RuntimeException refusal = refusal(sql, args);
    return refusal != null
        ? PgFuture.failed(refusal)
        : run(new Fetch.FirstValue<T>(session, type, sql, copy(args), nanos()));
  }

  @Override
  public PgFuture<RowCounts> executeMany(String sql, Iterable<?> rows) {
    return run(
        sql,
        refusal -> Unused.rows(rows),
        time -> new Batch.Effects(session, sql, Feed.of(rows), time));
  }

  @Override
  public PgFuture<RowCounts> executeMany(String sql, Flow.Publisher<?> rows) {
    return run(sql, time -> new Batch.Effects(session, sql, Feed.of(rows, AHEAD), time));
  }

  @Override
  public PgFuture<Rows> fetchMany(String sql, Iterable<?> rows) {
    return run(
        sql,
        refusal -> Unused.rows(rows),
        time -> new Batch.AllRows(session, sql, Feed.of(rows), time));
  }

  /** Rows of published arguments; for those whose interface has it. */
  public PgFuture<Rows> fetchMany(String sql, Flow.Publisher<?> rows) {
    return run(sql, time -> new Batch.AllRows(session, sql, Feed.of(rows, AHEAD), time));
  }

  @Override
  public RowStream stream(String sql, @Nullable Object... args) {
    @Nullable Object[] arguments = copy(args);
    return new Streaming(
        this,
        sql,
        (buffer, fetchSize, time) ->
            new PortalStream(session, sql, arguments, buffer, fetchSize, time));
  }

  /** A batch that is empty; for those whose interface has it. */
  public PgBatch batch() {
    return new StatementBatch(this);
  }

  @Override
  public PgFuture<CommandTag> copyFromTable(String table, CopySink sink, CopyOptions options) {
    Objects.requireNonNull(sink, "sink");
    Objects.requireNonNull(options, "options");
    return run(
        table,
        refusal -> Unused.sink(sink, refusal),
        time -> CopyOut.ofTable(session, table, sink, options, time));
  }

  @Override
  public PgFuture<CommandTag> copyFromQuery(
      String sql, List<?> args, CopySink sink, CopyOptions options) {
    Objects.requireNonNull(sink, "sink");
    Objects.requireNonNull(options, "options");
    return run(
        sql,
        refusal -> Unused.sink(sink, refusal),
        time -> CopyOut.ofQuery(session, sql, copy(args.toArray()), sink, options, time));
  }

  @Override
  public PgFuture<CommandTag> copyToTable(String table, CopySource source, CopyOptions options) {
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(options, "options");
    return run(
        table,
        refusal -> Unused.source(source),
        time -> new CopyIn.OfBytes(session, table, source, options, time));
  }

  @Override
  public PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Iterable<?> rows) {
    return copyRecordsToTable(table, columns, rows, CopyOptions.binary());
  }

  @Override
  public PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Flow.Publisher<?> rows) {
    return copyRecordsToTable(table, columns, rows, CopyOptions.binary());
  }

  @Override
  public PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Iterable<?> rows, CopyOptions options) {
    return run(
        table,
        time -> new CopyRecords(session, table, options.withColumns(columns), Feed.of(rows), time));
  }

  @Override
  public PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Flow.Publisher<?> rows, CopyOptions options) {
    return run(
        table,
        time ->
            new CopyRecords(
                session, table, options.withColumns(columns), Feed.of(rows, 256), time));
  }

  @Override
  public RowStream copyRows(String sql, @Nullable Object... args) {
    @Nullable Object[] arguments = copy(args);
    return new Streaming(
        this,
        sql,
        (buffer, fetchSize, time) ->
            new CopyRows(session, sql, arguments, buffer, fetchSize, time));
  }

  /** Opens a cursor; for those whose interface has it. */
  public PgFuture<Cursor> cursor(String sql, @Nullable Object... args) {
    return run(sql, time -> new Portal.Open(this, sql, copy(args), time));
  }
}
