package io.asyncpg.testkit;

import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.ServiceLoader;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * A real PostgreSQL.
 *
 * <p>{@link #shared} is the one server of this JVM, from one of three sources: by default an
 * embedded PostgreSQL out of the binaries jar on the class path ({@code -Dasyncpg.test.pg=14…18}
 * picks which), a container with {@code -Dasyncpg.test.server=testcontainers}, or any server with
 * {@code -Dasyncpg.test.dsn=postgresql://…}. {@link #start} makes a server of the caller's own,
 * always embedded, that may be stopped, killed and started again.
 *
 * <p>Everybody is trusted over loopback and over the Unix socket, except the users that are there
 * to be asked for a password: {@link #SCRAM_USER}, {@link #MD5_USER} and {@link #CLEARTEXT_USER},
 * whose password is {@link #USERS_PASSWORD}, and {@link #REJECTED_USER}, who never gets in. Time
 * zone is UTC, messages are in English.
 *
 * <p>The helpers that run SQL use pgjdbc: an independent witness of what is in the database. Safe
 * from any thread.
 */
public final class TestServer implements AutoCloseable {
  public static final String SCRAM_USER = "scram_user";
  public static final String MD5_USER = "md5_user";
  public static final String CLEARTEXT_USER = "cleartext_user";
  public static final String REJECTED_USER = "rejected_user";

  /**
   * The password of all of them. It must never appear in a log, a message or a {@code toString}.
   */
  public static final String USERS_PASSWORD = "sesame-7f3a";

  static final Map<String, String> USUAL_SETTINGS = usualSettings();

  /** Gets in whatever the lines of {@link #withHba} say, so that they can be taken back. */
  private static final String KEEPER = "testkit";

  /** The application name of the JDBC sessions. */
  private static final String WITNESS = "testkit";

  private static final List<String> USUAL_HBA =
      List.of(
          "local all all trust",
          "host all " + SCRAM_USER + " all scram-sha-256",
          "host all " + MD5_USER + " all md5",
          "host all " + CLEARTEXT_USER + " all password",
          "host all " + REJECTED_USER + " all reject",
          "host all all all trust",
          "local replication all trust",
          "host replication all all trust");

  /**
   * Found by name: DriverManager would wake every driver on the class path, Testcontainers' among
   * them.
   */
  private static final Driver PGJDBC =
      ServiceLoader.load(Driver.class).stream()
          .filter(provider -> provider.type().getName().equals("org.postgresql.Driver"))
          .map(ServiceLoader.Provider::get)
          .findFirst()
          .orElseThrow();

  private static final AtomicInteger databases = new AtomicInteger();
  private static @Nullable TestServer shared;
  private static @Nullable TestServer postgis;

  private final String host;
  private final int port;
  private final String user;
  private final @Nullable String password;
  private final String database;
  private final String keeper;
  private final @Nullable Postmaster postmaster;
  private final Runnable end;
  private final int majorVersion;

  private TestServer(
      String host,
      int port,
      String user,
      @Nullable String password,
      String database,
      String keeper,
      @Nullable Postmaster postmaster,
      Runnable end) {
    this.host = host;
    this.port = port;
    this.user = user;
    this.password = password;
    this.database = database;
    this.keeper = keeper;
    this.postmaster = postmaster;
    this.end = end;
    this.majorVersion =
        Integer.parseInt(Objects.requireNonNull(value("SHOW server_version_num"))) / 10_000;
  }

  /**
   * This JVM's server: started when first asked for, stopped when the JVM ends. Do not close it.
   */
  public static synchronized TestServer shared() {
    if (shared == null) {
      TestServer started;
      String dsn = System.getProperty("asyncpg.test.dsn");
      if (dsn != null) {
        started = at(dsn);
      } else if ("testcontainers".equals(System.getProperty("asyncpg.test.server"))) {
        started = contained("postgres:" + wantedMajor());
      } else {
        started = start();
      }
      endWithTheJvm(started);
      shared = started;
    }
    return shared;
  }

  /** The shared server, if it was started and is nobody else's. */
  static synchronized @Nullable TestServer sharedIfOurs() {
    return shared != null && shared.keeper.equals(KEEPER) ? shared : null;
  }

  /**
   * The sessions of clients other than the witnesses here: pid, application, user, state, last SQL.
   */
  List<List<@Nullable String>> foreignSessions() {
    return rowsAs(
        keeper,
        database,
        "SELECT pid, application_name, usename, state, query FROM pg_stat_activity"
            + " WHERE backend_type = 'client backend' AND application_name <> '"
            + WITNESS
            + "'");
  }

  /** An embedded server of the caller's own, with the usual settings. */
  public static TestServer start() {
    return start(Map.of());
  }

  /** An embedded server of the caller's own, with these settings over the usual ones. */
  public static TestServer start(Map<String, String> settings) {
    return launched(PostgresHome.embedded(), settings);
  }

  /**
   * A streaming standby of this server, of the caller's own. This server is stopped for a moment.
   */
  public TestServer standby() {
    Postmaster standby = Postmaster.standbyOf(own(), keeper);
    return new TestServer(
        "localhost", standby.port(), user, password, database, keeper, standby, standby::close);
  }

  /** Makes a standby the primary; returns when it takes writes. */
  public void promote() {
    if (!"t".equals(valueAs(keeper, "SELECT pg_promote()"))) {
      throw new IllegalStateException("the standby was not promoted in a minute");
    }
  }

  /**
   * This JVM's server with PostGIS at hand ({@code CREATE EXTENSION postgis}): this machine's own
   * PostgreSQL packages, or the {@code postgis} image with {@code
   * -Dasyncpg.test.server=testcontainers}. Skips the test where there is none. Do not close it.
   */
  public static synchronized TestServer postgis() {
    if (postgis == null) {
      TestServer started =
          "testcontainers".equals(System.getProperty("asyncpg.test.server"))
              ? contained("postgis/postgis:" + wantedMajor() + "-3.6")
              : launched(
                  PostgresHome.withPostgis().orElseGet(TestServer::skipForLackOfPostgis), Map.of());
      endWithTheJvm(started);
      postgis = started;
    }
    return postgis;
  }

  /**
   * A server of the caller's own with PostGIS at hand, out of the {@code postgis} image. Skips the
   * test where there is no Docker.
   */
  public static TestServer postgisInDocker() {
    Assumptions.assumeTrue(
        Container.isDockerThere(), "no Docker on this machine, or it does not answer");
    return contained("postgis/postgis:" + wantedMajor() + "-3.6");
  }

  /**
   * A server of the caller's own that accepts the tickets of this KDC: this machine's own
   * PostgreSQL packages, as the embedded server knows no GSSAPI. Skips the test where there is
   * none.
   */
  static TestServer kerberized(Map<String, String> settings, Map<String, String> environment) {
    PostgresHome home =
        PostgresHome.ofPackages()
            .orElseGet(
                () ->
                    Assumptions.abort(
                        "no PostgreSQL with GSSAPI on this machine: apt-get install"
                            + " postgresql-15"));
    return furnished(Postmaster.start(home, settings, environment));
  }

  private static PostgresHome skipForLackOfPostgis() {
    String how =
        "no PostGIS on this machine: apt-get install postgresql-15-postgis-3, or name a PostgreSQL that has"
            + " it with -Dasyncpg.test.postgis=<directory above bin>, or use"
            + " -Dasyncpg.test.server=testcontainers";
    return Assumptions.abort(how);
  }

  private static void endWithTheJvm(TestServer server) {
    Runtime.getRuntime().addShutdownHook(new Thread(server::close, "testkit-shutdown"));
  }

  private static TestServer launched(PostgresHome home, Map<String, String> settings) {
    return furnished(Postmaster.start(home, settings));
  }

  private static TestServer furnished(Postmaster postmaster) {
    try {
      return new TestServer(
              "localhost",
              postmaster.port(),
              "postgres",
              null,
              "postgres",
              KEEPER,
              postmaster,
              postmaster::close)
          .furnished();
    } catch (RuntimeException e) {
      postmaster.close();
      throw e;
    }
  }

  private static TestServer contained(String image) {
    Container container = Container.start(image, USUAL_SETTINGS);
    return new TestServer(
            container.host(),
            container.port(),
            "postgres",
            null,
            "postgres",
            KEEPER,
            null,
            container.end())
        .furnished();
  }

  private static TestServer at(String dsn) {
    URI uri = URI.create(dsn);
    String[] credentials =
        uri.getUserInfo() == null ? new String[0] : uri.getUserInfo().split(":", 2);
    String path = uri.getPath() == null ? "" : uri.getPath();
    String user = credentials.length == 0 ? "postgres" : credentials[0];
    return new TestServer(
        uri.getHost() == null ? "localhost" : uri.getHost(),
        uri.getPort() < 0 ? 5432 : uri.getPort(),
        user,
        credentials.length < 2 ? null : credentials[1],
        path.length() < 2 ? "postgres" : path.substring(1),
        user,
        null,
        () -> {});
  }

  private static int wantedMajor() {
    return Integer.getInteger("asyncpg.test.pg", 18);
  }

  private static Map<String, String> usualSettings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("max_connections", "200");
    settings.put("max_prepared_transactions", "20");
    settings.put("wal_level", "logical");
    settings.put("timezone", "UTC");
    settings.put("log_timezone", "UTC");
    settings.put("lc_messages", "C");
    // What a test writes must survive a killed server, not a power cut.
    settings.put("fsync", "off");
    return Collections.unmodifiableMap(settings);
  }

  private TestServer furnished() {
    sql(
        "CREATE ROLE " + KEEPER + " SUPERUSER LOGIN",
        "SET password_encryption = 'md5'",
        "CREATE ROLE " + MD5_USER + " LOGIN PASSWORD '" + USERS_PASSWORD + "'",
        "SET password_encryption = 'scram-sha-256'",
        "CREATE ROLE " + SCRAM_USER + " LOGIN PASSWORD '" + USERS_PASSWORD + "'",
        "CREATE ROLE " + CLEARTEXT_USER + " LOGIN PASSWORD '" + USERS_PASSWORD + "'",
        "CREATE ROLE " + REJECTED_USER + " LOGIN PASSWORD '" + USERS_PASSWORD + "'");
    writeHba(List.of());
    return this;
  }

  public String host() {
    return host;
  }

  public int port() {
    return port;
  }

  /** A superuser. */
  public String user() {
    return user;
  }

  /** Null where {@link #user} is trusted. */
  public @Nullable String password() {
    return password;
  }

  public String database() {
    return database;
  }

  public int majorVersion() {
    return majorVersion;
  }

  /** The directory of the Unix socket. Only a server of our own has one here. */
  public Path socketDirectory() {
    return own().directory();
  }

  /** What the server wrote to its log, its last 10,000 lines. Only of a server of our own. */
  public List<String> log() {
    return own().log();
  }

  /** {@code postgresql://user@host:port/database}. */
  public String dsn() {
    return dsn(database);
  }

  /** The same for another database of this server. */
  public String dsn(String database) {
    String secret = password == null ? "" : ":" + password;
    return "postgresql://" + user + secret + "@" + host + ":" + port + "/" + database;
  }

  /** The same for one of the users with {@link #USERS_PASSWORD}. */
  public String dsnAs(String user) {
    return "postgresql://" + user + ":" + USERS_PASSWORD + "@" + host + ":" + port + "/" + database;
  }

  public URI uri() {
    return URI.create(dsn());
  }

  /** Skips the test on an older server than this. */
  public TestServer since(int major) {
    Assumptions.assumeTrue(
        majorVersion >= major,
        () -> "server version " + majorVersion + " lacks what came with " + major);
    return this;
  }

  /** Makes an empty database and gives its name. */
  public String createDatabase() {
    String name = "test_" + ProcessHandle.current().pid() + "_" + databases.incrementAndGet();
    sql("CREATE DATABASE " + name);
    return name;
  }

  /** Drops a database, with the sessions in it. */
  public void dropDatabase(String name) {
    sql("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
  }

  /** Runs these statements, one by one, in one session. */
  public void sql(String... statements) {
    sqlIn(database, statements);
  }

  /** The same in another database. */
  public void sqlIn(String database, String... statements) {
    sqlAs(user, database, statements);
  }

  private void sqlAs(String user, String database, String... statements) {
    try (Connection connection = jdbc(user, database);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(Arrays.toString(statements), e);
    }
  }

  /** The rows of a query, as the server writes the values. */
  public List<List<@Nullable String>> rows(String sql) {
    return rowsAs(user, database, sql);
  }

  /** The same in another database. */
  public List<List<@Nullable String>> rowsIn(String database, String sql) {
    return rowsAs(user, database, sql);
  }

  /** The first column of the first row. */
  public @Nullable String value(String sql) {
    return valueAs(user, sql);
  }

  private @Nullable String valueAs(String user, String sql) {
    List<List<@Nullable String>> rows = rowsAs(user, database, sql);
    if (rows.isEmpty()) throw new IllegalStateException("no row: " + sql);
    return rows.get(0).get(0);
  }

  private List<List<@Nullable String>> rowsAs(String user, String database, String sql) {
    List<List<@Nullable String>> rows = new ArrayList<>();
    try (Connection connection = jdbc(user, database);
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      int columns = result.getMetaData().getColumnCount();
      while (result.next()) {
        List<@Nullable String> row = new ArrayList<>();
        for (int i = 1; i <= columns; i++) row.add(result.getString(i));
        rows.add(Collections.unmodifiableList(row));
      }
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
    return rows;
  }

  /** A JDBC connection to a database of this server. The caller closes it. */
  public Connection jdbc(String database) throws SQLException {
    return jdbc(user, database);
  }

  private Connection jdbc(String user, String database) throws SQLException {
    return jdbc(user, password, database);
  }

  /** The same as another user. */
  public Connection jdbc(String user, @Nullable String password, String database)
      throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", user);
    if (password != null) properties.setProperty("password", password);
    properties.setProperty("ApplicationName", WITNESS);
    // Not through DriverManager: it would wake every driver on the class path, Testcontainers'
    // among them.
    return Objects.requireNonNull(
        PGJDBC.connect("jdbc:postgresql://" + host + ":" + port + "/" + database, properties));
  }

  /**
   * Sets a server-wide setting that needs no restart. In force for new sessions when this returns.
   */
  public void set(String name, String value) {
    sqlAs(keeper, database, "ALTER SYSTEM SET " + name + " = " + quoted(value));
    reload();
  }

  /** Takes back what {@link #set} did. */
  public void unset(String name) {
    sqlAs(keeper, database, "ALTER SYSTEM RESET " + name);
    reload();
  }

  /**
   * Puts these lines of {@code pg_hba.conf} before the usual ones, for new sessions, until the
   * result is closed. Not for a server that was named by a DSN: there the test is skipped.
   */
  public Hba withHba(String... lines) {
    Assumptions.assumeTrue(
        keeper.equals(KEEPER), "needs a server of the test kit's own, not -Dasyncpg.test.dsn");
    writeHba(List.of(lines));
    return () -> writeHba(List.of());
  }

  /** Lines of {@code pg_hba.conf}, in force until this is closed. */
  @FunctionalInterface
  public interface Hba extends AutoCloseable {
    @Override
    void close();
  }

  private void writeHba(List<String> lines) {
    List<String> all = new ArrayList<>();
    all.add("host all " + KEEPER + " all trust");
    all.addAll(lines);
    all.addAll(USUAL_HBA);
    // The server writes its own file: that works the same inside a container.
    String file = Objects.requireNonNull(valueAs(keeper, "SHOW hba_file"));
    String array =
        all.stream().map(TestServer::quoted).collect(Collectors.joining(",", "ARRAY[", "]"));
    sqlAs(keeper, database, "COPY (SELECT unnest(" + array + ")) TO " + quoted(file));
    reload();
  }

  /**
   * Makes the server read its configuration files again. In force for new sessions when this
   * returns.
   */
  public void reload() {
    String before = valueAs(keeper, "SELECT pg_conf_load_time()");
    sqlAs(keeper, database, "SELECT pg_reload_conf()");
    long deadline = System.nanoTime() + 30_000_000_000L;
    // A session inherits the time from the postmaster that started it.
    while (Objects.equals(valueAs(keeper, "SELECT pg_conf_load_time()"), before)) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("the server did not read its configuration again");
      }
      Thread.onSpinWait();
    }
  }

  /** {@code pg_ctl stop -m fast}: sessions are told (57P01) and ended. */
  public void stopFast() {
    own().stop("fast");
  }

  /**
   * {@code pg_ctl stop -m immediate}: sessions are cut off; the next start recovers as after a
   * crash.
   */
  public void stopImmediate() {
    own().stop("immediate");
  }

  /** {@code kill -9} of the postmaster: nobody is told anything. */
  public void kill() {
    own().kill();
  }

  /**
   * Starts the server again after it was stopped or killed, on the same port, with the same data.
   */
  public void startAgain() {
    own().start();
  }

  /** Waits until this session is inside {@code pg_sleep}. */
  public void awaitSleeping(int serverPid) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    String sleeping =
        "SELECT count(*) FROM pg_sleep(0.01), pg_stat_activity"
            + " WHERE wait_event = 'PgSleep' AND pid = "
            + serverPid;
    while (!"1".equals(value(sleeping))) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("session " + serverPid + " has not come to sleep in 30 seconds");
      }
    }
  }

  /**
   * Ends one session, if it is still there. A server that executes a statement does not notice that
   * the connection is gone before it is through, however long {@code pg_sleep} is.
   */
  public void endSession(int serverPid) {
    sql("SELECT pg_terminate_backend(" + serverPid + ")");
  }

  /** {@code kill -9} of one session's process: the server then resets all the others (57P02). */
  public void killSession(int serverPid) {
    own();
    ProcessHandle.of(serverPid)
        .orElseThrow(() -> new IllegalArgumentException("no process " + serverPid))
        .destroyForcibly();
  }

  /** Ends a server of the caller's own and removes its data. */
  @Override
  public void close() {
    end.run();
  }

  private Postmaster own() {
    if (postmaster != null) return postmaster;
    return Assumptions.abort(
        "needs a server that runs on this machine, not one in Docker or of a DSN");
  }

  private static String quoted(String literal) {
    return "'" + literal.replace("'", "''") + "'";
  }
}
