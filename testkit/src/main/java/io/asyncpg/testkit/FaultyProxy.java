package io.asyncpg.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A bad network before a real server: a TCP proxy on loopback that delays, slices, throttles, cuts
 * and swallows.
 *
 * <p>Faults apply to the connections that are open and to those that come, in both directions,
 * until {@link #heal}. Every method may be called from any thread and returns when its fault is in
 * force. Ends and resets of one side are passed to the other. One thread does it all; {@link
 * #close} ends it and all its sockets.
 */
public final class FaultyProxy implements AutoCloseable {
  /**
   * What may be under way in one direction: enough for a fast line with a long delay, small enough
   * to feel pressure.
   */
  private static final int MOST_UNDER_WAY = 4 << 20;

  private static final int CHUNK = 64 << 10;

  private final InetSocketAddress server;
  private final Selector selector;
  private final Queue<Runnable> orders = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private final int port;

  // Confined to the thread.
  private final ByteBuffer buffer = ByteBuffer.allocate(CHUNK);
  private final List<Link> links = new ArrayList<>();

  /**
   * Told that it is over, and read until they agree: closing with bytes unread would be a reset.
   */
  private final Set<SocketChannel> leaving = new HashSet<>();

  private @Nullable ServerSocketChannel listener;
  private long delayNanos;
  private int slice = Integer.MAX_VALUE;
  private long bytesPerSecond = Long.MAX_VALUE;
  private boolean blackHole;
  private long cutAfter = Long.MAX_VALUE;
  private boolean cutHard;

  // Written by the thread, read by all.
  private final AtomicLong bytesToServer = new AtomicLong();
  private final AtomicLong bytesToClient = new AtomicLong();
  private final AtomicInteger connections = new AtomicInteger();
  private volatile int openConnections;
  private volatile boolean closed;

  private FaultyProxy(InetSocketAddress server) throws IOException {
    this.server = server;
    this.selector = Selector.open();
    ServerSocketChannel first = listen(0);
    this.listener = first;
    this.port = ((InetSocketAddress) first.getLocalAddress()).getPort();
    this.thread = new Thread(this::run, "faulty-proxy-" + port);
    thread.setDaemon(true);
  }

  public static FaultyProxy before(String host, int port) {
    try {
      FaultyProxy proxy = new FaultyProxy(new InetSocketAddress(host, port));
      proxy.thread.start();
      return proxy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static FaultyProxy before(TestServer server) {
    return before(server.host(), server.port());
  }

  public String host() {
    return InetAddress.getLoopbackAddress().getHostAddress();
  }

  public int port() {
    return port;
  }

  /** The DSN of the server, by way of this proxy. */
  public String dsn(TestServer server) {
    return server.dsn().replace(server.host() + ":" + server.port(), host() + ":" + port);
  }

  /** Each byte arrives this much later than it was sent; what is sent together stays together. */
  public void delay(Duration each) {
    order(() -> delayNanos = each.toNanos());
  }

  /** Passes on at most so many bytes at a time, each in a packet of its own. */
  public void slice(int bytes) {
    if (bytes < 1) throw new IllegalArgumentException("a slice of " + bytes + " bytes: at least 1");
    order(() -> slice = bytes);
  }

  /** Passes on at most so many bytes a second in each direction of each connection. */
  public void throttle(long bytesPerSecond) {
    if (bytesPerSecond < 1) throw new IllegalArgumentException("at least 1 byte a second");
    order(() -> this.bytesPerSecond = bytesPerSecond);
  }

  /**
   * Passes nothing on, and says nothing: sockets stay open, new connections are taken and go
   * nowhere.
   */
  public void blackHole() {
    order(() -> blackHole = true);
  }

  /** A good network again. What a black hole held is delivered, as TCP would. */
  public void heal() {
    order(
        () -> {
          delayNanos = 0;
          slice = Integer.MAX_VALUE;
          bytesPerSecond = Long.MAX_VALUE;
          cutAfter = Long.MAX_VALUE;
          blackHole = false;
        });
  }

  /** Resets every open connection, on both sides. */
  public void cutWithReset() {
    order(() -> List.copyOf(links).forEach(link -> link.end(true)));
  }

  /**
   * Closes every open connection, on both sides, as if the other had. What is under way is lost.
   */
  public void cutWithFin() {
    order(() -> List.copyOf(links).forEach(link -> link.end(false)));
  }

  /**
   * Resets each connection as soon as so many bytes of the server have been passed on, counted for
   * each from now.
   */
  public void cutWithResetAfter(long bytesToClient) {
    cutAfter(bytesToClient, true);
  }

  /**
   * The same in an orderly way: the client sees the end of the stream in the middle of whatever it
   * reads.
   */
  public void cutWithFinAfter(long bytesToClient) {
    cutAfter(bytesToClient, false);
  }

  private void cutAfter(long bytes, boolean hard) {
    order(
        () -> {
          cutAfter = bytes;
          cutHard = hard;
          for (Link link : List.copyOf(links)) {
            link.toClient.countdown = bytes;
            if (bytes == 0) link.end(hard);
          }
        });
  }

  /** New connections are refused, until {@link #acceptConnections}; the open ones stay. */
  public void refuseConnections() {
    order(
        () -> {
          closeQuietly(listener);
          listener = null;
        });
  }

  /** New connections are taken again, on the same port. */
  public void acceptConnections() {
    order(
        () -> {
          try {
            if (listener == null) listener = listen(port);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  /**
   * The bytes passed on to the server, by all connections together: none that has arrived there is
   * missing.
   */
  public long bytesToServer() {
    finishCounting();
    return bytesToServer.get();
  }

  /** The same for the bytes passed on to clients. */
  public long bytesToClient() {
    finishCounting();
    return bytesToClient.get();
  }

  /** How many connections were ever taken. */
  public int connections() {
    return connections.get();
  }

  /** How many connections are open: neither side has gone yet. */
  public int openConnections() {
    return openConnections;
  }

  /** Closes all sockets and ends the thread. */
  @Override
  public void close() {
    closed = true;
    selector.wakeup();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(20));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What is passed on is counted a moment later, by the thread that obeys. */
  private void finishCounting() {
    if (!closed) order(() -> {});
  }

  private void order(Runnable order) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    orders.add(
        () -> {
          try {
            order.run();
            selector
                .selectNow(); // A closed channel is gone only when its selector has let go of it.
            done.complete(null);
          } catch (RuntimeException | IOException e) {
            done.completeExceptionally(e);
          }
        });
    if (closed) throw new IllegalStateException("the proxy is closed");
    selector.wakeup();
    try {
      done.orTimeout(20, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      throw new IllegalStateException("the proxy did not obey", e);
    }
  }

  private ServerSocketChannel listen(int port) throws IOException {
    ServerSocketChannel channel = ServerSocketChannel.open();
    channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
    channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    channel.configureBlocking(false);
    channel.register(selector, SelectionKey.OP_ACCEPT);
    return channel;
  }

  private void run() {
    try {
      while (!closed) {
        long wait = Long.MAX_VALUE;
        long now = System.nanoTime();
        for (Link link : List.copyOf(links)) wait = Math.min(wait, link.step(now));
        if (wait == Long.MAX_VALUE) selector.select();
        else if (wait <= 0) selector.selectNow();
        else selector.select(Math.max(1, TimeUnit.NANOSECONDS.toMillis(wait)));
        for (SelectionKey key : selector.selectedKeys()) {
          // An order or an earlier key may have closed it since.
          if (key.isValid() && key.isAcceptable()) accept();
        }
        selector.selectedKeys().clear();
        leaving.removeIf(this::hasLeft);
        for (Runnable order = orders.poll(); order != null; order = orders.poll()) order.run();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      closed = true;
      closeQuietly(listener);
      List.copyOf(links).forEach(link -> link.end(false));
      leaving.forEach(FaultyProxy::closeQuietly);
      closeQuietly(selector);
    }
  }

  private void accept() throws IOException {
    if (listener == null) return;
    SocketChannel client = listener.accept();
    if (client == null) return;
    connections.incrementAndGet();
    Link link = new Link(client);
    links.add(link);
    openConnections = links.size();
    if (cutAfter == 0) link.end(cutHard);
  }

  private boolean hasLeft(SocketChannel channel) {
    try {
      int count = 1;
      while (count > 0) {
        buffer.clear();
        count = channel.read(buffer);
      }
      if (count == 0) return false;
    } catch (IOException e) {
      // Gone the hard way.
    }
    closeQuietly(channel);
    return true;
  }

  private static void closeQuietly(@Nullable AutoCloseable closeable) {
    try {
      if (closeable != null) closeable.close();
    } catch (Exception e) {
      // Closing is all that was wanted of it.
    }
  }

  /** One client's connection and the one to the server made for it. */
  private final class Link {
    final SocketChannel client;
    final Direction toServer = new Direction();
    final Direction toClient = new Direction();
    private @Nullable SocketChannel upstream;

    Link(SocketChannel client) throws IOException {
      this.client = client;
      client.configureBlocking(false);
      client.setOption(StandardSocketOptions.TCP_NODELAY, true);
      client.register(selector, 0);
      toClient.countdown = cutAfter;
    }

    /** Moves what can be moved; how many nanoseconds until more can, without an event. */
    long step(long now) {
      if (blackHole) {
        interest(client, 0);
        if (upstream != null) interest(upstream, 0);
        return Long.MAX_VALUE;
      }
      try {
        SocketChannel server = connected();
        if (server == null) return Long.MAX_VALUE;
        toServer.read(client, now);
        toClient.read(server, now);
        toServer.write(server, now, bytesToServer);
        toClient.write(client, now, bytesToClient);
        if (toClient.countdown <= 0) {
          end(cutHard);
          return Long.MAX_VALUE;
        }
        if (toServer.finished && toClient.finished) {
          end(false);
          return Long.MAX_VALUE;
        }
        interest(client, toServer.interestInReading() | toClient.interestInWriting());
        interest(server, toClient.interestInReading() | toServer.interestInWriting());
        return Math.min(toServer.untilDue(now), toClient.untilDue(now));
      } catch (IOException | CancelledKeyException e) {
        // One side was reset: so is the other.
        end(true);
        return Long.MAX_VALUE;
      }
    }

    private @Nullable SocketChannel connected() throws IOException {
      SocketChannel channel = upstream;
      if (channel == null) {
        channel = SocketChannel.open();
        upstream = channel;
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.register(selector, SelectionKey.OP_CONNECT);
        channel.connect(server);
      }
      if (channel.isConnected() || channel.finishConnect()) return channel;
      interest(channel, SelectionKey.OP_CONNECT);
      return null;
    }

    private void interest(SocketChannel channel, int operations) {
      SelectionKey key = channel.keyFor(selector);
      if (key != null && key.isValid()) key.interestOps(operations);
    }

    void end(boolean hard) {
      end(client, hard);
      if (upstream != null) end(upstream, hard);
      links.remove(this);
      openConnections = links.size();
    }

    private void end(SocketChannel channel, boolean hard) {
      try {
        if (!hard && channel.isConnected()) {
          channel.shutdownOutput();
          interest(channel, SelectionKey.OP_READ);
          leaving.add(channel);
          return;
        }
        channel.setOption(StandardSocketOptions.SO_LINGER, 0);
      } catch (IOException e) {
        // Gone already.
      }
      closeQuietly(channel);
    }
  }

  /** The bytes under way from one side to the other. */
  private final class Direction {
    private record Chunk(ByteBuffer bytes, long due) {}

    private final Deque<Chunk> underWay = new ArrayDeque<>();
    private int bytesUnderWay;
    private boolean ended;
    private boolean blocked;
    private long nextByteAt = Long.MIN_VALUE;
    private boolean finished;
    private long countdown = Long.MAX_VALUE;

    void read(SocketChannel from, long now) throws IOException {
      while (!ended && bytesUnderWay < MOST_UNDER_WAY) {
        buffer.clear();
        int count = from.read(buffer);
        if (count == 0) return;
        if (count < 0) {
          ended = true;
          underWay.add(new Chunk(ByteBuffer.allocate(0), now + delayNanos));
          return;
        }
        byte[] bytes = new byte[count];
        buffer.flip().get(bytes);
        underWay.add(new Chunk(ByteBuffer.wrap(bytes), now + delayNanos));
        bytesUnderWay += count;
      }
    }

    void write(SocketChannel to, long now, AtomicLong passedOn) throws IOException {
      blocked = false;
      while (!underWay.isEmpty() && !blocked && countdown > 0 && untilDue(now) <= 0) {
        ByteBuffer bytes = underWay.element().bytes;
        long most = Math.min(Math.min(slice, countdown), Math.max(1, bytesPerSecond / 50));
        int limit = bytes.limit();
        bytes.limit((int) Math.min(limit, bytes.position() + most));
        // Counted first: who has the bytes finds them counted.
        int offered = bytes.remaining();
        passedOn.addAndGet(offered);
        int count = 0;
        try {
          count = to.write(bytes);
        } finally {
          passedOn.addAndGet(count - offered);
        }
        blocked = bytes.hasRemaining();
        bytes.limit(limit);
        bytesUnderWay -= count;
        countdown -= count;
        if (bytesPerSecond != Long.MAX_VALUE) {
          nextByteAt = now + TimeUnit.SECONDS.toNanos(1) * count / bytesPerSecond;
        }
        if (!bytes.hasRemaining()) underWay.remove();
      }
      if (ended && underWay.isEmpty() && !finished) {
        finished = true;
        to.shutdownOutput();
      }
    }

    int interestInReading() {
      return ended || bytesUnderWay >= MOST_UNDER_WAY ? 0 : SelectionKey.OP_READ;
    }

    int interestInWriting() {
      return blocked ? SelectionKey.OP_WRITE : 0;
    }

    long untilDue(long now) {
      if (underWay.isEmpty() || blocked) return Long.MAX_VALUE;
      long left = underWay.element().due - now;
      return bytesPerSecond == Long.MAX_VALUE || nextByteAt == Long.MIN_VALUE
          ? left
          : Math.max(left, nextByteAt - now);
    }
  }
}
