package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.Notice;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.client.Rows;
import io.asyncpg.client.ServerVersion;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A handle of a session: what an application holds. Any thread; no state but whether it has ended.
 */
final class Connection implements PgConnection {
  /** What all handles of one lease of a session share. */
  private static final class Lease {
    volatile @Nullable String ended;
  }

  private final Session session;
  private final Lease lease;

  /** Bounds each call; null for none. Zero or less fails before anything is sent. */
  private final @Nullable Duration timeout;

  Connection(Session session) {
    this(session, new Lease(), session.config().commandTimeout());
  }

  private Connection(Session session, Lease lease, @Nullable Duration timeout) {
    this.session = session;
    this.lease = lease;
    this.timeout = timeout;
  }

  /**
   * Runs a request, if this handle may still be used and has time.
   *
   * @param request makes the request, given its timeout in nanoseconds
   */
  private <T extends @Nullable Object> PgFuture<T> run(
      String sql, LongFunction<Request<T>> request) {
    String ended = lease.ended;
    if (ended != null) {
      return PgFuture.failed(new IllegalStateException(ended));
    }
    long nanos = 0;
    if (timeout != null) {
      nanos = timeout.toNanos();
      if (nanos <= 0) {
        return PgFuture.failed(Deadlines.noneLeft(timeout, sql));
      }
    }
    return Fetch.run(request.apply(nanos));
  }

  private static @Nullable Object[] copy(@Nullable Object[] args) {
    return args.length == 0 ? args : args.clone();
  }

  @Override
  public PgFuture<CommandTag> execute(String sql, @Nullable Object... args) {
    return args.length == 0
        ? run(sql, time -> new Script(session, sql, time))
        : run(sql, time -> new Fetch.Tag(session, sql, copy(args), time));
  }

  @Override
  public PgFuture<Rows> fetch(String sql, @Nullable Object... args) {
    return run(sql, time -> new Fetch.AllRows(session, sql, copy(args), time));
  }

  @Override
  public PgFuture<Optional<Row>> fetchRow(String sql, @Nullable Object... args) {
    return run(sql, time -> new Fetch.FirstRow(session, sql, copy(args), time));
  }

  @Override
  public <T> PgFuture<@Nullable T> fetchValue(Class<T> type, String sql, @Nullable Object... args) {
    return run(sql, time -> new Fetch.FirstColumn<T>(session, type, sql, copy(args), time));
  }

  @Override
  public <T> PgFuture<List<T>> fetch(Class<T> type, String sql, @Nullable Object... args) {
    return run(sql, time -> new Fetch.AllValues<T>(session, type, sql, copy(args), time));
  }

  @Override
  public <T> PgFuture<Optional<T>> fetchRow(Class<T> type, String sql, @Nullable Object... args) {
    return run(sql, time -> new Fetch.FirstValue<T>(session, type, sql, copy(args), time));
  }

  @Override
  public void addNoticeListener(Consumer<Notice> listener) {
    if (!session.noticeListeners().contains(listener)) {
      session.noticeListeners().add(listener);
    }
  }

  @Override
  public void removeNoticeListener(Consumer<Notice> listener) {
    session.noticeListeners().remove(listener);
  }

  @Override
  public int serverPid() {
    return session.processId();
  }

  @Override
  public ServerVersion serverVersion() {
    return ServerVersion.parse(session.parameters().getOrDefault("server_version", ""));
  }

  @Override
  public Map<String, String> settings() {
    return new TreeMap<>(session.parameters());
  }

  @Override
  public boolean isInTransaction() {
    return session.transactionStatus() != TransactionStatus.IDLE;
  }

  @Override
  public boolean isClosed() {
    return lease.ended != null || session.isEnded();
  }

  @Override
  public PgFuture<Void> closed() {
    PgFuture<Void> closed = new PgFuture<>();
    session.ended().whenComplete((nothing, never) -> closed.complete(null));
    return closed;
  }

  @Override
  public void close() {
    if (lease.ended == null) {
      lease.ended = "the connection has been closed: open another, or close it later";
      session.submit(new Goodbye());
    }
  }

  @Override
  public void terminate() {
    if (lease.ended == null) {
      lease.ended = "the connection has been terminated";
    }
    session.terminate();
  }

  @Override
  public PgConnection withTimeout(Duration timeout) {
    return new Connection(session, lease, timeout);
  }

  @Override
  public String toString() {
    return "PgConnection[" + session.config().host() + " #" + serverPid() + "]";
  }

  /**
   * Terminate, in its turn: nothing is written for it until all that was asked before is answered.
   */
  private static final class Goodbye extends Exchange {
    @Override
    boolean isReadyToWrite(Session session, boolean first) {
      if (first && session.inFlight().isEmpty()) {
        session.loop().execute(session::sayGoodbye);
      }
      return false;
    }

    @Override
    void write(Session session, FrontendWriter out) {
      throw new AssertionError("never ready to be written");
    }

    @Override
    void failed(Diagnostic diagnostic) {
      throw new AssertionError("never written");
    }

    @Override
    void ready(Session session, io.asyncpg.protocol.TransactionStatus status) {
      throw new AssertionError("never written");
    }

    @Override
    void fail(Throwable failure) {
      // The session has ended: that is all that was wanted.
    }

    @Override
    String doing() {
      return "while the connection was closing";
    }
  }
}
