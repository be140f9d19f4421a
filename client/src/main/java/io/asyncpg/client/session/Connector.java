package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.protocol.ScramKeyCache;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.ssl.SslContext;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Opens sessions: to the first of the configured hosts that takes us, within one budget of time.
 * One connector serves all connections of a pool, so that they share what the first has learned.
 */
public final class Connector {
  /** Passwords times salts: a handful even where roles share a pool's configuration. */
  private static final int SCRAM_KEYS = 16;

  /** Statements, by their SQL, that the sessions of one pool remember for each other. */
  private static final int SHARED_DESCRIPTIONS = 1024;

  private final PgConfig config;
  private final EventLoopGroup loops;
  private final @Nullable SslContext sslContext;
  private final @Nullable Spread spread;
  private final TypeCatalog types;
  private final ScramKeyCache scramKeys = new ScramKeyCache(SCRAM_KEYS);

  /** The attempts under way, and the host that each is at. */
  private final Map<ConnectAttempt, PgConfig.Host> underWay = new ConcurrentHashMap<>();

  /** As the files were when last looked at; null before that. */
  private volatile @Nullable Tls tls;

  /**
   * Creates a connector on the shared event loops.
   *
   * @param config where and as whom
   */
  public Connector(PgConfig config) {
    this(config, EventLoops.shared(), null);
  }

  /**
   * Creates the connector of a pool, whose sessions share what each learns of its statements.
   *
   * @param config where and as whom
   * @param spread whether each goes to the host that has the fewest of them
   * @return the connector
   */
  public static Connector ofPool(PgConfig config, boolean spread) {
    return new Connector(
        config, EventLoops.shared(), null, SHARED_DESCRIPTIONS, spread ? new Spread() : null);
  }

  /**
   * Creates a connector on the caller's event loops.
   *
   * @param config where and as whom
   * @param loops of epoll, io_uring or NIO
   * @param sslContext what encrypts, in place of what the configuration says; null for that
   */
  public Connector(PgConfig config, EventLoopGroup loops, @Nullable SslContext sslContext) {
    this(config, loops, sslContext, 0, null);
  }

  private Connector(
      PgConfig config,
      EventLoopGroup loops,
      @Nullable SslContext sslContext,
      int descriptions,
      @Nullable Spread spread) {
    this.config = config;
    this.spread = spread;
    this.loops = loops;
    this.sslContext = sslContext;
    this.types = new TypeCatalog(config.codecs(), descriptions);
  }

  /**
   * Opens a single session.
   *
   * @param config where and as whom
   * @return the session
   */
  public static PgFuture<PgConnection> connect(PgConfig config) {
    return new Connector(config).connect();
  }

  /**
   * Opens a session.
   *
   * @return the session; cancelling it gives up the attempt
   */
  public PgFuture<PgConnection> connect() {
    return begin(false);
  }

  /**
   * Opens a session beside attempts that hang: the hosts that they wait for come last.
   *
   * @return the session; cancelling it gives up the attempt
   */
  public PgFuture<PgConnection> connectBeside() {
    return begin(true);
  }

  private PgFuture<PgConnection> begin(boolean beside) {
    EventLoop loop = loops.next();
    ConnectAttempt attempt = new ConnectAttempt(this, loop, beside);
    loop.execute(attempt::begin);
    return attempt.answer();
  }

  /**
   * Whether this is an attempt to connect itself, rather than something that was made of one:
   * cancelling it gives up whatever could come of it.
   *
   * @param attempt what {@link #connect} has returned, or another's future
   * @return false where a connection that comes after it was cancelled would be lost
   */
  public static boolean isAttempt(Object attempt) {
    return ConnectAttempt.isAnswer(attempt);
  }

  /**
   * Whether an attempt that failed would fail again: a file is missing, a certificate is not
   * trusted, the server does not do what is required of it.
   *
   * @param attempt what {@link #connect} has returned, or another's future
   * @return true where waiting does not help; false where it may, or where that is not known
   */
  public static boolean isFailedForGood(Object attempt) {
    return ConnectAttempt.isFailedForGood(attempt);
  }

  /**
   * Runs something later, on an event loop.
   *
   * @param task must not block
   * @param nanos from now
   * @return cancelling it, if it has not begun, drops it
   */
  public Future<?> timer(Runnable task, long nanos) {
    return loops.next().schedule(task, Math.max(0, nanos), TimeUnit.NANOSECONDS);
  }

  /**
   * Called before the current thread waits. It may do the work itself that it waits for.
   *
   * @param stage what has to complete first; null where that is not known
   * @param bounded whether the thread waits for a limited time only
   */
  public static void beforeWaiting(@Nullable CompletionStage<?> stage, boolean bounded) {
    if (stage instanceof Request.Answer<?> answer && !answer.isDone()) {
      answer.beforeWaiting(bounded);
    } else {
      LendingLoop.takeBack();
    }
  }

  /**
   * A future that only an event loop can bring to its end, so that none may wait for it.
   *
   * @param <T> the result
   * @return an incomplete one
   */
  public static <T extends @Nullable Object> PgFuture<T> future() {
    return new PgFuture<>() {
      @Override
      protected boolean onEventLoop() {
        return isOnEventLoop();
      }
    };
  }

  /**
   * Whether this thread is an event loop, which must not wait.
   *
   * @return true on one of the shared event loops
   */
  public static boolean isOnEventLoop() {
    return EventLoops.isCurrentThread();
  }

  PgConfig config() {
    return config;
  }

  /** Runs a task later, on an event loop: it must not block. */
  void schedule(Runnable task, long nanos) {
    loops.next().schedule(task, nanos, TimeUnit.NANOSECONDS);
  }

  /** An attempt has come to a host. */
  void isAt(ConnectAttempt attempt, PgConfig.Host host) {
    underWay.put(attempt, host);
  }

  /** An attempt is over. */
  void isOver(ConnectAttempt attempt) {
    underWay.remove(attempt);
  }

  /** The hosts that attempts are at. */
  Set<PgConfig.Host> waitedFor() {
    return Set.copyOf(underWay.values());
  }

  /** Which host comes first; null where the configuration says that. */
  @Nullable Spread spread() {
    return spread;
  }

  TypeCatalog types() {
    return types;
  }

  ScramKeyCache scramKeys() {
    return scramKeys;
  }

  /** The TLS as its files are now; fails with PgConnectionException. */
  CompletionStage<Tls> tls() {
    return CompletableFuture.supplyAsync(this::loadTls, OffLoop.THREADS);
  }

  private Tls loadTls() {
    Tls last = tls;
    if (last == null || !last.isCurrent()) {
      last = Tls.load(config, sslContext);
      tls = last;
    }
    return last;
  }
}
