package io.asyncpg.client.session;

import io.asyncpg.client.Notice;
import io.asyncpg.client.Notification;
import io.asyncpg.client.ParameterChange;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgStatement;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.QueryEvent;
import io.asyncpg.client.ServerVersion;
import io.asyncpg.client.TransactionOptions;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A handle of a session: what an application holds. Any thread; no state but whether it has ended.
 */
final class Connection extends Client implements PgConnection {
  private static final String CLOSED =
      "the connection has been closed: open another, or close it later";

  Connection(Session session) {
    this(session, new Lease(), null);
  }

  /** A handle of one lease of a pool's session. */
  Connection(Session session, Lease lease) {
    this(session, lease, null);
  }

  private Connection(Session session, Lease lease, @Nullable Duration timeout) {
    super(session, lease, timeout);
  }

  @Override
  public PgFuture<PgStatement> prepare(String sql) {
    return run(sql, nanos -> new Statement.Prepare(this, sql, nanos));
  }

  @Override
  public PgFuture<Void> reloadSchemaState() {
    return run("", nanos -> new Statements.Reload(session));
  }

  @Override
  public PgFuture<Void> registerCodec(String schema, String typeName, Codec<?> codec) {
    Objects.requireNonNull(codec, "codec");
    return changeCodec(schema, typeName, codecs -> codecs.with(schema, typeName, codec));
  }

  @Override
  public PgFuture<Void> registerCodec(
      String schema, String typeName, PgType sameAs, Format format) {
    Objects.requireNonNull(sameAs, "sameAs");
    Objects.requireNonNull(format, "format");
    return changeCodec(schema, typeName, codecs -> codecs.with(schema, typeName, sameAs, format));
  }

  @Override
  public PgFuture<Void> resetCodec(String schema, String typeName) {
    return changeCodec(schema, typeName, null);
  }

  private PgFuture<Void> changeCodec(
      String schema, String typeName, @Nullable UnaryOperator<CodecRegistry> codec) {
    Objects.requireNonNull(schema, "schema");
    Objects.requireNonNull(typeName, "typeName");
    return run("", nanos -> new SessionCodecs.Change(session, schema, typeName, codec, nanos));
  }

  @Override
  public PgFuture<PgTransaction> begin() {
    return begin(TransactionOptions.defaults());
  }

  @Override
  public PgFuture<PgTransaction> begin(TransactionOptions options) {
    Objects.requireNonNull(options, "options");
    return bounded(
        "BEGIN", nanos -> session.transactions().begin(this, options, false, nanos).future());
  }

  @Override
  public void addNoticeListener(Consumer<Notice> listener) {
    Objects.requireNonNull(listener, "listener");
    lease.whileItLasts(() -> session.noticeListeners().add(listener));
  }

  @Override
  public void removeNoticeListener(Consumer<Notice> listener) {
    if (lease.ended() == null) {
      session.noticeListeners().remove(listener);
    }
  }

  @Override
  public void addQueryListener(Consumer<QueryEvent> listener) {
    addQueryListener(listener, false);
  }

  @Override
  public void addQueryListener(Consumer<QueryEvent> listener, boolean withArguments) {
    Objects.requireNonNull(listener, "listener");
    lease.whileItLasts(() -> session.queryListeners().add(listener, withArguments));
  }

  @Override
  public void removeQueryListener(Consumer<QueryEvent> listener) {
    if (lease.ended() == null) {
      session.queryListeners().remove(listener);
    }
  }

  @Override
  public void addParameterListener(Consumer<ParameterChange> listener) {
    Objects.requireNonNull(listener, "listener");
    lease.whileItLasts(() -> session.parameterListeners().add(listener));
  }

  @Override
  public void removeParameterListener(Consumer<ParameterChange> listener) {
    if (lease.ended() == null) {
      session.parameterListeners().remove(listener);
    }
  }

  @Override
  public PgFuture<Void> addListener(String channel, Consumer<Notification> listener) {
    Objects.requireNonNull(listener, "listener");
    return run("LISTEN", nanos -> new Notifications.Listen(session, channel, listener, nanos));
  }

  @Override
  public PgFuture<Void> removeListener(String channel, Consumer<Notification> listener) {
    if (isClosed()) {
      PgFuture<Void> nothingToDo = new PgFuture<>();
      nothingToDo.complete(null);
      return nothingToDo;
    }
    return run("UNLISTEN", nanos -> new Notifications.Unlisten(session, channel, listener, nanos));
  }

  @Override
  public Flow.Publisher<Notification> listen(String channel) {
    return listen(channel, 1024);
  }

  @Override
  public Flow.Publisher<Notification> listen(String channel, int bufferSize) {
    Notifications.quoted(channel);
    if (bufferSize < 1) {
      throw new IllegalArgumentException("bufferSize is " + bufferSize + ", but must be 1 or more");
    }
    return subscriber -> new Notifications.Ear(this, channel, bufferSize, subscriber).listen();
  }

  @Override
  public PgFuture<Void> reset() {
    return run("RESET ALL", nanos -> new Reset(session, nanos));
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
    if (lease.home() != null) {
      lease.whileItLasts(() -> {});
    }
    return new TreeMap<>(session.parameters());
  }

  @Override
  public boolean isInTransaction() {
    return lease.ended() == null && (session.isInTransaction() || session.transactions().isOpen());
  }

  @Override
  public boolean isClosed() {
    return lease.ended() != null || session.isEnded();
  }

  @Override
  public PgFuture<Void> closed() {
    PgFuture<Void> closed = futureOf(session);
    session.ended().whenComplete((nothing, never) -> closed.complete(null));
    if (lease.home() != null) {
      lease.over().whenComplete((nothing, never) -> closed.complete(null));
    }
    return closed;
  }

  /** Knows no handle: whoever keeps it has no way to give the connection back. */
  private static PgFuture<Void> futureOf(Session session) {
    return new PgFuture<>() {
      @Override
      protected boolean onEventLoop() {
        return session.isOnEventLoop();
      }
    };
  }

  @Override
  public void close() {
    PooledSession home = lease.home();
    if (home != null) {
      home.giveBack(lease);
    } else if (lease.end(CLOSED)) {
      session.submit(new Goodbye());
    }
  }

  @Override
  public void terminate() {
    PooledSession home = lease.home();
    if (home != null) {
      home.terminate(lease);
    } else {
      lease.end("the connection has been terminated: open another");
      session.terminate();
    }
  }

  @Override
  public Connection withTimeout(Duration timeout) {
    return new Connection(session, lease, timeout);
  }

  @Override
  public String toString() {
    return "PgConnection[" + session.config().host() + " #" + serverPid() + "]";
  }

  /**
   * Terminate, in its turn: nothing is written for it until all that was asked before is answered.
   */
  static final class Goodbye extends Exchange {
    /** It has been taken: a stream that nobody reads on would never let its turn come. */
    void arrived(Session session) {
      for (Exchange exchange : session.pending()) {
        if (exchange instanceof StreamRequest stream) {
          stream.buffer().end(new IllegalStateException(CLOSED));
          stream.stop();
        }
      }
    }

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
