package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringChannelOption;
import io.netty.channel.uring.IoUringDomainSocketChannel;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.util.NettyRuntime;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/**
 * The event loops of connections that bring none: shared by all, as many as processors (two at
 * least), made with the best transport whose native library is there. Their threads are daemons.
 */
final class EventLoops {
  /**
   * More loops than processors were measured and made nothing faster; each costs a thread and a
   * receive buffer.
   */
  private static final int THREADS =
      Math.max(
          1,
          Integer.getInteger(
              "io.netty.eventLoopThreads", Math.max(2, NettyRuntime.availableProcessors())));

  /** One transport: its loops and its sockets. */
  enum Transport {
    EPOLL,
    IO_URING,
    NIO;

    /** Whether its native library is there, and its classes: a build may have left them out. */
    boolean isAvailable() {
      try {
        return switch (this) {
          case EPOLL -> Epoll.isAvailable();
          case IO_URING -> IoUring.isAvailable();
          case NIO -> true;
        };
      } catch (NoClassDefFoundError leftOut) {
        return false;
      }
    }

    IoHandlerFactory ioHandlers() {
      return switch (this) {
        case EPOLL -> EpollIoHandler.newFactory();
        case IO_URING -> IoUringIoHandler.newFactory();
        case NIO -> NioIoHandler.newFactory();
      };
    }

    /** TCP sockets, or Unix ones. */
    ChannelFactory<? extends Channel> sockets(boolean unix) {
      return switch (this) {
        case EPOLL -> unix ? EpollDomainSocketChannel::new : EpollSocketChannel::new;
        case IO_URING -> unix ? IoUringDomainSocketChannel::new : IoUringSocketChannel::new;
        case NIO -> unix ? NioDomainSocketChannel::new : NioSocketChannel::new;
      };
    }

    /**
     * The address of a Unix socket.
     *
     * @throws IllegalArgumentException if this transport cannot reach it
     */
    SocketAddress unixAddress(PgConfig.Host host) {
      String file = host.name() + "/.s.PGSQL." + host.port();
      boolean isAbstract = file.startsWith("@");
      if (this != NIO) {
        return new DomainSocketAddress(isAbstract ? "\0" + file.substring(1) : file);
      }
      if (isAbstract) {
        throw new IllegalArgumentException(
            "the abstract Unix socket "
                + host
                + " is out of NIO's reach: add netty-transport-native-epoll to the class path");
      }
      return UnixDomainSocketAddress.of(file);
    }

    /** What the operating system does for a TCP connection that may have died. */
    void watchFor(Bootstrap bootstrap, PgConfig config) {
      bootstrap.option(ChannelOption.SO_KEEPALIVE, config.keepalives());
      if (config.keepalives()) {
        switch (this) {
          case EPOLL -> {
            set(bootstrap, EpollChannelOption.TCP_KEEPIDLE, seconds(config.keepalivesIdle()));
            set(bootstrap, EpollChannelOption.TCP_KEEPINTVL, seconds(config.keepalivesInterval()));
            set(bootstrap, EpollChannelOption.TCP_KEEPCNT, config.keepalivesCount());
          }
          case IO_URING -> {
            set(bootstrap, IoUringChannelOption.TCP_KEEPIDLE, seconds(config.keepalivesIdle()));
            set(
                bootstrap,
                IoUringChannelOption.TCP_KEEPINTVL,
                seconds(config.keepalivesInterval()));
            set(bootstrap, IoUringChannelOption.TCP_KEEPCNT, config.keepalivesCount());
          }
          case NIO -> {
            set(bootstrap, Nio.TCP_KEEPIDLE, seconds(config.keepalivesIdle()));
            set(bootstrap, Nio.TCP_KEEPINTVL, seconds(config.keepalivesInterval()));
            set(bootstrap, Nio.TCP_KEEPCNT, config.keepalivesCount());
          }
        }
      }
      int userTimeout = (int) Math.min(Integer.MAX_VALUE, config.tcpUserTimeout().toMillis());
      switch (this) {
        case EPOLL -> set(bootstrap, EpollChannelOption.TCP_USER_TIMEOUT, userTimeout);
        case IO_URING -> set(bootstrap, IoUringChannelOption.TCP_USER_TIMEOUT, userTimeout);
        case NIO -> {
          // Java has no name for it; libpq leaves it alone too where the system has not got it.
        }
      }
    }

