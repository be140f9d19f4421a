package io.asyncpg.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One cluster of our own in a temporary directory, and the postmaster that serves it: it can be
 * stopped in every way PostgreSQL knows, killed, and started again on the same port.
 *
 * <p>The server's standard error is read to its end. It tells when the server is ready, and its end
 * tells that the last of its processes is gone, so nothing here polls.
 */
final class Postmaster {
  private static final long PATIENCE_SECONDS = 60;
  private static final int LOG_LINES_KEPT = 10_000;

  /**
   * Runs the server beside a process that waits for the end of our pipe to it: when this JVM dies,
   * however it dies, so does the server.
   */
  private static final List<String> DIE_WITH_US =
      List.of(
          "sh",
          "-c",
          "\"$@\" </dev/null & server=$!; exec >/dev/null 2>&1; cat; kill -QUIT $server; wait $server",
          "sh");

  private final PostgresHome home;
  private final Map<String, String> environment;
  private final Path directory;
  private final int port;
  private final Deque<String> log = new ArrayDeque<>();
  private @Nullable Process process;
  private @Nullable CompletableFuture<Void> gone;

  private Postmaster(PostgresHome home, Path directory, int port, Map<String, String> environment) {
    this.home = home;
    this.environment = environment;
    this.directory = directory;
    this.port = port;
  }

  /** Makes a cluster with these settings and starts it. */
  static Postmaster start(PostgresHome home, Map<String, String> settings) {
    return start(home, settings, Map.of());
  }

