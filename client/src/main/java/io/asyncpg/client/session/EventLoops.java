package io.asyncpg.client.session;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The event loops of connections that bring none: shared by all, as many as processors, made with
 * the best transport whose native library is there. Their threads are daemons.
 */
final class EventLoops {
  /** One transport: its loops and its sockets. */
  enum Transport {
    EPOLL,
    IO_URING,
    NIO;

    boolean isAvailable() {
      return switch (this) {
        case EPOLL -> Epoll.isAvailable();
        case IO_URING -> IoUring.isAvailable();
        case NIO -> true;
      };
    }

    IoHandlerFactory ioHandlers() {
      return switch (this) {
        case EPOLL -> EpollIoHandler.newFactory();
        case IO_URING -> IoUringIoHandler.newFactory();
        case NIO -> NioIoHandler.newFactory();
      };
    }

    ChannelFactory<? extends SocketChannel> sockets() {
      return switch (this) {
        case EPOLL -> EpollSocketChannel::new;
        case IO_URING -> IoUringSocketChannel::new;
        case NIO -> NioSocketChannel::new;
      };
    }
  }

  private static final class LoopThread extends FastThreadLocalThread {
    LoopThread(Runnable work, String name) {
      super(work, name);
      setDaemon(true);
    }
  }

  private static final class Threads implements ThreadFactory {
    private final AtomicInteger made = new AtomicInteger();

    @Override
    public Thread newThread(Runnable work) {
      return new LoopThread(work, "asyncpg-loop-" + made.incrementAndGet());
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
    return new MultiThreadIoEventLoopGroup(0, new Threads(), transport.ioHandlers());
  }

  static EventLoopGroup shared() {
    return Shared.GROUP;
  }

  static boolean isEventLoop(Thread thread) {
    return thread instanceof LoopThread;
  }

  /** Sockets that the loop can drive. */
  static ChannelFactory<? extends SocketChannel> channelFactory(EventLoop loop) {
    for (Transport transport : Transport.values()) {
      if (drives(loop, transport)) {
        return transport.sockets();
      }
    }
    throw new IllegalArgumentException(
        "the event loop " + loop.getClass().getName() + " drives none of epoll, io_uring and NIO");
  }

  /** Sockets of the kind of another. */
  static ChannelFactory<? extends SocketChannel> channelFactory(Channel alike) {
    return channelFactory(alike.eventLoop());
  }

  private static boolean drives(EventLoop loop, Transport transport) {
    if (!(loop instanceof io.netty.channel.IoEventLoop ioLoop)) {
      return false;
    }
    return switch (transport) {
      case EPOLL -> Epoll.isAvailable() && ioLoop.isIoType(EpollIoHandler.class);
      case IO_URING -> IoUring.isAvailable() && ioLoop.isIoType(IoUringIoHandler.class);
      case NIO -> ioLoop.isIoType(NioIoHandler.class);
    };
  }
}
