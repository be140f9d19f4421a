package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.QueryCanceledException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.UniqueViolationException;
import io.asyncpg.testkit.FaultyProxy;
import io.asyncpg.testkit.TestServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything that goes wrong with COPY. After each the connection answers, and another session sees
 * nothing half-written.
 */
class CopyFailureTest {
  private static final CopyOptions ID = CopyOptions.text().columns("id");

  private PgConnection connection;
  private PgConnection witness;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    witness = PgConnection.connect(TestServer.shared().dsn()).await();
    witness
        .execute(
            "DROP TABLE IF EXISTS public.target;"
                + " CREATE TABLE public.target(id int4 PRIMARY KEY, name text)")
        .await();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
    assertThat(connection.isInTransaction()).isFalse();
    assertThat(witness.fetchValue(Long.class, "SELECT count(*) FROM public.target").await())
        .isZero();
    witness.execute("DROP TABLE public.target").await();
    for (PgConnection each : List.of(connection, witness)) {
      each.close();
      each.closed().await();
    }
  }

  /** Numbers without end, a line each, and who is told when it is over. */
  private static final class Numbers extends InputStream {
    final CountDownLatch closed = new CountDownLatch(1);
    final AtomicLong served = new AtomicLong();
    private final long badAt;
    private final IOException failure;
    private long next;

    Numbers(long badAt, IOException failure) {
      this.badAt = badAt;
      this.failure = failure;
    }

    @Override
    public int read() {
      throw new AssertionError("never byte by byte");
    }

    @Override
    public int read(byte[] to, int from, int length) throws IOException {
      StringBuilder lines = new StringBuilder();
      for (int i = 0; i < 1000; i++, next++) {
        if (next == badAt && failure != null) {
          throw failure;
        }
        lines.append(next == badAt ? "bad" : Long.toString(next)).append('\n');
      }
      byte[] bytes = lines.toString().getBytes(StandardCharsets.US_ASCII);
      System.arraycopy(bytes, 0, to, from, bytes.length);
      served.addAndGet(bytes.length);
      return bytes.length;
    }

    @Override
    public void close() {
      closed.countDown();
    }

    void awaitClosed() throws InterruptedException {
      assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  /** Rows without end, and what happens at one of them. */
  private static Iterable<Object[]> rows(int at, Runnable happens) {
    return () ->
        IntStream.iterate(0, i -> i + 1)
            .mapToObj(
                i -> {
                  if (i == at) {
                    happens.run();
                  }
                  return new Object[] {i, "name " + i};
                })
            .iterator();
  }

  private static Throwable failureOf(PgFuture<?> future) {
    return catchThrowable(future::await);
  }

  /** Waits until the session of {@link #connection} is in this state, as others see it. */
  private void awaitState(String condition) {
    String sql = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND (" + condition + ")";
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (witness.fetchValue(Long.class, sql, connection.serverPid()).await() == 0) {
      assertThat(System.nanoTime()).as("waiting for %s", condition).isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  private void awaitCopyRuns() {
    awaitState("state = 'active' AND query LIKE 'COPY%' AND wait_event = 'ClientRead'");
  }

  @Test
  void aLineTheServerRefusesStopsTheSourceAndIsNamed() throws Exception {
    Numbers numbers = new Numbers(30_000, null);
    assertThat(failureOf(connection.copyToTable("target", CopySource.from(numbers), ID)))
        .isInstanceOfSatisfying(
            PgServerException.class,
            said -> {
              assertThat(said.sqlState()).isEqualTo("22P02");
              assertThat(said.context()).contains("line 30001", "column id", "bad");
              assertThat(said.sql()).startsWith("COPY \"target\" (\"id\") FROM STDIN");
              assertThat(said.retrySafety()).isEqualTo(RetrySafety.ROLLED_BACK);
            });
    numbers.awaitClosed();
    // No more than what was under way: buffers of the two sockets, and what was read ahead.
    assertThat(numbers.served.get()).isLessThan(30_000_000);
  }

  @Test
  void aRowTheServerRefusesStopsTheIteratorAndIsNamed() {
    AtomicInteger asked = new AtomicInteger();
    Iterable<Object[]> duplicates =
        () ->
            IntStream.iterate(0, i -> i + 1)
                .mapToObj(i -> new Object[] {asked.getAndIncrement() % 20_000, "n"})
                .iterator();
    assertThat(failureOf(connection.copyRecordsToTable("target", List.of(), duplicates)))
        .isInstanceOfSatisfying(
            UniqueViolationException.class,
            said -> assertThat(said.context()).contains("line 20001"));
  }

  @Test
  void aValueThatDoesNotFitNamesRowColumnAndSql() {
    Iterable<List<Object>> misfit =
        () ->
            IntStream.iterate(0, i -> i + 1)
                .mapToObj(i -> List.<Object>of("n", i == 12_345 ? "x" : (Object) i))
                .iterator();
    assertThat(failureOf(connection.copyRecordsToTable("target", List.of("name", "id"), misfit)))
        .isInstanceOfSatisfying(
            PgCodecException.class,
            unfit -> {
              assertThat(unfit).hasMessageContaining("row 12345, column 1 (id, int4)");
              assertThat(unfit.sql()).contains("COPY \"target\" (\"name\", \"id\") FROM STDIN");
            });
    assertThat(
            failureOf(
                connection.copyRecordsToTable(
                    "target", List.of(), List.of(List.of(1, "a\0b"), List.of(2, "c")))))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("row 0, column 1 (name, text)")
        .hasMessageContaining("NUL");
  }

  @Test
  void aSourceThatThrowsIsTheCauseAndItsWordsAreCut() throws Exception {
    IOException fire = new IOException("disk on fire ".repeat(2000));
    Numbers numbers = new Numbers(50_000, fire);
    assertThat(failureOf(connection.copyToTable("target", CopySource.from(numbers), ID)))
        .isInstanceOfSatisfying(
            PgServerException.class,
            said -> {
              assertThat(said.serverMessage())
                  .startsWith("COPY from stdin failed: disk on fire disk on fire")
                  .hasSizeLessThan(600);
              assertThat(said.retrySafety()).isEqualTo(RetrySafety.ROLLED_BACK);
            })
        .hasCause(fire);
    numbers.awaitClosed();

    IllegalStateException dry = new IllegalStateException("the well is dry \0 \ud83d");
    assertThat(
            failureOf(
                connection.copyRecordsToTable(
                    "target",
                    List.of(),
                    rows(
                        10_000,
                        () -> {
                          throw dry;
                        }))))
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("the well is dry")
        .hasCause(dry);

    IllegalArgumentException refused = new IllegalArgumentException("not today");
    assertThat(
            failureOf(
                connection.copyToTable(
                    "target",
                    CopySource.from(
                        () -> {
                          throw refused;
                        }),
                    ID)))
        .hasCause(refused);
    assertThat(
            failureOf(
                connection.copyToTable(
                    "target", CopySource.from(() -> CompletableFuture.failedFuture(refused)), ID)))
        .hasCause(refused);
    assertThat(
            failureOf(connection.copyToTable("target", CopySource.from(Path.of("no", "such")), ID)))
        .hasCauseInstanceOf(NoSuchFileException.class);
  }

  @Test
  void aPublisherThatFailsIsTheCause() {
    try (SubmissionPublisher<Object[]> publisher = new SubmissionPublisher<>()) {
      PgFuture<CommandTag> copied = connection.copyRecordsToTable("target", List.of(), publisher);
      IntStream.range(0, 5000).forEach(i -> publisher.submit(new Object[] {i, "n"}));
      IllegalStateException gone = new IllegalStateException("gone");
      publisher.closeExceptionally(gone);
      assertThat(failureOf(copied)).isInstanceOf(PgServerException.class).hasCause(gone);
    }
  }

  record Broken(int id) {
    @Override
    public int id() {
      throw new IllegalStateException("no id");
    }
  }

  @Test
  void anAccessorThatThrowsIsTheCause() {
    assertThat(
            failureOf(
                connection.copyRecordsToTable("target", List.of("id"), List.of(new Broken(1)))))
        .hasCauseInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no id");
  }

  @Test
  void aTableOrColumnThatIsNotThereFailsBeforeTheSourceIsRead() throws Exception {
    AtomicInteger read = new AtomicInteger();
    assertThat(
            failureOf(
                connection.copyToTable(
                    "missing",
                    CopySource.from(
                        () -> {
                          read.incrementAndGet();
                          return CompletableFuture.completedFuture(null);
                        }),
                    ID)))
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("42P01");
    assertThat(read).hasValue(0);
    List<List<Integer>> one = List.of(List.of(1));
    assertThat(failureOf(connection.copyRecordsToTable("missing", List.of("id"), one)))
        .hasMessageContaining("42P01");
    assertThat(failureOf(connection.copyRecordsToTable("target", List.of("nonsense"), one)))
        .hasMessageContaining("42703")
        .hasMessageContaining("nonsense");
    Numbers numbers = new Numbers(-1, null);
    assertThat(failureOf(connection.copyToTable("missing", CopySource.from(numbers), ID)))
        .hasMessageContaining("42P01");
    numbers.awaitClosed();
  }

  @Test
  void aTimeoutEndsACopyIntoATable() throws Exception {
    PgConnection bounded = connection.withTimeout(Duration.ofMillis(300));
    Numbers endless = new Numbers(-1, null);
    assertThat(failureOf(bounded.copyToTable("target", CopySource.from(endless), ID)))
        .isInstanceOfSatisfying(
            PgTimeoutException.class, late -> assertThat(late.sql()).contains("COPY \"target\""));
    endless.awaitClosed();
    try (SubmissionPublisher<Object[]> silent = new SubmissionPublisher<>()) {
      assertThat(failureOf(bounded.copyRecordsToTable("target", List.of(), silent)))
          .isInstanceOf(PgTimeoutException.class);
      assertThat(connection.fetchValue(Integer.class, "SELECT 2").await()).isEqualTo(2);
      assertThat(silent.getNumberOfSubscribers()).isZero();
    }
  }

  @Test
  void aSourceThatNeverAnswersIsInterruptedWhenTheCopyIsCancelled() throws Exception {
    CountDownLatch interrupted = new CountDownLatch(1);
    Iterable<Object[]> stuck =
        () ->
            new Iterator<>() {
              @Override
              public boolean hasNext() {
                try {
                  new CountDownLatch(1).await();
                } catch (InterruptedException asked) {
                  interrupted.countDown();
                }
                return false;
              }

              @Override
              public Object[] next() {
                throw new AssertionError("there is none");
              }
            };
    PgFuture<CommandTag> copied = connection.copyRecordsToTable("target", List.of("id"), stuck);
    awaitCopyRuns();
    copied.cancel(true);
    assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(failureOf(copied)).isInstanceOf(CancellationException.class);
  }

  @Test
  void aCancelledCopyIntoATableKeepsNothing() throws Exception {
    try (SubmissionPublisher<ByteBuffer> publisher = new SubmissionPublisher<>()) {
      PgFuture<CommandTag> copied =
          connection.copyToTable("target", CopySource.from(publisher), ID);
      publisher.submit(ByteBuffer.wrap("1\n2\n3".getBytes(StandardCharsets.US_ASCII)));
      awaitCopyRuns();
      PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 5");
      copied.cancel(true);
      assertThat(failureOf(copied)).isInstanceOf(CancellationException.class);
      assertThat(behind.get(20, TimeUnit.SECONDS)).isEqualTo(5);
    }
  }

  @Test
  void aCopyThatWaitsForALockIsCancelledToo() throws Exception {
    witness.execute("BEGIN; LOCK TABLE public.target").await();
    Numbers numbers = new Numbers(-1, null);
    PgFuture<CommandTag> copied = connection.copyToTable("target", CopySource.from(numbers), ID);
    awaitState("wait_event_type = 'Lock'");
    copied.cancel(true);
    numbers.awaitClosed();
    assertThat(connection.fetchValue(Integer.class, "SELECT 3").get(20, TimeUnit.SECONDS))
        .isEqualTo(3);
    witness.execute("ROLLBACK").await();
  }

  @Test
  void anotherSessionsCancelIsTheServersError() {
    try (SubmissionPublisher<ByteBuffer> silent = new SubmissionPublisher<>()) {
      PgFuture<CommandTag> copied = connection.copyToTable("target", CopySource.from(silent), ID);
      awaitCopyRuns();
      witness
          .fetchValue(Boolean.class, "SELECT pg_cancel_backend($1)", connection.serverPid())
          .await();
      // A backend that waits for COPY data looks for a cancel when data comes.
      silent.submit(ByteBuffer.wrap("1\n".getBytes(StandardCharsets.US_ASCII)));
      assertThat(failureOf(copied)).isInstanceOf(QueryCanceledException.class).hasNoCause();
    }
  }

  @Test
  void aKilledBackendFailsTheCopyAndStopsTheSource() throws Exception {
    Numbers numbers = new Numbers(-1, null);
    PgConnection doomed = PgConnection.connect(TestServer.shared().dsn()).await();
    PgFuture<CommandTag> copied = doomed.copyToTable("target", CopySource.from(numbers), ID);
    PgConnection reader = PgConnection.connect(TestServer.shared().dsn()).await();
    CountDownLatch first = new CountDownLatch(1);
    PgFuture<CommandTag> out =
        reader.copyFromQuery(
            "SELECT generate_series(1, 1000000000)",
            List.of(),
            CopySink.to(
                chunk -> {
                  first.countDown();
                  return CompletableFuture.completedFuture(chunk);
                }),
            CopyOptions.text());
    assertThat(first.await(20, TimeUnit.SECONDS)).isTrue();
    for (PgConnection each : List.of(doomed, reader)) {
      witness
          .fetchValue(Boolean.class, "SELECT pg_terminate_backend($1)", each.serverPid())
          .await();
    }
    assertThat(failureOf(copied))
        .isInstanceOfAny(PgConnectionException.class, PgServerException.class);
    assertThat(failureOf(out))
        .isInstanceOfAny(PgConnectionException.class, PgServerException.class);
    numbers.awaitClosed();
    doomed.closed().await();
    reader.closed().await();
  }

  @Test
  void aServerThatStopsReadingIsBoundedByTheTimeoutAndNotReadAheadFor() throws Exception {
    try (FaultyProxy proxy = FaultyProxy.before(TestServer.shared())) {
      PgConfig config =
          PgConfig.parse(proxy.dsn(TestServer.shared())).toBuilder()
              .cancelTimeout(Duration.ofMillis(200))
              .build();
      PgConnection doomed = PgConnection.connect(config).await();
      Numbers numbers = new Numbers(-1, null);
      PgFuture<CommandTag> copied =
          doomed
              .withTimeout(Duration.ofSeconds(1))
              .copyToTable("target", CopySource.from(numbers), ID);
      while (numbers.served.get() == 0) {
        Thread.onSpinWait();
      }
      proxy.blackHole();
      assertThat(failureOf(copied)).isInstanceOf(PgTimeoutException.class);
      numbers.awaitClosed();
      doomed.closed().get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void aSinkThatThrowsIsTheFailureAndTheServerIsStopped() {
    IOException full = new IOException("disk full");
    OutputStream broken =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw full;
          }
        };
    String endless = "SELECT generate_series(1, 1000000000)";
    assertThat(
            failureOf(
                connection.copyFromQuery(
                    endless, List.of(), CopySink.to(broken), CopyOptions.text())))
        .hasCause(full);
    IllegalStateException enough = new IllegalStateException("enough");
    AtomicInteger chunks = new AtomicInteger();
    assertThat(
            failureOf(
                connection.copyFromQuery(
                    endless,
                    List.of(),
                    CopySink.to(
                        chunk -> {
                          if (chunks.incrementAndGet() == 20) {
                            throw enough;
                          }
                          return CompletableFuture.completedFuture(chunk);
                        }),
                    CopyOptions.binary())))
        .isSameAs(enough);
    assertThat(chunks).hasValue(20);
    assertThat(
            failureOf(
                connection.copyFromQuery(
                    endless,
                    List.of(),
                    CopySink.to(chunk -> CompletableFuture.failedFuture(enough)),
                    CopyOptions.csv())))
        .isSameAs(enough);
  }

  @Test
  void anErrorInTheMiddleOfAnAnswerFailsTheCopyAndEndsTheSink(@TempDir Path directory)
      throws Exception {
    Path file = directory.resolve("half");
    assertThat(
            failureOf(
                connection.copyFromQuery(
                    "SELECT 1000 / (500000 - i) FROM generate_series(1, 1000000) i",
                    List.of(),
                    CopySink.to(file),
                    CopyOptions.text())))
        .isInstanceOfSatisfying(
            PgServerException.class, said -> assertThat(said.sqlState()).isEqualTo("22012"));
    assertThat(Files.size(file)).isLessThan(5_000_000);
    Files.delete(file); // nobody holds it any more
    assertThat(
            failureOf(connection.copyFromTable("missing", CopySink.to(file), CopyOptions.text())))
        .hasMessageContaining("42P01");
    assertThat(file).doesNotExist();
    assertThat(
            failureOf(
                connection.copyFromQuery(
                    "SELECT $1::int4 / 0", List.of(1), CopySink.to(file), CopyOptions.text())))
        .hasMessageContaining("22012");
  }

  @Test
  void aTimeoutEndsACopyOutWhateverItWaitsFor() {
    PgConnection bounded = connection.withTimeout(Duration.ofMillis(300));
    assertThat(
            failureOf(
                bounded.copyFromQuery(
                    "SELECT pg_sleep(30)",
                    List.of(),
                    CopySink.to(OutputStream.nullOutputStream()),
                    CopyOptions.text())))
        .isInstanceOf(PgTimeoutException.class);
    // The server is done long before; the sink never is.
    assertThat(
            failureOf(
                bounded.copyFromQuery(
                    "SELECT 1",
                    List.of(),
                    CopySink.to(chunk -> new CompletableFuture<>()),
                    CopyOptions.text())))
        .isInstanceOf(PgTimeoutException.class)
        .hasMessageContaining("the sink has not taken it");
    // The server cannot go on, as the sink takes nothing.
    assertThat(
            failureOf(
                bounded.copyFromQuery(
                    "SELECT generate_series(1, 1000000000)",
                    List.of(),
                    CopySink.to(chunk -> new CompletableFuture<>()),
                    CopyOptions.text())))
        .isInstanceOf(PgTimeoutException.class);
  }

  @Test
  void aCancelledCopyOutStopsTheServer() throws Exception {
    CountDownLatch first = new CountDownLatch(1);
    PgFuture<CommandTag> copied =
        connection.copyFromQuery(
            "SELECT generate_series(1, 1000000000)",
            List.of(),
            CopySink.to(
                chunk -> {
                  first.countDown();
                  return new CompletableFuture<>();
                }),
            CopyOptions.text());
    assertThat(first.await(20, TimeUnit.SECONDS)).isTrue();
    PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 5");
    copied.cancel(true);
    assertThat(behind.get(20, TimeUnit.SECONDS)).isEqualTo(5);
  }

  @Test
  void aCopyInAFailedTransactionIsRefusedByTheServer() {
    connection.execute("BEGIN").await();
    assertThat(failureOf(connection.execute("SELECT 1/0"))).isNotNull();
    List<List<Integer>> one = List.of(List.of(1));
    assertThat(failureOf(connection.copyRecordsToTable("target", List.of("id"), one)))
        .hasMessageContaining("25P02");
    assertThat(
            failureOf(
                connection.copyToTable("target", CopySource.from(new byte[] {'1', '\n'}), ID)))
        .hasMessageContaining("25P02");
    connection.execute("ROLLBACK").await();
  }

  @Test
  void whatIsRefusedHereSendsNothingAndClosesNothing() {
    List<QueryEvent> events = new CopyOnWriteArrayList<>();
    connection.addQueryListener(events::add);
    byte[] none = {};
    assertThat(
            failureOf(
                connection.copyToTable(
                    "target", CopySource.from(none), CopyOptions.csv().forceQuote())))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(failureOf(connection.copyToTable("", CopySource.from(none), ID)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(
            failureOf(
                connection.copyFromTable(
                    "target",
                    CopySink.to(OutputStream.nullOutputStream()),
                    CopyOptions.text().freeze())))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(events).isEmpty();
    PgConnection ended = PgConnection.connect(TestServer.shared().dsn()).await();
    ended.close();
    assertThatThrownBy(() -> ended.copyToTable("target", CopySource.from(none), ID).await())
        .isInstanceOf(IllegalStateException.class);
  }
}