    private static int seconds(Duration duration) {
      return (int) Math.min(Integer.MAX_VALUE, duration.toSeconds());
    }

    /** Zero leaves the system's default. */
    private static void set(
        Bootstrap bootstrap, @Nullable ChannelOption<Integer> option, int value) {
      if (value > 0 && option != null) {
        bootstrap.option(option, value);
      }
    }
  }

  /** Java's own socket options, null where the operating system lacks one. */
  private static final class Nio {
    static final @Nullable ChannelOption<Integer> TCP_KEEPIDLE =
        option(ExtendedSocketOptions.TCP_KEEPIDLE);
    static final @Nullable ChannelOption<Integer> TCP_KEEPINTVL =
        option(ExtendedSocketOptions.TCP_KEEPINTERVAL);
    static final @Nullable ChannelOption<Integer> TCP_KEEPCNT =
        option(ExtendedSocketOptions.TCP_KEEPCOUNT);

    private static @Nullable ChannelOption<Integer> option(SocketOption<Integer> option) {
      try (java.nio.channels.SocketChannel probe = java.nio.channels.SocketChannel.open()) {
        return probe.supportedOptions().contains(option) ? NioChannelOption.of(option) : null;
      } catch (IOException noSocket) {
        return null;
      }
    }
  }

  static final class LoopThread extends FastThreadLocalThread {
    /** Whether it sleeps on purpose, its loop being lent. */
    volatile boolean asleep;

    LoopThread(Runnable work, String name) {
      super(work, name);
      setDaemon(true);
    }

    /** For those who watch threads that must not block. */
    @Override
    public boolean permitBlockingCalls() {
      return asleep;
    }
  }

  private static final class Threads implements ThreadFactory {
    private final AtomicInteger made = new AtomicInteger();

    @Override
    public Thread newThread(Runnable work) {
      return new LoopThread(work, "asyncpg-loop-" + made.incrementAndGet());
    }
  }

  private static final class Group extends MultiThreadIoEventLoopGroup {
    Group(IoHandlerFactory handlers) {
      super(THREADS, new Threads(), handlers);
    }

    @Override
    protected IoEventLoop newChild(
        Executor executor, IoHandlerFactory handlers, @Nullable Object... none) {
      return new LendingLoop(this, executor, handlers);
    }
  }

  /** Made with the first connection. */
  private static final class Shared {
    static final EventLoopGroup GROUP = create(best());
  }

  private EventLoops() {}

  private static Transport best() {
    String wanted = System.getProperty("asyncpg.transport");
    for (Transport transport : Transport.values()) {
      if (wanted == null
          ? transport.isAvailable()
          : transport.name().equalsIgnoreCase(wanted) && transport.isAvailable()) {
        return transport;
      }
    }
    return Transport.NIO;
  }

  static EventLoopGroup create(Transport transport) {
    return new Group(transport.ioHandlers());
  }

  static EventLoopGroup shared() {
    return Shared.GROUP;
  }

  /** Whether the current thread does the work of some event loop: it must not wait. */
  static boolean isCurrentThread() {
    return Thread.currentThread() instanceof LoopThread || LendingLoop.isDriving();
  }

  /** The transport of a loop. */
  static Transport transport(EventLoop loop) {
    for (Transport transport : Transport.values()) {
      if (drives(loop, transport)) {
        return transport;
      }
    }
    throw new IllegalArgumentException(
        "the event loop " + loop.getClass().getName() + " drives none of epoll, io_uring and NIO");
  }

  private static boolean drives(EventLoop loop, Transport transport) {
    if (!(loop instanceof IoEventLoop ioLoop) || !transport.isAvailable()) {
      return false;
    }
    return switch (transport) {
      case EPOLL -> ioLoop.isIoType(EpollIoHandler.class);
      case IO_URING -> ioLoop.isIoType(IoUringIoHandler.class);
      case NIO -> ioLoop.isIoType(NioIoHandler.class);
    };
  }
}
