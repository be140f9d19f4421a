package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.InFailedSqlTransactionException;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ListenerTest {
  private PgConnection connection;
  private PgConnection other;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    other = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
    other.close();
    other.closed().await();
  }

  private void say(String channel, String payload) {
    other.execute("SELECT pg_notify($1, $2)", channel, payload).await();
  }

  private static Notification next(BlockingQueue<Notification> heard) throws InterruptedException {
    return heard.poll(20, TimeUnit.SECONDS);
  }

  private List<String> channels() {
    return connection.fetch(String.class, "SELECT pg_listening_channels()").await();
  }

  @Test
  void whatIsSaidOnAChannelIsHeardInOrder() throws InterruptedException {
    BlockingQueue<Notification> heard = new LinkedBlockingQueue<>();
    connection.addListener("News \"today\"", heard::add).await();
    say("News \"today\"", "one");
    say("News \"today\"", "");
    say("other", "not heard");
    say("News \"today\"", "drei: ü");
    assertThat(next(heard)).isEqualTo(new Notification(other.serverPid(), "News \"today\"", "one"));
    assertThat(next(heard).payload()).isEmpty();
    assertThat(next(heard).payload()).isEqualTo("drei: ü");
  }

  @Test
  void severalListenersShareAChannelAndTheLastOneEndsIt() throws InterruptedException {
    BlockingQueue<Notification> first = new LinkedBlockingQueue<>();
    BlockingQueue<Notification> second = new LinkedBlockingQueue<>();
    Consumer<Notification> one = first::add;
    Consumer<Notification> two = second::add;
    connection.addListener("shared", one).await();
    connection.addListener("shared", one).await();
    connection.addListener("shared", two).await();
    say("shared", "both");
    assertThat(next(first).payload()).isEqualTo("both");
    assertThat(next(second).payload()).isEqualTo("both");
    connection.removeListener("shared", one).await();
    assertThat(channels()).containsExactly("shared");
    say("shared", "second only");
    assertThat(next(second).payload()).isEqualTo("second only");
    assertThat(first).isEmpty();
    connection.removeListener("shared", one).await();
    connection.removeListener("shared", two).await();
    assertThat(channels()).isEmpty();
  }

  @Test
  void aListenerThatThrowsStopsNeitherTheOthersNorTheConnection() throws InterruptedException {
    BlockingQueue<Notification> heard = new LinkedBlockingQueue<>();
    connection
        .addListener(
            "loud",
            notification -> {
              throw new IllegalStateException("on purpose: " + notification.payload());
            })
        .await();
    connection.addListener("loud", heard::add).await();
    say("loud", "1");
    say("loud", "2");
    assertThat(next(heard).payload()).isEqualTo("1");
    assertThat(next(heard).payload()).isEqualTo("2");
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void listeningInATransactionThatIsRolledBackIsAskedForAgain() throws InterruptedException {
    BlockingQueue<Notification> heard = new LinkedBlockingQueue<>();
    Consumer<Notification> listener = heard::add;
    PgTransaction transaction = connection.begin().await();
    connection.addListener("undone", listener).await();
    transaction.rollback().await();
    assertThat(channels()).isEmpty();
    connection.addListener("undone", listener).await();
    say("undone", "heard once");
    assertThat(next(heard).payload()).isEqualTo("heard once");
    assertThat(heard).isEmpty();
  }

  @Test
  void aListenThatFailsLeavesNoListener() {
    assertThatThrownBy(() -> connection.addListener("x".repeat(64), heard -> {}).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("64 bytes");
    assertThatThrownBy(() -> connection.addListener("", heard -> {}).await())
        .isInstanceOf(IllegalArgumentException.class);
    PgTransaction transaction = connection.begin().await();
    assertThatThrownBy(() -> transaction.execute("SELECT 1/0").await())
        .isInstanceOf(PgServerException.class);
    List<Notification> heard = new ArrayList<>();
    assertThatThrownBy(() -> connection.addListener("failed", heard::add).await())
        .isInstanceOf(InFailedSqlTransactionException.class);
    transaction.rollback().await();
    connection.execute("LISTEN failed").await();
    connection.execute("NOTIFY failed").await();
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
    assertThat(heard).isEmpty();
  }

  @Test
  void removingAListenerFromAClosedConnectionDoesNothing() {
    Consumer<Notification> listener = heard -> {};
    connection.addListener("gone", listener).await();
    connection.close();
    connection.removeListener("gone", listener).await();
    assertThatThrownBy(() -> connection.addListener("gone", listener).await())
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void queryListenersHearOfEveryRequest() {
    BlockingQueue<QueryEvent> events = new LinkedBlockingQueue<>();
    Consumer<QueryEvent> listener = events::add;
    connection.addQueryListener(listener);
    connection.addQueryListener(listener);
    connection.addQueryListener(
        event -> {
          throw new IllegalStateException("on purpose");
        });
    connection.fetch("SELECT * FROM generate_series(1, $1)", 3).await();
    connection.fetch("SELECT * FROM generate_series(1, $1)", 4).await();
    connection.execute("CREATE TEMP TABLE item(id int); INSERT INTO item VALUES (1), (2)").await();
    assertThatThrownBy(() -> connection.fetch("SELECT 1 / $1", 0).await())
        .isInstanceOf(PgServerException.class);
    PgStatement statement = connection.prepare("SELECT 'prepared'").await();
    statement.fetch().await();
    connection.transaction(tx -> tx.execute("INSERT INTO item VALUES (3)")).await();
    connection.removeQueryListener(listener);
    connection.execute("SELECT 'unheard'").await();

    assertThat(events)
        .extracting(QueryEvent::sql)
        .containsExactly(
            "SELECT * FROM generate_series(1, $1)",
            "SELECT * FROM generate_series(1, $1)",
            "CREATE TEMP TABLE item(id int); INSERT INTO item VALUES (1), (2)",
            "SELECT 1 / $1",
            "SELECT 'prepared'",
            "SELECT 'prepared'",
            "BEGIN",
            "INSERT INTO item VALUES (3)",
            "COMMIT");
    List<QueryEvent> all = new ArrayList<>(events);
    assertThat(all).extracting(QueryEvent::rows).startsWith(3L, 4L, 2L, 0L);
    assertThat(all.get(0).cached()).isFalse();
    assertThat(all.get(1).cached()).isTrue();
    assertThat(all.get(1).duration()).isPositive();
    assertThat(all.get(3).error()).isInstanceOf(PgServerException.class);
    assertThat(all.get(4).error()).isNull();
  }

  @Test
  void queryListenersHearOfStreamsBatchesAndCursors() {
    connection.execute("CREATE TEMP TABLE item(id int)").await();
    BlockingQueue<QueryEvent> events = new LinkedBlockingQueue<>();
    connection.addQueryListener(events::add);
    connection.executeMany("INSERT INTO item VALUES ($1)", List.of(List.of(1), List.of(2))).await();
    for (Row row : connection.stream("SELECT id FROM item")) {
      assertThat(row.getInt(0)).isPositive();
    }
    connection
        .transaction(
            tx -> tx.cursor("SELECT id + 1 FROM item").thenCompose(cursor -> cursor.fetch(1)))
        .await();
    connection.withTimeout(Duration.ofMillis(1)).fetch("SELECT pg_sleep(60)").handle((r, f) -> f);
    connection.fetch("SELECT 'last'").await();
    assertThat(events)
        .extracting(QueryEvent::sql)
        .containsExactly(
            "INSERT INTO item VALUES ($1)",
            "SELECT id FROM item",
            "BEGIN",
            "SELECT id + 1 FROM item",
            "SELECT id + 1 FROM item",
            "COMMIT",
            "SELECT pg_sleep(60)",
            "SELECT 'last'");
    List<QueryEvent> all = new ArrayList<>(events);
    assertThat(all.get(0).rows()).isEqualTo(2);
    assertThat(all.get(1).rows()).isEqualTo(2);
    assertThat(all.get(6).error()).isInstanceOf(PgTimeoutException.class);
  }

  @Test
  void queryListenersHearOfWhatIsCancelledBeforeItsTurn() {
    BlockingQueue<QueryEvent> events = new LinkedBlockingQueue<>();
    connection.addQueryListener(events::add);
    // The event loop takes what is asked for only when it is through with this.
    OnTheLoop.run(
        connection, () -> assertThat(connection.fetch("SELECT 'cancelled'").cancel(true)).isTrue());
    connection.fetch("SELECT 'last'").await();
    assertThat(events)
        .filteredOn(event -> !event.sql().equals(OnTheLoop.SQL))
        .satisfiesExactly(
            cancelled -> {
              assertThat(cancelled.sql()).isEqualTo("SELECT 'cancelled'");
              assertThat(cancelled.error()).isInstanceOf(CancellationException.class);
            },
            last -> {
              assertThat(last.sql()).isEqualTo("SELECT 'last'");
              assertThat(last.error()).isNull();
            });
  }

  @Test
  void noticesAreHeardWithTheirFields() {
    BlockingQueue<Notice> notices = new LinkedBlockingQueue<>();
    Consumer<Notice> listener = notices::add;
    connection.addNoticeListener(listener);
    connection.addNoticeListener(listener);
    connection
        .execute("DO $$ BEGIN RAISE WARNING 'careful' USING DETAIL = 'very', HINT = 'do'; END $$")
        .await();
    assertThat(notices).hasSize(1);
    Notice notice = notices.remove();
    assertThat(notice.severity()).isEqualTo("WARNING");
    assertThat(notice.sqlState()).isEqualTo("01000");
    assertThat(notice.message()).isEqualTo("careful");
    assertThat(notice.detail()).isEqualTo("very");
    assertThat(notice.hint()).isEqualTo("do");
    connection.removeNoticeListener(listener);
    connection.execute("DO $$ BEGIN RAISE WARNING 'unheard'; END $$").await();
    assertThat(notices).isEmpty();
  }

  @Test
  void queryListenersAreToldArgumentsOnRequestOnly() {
    List<QueryEvent> with = new ArrayList<>();
    List<QueryEvent> without = new ArrayList<>();
    Consumer<QueryEvent> asking = with::add;
    connection.addQueryListener(asking, true);
    connection.addQueryListener(without::add);
    connection.fetchValue(String.class, "SELECT $1::text || $2::int4", "hush", 2).await();
    connection.fetchValue(String.class, "SELECT $1::text", (Object) null).await();
    connection.execute("SELECT 'a script'").await();
    try (RowStream rows = connection.stream("SELECT generate_series(1, $1)", 3)) {
      rows.forEach(row -> {});
    }
    connection.fetch("SELECT 'the last one'").await();
    assertThat(with)
        .extracting(QueryEvent::arguments)
        .containsExactly(
            List.of("hush", 2),
            java.util.Arrays.asList((Object) null),
            null,
            List.of(3),
            List.of());
    assertThat(without).hasSize(5).allSatisfy(event -> assertThat(event.arguments()).isNull());
    assertThat(with.get(0).toString()).contains("arguments=2").doesNotContain("hush");
    connection.removeQueryListener(asking);
    connection.fetch("SELECT 1").await();
    assertThat(with).hasSize(5);
    assertThat(without).hasSize(6);
  }

  @Test
  void parameterListenersHearOfSettingsThatChange() {
    List<ParameterChange> changes = new ArrayList<>();
    Consumer<ParameterChange> listener = changes::add;
    connection.addParameterListener(
        change -> {
          throw new IllegalStateException("on purpose");
        });
    connection.addParameterListener(listener);
    connection.addParameterListener(listener);
    connection.execute("SET application_name = 'another'").await();
    connection.execute("SET TimeZone = 'Asia/Tokyo'").await();
    connection.execute("SET work_mem = '8MB'").await();
    assertThat(changes)
        .containsExactly(
            new ParameterChange("application_name", "another"),
            new ParameterChange("TimeZone", "Asia/Tokyo"));
    assertThat(connection.settings()).containsEntry("TimeZone", "Asia/Tokyo");
    connection.removeParameterListener(listener);
    connection.execute("SET TimeZone = 'UTC'").await();
    assertThat(changes).hasSize(2);
  }

  /** Collects what a channel's publisher says, with the demand it is given. */
  private static final class Collecting implements Flow.Subscriber<Notification> {
    final BlockingQueue<String> payloads = new LinkedBlockingQueue<>();
    final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    final CompletableFuture<Void> ended = new CompletableFuture<>();

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription.complete(given);
    }

    @Override
    public void onNext(Notification notification) {
      payloads.add(notification.payload());
    }

    @Override
    public void onError(Throwable failure) {
      ended.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      ended.complete(null);
    }

    void request(long n) {
      subscription.orTimeout(20, TimeUnit.SECONDS).join().request(n);
    }

    String next() throws InterruptedException {
      return payloads.poll(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void aChannelIsAPublisherWhileItHasSubscribers() throws InterruptedException {
    Flow.Publisher<Notification> channel = connection.listen("published");
    assertThat(channels()).isEmpty();
    Collecting first = new Collecting();
    Collecting second = new Collecting();
    channel.subscribe(first);
    channel.subscribe(second);
    assertThat(channels()).containsExactly("published");
    say("published", "one");
    say("published", "two");
    first.request(1);
    assertThat(first.next()).isEqualTo("one");
    assertThat(first.payloads).isEmpty();
    second.request(2);
    assertThat(second.next()).isEqualTo("one");
    assertThat(second.next()).isEqualTo("two");
    first.subscription.join().cancel();
    assertThat(channels()).containsExactly("published");
    second.subscription.join().cancel();
    assertThat(channels()).isEmpty();
  }

  @Test
  void subscribersAreToldOfTheEnd() {
    Collecting reset = new Collecting();
    connection.listen("published").subscribe(reset);
    connection.fetch("SELECT 1").await();
    connection.reset().await();
    reset.ended.orTimeout(20, TimeUnit.SECONDS).join();

    Collecting lost = new Collecting();
    connection.listen("published").subscribe(lost);
    connection.fetch("SELECT 1").await();
    other.execute("SELECT pg_terminate_backend($1)", connection.serverPid()).await();
    assertThatThrownBy(lost.ended.orTimeout(20, TimeUnit.SECONDS)::join)
        .hasCauseInstanceOf(PgConnectionException.class);

    Collecting late = new Collecting();
    connection.listen("published").subscribe(late);
    assertThatThrownBy(late.ended.orTimeout(20, TimeUnit.SECONDS)::join)
        .hasCauseInstanceOf(PgConnectionException.class);
    assertThatThrownBy(() -> connection.listen("published", 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("bufferSize");
  }

  @Test
  void payloadsGoUpToTheServersLimit() throws InterruptedException {
    Collecting collecting = new Collecting();
    connection.listen("published").subscribe(collecting);
    collecting.request(10);
    connection.fetch("SELECT 1").await();
    say("published", "x".repeat(7999));
    assertThat(collecting.next()).hasSize(7999);
    assertThatThrownBy(() -> say("published", "x".repeat(8000)))
        .isInstanceOf(PgServerException.class);
    say("published", "");
    assertThat(collecting.next()).isEmpty();
  }

  /** What {@link #aMillionNotificationsPassASlowSubscriber} runs in a JVM of its own. */
  static final class Flood {
    private Flood() {}

    public static void main(String[] dsn) throws InterruptedException {
      PgConnection listening = PgConnection.connect(dsn[0]).await();
      PgConnection saying = PgConnection.connect(dsn[0]).await();
      Collecting slow = new Collecting();
      AtomicInteger heard = new AtomicInteger();
      listening.listen("flood").subscribe(slow);
      listening.addListener("flood", notification -> heard.incrementAndGet()).await();
      PgFuture<CommandTag> said =
          saying.execute("SELECT pg_notify('flood', i::text) FROM generate_series(1, 1000000) i");
      int queries = 0;
      while (!said.isDone() || heard.get() < 1_000_000) {
        listening.fetchValue(Integer.class, "SELECT 1").await();
        queries++;
      }
      said.await();
      slow.request(Long.MAX_VALUE);
      try {
        slow.ended.join();
      } catch (CompletionException fellBehind) {
        System.out.print(fellBehind.getCause().getMessage());
      }
      System.out.print(" read " + slow.payloads.size() + ", queries " + (queries > 1));
      listening.terminate();
      saying.terminate();
    }
  }

  @Test
  void aMillionNotificationsPassASlowSubscriber(@TempDir Path directory) throws Exception {
    assertThat(ForkedJvm.run(directory, Flood.class, "-Xmx48m", TestServer.shared().dsn()))
        .contains("more than 1024 notifications waited")
        .endsWith("read 1024, queries true");
  }

  @Test
  void aListenerThatCameAndWentInOnePipelineMayComeAgain() throws InterruptedException {
    BlockingQueue<Notification> heard = new LinkedBlockingQueue<>();
    Consumer<Notification> listener = heard::add;
    // Behind it both are written before the first is answered.
    other.execute("SELECT pg_advisory_lock(77102)").await();
    PgFuture<CommandTag> waits = connection.execute("SELECT pg_advisory_xact_lock(77102)");
    PgFuture<Void> come = connection.addListener("quick", listener);
    PgFuture<Void> gone = connection.removeListener("quick", listener);
    other.execute("SELECT pg_advisory_unlock(77102)").await();
    waits.await();
    come.await();
    gone.await();
    assertThat(channels()).isEmpty();
    connection.addListener("quick", listener).await();
    assertThat(channels()).containsExactly("quick");
    say("quick", "heard");
    assertThat(next(heard).payload()).isEqualTo("heard");
  }

  @Test
  void behindAnUnlistenOfTheApplicationsOwnTheNextListenerIsHeardOf() throws InterruptedException {
    for (String sql : List.of("DISCARD ALL", "UNLISTEN *", "UNLISTEN own; SELECT 1")) {
      for (boolean pipelined : List.of(false, true)) {
        BlockingQueue<Notification> heard = new LinkedBlockingQueue<>();
        connection.addListener("own", said -> {}).await();
        PgFuture<CommandTag> unlistens = connection.execute(sql);
        if (!pipelined) {
          unlistens.await();
        }
        connection.addListener("own", heard::add).await();
        say("own", sql);
        assertThat(next(heard)).as(sql).isNotNull();
      }
    }
  }

  @Test
  void aChannelThatNoTextCanNameIsRefused() {
    for (String name : List.of("a\0b", "a\ud83d", "\ude00")) {
      assertThatThrownBy(() -> connection.addListener(name, said -> {}).await())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("NUL");
      assertThatThrownBy(() -> connection.listen(name))
          .isInstanceOf(IllegalArgumentException.class);
    }
    connection.addListener("😀", said -> {}).await();
    assertThat(channels()).containsExactly("😀");
  }
}
