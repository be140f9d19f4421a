package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.AuthMethod;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgProxy;
import io.asyncpg.client.TargetSessionAttrs;
import org.junit.jupiter.api.Test;

/** What docs/connecting.md shows, compiled and run; the page has it from here. */
class ConnectingPageTest {
  @Test
  void connectionStrings() {
    PgConfig one = PgConfig.parse("postgresql://app@db1,db2/shop?target_session_attrs=read-write");
    PgConfig same =
        PgConfig.parse("host=db1,db2 dbname=shop user=app target_session_attrs=read-write");
    assertThat(one.hosts()).extracting(PgConfig.Host::name).containsExactly("db1", "db2");
    assertThat(one.targetSessionAttrs()).isEqualTo(TargetSessionAttrs.READ_WRITE);
    assertThat(one).hasToString(same.toString());
  }

  @Test
  void kerberos() {
    // after kinit, on the host's name, not its address: that is what the ticket is made out to
    PgConfig config =
        PgConfig.parse("host=db1.example.com dbname=shop user=alice require_auth=gss");
    assertThat(config.requireAuth()).containsExactly(AuthMethod.GSS);
  }

  @Test
  void aProxy() {
    String secret = "of the proxy";
    PgConfig config =
        PgConfig.parse("postgresql://app@db.internal/shop").toBuilder()
            .proxy(PgProxy.socks5("proxy.example", 1080).as("me", secret))
            .build();
    assertThat(config.proxy()).extracting(PgProxy::port).isEqualTo(1080);
    assertThat(config.toString()).doesNotContain(secret);
  }
}
