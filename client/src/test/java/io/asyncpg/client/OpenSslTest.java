package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** All that is said of TLS, with OpenSSL in place of the JDK's. */
class OpenSslTest extends TlsTest {
  private static final String SWITCH = "io.netty.handler.ssl.noOpenSsl";
  private static String before;

  @BeforeAll
  static void switchOn() {
    before = System.clearProperty(SWITCH);
    assertThat(OpenSsl.unavailabilityCause()).isNull();
  }

  @AfterAll
  static void switchBack() {
    if (before != null) {
      System.setProperty(SWITCH, before);
    }
  }

  @Override
  SslContextBuilder nettys() {
    return SslContextBuilder.forClient()
        .sslProvider(SslProvider.OPENSSL)
        .applicationProtocolConfig(
            new ApplicationProtocolConfig(
                ApplicationProtocolConfig.Protocol.ALPN,
                ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                "postgresql"));
  }
}
