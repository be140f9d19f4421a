package io.asyncpg.pool;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.CopySource;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowCounts;
import io.asyncpg.client.RowStream;
import io.asyncpg.client.Rows;
import io.asyncpg.client.TargetSessionAttrs;
import io.asyncpg.client.TransactionOptions;
import io.asyncpg.client.session.Connector;
import io.asyncpg.client.session.PooledSession;
import io.asyncpg.client.session.StreamArgument;
import io.asyncpg.client.session.Unused;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collector;
import org.jspecify.annotations.Nullable;

/** The pool as applications see it, or a view of it with another timeout. Any thread. */
final class PooledClient implements PgPool {
  /** How often a statement is tried when its connection is lost before it was sent. */
  private static final int MOST_ATTEMPTS = 3;

  private final Pool pool;
  private final Companions companions;
  private final @Nullable Duration timeout;

  PooledClient(Pool pool) {
    this(pool, new Companions(pool), null);
  }

  private PooledClient(Pool pool, Companions companions, @Nullable Duration timeout) {
    this.pool = pool;
    this.companions = companions;
    this.timeout = timeout;
  }

  // ---- Connections

  @Override
  public PgFuture<PgConnection> acquire() {
    Duration bound = timeout;
    if (bound == null) {
      return pool.acquire(null, 0);
    }
    return isOver(bound) ? PgFuture.failed(noneLeft(bound, null)) : acquire(null, bound);
  }

  /** Asks for a connection, for a call that is bounded so. */
  Acquire acquire(@Nullable String sql, @Nullable Duration bound) {
    return pool.acquire(sql, bound == null ? 0 : Pool.nanos(bound));
  }

  /** What this view bounds each call with; null for the configuration's. */
  @Nullable Duration timeout() {
    return timeout;
  }

  /** What bounds a call, its wait for a connection included; null for nothing. */
  @Nullable Duration bound() {
    return timeout == null ? pool.config().connection().commandTimeout() : timeout;
  }

  static boolean isOver(@Nullable Duration bound) {
    return bound != null && (bound.isNegative() || bound.isZero());
  }

  static PgTimeoutException noneLeft(Duration bound, @Nullable String sql) {
    return new PgTimeoutException(
        "the timeout of " + bound + " leaves no time", sql, RetrySafety.NOT_SENT, null);
  }

  @Override
  public <T extends @Nullable Object> PgFuture<T> withConnection(
      Function<? super PgConnection, ? extends CompletionStage<T>> work) {
    Objects.requireNonNull(work, "work");
    return new Borrowed<T>(null, timeout, false, 1, work).begin(null);
  }

  private <T extends @Nullable Object> PgFuture<T> call(
      String sql, Function<? super PgConnection, ? extends CompletionStage<T>> work) {
    return new Borrowed<T>(given(sql), bound(), true, MOST_ATTEMPTS, work).begin(null);
  }

  /**
   * As {@link #call}, where the arguments can be read only once.
   *
   * @param unused what to do about them when there was no connection to read them for
   */
  private <T extends @Nullable Object> PgFuture<T> callOnce(
      String sql,
      @Nullable Consumer<Throwable> unused,
      Function<? super PgConnection, ? extends CompletionStage<T>> work) {
    return new Borrowed<T>(given(sql), bound(), true, 1, work).begin(unused);
  }

  private static String given(String sql) {
    return Objects.requireNonNull(sql, "the SQL, or the name of the table, is null");
  }

  /** One use of a borrowed connection, and its outcome. */
  private final class Borrowed<T extends @Nullable Object> extends PgFuture<T> {
    private final @Nullable String sql;
    private final @Nullable Duration bound;
    private final boolean boundsWork;
    private int attemptsLeft;
    private long begunAt;
    private final Function<? super PgConnection, ? extends CompletionStage<T>> work;
    private volatile @Nullable CompletionStage<?> waitsFor;
    private @Nullable Consumer<Throwable> unused;

    Borrowed(
        @Nullable String sql,
        @Nullable Duration bound,
        boolean boundsWork,
        int attempts,
        Function<? super PgConnection, ? extends CompletionStage<T>> work) {
      this.sql = sql;
      this.bound = bound;
      this.boundsWork = boundsWork;
      this.attemptsLeft = attempts;
      this.work = work;
    }

    /**
     * Begins.
     *
     * @param unused told once, if the work was never given a connection, why not
     */
    PgFuture<T> begin(@Nullable Consumer<Throwable> unused) {
      this.unused = unused;
      Duration within = bound;
      if (within != null && isOver(within)) {
        neverUsed(noneLeft(within, sql));
        return this;
      }
      begunAt = System.nanoTime();
      attempt(within);
      return this;
    }

