package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class QueryTest {
  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  @Test
  void aValueComesBackAsItsJavaType() {
    assertThat(connection.fetchValue(Integer.class, "SELECT 1 + 1").await()).isEqualTo(2);
    assertThat(connection.fetchValue(int.class, "SELECT $1::int4 + 1", 41).await()).isEqualTo(42);
    assertThat(connection.fetchValue(String.class, "SELECT $1", "Bob").await()).isEqualTo("Bob");
    assertThat(connection.fetchValue(String.class, "SELECT NULL::text").await()).isNull();
    assertThat(connection.fetchValue(Integer.class, "SELECT 1 WHERE false").await()).isNull();
  }

  @Test
  void rowsComeInOrder() {
    Rows rows =
        connection.fetch("SELECT i, 'n' || i AS name FROM generate_series(1, 5000) i").await();
    assertThat(rows).hasSize(5000);
    assertThat(rows.tag().toString()).isEqualTo("SELECT 5000");
    int expected = 1;
    for (Row row : rows) {
      assertThat(row.getInt(0)).isEqualTo(expected);
      assertThat(row.getString("name")).isEqualTo("n" + expected);
      expected++;
    }
    assertThat(rows.get(4999).getInt("i")).isEqualTo(5000);
    assertThat(rows.get(0).toString()).isEqualTo("Row(i=1, name=n1)");
  }

  record Person(int personId, String name) {}

  @Test
  void rowsBecomeRecordsByColumnName() {
    assertThat(
            connection
                .fetch(
                    Person.class, "SELECT 'Bob' AS name, 7 AS person_id UNION ALL SELECT 'Al', 8")
                .await())
        .containsExactly(new Person(7, "Bob"), new Person(8, "Al"));
    assertThat(
            connection
                .fetchRow(Person.class, "SELECT 1 AS person_id, 'x' AS name WHERE false")
                .await())
        .isEqualTo(Optional.empty());
    assertThatThrownBy(() -> connection.fetch(Person.class, "SELECT 1 AS id").await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("person_id");
  }

  @Test
  void aScriptAnswersWithItsLastTag() {
    assertThat(
            connection
                .execute("SELECT 1; CREATE TEMP TABLE t(i int); INSERT INTO t VALUES (1), (2)")
                .await())
        .hasToString("INSERT 0 2");
    assertThat(connection.execute("").await()).hasToString("");
    assertThat(connection.execute("INSERT INTO t VALUES ($1)", 3).await())
        .hasToString("INSERT 0 1");
  }

  @Test
  void anErrorInsideAPipelineFailsOnlyItsOwnQuery() {
    PgFuture<Integer> before = connection.fetchValue(Integer.class, "SELECT 1");
    PgFuture<Integer> broken = connection.fetchValue(Integer.class, "SELECT 1 / $1", 0);
    PgFuture<Integer> unprepared = connection.fetchValue(Integer.class, "SELECT nonsense");
    PgFuture<Integer> after = connection.fetchValue(Integer.class, "SELECT 2");
    assertThat(before.await()).isEqualTo(1);
    assertThatThrownBy(broken::await)
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("22012");
    assertThatThrownBy(unprepared::await).isInstanceOf(PgServerException.class);
    assertThat(after.await()).isEqualTo(2);
  }

  @Test
  void anArgumentThatDoesNotFitFailsBeforeAnythingIsSent() {
    assertThatThrownBy(() -> connection.fetch("SELECT $1::int4", "x").await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining(
            "argument 1 of \"SELECT $1::int4\": java.lang.String cannot become int4");
    assertThatThrownBy(() -> connection.fetch("SELECT $1::int4").await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 parameter, but 0 arguments");
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void aThousandQueriesArePipelined() {
    List<PgFuture<Integer>> answers = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      answers.add(connection.fetchValue(Integer.class, "SELECT $1::int4", i));
    }
    for (int i = 0; i < 1000; i++) {
      assertThat(answers.get(i).await()).isEqualTo(i);
    }
  }

  @Test
  void aTimeoutCancelsOnTheServerAndTheConnectionLives() {
    assertThatThrownBy(
            () ->
                connection
                    .withTimeout(Duration.ofMillis(100))
                    .execute("SELECT pg_sleep(60)")
                    .await())
        .isInstanceOf(PgTimeoutException.class);
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(10))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
  }

  @Test
  void aCancelledFutureCancelsItsStatementAndNoOther() {
    PgFuture<Rows> sleeping = connection.fetch("SELECT pg_sleep(60)");
    PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 1");
    sleeping.thenApply(Rows::size).cancel(true);
    assertThatThrownBy(sleeping::await).isInstanceOf(CancellationException.class);
    assertThat(behind.orTimeout(10, java.util.concurrent.TimeUnit.SECONDS).join()).isEqualTo(1);
  }

  @Test
  @SuppressWarnings("NullAway") // that is what is refused
  void nullWhereSqlOrOptionsBelongIsRefusedAndCostsNothing() {
    String none = null;
    TransactionOptions noOptions = null;
    List<Supplier<?>> calls =
        List.of(
            () -> connection.execute(none),
            () -> connection.execute(none, 1),
            () -> connection.fetch(none),
            () -> connection.fetchRow(none),
            () -> connection.fetchValue(Integer.class, none),
            () -> connection.fetch(Integer.class, none),
            () -> connection.executeMany(none, List.of()),
            () -> connection.stream(none),
            () -> connection.prepare(none),
            () -> connection.begin(noOptions),
            () -> connection.transaction(noOptions, tx -> tx.execute("SELECT 1")),
            () -> connection.fetch("SELECT 1", (Object[]) null));
    for (Supplier<?> call : calls) {
      PgFuture<Integer> before = connection.fetchValue(Integer.class, "SELECT 1");
      assertThatThrownBy(call::get).isInstanceOf(NullPointerException.class);
      assertThat(before.await()).isEqualTo(1);
    }
    assertThat(connection.fetchValue(Integer.class, "SELECT 2").await()).isEqualTo(2);
    assertThat(connection.isInTransaction()).isFalse();
  }
}
