package io.asyncpg.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

class JacksonCodecsTest {
  private static final PgType JSON = BuiltinTypes.JSON;
  private static final PgType JSONB = BuiltinTypes.JSONB;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final CodecRegistry registry = CodecRegistry.standard().with(JacksonCodecs.of(MAPPER));

  record Line(String item, int count) {}

  record Order(int id, List<Line> lines) {}

  @Test
  void aRecordIsWrittenAsJsonText() {
    assertThat(written(JSON, new Line("cup", 2))).isEqualTo("{\"item\":\"cup\",\"count\":2}");
  }

  @Test
  void jsonbHasAVersionByteBeforeItsText() {
    assertThat(written(JSONB, Map.of("a", 1))).isEqualTo("\u0001{\"a\":1}");
    assertThat(read(JSONB, JsonNode.class, "\u0001{\"a\": 1}"))
        .isEqualTo(MAPPER.createObjectNode().put("a", 1));
  }

  @Test
  void anotherVersionOfJsonbIsRefused() {
    assertThatThrownBy(() -> read(JSONB, JsonNode.class, "\u0002{}"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("version 2");
    assertThatThrownBy(() -> read(JSONB, byte[].class, "\u0002{}"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("version 2");
  }

  @Test
  void aDocumentIsATreeWhereNothingIsAskedFor() {
    assertThat(read(JSON, null, "[1, null]")).isEqualTo(MAPPER.createArrayNode().add(1).addNull());
  }

  @Test
  void aRecordIsReadWithWhatItHolds() {
    assertThat(read(JSON, Order.class, "{\"id\": 7, \"lines\": [{\"item\": \"é\", \"count\": 1}]}"))
        .isEqualTo(new Order(7, List.of(new Line("é", 1))));
  }

  @Test
  void aGenericTypeIsReadWithItsArguments() {
    Type lines = new TypeReference<Map<String, List<Line>>>() {}.getType();
    assertThat(read(JSON, lines, "{\"a\": [{\"item\": \"cup\", \"count\": 2}]}"))
        .isEqualTo(Map.of("a", List.of(new Line("cup", 2))));
  }

  @Test
  void aNumberAloneIsADocument() {
    assertThat(read(JSONB, Integer.class, "\u000142")).isEqualTo(42);
    assertThat(read(JSONB, int.class, "\u000142")).isEqualTo(42);
    assertThat(written(JSONB, 42)).isEqualTo("\u000142");
  }

  @Test
  void aStringIsTheTextOfADocument() {
    assertThat(read(JSON, String.class, "{ \"a\":1 }")).isEqualTo("{ \"a\":1 }");
    assertThat(written(JSON, "{ \"a\":1 }")).isEqualTo("{ \"a\":1 }");
    assertThat(written(JSON, CharBuffer.wrap("[]"))).isEqualTo("[]");
    assertThat(written(JSON, TextNode.valueOf("a"))).isEqualTo("\"a\"");
  }

  @Test
  void bytesAreTheTextOfADocument() {
    byte[] document = "{ \"a\":1 }".getBytes(StandardCharsets.UTF_8);
    assertThat(written(JSONB, document)).isEqualTo("\u0001{ \"a\":1 }");
    assertThat(read(JSONB, byte[].class, "\u0001{ \"a\":1 }")).isEqualTo(document);
  }

  @Test
  void theJsonNullIsAValueAndNeverAJavaNull() {
    assertThat(read(JSON, null, "null")).isEqualTo(NullNode.getInstance());
    assertThat(written(JSONB, NullNode.getInstance())).isEqualTo("\u0001null");
    assertThatThrownBy(() -> read(JSONB, Order.class, "\u0001null"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("the jsonb is the JSON null, for which")
        .hasMessageContaining("JacksonCodecsTest$Order has no value")
        .hasMessageContaining("ask for com.fasterxml.jackson.databind.JsonNode");
    assertThatThrownBy(() -> read(JSON, int.class, " null"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("the json is the JSON null, for which int has no value");
  }

  @Test
  void aDocumentThatDoesNotFitSaysWhereAndNotWhat() {
    assertThatThrownBy(
            () -> read(JSON, Order.class, "{\"id\": 1,\n \"lines\": [{\"count\": \"secret\"}]}"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("json cannot be read as")
        .hasMessageContaining("line 2, column 22")
        .hasMessageContaining("in lines[0].count")
        .hasMessageContaining("or java.lang.String")
        .hasMessageNotContaining("secret")
        .hasCauseInstanceOf(JsonProcessingException.class);
  }

  public static final class Labels {
    private final Map<String, Integer> others = new HashMap<>();

    @JsonAnySetter
    public void set(String name, int value) {
      others.put(name, value);
    }

    @JsonAnyGetter
    public Map<String, Integer> others() {
      return others;
    }
  }

  record Labelled(@JsonProperty("the-labels") Labels labels, Map<String, Line> lines) {}

  static Stream<CodecModule> bothJacksons() {
    return Stream.of(
        JacksonCodecs.of(MAPPER),
        Jackson3Codecs.of(
            JsonMapper.builder()
                .enable(tools.jackson.databind.DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .build()));
  }

  @ParameterizedTest
  @MethodSource("bothJacksons")
  void keysThatAreTheDocumentsOwnAreNotSaid(CodecModule module) {
    CodecRegistry registry = CodecRegistry.standard().with(module);
    for (String document :
        List.of(
            "{\"lines\": {\"secret\": {\"count\": \"x\"}}}",
            "{\"lines\": {\"secret\": {\"count\": 1, \"secret\": 2}}}",
            "{\"the-labels\": {\"secret\": \"x\"}}",
            "{\"the-labels\": {\"secret\": \"x\"}, \"secret\": 1}")) {
      assertThatThrownBy(() -> read(registry, JSON, Labelled.class, document))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("[...]")
          .hasMessageNotContaining("secret");
    }
    assertThatThrownBy(
            () ->
                read(
                    registry,
                    JSON,
                    Labelled.class,
                    "{\"lines\": {\"secret\": {\"count\": \"x\"}}}"))
        .hasMessageContaining(", in lines[...].count (");
    assertThatThrownBy(
            () -> read(registry, JSON, Labelled.class, "{\"the-labels\": {\"secret\": \"x\"}}"))
        .hasMessageContaining(", in the-labels[...] (");
    assertThatThrownBy(
            () ->
                encode(
                    registry, JSON, Map.of("secret", List.of(new Unwritable())), new ValueWriter()))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining(", in [...][0].self")
        .hasMessageNotContaining("secret");
  }

  @ParameterizedTest
  @MethodSource("bothJacksons")
  void thePathToWhatHoldsItselfHasAnEnd(CodecModule module) {
    var endless = new ArrayList<Object>();
    endless.add(endless);
    assertThatThrownBy(
            () -> encode(CodecRegistry.standard().with(module), JSON, endless, new ValueWriter()))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining(", in " + "[0]".repeat(16) + "... (");
  }

  @Test
  void brokenTextSaysWhere() {
    assertThatThrownBy(() -> read(JSON, JsonNode.class, "{\"a\": tru}"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("line 1, column 7")
        .hasMessageContaining("JsonParseException");
    assertThatThrownBy(() -> read(JSON, JsonNode.class, ""))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("json cannot be read as");
  }

  public static final class Unwritable {
    public Object getSelf() {
      return this;
    }
  }

  @Test
  void whatJacksonCannotWriteIsRefusedWithARemedy() {
    assertThatThrownBy(() -> written(JSON, new Unwritable()))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("Unwritable cannot become json")
        .hasMessageContaining("JsonNode or the document as java.lang.String")
        .hasCauseInstanceOf(JsonProcessingException.class);
  }

  @Test
  void theMapperSettingsAreTheCallers() {
    var exact =
        CodecRegistry.standard()
            .with(
                JacksonCodecs.of(
                    new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)));
    String digits = "1234567890123456789.123456789";
    assertThat(read(exact, JSON, Object[].class, "[" + digits + "]"))
        .isEqualTo(new Object[] {new BigDecimal(digits)});
    assertThat(read(JSON, Object[].class, "[0.5]")).isEqualTo(new Object[] {0.5});
  }

  @Test
  void elementsOfAnArrayAreDocuments() {
    var out = new ValueWriter();
    encode(registry, BuiltinTypes.JSONB_ARRAY, List.of(new Line("a", 1), new Line("b", 2)), out);
    assertThat(
            decode(
                registry,
                BuiltinTypes.JSONB_ARRAY,
                new TypeReference<List<Line>>() {}.getType(),
                out))
        .isEqualTo(List.of(new Line("a", 1), new Line("b", 2)));
    assertThat(decode(registry, BuiltinTypes.JSONB_ARRAY, Line[].class, out))
        .isEqualTo(new Line[] {new Line("a", 1), new Line("b", 2)});
  }

  @Test
  void aDomainOverJsonbIsJsonb() {
    var domain = new PgType.Domain(70_000, "public", "order_doc", JSONB);
    assertThat(written(domain, new Line("cup", 2)))
        .isEqualTo("\u0001{\"item\":\"cup\",\"count\":2}");
    assertThat(read(domain, Line.class, "\u0001{\"item\": \"cup\", \"count\": 2}"))
        .isEqualTo(new Line("cup", 2));
  }

  @Test
  void aTypeMayHaveACodecOfItsOwn() {
    var domain = new PgType.Domain(70_000, "public", "order_lines", JSONB);
    Codec<List<Line>> codec = JacksonCodecs.codec(MAPPER, new TypeReference<List<Line>>() {});
    CodecRegistry named = CodecRegistry.standard().with("public", "order_lines", codec);
    assertThat(read(named, domain, null, "\u0001[{\"item\": \"cup\", \"count\": 2}]"))
        .isEqualTo(List.of(new Line("cup", 2)));
    var out = new ValueWriter();
    encode(named, domain, List.of(new Line("cup", 2)), out);
    assertThat(text(out)).isEqualTo("\u0001[{\"item\":\"cup\",\"count\":2}]");
  }

  @Test
  void otherTypesAreLeftToOthers() {
    CodecModule module = JacksonCodecs.of(MAPPER);
    assertThat(module.codec(BuiltinTypes.TEXT, JsonNode.class)).isNull();
    assertThat(module.codec(BuiltinTypes.JSONPATH, null)).isNull();
    assertThat(module.codec(JSON, String.class)).isNull();
    assertThat(module.codec(JSON, char[].class)).isNull();
  }

  @Test
  void aBigDocumentComesBackAsItWas() {
    var big = new HashMap<String, List<Integer>>();
    for (int i = 0; i < 2_000; i++) {
      big.put("key" + i, List.of(i, i + 1, i + 2, i * 1000));
    }
    var out = new ValueWriter();
    encode(registry, JSONB, big, out);
    assertThat(out.size()).isGreaterThan(1 << 15);
    assertThat(
            decode(
                registry, JSONB, new TypeReference<Map<String, List<Integer>>>() {}.getType(), out))
        .isEqualTo(big);
  }

  @Test
  void aServiceFindsItWithEveryDigitKept() {
    CodecRegistry discovered = CodecRegistry.standard().with(CodecModule.discovered());
    assertThat(read(discovered, JSON, null, "[1.10, 12345678901234567890.5]").toString())
        .isEqualTo("[1.10,12345678901234567890.5]");
    assertThat(read(discovered, BuiltinTypes.INT2, null, "\u0001\u0001")).isEqualTo((short) 257);
  }

  @Test
  void aServiceFindsItWithNothingNarrowed() {
    CodecRegistry discovered = CodecRegistry.standard().with(CodecModule.discovered());
    assertThat(read(discovered, JSONB, int.class, "\u000142")).isEqualTo(42);
    assertThat(read(discovered, JSONB, double.class, "\u000142")).isEqualTo(42.0);
    assertThat(read(discovered, JSONB, Double.class, "\u00010.1")).isEqualTo(0.1);
    assertThat(read(discovered, JSON, Line.class, "{\"item\": \"cup\", \"count\": 2}"))
        .isEqualTo(new Line("cup", 2));
    Map<String, Type> refused =
        Map.of(
            "1.5", int.class,
            "3000000000", Integer.class,
            "\"7\"", int.class,
            "\"1.5\"", double.class,
            "true", long.class,
            "1", boolean.class,
            "[1.5]", int[].class,
            "{\"count\": 2.5}", Line.class);
    refused.forEach(
        (document, type) ->
            assertThatThrownBy(() -> read(discovered, JSON, type, document))
                .as(document)
                .isInstanceOf(PgCodecException.class)
                .hasMessageContaining("json cannot be read as " + type.getTypeName()));
  }

  @ParameterizedTest
  @MethodSource("bothJacksons")
  void aNumberBeyondADoubleIsNotInfinity(CodecModule module) {
    CodecRegistry registry = CodecRegistry.standard().with(module);
    assertThatThrownBy(() -> read(registry, JSONB, double.class, "\u00011e400"))
        .isInstanceOf(PgCodecException.class)
        .hasMessage(
            "jsonb cannot be read as double, which ends before that number: ask for java.math.BigDecimal");
    assertThatThrownBy(() -> read(registry, JSON, Float.class, " -1e39"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("BigDecimal");
    assertThat(read(registry, JSON, BigDecimal.class, "1e400")).isEqualTo(new BigDecimal("1e400"));
    // What Jackson writes for it.
    assertThat(read(registry, JSON, Double.class, "\"Infinity\""))
        .isEqualTo(Double.POSITIVE_INFINITY);
  }

  @Test
  void jackson3DoesTheSame() {
    var mapper = new tools.jackson.databind.ObjectMapper();
    CodecRegistry registry = CodecRegistry.standard().with(Jackson3Codecs.of(mapper));
    var out = new ValueWriter();
    encode(registry, JSONB, new Line("cup", 2), out);
    assertThat(text(out)).isEqualTo("\u0001{\"item\":\"cup\",\"count\":2}");
    assertThat(decode(registry, JSONB, Line.class, out)).isEqualTo(new Line("cup", 2));
    assertThat(read(registry, JSON, null, "[1, null]"))
        .isEqualTo(mapper.createArrayNode().add(1).addNull());
    assertThat(read(registry, JSON, byte[].class, "[]")).isEqualTo(new byte[] {'[', ']'});
    assertThatThrownBy(
            () -> read(registry, JSON, Order.class, "{\"lines\": [{\"count\": \"secret\"}]}"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("line 1, column 22, in lines[0].count")
        .hasMessageContaining("tools.jackson.databind.JsonNode")
        .hasMessageNotContaining("secret");
    assertThatThrownBy(() -> encode(registry, JSON, new Unwritable(), new ValueWriter()))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("Unwritable cannot become json");
    var codec =
        Jackson3Codecs.codec(
            mapper, new tools.jackson.core.type.TypeReference<Optional<Line>>() {});
    byte[] none = "null".getBytes(StandardCharsets.UTF_8);
    assertThat(codec.decode(JSON, new ValueReader(none, 0, none.length))).isEmpty();
  }

  private String written(PgType type, Object value) {
    var out = new ValueWriter();
    encode(registry, type, value, out);
    return text(out);
  }

  private static String text(ValueWriter out) {
    return new String(out.array(), 0, out.size(), StandardCharsets.UTF_8);
  }

  private Object read(PgType type, @Nullable Type javaType, String text) {
    return read(registry, type, javaType, text);
  }

  private static Object read(
      CodecRegistry registry, PgType type, @Nullable Type javaType, String text) {
    // Among other bytes, as in a row.
    byte[] bytes = ("xx" + text + "]}").getBytes(StandardCharsets.UTF_8);
    return new ValueReader(bytes, 2, bytes.length - 2)
        .readAll(registry.decoder(type, javaType), type);
  }

  @SuppressWarnings("unchecked")
  private static void encode(CodecRegistry registry, PgType type, Object value, ValueWriter out) {
    ((Codec<Object>) registry.encoder(type, value.getClass())).encode(value, type, out);
  }

  private static Object decode(
      CodecRegistry registry, PgType type, Type javaType, ValueWriter out) {
    return new ValueReader(out.array(), 0, out.size())
        .readAll(registry.decoder(type, javaType), type);
  }
}
