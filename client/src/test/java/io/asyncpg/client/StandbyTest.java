package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.ReadOnlySqlTransactionException;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A primary and its streaming standby, both real; the last test makes the standby the primary. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class StandbyTest {
  private static TestServer primary;
  private static TestServer standby;

  @BeforeAll
  static void start() {
    primary = TestServer.start();
    standby = primary.standby();
  }

  @AfterAll
  static void stop() {
    standby.close();
    primary.close();
  }

  private static PgConfig config(TestServer first, TestServer second, String wanted) {
    return PgConfig.builder()
        .environment(Map.of())
        .dsn(
            "host=localhost,localhost port="
                + first.port()
                + ","
                + second.port()
                + " user=postgres dbname=postgres target_session_attrs="
                + wanted)
        .connectTimeout(Duration.ofSeconds(20))
        .build();
  }

  /** The port of the server that took us. */
  private static int taken(PgConfig config) {
    PgConnection connection = PgConnection.connect(config).await();
    try {
      Integer port = connection.fetchValue(Integer.class, "SELECT inet_server_port()").await();
      return port == null ? 0 : port;
    } finally {
      connection.close();
      connection.closed().await();
    }
  }

  @ParameterizedTest
  @Order(1)
  @CsvSource({
    "any, primary",
    "read-write, primary",
    "primary, primary",
    "read-only, standby",
    "standby, standby",
    "prefer-standby, standby"
  })
  void theRoleThatIsWantedIsFoundWhicheverHostComesFirst(String wanted, String server) {
    int expected = server.equals("primary") ? primary.port() : standby.port();
    int straight = taken(config(primary, standby, wanted));
    int crossed = taken(config(standby, primary, wanted));
    if (wanted.equals("any")) {
      assertThat(straight).isEqualTo(primary.port());
      assertThat(crossed).isEqualTo(standby.port());
    } else {
      assertThat(straight).isEqualTo(expected);
      assertThat(crossed).isEqualTo(expected);
    }
  }

  @Test
  @Order(2)
  void wherePreferringAStandbyFindsNoneThePrimaryWillDo() {
    assertThat(taken(config(primary, primary, "prefer-standby"))).isEqualTo(primary.port());
    assertThatThrownBy(() -> taken(config(primary, primary, "standby")))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("is not in hot standby");
    assertThatThrownBy(() -> taken(config(standby, standby, "read-write")))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("is in hot standby");
  }

  @Test
  @Order(3)
  void aStandbySaysThatItOnlyReadsAndLivesOn() {
    PgConnection connection = PgConnection.connect(standby.dsn()).await();
    assertThatThrownBy(() -> connection.execute("CREATE TABLE refused()").await())
        .isInstanceOf(ReadOnlySqlTransactionException.class);
    assertThat(connection.fetchValue(Boolean.class, "SELECT pg_is_in_recovery()").await()).isTrue();
    connection.close();
    connection.closed().await();
  }

  @Test
  @Order(4)
  void aListenerFollowsThePrimaryToItsNewHost() throws InterruptedException {
    PgListener listener =
        PgListener.builder(config(primary, standby, "read-write"))
            .longestPause(Duration.ofMillis(200))
            .build();
    BlockingQueue<PgListener.Event> events = new LinkedBlockingQueue<>();
    listener.addListener("c", events::add).await();
    primary.stopFast();
    standby.promote();
    assertThat(events.poll(30, TimeUnit.SECONDS)).isInstanceOf(PgListener.Gap.class);
    standby.sql("NOTIFY c, 'from the new primary'");
    assertThat(events.poll(30, TimeUnit.SECONDS))
        .isInstanceOfSatisfying(
            PgListener.Heard.class,
            heard -> assertThat(heard.notification().payload()).isEqualTo("from the new primary"));
    listener.close();
    listener.closed().await();
    assertThat(taken(config(primary, standby, "read-write"))).isEqualTo(standby.port());
    primary.startAgain();
  }
}
