package io.asyncpg.client;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.netty.NettyConnections;
import io.asyncpg.error.InvalidPasswordException;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.Backend;
import io.asyncpg.testkit.ScriptedServer;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.testkit.WireLines;
import io.asyncpg.types.Codec;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.uring.IoUringIoHandler;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConnectTest {
  private static final TestServer SERVER = TestServer.shared();

  private static PgConfig.Builder config(String dsn) {
    return PgConfig.builder().environment(Map.of()).dsn(dsn);
  }

  private static PgConfig.Builder as(String user, String parameters) {
    return config(SERVER.dsnAs(user) + "?" + parameters);
  }

  private static String user(PgConfig config) {
    return user(PgConnection.connect(config));
  }

  private static String user(PgFuture<PgConnection> connecting) {
    PgConnection connection = connecting.await();
    try {
      return connection.fetchValue(String.class, "SELECT current_user::text").await();
    } finally {
      end(connection);
    }
  }

  private static void end(PgConnection connection) {
    connection.close();
    connection.closed().await();
  }

  private static PgException failure(PgConfig.Builder config) {
    try {
      end(PgConnection.connect(config.build()).await());
    } catch (PgException failure) {
      return failure;
    }
    throw new AssertionError("connected, though it should not");
  }

  private static int closedPort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- Authentication

  @ParameterizedTest
  @CsvSource({
    "scram_user, scram-sha-256",
    "scram_user, '!none,!password,!md5'",
    "md5_user, md5",
    "cleartext_user, password"
  })
  void aPasswordIsProvedInTheWayTheServerAsks(String user, String methods) {
    assertThat(user(as(user, "require_auth=" + methods).build())).isEqualTo(user);
  }

  @ParameterizedTest
  @CsvSource({
    "md5_user, scram-sha-256, md5",
    "cleartext_user, scram-sha-256, password",
    "scram_user, '!scram-sha-256', scram-sha-256"
  })
  void aWayThatIsNotAcceptableIsRefusedBeforeThePasswordIsSent(
      String user, String methods, String asked) {
    assertThat(failure(as(user, "require_auth=" + methods)))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("authentication by " + asked)
        .hasMessageContaining("require_auth")
        .hasMessageNotContaining(TestServer.USERS_PASSWORD);
  }

  @Test
  void aServerThatAsksForNothingIsRefusedWhereProofIsRequired() {
    assertThat(failure(config(SERVER.dsn() + "?require_auth=scram-sha-256")))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("without asking for proof");
    assertThat(user(config(SERVER.dsn() + "?require_auth=none,scram-sha-256").build()))
        .isEqualTo("postgres");
  }

  @Test
  void channelBindingThatIsRequiredNeedsEncryption() {
    assertThat(failure(as(TestServer.SCRAM_USER, "channel_binding=require")))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("not encrypted");
  }

  @Test
  void aWrongPasswordIsTheServersOwnErrorAndNoOtherHostIsBothered() throws IOException {
    try (ScriptedServer other = ScriptedServer.start()) {
      PgConfig.Builder config =
          config(
                  "postgresql://localhost:"
                      + SERVER.port()
                      + ",localhost:"
                      + other.port()
                      + "/postgres")
              .user(TestServer.SCRAM_USER)
              .password("wrong");
      assertThat(failure(config)).isInstanceOf(InvalidPasswordException.class);
      assertThat(other.connections()).isZero();
    }
  }

  @Test
  void aPasswordThatIsMissingIsSaidToBe() {
    PgConfig.Builder config = config(SERVER.dsn()).user(TestServer.SCRAM_USER);
    assertThat(failure(config))
        .hasMessageContaining("asks for a password for user \"scram_user\"")
        .hasMessageContaining("PGPASSWORD");
  }

  @Test
  void anOkBeforeTheServersProofIsRefused() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(message -> {})
          .send(Backend.authenticationSasl("SCRAM-SHA-256"))
          .expect("p")
          .send(Backend.authenticationOk())
          .readToEnd();
      assertThat(failure(config(server.dsn()).password("x")))
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("AuthenticationOk before the end of the SCRAM exchange");
    }
  }

  @Test
  void aSecondRequestForAPasswordIsRefused() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(message -> {})
          .send(Backend.authenticationMd5Password(new byte[] {1, 2, 3, 4}))
          .expect("p")
          .send(Backend.authenticationCleartextPassword())
          .readToEnd();
      assertThat(failure(config(server.dsn()).password("x")))
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("a second request for authentication");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ParameterStatus", "BackendKeyData", "NotificationResponse"})
  void nothingIsTakenFromAServerThatHasNotLetUsIn(String early) {
    byte[] message =
        switch (early) {
          case "ParameterStatus" -> Backend.parameterStatus("search_path", "theirs");
          case "BackendKeyData" -> Backend.backendKeyData(1, 2);
          default -> Backend.notification(1, "channel", "payload");
        };
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(start -> {})
          .send(Backend.notice("00000", "this may be said"), message)
          .readToEnd();
      assertThat(failure(config(server.dsn())))
          .isInstanceOf(PgProtocolException.class)
          .hasMessageStartingWith(server.host() + ":" + server.port() + ": ")
          .hasMessageContaining(early + ", which nobody waits for during authentication");
    }
  }

  @ParameterizedTest
  @CsvSource({"1001, 1", "18, 60000"})
  void aServerCannotReportSettingsWithoutEnd(int names, int length) {
    byte[][] reports = new byte[names][];
    for (int i = 0; i < names; i++) {
      reports[i] = Backend.parameterStatus("setting." + i, "x".repeat(length));
    }
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(message -> {})
          .send(Backend.authenticationOk())
          .send(reports)
          .readToEnd();
      assertThat(failure(config(server.dsn())))
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("more than 1000 settings");
    }
  }

  @Test
  void whatItReportsAgainIsNoMore() {
    byte[][] reports = new byte[40][];
    for (int i = 0; i < reports.length; i++) {
      reports[i] = Backend.parameterStatus("search_path", i + "x".repeat(60_000));
    }
    try (ScriptedServer server = ScriptedServer.start()) {
      var script =
          server
              .connection()
              .expectStartup(message -> {})
              .send(Backend.authenticationOk())
              .send(reports)
              .send(Backend.readyForQuery('I'));
      PgConnection connection = PgConnection.connect(server.dsn()).await();
      assertThat(connection.settings().get("search_path")).startsWith("39x");
      script.expectTerminate();
      end(connection);
    }
  }

  @Test
  void anEncodingThatIsNotOursIsToldAsWhatItIs() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(message -> {})
          .send(Backend.authenticationOk(), Backend.parameterStatus("client_encoding", "LATIN1"))
          .readToEnd();
      assertThat(failure(config(server.dsn())))
          .isInstanceOf(PgConnectionException.class)
          .hasMessageStartingWith(server.host() + ":" + server.port() + ": ")
          .hasMessageContaining("client_encoding was set to LATIN1")
          .hasMessageNotContaining("the server closed");
    }
  }

  @Test
  void aServerThatCannotMakeAProcessIsHeardAndPassedOver() {
    byte[] old = "Ecould not fork new process: Cannot allocate memory\n\0".getBytes(US_ASCII);
    try (ScriptedServer server = ScriptedServer.start()) {
      server.connection().expectStartup(message -> {}).send(old).cutWithFin();
      assertThat(failure(config(server.dsn())))
          .isInstanceOf(PgConnectionException.class)
          .hasMessage(
              server.host()
                  + ":"
                  + server.port()
                  + " has no session for us: \"could not fork new process: Cannot allocate"
                  + " memory\"");
      server.connection().expectStartup(message -> {}).send(old).cutWithFin();
      String hosts = server.host() + ":" + server.port() + ",localhost:" + SERVER.port();
      assertThat(
              user(config("postgresql://postgres@" + hosts + "/postgres?sslmode=disable").build()))
          .isEqualTo("postgres");
    }
  }

  @Test
  void whatItSaysIsHeardToTheEnd() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(message -> {})
          .sendByteByByte("Ecould not fork: Cannot allocate memory\n\0".getBytes(US_ASCII))
          .cutWithFin();
      assertThat(failure(config(server.dsn())))
          .isInstanceOf(PgConnectionException.class)
          .hasMessageEndingWith(
              " has no session for us: \"could not fork: Cannot allocate memory\"");
    }
  }

  @Test
  void aCertificateThatIsRequiredCannotBeAskedForWithoutEncryption() {
    assertThat(failure(config(SERVER.dsn() + "?sslmode=disable&sslcertmode=require")))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("sslcertmode=require");
    assertThat(failure(config(socket("sslcertmode=require"))))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("sslcertmode=require");
  }

  // ---- Before TLS

  @Test
  void bytesBehindTheAnswerToTheRequestForEncryptionEndTheConnection() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.connection().expectSslRequest().send(new byte[] {'S', 'R', 0, 0, 0}).readToEnd();
      assertThat(failure(config(server.dsn() + "&sslmode=require")))
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("4 unencrypted bytes");
    }
  }

  @Test
  void anErrorInTheClearIsNotTakenForTheServersWord() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectSslRequest()
          .send(Backend.fatal("53300", "send your password to evil\u001b[31m"))
          .readToEnd();
      assertThat(failure(config(server.dsn() + "&sslmode=require")))
          .isInstanceOf(PgConnectionException.class)
          .hasMessageContaining("do not trust its words")
          .hasMessageNotContaining("\u001b");
    }
  }

  @Test
  void whatIsNoPostgresqlIsSaidToBeNone() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.connection().expectSslRequest().send("HTTP/1.1 400".getBytes(US_ASCII)).readToEnd();
      assertThat(failure(config(server.dsn() + "&sslmode=require")))
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("check host and port");
    }
  }

  // ---- Hosts

  @Test
  void aHostWhereNobodyListensIsPassedOver() throws IOException {
    String hosts = "localhost:" + closedPort() + ",localhost:" + SERVER.port();
    assertThat(user(config("postgresql://postgres@" + hosts + "/postgres").build()))
        .isEqualTo("postgres");
  }

  @ParameterizedTest
  @ValueSource(strings = {"57P03", "53300", "57P01"})
  void aServerThatCannotTakeUsNowIsPassedOver(String sqlState) {
    try (ScriptedServer busy = ScriptedServer.start()) {
      busy.connection()
          .expectStartup(message -> {})
          .send(Backend.fatal(sqlState, "not now"))
          .readToEnd();
      String hosts = busy.host() + ":" + busy.port() + ",localhost:" + SERVER.port();
      assertThat(
              user(config("postgresql://postgres@" + hosts + "/postgres?sslmode=disable").build()))
          .isEqualTo("postgres");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "28"})
  void anErrorWithoutASqlStateOfFiveCharactersEndsAnAttemptAtOnce(String sqlState) {
    try (ScriptedServer odd = ScriptedServer.start()) {
      odd.connection()
          .expectStartup(message -> {})
          .send(Backend.fatal(sqlState, "go away"))
          .readToEnd();
      PgException failure = failure(config(odd.dsn()));
      assertThat(failure).isInstanceOf(PgServerException.class).hasMessageContaining("go away");
      assertThat(((PgServerException) failure).sqlState()).isEqualTo("XX000");
    }
  }

  @Test
  void whatNobodyExpectedOfAnAttemptEndsItAtOnce() throws Exception {
    var loops = new MultiThreadIoEventLoopGroup(1, LocalIoHandler.newFactory()); // no sockets
    try {
      assertThatThrownBy(
              () ->
                  NettyConnections.connect(config(SERVER.dsn()).build(), loops)
                      .get(20, TimeUnit.SECONDS))
          .cause()
          .isInstanceOf(PgConnectionException.class)
          .hasMessageContaining("drives none of epoll, io_uring and NIO")
          .hasCauseInstanceOf(IllegalArgumentException.class);
    } finally {
      loops.shutdownGracefully().sync();
    }
  }

  @Test
  void theErrorListsEveryAttemptWithItsReason() throws IOException {
    int first = closedPort();
    int second = closedPort();
    PgException failure =
        failure(
            config(
                "postgresql://postgres@127.0.0.1:"
                    + first
                    + ",127.0.0.1:"
                    + second
                    + ",no-such-host.invalid:1/x"));
    assertThat(failure)
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("127.0.0.1:" + first)
        .hasMessageContaining("127.0.0.1:" + second)
        .hasMessageContaining("no-such-host.invalid:1: the name is not known");
    assertThat(failure.getSuppressed()).hasSize(2);
  }

  @Test
  void hostsAreShuffledWhereTheLoadIsToBeBalanced() throws IOException {
    String first = "127.0.0.1:" + closedPort();
    String dsn = "postgresql://postgres@" + first + ",127.0.0.1:" + closedPort();
    Set<String> orders = new HashSet<>();
    for (int i = 0; i < 40; i++) {
      orders.add(failure(config(dsn + "/x?load_balance_hosts=random")).getMessage());
      assertThat(failure(config(dsn + "/x")).getSuppressed()[0]).hasMessageContaining(first);
    }
    assertThat(orders).hasSize(2);
  }

  @Test
  void everyAddressOfANameIsTriedAndTheNameAskedForAnewEachTime(@TempDir Path directory)
      throws Exception {
    Path names = Files.createFile(directory.resolve("hosts"));
    List<String> options =
        List.of(
            "-Djdk.net.hosts.file=" + names,
            "-Dsun.net.inetaddr.ttl=0",
            "-Dsun.net.inetaddr.negative.ttl=0");
    assertThat(
            ForkedJvm.run(
                directory, options, Names.class, names.toString(), String.valueOf(SERVER.port())))
        .contains("the second address: let in")
        .contains("another address: could not connect to db.test:" + SERVER.port() + " (127.0.0.3)")
        .contains("the right one: let in");
  }

  /** Connects to a name that means something else each time. */
  static final class Names {
    public static void main(String[] arguments) throws IOException {
      Path names = Path.of(arguments[0]);
      PgConfig config =
          config("postgresql://postgres@db.test:" + arguments[1] + "/postgres").build();
      tell("the second address", names, "127.0.0.2 db.test\n127.0.0.1 db.test\n", config);
      tell("another address", names, "127.0.0.3 db.test\n", config);
      tell("the right one", names, "127.0.0.1 db.test\n", config);
    }

    private static void tell(String what, Path names, String meaning, PgConfig config)
        throws IOException {
      Files.writeString(names, meaning);
      String outcome;
      try (PgConnection connection = PgConnection.connect(config).await()) {
        outcome = connection.isClosed() ? "closed" : "let in";
      } catch (PgConnectionException failure) {
        outcome = failure.getMessage();
      }
      System.out.println(what + ": " + outcome);
    }
  }

  @Test
  void aSilentHostLeavesTimeForTheNext() throws IOException {
    try (ServerSocket silent = new ServerSocket(0)) {
      String hosts = "localhost:" + silent.getLocalPort() + ",localhost:" + SERVER.port();
      PgConfig config =
          config("postgresql://postgres@" + hosts + "/postgres")
              .connectTimeout(Duration.ofSeconds(3))
              .build();
      assertThat(user(config)).isEqualTo("postgres");
    }
  }

  @Test
  void aTimeoutMayBeAsLongAsADurationIs() {
    Duration forever = ChronoUnit.FOREVER.getDuration();
    PgConfig config =
        config("postgresql://localhost:" + closedPort() + ",localhost:" + SERVER.port())
            .user("postgres")
            .database("postgres")
            .connectTimeout(forever)
            .addressTimeout(forever)
            .commandTimeout(forever)
            .cancelTimeout(forever)
            .statementCacheLifetime(forever)
            .build();
    PgConnection connection = PgConnection.connect(config).await();
    PgFuture<CommandTag> sleeping = connection.execute("SELECT pg_sleep(600)");
    PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 1");
    sleeping.cancel(true);
    assertThat(behind.await()).isEqualTo(1);
    end(connection);
  }

  @ParameterizedTest
  @CsvSource({
    "read-write, off, off",
    "primary, off, on",
    "read-only, off, on",
    "read-only, on, off",
    "standby, on, off",
    "prefer-standby, on, off"
  })
  void theKindOfServerThatIsWantedIsTaken(String wanted, String standby, String readOnly) {
    String otherStandby = wanted.contains("standby") || wanted.equals("read-only") ? "off" : "on";
    try (ScriptedServer wrong = ScriptedServer.start();
        ScriptedServer right = ScriptedServer.start()) {
      greet(wrong, otherStandby, "off", 1).expectTerminate();
      var session = greet(right, standby, readOnly, 2);
      PgConnection connection = PgConnection.connect(hosts(wrong, right, wanted).build()).await();
      assertThat(connection.serverPid()).isEqualTo(2);
      session.expectTerminate();
      end(connection);
    }
  }

  @Test
  void aPreferenceIsGivenUpWhereNobodyMeetsIt() {
    try (ScriptedServer one = ScriptedServer.start();
        ScriptedServer two = ScriptedServer.start()) {
      greet(one, "off", "off", 1).expectTerminate();
      greet(two, "off", "off", 2).expectTerminate();
      var again = greet(one, "off", "off", 3);
      PgConnection connection =
          PgConnection.connect(hosts(one, two, "prefer-standby").build()).await();
      assertThat(connection.serverPid()).isEqualTo(3);
      again.expectTerminate();
      end(connection);
    }
  }

  @Test
  void aServerThatDoesNotTellIsAsked() throws IOException {
    try (ScriptedServer tacit = ScriptedServer.start()) {
      tacit
          .connection()
          .expectStartup(message -> {})
          .send(Backend.authenticationOk(), Backend.readyForQuery('I'))
          .expect("P", "D", "S")
          .cutWithFin();
      String hosts = tacit.host() + ":" + tacit.port() + ",localhost:" + SERVER.port();
      assertThat(
              user(
                  config(
                          "postgresql://postgres@"
                              + hosts
                              + "/postgres?sslmode=disable&target_session_attrs=primary")
                      .build()))
          .isEqualTo("postgres");
    }
  }

  private static PgConfig.Builder hosts(ScriptedServer one, ScriptedServer two, String wanted) {
    return config(
        "postgresql://postgres@"
            + (one.host() + ":" + one.port() + "," + two.host() + ":" + two.port())
            + "/x?sslmode=disable&target_session_attrs="
            + wanted);
  }

  private static io.asyncpg.testkit.Script greet(
      ScriptedServer server, String standby, String readOnly, int processId) {
    return server
        .connection()
        .expectStartup(message -> {})
        .send(
            Backend.authenticationOk(),
            Backend.parameterStatus("in_hot_standby", standby),
            Backend.parameterStatus("default_transaction_read_only", readOnly),
            Backend.backendKeyData(processId, 1),
            Backend.readyForQuery('I'));
  }

  @Test
  void aPasswordIsAskedForEveryConnection() {
    AtomicInteger asked = new AtomicInteger();
    PgConfig config =
        config(SERVER.dsn())
            .user(TestServer.SCRAM_USER)
            .password(
                () -> {
                  asked.incrementAndGet();
                  return java.util.concurrent.CompletableFuture.supplyAsync(
                      () -> TestServer.USERS_PASSWORD);
                })
            .build();
    assertThat(user(config)).isEqualTo(TestServer.SCRAM_USER);
    assertThat(user(config)).isEqualTo(TestServer.SCRAM_USER);
    assertThat(asked).hasValue(2);
  }

  @Test
  void theKeysOfScramTakeThePlaceOfThePassword() throws Exception {
    // SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
    String secret =
        SERVER.value(
            "SELECT rolpassword FROM pg_authid WHERE rolname = '" + TestServer.SCRAM_USER + "'");
    String[] parts = String.valueOf(secret).split("[$:]", -1);
    byte[] salted =
        SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
            .generateSecret(
                new PBEKeySpec(
                    TestServer.USERS_PASSWORD.toCharArray(),
                    Base64.getDecoder().decode(parts[2]),
                    Integer.parseInt(parts[1]),
                    256))
            .getEncoded();
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(salted, "HmacSHA256"));
    byte[] clientKey = mac.doFinal("Client Key".getBytes(StandardCharsets.US_ASCII));
    byte[] serverKey = Base64.getDecoder().decode(parts[4]);
    assertThat(
            user(
                config(SERVER.dsn())
                    .user(TestServer.SCRAM_USER)
                    .scramKeys(clientKey, serverKey)
                    .build()))
        .isEqualTo(TestServer.SCRAM_USER);
    byte[] anotherServers = serverKey.clone();
    anotherServers[0]++;
    assertThatThrownBy(
            () ->
                user(
                    config(SERVER.dsn())
                        .user(TestServer.SCRAM_USER)
                        .scramKeys(clientKey, anotherServers)
                        .build()))
        .isInstanceOf(PgException.class)
        .hasMessageContaining("server");
    byte[] notOurs = clientKey.clone();
    notOurs[0]++;
    assertThatThrownBy(
            () ->
                user(
                    config(SERVER.dsn())
                        .user(TestServer.SCRAM_USER)
                        .scramKeys(notOurs, serverKey)
                        .build()))
        .isInstanceOf(InvalidPasswordException.class);
  }

  // ---- Sockets

  private static String socket(String parameters) {
    return "host="
        + SERVER.socketDirectory()
        + " port="
        + SERVER.port()
        + " user=postgres dbname=postgres "
        + parameters;
  }

  @ParameterizedTest
  @ValueSource(strings = {"nio", "epoll", "io_uring"})
  void unixSocketsAndKeepalivesWorkOnEveryTransport(String transport) throws Exception {
    EventLoopGroup loops =
        new MultiThreadIoEventLoopGroup(
            1,
            switch (transport) {
              case "nio" -> NioIoHandler.newFactory();
              case "epoll" -> EpollIoHandler.newFactory();
              default -> IoUringIoHandler.newFactory();
            });
    try {
      assertThat(
              user(NettyConnections.connect(config(socket("sslmode=verify-full")).build(), loops)))
          .isEqualTo("postgres");
      String watched =
          "?keepalives_idle=30&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=20000";
      assertThat(user(NettyConnections.connect(config(SERVER.dsn() + watched).build(), loops)))
          .isEqualTo("postgres");
      assertThatThrownBy(
              () ->
                  NettyConnections.connect(
                          config(socket("requirepeer=nobody-at-all")).build(), loops)
                      .await())
          .isInstanceOf(PgConnectionException.class)
          .hasMessageContaining("requirepeer");
      PgConnection connection = NettyConnections.connect(config(socket("")).build(), loops).await();
      PgFuture<CommandTag> sleeping = connection.execute("SELECT pg_sleep(600)");
      PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 1");
      sleeping.cancel(true);
      assertThatThrownBy(sleeping::await).isInstanceOf(CancellationException.class);
      assertThat(behind.await()).isEqualTo(1);
      end(connection);
    } finally {
      loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"epoll", "io_uring"})
  void abstractUnixSocketsAreReachedByNativeTransports(String transport) {
    String name = "@asyncpg-test-" + ProcessHandle.current().pid() + "-" + transport;
    EventLoopGroup loops =
        new MultiThreadIoEventLoopGroup(
            1,
            transport.equals("epoll")
                ? EpollIoHandler.newFactory()
                : IoUringIoHandler.newFactory());
    try (TestServer server = TestServer.start(Map.of("unix_socket_directories", name))) {
      String dsn = "host=" + name + " port=" + server.port() + " user=postgres dbname=postgres";
      assertThat(user(NettyConnections.connect(config(dsn).build(), loops))).isEqualTo("postgres");
      EventLoopGroup nio = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
      try {
        assertThatThrownBy(() -> NettyConnections.connect(config(dsn).build(), nio).await())
            .isInstanceOf(PgConnectionException.class)
            .hasMessageContaining("netty-transport-native-epoll");
      } finally {
        nio.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
      }
    } finally {
      loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
  }

  @Test
  void withoutTheJarsOfTheNativeTransportsNioIsTaken(@TempDir Path directory) throws Exception {
    assertThat(
            ForkedJvm.runWithout(
                directory,
                List.of("netty-transport-classes-", "netty-transport-native-epoll"),
                NioAlone.class,
                SERVER.dsn(),
                socket("requirepeer=nobody-at-all")))
        .contains("epoll: left out")
        .contains("by TCP: let in")
        .contains("by its socket: the server at ")
        .contains("has to run as the user \"nobody-at-all\"");
  }

  /** Connects where Netty's other transports are not even on the class path. */
  static final class NioAlone {
    public static void main(String[] dsns) {
      try {
        Class.forName("io.netty.channel.epoll.Epoll");
      } catch (ClassNotFoundException leftOut) {
        System.out.println("epoll: left out");
      }
      try (PgConnection connection = PgConnection.connect(dsns[0]).await()) {
        System.out.println("by TCP: " + (connection.isClosed() ? "closed" : "let in"));
      }
      try (PgConnection connection = PgConnection.connect(dsns[1]).await()) {
        System.out.println("by its socket: " + (connection.isClosed() ? "closed" : "let in"));
      } catch (PgConnectionException failure) {
        System.out.println("by its socket: " + failure.getMessage());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "nio, /no/such/place",
    "epoll, /no/such/place",
    "io_uring, /no/such/place",
    "epoll, @none"
  })
  void aUnixSocketThatIsNotThereIsNamed(String transport, String where) {
    EventLoopGroup loops =
        new MultiThreadIoEventLoopGroup(
            1,
            switch (transport) {
              case "nio" -> NioIoHandler.newFactory();
              case "epoll" -> EpollIoHandler.newFactory();
              default -> IoUringIoHandler.newFactory();
            });
    try {
      assertThatThrownBy(
              () ->
                  NettyConnections.connect(config("user=me host=" + where).build(), loops).await())
          .isInstanceOf(PgConnectionException.class)
          .hasMessageContaining("could not connect to " + where)
          .hasMessageContaining("unix_socket_directories")
          .hasMessageNotContaining("null")
          .hasMessageNotContaining("\0");
    } finally {
      loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nio", "epoll"})
  void withoutAFileDescriptorAnAttemptFailsAtOnceAndACancelGetsThroughLater(
      String transport, @TempDir Path directory) throws Exception {
    assertThat(ForkedJvm.run(directory, 250, OutOfDescriptors.class, transport, SERVER.dsn()))
        .contains("connect: could not connect to 127.0.0.1:")
        .contains("no socket could be made on this side")
        .contains("Too many open files")
        .contains("cancelled, and then 1\n")
        .contains("connected again\n");
  }

  /** Takes all the descriptors there are, and connects. */
  static final class OutOfDescriptors {
    public static void main(String[] arguments) throws IOException {
      System.setProperty("asyncpg.transport", arguments[0]);
      System.setProperty("io.netty.eventLoopThreads", "1");
      PgConfig config =
          config(arguments[1] + "?sslmode=disable&host=127.0.0.1")
              .connectTimeout(Duration.ofSeconds(20))
              .cancelTimeout(Duration.ofMinutes(1))
              .build();
      PgConnection connection = PgConnection.connect(config).await();
      // Classes come from files too: whatever is needed below is there, or has been needed before.
      for (Class<?> each : List.of(PgConnection.class, Codec.class, PgException.class)) {
        load(each);
      }
      stop(connection.execute("SELECT pg_sleep(600)"));
      connection.fetchValue(Integer.class, "SELECT 1").await();
      complaint(config.toBuilder().port(closedPort()).build());
      List<FileInputStream> taken = take();
      String complaint = complaint(config);
      stop(connection.execute("SELECT pg_sleep(600)"));
      complaint(config); // behind the cancel on the only event loop, which has failed then
      for (FileInputStream one : taken) one.close();
      System.out.println("connect: " + complaint);
      int one = connection.fetchValue(Integer.class, "SELECT 1").await();
      System.out.println("cancelled, and then " + one);
      end(connection);
      end(PgConnection.connect(config).await());
      System.out.println("connected again");
    }

    /** Loads all classes that come from where this one does. */
    private static void load(Class<?> one) throws IOException {
      Path root = Path.of(URI.create(one.getProtectionDomain().getCodeSource().getLocation() + ""));
      if (!Files.isDirectory(root)) {
        return; // a jar is open already
      }
      List<Path> files;
      try (Stream<Path> all = Files.walk(root)) {
        files = all.filter(file -> file.toString().endsWith(".class")).toList();
      }
      for (Path file : files) {
        String name = root.relativize(file).toString().replace(File.separatorChar, '.');
        if (!name.endsWith("-info.class")) {
          try {
            Class.forName(name.substring(0, name.length() - 6), false, one.getClassLoader());
          } catch (ClassNotFoundException | LinkageError notForThisMachine) {
            System.out.println("not loaded: " + notForThisMachine);
          }
        }
      }
    }

    private static void stop(PgFuture<CommandTag> sleeping) {
      sleeping.cancel(true);
    }

    private static String complaint(PgConfig config) {
      try {
        PgConnection.connect(config).await();
        return "none";
      } catch (PgConnectionException failure) {
        return String.valueOf(failure.getMessage());
      }
    }

    private static List<FileInputStream> take() {
      List<FileInputStream> taken = new ArrayList<>();
      while (true) {
        try {
          taken.add(new FileInputStream("/dev/null"));
        } catch (IOException none) {
          return taken;
        }
      }
    }
  }

  // ---- Protocol versions

  @Test
  void aLongCancelKeyIsRefusedWhereTheProtocolHasNone() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(message -> {})
          .send(Backend.authenticationOk(), Backend.backendKeyData(1, new byte[32]))
          .readToEnd();
      assertThat(failure(config(server.dsn())))
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("a cancel key of 32 bytes");
      server
          .connection()
          .expectStartup(message -> {})
          .send(Backend.negotiateProtocolVersion(0))
          .send(Backend.authenticationOk(), Backend.backendKeyData(1, new byte[32]))
          .readToEnd();
      assertThat(failure(config(server.dsn() + "&max_protocol_version=3.2")))
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("a cancel key of 32 bytes");
    }
  }

  @Test
  void longCancelKeysCancel() {
    SERVER.since(18);
    PgConnection connection =
        PgConnection.connect(config(SERVER.dsn() + "?max_protocol_version=3.2").build()).await();
    PgFuture<CommandTag> sleeping = connection.execute("SELECT pg_sleep(600)");
    PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 1");
    sleeping.cancel(true);
    assertThatThrownBy(sleeping::await).isInstanceOf(CancellationException.class);
    assertThat(behind.await()).isEqualTo(1);
    end(connection);
  }

  @Test
  void aServerThatKnowsOnlyTheOldProtocolIsSpokenToInThat() {
    try (ScriptedServer server = ScriptedServer.start()) {
      var script =
          server
              .connection()
              .expectStartup(message -> {})
              .send(Backend.negotiateProtocolVersion(0), Backend.usualGreeting(7, 8));
      PgConnection connection =
          PgConnection.connect(config(server.dsn() + "&max_protocol_version=3.2").build()).await();
      assertThat(connection.serverPid()).isEqualTo(7);
      script.expectTerminate();
      end(connection);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2, false, '', 3.2 in place of 3.2",
    "7, false, '', 3.7 in place of 3.2",
    "1, false, '', 3.1 in place of 3.2",
    "131072, false, '', 2.0 in place of 3.2",
    "0, false, _pq_.unasked, does not know the options [_pq_.unasked]",
    "0, true, '', 3.0 in place of 3.2"
  })
  void aNegotiationThatMakesNoSenseEndsTheConnection(
      int offered, boolean late, String option, String complaint) {
    byte[] negotiation =
        option.isEmpty()
            ? Backend.negotiateProtocolVersion(offered)
            : Backend.negotiateProtocolVersion(offered, option);
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(message -> {})
          .send(late ? Backend.authenticationOk() : new byte[0], negotiation)
          .readToEnd();
      assertThat(failure(config(server.dsn() + "&max_protocol_version=3.2")))
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining(complaint)
          .hasMessageContaining("makes no sense");
    }
  }

  @Test
  void aServerThatIsTooOldIsRefused() {
    try (ScriptedServer server = ScriptedServer.start()) {
      server
          .connection()
          .expectStartup(message -> {})
          .send(Backend.negotiateProtocolVersion(0))
          .readToEnd();
      assertThat(
              failure(config(server.dsn() + "&min_protocol_version=3.2&max_protocol_version=3.2")))
          .hasMessageContaining("min_protocol_version");
    }
  }

  @Test
  void everyMessageIsALineInTheLogOnceThatIsSwitchedOn() {
    try (WireLines log = new WireLines()) {
      PgConnection connection =
          PgConnection.connect(as(TestServer.SCRAM_USER, "sslmode=disable").build()).await();
      int pid = connection.serverPid();
      String text = "secret".repeat(20_000);
      assertThat(connection.fetchValue(String.class, "SELECT $1", text).await()).isEqualTo(text);
      end(connection);
      List<String> lines = log.all();
      String prefix = "[localhost:" + SERVER.port() + " #";
      assertThat(lines).allMatch(line -> line.startsWith(prefix));
      assertThat(lines.get(0)).contains("StartupMessage");
      assertThat(lines)
          .anyMatch(line -> line.contains("#" + pid + "] F\t") && line.contains("Bind"));
      assertThat(lines).anyMatch(line -> line.contains("DataRow"));
      assertThat(lines.get(lines.size() - 1)).contains("Terminate");
      assertThat(String.join("", lines))
          .doesNotContain(TestServer.USERS_PASSWORD)
          .doesNotContain("secretsecret");
    }
  }
}
