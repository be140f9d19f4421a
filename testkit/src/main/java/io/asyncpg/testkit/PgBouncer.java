package io.asyncpg.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/**
 * A real PgBouncer of this machine's packages in front of a {@link TestServer}, with two server
 * connections for each user and database, on a port of its own over loopback. Everybody the server
 * knows is trusted; a test that wants otherwise sets {@code auth_type}.
 */
public final class PgBouncer implements AutoCloseable {
  private final Daemon daemon;
  private final Path directory;
  private final int port;
  private final TestServer server;

  private PgBouncer(Daemon daemon, Path directory, int port, TestServer server) {
    this.daemon = daemon;
    this.directory = directory;
    this.port = port;
    this.server = server;
  }

  /**
   * Starts one; skips the test where there is no PgBouncer.
   *
   * @param poolMode {@code session}, {@code transaction} or {@code statement}
   * @param settings of {@code pgbouncer.ini}, over the usual ones
   */
  public static PgBouncer before(TestServer server, String poolMode, Map<String, String> settings) {
    Path program = program();
    try {
      Path directory = Files.createTempDirectory("asyncpg-pgbouncer");
      try {
        int port = Postmaster.freePort();
        Files.writeString(directory.resolve("users.txt"), users(server));
        Path ini = directory.resolve("pgbouncer.ini");
        Files.writeString(ini, ini(server, port, poolMode, directory, settings));
        List<String> command = new ArrayList<>(Daemon.asNobody());
        command.addAll(List.of(program.toString(), ini.toString()));
        Daemon daemon =
            Daemon.start("PgBouncer", command, Map.of("LC_ALL", "C"), "process up: PgBouncer");
        return new PgBouncer(daemon, directory, port, server);
      } catch (RuntimeException | IOException e) {
        PostgresHome.deleteTree(directory);
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String ini(
      TestServer server, int port, String poolMode, Path directory, Map<String, String> settings) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("listen_addr", "127.0.0.1");
    all.put("listen_port", Integer.toString(port));
    all.put("unix_socket_dir", "");
    all.put("pool_mode", poolMode);
    all.put("auth_type", "trust");
    all.put("auth_file", directory.resolve("users.txt").toString());
    all.put("default_pool_size", "2");
    all.putAll(settings);
    StringBuilder ini = new StringBuilder("[databases]\n* = host=");
    ini.append(server.host()).append(" port=").append(server.port()).append("\n[pgbouncer]\n");
    all.forEach((name, value) -> ini.append(name).append(" = ").append(value).append('\n'));
    return ini.toString();
  }

  private static String users(TestServer server) {
    String password = server.password();
    return "\""
        + server.user()
        + "\" \""
        + (password == null ? "" : password)
        + "\"\n\""
        + TestServer.SCRAM_USER
        + "\" \""
        + TestServer.USERS_PASSWORD
        + "\"\n";
  }

  private static Path program() {
    Path program = Path.of(System.getProperty("asyncpg.test.pgbouncer", "/usr/sbin/pgbouncer"));
    if (!Files.isExecutable(program)) {
      return Assumptions.abort(
          "no PgBouncer on this machine: apt-get install pgbouncer, or name the program with"
              + " -Dasyncpg.test.pgbouncer=…");
    }
    return program;
  }

  /** Its version: {@code {1, 18}} for 1.18.0. */
  public static int[] version() {
    Path program = program();
    try {
      Process process = new ProcessBuilder(program.toString(), "--version").start();
      process.getOutputStream().close();
      String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
      Matcher numbers = Pattern.compile("PgBouncer (\\d+)\\.(\\d+)").matcher(printed);
      if (!numbers.find()) {
        throw new IllegalStateException(program + " --version says: " + printed);
      }
      return new int[] {Integer.parseInt(numbers.group(1)), Integer.parseInt(numbers.group(2))};
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public int port() {
    return port;
  }

  /** As {@link TestServer#dsn()}, through the pooler. */
  public String dsn() {
    return dsnOf(server.user());
  }

  /** As {@link TestServer#dsnAs}, through the pooler. */
  public String dsnAs(String user) {
    return dsnOf(user + ":" + TestServer.USERS_PASSWORD);
  }

  private String dsnOf(String credentials) {
    return "postgresql://" + credentials + "@127.0.0.1:" + port + "/" + server.database();
  }

  /** What it wrote to its log. */
  public List<String> log() {
    return daemon.log();
  }

  /** Ends it, and with it its connections. */
  @Override
  public void close() {
    daemon.close();
    PostgresHome.deleteTree(directory);
  }
}
