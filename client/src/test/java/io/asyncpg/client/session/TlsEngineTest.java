package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.Certificates;
import io.asyncpg.client.PgConfig;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.util.ReferenceCountUtil;
import java.nio.file.Path;
import java.util.Map;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whose TLS it is. */
class TlsEngineTest {
  private static final String SWITCH = "io.netty.handler.ssl.noOpenSsl";

  @TempDir static Path directory;

  private String before;

  @BeforeEach
  void switchOn() {
    before = System.clearProperty(SWITCH);
  }

  @AfterEach
  void switchBack() {
    if (before != null) {
      System.setProperty(SWITCH, before);
    }
  }

  private static boolean isOpenSsls(String parameters) {
    PgConfig config =
        PgConfig.builder()
            .environment(Map.of())
            .dsn("postgresql://me@db.example/?sslmode=require" + parameters)
            .build();
    SSLEngine engine = Tls.load(config, null).handler(config.hosts().get(0)).engine();
    try {
      return engine instanceof ReferenceCountedOpenSslEngine;
    } finally {
      ReferenceCountUtil.release(engine);
    }
  }

  private static String with(String algorithm) {
    Certificates authority = new Certificates(directory, "authority");
    Certificates.Issued mine = authority.issue("me", algorithm, 1);
    return "&sslcert="
        + authority.write(algorithm + ".crt", mine.certificate())
        + "&sslkey="
        + authority.write(algorithm + ".key", mine.key());
  }

  @Test
  void openSslIsTakenWhereItIsThere() {
    assertThat(isOpenSsls("")).isTrue();
    assertThat(isOpenSsls(with("EC"))).isTrue();
  }

  @Test
  void nettysOwnSwitchKeepsItOut() {
    System.setProperty(SWITCH, "true");
    assertThat(isOpenSsls("")).isFalse();
  }

  @Test
  void whatOpenSslCannotTheJdkDoes() {
    assertThat(isOpenSsls(with("Ed25519"))).isFalse();
    assertThat(isOpenSsls("&sslsni=0")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "Received fatal alert: unknown_ca, unknown_ca",
    "(unknown_ca) Received fatal alert: unknown_ca, unknown_ca",
    "error:10000418:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA, unknown_ca",
    "error:0A000418:SSL routines::tlsv1 alert unknown ca, unknown_ca",
    "error:10000412:SSL routines:OPENSSL_internal:SSLV3_ALERT_BAD_CERTIFICATE, bad_certificate",
    "error:1000045c:SSL routines:OPENSSL_internal:TLSV1_CERTIFICATE_REQUIRED, certificate_required",
    "error:0A00045C:SSL routines::tlsv13 alert certificate required, certificate_required",
    "error:1000042e:SSL routines:OPENSSL_internal:TLSV1_ALERT_PROTOCOL_VERSION, protocol_version",
    "Connection reset by peer,"
  })
  void anAlertIsKnownInTheWordsOfEach(String message, String name) {
    assertThat(Tls.alertName(message)).isEqualTo(name);
  }
}
