package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.ScramKeyCache;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Opens sessions: to the first of the configured hosts that takes us, within one budget of time.
 * One connector serves all connections of a pool, so that they share what the first has learned.
 */
public final class Connector {
  /** Passwords times salts: a handful even where roles share a pool's configuration. */
  private static final int SCRAM_KEYS = 16;

  private final PgConfig config;
  private final EventLoopGroup loops;
  private final TypeCatalog types;
  private final ScramKeyCache scramKeys = new ScramKeyCache(SCRAM_KEYS);

  /**
   * Creates a connector on the shared event loops.
   *
   * @param config where and as whom
   */
  public Connector(PgConfig config) {
    this(config, EventLoops.shared());
  }

  /**
   * Creates a connector on the caller's event loops.
   *
   * @param config where and as whom
   * @param loops of epoll, io_uring or NIO
   */
  public Connector(PgConfig config, EventLoopGroup loops) {
    this.config = config;
    this.loops = loops;
    this.types = new TypeCatalog(config.codecs());
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
    EventLoop loop = loops.next();
    Attempt attempt = new Attempt(loop);
    loop.execute(attempt::begin);
    return attempt.answer;
  }

  /** One call of connect: the hosts in turn, until one takes us or the time is up. */
  private final class Attempt {
    private final EventLoop loop;
    private final Answer answer = new Answer();
    private final List<PgException> failures = new ArrayList<>();
    private int next;
    private @Nullable Channel channel;
    private @Nullable ScheduledFuture<?> timer;
    private PgConfig.@Nullable Host current;

    private final class Answer extends PgFuture<PgConnection> {
      @Override
      protected void cancelled() {
        loop.execute(Attempt.this::giveUp);
      }

      @Override
      protected boolean onEventLoop() {
        return loop.inEventLoop() || EventLoops.isEventLoop(Thread.currentThread());
      }
    }

    Attempt(EventLoop loop) {
      this.loop = loop;
    }

    void begin() {
      timer = loop.schedule(this::timeUp, config.connectTimeout().toNanos(), TimeUnit.NANOSECONDS);
      tryNext();
    }

    private void tryNext() {
      if (answer.isDone()) {
        return;
      }
      if (next == config.hosts().size()) {
        fail(summary());
        return;
      }
      PgConfig.Host host = config.hosts().get(next++);
      current = host;
      String address = host.address();
      ChannelFuture connected =
          new Bootstrap()
              .group(loop)
              .channelFactory(EventLoops.channelFactory(loop))
              .option(ChannelOption.TCP_NODELAY, true)
              .option(ChannelOption.SO_KEEPALIVE, config.keepalives())
              .option(
                  ChannelOption.CONNECT_TIMEOUT_MILLIS,
                  (int) Math.min(Integer.MAX_VALUE, config.connectTimeout().toMillis()))
              .handler(new ChannelInboundHandlerAdapter())
              .connect(
                  InetSocketAddress.createUnresolved(
                      address == null ? host.name() : address, host.port()));
      channel = connected.channel();
      connected.addListener(
          done -> {
            if (done.isSuccess()) {
              start(connected.channel(), host);
            } else {
              failed(notReached(host, done.cause()));
            }
          });
    }

    private void start(Channel open, PgConfig.Host host) {
      if (answer.isDone()) {
        open.close();
        return;
      }
      Session session = new Session(config, open, types);
      open.pipeline().addLast(session);
      session.submit(
          new Startup(
              session,
              config,
              host,
              scramKeys,
              (ready, whyNot) -> {
                if (ready != null) {
                  succeed(ready);
                } else if (whyNot instanceof PgException reason) {
                  failed(reason);
                }
              }));
    }

    private void succeed(Session session) {
      stopTimer();
      if (!answer.complete(new Connection(session))) {
        session.terminate();
      }
    }

    private void failed(PgException reason) {
      if (channel != null) {
        channel.close();
      }
      failures.add(reason);
      tryNext();
    }

    private void fail(Throwable reason) {
      stopTimer();
      answer.completeExceptionally(reason);
    }

    private void timeUp() {
      fail(
          new PgConnectionException(
              "no session with "
                  + current
                  + " within the connect timeout of "
                  + config.connectTimeout()
                  + (failures.isEmpty() ? "" : "; before that: " + summary().getMessage()),
              RetrySafety.NOT_SENT,
              null));
      giveUp();
    }

    private void giveUp() {
      stopTimer();
      if (channel != null) {
        channel.close();
      }
    }

    private void stopTimer() {
      if (timer != null) {
        timer.cancel(false);
      }
    }

    private PgException summary() {
      if (failures.size() == 1) {
        return failures.get(0);
      }
      StringBuilder all = new StringBuilder("none of the hosts took us:");
      for (int i = 0; i < failures.size(); i++) {
        all.append(i == 0 ? " " : "; ")
            .append(config.hosts().get(i))
            .append(": ")
            .append(failures.get(i).getMessage());
      }
      PgConnectionException summary =
          new PgConnectionException(all.toString(), RetrySafety.NOT_SENT, failures.get(0));
      failures.subList(1, failures.size()).forEach(summary::addSuppressed);
      return summary;
    }
  }

  private static PgConnectionException notReached(PgConfig.Host host, @Nullable Throwable cause) {
    String why =
        cause instanceof UnknownHostException
            ? "the name is not known: check the host, or the network's name service"
            : cause instanceof java.net.ConnectException
                ? cause.getMessage()
                    + ": is a server running there, and does it accept TCP connections on that"
                    + " port?"
                : String.valueOf(cause == null ? "no reason was given" : cause.getMessage());
    return new PgConnectionException(
        "could not connect to " + host + ": " + why, RetrySafety.NOT_SENT, cause);
  }
}
