package io.asyncpg.examples;

import static io.asyncpg.examples.Console.say;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Row;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.json.JacksonCodecs;
import io.asyncpg.types.TypeReference;
import java.util.List;
import java.util.Map;

/** Records, maps and trees as jsonb, and questions to what is inside them. */
public final class JsonDocuments {
  /** A line of an order. */
  public record Line(String item, int count) {}

  /** A document. */
  public record Order(String customer, List<Line> lines) {}

  /** A row: a column beside a document. */
  public record Stored(int id, Order doc) {}

  private JsonDocuments() {}

  /**
   * Runs it.
   *
   * @param args none
   */
  public static void main(String[] args) {
    try (ExampleServer server = ExampleServer.open();
        PgConnection conn =
            PgConnection.connect(
                    PgConfig.parse(server.dsn()).toBuilder()
                        .codecs(JacksonCodecs.of(new ObjectMapper()))
                        .build())
                .await()) {
      conn.execute("CREATE TABLE doc(id serial PRIMARY KEY, doc jsonb NOT NULL)").await();
      write(conn);
      read(conn);
      fail(conn);
    }
  }

  private static void write(PgConnection conn) {
    String insert = "INSERT INTO doc(doc) VALUES ($1)";
    conn.executeMany(
            insert,
            List.of(
                List.of(new Order("Ann", List.of(new Line("cup", 2), new Line("saucer", 2)))),
                List.of(new Order("Bob", List.of(new Line("teapot", 1))))))
        .await();
    conn.execute(insert, Map.of("customer", "Cy", "lines", List.of(), "note", "a map")).await();
    say("A record and a map are parameters as they are.");
  }

  private static void read(PgConnection conn) {
    conn.fetch(Stored.class, "SELECT id, doc FROM doc WHERE doc ? 'lines' AND NOT doc ? 'note'")
        .await()
        .forEach(stored -> say("  as a record: %s", stored));
    JsonNode tree =
        conn.fetchValue(JsonNode.class, "SELECT doc FROM doc WHERE doc ->> 'customer' = $1", "Cy")
            .await();
    say("  as a tree: %s", tree.get("note").textValue());
    List<Line> lines =
        conn.fetchValue(
                new TypeReference<List<Line>>() {},
                "SELECT doc -> 'lines' FROM doc WHERE doc ->> 'customer' = $1",
                "Ann")
            .await();
    say("  a part, as a generic type: %s", lines);
    say(
        "  whoever ordered a cup: %s",
        conn.fetch(
                String.class,
                "SELECT doc ->> 'customer' FROM doc WHERE doc @> $1",
                Map.of("lines", List.of(Map.of("item", "cup"))))
            .await());
  }

  private static void fail(PgConnection conn) {
    Row row =
        conn.fetchRow(
                "SELECT '{\"customer\": \"Di\", \"lines\": [{\"count\": \"two\"}]}'::jsonb AS doc")
            .await()
            .orElseThrow();
    try {
      row.get("doc", Order.class);
    } catch (PgCodecException e) {
      say("%nWhat does not fit says where: %s", e.getMessage());
    }
    say("The row can still be read: %s", row.getString("doc"));
  }
}
