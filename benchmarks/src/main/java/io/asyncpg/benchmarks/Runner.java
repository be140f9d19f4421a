package io.asyncpg.benchmarks;

import io.asyncpg.testkit.TestServer;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A contender's process, seen from outside. */
final class Runner implements AutoCloseable {
  private static final Path TASKSET = Path.of("/usr/bin/taskset");
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final Process process;
  private final BufferedReader out;
  private final BufferedWriter in;

  /** What it said of itself. */
  final String greeting;

  private Runner(List<String> command) throws IOException {
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    in =
        new BufferedWriter(
            new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
    greeting = line();
  }

  static Runner start(String contender, Workload.Place place, TestServer server)
      throws IOException {
    List<String> command = new ArrayList<>();
    if (place == Workload.Place.ONE_CORE) {
      command.addAll(onCore(0));
    }
    if (contender.equals("asyncpg-python")) {
      command.addAll(List.of(python().orElseThrow(), "-c", source()));
    } else {
      command.addAll(java(List.of(place.heap), Slice.class));
      command.add(contender);
    }
    command.addAll(List.of(server.user(), server.database()));
    return new Runner(command);
  }

  /** The server that replays what the real one said, on the second core. */
  static Runner replay(TestServer server) throws IOException {
    List<String> command = new ArrayList<>(onCore(1));
    command.addAll(java(List.of("-Xmx3g"), ReplayServer.class));
    command.addAll(List.of(server.host(), String.valueOf(server.port())));
    return new Runner(command);
  }

  private static List<String> java(List<String> options, Class<?> main) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+UseParallelGC");
    // A thread that ends takes its CPU time with it.
    command.add("-XX:-UseDynamicNumberOfCompilerThreads");
    command.addAll(options);
    command.addAll(List.of("-cp", SideBySide.classPath(), main.getName()));
    return command;
  }

  private static List<String> onCore(int core) {
    return Files.isExecutable(TASKSET)
        ? List.of(TASKSET.toString(), "-c", String.valueOf(core))
        : List.of();
  }

  /** A Python that has asyncpg and uvloop. */
  static Optional<String> python() {
    for (String candidate : List.of("python3", "/usr/bin/python3")) {
      try {
        Process tried =
            new ProcessBuilder(candidate, "-c", "import asyncpg, uvloop")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (tried.waitFor() == 0) {
          return Optional.of(candidate);
        }
      } catch (IOException absent) {
        // The next one, perhaps.
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
      }
    }
    return Optional.empty();
  }

  private static String source() throws IOException {
    try (var source = Runner.class.getResourceAsStream("contender.py")) {
      if (source == null) {
        throw new IOException("contender.py is not on the class path");
      }
      return new String(source.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private String line() throws IOException {
    String line = out.readLine();
    if (line == null) {
      throw new IOException("the process ended early, or took more than " + PATIENCE);
    }
    if (line.startsWith("failed ")) {
      throw new IOException(line.substring("failed ".length()));
    }
    return line;
  }

  /** Runs a slice; with negative milliseconds one operation, whose result is weighed. */
  Result run(Workload workload, int connections, long millis, String host, int port)
      throws IOException {
    in.write(
        workload + " " + connections + " " + millis + " " + host + " " + port + " " + workload.sql);
    in.newLine();
    in.flush();
    // Nobody watches a full run: who hangs is out.
    CompletableFuture<Boolean> impatience =
        new CompletableFuture<Boolean>()
            .completeOnTimeout(true, PATIENCE.toSeconds(), TimeUnit.SECONDS);
    impatience.thenAccept(this::destroyIf);
    try {
      return Result.parse(line(), workload);
    } finally {
      impatience.complete(false);
    }
  }

  private void destroyIf(boolean tooLong) {
    if (tooLong) {
      process.destroyForcibly();
    }
  }

  @Override
  public void close() {
    try {
      in.close();
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException gone) {
      process.destroyForcibly();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
    }
  }
}
