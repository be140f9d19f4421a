package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.InvalidAuthorizationSpecificationException;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.testkit.Backend;
import io.asyncpg.testkit.FrontendMessage;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OAUTHBEARER, as PostgreSQL 18 speaks it (RFC 7628). */
class OauthTest {
  private static final String TOKEN = "eyJhbGciOi.the-token_of~the+moment/42==";

  @TempDir Path directory;

  private ScriptedServer server;
  private SSLContext tls;

  @BeforeEach
  void start() throws Exception {
    server = ScriptedServer.start();
    Certificates authority = new Certificates(directory, "authority");
    Certificates.Issued issued = authority.issue("localhost", "EC", 1, "localhost");
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(
        "server", issued.key(), new char[0], new X509Certificate[] {issued.certificate()});
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, new char[0]);
    tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), null, null);
  }

  @AfterEach
  void stop() {
    server.verify();
    server.close();
  }

  private PgConfig.Builder config(
      Function<OAuthRequest, CompletionStage<String>> supplier, String more) {
    return PgConfig.builder()
        .environment(Map.of())
        .dsn("postgresql://" + server.host() + ":" + server.port() + "/test?" + more)
        .user("ann")
        .oauthToken(supplier);
  }

  private static Function<OAuthRequest, CompletionStage<String>> always(String token) {
    return request -> CompletableFuture.completedFuture(token);
  }

  private Script encrypted() {
    return server.connection().expectSslRequest().send(new byte[] {'S'}).startTls(tls);
  }

  private static String body(FrontendMessage message) {
    return new String(message.body(), StandardCharsets.UTF_8);
  }

  @Test
  void theTokenProvesUsAndItsSupplierIsToldWhatTheConnectionSays() {
    AtomicReference<OAuthRequest> asked = new AtomicReference<>();
    AtomicReference<String> initial = new AtomicReference<>();
    encrypted()
        .expectStartup(message -> {})
        .send(Backend.authenticationSasl("OAUTHBEARER"))
        .expect("p", message -> initial.set(body(message)))
        .send(Backend.authenticationOk(), Backend.readyForQuery('I'))
        .expectTerminate();
    PgConnection connection =
        PgConnection.connect(
                config(
                        request -> {
                          asked.set(request);
                          return CompletableFuture.completedFuture(TOKEN);
                        },
                        "sslmode=require&require_auth=oauth&oauth_issuer=https://issuer.example"
                            + "&oauth_client_id=us&oauth_client_secret=hush&oauth_scope=openid%20db")
                    .build())
            .await();
    connection.close();
    connection.closed().await();
    assertThat(initial.get()).contains("OAUTHBEARER").contains("auth=Bearer " + TOKEN);
    assertThat(asked.get().issuer()).isEqualTo("https://issuer.example");
    assertThat(asked.get().clientId()).isEqualTo("us");
    assertThat(asked.get().clientSecret()).isEqualTo("hush");
    assertThat(asked.get().scope()).isEqualTo("openid db");
    assertThat(asked.get().user()).isEqualTo("ann");
    assertThat(asked.get().toString()).doesNotContain("hush");
  }

  @Test
  void aRefusedTokenSaysWhyAndIsNotShown() {
    encrypted()
        .expectStartup(message -> {})
        .send(Backend.authenticationSasl("OAUTHBEARER"))
        .expect("p")
        .send(Backend.authenticationSaslContinue("{\"status\":\"invalid_token\",\"scope\":\"db\"}"))
        .expect("p", message -> assertThat(body(message)).contains("\u0001"))
        .send(Backend.fatal("28000", "OAuth bearer authentication failed for user \"ann\""))
        .cutWithFin();
    assertThatThrownBy(
            () -> PgConnection.connect(config(always(TOKEN), "sslmode=require").build()).await())
        .isInstanceOf(InvalidAuthorizationSpecificationException.class)
        .hasMessageContaining("OAuth bearer authentication failed")
        .satisfies(
            failure ->
                assertThat(failure.getSuppressed())
                    .anySatisfy(why -> assertThat(why).hasMessageContaining("invalid_token")))
        .satisfies(failure -> assertThat(failure.toString()).doesNotContain(TOKEN));
  }

  @Test
  void aTokenIsNeverSentInTheClear() {
    server
        .connection()
        .expectStartup(message -> {})
        .send(Backend.authenticationSasl("OAUTHBEARER"))
        .expectEnd();
    assertThatThrownBy(
            () -> PgConnection.connect(config(always(TOKEN), "sslmode=disable").build()).await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("not encrypted")
        .hasMessageContaining("sslmode=verify-full");
  }

  @Test
  void whatIsNoTokenIsNotSent() {
    for (String bad : new String[] {"", "two words", "a\u0001host=b", "Bearer x"}) {
      encrypted()
          .expectStartup(message -> {})
          .send(Backend.authenticationSasl("OAUTHBEARER"))
          .expectEnd();
      assertThatThrownBy(
              () -> PgConnection.connect(config(always(bad), "sslmode=require").build()).await())
          .isInstanceOf(PgConnectionException.class)
          .hasMessageContaining("RFC 6750")
          .satisfies(
              failure -> assertThat(bad.isEmpty() || !failure.toString().contains(bad)).isTrue());
    }
  }

  @Test
  void withoutASupplierTheErrorNamesIt() {
    encrypted()
        .expectStartup(message -> {})
        .send(Backend.authenticationSasl("OAUTHBEARER"))
        .expectEnd();
    PgConfig config =
        PgConfig.builder()
            .environment(Map.of())
            .dsn(
                "postgresql://ann@" + server.host() + ":" + server.port() + "/test?sslmode=require")
            .build();
    assertThatThrownBy(() -> PgConnection.connect(config).await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("PgConfig.Builder.oauthToken");
  }

  @Test
  void aSupplierThatFailsIsTheCause() {
    encrypted()
        .expectStartup(message -> {})
        .send(Backend.authenticationSasl("OAUTHBEARER"))
        .expectEnd();
    assertThatThrownBy(
            () ->
                PgConnection.connect(
                        config(
                                request ->
                                    CompletableFuture.failedFuture(
                                        new IllegalStateException("no network")),
                                "sslmode=require")
                            .build())
                    .await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("supplier of the OAuth token failed")
        .hasRootCauseMessage("no network");
  }

  @Test
  void whereOauthIsNotAcceptableItIsRefused() {
    encrypted()
        .expectStartup(message -> {})
        .send(Backend.authenticationSasl("OAUTHBEARER"))
        .expectEnd();
    assertThatThrownBy(
            () ->
                PgConnection.connect(
                        config(always(TOKEN), "sslmode=require&require_auth=scram-sha-256").build())
                    .await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("require_auth");
  }

  @Test
  void aServerThatLetsUsInAfterRefusingTheTokenIsNotBelieved() {
    encrypted()
        .expectStartup(message -> {})
        .send(Backend.authenticationSasl("OAUTHBEARER"))
        .expect("p")
        .send(Backend.authenticationSaslContinue("{\"status\":\"invalid_token\"}"))
        .expect("p")
        .send(Backend.authenticationOk())
        .expectEnd();
    assertThatThrownBy(
            () -> PgConnection.connect(config(always(TOKEN), "sslmode=require").build()).await())
        .isInstanceOf(io.asyncpg.error.PgProtocolException.class)
        .hasMessageContaining("after the token was refused");
  }
}
