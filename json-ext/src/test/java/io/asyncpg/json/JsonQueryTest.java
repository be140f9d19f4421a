package io.asyncpg.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Row;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.TypeReference;
import io.asyncpg.types.value.Composite;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class JsonQueryTest {
  private PgConnection connection;

  record Line(String item, int count) {}

  record Order(int id, List<Line> lines) {}

  record Stored(int key, Order doc) {}

  @BeforeEach
  void connect() {
    connection =
        PgConnection.connect(
                PgConfig.parse(TestServer.shared().dsn()).toBuilder()
                    .codecs(JacksonCodecs.of(new ObjectMapper()))
                    .build())
            .await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  @Test
  void aRecordGoesInAndComesOut() {
    var order = new Order(7, List.of(new Line("cup", 2), new Line("€", 3)));
    Row row =
        connection
            .fetchRow("SELECT $1::jsonb AS doc, $1->'lines'->1->>'item' AS item", order)
            .await()
            .orElseThrow();
    assertThat(row.get("doc", Order.class)).isEqualTo(order);
    assertThat(row.getString("item")).isEqualTo("€");
    assertThat(connection.fetchValue(Order.class, "SELECT $1::json", order).await())
        .isEqualTo(order);
  }

  @Test
  void aMapGoesInAndATreeComesOut() {
    JsonNode tree =
        connection.fetchValue(JsonNode.class, "SELECT $1::jsonb", Map.of("a", List.of(1))).await();
    assertThat(tree).hasToString("{\"a\":[1]}");
    assertThat(connection.fetchRow("SELECT '[1]'::json").await().orElseThrow().get(0))
        .isEqualTo(new ObjectMapper().createArrayNode().add(1));
  }

  @Test
  void aColumnOfARecordIsADocument() {
    assertThat(
            connection
                .fetch(Stored.class, "SELECT 1 AS key, '{\"id\": 2, \"lines\": []}'::jsonb AS doc")
                .await())
        .containsExactly(new Stored(1, new Order(2, List.of())));
  }

  @Test
  void jsonNullAndSqlNullStayApart() {
    Row row =
        connection
            .fetchRow("SELECT 'null'::jsonb AS json, NULL::jsonb AS sql")
            .await()
            .orElseThrow();
    assertThat(row.get("json")).isEqualTo(NullNode.getInstance());
    assertThat(row.isNull("json")).isFalse();
    assertThat(row.get("sql")).isNull();
    assertThat(row.get("sql", Order.class)).isNull();
  }

  @Test
  void aDocumentThatDoesNotFitFailsThatAccessOnly() {
    Row row =
        connection.fetchRow("SELECT '{\"id\": []}'::json AS doc, 5 AS n").await().orElseThrow();
    assertThatThrownBy(() -> row.get("doc", Order.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("doc")
        .hasMessageContaining("line 1, column 8");
    assertThat(row.getString("doc")).isEqualTo("{\"id\": []}");
    assertThat(row.getInt("n")).isEqualTo(5);
  }

  @Test
  void arraysOfDocumentsGoBothWays() {
    List<Line> lines = List.of(new Line("a", 1), new Line("b", 2));
    Row row = connection.fetchRow("SELECT $1::jsonb[] AS docs", lines).await().orElseThrow();
    assertThat(row.get("docs", Line[].class)).containsExactlyElementsOf(lines);
  }

  @Test
  void documentsInArraysAndRowsAreReadAsTheTextOfTheWhole() {
    Row row =
        connection
            .fetchRow("SELECT ARRAY['{\"a\":1}'::jsonb, NULL], ROW(1, '[]'::json, true)")
            .await()
            .orElseThrow();
    assertThat(row.getString(0)).isEqualTo("{\"{\\\"a\\\": 1}\",NULL}");
    assertThat(row.getString(1)).isEqualTo("(1,[],t)");
  }

  @Test
  void aDocumentInARowThatTravelsInTextIsADocumentAllTheSame() {
    record Marked(String mark, Order doc) {}
    connection.execute("CREATE TYPE pg_temp.marked AS (mark xml, doc jsonb)").await();
    var marked = new Marked("<a/>", new Order(7, List.of(new Line("c]p", 2))));
    Row row =
        connection
            .fetchRow("SELECT $1::pg_temp.marked, ($1::pg_temp.marked).doc->'id'", marked)
            .await()
            .orElseThrow();
    assertThat(row.get(0, Marked.class)).isEqualTo(marked);
    assertThat(((Composite) row.get(0)).get("doc")).isInstanceOf(JsonNode.class);
    assertThat(row.getInt(1)).isEqualTo(7);
  }

  @Test
  void aColumnOfDocumentsIsAListOfRecords() {
    record Doc(String doc) {}
    String documents =
        "SELECT jsonb_build_object('id', i, 'lines', '[]'::jsonb) AS doc"
            + " FROM generate_series(1, 2) i";
    assertThat(connection.fetch(Order.class, documents).await())
        .containsExactly(new Order(1, List.of()), new Order(2, List.of()));
    // By its name the column is a component of this one.
    assertThat(connection.fetch(Doc.class, "SELECT '\"x\"'::jsonb AS doc").await())
        .containsExactly(new Doc("\"x\""));
  }

  @Test
  void aDomainMayHaveACodecOfItsOwn() {
    String database = TestServer.shared().createDatabase();
    TestServer.shared()
        .sqlIn(
            database,
            "CREATE DOMAIN order_lines AS jsonb",
            "CREATE TYPE kept AS (id int4, lines order_lines)");
    PgConfig config =
        PgConfig.parse(TestServer.shared().dsn(database)).toBuilder()
            .codecs(JacksonCodecs.of(new ObjectMapper()))
            .codec(
                "public",
                "order_lines",
                JacksonCodecs.codec(
                    new ObjectMapper(),
                    new com.fasterxml.jackson.core.type.TypeReference<List<Line>>() {}))
            .build();
    PgConnection own = PgConnection.connect(config).await();
    try {
      List<Line> lines = List.of(new Line("cup", 2));
      Row row =
          own.fetchRow("SELECT ROW(1, $1::order_lines)::kept, ARRAY[$1::order_lines]", lines)
              .await()
              .orElseThrow();
      assertThat(((Composite) row.get(0)).get("lines")).isEqualTo(lines);
      assertThat(row.get(1)).isEqualTo(List.of(lines));
    } finally {
      own.close();
      own.closed().await();
      TestServer.shared().dropDatabase(database);
    }
  }

  @Test
  void aGenericTypeIsAskedForByReference() {
    TypeReference<List<Order>> orders = new TypeReference<>() {};
    List<Order> wanted = List.of(new Order(1, List.of()), new Order(2, List.of()));
    assertThat(
            connection
                .fetchValue(
                    orders, "SELECT '[{\"id\":1,\"lines\":[]},{\"id\":2,\"lines\":[]}]'::jsonb")
                .await())
        .isEqualTo(wanted);
    assertThat(connection.fetchValue(orders, "SELECT NULL::jsonb").await()).isNull();
    assertThat(connection.fetchValue(orders, "SELECT '[]'::jsonb WHERE false").await()).isNull();
    Row row = connection.fetchRow("SELECT '{\"a\": [1, 2]}'::json AS doc").await().orElseThrow();
    assertThat(row.get("doc", new TypeReference<Map<String, List<Integer>>>() {}))
        .isEqualTo(Map.of("a", List.of(1, 2)));
    assertThatThrownBy(() -> connection.fetchValue(orders, "SELECT '{}'::jsonb").await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.util.List<");
    assertThatThrownBy(() -> raw()).isInstanceOf(IllegalStateException.class);
  }

  @SuppressWarnings("rawtypes")
  private static TypeReference<?> raw() {
    return new TypeReference() {};
  }
}
