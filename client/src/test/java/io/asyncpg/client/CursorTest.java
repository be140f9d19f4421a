package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.TestServer;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CursorTest {
  private static final String SERIES = "SELECT i FROM generate_series(1, $1) i";
  private static final String OPEN_PORTALS =
      "SELECT count(*) FROM pg_cursors WHERE name LIKE 'asyncpg_cursor%'";

  private PgConnection connection;

  @BeforeEach
  void begin() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    connection.execute("BEGIN").await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  private long openPortals() {
    return connection.fetchValue(Long.class, OPEN_PORTALS).await();
  }

  @Test
  void aCursorGivesAsManyRowsAsAreWanted() {
    Cursor cursor = connection.cursor(SERIES, 10).await();
    Rows first = cursor.fetch(3).await();
    assertThat(first).hasSize(3);
    assertThat(first.get(2).getInt("i")).isEqualTo(3);
    assertThat(cursor.fetchRow().await().orElseThrow().getInt(0)).isEqualTo(4);
    assertThat(cursor.forward(4).await()).isEqualTo(4);
    assertThat(cursor.fetch(100).await().get(0).getInt(0)).isEqualTo(9);
    assertThat(cursor.fetch(100).await()).isEmpty();
    assertThat(cursor.fetchRow().await()).isEqualTo(Optional.empty());
    assertThat(cursor.forward(1).await()).isZero();
  }

  @Test
  void anExhaustedPortalIsClosedAtOnce() {
    Cursor cursor = connection.cursor(SERIES, 10).await();
    cursor.fetch(5).await();
    assertThat(openPortals()).isEqualTo(1);
    cursor.fetch(6).await();
    assertThat(openPortals()).isZero();
  }

  @Test
  void aClosedCursorIsGoneOnTheServerToo() {
    Cursor cursor = connection.cursor(SERIES, 10).await();
    PgFuture<Rows> before = cursor.fetch(2);
    cursor.close();
    cursor.close();
    assertThat(before.await()).hasSize(2);
    assertThat(openPortals()).isZero();
    assertThatThrownBy(() -> cursor.fetch(1).await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has been closed");
  }

  @Test
  void fetchesArePipelinedPastTheEnd() {
    Cursor cursor = connection.cursor(SERIES, 5).await();
    PgFuture<Rows> first = cursor.fetch(3);
    PgFuture<Rows> second = cursor.fetch(3);
    PgFuture<Rows> third = cursor.fetch(3);
    PgFuture<Long> behind = connection.fetchValue(Long.class, OPEN_PORTALS);
    PgFuture<Rows> fourth = cursor.fetch(3);
    assertThat(first.await()).hasSize(3);
    assertThat(second.await()).hasSize(2);
    assertThat(third.await()).isEmpty();
    assertThat(fourth.await()).isEmpty();
    assertThat(behind.await()).isNotNull();
  }

  @Test
  void twoCursorsAreReadInTurns() {
    Cursor up = connection.cursor(SERIES, 3).await();
    Cursor down = connection.cursor("SELECT i FROM generate_series($1, 1, -1) i", 3).await();
    assertThat(up.fetchRow().await().orElseThrow().getInt(0)).isEqualTo(1);
    assertThat(down.fetchRow().await().orElseThrow().getInt(0)).isEqualTo(3);
    assertThat(up.fetchRow().await().orElseThrow().getInt(0)).isEqualTo(2);
  }

  @Test
  void aCursorEndsWithItsTransaction() {
    Cursor cursor = connection.cursor(SERIES, 3).await();
    connection.execute("COMMIT").await();
    assertThatThrownBy(() -> cursor.fetch(1).await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ended with its transaction")
        .hasCauseInstanceOf(PgServerException.class);
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void aCursorNeedsATransactionRowsAndAPositiveCount() {
    Cursor cursor = connection.cursor(SERIES, 3).await();
    assertThatThrownBy(() -> cursor.fetch(0).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rows is 0");
    assertThatThrownBy(() -> connection.cursor("SET work_mem TO default").await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("returns rows");
    connection.execute("COMMIT").await();
    assertThatThrownBy(() -> connection.cursor(SERIES, 3).await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("there is none");
  }

  @Test
  void anErrorInTheMiddleFailsTheFetch() {
    Cursor cursor =
        connection.cursor("SELECT 10 / (5 - i) FROM generate_series(1, $1) i", 9).await();
    assertThat(cursor.fetch(4).await()).hasSize(4);
    assertThatThrownBy(() -> cursor.fetch(4).await())
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("22012");
    assertThatThrownBy(() -> cursor.fetch(4).await()).isInstanceOf(PgServerException.class);
    connection.execute("ROLLBACK").await();
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void aCursorABatchAndAStreamMayBeTheFirstOfATransaction() {
    connection.execute("ROLLBACK; CREATE TEMP TABLE first(i int4 PRIMARY KEY)").await();
    try (PgTransaction transaction = connection.begin().await()) {
      Cursor cursor = transaction.cursor(SERIES, 5).await();
      assertThat(cursor.fetch(2).await()).hasSize(2);
    }
    try (PgTransaction transaction = connection.begin().await()) {
      assertThatThrownBy(
              () ->
                  transaction
                      .executeMany(
                          "INSERT INTO first VALUES ($1)", List.of(List.of(1), List.of("x")))
                      .await())
          .hasMessageContaining("row 1");
    }
    try (PgTransaction transaction = connection.begin().await()) {
      transaction.executeMany("INSERT INTO first VALUES ($1)", List.of(List.of(1))).await();
      assertThat(connection.isInTransaction()).isTrue();
    }
    try (PgTransaction transaction = connection.begin().await()) {
      int rows = 0;
      for (Row row : transaction.stream(SERIES, 50).fetchSize(3)) {
        rows += row.size();
      }
      assertThat(rows).isEqualTo(50);
      transaction.commit().await();
    }
    assertThat(connection.fetchValue(Long.class, "SELECT count(*) FROM first").await()).isZero();
  }
}
