package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.Notification;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.testkit.TestServer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Calls for one listener that is added more than once: each undoes its own only. */
class NotificationsTest {
  private final BlockingQueue<Notification> heard = new LinkedBlockingQueue<>();
  private final Consumer<Notification> listener = heard::add;
  private Connection connection;
  private PgConnection other;
  private PgFuture<CommandTag> blocked;

  /** What is asked for now waits, in flight. */
  @BeforeEach
  void block() {
    connection = (Connection) PgConnection.connect(TestServer.shared().dsn()).await();
    other = PgConnection.connect(TestServer.shared().dsn()).await();
    other.execute("SELECT pg_advisory_lock(4711)").await();
    blocked = connection.execute("SELECT pg_advisory_xact_lock(4711)");
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
    other.close();
    other.closed().await();
  }

  /** Cancels what the event loop has taken already. */
  private void cancel(PgFuture<Void> added) throws Exception {
    connection.session.loop().submit(() -> {}).get(20, TimeUnit.SECONDS);
    assertThat(added.cancel(true)).isTrue();
    connection.session.loop().submit(() -> {}).get(20, TimeUnit.SECONDS);
    other.execute("SELECT pg_advisory_unlock(4711)").await();
    blocked.get(20, TimeUnit.SECONDS);
  }

  private void isHeard() throws Exception {
    other.execute("SELECT pg_notify('news', 'one')").await();
    assertThat(heard.poll(20, TimeUnit.SECONDS)).isNotNull();
  }

  @Test
  void aCallThatIsCancelledUndoesNoOther() throws Exception {
    PgFuture<Void> cancelled = connection.addListener("news", listener);
    PgFuture<Void> added = connection.addListener("news", listener);
    cancel(cancelled);
    added.get(20, TimeUnit.SECONDS);
    isHeard();
    connection.removeListener("news", listener).get(20, TimeUnit.SECONDS);
    assertThat(connection.fetch("SELECT pg_listening_channels()").get(20, TimeUnit.SECONDS))
        .isEmpty();
  }

  @Test
  void aCallThatIsCancelledUndoesNoneFromBehindARemoval() throws Exception {
    PgFuture<Void> cancelled = connection.addListener("news", listener);
    PgFuture<Void> removed = connection.removeListener("news", listener);
    PgFuture<Void> added = connection.addListener("news", listener);
    cancel(cancelled);
    removed.get(20, TimeUnit.SECONDS);
    added.get(20, TimeUnit.SECONDS);
    isHeard();
  }

  @Test
  void theLastCallThatIsCancelledUndoesAll() throws Exception {
    PgFuture<Void> first = connection.addListener("news", listener);
    PgFuture<Void> last = connection.addListener("news", listener);
    assertThat(last.cancel(true)).isTrue();
    cancel(first);
    connection.execute("SELECT 1").get(20, TimeUnit.SECONDS);
    assertThat(connection.session.notifications().isEmpty()).isTrue();
  }
}