    private void attempt(@Nullable Duration within) {
      attemptsLeft--;
      Acquire acquire = acquire(sql, within);
      waitsFor = acquire;
      acquire.whenComplete(
          (connection, failure) -> {
            if (connection == null) {
              neverUsed(Pool.unwrapped(failure));
            } else {
              use(connection);
            }
          });
    }

    private void neverUsed(Throwable why) {
      Consumer<Throwable> told = unused;
      if (told != null) {
        told.accept(why);
      }
      completeExceptionally(why);
    }

    /** What is left of a bound. */
    private Duration left(Duration within) {
      return within.minusNanos(System.nanoTime() - begunAt);
    }

    private void use(PgConnection connection) {
      CompletionStage<T> result;
      try {
        if (isDone()) {
          connection.close();
          neverUsed(new CancellationException("the call was cancelled"));
          return;
        }
        PgConnection client = connection;
        Duration within = bound;
        if (within != null && boundsWork) {
          client = connection.withTimeout(left(within));
        }
        result = work.apply(client);
        if (result == null) {
          throw new IllegalStateException(
              "the work with the connection returned null in place of a stage: return a completed"
                  + " one where there is nothing to wait for");
        }
      } catch (Throwable thrown) {
        connection.close();
        completeExceptionally(thrown);
        return;
      }
      waitsFor = result;
      if (isCancelled()) {
        PooledSession.cancel(result);
      }
      result.whenComplete(
          (value, failure) -> {
            giveBack(connection);
            if (failure == null) {
              complete(value);
            } else {
              tryAgain(Pool.unwrapped(failure));
            }
          });
    }

    /** Once cancelled, a transaction's own end may come behind this. */
    private void giveBack(PgConnection connection) {
      if (isCancelled()) {
        PooledSession.closeCancelled(connection);
      } else {
        connection.close();
      }
    }

    /** Unless nothing was sent, as the connection turned out to be dead, that is it. */
    private void tryAgain(Throwable failure) {
      Duration within = bound;
      Duration left = within == null ? null : left(within);
      if (attemptsLeft > 0
          && !isDone()
          && !isOver(left)
          && failure instanceof PgConnectionException lost
          && lost.retrySafety() == RetrySafety.NOT_SENT) {
        attempt(left);
        if (isCancelled()) {
          cancelled();
        }
      } else {
        completeExceptionally(failure);
      }
    }

    @Override
    protected void cancelled() {
      CompletionStage<?> stage = waitsFor;
      if (stage != null) {
        PooledSession.cancel(stage);
      }
    }

    @Override
    protected void beforeWaiting(boolean bounded) {
      Connector.beforeWaiting(waitsFor, bounded);
    }

    @Override
    protected boolean onEventLoop() {
      return Connector.isOnEventLoop();
    }
  }

  // ---- Calls

  @Override
  public PgFuture<CommandTag> execute(String sql, @Nullable Object... args) {
    @Nullable Object[] read = StreamArgument.read(args);
    return call(sql, connection -> connection.execute(sql, read));
  }

  @Override
  public PgFuture<Rows> fetch(String sql, @Nullable Object... args) {
    @Nullable Object[] read = StreamArgument.read(args);
    return call(sql, connection -> connection.fetch(sql, read));
  }

  @Override
  public PgFuture<Optional<Row>> fetchRow(String sql, @Nullable Object... args) {
    @Nullable Object[] read = StreamArgument.read(args);
    return call(sql, connection -> connection.fetchRow(sql, read));
  }

  @Override
  public <T> PgFuture<@Nullable T> fetchValue(Class<T> type, String sql, @Nullable Object... args) {
    @Nullable Object[] read = StreamArgument.read(args);
    return call(sql, connection -> connection.fetchValue(type, sql, read));
  }

  @Override
  public <T> PgFuture<List<T>> fetch(Class<T> type, String sql, @Nullable Object... args) {
    @Nullable Object[] read = StreamArgument.read(args);
    return call(sql, connection -> connection.fetch(type, sql, read));
  }

  @Override
  public <R extends @Nullable Object> PgFuture<R> fetch(
      Collector<? super Row, ?, R> collector, String sql, @Nullable Object... args) {
    @Nullable Object[] read = StreamArgument.read(args);
    return call(sql, connection -> connection.fetch(collector, sql, read));
  }

  @Override
  public <T> PgFuture<Optional<T>> fetchRow(Class<T> type, String sql, @Nullable Object... args) {
    @Nullable Object[] read = StreamArgument.read(args);
    return call(sql, connection -> connection.fetchRow(type, sql, read));
  }

  @Override
  public PgFuture<RowCounts> executeMany(String sql, Iterable<?> rows) {
    return callOnce(
        sql, failure -> Unused.rows(rows), connection -> connection.executeMany(sql, rows));
  }

  @Override
  public PgFuture<RowCounts> executeMany(String sql, Flow.Publisher<?> rows) {
    return callOnce(sql, null, connection -> connection.executeMany(sql, rows));
  }

