package io.asyncpg.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.TargetSessionAttrs;
import io.asyncpg.testkit.TestServer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** A primary and two streaming standbys, all real; the last test loses the primary. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PoolFailoverTest {
  private static final String WHERE = "SELECT inet_server_port()";

  private static TestServer primary;
  private static TestServer one;
  private static TestServer two;

  @BeforeAll
  static void start() {
    primary = TestServer.start();
    one = primary.standby();
    two = primary.standby();
  }

  @AfterAll
  static void stop() {
    two.close();
    one.close();
    primary.close();
  }

  private static PgConfig.Host host(TestServer server) {
    return new PgConfig.Host(server.host(), null, server.port());
  }

  private static PgPool open(int min, int max, TestServer... servers) {
    List<PgConfig.Host> hosts = new ArrayList<>();
    for (TestServer server : servers) {
      hosts.add(host(server));
    }
    PgConfig config =
        PgConfig.parse(primary.dsn()).toBuilder()
            .hosts(hosts.toArray(PgConfig.Host[]::new))
            .targetSessionAttrs(TargetSessionAttrs.READ_WRITE)
            .build();
    return PgPool.create(PoolConfig.builder().connection(config).minSize(min).maxSize(max).build());
  }

  private static int where(PgConnection connection) {
    return connection.fetchValue(int.class, WHERE).await();
  }

  @Test
  @Order(1)
  void readersAreSpreadOverTheStandbysAndTakeTurns() {
    try (PgPool pool = open(0, 6, one, primary, two)) {
      assertThat(pool.fetchValue(int.class, WHERE).await()).isEqualTo(primary.port());
      PgPool readers = pool.readOnly();
      List<PgConnection> lent = new ArrayList<>();
      List<Integer> ports = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        lent.add(readers.acquire().await());
        ports.add(where(lent.get(i)));
      }
      assertThat(ports).containsOnly(one.port(), two.port());
      assertThat(ports.stream().filter(port -> port == one.port())).hasSize(3);
      lent.forEach(PgConnection::close);
      Eventually.isTrue(() -> readers.stats().idle() == 6);
      List<Integer> turns = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        turns.add(readers.fetchValue(int.class, WHERE).await());
        Eventually.isTrue(() -> readers.stats().idle() == 6);
      }
      assertThat(turns.subList(0, 2)).doesNotHaveDuplicates();
      assertThat(turns.subList(2, 4)).isEqualTo(turns.subList(0, 2));
      assertThat(turns.subList(4, 6)).isEqualTo(turns.subList(0, 2));
      try (PgConnection busy = readers.acquire().await()) {
        int other = where(busy) == one.port() ? two.port() : one.port();
        for (int i = 0; i < 3; i++) {
          assertThat(readers.fetchValue(int.class, WHERE).await()).isEqualTo(other);
        }
      }
    }
  }

  /** At little load, too: what is kept open is spread, and loans one after the other alternate. */
  @Test
  @Order(2)
  void fewReadersHaveAllStandbys() {
    try (PgPool pool = open(1, 4, primary, one, two)) {
      PgPool readers = pool.readOnly();
      readers.ready().await();
      assertThat(readers.stats().minSize()).isEqualTo(3);
      Eventually.isTrue(() -> readers.stats().idle() == 3);
      List<Integer> turns = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        turns.add(readers.fetchValue(int.class, WHERE).await());
        Eventually.isTrue(() -> readers.stats().idle() == 3);
      }
      assertThat(turns.subList(0, 2)).containsExactlyInAnyOrder(one.port(), two.port());
      assertThat(turns.subList(2, 4)).isEqualTo(turns.subList(0, 2));
      assertThat(turns.subList(4, 6)).isEqualTo(turns.subList(0, 2));
    }
  }

  @Test
  @Order(3)
  void whereOneStandbyIsGoneTheOtherServesAndWithoutAnyThePrimary() {
    try (PgPool pool = open(0, 2, primary, two)) {
      PgPool readers = pool.readOnly();
      assertThat(readers.fetchValue(int.class, WHERE).await()).isEqualTo(two.port());
      two.stopFast();
      assertThat(readers.fetchValue(int.class, WHERE).await()).isEqualTo(primary.port());
      two.startAgain();
    }
  }

  @Test
  @Order(4)
  void theNextAcquireFindsTheNewPrimaryAndReadersLeaveIt() {
    try (PgPool pool = open(2, 4, primary, one, two)) {
      pool.ready().await();
      assertThat(pool.readWrite()).isSameAs(pool);
      PgPool readers = pool.readOnly();
      readers.ready().await();
      List<PgConnection> reading = List.of(readers.acquire().await(), readers.acquire().await());
      assertThat(reading.stream().map(PoolFailoverTest::where))
          .containsExactlyInAnyOrder(one.port(), two.port());
      PgConnection lent = pool.acquire().await();
      primary.stopImmediate();
      one.promote();
      lent.closed().await();
      try (PgConnection next = pool.acquire().await()) {
        assertThat(where(next)).isEqualTo(one.port());
        next.execute("CREATE TABLE written_after_failover (i int)").await();
      }
      lent.close();
      reading.forEach(PoolFailoverTest::where); // each learns now what its server has become
      reading.forEach(PgConnection::close);
      Eventually.isTrue(() -> readers.stats().closed().containsKey(CloseReason.HOST));
      assertThat(readers.stats().closed()).containsOnlyKeys(CloseReason.HOST);
      for (int i = 0; i < 4; i++) {
        assertThat(readers.fetchValue(int.class, WHERE).await()).isEqualTo(two.port());
      }
    }
  }
}
