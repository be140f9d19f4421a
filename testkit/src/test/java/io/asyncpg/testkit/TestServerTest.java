package io.asyncpg.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TestServerTest {
  @Test
  void theSharedServerIsTheOneThatWasAskedFor() {
    TestServer server = TestServer.shared();

    assertThat(server).isSameAs(TestServer.shared());
    if (System.getProperty("asyncpg.test.dsn") == null) {
      assertThat(server.majorVersion()).isEqualTo(Integer.getInteger("asyncpg.test.pg", 18));
    }
    assertThat(server.value("SHOW log_timezone")).isEqualTo("UTC");
    assertThat(server.value("SHOW wal_level")).isEqualTo("logical");
  }

  @Test
  void whatIsWrittenInADatabaseOfItsOwnIsReadBack() {
    TestServer server = TestServer.shared();
    String database = server.createDatabase();

    server.sqlIn(
        database, "CREATE TABLE t(a int, b text)", "INSERT INTO t VALUES (1, 'x'), (2, NULL)");

    assertThat(server.rowsIn(database, "SELECT * FROM t ORDER BY a"))
        .hasSize(2)
        .first()
        .isEqualTo(List.of("1", "x"));
    server.dropDatabase(database);
    assertThat(server.value("SELECT count(*) FROM pg_database WHERE datname = '" + database + "'"))
        .isEqualTo("0");
  }

  @Test
  void theUsersWithAPasswordGetInWithItAndNotWithout() throws SQLException {
    for (String user :
        List.of(TestServer.SCRAM_USER, TestServer.MD5_USER, TestServer.CLEARTEXT_USER)) {
      try (Connection connection = connect(user, TestServer.USERS_PASSWORD)) {
        assertThat(connection.isValid(5)).isTrue();
      }
      assertThatThrownBy(() -> connect(user, "wrong")).hasMessageContaining(user);
    }
    assertThatThrownBy(() -> connect(TestServer.REJECTED_USER, TestServer.USERS_PASSWORD))
        .hasMessageContaining("pg_hba.conf");
  }

  @Test
  void linesOfPgHbaAreInForceUntilTheyAreClosed() throws SQLException {
    TestServer server = TestServer.shared();
    try (TestServer.Hba ignored = server.withHba("host all postgres all reject")) {
      assertThatThrownBy(() -> server.value("SELECT 1")).hasRootCauseInstanceOf(SQLException.class);
    }
    assertThat(server.value("SELECT 1")).isEqualTo("1");
  }

  @Test
  void aSettingIsInForceWhenSetReturns() {
    TestServer server = TestServer.shared();
    server.set("work_mem", "5MB");
    assertThat(server.value("SHOW work_mem")).isEqualTo("5MB");
    server.unset("work_mem");
    assertThat(server.value("SHOW work_mem")).isEqualTo("4MB");
  }

  @Test
  void anOwnServerIsStoppedKilledAndStartedAgainWithItsData() throws SQLException {
    try (TestServer server = TestServer.start(Map.of("max_connections", "17"))) {
      assertThat(server.value("SHOW max_connections")).isEqualTo("17");
      server.sql("CREATE TABLE kept(i int)", "INSERT INTO kept VALUES (42)");

      server.stopFast();
      assertThatThrownBy(() -> server.value("SELECT 1")).hasRootCauseMessage("Connection refused");
      server.startAgain();
      assertThat(server.value("SELECT i FROM kept")).isEqualTo("42");

      server.stopImmediate();
      server.startAgain();
      assertThat(server.log()).anyMatch(line -> line.contains("automatic recovery in progress"));

      server.kill();
      server.startAgain();
      assertThat(server.value("SELECT i FROM kept")).isEqualTo("42");
    }
  }

  @Test
  void aKilledSessionTakesTheOthersWithIt() throws SQLException {
    try (TestServer server = TestServer.start();
        Connection victim = server.jdbc("postgres");
        Connection other = server.jdbc("postgres");
        Statement statement = other.createStatement()) {
      server.killSession(victim.unwrap(org.postgresql.PGConnection.class).getBackendPID());

      assertThatThrownBy(() -> statement.execute("SELECT pg_sleep(60)"))
          .isInstanceOf(SQLException.class);
    }
  }

  @Test
  void theServerWithPostgisHasIt() {
    TestServer server = TestServer.postgis();
    String database = server.createDatabase();
    server.sqlIn(database, "CREATE EXTENSION postgis");
    assertThat(server.rowsIn(database, "SELECT ST_AsText(ST_MakePoint(1, 2))"))
        .containsExactly(List.of("POINT(1 2)"));
    server.dropDatabase(database);
  }

  private static Connection connect(String user, String password) throws SQLException {
    TestServer server = TestServer.shared();
    return server.jdbc(user, password, server.database());
  }
}
