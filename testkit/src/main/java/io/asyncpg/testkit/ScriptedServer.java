package io.asyncpg.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A fake PostgreSQL on a loopback socket that plays a script, for every conversation a real server
 * would not have.
 *
 * <pre>{@code
 * try (ScriptedServer server = ScriptedServer.start()) {
 *   Script script = server.connection().acceptStartup();
 *   PgConnection connection = PgConnection.connect(server.dsn()).await();
 *   script.expect("P", "D", "S").send(parseComplete(), noData(), readyForQuery('I'));
 *   …
 * }
 * }</pre>
 *
 * <p>Scripts are given to connections in the order in which both come; steps may be added while a
 * script is played. A CancelRequest uses no script: it is recorded and its connection closed. What
 * the client did wrong, and steps that were never played, are an {@link AssertionError} of {@link
 * #verify} and {@link #close}, with a transcript of all that was said. Safe from any thread.
 */
public final class ScriptedServer implements AutoCloseable {
  /** How long a step waits for the client, and {@link #verify} for a step. */
  static final int PATIENCE_SECONDS = 20;

  private final ServerSocket listener;
  private final List<Script> scripts = new ArrayList<>();
  private final Deque<Script> free = new ArrayDeque<>();
  private final List<Socket> sockets = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final List<CancelRequest> cancels = new ArrayList<>();
  private final List<String> transcript = new ArrayList<>();
  private int connections;
  private boolean cancelsHeld;
  private boolean closed;

  private ScriptedServer(ServerSocket listener) {
    this.listener = listener;
  }

  public static ScriptedServer start() {
    try {
      ScriptedServer server =
          new ScriptedServer(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
      server.spawn("accept", server::accept);
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String host() {
    return listener.getInetAddress().getHostAddress();
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** For user {@code postgres} and database {@code test}, without TLS. */
  public String dsn() {
    return "postgresql://postgres@" + host() + ":" + port() + "/test?sslmode=disable";
  }

  /** The script of the next connection that has none. Ask for it before the client connects. */
  public synchronized Script connection() {
    Script script = new Script(this, scripts.size() + 1);
    scripts.add(script);
    free.add(script);
    notifyAll();
    return script;
  }

  /** A CancelRequest that came: the key is whatever follows the process id. */
  @SuppressWarnings("ArrayRecordComponent")
  public record CancelRequest(int processId, byte[] key) {}

  /** The CancelRequests so far. */
  public synchronized List<CancelRequest> cancels() {
    return List.copyOf(cancels);
  }

  /** Waits for the n-th CancelRequest, the first being 1. */
  public synchronized CancelRequest awaitCancel(int n) {
    awaitThat(() -> cancels.size() >= n, "CancelRequest " + n);
    return cancels.get(n - 1);
  }

  /** From now on the connection of a CancelRequest stays open, until {@link #releaseCancels}. */
  public synchronized void holdCancels() {
    cancelsHeld = true;
  }

  /** Closes the connections of the CancelRequests that were held, and of later ones at once. */
  public synchronized void releaseCancels() {
    cancelsHeld = false;
    notifyAll();
  }

  /** How many connections came, those of CancelRequests not counted. */
  public synchronized int connections() {
    return connections;
  }

  /** All that was said so far, a line a message: {@code <<} to the server, {@code >>} from it. */
  public String transcript() {
    synchronized (transcript) {
      return String.join("\n", transcript);
    }
  }

  void note(String line) {
    synchronized (transcript) {
      transcript.add(line);
    }
  }

  /**
   * Waits until every step was played. Fails when one cannot be, or the client did not keep to its
   * script.
   */
  public void verify() {
    List<Script> all;
    synchronized (this) {
      all = List.copyOf(scripts);
    }
    for (Script script : all) script.verify();
  }

  /** Verifies, and ends all connections. */
  @Override
  public void close() {
    try {
      verify();
    } finally {
      shutDown();
    }
  }

  private void shutDown() {
    List<Thread> running;
    synchronized (this) {
      closed = true;
      notifyAll();
      closeQuietly(listener);
      sockets.forEach(ScriptedServer::closeQuietly);
      running = List.copyOf(threads);
    }
    try {
      for (Thread thread : running) {
        thread.interrupt();
        thread.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void closeQuietly(AutoCloseable socket) {
    try {
      socket.close();
    } catch (Exception e) {
      // Closing is all that was wanted of it.
    }
  }

  private void accept() {
    while (true) {
      try {
        Socket socket = listener.accept();
        socket.setTcpNoDelay(true);
        synchronized (this) {
          sockets.add(socket);
          spawn("connection-" + sockets.size(), () -> serve(socket));
        }
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private synchronized void spawn(String name, Runnable work) {
    Thread thread = new Thread(work, "scripted-server-" + port() + "-" + name);
    thread.setDaemon(true);
    threads.add(thread);
    thread.start();
  }

  private void serve(Socket socket) {
    try (Wire wire = new Wire(socket)) {
      if (wire.nextStartupCode() == FrontendMessage.SSL_REQUEST && !scriptWaits()) {
        // Perhaps a CancelRequest of a client that would like TLS: let it speak.
        wire.readStartup();
        wire.send(new byte[] {'N'});
      }
      if (wire.nextStartupCode() == FrontendMessage.CANCEL_REQUEST) {
        cancelled(wire.readStartup());
        return;
      }
      Script script = nextScript();
      if (script != null) script.play(wire);
    } catch (IOException e) {
      note("   a connection without a script ended: " + e);
    }
  }

  private synchronized boolean scriptWaits() {
    return !free.isEmpty();
  }

  private synchronized @Nullable Script nextScript() {
    connections++;
    while (free.isEmpty() && !closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        return null;
      }
    }
    return free.poll();
  }

  private synchronized void cancelled(FrontendMessage message) {
    note("<< CancelRequest");
    FrontendMessage.Fields in = message.fields();
    in.int32();
    cancels.add(new CancelRequest(in.int32(), in.rest()));
    notifyAll();
    while (cancelsHeld && !closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private synchronized void awaitThat(BooleanSupplier happened, String what) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!happened.getAsBoolean()) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (left <= 0) {
        throw new AssertionError("waited in vain for " + what + "\n" + transcript());
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted while waiting for " + what, e);
      }
    }
  }
}
