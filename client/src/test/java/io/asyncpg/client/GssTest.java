package io.asyncpg.client;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.session.Connector;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.testkit.Backend;
import io.asyncpg.testkit.Kdc;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import io.asyncpg.testkit.TestServer;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivilegedExceptionAction;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSManager;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a real KDC, and a real server that takes its tickets. */
class GssTest {
  private static final int GSS = 7;
  private static final int GSS_CONTINUE = 8;
  private static final int SSPI = 9;
  private static final String KRB5_CONF = "java.security.krb5.conf";

  private static Kdc kdc;
  private static TestServer server;
  private static TestServer.Hba hba;
  private static Path tickets;
  private static String formerKrb5Conf;

  @BeforeAll
  static void start() {
    kdc = Kdc.start();
    formerKrb5Conf = System.getProperty(KRB5_CONF);
    System.setProperty(KRB5_CONF, kdc.configuration().toString());
    server = kdc.server();
    server.sql("CREATE ROLE " + Kdc.USER + " LOGIN");
    hba =
        server.withHba("host all " + Kdc.USER + " all gss include_realm=0 krb_realm=" + Kdc.REALM);
    tickets = kdc.kinit("-f");
  }

  @AfterAll
  static void end() {
    if (hba != null) {
      hba.close();
    }
    if (server != null) {
      server.close();
    }
    if (kdc != null) {
      kdc.close();
      if (formerKrb5Conf == null) {
        System.clearProperty(KRB5_CONF);
      } else {
        System.setProperty(KRB5_CONF, formerKrb5Conf);
      }
    }
  }

  /** Alice, with her tickets. */
  private static PgConfig.Builder alice() {
    return withTickets("FILE:" + tickets)
        .dsn("postgresql://" + Kdc.USER + "@localhost:" + server.port() + "/postgres");
  }

  private static PgConfig.Builder withTickets(String cache) {
    return PgConfig.builder().environment(Map.of("KRB5CCNAME", cache));
  }

  private static void letsIn(PgConfig config) {
    PgConnection connection = PgConnection.connect(config).await();
    Row who =
        connection
            .fetchRow(
                "SELECT current_user::text, gss_authenticated, principal FROM pg_stat_gssapi"
                    + " WHERE pid = pg_backend_pid()")
            .await()
            .orElseThrow();
    assertThat(who.getString(0)).isEqualTo(Kdc.USER);
    assertThat(who.getBoolean(1)).isTrue();
    assertThat(who.getString(2)).isEqualTo(Kdc.USER + "@" + Kdc.REALM);
    connection.close();
    connection.closed().await();
  }

  private static void refused(PgConfig config, String... words) {
    refused(config, true, words);
  }

  /** Whether waiting does not help, as the pool wants to know. */
  private static void refused(PgConfig config, boolean forGood, String... words) {
    PgFuture<PgConnection> attempt = PgConnection.connect(config);
    assertThatThrownBy(attempt::await)
        .isInstanceOf(PgConnectionException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(words).doesNotContain("\n"));
    assertThat(Connector.isFailedForGood(attempt)).isEqualTo(forGood);
  }

  @Test
  void theTicketsThatKinitLeftLetUsIn() {
    letsIn(alice().build());
    letsIn(alice().environment(Map.of("KRB5CCNAME", tickets.toString())).build());
  }

  @Test
  void theServersAddressMayBeGivenBesideItsName() {
    letsIn(
        alice()
            .dsn(
                "host=localhost hostaddr=127.0.0.1 dbname=postgres user="
                    + Kdc.USER
                    + " port="
                    + server.port())
            .build());
  }

  @Test
  void delegationIsAskedForWhereItIsWanted() {
    letsIn(alice().gssDelegation(true).build());
  }

  @Test
  void theServerGetsOurCredentialsOnlyWhereItIsMeantTo() throws Exception {
    assertThat(isGivenOurCredentials(alice().gssDelegation(true))).isTrue();
    assertThat(isGivenOurCredentials(alice())).isFalse();
  }

  /** Looks into the token as the server does, with the server's key. */
  private static boolean isGivenOurCredentials(PgConfig.Builder config) throws Exception {
    CompletableFuture<byte[]> token = new CompletableFuture<>();
    try (ScriptedServer scripted = ScriptedServer.start()) {
      scripted
          .connection()
          .expectStartup(startup -> {})
          .send(Backend.authentication(GSS))
          .expect("p", response -> token.complete(response.body()))
          .cutWithFin();
      PgConfig there = config.dsn(dsnOf(scripted)).build();
      assertThatThrownBy(() -> PgConnection.connect(there).await())
          .isInstanceOf(PgConnectionException.class);
    }
    Subject server = new Subject();
    LoginContext login =
        new LoginContext(
            "server",
            server,
            null,
            oneEntry(
                Map.of(
                    "useKeyTab",
                    "true",
                    "keyTab",
                    kdc.serverKeytab().toString(),
                    "principal",
                    Kdc.SERVICE + "/localhost@" + Kdc.REALM,
                    "storeKey",
                    "true",
                    "isInitiator",
                    "false",
                    "doNotPrompt",
                    "true")));
    login.login();
    return accepted(server, token.get());
  }