  @Override
  public PgFuture<Rows> fetchMany(String sql, Iterable<?> rows) {
    return callOnce(
        sql, failure -> Unused.rows(rows), connection -> connection.fetchMany(sql, rows));
  }

  @Override
  public RowStream stream(String sql, @Nullable Object... args) {
    @Nullable Object[] read = StreamArgument.read(args);
    return new PooledStream(this, sql, connection -> connection.stream(sql, read));
  }

  @Override
  public PgFuture<CommandTag> copyFromTable(String table, CopySink sink, CopyOptions options) {
    Objects.requireNonNull(sink, "sink");
    Objects.requireNonNull(options, "options");
    return callOnce(
        table,
        failure -> Unused.sink(sink, failure),
        connection -> connection.copyFromTable(table, sink, options));
  }

  @Override
  public PgFuture<CommandTag> copyFromQuery(
      String sql, List<?> args, CopySink sink, CopyOptions options) {
    Objects.requireNonNull(sink, "sink");
    Objects.requireNonNull(options, "options");
    List<@Nullable Object> read = Arrays.asList(StreamArgument.read(args.toArray()));
    return callOnce(
        sql,
        failure -> Unused.sink(sink, failure),
        connection -> connection.copyFromQuery(sql, read, sink, options));
  }

  @Override
  public PgFuture<CommandTag> copyToTable(String table, CopySource source, CopyOptions options) {
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(options, "options");
    return callOnce(
        table,
        failure -> Unused.source(source),
        connection -> connection.copyToTable(table, source, options));
  }

  @Override
  public PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Iterable<?> rows) {
    return callOnce(table, null, connection -> connection.copyRecordsToTable(table, columns, rows));
  }

  @Override
  public PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Flow.Publisher<?> rows) {
    return callOnce(table, null, connection -> connection.copyRecordsToTable(table, columns, rows));
  }

  @Override
  public PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Iterable<?> rows, CopyOptions options) {
    return callOnce(
        table, null, connection -> connection.copyRecordsToTable(table, columns, rows, options));
  }

  @Override
  public PgFuture<CommandTag> copyRecordsToTable(
      String table, List<String> columns, Flow.Publisher<?> rows, CopyOptions options) {
    return callOnce(
        table, null, connection -> connection.copyRecordsToTable(table, columns, rows, options));
  }

  @Override
  public RowStream copyRows(String sql, @Nullable Object... args) {
    @Nullable Object[] read = StreamArgument.read(args);
    return new PooledStream(this, sql, connection -> connection.copyRows(sql, read));
  }

  @Override
  public <T extends @Nullable Object> PgFuture<T> transaction(
      Function<? super PgTransaction, ? extends CompletionStage<T>> work) {
    return transaction(TransactionOptions.defaults(), work);
  }

  @Override
  public <T extends @Nullable Object> PgFuture<T> transaction(
      TransactionOptions options,
      Function<? super PgTransaction, ? extends CompletionStage<T>> work) {
    // Without a timeout of the call's own each statement in it has the configuration's.
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(work, "work");
    return new Borrowed<T>(
            null, bound(), timeout != null, 1, connection -> connection.transaction(options, work))
        .begin(null);
  }

  // ---- The pool

  @Override
  public PgFuture<Void> ready() {
    return pool.ready();
  }

  @Override
  public PoolStats stats() {
    return pool.stats();
  }

  @Override
  public PgFuture<Void> drain() {
    return pool.drain();
  }

  @Override
  public void expireConnections() {
    pool.expire();
  }

  @Override
  public void resize(int min, int max) {
    pool.resize(min, max);
  }

  @Override
  public PgPool readOnly() {
    return view(companions.of(TargetSessionAttrs.PREFER_STANDBY));
  }

  @Override
  public PgPool readWrite() {
    TargetSessionAttrs now = pool.config().connection().targetSessionAttrs();
    return now == TargetSessionAttrs.READ_WRITE || now == TargetSessionAttrs.PRIMARY
        ? this
        : view(companions.of(TargetSessionAttrs.READ_WRITE));
  }

  private PgPool view(PgPool companion) {
    return timeout == null ? companion : companion.withTimeout(timeout);
  }

  @Override
  public void close() {
    companions.close();
    pool.close();
  }

  @Override
  public void terminate() {
    companions.terminate();
    pool.terminate();
  }

  @Override
  public PgFuture<Void> closed() {
    return companions.andClosed(pool.closed());
  }

  @Override
  public PgPool withTimeout(Duration timeout) {
    return new PooledClient(pool, companions, timeout);
  }

  @Override
  public String toString() {
    PoolStats now = pool.stats();
    return "PgPool["
        + pool.config().connection().host()
        + ", "
        + now.active()
        + " active, "
        + now.idle()
        + " idle of "
        + now.maxSize()
        + "]";
  }
}
