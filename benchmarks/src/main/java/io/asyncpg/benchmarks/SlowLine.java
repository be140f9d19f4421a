package io.asyncpg.benchmarks;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A long line before a server: each byte arrives half a round trip after it was sent. It counts
 * round trips: of each connection the longest chain of answers that the client heard before it said
 * the next. What is said without waiting is one round trip, however many messages or packets it is.
 *
 * <p>A connection's count begins where the client names the table {@code bench_rows}: what it needs
 * to connect is no part of it.
 */
final class SlowLine implements AutoCloseable {
  private static final byte[] TABLE = "bench_rows".getBytes(StandardCharsets.US_ASCII);

  private final InetSocketAddress server;
  private final long nanosEachWay;
  private final ServerSocket listener;
  private final AtomicInteger roundTrips = new AtomicInteger();
  private final AtomicInteger counted = new AtomicInteger();

  private SlowLine(InetSocketAddress server, Duration roundTrip) throws IOException {
    this.server = server;
    this.nanosEachWay = roundTrip.toNanos() / 2;
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  }

  static SlowLine before(String host, int port, Duration roundTrip) throws IOException {
    SlowLine line = new SlowLine(new InetSocketAddress(host, port), roundTrip);
    Daemon.start(
        () -> {
          while (true) {
            line.connect(line.listener.accept());
          }
        });
    return line;
  }

  String host() {
    return listener.getInetAddress().getHostAddress();
  }

  int port() {
    return listener.getLocalPort();
  }

  /** The round trips of a connection, on the average of those since it was last asked. */
  double roundTrips() {
    int all = roundTrips.getAndSet(0);
    return (double) all / Math.max(1, counted.getAndSet(0));
  }

  private void connect(Socket client) throws IOException {
    Socket upstream = new Socket();
    upstream.connect(server);
    client.setTcpNoDelay(true);
    upstream.setTcpNoDelay(true);
    Link link = new Link();
    carry(client, upstream, link.toServer);
    carry(upstream, client, link.toClient);
  }

  private void carry(Socket from, Socket to, Direction direction) {
    Daemon.start(() -> direction.read(from));
    Daemon.start(
        () -> {
          try (from;
              to) {
            direction.write(to);
          }
        });
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }

  /**
   * @param due when it arrives, by {@link System#nanoTime}
   * @param trip of which round trip it is
   */
  private record Chunk(byte[] bytes, long due, int trip) {}

  private final class Link {
    final Direction toServer = new ToServer();
    final Direction toClient = new ToClient();
    // Each side's: the last trip of which it has heard.
    private volatile int serverHeard;
    private volatile int clientHeard;

    private final class ToServer extends Direction {
      private boolean counting;

      @Override
      int trip(byte[] said) {
        if (!counting && names(said, TABLE)) {
          counting = true;
          counted.incrementAndGet();
        }
        return counting ? clientHeard + 1 : 0;
      }

      @Override
      void arrives(int trip) {
        serverHeard = Math.max(serverHeard, trip);
      }
    }

    private final class ToClient extends Direction {
      @Override
      int trip(byte[] said) {
        return serverHeard;
      }

      @Override
      void arrives(int trip) {
        if (trip > clientHeard) {
          roundTrips.addAndGet(trip - clientHeard);
          clientHeard = trip;
        }
      }
    }
  }

  /** From one side to the other: one thread reads, another delivers in time. */
  private abstract class Direction {
    private final BlockingQueue<Chunk> underWay = new LinkedBlockingQueue<>();

    /** Of which trip it is, as it leaves. */
    abstract int trip(byte[] said);

    /** The other side is about to hear it. */
    abstract void arrives(int trip);

    void read(Socket from) throws IOException {
      byte[] buffer = new byte[64 * 1024];
      try {
        int count;
        while ((count = from.getInputStream().read(buffer)) >= 0) {
          byte[] bytes = Arrays.copyOf(buffer, count);
          underWay.add(new Chunk(bytes, System.nanoTime() + nanosEachWay, trip(bytes)));
        }
      } finally {
        underWay.add(new Chunk(new byte[0], System.nanoTime() + nanosEachWay, 0));
      }
    }

    void write(Socket to) throws IOException, InterruptedException {
      OutputStream out = to.getOutputStream();
      Chunk chunk = underWay.take();
      while (chunk.bytes.length > 0) {
        for (long left = chunk.due - System.nanoTime();
            left > 0;
            left = chunk.due - System.nanoTime()) {
          LockSupport.parkNanos(left);
        }
        arrives(chunk.trip);
        out.write(chunk.bytes);
        chunk = underWay.take();
      }
    }
  }

  private static boolean names(byte[] said, byte[] table) {
    for (int i = 0; i + table.length <= said.length; i++) {
      if (Arrays.equals(said, i, i + table.length, table, 0, table.length)) {
        return true;
      }
    }
    return false;
  }
}