  /** The same, with these variables in the server's environment. */
  static Postmaster start(
      PostgresHome home, Map<String, String> settings, Map<String, String> environment) {
    try {
      Path directory = Files.createTempDirectory("asyncpg-pg");
      Postmaster postmaster = new Postmaster(home, directory, freePort(), environment);
      try {
        postmaster.initdb(settings);
        postmaster.start();
      } catch (RuntimeException | IOException e) {
        postmaster.close();
        throw e;
      }
      return postmaster;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A streaming standby of a cluster: a copy of its data, made while it was stopped for a moment.
   *
   * @param user whom the primary lets replicate
   */
  static Postmaster standbyOf(Postmaster primary, String user) {
    try {
      Path directory = Files.createTempDirectory("asyncpg-pg");
      Postmaster standby = new Postmaster(primary.home, directory, freePort(), primary.environment);
      try {
        primary.stop("fast");
        try {
          PostgresHome.copyTree(primary.data(), standby.data());
        } finally {
          primary.start();
        }
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("port", Integer.toString(standby.port));
        settings.put("unix_socket_directories", directory.toString());
        settings.put(
            "primary_conninfo",
            "host=localhost port=" + primary.port + " user=" + user + " sslmode=disable");
        standby.configure(settings);
        Files.createFile(standby.data().resolve("standby.signal"));
        standby.start();
      } catch (RuntimeException | IOException e) {
        standby.close();
        throw e;
      }
      return standby;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int port() {
    return port;
  }

  Path directory() {
    return directory;
  }

  List<String> log() {
    synchronized (log) {
      return List.copyOf(log);
    }
  }

  private void initdb(Map<String, String> settings) throws IOException {
    run(
        command(
            "initdb",
            "-D",
            data().toString(),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync"));
    Map<String, String> all = new LinkedHashMap<>();
    all.put("listen_addresses", "localhost");
    all.put("port", Integer.toString(port));
    if (!PostgresHome.onWindows()) all.put("unix_socket_directories", directory.toString());
    all.putAll(TestServer.USUAL_SETTINGS);
    all.putAll(settings);
    configure(all);
  }

  /** Adds settings; the last of a name counts. */
  private void configure(Map<String, String> settings) throws IOException {
    StringBuilder conf = new StringBuilder("\n");
    settings.forEach(
        (name, value) -> conf.append(name).append(" = ").append(quoted(value)).append('\n'));
    Path file = data().resolve("postgresql.conf");
    Files.writeString(file, Files.readString(file) + conf);
  }

  private static String quoted(String value) {
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'";
  }

  /** Starts the stopped server, on the port it always had. Returns when it takes connections. */
  void start() {
    if (process != null) throw new IllegalStateException("the server is running");
    List<String> command = new ArrayList<>();
    if (!PostgresHome.onWindows()) command.addAll(DIE_WITH_US);
    command.addAll(command("postgres", "-D", data().toString()));
    CompletableFuture<Void> ready = new CompletableFuture<>();
    CompletableFuture<Void> ended = new CompletableFuture<>();
    try {
      ProcessBuilder builder = builder(command);
      builder.environment().putAll(environment);
      Process started = builder.start();
      Thread reader = new Thread(() -> readLog(started, ready, ended), "testkit-log-" + port);
      reader.setDaemon(true);
      reader.start();
      process = started;
      gone = ended;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    try {
      await(ready, "start");
    } catch (IllegalStateException e) {
      release();
      throw e;
    }
  }

  private void readLog(Process from, CompletableFuture<Void> ready, CompletableFuture<Void> ended) {
    try (BufferedReader lines = from.inputReader(UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        synchronized (log) {
          if (log.size() == LOG_LINES_KEPT) log.removeFirst();
          log.addLast(line);
        }
        if (line.contains("database system is ready to accept")) ready.complete(null);
      }
    } catch (IOException e) {
      synchronized (log) {
        log.addLast("(the log broke off: " + e + ")");
      }
    }
    ready.completeExceptionally(new IllegalStateException("PostgreSQL ended while starting"));
    ended.complete(null);
  }

  /** {@code pg_ctl stop}, in the mode {@code smart}, {@code fast} or {@code immediate}. */
  void stop(String mode) {
    CompletableFuture<Void> ended = running();
    run(command("pg_ctl", "stop", "-W", "-D", data().toString(), "-m", mode));
    await(ended, "stop");
    release();
  }

  /**
   * {@code kill -9} of the postmaster alone. Returns when its children have noticed and gone too.
   */
  void kill() {
    CompletableFuture<Void> ended = running();
    try {
      String pid = Files.readAllLines(data().resolve("postmaster.pid")).get(0).trim();
      ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    await(ended, "die");
    release();
  }

  void close() {
    if (process != null) {
      try {
        stop("immediate");
      } catch (RuntimeException e) {
        release();
      }
    }
    PostgresHome.deleteTree(directory);
  }

  private CompletableFuture<Void> running() {
    if (gone == null) throw new IllegalStateException("the server is not running");
    return gone;
  }

  private void release() {
    Process old = process;
    process = null;
    gone = null;
    if (old == null) return;
    try {
      old.getOutputStream().close();
    } catch (IOException e) {
      old.destroyForcibly();
    }
  }

  private void await(CompletableFuture<Void> event, String what) {
    try {
      event.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("PostgreSQL did not " + what + ". Its log:\n" + tail(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for PostgreSQL to " + what, e);
    }
  }

  private String tail() {
    List<String> lines = log();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 50), lines.size()));
  }

  private Path data() {
    return directory.resolve("data");
  }

  private List<String> command(String program, String... arguments) {
    List<String> command = new ArrayList<>();
    command.addAll(Daemon.asNobody());
    command.add(home.program(program).toString());
    command.addAll(List.of(arguments));
    return command;
  }

  private static ProcessBuilder builder(List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
    builder.environment().put("LC_ALL", "C");
    builder.environment().put("TZ", "UTC");
    return builder;
  }

  private static void run(List<String> command) {
    try {
      Process process = builder(command).start();
      process.getOutputStream().close();
      StringBuilder output = new StringBuilder();
      try (BufferedReader lines =
          new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
        lines.lines().forEach(line -> output.append(line).append('\n'));
      }
      int status = process.waitFor();
      if (status != 0) {
        throw new IllegalStateException(
            String.join(" ", command) + " ended with " + status + ":\n" + output);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + command.get(0), e);
    }
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
