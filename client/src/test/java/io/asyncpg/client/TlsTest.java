package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.netty.NettyConnections;
import io.asyncpg.error.InvalidAuthorizationSpecificationException;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.testkit.TestServer;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A real server that encrypts, with certificates of the tests' own. */
class TlsTest {
  @TempDir static Path directory;

  private static Certificates authority;
  private static Certificates stranger;
  private static Certificates.Issued serverCertificate;
  private static Certificates.Issued client;
  private static Path root;
  private static TestServer server;

  @BeforeAll
  static void start() {
    authority = new Certificates(directory, "authority");
    stranger = new Certificates(directory, "stranger");
    serverCertificate = authority.issue("localhost", "RSA", 1, "localhost");
    client = authority.issue("postgres", "EC", 1);
    root = authority.write("root.crt", authority.root());
    Map<String, String> settings = new HashMap<>(authority.settings(serverCertificate));
    settings.put("ssl_ca_file", root.toString());
    server = TestServer.start(settings);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static PgConfig.Builder to(String host, String parameters) {
    return PgConfig.builder()
        .environment(Map.of())
        .dsn(
            "postgresql://postgres@"
                + host
                + ":"
                + server.port()
                + "/postgres?"
                + parameters.replace("ROOT", root.toString()));
  }

  /** The TLS version of a session so configured; null if it is not encrypted. */
  private static String version(PgConfig.Builder config) {
    PgConnection connection = PgConnection.connect(config.build()).await();
    try {
      return connection
          .fetchValue(
              String.class, "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl")
          .await();
    } finally {
      connection.close();
      connection.closed().await();
    }
  }

  private static String version(String parameters) {
    return version(to("localhost", parameters));
  }

  private static void isRefused(PgConfig.Builder config, String... words) {
    assertThatThrownBy(() -> version(config))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContainingAll(words);
  }

  @ParameterizedTest
  @CsvSource({
    "sslmode=disable,",
    "sslmode=allow,",
    "sslmode=prefer, TLSv1.3",
    "sslmode=require, TLSv1.3",
    "sslmode=require&sslrootcert=ROOT, TLSv1.3",
    "sslmode=verify-ca&sslrootcert=ROOT, TLSv1.3",
    "sslmode=verify-full&sslrootcert=ROOT, TLSv1.3",
    "sslmode=require&ssl_max_protocol_version=TLSv1.2, TLSv1.2"
  })
  void eachModeMeansWhatLibpqMeans(String parameters, String expected) {
    assertThat(version(parameters)).isEqualTo(expected);
  }

  @Test
  void aServerOnlyForEncryptedConnectionsIsReachedByEveryModeThatEncrypts() {
    try (TestServer.Hba only =
        server.withHba("hostssl all all all trust", "host all all all reject")) {
      assertThat(version("sslmode=allow")).isEqualTo("TLSv1.3");
      assertThat(version("sslmode=prefer")).isEqualTo("TLSv1.3");
      assertThatThrownBy(() -> version("sslmode=disable"))
          .isInstanceOf(InvalidAuthorizationSpecificationException.class);
      assertThat(only).isNotNull();
    }
  }

  @Test
  void aServerOnlyForPlainConnectionsIsReachedByEveryModeThatAllowsThem() {
    try (TestServer.Hba only =
        server.withHba("hostnossl all all all trust", "host all all all reject")) {
      assertThat(version("sslmode=prefer")).isNull();
      assertThat(version("sslmode=allow")).isNull();
      assertThatThrownBy(() -> version("sslmode=require"))
          .isInstanceOf(InvalidAuthorizationSpecificationException.class);
      assertThat(only).isNotNull();
    }
  }

  @Test
  void aServerWithoutTlsIsRefusedWhereTlsIsRequired() {
    isRefusedByPlainServer("require");
    isRefusedByPlainServer("verify-full&sslrootcert=" + root);
    PgConfig prefer = PgConfig.parse(TestServer.shared().dsn() + "?sslmode=prefer");
    PgConnection connection = PgConnection.connect(prefer).await();
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
    connection.close();
    connection.closed().await();
  }

  private static void isRefusedByPlainServer(String mode) {
    String dsn = TestServer.shared().dsn() + "?sslmode=" + mode;
    assertThatThrownBy(() -> PgConnection.connect(dsn).await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContainingAll("does not encrypt connections", "ssl = on");
  }

  @Test
  void directTlsNeedsNoRequestForIt() {
    server.since(17);
    assertThat(version("sslmode=verify-full&sslrootcert=ROOT&sslnegotiation=direct"))
        .isEqualTo("TLSv1.3");
  }

  @Test
  void aNameTheCertificateIsNotMadeOutToIsRefusedByVerifyFullOnly() {
    assertThat(version(to("127.0.0.1", "sslmode=verify-ca&sslrootcert=ROOT"))).isNotNull();
    isRefused(
        to("127.0.0.1", "sslmode=verify-full&sslrootcert=ROOT"),
        "not made out to 127.0.0.1",
        "sslmode=verify-ca");
  }

  @ParameterizedTest
  @CsvSource({"require", "verify-ca", "verify-full"})
  void anAuthorityThatIsNotTrustedIsRefused(String mode) {
    Path other = stranger.write("other.crt", stranger.root());
    isRefused(
        to("localhost", "sslmode=" + mode + "&sslrootcert=" + other),
        "not signed by any authority in " + other,
        "sslrootcert");
  }

  @Test
  void anAuthorityThatIsNotTrustedIsDoneWithoutByPrefer() {
    Path other = stranger.write("other.crt", stranger.root());
    assertThat(version("sslmode=prefer&sslrootcert=" + other)).isNull();
  }

  @Test
  void verificationWithoutAuthoritiesIsRefused() {
    Path nowhere = directory.resolve("nowhere.crt");
    isRefused(
        to("localhost", "sslmode=verify-ca&sslrootcert=" + nowhere),
        nowhere + " is not there",
        "sslrootcert=system");
  }

  @Test
  void theAuthoritiesOfJavaDoNotKnowOurs() {
    isRefused(to("localhost", "sslrootcert=system"), "those that this Java trusts");
  }

  @Test
  void aRevokedCertificateIsRefused() {
    Path revoked =
        authority.write("revoked.crl", authority.revoke(serverCertificate.certificate()));
    Path nothing = authority.write("nothing.crl", authority.revoke());
    isRefused(
        to("localhost", "sslmode=verify-ca&sslrootcert=ROOT&sslcrl=" + revoked),
        "has been revoked");
    assertThat(version("sslmode=verify-full&sslrootcert=ROOT&sslcrl=" + nothing)).isNotNull();
  }

  @Test
  void aRevocationListOfAnotherAuthorityDoesNotDo() {
    Path others = stranger.write("others.crl", stranger.revoke());
    isRefused(
        to("localhost", "sslmode=verify-ca&sslrootcert=ROOT&sslcrl=" + others),
        "no revocation list");
  }

  @ParameterizedTest
  @CsvSource({"EC", "RSA", "Ed25519"})
  void aClientCertificateLogsIn(String algorithm) {
    Certificates.Issued mine = authority.issue("postgres", algorithm, 1);
    Path certificate = authority.write(algorithm + ".crt", mine.certificate());
    Path key = authority.write(algorithm + ".key", mine.key());
    try (TestServer.Hba only = server.withHba("hostssl all postgres all cert")) {
      String parameters = "sslmode=verify-full&sslrootcert=ROOT&sslcert=" + certificate;
      assertThat(version(parameters + "&sslkey=" + key)).isNotNull();
      assertThatThrownBy(() -> version(parameters + "&sslcertmode=disable&sslkey=" + key))
          .hasMessageContaining("valid client certificate");
      assertThat(only).isNotNull();
    }
  }

  @Test
  void aKeyStoreIsACertificateWithItsKey() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(
        "mine", client.key(), "geheim".toCharArray(), new Certificate[] {client.certificate()});
    Path file = directory.resolve("client.p12");
    try (var out = Files.newOutputStream(file)) {
      store.store(out, "geheim".toCharArray());
    }
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    try (TestServer.Hba only = server.withHba("hostssl all postgres all cert")) {
      String parameters = "sslmode=require&sslcert=" + file + "&sslpassword=";
      assertThat(version(parameters + "geheim")).isNotNull();
      isRefused(to("localhost", parameters + "falsch"), "client.p12", "sslpassword");
      assertThat(only).isNotNull();
    }
  }

  @ParameterizedTest
  @CsvSource({"EC, prefer", "RSA, prefer", "Ed25519, require"})
  void aKeyOfAnotherCertificateIsToldWhateverTheMode(String algorithm, String mode) {
    Certificates.Issued other = authority.issue("other", algorithm, 1);
    Path certificate = authority.write("mine.crt", client.certificate());
    Path key = authority.write("not-mine.key", other.key());
    isRefused(
        to("localhost", "sslmode=" + mode + "&sslcert=" + certificate + "&sslkey=" + key),
        "the certificate " + certificate + " and the key " + key + " do not belong together",
        "sslcert, sslkey");
  }

  @Test
  void aKeyStoreWithAKeyOfAnotherCertificateIsToldToo() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(
        "mine",
        authority.issue("other", "EC", 1).key(),
        "geheim".toCharArray(),
        new Certificate[] {client.certificate()});
    Path file = directory.resolve("mixed.p12");
    try (var out = Files.newOutputStream(file)) {
      store.store(out, "geheim".toCharArray());
    }
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    isRefused(
        to("localhost", "sslmode=prefer&sslpassword=geheim&sslcert=" + file),
        "do not belong together");
  }

