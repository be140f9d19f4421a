package io.asyncpg.testkit;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link ScriptedServer} does with one connection, step by step, in the order in which the
 * steps are added. A message is expected by its type byte, as in {@code expect("P", "B", "E",
 * "S")}. After the last step the connection stays open and silent. Safe from any thread.
 */
public final class Script {
  /** The process id and key of {@link #acceptStartup}. */
  public static final int PROCESS_ID = 4711;

  public static final int KEY = 0x5eed1234;

  private final ScriptedServer server;
  private final String name;
  private final BlockingQueue<Step> steps = new LinkedBlockingQueue<>();
  private final List<FrontendMessage> received = new ArrayList<>();

  /** Completes when the newest step was played, exceptionally when some step failed. */
  private CompletableFuture<Void> played = CompletableFuture.completedFuture(null);

  private @Nullable Throwable failure;

  private record Step(String what, Action action, CompletableFuture<Void> played) {}

  @FunctionalInterface
  private interface Action {
    void play(Wire wire) throws IOException;
  }

  Script(ScriptedServer server, int number) {
    this.server = server;
    this.name = "connection " + number;
  }

  /**
   * Lets the client in without a password: answers N to requests for encryption, takes the
   * StartupMessage, and sends {@link Backend#usualGreeting}.
   */
  public Script acceptStartup() {
    return expectStartup(message -> {}).send(Backend.usualGreeting(PROCESS_ID, KEY));
  }

  /** Takes the StartupMessage and shows it. Answers N to requests for encryption before it. */
  public Script expectStartup(Consumer<FrontendMessage> check) {
    return add(
        "StartupMessage",
        wire -> {
          FrontendMessage message = receive(wire, true);
          while (message.name().equals("SSLRequest") || message.name().equals("GSSENCRequest")) {
            transmit(wire, new byte[] {'N'}, "N");
            message = receive(wire, true);
          }
          if (!message.name().equals("StartupMessage")) {
            throw new AssertionError("expected StartupMessage, got " + message);
          }
          check.accept(message);
        });
  }

  /** Takes an SSLRequest and leaves the answer to the next step. */
  public Script expectSslRequest() {
    return add(
        "SSLRequest",
        wire -> {
          FrontendMessage message = receive(wire, true);
          if (!message.name().equals("SSLRequest")) {
            throw new AssertionError("expected SSLRequest, got " + message);
          }
        });
  }

  /** Shakes hands as a TLS server: after an S to an SSLRequest, or first of all for direct TLS. */
  public Script startTls(SSLContext context) {
    return add("TLS handshake", wire -> wire.startTls(context));
  }

  /** Takes these messages, in this order, and no others. */
  public Script expect(String... types) {
    for (String type : types) expect(type, message -> {});
    return this;
  }

  /** Takes this message and shows it: what the check throws fails the script. */
  public Script expect(String type, Consumer<FrontendMessage> check) {
    if (type.length() != 1) {
      throw new IllegalArgumentException("a message type is one character, not \"" + type + "\"");
    }
    String wanted = new FrontendMessage(type.charAt(0), new byte[] {0, 0}).name();
    return add(
        wanted,
        wire -> {
          FrontendMessage message = receive(wire, false);
          if (message.type() != type.charAt(0)) {
            throw new AssertionError("expected " + wanted + ", got " + message);
          }
          check.accept(message);
        });
  }

  /** Takes whatever comes, up to and with the first message of this type. */
  public Script readUntil(String type) {
    return add(
        "messages up to '" + type + "'",
        wire -> {
          FrontendMessage message = receive(wire, false);
          while (message.type() != type.charAt(0)) message = receive(wire, false);
        });
  }

  /** Sends these bytes in one write. {@link Backend} makes messages. */
  public Script send(byte[]... messages) {
    byte[] bytes = Backend.concat(messages);
    return add("send", wire -> transmit(wire, bytes, Backend.describe(bytes)));
  }

  /** Sends each byte in a packet of its own. */
  public Script sendByteByByte(byte[]... messages) {
    return sendSliced(1, messages);
  }

