package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.InvalidCachedStatementException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Statements that were written together and are found stale: what is run again keeps its place. */
@Timeout(60)
class RunAgainTest {
  private static final String INSERT = "INSERT INTO again.log(what) VALUES ($1) RETURNING *";
  private static final String UPDATE = "UPDATE again.log SET what = what || $1";
  private static final String DELETE = "DELETE FROM again.log WHERE what = $1";
  private static final String COUNT = "SELECT count(*) FROM again.log";
  private static final String READ = "SELECT * FROM again.log ORDER BY id";

  private interface Call {
    PgFuture<?> make();
  }

  private PgConnection connection;
  private PgConnection other;

  @BeforeEach
  void warmUp() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    other = PgConnection.connect(TestServer.shared().dsn()).await();
    other.execute("CREATE SCHEMA again; CREATE TABLE again.log(id serial, what text)").await();
    for (String sql : List.of(INSERT, UPDATE, DELETE)) {
      connection.execute(sql, "none").await();
    }
    connection.fetch(READ).await();
    connection.fetch(COUNT).await();
    connection.execute("TRUNCATE again.log").await();
  }

  @AfterEach
  void close() {
    assertThat(connection.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
    connection.close();
    other.execute("DROP SCHEMA again CASCADE").await();
    other.close();
  }

  /** INSERT … RETURNING * and SELECT * are stale then, UPDATE and DELETE are not. */
  private void alterTable() {
    other.execute("ALTER TABLE again.log ADD COLUMN more int4").await();
  }

  private List<PgFuture<?>> written(Stream<Call> calls) {
    List<PgFuture<?>> futures = new ArrayList<>();
    OnTheLoop.run(connection, () -> calls.forEach(call -> futures.add(call.make())));
    return futures;
  }

  private List<PgFuture<?>> writtenTogether(Call... calls) {
    return written(Stream.of(calls));
  }

  private static void await(PgFuture<?> future) {
    future.await();
  }

  private String log() {
    return other
        .fetchValue(String.class, "SELECT string_agg(what, ' ' ORDER BY id) FROM again.log")
        .await();
  }

  private static void isRefused(PgFuture<?> future) {
    assertThatThrownBy(() -> await(future))
        .isInstanceOfSatisfying(
            PgServerException.class,
            told -> {
              assertThat(told.sqlState()).isEqualTo(SqlState.FEATURE_NOT_SUPPORTED);
              assertThat(told.retrySafety()).isEqualTo(RetrySafety.ROLLED_BACK);
            });
  }

  @Test
  void oneStatementWithManyArgumentsRunsInItsOrder() {
    alterTable();
    written(Stream.of("a", "b", "c", "d").map(what -> () -> connection.fetch(INSERT, what)))
        .forEach(RunAgainTest::await);
    assertThat(log()).isEqualTo("a b c d");
  }

  @Test
  void severalStatementsThatTheServerHasForgottenRunInTheirOrder() {
    connection.execute("DEALLOCATE ALL").await();
    for (PgFuture<?> each :
        writtenTogether(
            () -> connection.execute(INSERT, "a"),
            () -> connection.execute(UPDATE, "1"),
            () -> connection.execute(INSERT, "b"),
            () -> connection.execute(INSERT, "c"),
            () -> connection.execute(DELETE, "b"),
            () -> connection.execute(UPDATE, "2"))) {
      await(each);
    }
    assertThat(log()).isEqualTo("a12 c2");
  }

  @Test
  void whatHasBeenOvertakenByAWriteFailsAsItDid() {
    alterTable();
    List<PgFuture<?>> calls =
        writtenTogether(
            () -> connection.execute(INSERT, "late"),
            () -> connection.execute("INSERT INTO again.log(what) VALUES ('in time')"),
            () -> connection.execute(INSERT, "too"));
    isRefused(calls.get(0));
    await(calls.get(1));
    await(calls.get(2));
    assertThat(log()).isEqualTo("in time too");
  }

  @Test
  void aReadIsOvertakenByAWrite() {
    alterTable();
    List<PgFuture<?>> calls =
        writtenTogether(() -> connection.fetch(READ), () -> connection.execute(DELETE, "nothing"));
    isRefused(calls.get(0));
    await(calls.get(1));
  }

  @Test
  void aWriteIsOvertakenByARead() {
    alterTable();
    List<PgFuture<?>> calls =
        writtenTogether(
            () -> connection.execute(INSERT, "unseen"),
            () -> connection.fetchValue(long.class, COUNT));
    isRefused(calls.get(0));
    assertThat(calls.get(1).await()).isEqualTo(0L);
    assertThat(log()).isNull();
  }

  @Test
  void readsMayBeAnsweredInAnyOrder() {
    alterTable();
    List<PgFuture<?>> calls =
        writtenTogether(
            () -> connection.fetch(READ),
            () -> connection.fetchValue(long.class, COUNT),
            () -> connection.fetchRow(READ));
    assertThat((Rows) calls.get(0).await()).isEmpty();
    assertThat(calls.get(1).await()).isEqualTo(0L);
    await(calls.get(2));
  }

  @Test
  void whatFailsBehindItOvertakesNothing() {
    alterTable();
    List<PgFuture<?>> calls =
        writtenTogether(
            () -> connection.execute(INSERT, "a"),
            () -> connection.execute("UPDATE again.log SET id = 1 / 0"),
            () -> connection.execute(INSERT, "b"));
    await(calls.get(0));
    await(calls.get(2));
    assertThat(log()).isEqualTo("a b");
  }

  @Test
  void batchesKeepTheirPlaceToo() {
    alterTable();
    PgBatch batch = connection.batch();
    PgFuture<Rows> inserted = batch.fetch(INSERT, "together");
    List<PgFuture<?>> calls =
        writtenTogether(batch::run, () -> connection.execute(UPDATE, "nothing"));
    isRefused(calls.get(0));
    isRefused(inserted);
    await(calls.get(1));
    alterTableAgain();
    calls =
        writtenTogether(
            () -> connection.fetchMany(INSERT, List.of(List.of("a"), List.of("b"))),
            () -> connection.fetch(INSERT, "c"));
    await(calls.get(0));
    await(calls.get(1));
    assertThat(log()).isEqualTo("a b c");
  }

  private void alterTableAgain() {
    connection.fetch(INSERT, "x").await();
    connection.execute("TRUNCATE again.log").await();
    other.execute("ALTER TABLE again.log ADD COLUMN yet int4").await();
  }

  @Test
  void aHeldStatementIsRefusedByItsOwnException() {
    PgStatement held = connection.prepare(INSERT).await();
    held.execute("a").await();
    alterTable();
    List<PgFuture<?>> calls =
        writtenTogether(() -> held.execute("late"), () -> connection.execute(UPDATE, "b"));
    assertThatThrownBy(() -> await(calls.get(0)))
        .isInstanceOf(InvalidCachedStatementException.class);
    await(calls.get(1));
    held.execute("c").await();
    assertThat(log()).isEqualTo("ab c");
  }

  @Test
  void aTransactionBehindItIsNotInTheWay() {
    alterTable();
    List<PgFuture<?>> calls =
        writtenTogether(() -> connection.execute(INSERT, "a"), connection::begin);
    await(calls.get(0));
    PgTransaction transaction = (PgTransaction) calls.get(1).await();
    transaction.execute(INSERT, "undone").await();
    transaction.rollback().await();
    assertThat(log()).isEqualTo("a");
  }

  @Test
  void aStreamIsNotRunAgainInsideTheTransactionBehindIt() {
    alterTable();
    List<PgFuture<?>> begun = new ArrayList<>();
    CompletableFuture<Throwable> ended = new CompletableFuture<>();
    OnTheLoop.run(
        connection,
        () -> {
          connection.stream(INSERT, "late").subscribe(new Told(ended));
          begun.add(connection.begin());
        });
    PgTransaction transaction = (PgTransaction) begun.get(0).await();
    transaction.execute(DELETE, "nothing").await();
    transaction.rollback().await();
    Throwable failure = ended.orTimeout(20, TimeUnit.SECONDS).join();
    assertThat(log()).isEqualTo(failure == null ? "late" : null);
  }

  /** Takes all rows, and tells how it ended: null for well. */
  private record Told(CompletableFuture<Throwable> ended) implements Flow.Subscriber<Row> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Row row) {
      // Only the end is of interest.
    }

    @Override
    public void onError(Throwable failure) {
      ended.complete(failure);
    }

    @Override
    public void onComplete() {
      ended.complete(null);
    }
  }

  @Test
  void aStreamIsAskedForWhereItsSubscriberAsks() {
    for (int i = 0; i < 100; i++) {
      CompletableFuture<Throwable> ended = new CompletableFuture<>();
      connection.stream(INSERT, "kept").subscribe(new Told(ended));
      PgFuture<Void> undone =
          connection.transaction(
              transaction ->
                  transaction
                      .execute(UPDATE, "")
                      .thenCompose(done -> PgFuture.failed(new IllegalStateException("undo"))));
      assertThatThrownBy(undone::await).isInstanceOf(IllegalStateException.class);
      assertThat(ended.orTimeout(20, TimeUnit.SECONDS).join()).isNull();
    }
    assertThat(connection.fetchValue(long.class, COUNT).await()).isEqualTo(100);
  }

  @Test
  void aCopyWhoseOwnQuestionFailsBehindAStaleStatementFailsByItself() {
    other.execute("CREATE DOMAIN again.positive AS int4 CHECK (value > 0)").await();
    String query = "SELECT $1::again.positive";
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    CopyOptions text = CopyOptions.text();
    connection.copyFromQuery(query, List.of(1), CopySink.to(out), text).await();
    alterTable();
    List<PgFuture<?>> calls =
        writtenTogether(
            () -> connection.fetch(READ),
            () -> connection.copyFromQuery(query, List.of(-1), CopySink.to(out), text),
            () -> connection.fetchValue(int.class, "SELECT 7"));
    await(calls.get(0));
    PgFuture<?> negative = calls.get(1);
    assertThatThrownBy(() -> await(negative)).hasMessageContaining("again.positive");
    assertThat(calls.get(2).await()).isEqualTo(7);
    alterTableAgain();
    calls =
        writtenTogether(
            () -> connection.fetch(READ),
            () ->
                connection.copyRecordsToTable(
                    "again.misspelt", List.of("id"), List.<Object[]>of(new Object[] {1})),
            () -> connection.fetchValue(int.class, "SELECT 8"));
    await(calls.get(0));
    PgFuture<?> misspelt = calls.get(1);
    assertThatThrownBy(() -> await(misspelt)).hasMessageContaining("misspelt");
    assertThat(calls.get(2).await()).isEqualTo(8);
  }
}
