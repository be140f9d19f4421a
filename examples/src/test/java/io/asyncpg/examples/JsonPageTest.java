package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.json.JacksonCodecs;
import io.asyncpg.types.Codec;
import io.asyncpg.types.TypeReference;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What docs/json.md shows, compiled and run; the page has it from here. */
class JsonPageTest extends InADatabase {
  record Line(String item, int count) {}

  record Order(int id, List<Line> lines) {}

  @Test
  void documentsAreRecords() {
    PgConfig config =
        PgConfig.parse(dsn).toBuilder().codecs(JacksonCodecs.of(new ObjectMapper())).build();

    try (PgConnection conn = PgConnection.connect(config).await()) {
      conn.execute("CREATE TABLE orders(id serial PRIMARY KEY, doc jsonb)").await();
      conn.execute("INSERT INTO orders(doc) VALUES($1)", new Order(7, List.of(new Line("cup", 2))))
          .await();
      Order order = conn.fetchValue(Order.class, "SELECT doc FROM orders").await();
      System.out.println(order.lines());
    }
    assertThat(server.rowsIn(database, "SELECT id, doc FROM orders"))
        .containsExactly(
            List.of("1", "{\"id\": 7, \"lines\": [{\"item\": \"cup\", \"count\": 2}]}"));
  }

  @Test
  void genericTypes() {
    server.sqlIn(
        database,
        "CREATE TABLE orders(doc jsonb)",
        "INSERT INTO orders VALUES ('{\"lines\": [{\"item\": \"cup\", \"count\": 2}]}')");
    PgConfig config =
        PgConfig.parse(dsn).toBuilder().codecs(JacksonCodecs.of(new ObjectMapper())).build();
    try (PgConnection conn = PgConnection.connect(config).await()) {
      Row row = conn.fetchRow("SELECT '{\"cup\": 2}'::jsonb AS counts").await().orElseThrow();
      List<Line> lines =
          conn.fetchValue(new TypeReference<List<Line>>() {}, "SELECT doc->'lines' FROM orders")
              .await();
      Map<String, Integer> counts = row.get("counts", new TypeReference<Map<String, Integer>>() {});
      assertThat(lines).containsExactly(new Line("cup", 2));
      assertThat(counts).isEqualTo(Map.of("cup", 2));
    }
  }

  @Test
  void aDomainsOwnCodec() {
    server.sqlIn(database, "CREATE DOMAIN order_lines AS jsonb");
    var mapper = new ObjectMapper();
    Codec<List<Line>> lines =
        JacksonCodecs.codec(
            mapper, new com.fasterxml.jackson.core.type.TypeReference<List<Line>>() {});
    PgConfig config =
        PgConfig.parse(dsn).toBuilder()
            .codecs(JacksonCodecs.of(mapper))
            .codec("public", "order_lines", lines)
            .build();
    List<Line> given = List.of(new Line("cup", 2));
    try (PgConnection conn = PgConnection.connect(config).await()) {
      assertThat(conn.fetchRow("SELECT ARRAY[$1::order_lines]", given).await().orElseThrow().get(0))
          .isEqualTo(List.of(given));
    }
  }

  @Test
  void allDigits() {
    ObjectMapper mapper =
        JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .build();
    PgConfig config = PgConfig.parse(dsn).toBuilder().codecs(JacksonCodecs.of(mapper)).build();
    try (PgConnection conn = PgConnection.connect(config).await()) {
      assertThat(conn.fetchValue(JsonNode.class, "SELECT '1.234567890123456789010'::jsonb").await())
          .hasToString("1.234567890123456789010");
      PgFuture<Integer> narrowed = conn.fetchValue(Integer.class, "SELECT '1.5'::jsonb");
      assertThatThrownBy(narrowed::await).isInstanceOf(PgCodecException.class);
    }
  }
}
