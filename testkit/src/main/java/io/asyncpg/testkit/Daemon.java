package io.asyncpg.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A server of this machine's packages, in the foreground, that tells on its standard error or
 * output when it is ready. It ends with {@link #close}, or when this JVM does.
 */
final class Daemon implements AutoCloseable {
  /**
   * Runs the server beside a process that waits for the end of our pipe to it: when this JVM dies,
   * however it dies, so does the server. It is killed: it holds nothing, and would wait for its
   * clients otherwise.
   */
  private static final List<String> DIE_WITH_US =
      List.of(
          "sh",
          "-c",
          "\"$@\" </dev/null & server=$!; exec >/dev/null 2>&1; cat; kill -KILL $server; wait $server",
          "sh");

  private static final long PATIENCE_SECONDS = 30;
  private static final int LOG_LINES_KEPT = 2_000;

  private final String name;
  private final Process process;
  private final List<String> log = new ArrayList<>();
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();

  private Daemon(String name, Process process) {
    this.name = name;
    this.process = process;
  }

  /**
   * What to put before a command that refuses to run as root: nothing for anybody else. Root seen
   * from inside a user namespace that maps nobody is not root.
   */
  static List<String> asNobody() {
    return !PostgresHome.onWindows() && "root".equals(System.getProperty("user.name"))
        ? List.of("unshare", "-U")
        : List.of();
  }

  /**
   * Starts a server.
   *
   * @param whenReady what the line contains with which it says that it takes connections
   */
  static Daemon start(
      String name, List<String> command, Map<String, String> environment, String whenReady) {
    List<String> all = new ArrayList<>(DIE_WITH_US);
    all.addAll(command);
    Process process;
    try {
      ProcessBuilder builder = new ProcessBuilder(all).redirectErrorStream(true);
      builder.environment().putAll(environment);
      process = builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Daemon daemon = new Daemon(name, process);
    Thread reader = new Thread(() -> daemon.read(whenReady), "testkit-log-" + name);
    reader.setDaemon(true);
    reader.start();
    try {
      daemon.await(daemon.ready, "start");
    } catch (IllegalStateException e) {
      daemon.process.destroy();
      throw e;
    }
    return daemon;
  }

  private void read(String whenReady) {
    try (BufferedReader lines = process.inputReader(UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        synchronized (log) {
          if (log.size() == LOG_LINES_KEPT) {
            log.remove(0);
          }
          log.add(line);
        }
        if (line.contains(whenReady)) {
          ready.complete(null);
        }
      }
    } catch (IOException e) {
      synchronized (log) {
        log.add("(the log broke off: " + e + ")");
      }
    }
    ready.completeExceptionally(new IllegalStateException(name + " ended while starting"));
    ended.complete(null);
  }

  List<String> log() {
    synchronized (log) {
      return List.copyOf(log);
    }
  }

  /** Ends it. Returns when it is gone. */
  @Override
  public void close() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      process.destroyForcibly();
    }
    await(ended, "end");
  }

  private void await(CompletableFuture<Void> event, String what) {
    try {
      event.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException(
          name + " did not " + what + ". Its log:\n" + String.join("\n", log()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for " + name + " to " + what, e);
    }
  }

  /** Runs a program to its end, with this on its standard input, and gives what it printed. */
  static String run(List<String> command, Map<String, String> environment, String input) {
    try {
      Path typed = Files.createTempFile("asyncpg-input", "");
      try {
        Files.writeString(typed, input);
        ProcessBuilder builder =
            new ProcessBuilder(command).redirectErrorStream(true).redirectInput(typed.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
        int status = process.waitFor();
        if (status != 0) {
          throw new IllegalStateException(
              String.join(" ", command) + " ended with " + status + ":\n" + printed);
        }
        return printed;
      } finally {
        Files.delete(typed);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + command.get(0), e);
    }
  }
}
