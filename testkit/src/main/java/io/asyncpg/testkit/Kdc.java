package io.asyncpg.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * A real Kerberos KDC (MIT's, of this machine's packages) over loopback, for a realm of its own
 * with one user, {@link #USER}, and one service, {@link #SERVICE} on localhost. Nothing of the
 * machine's own Kerberos configuration is read or written.
 */
public final class Kdc implements AutoCloseable {
  public static final String REALM = "ASYNCPG.TEST";
  public static final String USER = "alice";
  public static final String SERVICE = "postgres";

  private static final Path SERVER = Path.of("/usr/sbin/krb5kdc");
  private static final Path ADMIN = Path.of("/usr/sbin/kadmin.local");
  private static final Path DATABASE = Path.of("/usr/sbin/kdb5_util");
  private static final Path KINIT = Path.of("/usr/bin/kinit");

  private final Path directory;
  private final int port;
  private @Nullable Daemon daemon;

  private Kdc(Path directory, int port) {
    this.directory = directory;
    this.port = port;
  }

  /** Makes a realm and starts its KDC; skips the test where there is none. */
  public static Kdc start() {
    for (Path program : List.of(SERVER, ADMIN, DATABASE, KINIT)) {
      Assumptions.assumeTrue(
          Files.isExecutable(program),
          () ->
              "no "
                  + program
                  + " on this machine: apt-get install krb5-kdc krb5-admin-server krb5-user");
    }
    try {
      Kdc kdc = new Kdc(Files.createTempDirectory("asyncpg-kdc"), Postmaster.freePort());
      try {
        kdc.makeRealm();
        kdc.startAgain();
      } catch (RuntimeException | IOException e) {
        kdc.close();
        throw e;
      }
      return kdc;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void makeRealm() throws IOException {
    Files.writeString(
        configuration(),
        String.join(
            "\n",
            "[libdefaults]",
            "default_realm = " + REALM,
            "dns_lookup_kdc = false",
            "dns_lookup_realm = false",
            "dns_canonicalize_hostname = false",
            "rdns = false",
            "udp_preference_limit = 1", // over TCP a KDC that is not there is noticed at once
            "[realms]",
            REALM + " = {",
            "kdc = 127.0.0.1:" + port,
            "}",
            "[domain_realm]",
            "localhost = " + REALM,
            "[logging]",
            "kdc = STDERR",
            ""));
    Files.writeString(
        directory.resolve("kdc.conf"),
        String.join(
            "\n",
            "[kdcdefaults]",
            "kdc_listen = 127.0.0.1:" + port,
            "kdc_tcp_listen = 127.0.0.1:" + port,
            "[realms]",
            REALM + " = {",
            "database_name = " + directory.resolve("principal"),
            "key_stash_file = " + directory.resolve("stash"),
            "}",
            ""));
    run(DATABASE, "", "create", "-s", "-r", REALM, "-P", "master-" + TestServer.USERS_PASSWORD);
    run(
        ADMIN,
        String.join(
            "\n",
            "addprinc -pw " + TestServer.USERS_PASSWORD + " " + USER,
            "addprinc -randkey " + SERVICE + "/localhost",
            "ktadd -k " + serverKeytab() + " " + SERVICE + "/localhost",
            "ktadd -norandkey -k " + userKeytab() + " " + USER,
            ""));
  }

  /** Starts it, on the port it always had. */
  public void startAgain() {
    daemon =
        Daemon.start(
            "krb5kdc", List.of(SERVER.toString(), "-n"), environment(), "commencing operation");
  }

  /** Stops it: nobody answers on its port then. */
  public void stop() {
    Daemon running = daemon;
    daemon = null;
    if (running != null) {
      running.close();
    }
  }

  /** What the JVM's property {@code java.security.krb5.conf} is to be. */
  public Path configuration() {
    return directory.resolve("krb5.conf");
  }

  /** The key of {@link #SERVICE}. */
  public Path serverKeytab() {
    return directory.resolve("server.keytab");
  }

  /** The key of {@link #USER}. */
  public Path userKeytab() {
    return directory.resolve("user.keytab");
  }

  /** The port it listens on, or would. */
  public int port() {
    return port;
  }

  /** Gets a ticket for {@link #USER}, as kinit does, and gives the file it is in. */
  public Path kinit(String... options) {
    return kinitInto("tickets", options);
  }

  /** Gets a ticket for {@link #USER} into a file of this name, which it gives. */
  public Path kinitInto(String name, String... options) {
    Path cache = directory.resolve(name);
    String[] arguments = new String[options.length + 3];
    System.arraycopy(options, 0, arguments, 0, options.length);
    arguments[options.length] = "-c";
    arguments[options.length + 1] = "FILE:" + cache;
    arguments[options.length + 2] = USER;
    run(KINIT, TestServer.USERS_PASSWORD + "\n", arguments);
    return cache;
  }

  /** A PostgreSQL that accepts this KDC's tickets; skips the test where there is none. */
  public TestServer server() {
    return TestServer.kerberized(
        Map.of("krb_server_keyfile", serverKeytab().toString()), environment());
  }

  private void run(Path program, String input, String... arguments) {
    String[] command = new String[arguments.length + 1];
    command[0] = program.toString();
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Daemon.run(List.of(command), environment(), input);
  }

  private Map<String, String> environment() {
    return Map.of(
        "KRB5_CONFIG",
        configuration().toString(),
        "KRB5_KDC_PROFILE",
        directory.resolve("kdc.conf").toString(),
        "LC_ALL",
        "C");
  }

  /** Ends it, and forgets the realm. */
  @Override
  public void close() {
    stop();
    PostgresHome.deleteTree(directory);
  }
}
