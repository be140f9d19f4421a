package io.asyncpg.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgStatement;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowStream;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgPoolException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.UniqueViolationException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Format;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PoolTest {
  private PgPool pool;

  private static PoolConfig.Builder config() {
    return PoolConfig.builder().connection(PgConfig.parse(TestServer.shared().dsn()));
  }

  private PgPool open(PoolConfig.Builder config) {
    pool = PgPool.create(config.build());
    return pool;
  }

  @AfterEach
  void close() {
    if (pool != null) {
      pool.terminate();
      pool.closed().await();
    }
  }

  private static int pid(PgConnection connection) {
    return connection.fetchValue(int.class, "SELECT pg_backend_pid()").await();
  }

  @Test
  void aPoolIsReadyWhenItsSmallestSizeIsOpen() {
    open(config().minSize(3).maxSize(5)).ready().await();
    assertThat(pool.stats().idle()).isEqualTo(3);
    assertThat(pool.stats().created()).isEqualTo(3);
  }

  @Test
  void aPoolSaysWhyItIsNotReady() {
    PgConfig nowhere = PgConfig.parse(TestServer.shared().dsn("no_such_database"));
    open(PoolConfig.builder().connection(nowhere));
    assertThatThrownBy(() -> pool.ready().await()).hasMessageContaining("no_such_database");
    assertThatThrownBy(() -> pool.acquire().await())
        .isInstanceOf(PgPoolException.class)
        .hasMessageContaining("no_such_database");
  }

  @Test
  void aStreamIsReadBeforeTheCallWaitsForAConnection() {
    open(config().maxSize(1));
    PgConnection lent = pool.acquire().await();
    InputStream stream =
        new SequenceInputStream(Collections.enumeration(List.of(text("some"), text("where"))));
    PgFuture<String> waiting =
        pool.fetchValue(String.class, "SELECT convert_from($1::bytea, 'UTF8')", stream);
    assertThat(stream).isEmpty();
    lent.close();
    assertThat(waiting.await()).isEqualTo("somewhere");
  }

  private static InputStream text(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void aConnectionComesBackAndIsLentAgain() {
    open(config().maxSize(1));
    PgConnection first = pool.acquire().await();
    int process = pid(first);
    first.close();
    try (PgConnection second = pool.acquire().await()) {
      assertThat(pid(second)).isEqualTo(process);
    }
    assertThat(pool.stats().acquired()).isEqualTo(2);
  }

  @Test
  void aConnectionThatWasOnlyReadFromIsThereWhenCloseReturns() {
    open(config().maxSize(1));
    for (int i = 0; i < 100; i++) {
      PgConnection connection = pool.acquire().await();
      int process = pid(connection);
      connection.close();
      assertThat(pool.stats().idle()).isEqualTo(1);
      PgFuture<PgConnection> next = pool.acquire();
      assertThat(next).isDone();
      assertThat(next.await().serverPid()).isEqualTo(process);
      next.await().close();
      assertThat(connection.isClosed()).isTrue();
      assertThat(connection.closed()).isDone();
    }
  }

  @Test
  void whatAHandleLeavesBehindIsUndoneThoughNothingWasRun() {
    List<Object> heard = new CopyOnWriteArrayList<>();
    List<Consumer<PgConnection>> habits =
        List.of(
            connection -> connection.addNoticeListener(heard::add),
            connection -> connection.addParameterListener(heard::add),
            connection -> connection.addQueryListener(heard::add),
            connection -> connection.prepare("SELECT 'held'").await(),
            connection -> connection.begin().await());
    for (Consumer<PgConnection> habit : habits) {
      open(config().maxSize(1));
      PgConnection first = pool.acquire().await();
      pid(first);
      habit.accept(first);
      first.close();
      try (PgConnection next = pool.acquire().await()) {
        assertThat(next.isInTransaction()).isFalse();
        next.execute("DO $$ BEGIN RAISE NOTICE 'for the next one'; END $$").await();
        next.execute("SET application_name = 'next'").await();
        String held = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE $1";
        assertThat(next.fetchValue(long.class, held, "SELECT 'held%").await()).isZero();
      }
      close();
    }
    assertThat(heard).isEmpty();
  }

  @Test
  void whoBorrowsHearsNothingOfTheResetAfterTheOneBefore() {
    open(config().maxSize(1));
    List<Object> heard = new CopyOnWriteArrayList<>();
    for (int i = 0; i < 100; i++) {
      PgConnection first = pool.acquire().await();
      first.execute("SET application_name = 'first'").await();
      first.close();
      try (PgConnection next = pool.acquire().await()) {
        next.addParameterListener(heard::add);
        assertThat(next.fetchValue(String.class, "SHOW application_name").await()).isEmpty();
      }
    }
    assertThat(heard).isEmpty();
  }

  /**
   * A thread asks something of a handle while another gives it back: it is answered before, or it
   * is refused. It never runs for the next borrower.
   */
  @Test
  void whoAsksTooLateIsRefusedAndNeverHeardByTheNextBorrower() throws Exception {
    open(config().maxSize(1));
    AtomicInteger refused = new AtomicInteger();
    AtomicInteger answered = new AtomicInteger();
    for (int i = 0; i < 2_000; i++) {
      PgConnection first = pool.acquire().await();
      pid(first);
      CountDownLatch together = new CountDownLatch(2);
      Thread late =
          new Thread(
              () -> {
                together.countDown();
                while (together.getCount() > 0) {
                  Thread.onSpinWait();
                }
                try {
                  first.execute("SET application_name = 'stray'").await();
                  answered.incrementAndGet();
                } catch (IllegalStateException tooLate) {
                  refused.incrementAndGet();
                }
              });
      late.start();
      together.countDown();
      while (together.getCount() > 0) {
        Thread.onSpinWait();
      }
      for (int spins = i % 100; spins > 0; spins--) {
        Thread.onSpinWait(); // now earlier, now later
      }
      first.close();
      try (PgConnection next = pool.acquire().await()) {
        late.join();
        assertThat(next.fetchValue(String.class, "SHOW application_name").await())
            .isNotEqualTo("stray");
      }
    }
    assertThat(refused.get() + answered.get()).isEqualTo(2_000);
  }

  @Test
  void aHandleThatWasGivenBackRefusesWhateverIsAskedOfIt() {
    open(config().maxSize(1));
    PgConnection connection = pool.acquire().await();
    PgStatement statement = connection.prepare("SELECT 1").await();
    RowStream stream = connection.stream("SELECT 1");
    PgConnection view = connection.withTimeout(Duration.ofSeconds(5));
    PgTransaction transaction = connection.begin().await();
    connection.close();
    assertThat(connection.isClosed()).isTrue();
    assertThat(connection.isInTransaction()).isFalse();
    try (PgConnection next = pool.acquire().await()) {
      List<PgFuture<?>> refused =
          List.of(
              connection.fetch("SELECT 1"),
              connection.execute("SELECT 1"),
              connection.prepare("SELECT 1"),
              connection.begin(),
              connection.reset(),
              connection.addListener("channel", notification -> {}),
              view.fetch("SELECT 1"),
              statement.fetch(),
              transaction.fetch("SELECT 1"),
              connection.transaction(inside -> inside.execute("SELECT 1")));
      for (PgFuture<?> one : refused) {
        assertThatThrownBy(one::await)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("given back to its pool");
      }
      assertThatThrownBy(() -> stream.iterator().next())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("given back to its pool");
      assertThatThrownBy(() -> connection.addNoticeListener(notice -> {}))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(connection::settings).isInstanceOf(IllegalStateException.class);
      connection.close();
      connection.terminate();
      transaction.close();
      statement.close();
      assertThat(next.isClosed()).isFalse();
      assertThat(next.isInTransaction()).isFalse();
      assertThat(next.fetchValue(int.class, "SELECT 7").await()).isEqualTo(7);
    }
  }

  @Test
  void theNextBorrowerFindsTheSessionAsGoodAsNew() {
    open(config().maxSize(1));
    PgConnection first = pool.acquire().await();
    int process = pid(first);
    first.execute("SET work_mem = '77MB'").await();
    first.execute("LISTEN somewhere").await();
    first.execute("SELECT pg_advisory_lock(4711)").await();
    first.execute("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; COMMIT").await();
    PgTransaction open = first.begin().await();
    open.execute("CREATE TABLE never_committed (i int)").await();
    first.close();
    try (PgConnection next = pool.acquire().await()) {
      assertThat(pid(next)).isEqualTo(process);
      assertThat(next.fetchValue(String.class, "SHOW work_mem").await()).isNotEqualTo("77MB");
      assertThat(next.fetch("SELECT * FROM pg_listening_channels()").await()).isEmpty();
      assertThat(next.fetch("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").await())
          .isEmpty();
      assertThat(next.fetch("SELECT 1 FROM pg_cursors WHERE name = 'c'").await()).isEmpty();
      assertThat(
              next.fetchValue(String.class, "SELECT to_regclass('never_committed')::text").await())
          .isNull();
      assertThat(next.isInTransaction()).isFalse();
    }
  }

  @Test
  void theRoleOfOneBorrowerIsNotTheNextOnes() {
    open(config().maxSize(1));
    pool.execute("DROP ROLE IF EXISTS borrowed_role; CREATE ROLE borrowed_role").await();
    String began = pool.fetchValue(String.class, "SELECT current_user::text").await();
    for (String taken :
        List.of(
            "SET ROLE borrowed_role",
            "SET SESSION AUTHORIZATION borrowed_role",
            "SELECT set_config('role', 'borrowed_role', false)")) {
      try (PgConnection borrowed = pool.acquire().await()) {
        borrowed.fetch(taken).await();
        assertThat(borrowed.fetchValue(String.class, "SELECT current_user::text").await())
            .isEqualTo("borrowed_role");
      }
      assertThat(pool.fetchValue(String.class, "SELECT current_user::text").await())
          .as(taken)
          .isEqualTo(began);
    }
    pool.execute("DROP ROLE borrowed_role").await();
  }

  @Test
  void whatWasAskedBeforeAConnectionIsGivenBackIsStillDone() {
    open(config().maxSize(1));
    PgConnection first = pool.acquire().await();
    PgFuture<Integer> late = first.fetchValue(int.class, "SELECT 5 FROM pg_sleep(0.1)");
    first.close();
    assertThat(pool.fetchValue(int.class, "SELECT 6").await()).isEqualTo(6);
    assertThat(late.await()).isEqualTo(5);
  }

  @Test
  void everyCallOnThePoolBorrowsAConnectionForItself() {
    open(config().maxSize(2));
    pool.execute("DROP TABLE IF EXISTS pool_calls; CREATE TABLE pool_calls (i int PRIMARY KEY)")
        .await();
    pool.executeMany("INSERT INTO pool_calls VALUES ($1)", List.of(List.of(1), List.of(2))).await();
    assertThat(pool.fetch("SELECT i FROM pool_calls").await()).hasSize(2);
    assertThat(pool.fetch(Integer.class, "SELECT i FROM pool_calls ORDER BY i").await())
        .containsExactly(1, 2);
    assertThat(
            pool.fetch(
                    Collectors.summingInt((Row row) -> row.getInt(0)), "SELECT i FROM pool_calls")
                .await())
        .isEqualTo(3);
    assertThat(pool.fetchRow("SELECT i FROM pool_calls WHERE i = $1", 2).await()).isPresent();
    assertThat(
            pool.fetchMany("INSERT INTO pool_calls VALUES ($1) RETURNING i", List.of(List.of(3)))
                .await())
        .hasSize(1);
    assertThat(
            pool.transaction(
                    inside ->
                        inside
                            .execute("INSERT INTO pool_calls VALUES (4)")
                            .thenCompose(
                                done ->
                                    inside.fetchValue(
                                        long.class, "SELECT count(*) FROM pool_calls")))
                .await())
        .isEqualTo(4L);
    assertThatThrownBy(() -> pool.execute("INSERT INTO pool_calls VALUES ($1)", 4).await())
        .isInstanceOf(UniqueViolationException.class);
    assertThat(pool.withConnection(one -> one.fetchValue(int.class, "SELECT 9")).await())
        .isEqualTo(9);
    pool.execute("DROP TABLE pool_calls").await();
    assertThat(pool.stats().size()).isLessThanOrEqualTo(2);
  }

  @Test
  void aStreamKeepsItsConnectionToItsEnd() {
    open(config().maxSize(1).acquireTimeout(Duration.ofMillis(200)));
    Iterator<Row> rows = pool.stream("SELECT generate_series(1, 5000)").iterator();
    assertThat(rows.next().getInt(0)).isEqualTo(1);
    assertThatThrownBy(() -> pool.fetch("SELECT 1").await()).isInstanceOf(PgPoolException.class);
    int sum = 1;
    while (rows.hasNext()) {
      sum += rows.next().getInt(0);
    }
    assertThat(sum).isEqualTo(5000 * 5001 / 2);
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void aStreamThatIsClosedEarlyGivesItsConnectionBack() {
    open(config().maxSize(1));
    try (RowStream stream = pool.stream("SELECT generate_series(1, 1000000)").fetchSize(10)) {
      assertThat(stream.iterator().next().getInt(0)).isEqualTo(1);
    }
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void aSubscriberGetsTheRowsAndItsConnectionComesBack() throws Exception {
    open(config().maxSize(1));
    AtomicInteger rows = new AtomicInteger();
    CountDownLatch over = new CountDownLatch(1);
    pool.stream("SELECT generate_series(1, 3000)")
        .subscribe(
            new Flow.Subscriber<>() {
              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
              }

              @Override
              public void onNext(Row row) {
                rows.incrementAndGet();
              }

              @Override
              public void onError(Throwable failure) {
                over.countDown();
              }

              @Override
              public void onComplete() {
                over.countDown();
              }
            });
    assertThat(over.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(rows).hasValue(3000);
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void aStreamLeftUnreadEndsWhenItsConnectionIsGivenBack() {
    open(config().maxSize(1));
    PgConnection connection = pool.acquire().await();
    Iterator<Row> rows = connection.stream("SELECT generate_series(1, 1000000)").iterator();
    rows.next();
    connection.close();
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
    assertThatThrownBy(
            () -> {
              while (rows.hasNext()) {
                rows.next();
              }
            })
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("given back to its pool");
  }

  @Test
  void aStreamThatCannotBeOpenedGivesItsConnectionBackAndItsReaderIsTold() throws Exception {
    open(config().maxSize(1).acquireTimeout(Duration.ofSeconds(5)));
    Object[] tooMany = new Object[70_000];
    RowStream iterated = pool.stream("SELECT 1", tooMany);
    assertThatThrownBy(iterated::iterator)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("70000 arguments");
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
    CompletableFuture<Throwable> told = new CompletableFuture<>();
    pool.copyRows("SELECT 1", tooMany)
        .subscribe(
            new Flow.Subscriber<>() {
              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(1);
              }

              @Override
              public void onNext(Row row) {
                told.completeExceptionally(new AssertionError("a row"));
              }

              @Override
              public void onError(Throwable failure) {
                told.complete(failure);
              }

              @Override
              public void onComplete() {
                told.completeExceptionally(new AssertionError("complete"));
              }
            });
    assertThat(told.get(20, TimeUnit.SECONDS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("70000 arguments");
    assertThat(pool.fetchValue(int.class, "SELECT 2").await()).isEqualTo(2);
  }

  @Test
  void theTimeOfACallCoversItsWaitForAConnection() {
    Duration most = Duration.ofSeconds(2);
    PgConfig bounded =
        PgConfig.parse(TestServer.shared().dsn()).toBuilder().commandTimeout(most).build();
    open(config().connection(bounded).maxSize(1).acquireTimeout(Duration.ofSeconds(20)));
    PgConnection held = pool.acquire().await();
    PgFuture<?> transaction = pool.transaction(tx -> tx.fetch("SELECT 1"));
    assertThatThrownBy(() -> pool.stream("SELECT 1").iterator())
        .isInstanceOf(PgTimeoutException.class)
        .hasMessageContaining("no connection within PT2S");
    assertThatThrownBy(transaction::await)
        .isInstanceOf(PgTimeoutException.class)
        .hasMessageContaining("no connection within PT2S");
    held.close();
    // Together longer than that: each statement has its own time.
    String sleep = "SELECT pg_sleep(1.2)";
    pool.transaction(tx -> tx.execute(sleep).thenCompose(done -> tx.execute(sleep))).await();
  }

  @Test
  void whatAStreamHasWaitedForItsConnectionItsFirstRowsDoNotHave() {
    open(config().maxSize(1));
    PgPool bounded = pool.withTimeout(Duration.ofSeconds(2));
    PgConnection held = pool.acquire().await();
    held.execute("SELECT pg_sleep(1.5)");
    long begun = System.nanoTime();
    held.close();
    assertThatThrownBy(() -> bounded.stream("SELECT 1, pg_sleep(30)").iterator().next())
        .isInstanceOf(PgTimeoutException.class);
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofMillis(3300));
  }

  @Test
  void theRowsOfAStreamThatComeLaterHaveTheWholeTimeAgain() {
    open(config().maxSize(1));
    PgConnection held = pool.acquire().await();
    held.execute("SELECT pg_sleep(1.2)");
    held.close();
    Iterator<Row> rows =
        pool.withTimeout(Duration.ofSeconds(2)).stream(
                "SELECT 1 UNION ALL SELECT 2 FROM pg_sleep(1.4)")
            .fetchSize(1)
            .iterator();
    assertThat(rows.next().getInt(0)).isEqualTo(1);
    assertThat(rows.next().getInt(0)).isEqualTo(2);
    assertThat(rows.hasNext()).isFalse();
  }

  @Test
  void copiesOnThePoolBorrowAConnection() {
    open(config().maxSize(1));
    pool.execute("DROP TABLE IF EXISTS pool_copy; CREATE TABLE pool_copy (i int, t text)").await();
    pool.copyRecordsToTable(
            "pool_copy", List.of("i", "t"), List.of(List.of(1, "a"), List.of(2, "b")))
        .await();
    List<String> read = new ArrayList<>();
    for (Row row : pool.copyRows("SELECT t FROM pool_copy ORDER BY i")) {
      read.add(row.getString(0));
    }
    assertThat(read).containsExactly("a", "b");
    pool.execute("DROP TABLE pool_copy").await();
  }

  @Test
  void aConnectionGivenBackInTheMiddleOfACopyIsReplaced() {
    open(config().maxSize(1));
    pool.execute("DROP TABLE IF EXISTS half_copied; CREATE TABLE half_copied (i int)").await();
    PgConnection connection = pool.acquire().await();
    int process = pid(connection);
    PgFuture<?> copy =
        connection.copyRecordsToTable(
            "half_copied",
            List.of("i"),
            (Flow.Publisher<Object>)
                subscriber ->
                    subscriber.onSubscribe(
                        new Flow.Subscription() {
                          @Override
                          public void request(long rows) {
                            subscriber.onNext(List.of(1)); // and never another
                          }

                          @Override
                          public void cancel() {}
                        }));
    connection.close();
    assertThatThrownBy(copy::await).isInstanceOf(PgConnectionException.class);
    assertThat(pool.fetchValue(int.class, "SELECT pg_backend_pid()").await()).isNotEqualTo(process);
    assertThat(pool.fetch("SELECT * FROM half_copied").await()).isEmpty();
    assertThat(pool.stats().closed()).containsEntry(CloseReason.STATE, 1L);
    pool.execute("DROP TABLE half_copied").await();
  }

  /** Gives so many rows, and never says that there are no more. */
  private static Flow.Publisher<Object> rows(int count, CountDownLatch cancelled) {
    return subscriber ->
        subscriber.onSubscribe(
            new Flow.Subscription() {
              private int left = count;

              @Override
              public void request(long rows) {
                while (left > 0) {
                  subscriber.onNext(List.of(left--));
                }
              }

              @Override
              public void cancel() {
                cancelled.countDown();
              }
            });
  }

  @Test
  void aBatchWhoseRowsDoNotComeAnyMoreEndsAfterItsConnectionWasGivenBack() throws Exception {
    open(config().maxSize(1).resetTimeout(Duration.ofMillis(500)));
    pool.execute("DROP TABLE IF EXISTS half_batched; CREATE TABLE half_batched (i int)").await();
    PgConnection connection = pool.acquire().await();
    int process = pid(connection);
    CountDownLatch cancelled = new CountDownLatch(2);
    PgFuture<?> silent =
        connection.executeMany("INSERT INTO half_batched VALUES ($1)", rows(0, cancelled));
    PgFuture<?> falters =
        connection.executeMany("INSERT INTO half_batched VALUES ($1)", rows(3, cancelled));
    PgFuture<?> all =
        connection.executeMany(
            "INSERT INTO half_batched VALUES ($1)",
            (Iterable<List<Integer>>) () -> List.of(List.of(7)).iterator());
    connection.close();
    assertThatThrownBy(() -> silent.get(20, TimeUnit.SECONDS))
        .hasRootCauseInstanceOf(IllegalStateException.class)
        .hasMessageContaining("given back to its pool")
        .hasMessageContaining("row 0 ");
    assertThatThrownBy(() -> falters.get(20, TimeUnit.SECONDS))
        .hasRootCauseInstanceOf(IllegalStateException.class)
        .hasMessageContaining("row 3 ");
    all.get(20, TimeUnit.SECONDS);
    assertThat(cancelled.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(pool.fetchValue(int.class, "SELECT pg_backend_pid()").await()).isEqualTo(process);
    assertThat(pool.fetch(int.class, "SELECT i FROM half_batched").await()).containsExactly(7);
    pool.execute("DROP TABLE half_batched").await();
  }

  @Test
  void codecsRegisteredByABorrowerGoWithHimAndThoseOfInitStay() {
    open(
        config()
            .minSize(0)
            .maxSize(1)
            .init(
                connection ->
                    connection.registerCodec(
                        "pg_catalog", "int8", BuiltinTypes.TEXT, Format.TEXT)));
    PgConnection first = pool.acquire().await();
    assertThat(first.fetchValue(Object.class, "SELECT 5::int8").await()).isEqualTo("5");
    first.registerCodec("pg_catalog", "int4", BuiltinTypes.TEXT, Format.TEXT).await();
    assertThat(first.fetchValue(Object.class, "SELECT 6::int4").await()).isEqualTo("6");
    first.close();
    try (PgConnection second = pool.acquire().await()) {
      assertThat(second.fetchValue(Object.class, "SELECT 5::int8").await()).isEqualTo("5");
      assertThat(second.fetchValue(Object.class, "SELECT 6::int4").await()).isEqualTo(6);
    }
  }

  @Test
  void whoWaitsTooLongIsToldWhy() {
    open(
        config()
            .maxSize(1)
            .acquireTimeout(Duration.ofMillis(150))
            .leakThreshold(Duration.ofMinutes(1)));
    try (PgConnection held = pool.acquire().await()) {
      assertThatThrownBy(() -> pool.fetch("SELECT 'wanted'").await())
          .isInstanceOf(PgPoolException.class)
          .hasMessageContaining("1 of at most 1 connections are lent")
          .hasMessageContaining("PoolTest.whoWaitsTooLongIsToldWhy")
          .hasMessageContaining("SELECT 'wanted'")
          .satisfies(
              failure ->
                  assertThat(((PgPoolException) failure).retrySafety())
                      .isEqualTo(RetrySafety.NOT_SENT));
      assertThatThrownBy(() -> pool.withTimeout(Duration.ofMillis(50)).fetch("SELECT 1").await())
          .isInstanceOf(PgTimeoutException.class)
          .hasMessageContaining("no connection within PT0.05S");
      assertThat(held.isClosed()).isFalse();
    }
    assertThat(pool.stats().timedOut()).isEqualTo(2);
    assertThat(pool.stats().waiting()).isZero();
  }

  @Test
  void oneMoreThanMayWaitIsRefusedAtOnce() {
    open(config().maxSize(1).maxWaiting(1));
    try (PgConnection held = pool.acquire().await()) {
      PgFuture<PgConnection> waiting = pool.acquire();
      assertThatThrownBy(() -> pool.acquire().await())
          .isInstanceOf(PgPoolException.class)
          .hasMessageContaining("maxWaiting, 1");
      waiting.cancel(true);
      assertThat(held.isClosed()).isFalse();
    }
    assertThat(pool.stats().rejected()).isEqualTo(1);
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void thoseWhoWaitAreServedInTheirOrder() {
    open(config().maxSize(1));
    PgConnection held = pool.acquire().await();
    List<Integer> order = new ArrayList<>();
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      int number = i;
      all.add(
          pool.acquire()
              .thenAccept(
                  connection -> {
                    order.add(number);
                    connection.close();
                  }));
    }
    held.close();
    CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).join();
    assertThat(order).isSorted().hasSize(20);
  }

  @Test
  void anExecutorThatThrowsKeepsNobodyFromHisConnection() throws Exception {
    AtomicInteger thrown = new AtomicInteger();
    PgConfig odd =
        PgConfig.parse(TestServer.shared().dsn()).toBuilder()
            .completionExecutor(
                task -> {
                  if (thrown.getAndIncrement() % 2 == 0) {
                    throw new OutOfMemoryError("unable to create native thread");
                  }
                  throw new IllegalStateException("no thread is left");
                })
            .build();
    open(PoolConfig.builder().connection(odd).maxSize(1));
    PgConnection held = pool.acquire().get(20, TimeUnit.SECONDS);
    for (int i = 0; i < 2; i++) {
      PgFuture<PgConnection> waits = pool.acquire();
      held.close();
      held = waits.get(20, TimeUnit.SECONDS);
    }
    held.close();
    assertThat(thrown).hasValueGreaterThan(2);
  }

  @Test
  void hooksRunWhenAConnectionIsOpenedLentAndGivenBack() {
    // The last reset runs on the event loop when close() has returned, beside the assertion.
    List<String> told = new CopyOnWriteArrayList<>();
    open(
        config()
            .minSize(0)
            .maxSize(1)
            .init(
                connection -> {
                  told.add("init");
                  return connection.execute("CREATE TEMP TABLE made_by_init (i int)");
                })
            .setup(
                connection -> {
                  told.add("setup");
                  return connection.execute("SET work_mem = '33MB'");
                })
            .reset(
                connection -> {
                  told.add("reset");
                  return connection.execute("SET work_mem = '44MB'");
                }));
    PgConnection connection = pool.acquire().await();
    assertThat(connection.fetchValue(String.class, "SHOW work_mem").await()).isEqualTo("33MB");
    assertThat(connection.fetch("SELECT * FROM made_by_init").await()).isEmpty();
    connection.close();
    connection.closed().await();
    pool.acquire().await().close();
    assertThat(told).startsWith("init", "setup", "reset", "setup");
  }

  @Test
  void theUsualResetMayBeAskedForAfterWhateverWasRun() {
    open(config().minSize(0).maxSize(1).reset(PgConnection::reset));
    for (int round = 0; round < 3; round++) {
      PgConnection first = pool.acquire().await();
      assertThat(first.fetchValue(String.class, "SHOW work_mem").await()).isNotEqualTo("77MB");
      first.execute("SET work_mem = '77MB'").await();
      first.close();
    }
    pool.acquire().await().close(); // and nothing was run
    assertThat(pool.fetchValue(String.class, "SHOW work_mem").await()).isNotEqualTo("77MB");
    assertThat(pool.stats().created()).isEqualTo(1);
  }

  @Test
  void aSetupThatFailsFailsTheBorrowerAndTheConnectionGoes() {
    AtomicInteger calls = new AtomicInteger();
    open(
        config()
            .maxSize(1)
            .setup(
                connection ->
                    connection.execute(calls.incrementAndGet() == 1 ? "SELECT 1/0" : "SELECT 1")));
    assertThatThrownBy(() -> pool.acquire().await())
        .isInstanceOf(PgPoolException.class)
        .hasMessageContaining("division by zero");
    pool.acquire().await().close();
    assertThat(pool.stats().closed()).containsEntry(CloseReason.HOOK, 1L);
  }

  /** The first call does not end, the others do at once. */
  private static Function<PgConnection, CompletionStage<?>> hangsAtFirst() {
    AtomicBoolean called = new AtomicBoolean();
    return connection ->
        called.getAndSet(true)
            ? CompletableFuture.completedFuture(null)
            : new CompletableFuture<Void>();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aSetupThatDoesNotEndCostsItsBorrowerNoMoreThanHisTime(boolean withTimeout) {
    open(
        config()
            .maxSize(1)
            .acquireTimeout(withTimeout ? Duration.ofMinutes(10) : Duration.ofMillis(100))
            .setup(hangsAtFirst()));
    pool.ready().await();
    PgPool view = withTimeout ? pool.withTimeout(Duration.ofMillis(100)) : pool;
    assertThatThrownBy(() -> view.fetch("SELECT 'wanted'").await())
        .isInstanceOf(withTimeout ? PgTimeoutException.class : PgPoolException.class)
        .hasMessageContaining("no connection within PT0.1S: the pool's setup has not ended")
        .hasMessageContaining("SELECT 'wanted'");
    Eventually.isTrue(() -> pool.stats().idle() == 1); // another one
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
    assertThat(pool.stats().timedOut()).isEqualTo(1);
    assertThat(pool.stats().closed()).isEqualTo(Map.of(CloseReason.HOOK, 1L));
  }

  @Test
  void whoGivesUpDuringASetupKeepsNobodyFromTheConnection() {
    open(config().maxSize(1).acquireTimeout(Duration.ofMinutes(10)).setup(hangsAtFirst()));
    pool.ready().await();
    PgFuture<PgConnection> givesUp = pool.acquire();
    givesUp.cancel(true);
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
    assertThat(pool.stats().cancelled()).isEqualTo(1);
    assertThat(pool.stats().closed()).isEqualTo(Map.of(CloseReason.HOOK, 1L));
  }

  @Test
  void whoeverWaitsForASetupIsToldWhenItsConnectionEnds() {
    open(config().maxSize(1).setup(hangsAtFirst()));
    pool.ready().await();
    PgFuture<PgConnection> waits = pool.acquire();
    pool.terminate();
    assertThatThrownBy(waits::await)
        .isInstanceOf(PgPoolException.class)
        .hasMessageContaining("the pool's setup failed")
        .hasMessageContaining("terminated by this side");
  }

  @Test
  void aResetThatDoesNotEndHasResetTimeout() {
    open(
        config()
            .maxSize(1)
            .acquireTimeout(Duration.ofMinutes(10))
            .resetTimeout(Duration.ofMillis(100))
            .reset(hangsAtFirst()));
    int process = pool.fetchValue(int.class, "SELECT pg_backend_pid()").await();
    assertThat(pool.fetchValue(int.class, "SELECT pg_backend_pid()").await()).isNotEqualTo(process);
    assertThat(pool.stats().closed()).isEqualTo(Map.of(CloseReason.HOOK, 1L));
  }

  @Test
  void anInitThatDoesNotEndHasConnectTimeoutAndAnotherIsTried() {
    PgConfig quick =
        PgConfig.parse(TestServer.shared().dsn()).toBuilder()
            .connectTimeout(Duration.ofSeconds(1))
            .build();
    open(
        PoolConfig.builder()
            .connection(quick)
            .maxSize(1)
            .acquireTimeout(Duration.ofMinutes(10))
            .init(hangsAtFirst()));
    PgFuture<PgConnection> waits = pool.acquire();
    assertThatThrownBy(() -> pool.ready().await())
        .hasMessageContaining("the pool's init failed for a new connection: it has not ended in")
        .hasMessageContaining("connectTimeout");
    waits.await().close();
  }

  @Test
  void aPoolThatIsClosedBeforeItIsReadyNeverIs() {
    open(config().minSize(1).connect(CompletableFuture::new)); // which comes up with nothing, ever
    PgFuture<Void> ready = pool.ready();
    pool.close();
    assertThatThrownBy(ready::await)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the pool is closed");
    assertThatThrownBy(() -> pool.ready().await()).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aHookThatThrowsAnErrorOrReturnsNothingFailsTheBorrowerAndLosesNoPlace() {
    AtomicInteger calls = new AtomicInteger();
    open(
        config()
            .minSize(0)
            .maxSize(1)
            .setup(
                connection -> {
                  switch (calls.incrementAndGet()) {
                    case 1 -> throw new StackOverflowError("too deep");
                    case 2 -> {
                      return null;
                    }
                    default -> {
                      return connection.execute("SELECT 1");
                    }
                  }
                }));
    assertThatThrownBy(() -> pool.acquire().await())
        .isInstanceOf(PgPoolException.class)
        .hasMessageContaining("too deep")
        .hasRootCauseInstanceOf(StackOverflowError.class);
    assertThatThrownBy(() -> pool.acquire().await())
        .isInstanceOf(PgPoolException.class)
        .hasMessageContaining("the pool's setup returned null in place of a stage");
    pool.acquire().await().close();
  }

  @Test
  void aConnectThatComesUpWithNothingIsTold() {
    AtomicInteger calls = new AtomicInteger();
    open(
        config()
            .minSize(0)
            .maxSize(1)
            .connect(
                () ->
                    switch (calls.incrementAndGet()) {
                      case 1 -> null;
                      case 2 -> CompletableFuture.completedFuture(null);
                      case 3 -> throw new NoClassDefFoundError("theirs");
                      default -> PgConnection.connect(TestServer.shared().dsn());
                    }));
    for (String words :
        List.of("the pool's connect returned null", "came up with null", "theirs")) {
      assertThatThrownBy(() -> pool.acquire().await())
          .isInstanceOf(PgPoolException.class)
          .hasMessageContaining(words);
    }
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void anInitThatFailsIsToldToWhoWaits() {
    open(config().minSize(0).init(connection -> connection.execute("SELECT 1/0")));
    assertThatThrownBy(() -> pool.acquire().await())
        .isInstanceOf(PgPoolException.class)
        .hasMessageContaining("division by zero");
  }

  @Test
  void aConnectionIsReplacedAfterItsQueries() {
    open(config().minSize(0).maxSize(1).maxQueries(3));
    List<Integer> processes = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      processes.add(pool.fetchValue(int.class, "SELECT pg_backend_pid()").await());
    }
    assertThat(processes.get(0)).isEqualTo(processes.get(2)).isNotEqualTo(processes.get(3));
    assertThat(pool.stats().closed().get(CloseReason.QUERIES)).isGreaterThanOrEqualTo(1L);
  }

  @Test
  void drainReplacesEveryConnection() {
    open(config().minSize(2).maxSize(3));
    pool.ready().await();
    PgConnection held = pool.acquire().await();
    int process = pid(held);
    PgFuture<Void> drained = pool.drain();
    assertThat(pid(held)).isEqualTo(process);
    assertThat(drained).isNotDone();
    held.close();
    drained.await();
    assertThat(pool.stats().closed()).containsEntry(CloseReason.EXPIRED, 2L);
    pool.ready().await();
    assertThat(pool.stats().size()).isBetween(2, 3);
  }

  @Test
  void expiredConnectionsAreReplacedAsTheyComeBack() {
    open(config().minSize(1).maxSize(1));
    PgConnection held = pool.acquire().await();
    int process = pid(held);
    pool.expireConnections();
    assertThat(pid(held)).isEqualTo(process);
    held.close();
    assertThat(pool.fetchValue(int.class, "SELECT pg_backend_pid()").await()).isNotEqualTo(process);
    assertThat(pool.stats().closed()).containsEntry(CloseReason.EXPIRED, 1L);
  }

  @Test
  void aHookMayOpenTheConnections() {
    AtomicInteger opened = new AtomicInteger();
    PgConfig where = PgConfig.parse(TestServer.shared().dsn());
    open(
        config()
            .minSize(0)
            .maxSize(2)
            .connect(
                () -> {
                  opened.incrementAndGet();
                  return PgConnection.connect(where);
                }));
    try (PgConnection one = pool.acquire().await();
        PgConnection two = pool.acquire().await()) {
      assertThat(pid(one)).isNotEqualTo(pid(two));
    }
    assertThat(opened).hasValue(2);
  }

  @Test
  void twoFlowsOnOneHandleArePipelinedAndEachGetsItsOwnAnswers() throws Exception {
    open(config().minSize(0).maxSize(1));
    try (PgConnection shared = pool.acquire().await()) {
      AtomicInteger right = new AtomicInteger();
      List<Thread> flows = new ArrayList<>();
      for (int flow = 0; flow < 2; flow++) {
        int offset = 1_000_000 * flow;
        Thread thread =
            new Thread(
                () -> {
                  for (int i = 0; i < 500; i++) {
                    int wanted = offset + i;
                    if (shared.fetchValue(int.class, "SELECT $1::int", wanted).await() == wanted) {
                      right.incrementAndGet();
                    }
                  }
                });
        thread.start();
        flows.add(thread);
      }
      for (Thread flow : flows) {
        flow.join();
      }
      assertThat(right).hasValue(1000);
    }
  }

  @Test
  void terminateEndsWhatIsUnderWay() {
    open(config().minSize(0).maxSize(1));
    PgConnection held = pool.acquire().await();
    PgFuture<?> underWay = held.fetch("SELECT pg_sleep(60)");
    PgFuture<PgConnection> waiting = pool.acquire();
    pool.terminate();
    assertThatThrownBy(underWay::await).isInstanceOf(PgConnectionException.class);
    assertThatThrownBy(waiting::await).isInstanceOf(PgPoolException.class);
    pool.closed().await();
    assertThat(held.isClosed()).isTrue();
    TestServer.shared().endSession(held.serverPid());
  }

  @Test
  void aPoolGrowsAndShrinksWhileItIsUsed() {
    open(config().minSize(1).maxSize(1));
    PgConnection first = pool.acquire().await();
    PgFuture<PgConnection> second = pool.acquire();
    assertThat(second).isNotDone();
    pool.resize(0, 2);
    second.await().close();
    first.close();
    pool.resize(0, 1);
    pool.acquire().await().close();
    assertThat(pool.stats().size()).isLessThanOrEqualTo(2);
    assertThatThrownBy(() -> pool.resize(3, 2)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aClosedPoolLendsNothingAndWaitsForItsBorrowers() {
    open(config().maxSize(1));
    PgConnection held = pool.acquire().await();
    PgFuture<PgConnection> waiting = pool.acquire();
    pool.close();
    pool.close();
    assertThatThrownBy(waiting::await)
        .isInstanceOf(PgPoolException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> pool.fetch("SELECT 1").await())
        .isInstanceOf(IllegalStateException.class);
    assertThat(pool.closed()).isNotDone();
    assertThat(pid(held)).isPositive();
    held.close();
    pool.closed().await();
    assertThat(pool.stats().size()).isZero();
  }

  @Test
  void borrowersOfAClosedPoolHaveABoundedTime() {
    open(config().maxSize(1).closeTimeout(Duration.ofMillis(100)));
    PgConnection held = pool.acquire().await();
    pool.close();
    pool.closed().await();
    assertThat(held.isClosed()).isTrue();
  }

  @Test
  void whatAnAttemptBringsToAPoolThatIsClosedIsClosed() throws Exception {
    CompletableFuture<PgConnection> slow = new CompletableFuture<>();
    open(config().connect(() -> slow));
    pool.close();
    pool.closed().await(); // nobody knows how slow it is
    PgConnection late = PgConnection.connect(TestServer.shared().dsn()).await();
    assertThat(slow.complete(late)).isTrue();
    late.closed().get(20, TimeUnit.SECONDS);
  }

  @Test
  void aPoolThatIsClosedDuringAnInitEnds() throws Exception {
    CompletableFuture<Integer> process = new CompletableFuture<>();
    open(
        config()
            .init(
                connection -> {
                  PgFuture<?> asked = connection.execute("SELECT pg_sleep(60)");
                  process.complete(connection.serverPid());
                  return asked;
                }));
    int sleeping = process.join();
    pool.close();
    pool.closed().get(20, TimeUnit.SECONDS);
    TestServer.shared().endSession(sleeping);
  }

  @Test
  void cancellingACallGivesItsConnectionBack() {
    open(config().maxSize(1));
    PgFuture<?> sleeping = pool.fetch("SELECT pg_sleep(60)");
    sleeping.cancel(true);
    assertThatThrownBy(sleeping::await).isInstanceOf(CancellationException.class);
    assertThat(pool.fetchValue(int.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void aConnectionThatTheServerEndedIsReplaced() {
    open(config().maxSize(2));
    int process = pool.fetchValue(int.class, "SELECT pg_backend_pid()").await();
    TestServer.shared().killSession(process);
    Eventually.isTrue(() -> pool.stats().closed().containsKey(CloseReason.LOST));
    assertThat(pool.fetchValue(int.class, "SELECT pg_backend_pid()").await()).isNotEqualTo(process);
  }

  @Test
  void theNumbersAddUp() {
    open(config().minSize(1).maxSize(2));
    pool.ready().await();
    try (PgConnection held = pool.acquire().await()) {
      assertThat(pool.stats().active()).isEqualTo(1);
      assertThat(held.isClosed()).isFalse();
    }
    PoolStats stats = pool.stats();
    assertThat(stats.acquireTimes().stream().mapToLong(Long::longValue).sum())
        .isEqualTo(stats.acquired())
        .isEqualTo(1);
    assertThat(stats.size()).isEqualTo(1);
    assertThat(stats.minSize()).isEqualTo(1);
    assertThat(stats.maxSize()).isEqualTo(2);
    assertThat(stats.acquiredAfterWait()).isZero();
    assertThat(stats.closed()).isEmpty();
    PgConnection one = pool.acquire().await();
    PgConnection two = pool.acquire().await();
    PgFuture<PgConnection> waits = pool.acquire();
    PgFuture<PgConnection> givesUp = pool.acquire();
    assertThat(pool.stats().waiting()).isEqualTo(2);
    givesUp.cancel(true);
    one.close();
    waits.await().close();
    two.terminate();
    Eventually.isTrue(() -> pool.stats().closed().containsKey(CloseReason.TERMINATED));
    stats = pool.stats();
    assertThat(stats.acquired()).isEqualTo(4);
    // The first may have waited for the one on its way back, the second for one to be opened.
    assertThat(stats.acquiredAfterWait()).isBetween(1L, 3L);
    assertThat(stats.cancelled()).isEqualTo(1);
    assertThat(stats.waiting()).isZero();
    assertThat(stats.created()).isGreaterThanOrEqualTo(2);
    assertThat(stats.acquireTimes()).hasSize(PoolStats.ACQUIRE_TIME_BOUNDS.size() + 1);
  }

  @Test
  void waitingForThePoolOnAnEventLoopIsRefused() throws IOException {
    open(config());
    try (ServerSocket silent = new ServerSocket(0)) {
      String dsn = "postgresql://nobody@localhost:" + silent.getLocalPort() + "/nothing";
      PgPool neverReady =
          PgPool.create(
              PoolConfig.builder().connection(PgConfig.parse(dsn)).minSize(1).maxSize(1).build());
      List<Supplier<PgFuture<?>>> ends =
          List.of(() -> neverReady.ready(), () -> pool.drain(), () -> pool.closed());
      for (Supplier<PgFuture<?>> end : ends) {
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        try (PgConnection connection = pool.acquire().await()) {
          connection.addNoticeListener(
              notice -> {
                try {
                  end.get().await();
                  thrown.complete(null);
                } catch (RuntimeException refused) {
                  thrown.complete(refused);
                }
              });
          connection.execute("DO $$ BEGIN RAISE NOTICE 'now'; END $$").await();
        }
        assertThat(thrown.join())
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("event loop");
      }
      neverReady.terminate();
      neverReady.closed().await();
    }
  }
}