  /** Sends the bytes in packets of at most this size. */
  public Script sendSliced(int size, byte[]... messages) {
    byte[] bytes = Backend.concat(messages);
    return add(
        "send in slices",
        wire -> {
          server.note(name + " >> in slices of " + size + ": " + Backend.describe(bytes));
          for (int i = 0; i < bytes.length; i += size) {
            wire.send(Arrays.copyOfRange(bytes, i, Math.min(bytes.length, i + size)));
          }
        });
  }

  /** Closes the connection in an orderly way. */
  public Script cutWithFin() {
    return add("FIN", wire -> transmit(wire, new byte[0], "FIN"), Wire::close);
  }

  /** Breaks the connection off: the client sees a reset. */
  public Script cutWithReset() {
    return add("RST", wire -> transmit(wire, new byte[0], "RST"), Wire::reset);
  }

  /** Takes a Terminate and then the end of the connection. */
  public Script expectTerminate() {
    return expect("X").expectEnd();
  }

  /** Waits until the client closes, and fails if it says something before that. */
  public Script expectEnd() {
    return add(
        "the end of the connection",
        wire -> {
          byte[] last = wire.readToEnd();
          server.note(name + " << end");
          if (last.length > 0) {
            throw new AssertionError(
                "expected the end of the connection, got "
                    + last.length
                    + " bytes, the first '"
                    + (char) last[0]
                    + "'");
          }
        });
  }

  /** Waits until the client closes, whatever it says before that. */
  public Script readToEnd() {
    return add(
        "the end of the connection",
        wire -> {
          wire.readToEnd();
          server.note(name + " << end");
        });
  }

  /** Runs this on the server's thread, between two steps. */
  public Script then(Runnable action) {
    return add("action", wire -> action.run());
  }

  /** Completes when all steps so far have been played; with the script's failure if it fails. */
  public synchronized CompletableFuture<Void> played() {
    return played.copy();
  }

  /** Waits until all steps so far have been played. */
  public Script await() {
    verify();
    return this;
  }

  /** The messages taken so far. */
  public synchronized List<FrontendMessage> received() {
    return List.copyOf(received);
  }

  private synchronized Script add(String what, Action... actions) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Action all =
        wire -> {
          for (Action action : actions) action.play(wire);
        };
    played = done;
    if (failure != null) done.completeExceptionally(failure);
    else steps.add(new Step(what, all, done));
    return this;
  }

  void play(Wire wire) {
    try {
      while (true) {
        Step step = steps.take();
        try {
          step.action.play(wire);
        } catch (SocketTimeoutException e) {
          fail(step, "waited " + ScriptedServer.PATIENCE_SECONDS + " s for " + step.what, e);
          return;
        } catch (IOException | RuntimeException | AssertionError e) {
          fail(step, step.what + ": " + e.getMessage(), e);
          return;
        }
        step.played.complete(null);
      }
    } catch (InterruptedException e) {
      // The server is closing; what was not played has been told by verify.
    }
  }

  private synchronized void fail(Step step, String message, Throwable cause) {
    String waiting =
        steps.isEmpty()
            ? ""
            : "\nnot played: " + steps.stream().map(Step::what).collect(Collectors.joining(", "));
    AssertionError error =
        new AssertionError(
            name + ": " + message + waiting + "\ntranscript:\n" + server.transcript(), cause);
    failure = error;
    step.played.completeExceptionally(error);
    for (Step unplayed : steps) unplayed.played.completeExceptionally(error);
    steps.clear();
  }

  void verify() {
    CompletableFuture<Void> all;
    synchronized (this) {
      if (failure != null) throw new AssertionError(failure.getMessage(), failure);
      all = played;
    }
    try {
      all.get(ScriptedServer.PATIENCE_SECONDS + 5, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause() == null ? "" : e.getCause().getMessage(), e);
    } catch (TimeoutException e) {
      throw new AssertionError(
          name
              + ": no connection came, or it hangs before: "
              + steps.stream().map(Step::what).collect(Collectors.joining(", "))
              + "\ntranscript:\n"
              + server.transcript(),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private FrontendMessage receive(Wire wire, boolean startup) throws IOException {
    FrontendMessage message = startup ? wire.readStartup() : wire.read();
    server.note(name + " << " + message);
    synchronized (this) {
      received.add(message);
    }
    return message;
  }

  private void transmit(Wire wire, byte[] bytes, String what) throws IOException {
    server.note(name + " >> " + what);
    wire.send(bytes);
  }
}
