package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.testkit.Backend;
import io.asyncpg.testkit.Kdc;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import io.asyncpg.testkit.TestServer;
import java.nio.file.Path;
import java.util.Map;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.auth.login.Configuration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

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
    assertThatThrownBy(() -> PgConnection.connect(config).await())
        .isInstanceOf(PgConnectionException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(words).doesNotContain("\n"));
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
        new Configuration() {
          @Override
          public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
            return !name.equals("ours")
                ? null
                : new AppConfigurationEntry[] {
                  new AppConfigurationEntry(
                      "com.sun.security.auth.module.Krb5LoginModule",
                      LoginModuleControlFlag.REQUIRED,
                      Map.of(
                          "useKeyTab",
                          "true",
                          "keyTab",
                          kdc.userKeytab().toString(),
                          "principal",
                          Kdc.USER + "@" + Kdc.REALM,
                          "doNotPrompt",
                          "true"))
                };
          }
        });
    try {
      PgConfig.Builder withoutTickets = alice().environment(Map.of());
      letsIn(withoutTickets.gssLogin("ours").build());
      refused(withoutTickets.gssLogin("theirs").build(), "\"theirs\"", "gssLogin");
    } finally {
      Configuration.setConfiguration(before);
    }
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
      refused(alice().build(), "no KDC answers", "krb5.conf");
    } finally {
      kdc.startAgain();
    }
    letsIn(alice().build());
  }

  private static PgConfig to(ScriptedServer scripted) {
    return alice()
        .dsn(
            "host=localhost hostaddr=127.0.0.1 sslmode=disable dbname=postgres user="
                + Kdc.USER
                + " port="
                + scripted.port())
        .build();
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
