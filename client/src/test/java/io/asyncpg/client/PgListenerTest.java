package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.PgListener.Event;
import io.asyncpg.client.PgListener.Gap;
import io.asyncpg.client.PgListener.Heard;
import io.asyncpg.error.DataException;
import io.asyncpg.error.InvalidCatalogNameException;
import io.asyncpg.testkit.FaultyProxy;
import io.asyncpg.testkit.TestServer;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PgListenerTest {
  private static final String APPLICATION = "the listener under test";

  private static PgConfig config(String dsn) {
    return PgConfig.parse(dsn).toBuilder().applicationName(APPLICATION).build();
  }

  private final List<PgListener> made = new ArrayList<>();

  /** One that a test which fails on its way would leave trying to connect. */
  @AfterEach
  void closeAll() {
    made.forEach(PgListenerTest::close);
  }

  private PgListener listener(String dsn) {
    PgListener listener =
        PgListener.builder(config(dsn)).longestPause(Duration.ofMillis(200)).build();
    made.add(listener);
    return listener;
  }

  private static Event next(BlockingQueue<Event> events) throws InterruptedException {
    Event event = events.poll(30, TimeUnit.SECONDS);
    assertThat(event).as("an event within 30 seconds").isNotNull();
    return event;
  }

  private static void notify(TestServer server, String channel, String payload) {
    server.sql("NOTIFY \"" + channel + "\", '" + payload + "'");
  }

  private static int pid(TestServer server) {
    return Integer.parseInt(
        String.valueOf(
            server.value(
                "SELECT pid FROM pg_stat_activity WHERE application_name = '"
                    + APPLICATION
                    + "'")));
  }

  private static void close(PgListener listener) {
    listener.close();
    listener.closed().await();
  }

  private static String payload(Event event) {
    assertThat(event).isInstanceOf(Heard.class);
    return ((Heard) event).notification().payload();
  }

  @Test
  void manyChannelsShareOneConnection() throws InterruptedException {
    TestServer server = TestServer.shared();
    PgListener listener = listener(server.dsn());
    assertThat(listener.isListening()).isFalse();
    List<BlockingQueue<Event>> heard = new ArrayList<>();
    List<PgFuture<Void>> added = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      BlockingQueue<Event> events = new LinkedBlockingQueue<>();
      heard.add(events);
      added.add(listener.addListener("channel " + i, events::add));
    }
    added.forEach(PgFuture::await);
    assertThat(listener.isListening()).isTrue();
    assertThat(
            server.value(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = '"
                    + APPLICATION
                    + "'"))
        .isEqualTo("1");
    for (int i = 0; i < 50; i++) {
      notify(server, "channel " + i, "to " + i);
    }
    for (int i = 0; i < 50; i++) {
      assertThat(payload(next(heard.get(i)))).isEqualTo("to " + i);
    }
    close(listener);
    assertThat(listener.isListening()).isFalse();
    assertThatThrownBy(() -> listener.addListener("late", event -> {}).await())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has been closed");
  }

  @Test
  void whoIsRemovedHearsNoMoreAndTheSameTwiceCountsOnce() throws InterruptedException {
    TestServer server = TestServer.shared();
    PgListener listener = listener(server.dsn());
    BlockingQueue<Event> first = new LinkedBlockingQueue<>();
    BlockingQueue<Event> second = new LinkedBlockingQueue<>();
    Consumer<Event> one = first::add;
    listener.addListener("c", one).await();
    listener.addListener("c", one).await();
    listener.addListener("c", second::add).await();
    notify(server, "c", "both");
    assertThat(payload(next(first))).isEqualTo("both");
    assertThat(payload(next(second))).isEqualTo("both");
    listener.removeListener("c", one);
    notify(server, "c", "one");
    assertThat(payload(next(second))).isEqualTo("one");
    listener.addListener("c", one).await();
    notify(server, "c", "again");
    assertThat(payload(next(first))).isEqualTo("again");
    assertThat(first).isEmpty();
    close(listener);
  }

  @Test
  void aKilledBackendIsReplacedAndTheGapIsTold() throws InterruptedException {
    TestServer server = TestServer.shared();
    PgListener listener = listener(server.dsn());
    BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    listener.addListener("c", events::add).await();
    Instant before = Instant.now().truncatedTo(ChronoUnit.MICROS);
    notify(server, "c", "one");
    assertThat(payload(next(events))).isEqualTo("one");
    server.sql("SELECT pg_terminate_backend(" + pid(server) + ")");
    Gap gap = (Gap) next(events);
    assertThat(gap.since()).isBetween(before, gap.until());
    assertThat(gap.until()).isBeforeOrEqualTo(Instant.now());
    assertThat(gap.reason()).hasMessageContaining("57P01");
    // They are there to be looked up with: a timestamptz takes them.
    assertThat(gap.since().truncatedTo(ChronoUnit.MICROS)).isEqualTo(gap.since());
    assertThat(gap.until().truncatedTo(ChronoUnit.MICROS)).isEqualTo(gap.until());
    notify(server, "c", "two");
    assertThat(payload(next(events))).isEqualTo("two");
    close(listener);
  }

  @Test
  void aRestartedServerIsFoundAgain() throws InterruptedException {
    try (TestServer server = TestServer.start()) {
      PgListener listener = listener(server.dsn());
      BlockingQueue<Event> events = new LinkedBlockingQueue<>();
      listener.addListener("c", events::add).await();
      server.stopImmediate();
      BlockingQueue<Event> late = new LinkedBlockingQueue<>();
      PgFuture<Void> added = listener.addListener("d", late::add);
      server.startAgain();
      assertThat(next(events)).isInstanceOf(Gap.class);
      added.await();
      notify(server, "c", "back");
      notify(server, "d", "to the late one, who has missed nothing");
      assertThat(payload(next(events))).isEqualTo("back");
      assertThat(payload(next(late))).startsWith("to the late one");
      close(listener);
    }
  }

  @Test
  void aDeadLinkIsFoundByItsHeartbeat() throws InterruptedException {
    TestServer server = TestServer.shared();
    try (FaultyProxy proxy = FaultyProxy.before(server)) {
      PgListener listener =
          PgListener.builder(config(proxy.dsn(server)))
              .heartbeat(Duration.ofMillis(600))
              .longestPause(Duration.ofMillis(100))
              .build();
      BlockingQueue<Event> events = new LinkedBlockingQueue<>();
      listener.addListener("c", events::add).await();
      proxy.blackHole();
      notify(server, "c", "into the black hole");
      CompletableFuture<Void> found = new CompletableFuture<>();
      Thread watch =
          new Thread(
              () -> {
                while (listener.isListening()) {
                  Thread.onSpinWait();
                }
                found.complete(null);
              });
      watch.start();
      found.orTimeout(30, TimeUnit.SECONDS).join();
      proxy.heal();
      assertThat(next(events)).isInstanceOf(Gap.class);
      notify(server, "c", "after it");
      assertThat(payload(next(events))).isEqualTo("after it");
      close(listener);
    }
  }

  @Test
  void theFirstConnectionIsTriedOnceAndMayBeTriedAgain() {
    TestServer server = TestServer.shared();
    PgListener listener = listener(server.dsn("there_is_no_such_database"));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> listener.addListener("c", event -> {}).await())
          .satisfies(
              failure ->
                  assertThat(failure)
                      .hasStackTraceContaining(InvalidCatalogNameException.class.getName()));
    }
    close(listener);
  }

  @Test
  void aChannelThatCannotBeIsRefused() {
    PgListener listener = listener(TestServer.shared().dsn());
    assertThatThrownBy(() -> listener.addListener("", event -> {}).await())
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> listener.listen("x".repeat(64)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("63");
    close(listener);
  }

  @Test
  void aFloodDoesNotReachASlowSubscriberAndItIsToldSo() throws InterruptedException {
    TestServer server = TestServer.shared();
    PgListener listener = PgListener.builder(config(server.dsn())).bufferSize(16).build();
    CountDownLatch go = new CountDownLatch(1);
    BlockingQueue<Event> slow = new LinkedBlockingQueue<>();
    BlockingQueue<Event> quick = new LinkedBlockingQueue<>();
    listener
        .addListener(
            "flood",
            event -> {
              try {
                go.await();
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              slow.add(event);
            })
        .await();
    listener.addListener("end", quick::add).await();
    server.sql("SELECT pg_notify('flood', i::text) FROM generate_series(1, 1000) i");
    notify(server, "end", "all said");
    assertThat(payload(next(quick))).isEqualTo("all said");
    go.countDown();
    int last = 0;
    int gaps = 0;
    boolean told = false;
    while (last < 1001) {
      Event event = next(slow);
      if (event instanceof Gap gap) {
        assertThat(gap.reason()).hasMessageContaining("bufferSize");
        gaps++;
        told = true;
        notify(server, "flood", "1001"); // now there is room
      } else {
        int number = Integer.parseInt(payload(event));
        assertThat(number == last + 1 || told).as("%s behind %s", number, last).isTrue();
        last = number;
        told = false;
      }
    }
    assertThat(gaps).isPositive();
    close(listener);
  }

  @Test
  void subscribersAskForWhatTheyWantAndEndWithTheListener() throws Exception {
    TestServer server = TestServer.shared();
    PgListener listener = listener(server.dsn());
    BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    CompletableFuture<Flow.Subscription> subscribed = new CompletableFuture<>();
    CompletableFuture<Void> completed = new CompletableFuture<>();
    listener
        .listen("c")
        .subscribe(
            new Flow.Subscriber<>() {
              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                subscribed.complete(subscription);
              }

              @Override
              public void onNext(Event event) {
                events.add(event);
              }

              @Override
              public void onError(Throwable failure) {
                completed.completeExceptionally(failure);
              }

              @Override
              public void onComplete() {
                completed.complete(null);
              }
            });
    listener.addListener("c", event -> {}).await(); // from here on the other is heard too
    notify(server, "c", "one");
    notify(server, "c", "two");
    subscribed.get(10, TimeUnit.SECONDS).request(1);
    assertThat(payload(next(events))).isEqualTo("one");
    assertThat(events).isEmpty();
    subscribed.join().request(1);
    assertThat(payload(next(events))).isEqualTo("two");
    close(listener);
    completed.get(10, TimeUnit.SECONDS);
  }

  @Test
  void aNameThatTheServersEncodingLacksFailsByItself() throws InterruptedException {
    TestServer server = TestServer.shared();
    String database = "listener_latin1";
    server.sql(
        "DROP DATABASE IF EXISTS " + database,
        "CREATE DATABASE " + database + " ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    try {
      PgListener listener = listener(server.dsn(database));
      BlockingQueue<Event> events = new LinkedBlockingQueue<>();
      listener.addListener("good", events::add).await();
      assertThatThrownBy(() -> listener.addListener("日本", event -> {}).await())
          .isInstanceOf(DataException.class);
      assertThatThrownBy(() -> listener.addListener("a\0b", event -> {}).await())
          .isInstanceOf(IllegalArgumentException.class);
      // Of two listeners, each is called in order, and neither in that of the other.
      BlockingQueue<Event> others = new LinkedBlockingQueue<>();
      listener.addListener("another", others::add).await();
      server.sqlIn(database, "NOTIFY good, 'one'", "NOTIFY another, 'two'");
      assertThat(payload(next(events))).isEqualTo("one"); // and no Gap
      assertThat(payload(next(others))).isEqualTo("two");
      assertThat(listener.isListening()).isTrue();
      close(listener);
    } finally {
      server.dropDatabase(database);
    }
  }

  @Test
  void waitingForItsEndOnAnEventLoopIsRefused() {
    PgListener listener = listener(TestServer.shared().dsn());
    listener.addListener("c", event -> {}).await();
    try (PgConnection connection = PgConnection.connect(TestServer.shared().dsn()).await()) {
      assertThat(OnTheLoop.thrownBy(connection, () -> listener.closed().await()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("event loop");
    }
    close(listener);
  }
}
