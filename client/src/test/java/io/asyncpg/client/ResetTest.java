package io.asyncpg.client;

import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ResetTest {
  private static PgConnection connect(String dsn) {
    return PgConnection.connect(dsn).await();
  }

  private static void close(PgConnection connection) {
    connection.close();
    connection.closed().await();
  }

  @Test
  void aResetSessionIsAsGoodAsNew() {
    PgConnection connection = connect(TestServer.shared().dsn());
    List<Notification> heard = new ArrayList<>();
    List<Notice> notices = new ArrayList<>();
    connection.addListener("reset", heard::add).await();
    connection.addNoticeListener(notices::add);
    connection.execute("SET search_path = pg_catalog; SELECT pg_advisory_lock(4711)").await();
    PgStatement statement = connection.prepare("SELECT 1").await();
    PgTransaction transaction = connection.begin().await();
    connection.execute("CREATE TEMP TABLE undone(id int)").await();
    PgTransaction nested = connection.begin().await();

    connection.reset().await();

    assertThat(connection.isInTransaction()).isFalse();
    assertThat(connection.fetchValue(String.class, "SHOW search_path").await()).contains("public");
    assertThat(
            connection
                .fetchValue(
                    Long.class,
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
                .await())
        .isZero();
    assertThat(connection.fetch("SELECT pg_listening_channels()").await()).isEmpty();
    assertThat(connection.fetchValue(String.class, "SELECT to_regclass('undone')::text").await())
        .isNull();
    connection.execute("DO $$ BEGIN RAISE NOTICE 'unheard'; END $$").await();
    assertThat(notices).isEmpty();
    assertThatThrownBy(() -> transaction.commit().await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("rolled back");
    assertThatThrownBy(() -> nested.execute("SELECT 1").await())
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> statement.fetch().await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("reset");
    close(connection);
  }

  @Test
  void aResetThatIsNotItsTurnInTimeIsCarriedOutAllTheSame() {
    PgConnection connection = connect(TestServer.shared().dsn());
    PgConnection other = connect(TestServer.shared().dsn());
    other.execute("CREATE TABLE public.kept(id int); SELECT pg_advisory_lock(4712)").await();
    PgTransaction transaction = connection.begin().await();
    PgFuture<?> before = transaction.execute("SELECT pg_advisory_xact_lock(4712)");
    assertThatThrownBy(() -> connection.withTimeout(Duration.ofMillis(20)).reset().await())
        .isInstanceOf(PgTimeoutException.class);
    other.execute("SELECT pg_advisory_unlock(4712)").await();
    before.await();
    connection.execute("INSERT INTO public.kept VALUES (1)").await();
    assertThat(connection.isInTransaction()).isFalse();
    assertThat(other.fetchValue(long.class, "SELECT count(*) FROM public.kept").await())
        .isEqualTo(1);
    other.execute("DROP TABLE public.kept").await();
    close(connection);
    close(other);
  }

  @Test
  void aResetSessionHasTheRoleThatItBeganWith() {
    PgConfig plain = PgConfig.parse(TestServer.shared().dsn());
    String roles = "SELECT session_user || ' as ' || current_user";
    PgConnection connection = PgConnection.connect(plain).await();
    String began = connection.fetchValue(String.class, roles).await();
    connection
        .execute(
            "DROP ROLE IF EXISTS reset_tenant; DROP ROLE IF EXISTS reset_other;"
                + " CREATE ROLE reset_tenant; CREATE ROLE reset_other")
        .await();
    PgConnection tenant =
        PgConnection.connect(plain.toBuilder().setting("role", "reset_tenant").build()).await();
    for (String taken :
        List.of(
            "SET ROLE reset_other",
            "SET SESSION AUTHORIZATION reset_other",
            "SELECT set_config('role', 'reset_other', false)",
            "DO $$ BEGIN SET ROLE reset_other; END $$")) {
      connection.execute(taken).await();
      connection.reset().await();
      assertThat(connection.fetchValue(String.class, roles).await()).as(taken).isEqualTo(began);
      tenant.execute("SET ROLE NONE; " + taken).await();
      tenant.reset().await();
      assertThat(tenant.fetchValue(String.class, roles).await())
          .as(taken)
          .isEqualTo(plain.user() + " as reset_tenant");
    }
    close(tenant);
    connection.execute("DROP ROLE reset_tenant; DROP ROLE reset_other").await();
    close(connection);
  }

  @Test
  void aFunctionOfTheUsersDoesNotTakeThePlaceOfOneThatAResetCalls() {
    PgConnection connection = connect(TestServer.shared().dsn());
    connection
        .execute(
            "CREATE SCHEMA reset_trap;"
                + " CREATE FUNCTION reset_trap.pg_advisory_unlock_all() RETURNS void"
                + " LANGUAGE sql AS '';"
                + " SET search_path = reset_trap, pg_catalog; SELECT pg_advisory_lock(4712)")
        .await();
    connection.reset().await();
    assertThat(connection.fetch("SELECT 1 FROM pg_locks WHERE objid = 4712").await()).isEmpty();
    connection.execute("DROP SCHEMA reset_trap CASCADE").await();
    close(connection);
  }

  @Test
  void aFailedTransactionIsRolledBack() {
    PgConnection connection = connect(TestServer.shared().dsn());
    connection.execute("BEGIN").await();
    assertThatThrownBy(() -> connection.execute("SELECT 1/0").await())
        .isInstanceOf(PgServerException.class);
    connection.reset().await();
    assertThat(connection.isInTransaction()).isFalse();
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
    close(connection);
  }

  @Test
  void aResetCostsOneRoundTripAndNoneWhenNothingWasRun() {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().acceptStartup();
      PgConnection connection = connect(server.dsn());
      connection.reset().await();
      script
          .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN"))
          .send(commandComplete("BEGIN"), readyForQuery('T'))
          .expect(
              "Q", query -> assertThat(query.sql()).startsWith("ROLLBACK;").contains("RESET ALL"))
          .send(
              commandComplete("ROLLBACK"),
              commandComplete("SELECT 1"),
              commandComplete("RESET"),
              readyForQuery('I'))
          .expect("Q", query -> assertThat(query.sql()).isEqualTo("AGAIN"))
          .send(commandComplete("AGAIN"), readyForQuery('I'))
          .expect("Q", query -> assertThat(query.sql()).startsWith("RESET SESSION AUTHORIZATION;"))
          .send(error("42883", "no such function"), readyForQuery('I'))
          .expect("Q", query -> assertThat(query.sql()).startsWith("RESET SESSION AUTHORIZATION;"))
          .send(commandComplete("RESET"), readyForQuery('I'))
          .expectTerminate();
      connection.execute("BEGIN").await();
      connection.reset().await();
      connection.reset().await();
      connection.execute("AGAIN").await();
      assertThatThrownBy(() -> connection.reset().await())
          .isInstanceOf(PgServerException.class)
          .hasMessageContaining("42883");
      connection.reset().await();
      close(connection);
      script.await();
    }
  }

  @Test
  void settingsAndTheServersVersionAreAsTheServerSays() {
    PgConnection connection = connect(TestServer.shared().dsn());
    assertThat(connection.settings())
        .containsKey("server_version")
        .containsEntry("client_encoding", "UTF8");
    connection.execute("SET application_name = 'renamed'").await();
    assertThat(connection.settings()).containsEntry("application_name", "renamed");
    assertThat(connection.serverVersion().major()).isEqualTo(TestServer.shared().majorVersion());
    close(connection);
  }

  @Test
  void oddServerVersionsAreUnderstood() {
    assertVersion("18.1", 18, 1);
    assertVersion("15.2 (Debian 15.2-1.pgdg110+1)", 15, 2);
    assertVersion("19devel", 19, 0);
    assertVersion("17beta2", 17, 0);
    assertVersion("16rc1", 16, 0);
    assertVersion("9.6.24", 9, 24);
    assertVersion("10.1", 10, 1);
    assertVersion("14.10 (Ubuntu 14.10-0ubuntu0.22.04.1)", 14, 10);
    assertVersion("13.4-citus", 13, 4);
    assertVersion("", 0, 0);
    assertVersion("PostgreSQL", 0, 0);
    assertVersion("99999999999999999999.1", 999_999_999, 0);
  }

  private static void assertVersion(String text, int major, int minor) {
    ServerVersion version = ServerVersion.parse(text);
    assertThat(version.major()).as(text).isEqualTo(major);
    assertThat(version.minor()).as(text).isEqualTo(minor);
    assertThat(version).hasToString(text);
  }
}