  @SuppressWarnings({"removal", "deprecation"}) // the one way there is in every JDK from 17 on
  private static boolean accepted(Subject server, byte[] token) throws Exception {
    return Subject.doAs(
        server,
        (PrivilegedExceptionAction<Boolean>)
            () -> {
              GSSContext context = GSSManager.getInstance().createContext((GSSCredential) null);
              context.acceptSecContext(token, 0, token.length);
              boolean given = context.getCredDelegState();
              if (given) {
                assertThat(context.getDelegCred().getName())
                    .hasToString(Kdc.USER + "@" + Kdc.REALM);
              }
              context.dispose();
              return given;
            });
  }

  @Test
  void aTicketThatHasExpiredIsToldOf() {
    Path shortLived = kdc.kinitInto("short-lived", "-l", "2s");
    PgConfig config = alice().environment(Map.of("KRB5CCNAME", "FILE:" + shortLived)).build();
    assertThat(Files.exists(shortLived)).isTrue();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      try {
        letsIn(config); // as long as it is good
      } catch (PgConnectionException expired) {
        assertThat(expired).hasMessageContainingAll("Kerberos", "run kinit");
        return;
      }
      assertThat(System.nanoTime()).isLessThan(deadline);
    }
  }

  @Test
  void aClockThatIsWrongIsToldOf() throws Exception {
    Path fresh = kdc.kinitInto("fresh");
    kdc.stop();
    try (ServerSocket wrongClock =
        new ServerSocket(kdc.port(), 50, InetAddress.getLoopbackAddress())) {
      Thread answers = new Thread(() -> answerThatClocksDiffer(wrongClock));
      answers.start();
      refused(
          alice().environment(Map.of("KRB5CCNAME", "FILE:" + fresh)).build(),
          "clock",
          "set them right");
      wrongClock.close();
      answers.join();
    } finally {
      kdc.startAgain();
    }
  }

  /** KRB_AP_ERR_SKEW (RFC 4120, sections 5.9.1 and 7.2.2), whatever is asked. */
  private static void answerThatClocksDiffer(ServerSocket kdc) {
    byte[] name =
        der(
            0x30,
            der(0xa0, der(0x02, (byte) 2)),
            der(
                0xa1,
                der(
                    0x30,
                    der(0x1b, "krbtgt".getBytes(US_ASCII)),
                    der(0x1b, Kdc.REALM.getBytes(US_ASCII)))));
    byte[] error =
        der(
            0x7e,
            der(
                0x30,
                der(0xa0, der(0x02, (byte) 5)),
                der(0xa1, der(0x02, (byte) 30)),
                der(0xa4, der(0x18, "20200101000000Z".getBytes(US_ASCII))),
                der(0xa5, der(0x02, (byte) 0)),
                der(0xa6, der(0x02, (byte) 37)),
                der(0xa9, der(0x1b, Kdc.REALM.getBytes(US_ASCII))),
                der(0xaa, name)));
    while (true) {
      try (Socket asked = kdc.accept();
          DataInputStream in = new DataInputStream(asked.getInputStream());
          DataOutputStream out = new DataOutputStream(asked.getOutputStream())) {
        in.readFully(new byte[in.readInt()]);
        out.writeInt(error.length);
        out.write(error);
      } catch (IOException closed) {
        return;
      }
    }
  }

  /** One value of fewer than 128 bytes. */
  private static byte[] der(int tag, byte[]... parts) {
    byte[] content = Backend.concat(parts);
    assertThat(content).hasSizeLessThan(128);
    byte[] value = new byte[content.length + 2];
    value[0] = (byte) tag;
    value[1] = (byte) content.length;
    System.arraycopy(content, 0, value, 2, content.length);
    return value;
  }

  private static byte[] der(int tag, byte content) {
    return der(tag, new byte[] {content});
  }

  @Test
  void overAUnixSocketThereIsNoHostToProve(@TempDir Path directory) throws Exception {
    Path socket = directory.resolve(".s.PGSQL.5432");
    try (ServerSocketChannel scripted = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      scripted.bind(UnixDomainSocketAddress.of(socket));
      Thread asks =
          new Thread(
              () -> {
                try (SocketChannel client = scripted.accept()) {
                  client.write(ByteBuffer.wrap(Backend.authentication(GSS)));
                  ByteBuffer rest = ByteBuffer.allocate(1000);
                  while (client.read(rest) >= 0) {
                    rest.clear();
                  }
                } catch (IOException closed) {
                  // It has been left, as it should be.
                }
              });
      asks.start();
      refused(
          alice().dsn("host=" + directory + " port=5432 dbname=postgres user=" + Kdc.USER).build(),
          "GSSAPI over a Unix socket",
          "connect over TCP");
      asks.join();
    }
  }

  @Test
  void requireAuthTakesGssForWhatItIs() {
    letsIn(alice().requireAuth(AuthMethod.GSS).build());
    refused(
        alice().requireAuth(AuthMethod.SCRAM_SHA_256).build(),
        "authentication by gss",
        "[scram-sha-256]",
        "require_auth");
  }

  @Test
  void channelBindingCannotBeHad() {
    refused(alice().channelBinding(ChannelBinding.REQUIRE).build(), "gss", "no channel binding");
  }

  @Test
  void aJaasEntryWithAKeytabLetsUsIn() {
    Configuration before = null;
    try {
      before = Configuration.getConfiguration();
    } catch (SecurityException e) {
      assertThat(e).hasMessageContaining("login"); // there is no file, which is the usual
    }
    Configuration.setConfiguration(
        oneEntry(
            Map.of(
                "useKeyTab",
                "true",
                "keyTab",
                kdc.userKeytab().toString(),
                "principal",
                Kdc.USER + "@" + Kdc.REALM,
                "doNotPrompt",
                "true")));
    try {
      PgConfig.Builder withoutTickets = alice().environment(Map.of());
      letsIn(withoutTickets.gssLogin("ours").build());
      refused(withoutTickets.gssLogin("theirs").build(), "\"theirs\"", "gssLogin");
    } finally {
      Configuration.setConfiguration(before);
    }
  }

  /** A JAAS file with the entries "ours" and "server". */
  private static Configuration oneEntry(Map<String, String> options) {
    return new Configuration() {
      @Override
      public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
        return !Set.of("ours", "server").contains(name)
            ? null
            : new AppConfigurationEntry[] {
              new AppConfigurationEntry(
                  "com.sun.security.auth.module.Krb5LoginModule",
                  LoginModuleControlFlag.REQUIRED,
                  options)
            };
      }
    };
  }

  @Test
  void withoutATicketTheErrorNamesKinit() {
    refused(
        alice().environment(Map.of("KRB5CCNAME", tickets + ".none")).build(),
        "no Kerberos ticket",
        ".none",
        "run kinit");
    refused(
        alice().environment(Map.of("KRB5CCNAME", "KCM:0")).build(),
        "KRB5CCNAME is KCM:0",
        "kinit -c FILE:");
  }

  @Test
  void aServiceThatTheKdcDoesNotKnowIsNamed() {
    refused(alice().krbSrvName("mysql").build(), "mysql@localhost", "krbsrvname");
    refused(
        alice()
            .dsn(
                "host=localhost krbsrvname=oracle dbname=postgres user="
                    + Kdc.USER
                    + " port="
                    + server.port())
            .build(),
        "oracle@localhost");
  }

  @Test
  void aKdcThatDoesNotAnswerIsToldApart() {
    kdc.stop();
    try {
      refused(alice().build(), false, "no KDC answers", "krb5.conf");
    } finally {
      kdc.startAgain();
    }
    letsIn(alice().build());
  }

  private static PgConfig to(ScriptedServer scripted) {
    return alice().dsn(dsnOf(scripted)).build();
  }

  private static String dsnOf(ScriptedServer scripted) {
    return "host=localhost hostaddr=127.0.0.1 sslmode=disable dbname=postgres user="
        + Kdc.USER
        + " port="
        + scripted.port();
  }

  @Test
  void aServerThatProvesNothingIsLeft() {
    try (ScriptedServer scripted = ScriptedServer.start()) {
      Script script =
          scripted
              .connection()
              .expectStartup(startup -> {})
              .send(Backend.authentication(GSS))
              .expect("p")
              .send(Backend.authenticationOk(), Backend.readyForQuery('I'))
              .expectEnd();
      assertThatThrownBy(() -> PgConnection.connect(to(scripted)).await())
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("before the server has proved itself");
      script.await();
    }
  }

  @Test
  void aServerThatCannotReadTheTicketIsLeft() {
    try (ScriptedServer scripted = ScriptedServer.start()) {
      Script script =
          scripted
              .connection()
              .expectStartup(startup -> {})
              .send(Backend.authentication(GSS))
              .expect("p")
              .send(Backend.authentication(GSS_CONTINUE, (byte) 1, (byte) 2, (byte) 3))
              .expectEnd();
      refused(to(scripted), "could not prove", "postgres@localhost");
      script.await();
    }
  }

  @Test
  void aTokenThatNobodyAskedForIsRefused() {
    try (ScriptedServer scripted = ScriptedServer.start()) {
      scripted
          .connection()
          .expectStartup(startup -> {})
          .send(Backend.authentication(GSS_CONTINUE, (byte) 1))
          .expectEnd();
      assertThatThrownBy(() -> PgConnection.connect(to(scripted)).await())
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("AuthenticationGSSContinue");
    }
  }

  @Test
  void sspiIsRefusedInASentence() {
    try (ScriptedServer scripted = ScriptedServer.start()) {
      scripted
          .connection()
          .expectStartup(startup -> {})
          .send(Backend.authentication(SSPI))
          .expectEnd();
      refused(to(scripted), "SSPI", "pg_hba.conf");
    }
  }
}
