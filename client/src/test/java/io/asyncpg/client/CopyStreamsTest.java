package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.Pipe;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the bytes of COPY come from and go to, and who waits for whom. */
class CopyStreamsTest {
  private static final CopyOptions ID = CopyOptions.text().columns("id");
  private static final String ENDLESS = "SELECT generate_series(1, 1000000000)";

  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    connection.execute("CREATE TEMP TABLE streamed(id int4, name text)").await();
  }

  @AfterEach
  void close() {
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
    connection.close();
    connection.closed().await();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static String text(ByteBuffer bytes) {
    return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
  }

  private long count() {
    return connection.fetchValue(Long.class, "SELECT count(*) FROM streamed").await();
  }

  /** A subscriber of bytes that asks for so many chunks at a time. */
  private static class Collecting implements Flow.Subscriber<ByteBuffer> {
    final StringBuilder text = new StringBuilder();
    final CompletableFuture<String> done = new CompletableFuture<>();
    final CompletableFuture<Flow.Subscription> subscribed = new CompletableFuture<>();
    final AtomicInteger chunks = new AtomicInteger();
    private final int atATime;
    private final int cancelAt;

    Collecting(int atATime, int cancelAt) {
      this.atATime = atATime;
      this.cancelAt = cancelAt;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscribed.complete(subscription);
      subscription.request(atATime);
    }

    @Override
    public void onNext(ByteBuffer chunk) {
      text.append(text(chunk));
      int n = chunks.incrementAndGet();
      if (n == cancelAt) {
        subscribed.join().cancel();
      } else if (n % Math.max(atATime, 1) == 0) {
        subscribed.join().request(atATime);
      }
    }

    @Override
    public void onError(Throwable failure) {
      done.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      done.complete(text.toString());
    }

    String await() throws Exception {
      return done.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void aSubscriberGetsTheBytesItAsksFor() throws Exception {
    Collecting two = new Collecting(2, -1);
    CommandTag tag =
        connection
            .copyFromQuery(
                "SELECT repeat('x', 999) FROM generate_series(1, 2000)",
                List.of(),
                CopySink.to(two),
                CopyOptions.text())
            .await();
    assertThat(tag).hasToString("COPY 2000");
    assertThat(two.done).isCompleted();
    assertThat(two.await()).hasSize(2_000_000).matches("(?s)(x{999}\n)+");
    Collecting empty = new Collecting(1, -1);
    connection.copyFromTable("streamed", CopySink.to(empty), CopyOptions.text()).await();
    assertThat(empty.await()).isEmpty();
  }

  @Test
  void aSubscriberThatCancelsStopsTheServerAndHearsNothingMore() {
    Collecting some = new Collecting(1, 5);
    assertThatThrownBy(
            () ->
                connection
                    .copyFromQuery(ENDLESS, List.of(), CopySink.to(some), CopyOptions.text())
                    .await())
        .isInstanceOf(CancellationException.class);
    assertThat(connection.fetchValue(Integer.class, "SELECT 2").await()).isEqualTo(2);
    assertThat(some.chunks).hasValue(5);
    assertThat(some.done).isNotDone();
  }

  @Test
  void aSubscriberIsToldWhyTheCopyFailed() {
    Collecting failing = new Collecting(100, -1);
    assertThatThrownBy(
            () ->
                connection
                    .copyFromQuery(
                        "SELECT 1 / 0", List.of(), CopySink.to(failing), CopyOptions.text())
                    .await())
        .isInstanceOf(PgServerException.class);
    assertThatThrownBy(failing::await)
        .hasCauseInstanceOf(PgServerException.class)
        .hasStackTraceContaining("22012");
    // One that asks for nothing is told too: it does not wait for a chunk to be taken.
    Collecting idle = new Collecting(1, -1);
    PgFuture<CommandTag> copied =
        connection
            .withTimeout(Duration.ofMillis(200))
            .copyFromQuery(
                "SELECT 1",
                List.of(),
                CopySink.to(
                    new Flow.Subscriber<>() {
                      @Override
                      public void onSubscribe(Flow.Subscription subscription) {
                        // It wants nothing.
                      }

                      @Override
                      public void onNext(ByteBuffer chunk) {
                        idle.onNext(chunk);
                      }

                      @Override
                      public void onError(Throwable failure) {
                        idle.onError(failure);
                      }

                      @Override
                      public void onComplete() {
                        idle.onComplete();
                      }
                    }),
                CopyOptions.text());
    assertThat(catchThrowable(copied::await)).isInstanceOf(PgTimeoutException.class);
    assertThatThrownBy(idle::await).hasCauseInstanceOf(PgTimeoutException.class);
    assertThat(idle.chunks).hasValue(0);
    Collecting greedy = new Collecting(0, -1);
    assertThatThrownBy(
            () ->
                connection
                    .copyFromQuery(ENDLESS, List.of(), CopySink.to(greedy), CopyOptions.text())
                    .await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rule 3.9");
    assertThatThrownBy(greedy::await).hasCauseInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void channelsAreReadAndWritten(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("channel");
    connection
        .execute("INSERT INTO streamed SELECT i, 'n' FROM generate_series(1, 100000) i")
        .await();
    try (FileChannel out =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      connection.copyFromTable("streamed", CopySink.to(out), CopyOptions.binary()).await();
      assertThat(out.isOpen()).isTrue();
    }
    FileChannel in = FileChannel.open(file);
    assertThat(
            connection.copyToTable("streamed", CopySource.from(in), CopyOptions.binary()).await())
        .hasToString("COPY 100000");
    assertThat(in.isOpen()).isFalse();
    assertThat(count()).isEqualTo(200_000);
    Pipe pipe = Pipe.open();
    try (Pipe.SinkChannel other = pipe.sink()) {
      pipe.source().configureBlocking(false);
      assertThatThrownBy(
              () -> connection.copyToTable("streamed", CopySource.from(pipe.source()), ID).await())
          .hasCauseInstanceOf(IllegalBlockingModeException.class);
      other.configureBlocking(false);
      assertThatThrownBy(
              () ->
                  connection
                      .copyFromTable("streamed", CopySink.to(other), CopyOptions.text())
                      .await())
          .isInstanceOf(IllegalBlockingModeException.class);
    }
  }

  @Test
  void aFunctionIsAskedForOneChunkAfterTheOther() {
    Deque<CompletionStage<@Nullable ByteBuffer>> chunks = new ArrayDeque<>();
    CompletableFuture<@Nullable ByteBuffer> late = new CompletableFuture<>();
    chunks.add(CompletableFuture.completedFuture(ByteBuffer.wrap(ascii("1\n2"))));
    ByteBuffer direct = ByteBuffer.allocateDirect(10).put(ascii("0\n3\n")).flip();
    chunks.add(CompletableFuture.completedFuture(direct));
    chunks.add(CompletableFuture.completedFuture(ByteBuffer.allocate(0)));
    chunks.add(late);
    chunks.add(CompletableFuture.completedFuture(null));
    AtomicInteger asked = new AtomicInteger();
    CountDownLatch lateAsked = new CountDownLatch(1);
    PgFuture<CommandTag> copied =
        connection.copyToTable(
            "streamed",
            CopySource.from(
                () -> {
                  if (asked.incrementAndGet() == 4) {
                    lateAsked.countDown();
                  }
                  return chunks.remove();
                }),
            ID);
    assertThat(catchThrowable(lateAsked::await)).isNull();
    assertThat(copied).isNotDone();
    late.complete(ByteBuffer.wrap(ascii("4\n")).asReadOnlyBuffer());
    assertThat(copied.await()).hasToString("COPY 4");
    assertThat(asked).hasValue(5);
    assertThat(
            connection
                .fetchValue(String.class, "SELECT string_agg(id::text, ',') FROM streamed")
                .await())
        .isEqualTo("1,20,3,4");
  }

  @Test
  void aSlowServerSlowsTheSourceAndAMegabyteWaitsAtMost() throws Exception {
    PgConnection locker = PgConnection.connect(TestServer.shared().dsn()).await();
    connection.execute("CREATE TABLE public.contended(id int4)").await();
    locker.execute("BEGIN; LOCK TABLE public.contended").await();
    AtomicLong served = new AtomicLong();
    byte[] line = ascii("1\n".repeat(32 * 1024));
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return '1';
          }

          @Override
          public int read(byte[] to, int from, int length) {
            if (served.get() > 50_000_000) {
              return -1;
            }
            int some = Math.min(length, line.length);
            System.arraycopy(line, 0, to, from, some);
            served.addAndGet(some);
            return some;
          }
        };
    try {
      PgFuture<CommandTag> copied =
          connection.copyToTable("contended", CopySource.from(endless), CopyOptions.text());
      String waiting =
          "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'";
      while (locker.fetchValue(Long.class, waiting, connection.serverPid()).await() == 0) {
        Thread.onSpinWait();
      }
      assertThat(served.get()).isLessThan(1 << 20);
      locker.execute("ROLLBACK").await();
      assertThat(copied.await().rows()).isEqualTo(served.get() / 2);
    } finally {
      locker.execute("ROLLBACK; DROP TABLE public.contended").await();
      locker.close();
    }
  }

  @Test
  void aSlowSinkSlowsTheServer() throws Exception {
    List<CompletableFuture<@Nullable Void>> taken = new ArrayList<>();
    AtomicLong bytes = new AtomicLong();
    CountDownLatch first = new CountDownLatch(1);
    PgConnection witness = PgConnection.connect(TestServer.shared().dsn()).await();
    PgFuture<CommandTag> copied =
        connection.copyFromQuery(
            "SELECT repeat('x', 999) FROM generate_series(1, 50000)",
            List.of(),
            CopySink.to(
                chunk -> {
                  bytes.addAndGet(chunk.remaining());
                  CompletableFuture<@Nullable Void> stage = new CompletableFuture<>();
                  if (bytes.get() > 1000 && first.getCount() == 0) {
                    stage.complete(null);
                  } else {
                    taken.add(stage);
                    first.countDown();
                  }
                  return stage;
                }),
            CopyOptions.text());
    assertThat(first.await(20, TimeUnit.SECONDS)).isTrue();
    String waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'ClientWrite'";
    while (witness.fetchValue(Long.class, waiting, connection.serverPid()).await() == 0) {
      Thread.onSpinWait();
    }
    assertThat(copied).isNotDone();
    assertThat(taken).hasSize(1);
    taken.get(0).complete(null);
    assertThat(copied.await()).hasToString("COPY 50000");
    assertThat(bytes).hasValue(50_000_000);
    witness.close();
  }

  @Test
  void aSlowServersRowsAreHandedOverAsTheyCome() throws Exception {
    BlockingQueue<String> chunks = new LinkedBlockingQueue<>();
    PgConnection other = PgConnection.connect(TestServer.shared().dsn()).await();
    other.execute("SELECT pg_advisory_lock(4711)").await();
    PgFuture<CommandTag> copied =
        connection.copyFromQuery(
            "SELECT i, repeat('x', 9000), CASE WHEN i = 5 THEN pg_advisory_lock(4711)::text END"
                + " FROM generate_series(1, 5) i",
            List.of(),
            CopySink.to(
                chunk -> {
                  chunks.add(text(chunk));
                  return CompletableFuture.completedFuture(chunk);
                }),
            CopyOptions.text());
    // The fifth row waits for a lock, and the first, which has left the server's buffer, does not
    // wait for the fifth.
    assertThat(chunks.poll(20, TimeUnit.SECONDS)).startsWith("1\txxx");
    assertThat(copied).isNotDone();
    other.close();
    copied.await();
    connection.execute("SELECT pg_advisory_unlock_all()").await();
    assertThat(String.join("", chunks)).endsWith("\n");
  }

  @Test
  void progressIsToldOnTheWayAndAtTheEnd() {
    record Told(long rows, long bytes) {}
    List<Told> told = new ArrayList<>();
    CopyProgress listener = (rows, bytes) -> told.add(new Told(rows, bytes));
    List<Object[]> rows = new ArrayList<>();
    for (int i = 0; i < 50_000; i++) {
      rows.add(new Object[] {i, "a name of some length"});
    }
    connection
        .copyRecordsToTable("streamed", List.of(), rows, CopyOptions.binary().progress(listener))
        .await();
    assertThat(told).hasSizeGreaterThan(3);
    assertThat(told).isSortedAccordingTo(java.util.Comparator.comparingLong(Told::bytes));
    assertThat(told).extracting(Told::rows).isSorted();
    long all = 19 + 50_000L * (2 + 8 + 4 + 21) + 2;
    assertThat(told.get(told.size() - 1)).isEqualTo(new Told(50_000, all));

    told.clear();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    connection
        .copyFromTable("streamed", CopySink.to(out), CopyOptions.csv().header().progress(listener))
        .await();
    assertThat(told).hasSizeGreaterThan(3);
    assertThat(told.get(told.size() - 1)).isEqualTo(new Told(50_000, out.size()));
    assertThat(told.get(0).rows()).isBetween(1L, 49_999L);

    told.clear();
    byte[] written = out.toByteArray();
    CopyOptions into = CopyOptions.csv().header().progress(listener);
    connection.copyToTable("streamed", CopySource.from(written), into).await();
    assertThat(told.get(0).rows()).isEqualTo(-1);
    assertThat(told.get(told.size() - 1)).isEqualTo(new Told(50_000, written.length));
  }

  @Test
  void aListenerThatThrowsHasHeardItsLast() {
    AtomicInteger calls = new AtomicInteger();
    CopyOptions throwing =
        CopyOptions.text()
            .progress(
                (rows, bytes) -> {
                  calls.incrementAndGet();
                  throw new IllegalStateException("on purpose");
                });
    String lines = "1\tname\n".repeat(200_000);
    assertThat(connection.copyToTable("streamed", CopySource.from(ascii(lines)), throwing).await())
        .hasToString("COPY 200000");
    assertThat(calls).hasValue(1);
  }

  @Test
  void queryListenersHearOfCopies() {
    BlockingQueue<QueryEvent> events = new LinkedBlockingQueue<>();
    connection.addQueryListener(events::add);
    connection.copyToTable("streamed", CopySource.from(ascii("1\n2\n")), ID).await();
    connection.copyRecordsToTable("streamed", List.of("id"), List.of(List.of(3))).await();
    connection.copyFromTable("streamed", CopySink.to(OutputStream.nullOutputStream()), ID).await();
    connection.copyRows("SELECT id FROM streamed").forEach(row -> {});
    assertThatThrownBy(
            () -> connection.copyToTable("streamed", CopySource.from(ascii("x\n")), ID).await())
        .isInstanceOf(PgServerException.class);
    assertThat(events).extracting(QueryEvent::rows).containsExactly(2L, 1L, 3L, 3L, 0L);
    assertThat(events)
        .extracting(QueryEvent::sql)
        .startsWith(
            "COPY \"streamed\" (\"id\") FROM STDIN WITH (FORMAT text)",
            "COPY \"streamed\" (\"id\") FROM STDIN WITH (FORMAT binary)",
            "COPY \"streamed\" (\"id\") TO STDOUT WITH (FORMAT text)",
            "SELECT id FROM streamed");
  }

  @Test
  void callbacksOfASubscriberRunWhereFuturesComplete() throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor(r -> new Thread(r, "completion"));
    try {
      PgConnection own =
          PgConnection.connect(
                  PgConfig.parse(TestServer.shared().dsn()).toBuilder()
                      .completionExecutor(executor)
                      .build())
              .await();
      CompletableFuture<String> thread = new CompletableFuture<>();
      Collecting collecting = new Collecting(1, -1);
      collecting.subscribed.thenAccept(s -> thread.complete(Thread.currentThread().getName()));
      own.copyFromQuery("SELECT 1", List.of(), CopySink.to(collecting), CopyOptions.text()).await();
      assertThat(thread.get(20, TimeUnit.SECONDS)).isEqualTo("completion");
      assertThat(collecting.await()).isEqualTo("1\n");
      own.close();
      own.closed().await();
    } finally {
      executor.shutdown();
    }
  }

  @Test
  void aSourceIsClosedEvenWhenTheConnectionHasEnded() throws Exception {
    PgConnection ended = PgConnection.connect(TestServer.shared().dsn()).await();
    ended.terminate();
    ended.closed().await();
    CountDownLatch closed = new CountDownLatch(1);
    ReadableByteChannel channel =
        Channels.newChannel(
            new ByteArrayInputStream(ascii("1\n")) {
              @Override
              public void close() {
                closed.countDown();
              }
            });
    PgConnection lost = PgConnection.connect(TestServer.shared().dsn()).await();
    PgFuture<CommandTag> copied = lost.copyToTable("streamed", CopySource.from(channel), ID);
    lost.terminate();
    assertThat(catchThrowable(copied::await)).isNotNull();
    assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
    assertThatThrownBy(
            () -> ended.copyToTable("streamed", CopySource.from(ascii("1\n")), ID).await())
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aBinaryFileIsReadAgainAsRows(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("out.bin");
    connection.copyRecordsToTable("streamed", List.of(), List.of(List.of(1, "a"))).await();
    connection.copyFromTable("streamed", CopySink.to(file), CopyOptions.binary()).await();
    assertThat(Files.readAllBytes(file)).startsWith('P', 'G', 'C', 'O', 'P', 'Y');
    connection.copyToTable("streamed", CopySource.from(file), CopyOptions.binary()).await();
    assertThat(count()).isEqualTo(2);
    // Sent without what it begins with, it is refused as a whole.
    assertThatThrownBy(
            () ->
                connection
                    .copyToTable("streamed", CopySource.from(ascii("no")), CopyOptions.binary())
                    .await())
        .hasMessageContaining("22P04");
    assertThat(count()).isEqualTo(2);
  }

  @Test
  void aProgressListenerThatThrowsAnErrorHasHeardItsLast() {
    AtomicInteger calls = new AtomicInteger();
    CopyOptions throwing =
        CopyOptions.text()
            .progress(
                (rows, bytes) -> {
                  calls.incrementAndGet();
                  throw new AssertionError("theirs");
                });
    String lines = "1\tname\n".repeat(200_000);
    assertThat(connection.copyToTable("streamed", CopySource.from(ascii(lines)), throwing).await())
        .hasToString("COPY 200000");
    connection
        .copyFromTable("streamed", CopySink.to(OutputStream.nullOutputStream()), throwing)
        .await();
    assertThat(calls).hasValue(2);
  }

  @Test
  void aSubscriberThatThrowsAnErrorFailsItsCopy() {
    for (String sql : List.of("SELECT 1", ENDLESS)) {
      Collecting throwing =
          new Collecting(1, -1) {
            @Override
            public void onNext(ByteBuffer chunk) {
              throw new AssertionError("theirs");
            }
          };
      assertThatThrownBy(
              () ->
                  connection
                      .copyFromQuery(sql, List.of(), CopySink.to(throwing), CopyOptions.text())
                      .get(20, TimeUnit.SECONDS))
          .hasStackTraceContaining("theirs");
    }
  }

  /** A publisher that never sends, and throws when it is cancelled. */
  private static final class Stubborn implements Flow.Publisher<ByteBuffer> {
    final CountDownLatch asked = new CountDownLatch(1);

    @Override
    public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
      subscriber.onSubscribe(
          new Flow.Subscription() {
            @Override
            public void request(long n) {
              asked.countDown();
            }

            @Override
            public void cancel() {
              throw new IllegalStateException("theirs");
            }
          });
    }
  }

  @Test
  void aPublisherThatThrowsWhenItIsCancelledHurtsNobody() throws Exception {
    Stubborn cancelled = new Stubborn();
    PgFuture<CommandTag> copy = connection.copyToTable("streamed", CopySource.from(cancelled), ID);
    cancelled.asked.await();
    copy.cancel(true);
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").get(20, TimeUnit.SECONDS))
        .isEqualTo(1);

    Stubborn lost = new Stubborn();
    PgConnection ended = PgConnection.connect(TestServer.shared().dsn()).await();
    ended.execute("CREATE TEMP TABLE streamed(id int4)").await();
    PgFuture<CommandTag> first = ended.copyToTable("streamed", CopySource.from(lost), ID);
    PgFuture<Integer> behind = ended.fetchValue(Integer.class, "SELECT 1");
    lost.asked.await();
    ended.terminate();
    for (PgFuture<?> told : List.of(first, behind)) {
      assertThatThrownBy(() -> told.get(20, TimeUnit.SECONDS))
          .hasCauseInstanceOf(PgConnectionException.class);
    }
    ended.closed().get(20, TimeUnit.SECONDS);
    TestServer.shared().endSession(ended.serverPid());
  }
}