  @Test
  void aClientCertificateOfAStrangerIsRefused() {
    Certificates.Issued other = stranger.issue("postgres", "EC", 1);
    isRefused(
        to(
            "localhost",
            "sslmode=require&sslcert="
                + stranger.write("stranger.crt", other.certificate())
                + "&sslkey="
                + stranger.write("stranger.key", other.key())),
        "does not know the authority",
        "sslcert");
  }

  @Test
  void aKeyThatOthersCanReadIsNotUsed() throws IOException {
    Path certificate = authority.write("open.crt", client.certificate());
    Path key = authority.write("open.key", client.key());
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
    isRefused(
        to("localhost", "sslmode=require&sslcert=" + certificate + "&sslkey=" + key),
        "open.key",
        "chmod");
  }

  @Test
  void filesInTheHomeDirectoryAreFoundAsLibpqFindsThem() throws IOException {
    Path home = Files.createDirectories(directory.resolve("home"));
    Path usual = Files.createDirectories(home.resolve(".postgresql"));
    Certificates copy = authority;
    Files.copy(root, usual.resolve("root.crt"));
    Files.copy(copy.write("usual.crt", client.certificate()), usual.resolve("postgresql.crt"));
    Path key = Files.copy(copy.write("usual.key", client.key()), usual.resolve("postgresql.key"));
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
    Map<String, String> environment = new HashMap<>();
    environment.put("HOME", home.toString());
    try (TestServer.Hba only = server.withHba("hostssl all postgres all cert")) {
      assertThat(version(to("localhost", "sslmode=verify-full").environment(environment)))
          .isNotNull();
      assertThat(only).isNotNull();
    }
  }

