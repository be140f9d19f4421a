package io.asyncpg.examples;

import static io.asyncpg.examples.Console.say;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgListener;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A trigger tells of each order, a listener hears of it. Then the listener's connection is killed:
 * it makes another by itself, and says from when to when it heard nothing, so that what was missed
 * can be looked up.
 */
public final class ListenEvents {
  private static final String LISTENER = "order-listener";

  private ListenEvents() {}

  /**
   * Runs it.
   *
   * @param args none
   * @throws InterruptedException when it is interrupted
   */
  public static void main(String[] args) throws InterruptedException {
    try (ExampleServer server = ExampleServer.open();
        PgConnection conn = PgConnection.connect(server.dsn()).await()) {
      conn.execute(
              """
              CREATE TABLE orders(id serial PRIMARY KEY, item text, at timestamptz DEFAULT clock_timestamp());
              CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN PERFORM pg_notify('orders', NEW.id::text); RETURN NEW; END $$;
              CREATE TRIGGER tell AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tell();
              """)
          .await();
      listen(conn, PgConfig.parse(server.dsn()).toBuilder().applicationName(LISTENER).build());
    }
  }

  private static void listen(PgConnection conn, PgConfig config) throws InterruptedException {
    BlockingQueue<PgListener.Event> events = new LinkedBlockingQueue<>();
    PgListener listener = PgListener.create(config);
    try (listener) {
      listener.addListener("orders", events::add).await();
      order(conn, "cup");
      order(conn, "saucer");
      tell(conn, events.take());
      tell(conn, events.take());

      say("The listener's connection is killed, and somebody orders meanwhile.");
      conn.execute(
              """
              WITH killed AS MATERIALIZED
                (SELECT pg_terminate_backend(pid, 10000) AS done FROM pg_stat_activity
                 WHERE application_name = $1 AND datname = current_database())
              INSERT INTO orders(item) SELECT 'teapot' FROM killed
              """,
              LISTENER)
          .await();
      tell(conn, events.take());

      order(conn, "spoon");
      while (!tell(conn, events.take()).equals("spoon")) {
        // What was ordered just when the listener came back is heard as well as looked up.
      }
    }
    listener.closed().await();
  }

  private static void order(PgConnection conn, String item) {
    conn.execute("INSERT INTO orders(item) VALUES ($1)", item).await();
  }

  /** Says what was heard, and gives the item. */
  private static String tell(PgConnection conn, PgListener.Event event) {
    if (event instanceof PgListener.Heard heard) {
      int id = Integer.parseInt(heard.notification().payload());
      String item =
          conn.fetchValue(String.class, "SELECT item FROM orders WHERE id = $1", id).await();
      say("heard of order %d: %s", id, item);
      return item;
    }
    var gap = (PgListener.Gap) event;
    say("a gap, nothing was heard for a moment: %s", gap.reason().getClass().getSimpleName());
    conn.fetch(
            String.class,
            "SELECT item FROM orders WHERE at BETWEEN $1 AND $2 ORDER BY id",
            gap.since(),
            gap.until())
        .await()
        .forEach(item -> say("  looked up what was ordered in it: %s", item));
    return "";
  }
}
