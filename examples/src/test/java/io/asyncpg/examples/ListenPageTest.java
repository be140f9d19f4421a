package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.Notification;
import io.asyncpg.client.PgListener;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What docs/listen.md shows, compiled and run; the page has it from here. */
class ListenPageTest extends InADatabase {
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

  private String nextHeard() throws InterruptedException {
    return heard.poll(60, TimeUnit.SECONDS);
  }

  private void handle(String payload) {
    heard.add(payload);
  }

  private void lookForOrdersSince(Instant time) {
    heard.add("a gap since " + time);
  }

  private void serveUntilTold() throws InterruptedException {
    connection.execute("SELECT pg_notify('orders', '42')").await();
    assertThat(nextHeard()).isEqualTo("42");
  }

  @Test
  void onAConnection() {
    connection
        .addListener("news", notification -> System.out.println(notification.payload()))
        .await();
    connection.execute("SELECT pg_notify($1, $2)", "news", "it is out").await();
    assertThat(connection.fetchValue(String.class, "SELECT pg_listening_channels()").await())
        .isEqualTo("news");
  }

  private final class Heard implements Flow.Subscriber<Notification> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Notification notification) {
      handle(notification.payload());
    }

    @Override
    public void onError(Throwable failure) {
      handle("error");
    }

    @Override
    public void onComplete() {}
  }

  @Test
  void aPublisher() throws InterruptedException {
    var subscriber = new Heard();
    connection.listen("news", 4096).subscribe(subscriber);
    connection.execute("SELECT pg_notify('news', 'it is out')").await();
    assertThat(nextHeard()).isEqualTo("it is out");
  }

  @Test
  void throughLostConnections() throws InterruptedException {
    try (PgListener listener = PgListener.create(dsn)) {
      listener
          .addListener(
              "orders",
              event -> {
                if (event instanceof PgListener.Heard heard) {
                  handle(heard.notification().payload());
                } else if (event instanceof PgListener.Gap gap) {
                  lookForOrdersSince(gap.since()); // the server keeps nothing for who is not there
                }
              })
          .await();
      serveUntilTold();
    }
  }
}