  @Test
  void aCertificateThatIsRequiredHasToBeThere() {
    isRefused(to("localhost", "sslmode=require&sslcertmode=require"), "sslcertmode", "sslcert");
  }

  @Test
  void aServerThatDoesNotAskForACertificateIsRefusedWhereItHasTo() {
    String mine =
        "&sslcert="
            + authority.write("asked.crt", client.certificate())
            + "&sslkey="
            + authority.write("asked.key", client.key());
    assertThat(version("sslmode=require&sslcertmode=require" + mine)).isNotNull();
    server.set("ssl_ca_file", "");
    try {
      isRefused(
          to("localhost", "sslmode=require&sslcertmode=require" + mine),
          "did not ask for a client certificate",
          "ssl_ca_file",
          "sslcertmode=allow");
      assertThat(version("sslmode=require" + mine)).isNotNull();
    } finally {
      server.unset("ssl_ca_file");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ssl_min_protocol_version, TLSv1.3, ssl_max_protocol_version=TLSv1.2, TLSv1.2",
    "ssl_max_protocol_version, TLSv1.2, ssl_min_protocol_version=TLSv1.3, TLSv1.3"
  })
  void whereThereIsNoVersionInCommonBothSidesAreNamed(
      String setting, String theirs, String parameter, String ours) {
    server.set(setting, theirs);
    try {
      isRefused(
          to("localhost", "sslmode=require&" + parameter), "TLS version", ours, "no TLS with");
    } finally {
      server.unset(setting);
    }
  }

