package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.PgConfig.Host;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.CodecRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PgConfigTest {
  @TempDir Path home;

  /** A connection string on a machine that says nothing else. */
  private static PgConfig read(String dsn) {
    return PgConfig.builder().environment(Map.of()).dsn(dsn).build();
  }

  private static PgConfig read(String dsn, Map<String, String> environment) {
    return PgConfig.builder().environment(environment).dsn(dsn).build();
  }

  private static @Nullable String password(PgConfig config) throws Exception {
    return config.password(config.hosts().get(0)).toCompletableFuture().get(10, TimeUnit.SECONDS);
  }

  @Test
  void nothingSaidMeansThePublishedDefaults() throws Exception {
    PgConfig config = read("");
    assertThat(config.hosts()).containsExactly(new Host("localhost", 5432));
    assertThat(config.user()).isEqualTo(System.getProperty("user.name"));
    assertThat(config.database()).isEqualTo(config.user());
    assertThat(password(config)).isNull();
    assertThat(config.settings()).isEmpty();
    assertThat(config.connectTimeout()).isEqualTo(Duration.ofMinutes(1));
    assertThat(config.addressTimeout()).isNull();
    assertThat(config.commandTimeout()).isNull();
    assertThat(config.statementCacheSize()).isEqualTo(100);
    assertThat(config.statementCacheLifetime()).isEqualTo(Duration.ofMinutes(5));
    assertThat(config.maxCacheableStatementSize()).isEqualTo(15 * 1024);
    assertThat(config.maxMessageSize()).isEqualTo(1 << 30);
    assertThat(config.scramMaxIterations()).isEqualTo(100_000);
    assertThat(config.captureCallSite()).isFalse();
    assertThat(config.completionExecutor()).isNull();
    assertThat(config.sslMode()).isEqualTo(SslMode.PREFER);
    assertThat(config.sslNegotiation()).isEqualTo(SslNegotiation.POSTGRES);
    assertThat(config.sslMinProtocolVersion()).isEqualTo("TLSv1.2");
    assertThat(config.sslMaxProtocolVersion()).isNull();
    assertThat(config.sslSni()).isTrue();
    assertThat(config.channelBinding()).isEqualTo(ChannelBinding.PREFER);
    assertThat(config.requireAuth()).containsExactly(AuthMethod.values());
    assertThat(config.targetSessionAttrs()).isEqualTo(TargetSessionAttrs.ANY);
    assertThat(config.loadBalanceHosts()).isEqualTo(LoadBalanceHosts.DISABLE);
    assertThat(config.keepalives()).isTrue();
    assertThat(config.minProtocolVersion()).isEqualTo(ProtocolVersion.V3_0);
    assertThat(config.maxProtocolVersion()).isEqualTo(ProtocolVersion.V3_0);
    assertThat(config.tlsDirectory()).isNull();
  }

  @Test
  void aUriSaysItAll() throws Exception {
    PgConfig config =
        read(
            "postgresql://me:s%40crit@db:6432/app?application_name=tool&sslmode=verify-ca"
                + "&options=-c%20geqo%3Doff&connect_timeout=7&target_session_attrs=primary");
    assertThat(config.host()).isEqualTo("db");
    assertThat(config.port()).isEqualTo(6432);
    assertThat(config.user()).isEqualTo("me");
    assertThat(password(config)).isEqualTo("s@crit");
    assertThat(config.database()).isEqualTo("app");
    assertThat(config.applicationName()).isEqualTo("tool");
    assertThat(config.sslMode()).isEqualTo(SslMode.VERIFY_CA);
    assertThat(config.settings())
        .isEqualTo(Map.of("application_name", "tool", "options", "-c geqo=off"));
    assertThat(config.connectTimeout()).isEqualTo(Duration.ofSeconds(7));
    assertThat(config.targetSessionAttrs()).isEqualTo(TargetSessionAttrs.PRIMARY);
  }

  @Test
  void keywordsAndValuesSayItToo() {
    PgConfig config = read("host = db port=6432 user=me dbname='my app' keepalives_idle=30");
    assertThat(config.hosts()).containsExactly(new Host("db", 6432));
    assertThat(config.database()).isEqualTo("my app");
    assertThat(config.keepalivesIdle()).isEqualTo(Duration.ofSeconds(30));
  }

  @Test
  void theBuilderWinsOverTheConnectionStringThatOverTheServiceThatOverTheEnvironment()
      throws IOException {
    Files.writeString(
        home.resolve("services"), "[mine]\nhost=service\nport=3\nuser=service\ndbname=service\n");
    Map<String, String> environment =
        Map.of(
            "PGHOST",
            "env",
            "PGPORT",
            "4",
            "PGUSER",
            "env",
            "PGDATABASE",
            "env",
            "PGAPPNAME",
            "env",
            "PGSERVICE",
            "mine",
            "PGSERVICEFILE",
            home.resolve("services").toString());
    PgConfig config =
        PgConfig.builder().host("builder").dsn("host=dsn port=2").environment(environment).build();
    assertThat(config.host()).isEqualTo("builder");
    assertThat(config.port()).isEqualTo(2);
    assertThat(config.user()).isEqualTo("service");
    assertThat(config.applicationName()).isEqualTo("env");
  }

  @Test
  void everyVariableOfTheEnvironmentIsRead() throws Exception {
    PgConfig config =
        read(
            "",
            Map.ofEntries(
                Map.entry("PGHOST", "a,b"),
                Map.entry("PGHOSTADDR", "10.0.0.1,"),
                Map.entry("PGPORT", "1,2"),
                Map.entry("PGDATABASE", "db"),
                Map.entry("PGUSER", "me"),
                Map.entry("PGPASSWORD", "secret"),
                Map.entry("PGOPTIONS", "-c geqo=off"),
                Map.entry("PGAPPNAME", "tool"),
                Map.entry("PGSSLMODE", "require"),
                Map.entry("PGSSLNEGOTIATION", "direct"),
                Map.entry("PGSSLCERT", "c"),
                Map.entry("PGSSLKEY", "k"),
                Map.entry("PGSSLCERTMODE", "disable"),
                Map.entry("PGSSLROOTCERT", "r"),
                Map.entry("PGSSLCRL", "l"),
                Map.entry("PGSSLCRLDIR", "d"),
                Map.entry("PGSSLSNI", "0"),
                Map.entry("PGSSLCOMPRESSION", "0"),
                Map.entry("PGSSLMINPROTOCOLVERSION", "TLSv1.3"),
                Map.entry("PGSSLMAXPROTOCOLVERSION", "tlsv1.3"),
                Map.entry("PGREQUIREPEER", "postgres"),
                Map.entry("PGREQUIREAUTH", "scram-sha-256"),
                Map.entry("PGCHANNELBINDING", "require"),
                Map.entry("PGMINPROTOCOLVERSION", "3.0"),
                Map.entry("PGMAXPROTOCOLVERSION", "latest"),
                Map.entry("PGGSSENCMODE", "prefer"),
                Map.entry("PGCONNECT_TIMEOUT", "5"),
                Map.entry("PGCLIENTENCODING", "LATIN1"),
                Map.entry("PGTARGETSESSIONATTRS", "prefer-standby"),
                Map.entry("PGLOADBALANCEHOSTS", "random"),
                Map.entry("PGDATESTYLE", "ISO"),
                Map.entry("PGTZ", "UTC"),
                Map.entry("PGGEQO", "off")));
    assertThat(config.hosts())
        .containsExactly(new Host("a", "10.0.0.1", 1), new Host("b", null, 2));
    assertThat(config.database()).isEqualTo("db");
    assertThat(config.user()).isEqualTo("me");
    assertThat(password(config)).isEqualTo("secret");
    assertThat(config.settings())
        .isEqualTo(
            Map.of(
                "options",
                "-c geqo=off",
                "application_name",
                "tool",
                "datestyle",
                "ISO",
                "timezone",
                "UTC",
                "geqo",
                "off"));
    assertThat(config.sslMode()).isEqualTo(SslMode.REQUIRE);
    assertThat(config.sslNegotiation()).isEqualTo(SslNegotiation.DIRECT);
    assertThat(config.sslCert()).isEqualTo(Path.of("c"));
    assertThat(config.sslKey()).isEqualTo(Path.of("k"));
    assertThat(config.sslCertMode()).isEqualTo(SslCertMode.DISABLE);
    assertThat(config.sslRootCert()).isEqualTo(Path.of("r"));
    assertThat(config.sslCrl()).isEqualTo(Path.of("l"));
    assertThat(config.sslCrlDir()).isEqualTo(Path.of("d"));
    assertThat(config.sslSni()).isFalse();
    assertThat(config.sslMinProtocolVersion()).isEqualTo("TLSv1.3");
    assertThat(config.sslMaxProtocolVersion()).isEqualTo("TLSv1.3");
    assertThat(config.requirePeer()).isEqualTo("postgres");
    assertThat(config.requireAuth()).containsExactly(AuthMethod.SCRAM_SHA_256);
    assertThat(config.channelBinding()).isEqualTo(ChannelBinding.REQUIRE);
    assertThat(config.maxProtocolVersion()).isEqualTo(ProtocolVersion.V3_2);
    assertThat(config.addressTimeout()).isEqualTo(Duration.ofSeconds(5));
    assertThat(config.targetSessionAttrs()).isEqualTo(TargetSessionAttrs.PREFER_STANDBY);
    assertThat(config.loadBalanceHosts()).isEqualTo(LoadBalanceHosts.RANDOM);
  }

  @Test
  void anEmptyVariableSaysNothing() {
    assertThat(read("", Map.of("PGHOST", "", "PGSSLMODE", "", "PGPORT", "")).hosts())
        .containsExactly(new Host("localhost", 5432));
  }

  @Test
  void theAncientVariableForTlsStillCounts() {
    assertThat(read("", Map.of("PGREQUIRESSL", "1")).sslMode()).isEqualTo(SslMode.REQUIRE);
    assertThat(read("", Map.of("PGREQUIRESSL", "1", "PGSSLMODE", "allow")).sslMode())
        .isEqualTo(SslMode.ALLOW);
  }

  @Test
  void hostsAndPortsGoTogetherInOrder() {
    assertThat(read("postgresql://a:1,b:2,[::1]/d").hosts())
        .containsExactly(new Host("a", 1), new Host("b", 2), new Host("::1", 5432));
    assertThat(read("host=a,b port=7").hosts()).containsExactly(new Host("a", 7), new Host("b", 7));
    assertThat(read("host=a,,c port=1,,").hosts())
        .containsExactly(new Host("a", 1), new Host("localhost", 5432), new Host("c", 5432));
    assertThat(read("hostaddr=10.0.0.1,10.0.0.2").hosts())
        .containsExactly(
            new Host("10.0.0.1", "10.0.0.1", 5432), new Host("10.0.0.2", "10.0.0.2", 5432));
    assertThat(read("host=/run/pg").hosts().get(0).isUnixSocket()).isTrue();
    assertThat(read("postgresql://%40abstract/d").hosts().get(0).isUnixSocket()).isTrue();
    assertThat(read("host=db").hosts().get(0).isUnixSocket()).isFalse();
    assertThat(read("host=fe80::1%eth0"))
        .hasToString(read("postgresql://[fe80::1%25eth0]").toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          host=a,b port=1,2,3 | port in the connection string: 3 ports do not match 2 hosts; give one for all or one for each
          host=a,b hostaddr=1.1.1.1 | hostaddr in the connection string: 1 addresses do not match 2 hosts; give one for each, left empty where the name is to be looked up
          port=0 | port in the connection string: a number from 1 to 65535 is wanted, not 0
          port=65536 | port in the connection string: a number from 1 to 65535 is wanted, not 65536
          sslmode=verify | sslmode in the connection string: one of disable, allow, prefer, require, verify-ca, verify-full is wanted, not "verify"
          sslmode= | sslmode in the connection string: one of disable, allow, prefer, require, verify-ca, verify-full is wanted, not ""
          connect_timeout=soon | connect_timeout in the connection string: a whole number is wanted, not "soon"
          target_session_attrs=master | target_session_attrs in the connection string: one of any, read-write, read-only, primary, standby, prefer-standby is wanted, not "master"
          sslrootcert=system sslmode=require | sslmode in the connection string: "require" is too weak for sslrootcert=system; make it verify-full
          sslnegotiation=direct | sslmode: "prefer" is too weak for sslnegotiation=direct; make it require, verify-ca or verify-full
          client_encoding=LATIN1 | client_encoding: this client speaks UTF8 only, not "LATIN1"; leave it out, the server converts
          require_auth=md5,!none | require_auth in the connection string: "md5,!none" mixes methods with and without a !; use one
          require_auth=md5,md5 | require_auth in the connection string: "md5" is there twice; name it once
          require_auth=kerberos | require_auth in the connection string: "kerberos" is no method; there are [password, md5, gss, sspi, scram-sha-256, oauth, none]
          gssencmode=nonsense | gssencmode in the connection string: one of disable, prefer, require is wanted, not "nonsense"
          keepalives_idle=32768 | keepalives_idle in the connection string: operating systems take up to 32767, not 32768; 0 is their own default
          keepalives_interval=40000 | keepalives_interval in the connection string: operating systems take up to 32767, not 40000; 0 is their own default
          keepalives_count=128 | keepalives_count in the connection string: operating systems take up to 127, not 128; 0 is their own default
          gssencmode=require | gssencmode in the connection string: encryption by GSSAPI is not something this client does; use sslmode=require
          min_protocol_version=3.2 max_protocol_version=3.0 | max_protocol_version in the connection string: "3.0" is below min_protocol_version "3.2"; raise it
          max_protocol_version=3.1 | max_protocol_version in the connection string: one of 3.0, 3.2 is wanted, not "3.1"
          ssl_min_protocol_version=SSLv3 | ssl_min_protocol_version in the connection string: TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3 is wanted, not "SSLv3"
          ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2 | ssl_max_protocol_version in the connection string: TLSv1.2 is below ssl_min_protocol_version TLSv1.3; raise it
          scram_client_key=abcd | scram_client_key in the connection string: 32 bytes in base64 are wanted; these are 3
          scram_server_key=? | scram_server_key in the connection string: 32 bytes in base64 are wanted; this is not base64
          service=none | service in the connection string: no service file defines "none"; name one with servicefile or PGSERVICEFILE
          servicefile=none service=x | servicefile in the connection string: there is no service file "none"
          """)
  void aValueThatMakesNoSenseIsNamedWithItsPlaceAndARemedy(String dsn, String complaint) {
    assertThatThrownBy(() -> read(dsn))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(complaint);
  }

  @Test
  void aWrongVariableIsNamed() {
    assertThatThrownBy(() -> read("", Map.of("PGSSLMODE", "on")))
        .hasMessageStartingWith("sslmode from the environment's PGSSLMODE: one of disable, ");
  }

  @Test
  void keywordsThatDoNotConcernUsAreAcceptedAndDoNothing() {
    PgConfig config =
        read(
            "sslcompression=1 gsslib=gssapi gssencmode=prefer"
                + " sslkeylogfile=/nowhere/keys oauth_issuer=x");
    assertThat(config.settings()).isEmpty();
    assertThat(Path.of("/nowhere/keys")).doesNotExist();
  }

  @Test
  void theSystemsRootCertificatesMeanFullVerification() {
    PgConfig config = read("sslrootcert=system");
    assertThat(config.sslMode()).isEqualTo(SslMode.VERIFY_FULL);
    assertThat(config.sslRootCert()).isEqualTo(Path.of("system"));
  }

  @Test
  void requireAuthNamesWhatIsWantedOrWhatIsNot() {
    assertThat(read("require_auth=scram-sha-256,none").requireAuth())
        .containsExactly(AuthMethod.SCRAM_SHA_256, AuthMethod.NONE);
    assertThat(read("require_auth=!password,!md5,!none").requireAuth())
        .containsExactly(
            AuthMethod.GSS, AuthMethod.SSPI, AuthMethod.SCRAM_SHA_256, AuthMethod.OAUTH);
  }

  @Test
  void kerberosIsToldWhatLibpqIsTold() {
    assertThat(read("").krbSrvName()).isEqualTo("postgres");
    assertThat(read("krbsrvname=''").krbSrvName()).isEqualTo("postgres");
    assertThat(read("krbsrvname=pg").krbSrvName()).isEqualTo("pg");
    assertThat(read("", Map.of("PGKRBSRVNAME", "pg")).krbSrvName()).isEqualTo("pg");
    assertThat(read("").gssDelegation()).isFalse();
    assertThat(read("gssdelegation=1").gssDelegation()).isTrue();
    assertThat(read("gssdelegation=0").gssDelegation()).isFalse();
    assertThat(read("").ticketCache()).isNull();
    assertThat(read("", Map.of("KRB5CCNAME", "FILE:/t")).ticketCache()).isEqualTo("FILE:/t");
    assertThat(read("").gssLogin()).isNull();
    PgConfig built = PgConfig.builder().gssLogin("entry").krbSrvName("x").build();
    assertThat(built.toBuilder().build().gssLogin()).isEqualTo("entry");
    assertThat(built.toBuilder().build().krbSrvName()).isEqualTo("x");
  }

  @Test
  void theProtocolAskedForIsAtLeastTheOldestAllowed() {
    assertThat(read("min_protocol_version=3.2").maxProtocolVersion())
        .isEqualTo(ProtocolVersion.V3_2);
    assertThat(ProtocolVersion.V3_2.number()).isEqualTo(196610);
  }

  @Test
  void connectTimeoutOfAConnectionStringIsPerAddressAndTheWholeFollows() {
    PgConfig config = read("host=a,b,c connect_timeout=5");
    assertThat(config.addressTimeout()).isEqualTo(Duration.ofSeconds(5));
    assertThat(config.connectTimeout()).isEqualTo(Duration.ofSeconds(15));
    assertThat(read("connect_timeout=0").connectTimeout()).isEqualTo(Duration.ofMinutes(1));
    assertThat(read("connect_timeout=-1").addressTimeout()).isNull();
    Duration longest = Duration.ofSeconds(Long.MAX_VALUE);
    assertThat(config.toBuilder().addressTimeout(longest).build().connectTimeout())
        .isEqualTo(longest);
    PgConfig bounded = config.toBuilder().connectTimeout(Duration.ofMillis(1500)).build();
    assertThat(bounded.connectTimeout()).isEqualTo(Duration.ofMillis(1500));
    assertThat(bounded.addressTimeout()).isEqualTo(Duration.ofSeconds(5));
  }

  @Test
  void theFallbackNameCountsOnlyIfThereIsNoOther() {
    assertThat(read("fallback_application_name=x").applicationName()).isEqualTo("x");
    assertThat(read("fallback_application_name=x application_name=y").applicationName())
        .isEqualTo("y");
  }

  @Test
  void settingsAreKeptInOrderAndMayNotBeChanged() {
    PgConfig config =
        PgConfig.builder()
            .environment(Map.of())
            .setting("search_path", "a,b")
            .setting("application_name", "tool")
            .setting("work_mem", "1MB")
            .build();
    assertThat(config.settings())
        .containsExactly(
            Map.entry("application_name", "tool"),
            Map.entry("search_path", "a,b"),
            Map.entry("work_mem", "1MB"));
    assertThatThrownBy(() -> config.settings().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void settingsThisClientDependsOnAreRefused() {
    PgConfig.Builder builder = PgConfig.builder();
    assertThatThrownBy(() -> builder.setting("client_encoding", "LATIN1"))
        .hasMessageStartingWith("setting client_encoding: this client speaks UTF8 only");
    assertThatThrownBy(() -> builder.setting("user", "x"))
        .hasMessage("setting: use user(…) for \"user\"");
    assertThatThrownBy(() -> builder.setting("database", "x"))
        .hasMessage("setting: use database(…) for \"database\"");
    assertThatThrownBy(() -> builder.setting("", "x"))
        .hasMessage("setting: \"\" is not the name of a server setting");
    assertThatThrownBy(() -> builder.setting("_pq_.x", "x"))
        .hasMessage("setting: \"_pq_.x\" is not the name of a server setting");
  }

  @Test
  void numbersAndDurationsThatMakeNoSenseAreRefusedAtOnce() {
    PgConfig.Builder builder = PgConfig.builder();
    Duration negative = Duration.ofSeconds(-1);
    assertThatThrownBy(() -> builder.port(0)).hasMessage("port: 1 to 65535 is wanted, not 0");
    assertThatThrownBy(() -> builder.statementCacheSize(-1))
        .hasMessage("statementCacheSize: 0 (keep none) or more is wanted, not -1");
    assertThatThrownBy(() -> builder.maxCacheableStatementSize(-1))
        .hasMessage("maxCacheableStatementSize: 0 (keep any length) or more is wanted, not -1");
    assertThatThrownBy(() -> builder.statementCacheLifetime(negative))
        .hasMessageStartingWith("statementCacheLifetime: a duration of zero (no limit) or more");
    assertThatThrownBy(() -> builder.connectTimeout(Duration.ZERO))
        .hasMessage("connectTimeout: a duration above zero is wanted, not PT0S");
    assertThatThrownBy(() -> builder.addressTimeout(negative)).hasMessageContaining("above zero");
    assertThatThrownBy(() -> builder.commandTimeout(negative)).hasMessageContaining("above zero");
    assertThatThrownBy(() -> builder.cancelTimeout(negative)).hasMessageContaining("above zero");
    assertThatThrownBy(() -> builder.keepalivesIdle(Duration.ofMillis(1)))
        .hasMessageContaining("whole seconds");
    assertThatThrownBy(() -> builder.keepalivesInterval(negative))
        .hasMessageContaining("whole seconds");
    assertThatThrownBy(() -> builder.keepalivesInterval(Duration.ofSeconds(32_768)))
        .hasMessageContaining("up to 32767");
    assertThatThrownBy(() -> builder.keepalivesCount(-1)).hasMessageContaining("or more");
    assertThatThrownBy(() -> builder.keepalivesCount(128)).hasMessageContaining("up to 127");
    assertThatThrownBy(() -> builder.tcpUserTimeout(negative)).hasMessageContaining("24 days");
    assertThatThrownBy(() -> builder.maxMessageSize(65535))
        .hasMessage("maxMessageSize: 65536 bytes or more are wanted, not 65535");
    assertThatThrownBy(() -> builder.scramMaxIterations(4095)).hasMessageContaining("4096");
    assertThatThrownBy(builder::hosts).hasMessage("hosts: name at least one");
    assertThatThrownBy(builder::requireAuth).hasMessage("requireAuth: name at least one method");
    assertThatThrownBy(() -> builder.user("a\0b"))
        .hasMessage("user: the protocol ends a string at NUL, so none may be inside");
    assertThatThrownBy(() -> new Host("", 1)).hasMessageStartingWith("name: ");
    assertThatThrownBy(() -> new Host("a", 65536))
        .hasMessage("port: 1 to 65535 is wanted, not 65536");
  }

  @Test
  void whatTheBuilderIsToldComesOut() {
    PgConfig config =
        PgConfig.builder()
            .environment(Map.of())
            .hosts(new Host("a", 1), new Host("b", "10.0.0.2", 2))
            .user("me")
            .sslMode(SslMode.REQUIRE)
            .sslNegotiation(SslNegotiation.DIRECT)
            .sslPassword("key")
            .channelBinding(ChannelBinding.REQUIRE)
            .requireAuth(AuthMethod.MD5, AuthMethod.MD5, AuthMethod.OAUTH)
            .targetSessionAttrs(TargetSessionAttrs.READ_WRITE)
            .loadBalanceHosts(LoadBalanceHosts.RANDOM)
            .keepalives(false)
            .keepalivesIdle(Duration.ofMinutes(1))
            .keepalivesInterval(Duration.ofSeconds(2))
            .keepalivesCount(3)
            .tcpUserTimeout(Duration.ofMillis(1234))
            .commandTimeout(Duration.ofSeconds(9))
            .cancelTimeout(Duration.ofSeconds(1))
            .statementCacheSize(0)
            .statementCacheLifetime(Duration.ZERO)
            .maxCacheableStatementSize(0)
            .maxMessageSize(1 << 20)
            .captureCallSite(true)
            .completionExecutor(Runnable::run)
            .minProtocolVersion(ProtocolVersion.V3_0)
            .maxProtocolVersion(ProtocolVersion.V3_2)
            .scramMaxIterations(10_000)
            .build();
    assertThat(config.hosts()).containsExactly(new Host("a", 1), new Host("b", "10.0.0.2", 2));
    assertThat(config.sslNegotiation()).isEqualTo(SslNegotiation.DIRECT);
    assertThat(config.sslPassword()).isEqualTo("key");
    assertThat(config.channelBinding()).isEqualTo(ChannelBinding.REQUIRE);
    assertThat(config.requireAuth()).containsExactly(AuthMethod.MD5, AuthMethod.OAUTH);
    assertThat(config.targetSessionAttrs()).isEqualTo(TargetSessionAttrs.READ_WRITE);
    assertThat(config.loadBalanceHosts()).isEqualTo(LoadBalanceHosts.RANDOM);
    assertThat(config.keepalives()).isFalse();
    assertThat(config.keepalivesIdle()).isEqualTo(Duration.ofMinutes(1));
    assertThat(config.keepalivesInterval()).isEqualTo(Duration.ofSeconds(2));
    assertThat(config.keepalivesCount()).isEqualTo(3);
    assertThat(config.tcpUserTimeout()).isEqualTo(Duration.ofMillis(1234));
    assertThat(config.commandTimeout()).isEqualTo(Duration.ofSeconds(9));
    assertThat(config.cancelTimeout()).isEqualTo(Duration.ofSeconds(1));
    assertThat(config.statementCacheSize()).isZero();
    assertThat(config.statementCacheLifetime()).isZero();
    assertThat(config.maxCacheableStatementSize()).isZero();
    assertThat(config.maxMessageSize()).isEqualTo(1 << 20);
    assertThat(config.captureCallSite()).isTrue();
    assertThat(config.completionExecutor()).isNotNull();
    assertThat(config.maxProtocolVersion()).isEqualTo(ProtocolVersion.V3_2);
    assertThat(config.scramMaxIterations()).isEqualTo(10_000);
  }

  @Test
  void scramKeysComeInPairs() {
    byte[] key = new byte[32];
    String encoded = Base64.getEncoder().encodeToString(key);
    PgConfig.Builder builder = PgConfig.builder().environment(Map.of());
    assertThat(read("").scramKeys()).isNull();
    assertThat(builder.scramKeys(key, key).build().scramKeys()).isNotNull();
    assertThat(read("scram_server_key=" + encoded + " scram_client_key=" + encoded).scramKeys())
        .isNotNull();
    assertThatThrownBy(() -> read("scram_client_key=" + encoded))
        .hasMessageEndingWith("scram_server_key is missing; give both");
    assertThatThrownBy(() -> read("scram_server_key=" + encoded))
        .hasMessageEndingWith("scram_client_key is missing; give both");
    assertThatThrownBy(() -> builder.scramKeys(key, new byte[31]))
        .hasMessage("serverKey: 32 bytes wanted, 31 given");
  }

  @Test
  void aSettingWinsOverTheEnvironmentHoweverItIsSpelled() {
    PgConfig config =
        PgConfig.builder()
            .environment(Map.of("PGTZ", "UTC", "PGDATESTYLE", "ISO"))
            .setting("TimeZone", "Asia/Tokyo")
            .build();
    assertThat(config.settings()).isEqualTo(Map.of("TimeZone", "Asia/Tokyo", "datestyle", "ISO"));
  }

  @Test
  void codecsAreAddedToTheStandardOnes() {
    PgConfig plain = read("");
    CodecModule module = (type, javaType) -> null;
    assertThat(plain.codecs()).isSameAs(CodecRegistry.standard());
    PgConfig more = plain.toBuilder().codecs(module).build();
    assertThat(more.codecs()).isNotSameAs(CodecRegistry.standard());
    assertThat(more.toBuilder().build().codecs()).isSameAs(more.codecs());
    assertThat(plain.codecs()).isSameAs(CodecRegistry.standard());
  }

  @Test
  void aBuilderMadeFromAConfigurationWorksOutAnewWhatFollows() {
    PgConfig config = read("postgresql://me@db:6432?hostaddr=10.0.0.1");
    assertThat(config.toBuilder().build()).hasToString(config.toString());
    PgConfig other = config.toBuilder().user("you").host("else").build();
    assertThat(other.database()).isEqualTo("you");
    assertThat(other.hosts()).containsExactly(new Host("else", 6432));
    assertThat(config.hosts()).containsExactly(new Host("db", "10.0.0.1", 6432));
    assertThat(config.toBuilder().dsn("host=third").build().host()).isEqualTo("third");
  }

  @Test
  void aBuilderUsedAgainDoesNotChangeWhatItBuilt() {
    PgConfig.Builder builder = PgConfig.builder().environment(Map.of()).setting("a.b", "1");
    PgConfig config = builder.build();
    builder.setting("a.c", "2").user("other").statementCacheSize(7);
    assertThat(config.settings()).isEqualTo(Map.of("a.b", "1"));
    assertThat(config.statementCacheSize()).isEqualTo(100);
    assertThat(config.toBuilder().build()).hasToString(config.toString());
  }

  @Test
  void aPasswordSupplierIsAskedEveryTime() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    PgConfig config =
        PgConfig.builder()
            .environment(Map.of())
            .password("ignored")
            .password(() -> CompletableFuture.completedFuture("secret" + asked.incrementAndGet()))
            .build();
    assertThat(password(config)).isEqualTo("secret1");
    assertThat(password(config)).isEqualTo("secret2");
    assertThat(password(config.toBuilder().password("fixed").build())).isEqualTo("fixed");
  }

  @Test
  void aPasswordSupplierThatThrowsFailsTheStage() {
    PgConfig config =
        PgConfig.builder()
            .environment(Map.of())
            .password(
                () -> {
                  throw new IllegalStateException("vault is sealed");
                })
            .build();
    assertThat(config.password(config.hosts().get(0)).toCompletableFuture())
        .isCompletedExceptionally();
  }

  @Test
  void thePasswordFileIsAskedForEachHostAndReadEveryTime() throws Exception {
    Path file = home.resolve(".pgpass");
    Files.writeString(file, "a:1:app:me:one\nb:2:app:me:two\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    PgConfig config = read("postgresql://me@a:1,b:2/app", Map.of("HOME", home.toString()));
    assertThat(password(config)).isEqualTo("one");
    assertThat(
            config.password(config.hosts().get(1)).toCompletableFuture().get(10, TimeUnit.SECONDS))
        .isEqualTo("two");
    Files.writeString(file, "*:*:*:*:new\n");
    assertThat(password(config)).isEqualTo("new");
    assertThat(password(config.toBuilder().password("told").build())).isEqualTo("told");
    assertThat(password(read("password=''", Map.of("PGPASSFILE", file.toString()))))
        .isEqualTo("new");
    assertThat(password(PgConfig.builder().environment(Map.of()).passfile(file).build()))
        .isEqualTo("new");
  }

  @Test
  void aServiceIsFoundInTheUsersFileThenInTheSystems() throws IOException {
    Path system = Files.createDirectory(home.resolve("etc"));
    Files.writeString(home.resolve(".pg_service.conf"), "[a]\nhost=own\n");
    Files.writeString(system.resolve("pg_service.conf"), "[a]\nhost=x\n[b]\nhost=common\n");
    Map<String, String> environment =
        Map.of("HOME", home.toString(), "PGSYSCONFDIR", system.toString());
    assertThat(read("service=a", environment).host()).isEqualTo("own");
    assertThat(read("postgresql:///?service=b", environment).host()).isEqualTo("common");
    assertThat(PgConfig.builder().environment(environment).service("b").build().host())
        .isEqualTo("common");
    assertThatThrownBy(() -> read("service=c", environment))
        .hasMessageContaining("no service file defines \"c\"")
        .hasMessageContaining(".pg_service.conf");
  }

  @Test
  void theTlsDirectoryIsInTheHomeDirectory() {
    assertThat(read("", Map.of("HOME", home.toString())).tlsDirectory())
        .isEqualTo(home.resolve(".postgresql"));
  }

  @Test
  void itsTextShowsWhereItLeadsAndNothingSecret() {
    PgConfig config =
        read(
            "postgresql://me:hunter2@db:1,[::1]:2/app?sslpassword=hunter2"
                + "&oauth_client_secret=hunter2&options=-c%20app.key%3Dhunter2");
    assertThat(config)
        .hasToString(
            "PgConfig[hosts=db:1,[::1]:2 user=me dbname=app sslmode=prefer settings=[options]]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "postgresql://u:hunter2/x@h/d",
        "postgresql://u:x/y:hunter2@h/d?port=hunter2",
        "postgresql://u:p@hunter2@h/d",
        "postgresql://u:p@hunter2@h:5432/d",
        "host=h password=hunter2 port=0",
        "host=h password=hunter2 sslmode=x",
        "host=h scram_client_key=hunter2",
        "host=h password=hunter2 service=x"
      })
  void noComplaintShowsAPassword(String dsn) {
    assertThatThrownBy(() -> read(dsn))
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .doesNotContain("hunter2");
  }
}
