package io.asyncpg.examples.gis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * A PostgreSQL that has PostGIS: the one that was named, else one of this machine's packages
 * (started for this program, in a temporary directory), else a container.
 *
 * @param dsn how to connect
 * @param origin where it came from, in words
 * @param end stops it, if it was started for us
 */
record PostgisServer(String dsn, String origin, Runnable end) implements AutoCloseable {
  private static final Path PACKAGES = Path.of("/usr/lib/postgresql");
  private static final Path EXTENSIONS = Path.of("/usr/share/postgresql");
  private static final String IMAGE = "postgis/postgis:18-3.6";

  /** What to do where there is none. */
  static final String HOW_TO_GET_ONE =
      """
      There is no PostGIS here. Any one of these gives you one:
        on Debian or Ubuntu   apt-get install postgresql-postgis
        with Docker running   nothing else: this program starts %1$s by itself
        your own server       mvn … -Dasyncpg.example.dsn=postgresql://user:password@host/database
                              (for instance: docker run -p 5432:5432 -e POSTGRES_PASSWORD=secret %1$s)
      """
          .formatted(IMAGE);

  /**
   * Finds or starts one.
   *
   * @param named a connection string, null if none was given
   * @return nothing if there is no PostGIS on this machine, and no Docker
   */
  static Optional<PostgisServer> find(@Nullable String named) {
    if (named != null) {
      return Optional.of(new PostgisServer(named, "the server you named", () -> {}));
    }
    Optional<Path> installed = installed();
    if (installed.isPresent()) {
      return Optional.of(start(installed.get()));
    }
    return DockerClientFactory.instance().isDockerAvailable()
        ? Optional.of(contained())
        : Optional.empty();
  }

  /** The newest of this machine's packages of PostgreSQL that has PostGIS beside it. */
  private static Optional<Path> installed() {
    if (!Files.isDirectory(PACKAGES)) {
      return Optional.empty();
    }
    try (Stream<Path> versions = Files.list(PACKAGES)) {
      return versions
          .filter(home -> Files.exists(home.resolve("bin/initdb")))
          .filter(home -> Files.exists(controlFile(home)))
          .max(Comparator.comparing(Path::toString));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path controlFile(Path home) {
    return EXTENSIONS.resolve(home.getFileName()).resolve("extension/postgis.control");
  }

  private static PostgisServer start(Path home) {
    try {
      Path directory = Files.createTempDirectory("asyncpg-gis");
      String data = directory.resolve("data").toString();
      int port;
      try (var free = new ServerSocket(0)) {
        port = free.getLocalPort();
      }
      run(
          home,
          directory,
          "initdb",
          "-D",
          data,
          "-U",
          "postgres",
          "-A",
          "trust",
          "-E",
          "UTF8",
          "--locale=C",
          "--no-sync");
      String settings =
          "-p " + port + " -c listen_addresses=localhost -c fsync=off -k '" + directory + "'";
      String log = directory.resolve("log").toString();
      run(home, directory, "pg_ctl", "-D", data, "-l", log, "-w", "-o", settings, "start");
      Thread atExit = new Thread(() -> stop(home, directory, data), "stop-postgis");
      Runtime.getRuntime().addShutdownHook(atExit);
      return new PostgisServer(
          "postgresql://postgres@localhost:" + port + "/postgres",
          "PostgreSQL of " + home + ", started for this",
          () -> {
            Runtime.getRuntime().removeShutdownHook(atExit);
            stop(home, directory, data);
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void stop(Path home, Path directory, String data) {
    run(home, directory, "pg_ctl", "-D", data, "-w", "-m", "fast", "stop");
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void run(Path home, Path directory, String program, String... arguments) {
    List<String> command = new ArrayList<>();
    if ("root".equals(System.getProperty("user.name"))) {
      // PostgreSQL refuses root. Seen from a user namespace that maps nobody, root is nobody.
      command.addAll(List.of("unshare", "-U"));
    }
    command.add(home.resolve("bin").resolve(program).toString());
    command.addAll(List.of(arguments));
    try {
      Path printed = directory.resolve(program + ".out");
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(printed.toFile())
              .start();
      if (process.waitFor() != 0) {
        throw new IllegalStateException(
            String.join(" ", command) + "\n" + Files.readString(printed, UTF_8));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + program + " ran", e);
    }
  }

  @SuppressWarnings("resource") // its end is handed to the caller
  private static PostgisServer contained() {
    PostgreSQLContainer container =
        new PostgreSQLContainer(DockerImageName.parse(IMAGE).asCompatibleSubstituteFor("postgres"));
    container.start();
    return new PostgisServer(
        "postgresql://"
            + container.getUsername()
            + ":"
            + container.getPassword()
            + "@"
            + container.getHost()
            + ":"
            + container.getMappedPort(5432)
            + "/"
            + container.getDatabaseName(),
        IMAGE + " in Docker",
        container::stop);
  }

  @Override
  public void close() {
    end.run();
  }

  /** Where it came from; never the connection string, which may hold a password. */
  @Override
  public String toString() {
    return origin;
  }
}