  @ParameterizedTest
  @CsvSource({"localhost, '', localhost", "localhost, &sslsni=0, ", "127.0.0.1, '', "})
  void theServerIsToldItsNameUnlessThatIsAnAddressOrSwitchedOff(
      String host, String parameter, String expected) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, null);
    own.setKeyEntry(
        "server",
        serverCertificate.key(),
        new char[0],
        new Certificate[] {serverCertificate.certificate()});
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(own, new char[0]);
    context.init(keys.getKeyManagers(), null, null);
    try (SSLServerSocket listening =
        (SSLServerSocket)
            context
                .getServerSocketFactory()
                .createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      CompletableFuture<List<SNIServerName>> names = new CompletableFuture<>();
      Thread server =
          new Thread(
              () -> {
                try (SSLSocket accepted = (SSLSocket) listening.accept()) {
                  accepted.startHandshake();
                  names.complete(
                      ((ExtendedSSLSession) accepted.getSession()).getRequestedServerNames());
                } catch (IOException e) {
                  names.completeExceptionally(e);
                }
              });
      server.start();
      PgConfig config =
          PgConfig.builder()
              .environment(Map.of())
              .dsn(
                  "postgresql://postgres@"
                      + host
                      + ":"
                      + listening.getLocalPort()
                      + "/x?sslmode=require&sslnegotiation=direct"
                      + parameter)
              .build();
      // It is no PostgreSQL, and does not say that it is one.
      assertThatThrownBy(() -> PgConnection.connect(config).await())
          .isInstanceOf(PgConnectionException.class)
          .hasMessageContaining("ALPN");
      server.join();
      assertThat(names.get())
          .isEqualTo(expected == null ? List.of() : List.of(new SNIHostName(expected)));
    }
  }

  @Test
  void aCancelTravelsEncryptedToo() {
    try (TestServer.Hba only =
        server.withHba("hostssl all all all trust", "host all all all reject")) {
      PgConnection connection =
          PgConnection.connect(to("localhost", "sslmode=require").build()).await();
      PgFuture<CommandTag> sleeping = connection.execute("SELECT pg_sleep(600)");
      PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 1");
      sleeping.cancel(true);
      assertThatThrownBy(sleeping::await).isInstanceOf(CancellationException.class);
      assertThat(behind.await()).isEqualTo(1);
      connection.close();
      connection.closed().await();
      assertThat(only).isNotNull();
    }
  }

  @Test
  void muchDataComesThroughUnharmed() {
    PgConnection connection =
        PgConnection.connect(to("localhost", "sslmode=require").build()).await();
    String text = "x".repeat(3_000_000);
    assertThat(connection.fetchValue(String.class, "SELECT $1", text).await()).isEqualTo(text);
    Rows rows = connection.fetch("SELECT repeat('y', 1000) FROM generate_series(1, 5000)").await();
    assertThat(rows).hasSize(5000);
    connection.close();
    connection.closed().await();
  }

  @ParameterizedTest
  @EnumSource(ChannelBinding.class)
  void scramIsBoundToTheChannelUnlessThatIsSwitchedOff(ChannelBinding binding) {
    PgConfig config =
        to("localhost", "sslmode=require&channel_binding=" + binding)
            .user(TestServer.SCRAM_USER)
            .password(TestServer.USERS_PASSWORD)
            .build();
    PgConnection connection = PgConnection.connect(config).await();
    assertThat(connection.fetchValue(String.class, "SELECT current_user::text").await())
        .isEqualTo(TestServer.SCRAM_USER);
    connection.close();
    connection.closed().await();
  }

  @ParameterizedTest
  @CsvSource({"md5_user, md5", "cleartext_user, password"})
  void noOtherAuthenticationIsBoundToTheChannel(String user, String method) {
    PgConfig.Builder config =
        to("localhost", "sslmode=require&channel_binding=require")
            .user(user)
            .password(TestServer.USERS_PASSWORD);
    isRefused(config, "authentication by " + method, "channel_binding=require");
    isRefused(
        to("localhost", "sslmode=require&channel_binding=require"), "without channel binding");
  }

  @Test
  void aConnectTimeoutHoldsDuringTheHandshake() {
    try (var silent = new java.net.ServerSocket(0)) {
      PgConfig config =
          PgConfig.builder()
              .dsn(
                  "postgresql://postgres@localhost:"
                      + silent.getLocalPort()
                      + "/x?sslmode=require&sslnegotiation=direct")
              .connectTimeout(Duration.ofMillis(300))
              .build();
      assertThatThrownBy(() -> PgConnection.connect(config).await())
          .isInstanceOf(PgConnectionException.class)
          .hasMessageContaining("within the connect timeout");
    } catch (IOException e) {
      throw new AssertionError(Objects.toString(e.getMessage()), e);
    }
  }

  private static SSLContext trusting(Certificates whom) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("root", whom.root());
    TrustManagerFactory managers = TrustManagerFactory.getInstance("PKIX");
    managers.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    return context;
  }

  @Test
  void anApplicationMayBringItsOwnSslContext() throws Exception {
    assertThat(version(to("localhost", "sslmode=verify-full").sslContext(trusting(authority))))
        .isEqualTo("TLSv1.3");
    assertThat(
            version(
                to("localhost", "sslmode=require&ssl_max_protocol_version=TLSv1.2")
                    .sslContext(trusting(authority))))
        .isEqualTo("TLSv1.2");
    isRefused(
        to("localhost", "sslmode=require").sslContext(trusting(stranger)),
        "the SSLContext that the application has given");
    isRefused(
        to("127.0.0.1", "sslmode=verify-full").sslContext(trusting(authority)),
        "not made out to 127.0.0.1");
  }

  SslContextBuilder nettys() {
    return SslContextBuilder.forClient().sslProvider(SslProvider.JDK);
  }

  @Test
  void anApplicationMayBringNettysSslContext() throws Exception {
    SslContext context = nettys().trustManager(authority.root()).build();
    var loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    try {
      PgConnection connection =
          NettyConnections.connect(
                  to("localhost", "sslmode=verify-full&sslnegotiation=direct").build(),
                  loops,
                  context)
              .await();
      assertThat(
              connection
                  .fetchValue(
                      Boolean.class, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
                  .await())
          .isTrue();
      connection.close();
      connection.closed().await();
      PgConfig byAddress = to("127.0.0.1", "sslmode=verify-full").build();
      assertThatThrownBy(() -> NettyConnections.connect(byAddress, loops, context).await())
          .isInstanceOf(PgConnectionException.class)
          .hasMessageContaining("not made out to 127.0.0.1");
    } finally {
      loops.shutdownGracefully().sync();
    }
  }

  @SuppressWarnings("deprecation") // of Netty's, to be overridden all the same
  private static SslContext makingNoEngine(SslContext working) {
    return new SslContext() {
      @Override
      public SSLEngine newEngine(ByteBufAllocator allocator) {
        throw new NoClassDefFoundError("some/Provider");
      }

      @Override
      public SSLEngine newEngine(ByteBufAllocator allocator, String host, int port) {
        return newEngine(allocator);
      }

      @Override
      public boolean isClient() {
        return true;
      }

      @Override
      public List<String> cipherSuites() {
        return working.cipherSuites();
      }

      @Override
      public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
        return working.applicationProtocolNegotiator();
      }

      @Override
      public SSLSessionContext sessionContext() {
        return working.sessionContext();
      }
    };
  }

  @Test
  void aContextThatMakesNoEngineFailsTheAttemptAtOnce() throws Exception {
    SslContext working = nettys().trustManager(authority.root()).build();
    SslContext broken = makingNoEngine(working);
    var loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    try {
      for (String way : List.of("direct", "postgres")) {
        PgConfig config = to("localhost", "sslmode=require&sslnegotiation=" + way).build();
        assertThatThrownBy(
                () -> NettyConnections.connect(config, loops, broken).get(20, TimeUnit.SECONDS))
            .as(way)
            .cause()
            .isInstanceOf(PgConnectionException.class)
            .hasCauseInstanceOf(NoClassDefFoundError.class);
      }
    } finally {
      loops.shutdownGracefully().sync();
    }
  }

  /** What libpq's manual says, "SSL Mode Descriptions": for each kind of server, mode by mode. */
  @ParameterizedTest
  @CsvSource({
    "ssl = off,       plain,   plain, plain,   refused, refused, refused",
    "ssl = on,        plain,   plain, tls,     tls,     tls,     tls",
    "hostssl only,    refused, tls,   tls,     tls,     tls,     tls",
    "hostnossl only,  plain,   plain, plain,   refused, refused, refused",
    "certificate,     refused, tls,   tls,     tls,     tls,     tls",
    "no certificate,  refused, refused, refused, refused, refused, refused"
  })
  void theMatrixOfServersAndModesIsLibpqs(
      String kind,
      String disable,
      String allow,
      String prefer,
      String require,
      String verifyCa,
      String verifyFull) {
    Path certificate = authority.write("matrix.crt", client.certificate());
    Path key = authority.write("matrix.key", client.key());
    String more = kind.equals("certificate") ? "&sslcert=" + certificate + "&sslkey=" + key : "";
    String[] expected = {disable, allow, prefer, require, verifyCa, verifyFull};
    String[] lines =
        switch (kind) {
          case "hostssl only" ->
              new String[] {"hostssl all all all trust", "host all all all reject"};
          case "hostnossl only" ->
              new String[] {"hostnossl all all all trust", "host all all all reject"};
          case "certificate", "no certificate" ->
              new String[] {"hostssl all all all cert", "host all all all reject"};
          default -> new String[] {"host all all all trust"};
        };
    boolean off = kind.equals("ssl = off");
    if (off) {
      server.set("ssl", "off");
    }
    try (TestServer.Hba only = server.withHba(lines)) {
      assertThat(only).isNotNull();
      SslMode[] modes = SslMode.values();
      for (int i = 0; i < modes.length; i++) {
        SslMode mode = modes[i];
        String parameters = "sslmode=" + mode + "&sslrootcert=ROOT" + more;
        // With a root certificate require means verify-ca, which these servers pass.
        assertThat(outcome(parameters)).as("%s", mode).isEqualTo(expected[i]);
        boolean weak = mode.compareTo(SslMode.REQUIRE) < 0;
        String direct = parameters + "&sslnegotiation=direct";
        if (weak) {
          assertThatThrownBy(() -> to("localhost", direct).build())
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("sslmode");
        } else if (server.majorVersion() >= 17) {
          assertThat(outcome(direct)).as("direct, %s", mode).isEqualTo(expected[i]);
        }
      }
    } finally {
      if (off) {
        server.set("ssl", "on");
      }
    }
  }

  private static String outcome(String parameters) {
    try {
      return version(parameters) == null ? "plain" : "tls";
    } catch (PgException refused) {
      return "refused";
    }
  }

  @Test
  void anExpiredCertificateIsRefused() {
    Certificates.Issued old = authority.issue("localhost", "EC", -2, "localhost");
    servingWith(
        old,
        () -> {
          isRefused(
              to("localhost", "sslmode=verify-ca&sslrootcert=ROOT"), "has expired", "renew it");
          assertThat(version("sslmode=require")).isNotNull();
        });
  }

  @Test
  void aServersCertificateInTheFileOfAuthoritiesHasToBeValidAllTheSame() {
    Certificates.Issued pinned = authority.issue("localhost", "EC", 1, "localhost");
    Certificates.Issued old = authority.issue("localhost", "EC", -2, "localhost");
    String verified = "sslmode=verify-full&sslrootcert=";
    servingWith(
        pinned,
        () -> {
          Path file = authority.write("pinned.crt", pinned.certificate());
          Path revoked = authority.write("pinned.crl", authority.revoke(pinned.certificate()));
          Path others = stranger.write("not-pinned.crl", stranger.revoke());
          Path nothing = authority.write("nothing-pinned.crl", authority.revoke());
          assertThat(version(verified + file)).isNotNull();
          assertThat(version(verified + file + "&sslcrl=" + nothing)).isNotNull();
          isRefused(to("localhost", verified + file + "&sslcrl=" + revoked), "has been revoked");
          isRefused(to("localhost", verified + file + "&sslcrl=" + others), "no revocation list");
        });
    servingWith(
        old,
        () -> {
          Path file = authority.write("old.crt", old.certificate());
          isRefused(to("localhost", verified + file), "has expired", "renew it");
        });
  }

  @Test
  void anAuthorityThatHasExpiredVouchesForNobody() throws IOException {
    Certificates past = new Certificates(directory, "past", -2);
    Path file = past.write("past.crt", past.root());
    servingWith(
        past.issue("localhost", "EC", 1, "localhost"),
        () -> {
          for (String mode : List.of("require", "verify-ca", "verify-full")) {
            isRefused(
                to("localhost", "sslmode=" + mode + "&sslrootcert=" + file),
                "not signed by any authority in " + file + " (1 of them out of date)");
          }
          assertThat(version("sslmode=prefer&sslrootcert=" + file)).isNull();
        });
    Path both = directory.resolve("both.crt");
    Files.writeString(both, Files.readString(file) + Files.readString(root));
    assertThat(version("sslmode=verify-full&sslrootcert=" + both)).isNotNull();
  }

  private static void servingWith(Certificates.Issued other, Runnable test) {
    server.set("ssl_cert_file", authority.write("other.crt", other.certificate()).toString());
    server.set("ssl_key_file", authority.write("other.key", other.key()).toString());
    server.reload();
    try {
      test.run();
    } finally {
      server.unset("ssl_cert_file");
      server.unset("ssl_key_file");
    }
  }

  private static String scramUser(String channelBinding) {
    PgConfig config =
        to("localhost", "sslmode=require&channel_binding=" + channelBinding)
            .user(TestServer.SCRAM_USER)
            .password(TestServer.USERS_PASSWORD)
            .build();
    PgConnection connection = PgConnection.connect(config).await();
    try {
      return connection.fetchValue(String.class, "SELECT current_user::text").await();
    } finally {
      connection.close();
      connection.closed().await();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "EC, SHA256withECDSA",
    "EC, SHA384withECDSA",
    "RSA, SHA512withRSA",
    "RSA, SHA256withRSAandMGF1"
  })
  void everyCertificateWithAHashOfItsOwnBindsTheChannel(String algorithm, String signature) {
    servingWith(
        Certificates.selfSigned("localhost", Certificates.keys(algorithm), signature),
        () -> assertThat(scramUser("require")).isEqualTo(TestServer.SCRAM_USER));
  }

  @Test
  void aCertificateOfEd25519IsRefusedWhereBindingIsRequiredAndDoneWithoutElsewhere() {
    servingWith(
        Certificates.selfSigned("localhost", Certificates.keys("Ed25519"), "Ed25519"),
        () -> {
          assertThat(scramUser("prefer")).isEqualTo(TestServer.SCRAM_USER);
          assertThatThrownBy(() -> scramUser("require"))
              .isInstanceOf(PgConnectionException.class)
              .hasMessageContainingAll("Ed25519", "channel_binding=prefer");
        });
  }

  /** Nothing was sent then that could stop another statement. */
  @Test
  void aCancelThatCannotBeSentDoesNotCostTheConnectionWhoseStatementHasEnded() throws Exception {
    try (ServerSocket first = new ServerSocket(0)) {
      PgFuture<PgConnection> opening =
          PgConnection.connect(
              to("localhost", "sslmode=require")
                  .port(first.getLocalPort())
                  .cancelTimeout(Duration.ofSeconds(2))
                  .build());
      try (Socket client = first.accept();
          Socket backend = new Socket("localhost", server.port())) {
        // Whoever comes later is let in by the kernel, and not answered.
        passOn(client, backend);
        passOn(backend, client);
        PgConnection connection = opening.get(20, TimeUnit.SECONDS);
        CountDownLatch running = new CountDownLatch(1);
        connection.addNoticeListener(notice -> running.countDown());
        PgFuture<CommandTag> sleeping =
            connection.execute("DO $$ BEGIN RAISE NOTICE ''; PERFORM pg_sleep(0.3); END $$");
        assertThat(running.await(20, TimeUnit.SECONDS)).isTrue();
        sleeping.cancel(true);
        assertThat(connection.fetchValue(Integer.class, "SELECT 1").get(20, TimeUnit.SECONDS))
            .isEqualTo(1);
        connection.close();
        connection.closed().await();
      }
    }
  }

  private static void passOn(Socket from, Socket to) {
    Thread thread =
        new Thread(
            () -> {
              try {
                from.getInputStream().transferTo(to.getOutputStream());
                to.shutdownOutput();
              } catch (IOException over) {
                // The other side has ended it.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }
}
