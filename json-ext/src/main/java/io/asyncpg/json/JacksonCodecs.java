package io.asyncpg.json;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.DeserializationConfig;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonMappingException.Reference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationConfig;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.PgType;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Type;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * json and jsonb as {@link JsonNode}, as any class or record that Jackson 2 can bind, and as {@code
 * byte[]}. Strings stay what they are without this module: the document's text.
 *
 * <p>A column is read as what is asked for, {@code row.get("doc", Order.class)}, and as {@link
 * JsonNode} where nothing is; a parameter takes a record, a map or a node as it is. The JSON null
 * is a value, a {@code NullNode}, and is never taken for SQL's NULL.
 */
public final class JacksonCodecs implements CodecModule {
  private static final JsonCodec.Bytes BYTES = new JsonCodec.Bytes();

  private final ObjectMapper mapper;

  /**
   * What {@link CodecModule#discovered} finds: with a mapper that has every Jackson module of the
   * application, keeps all digits of a number, and refuses a fraction for an {@code int} and a
   * string for a number. {@link #of} takes one's own.
   */
  public JacksonCodecs() {
    this(
        JsonMapper.builder()
            .findAndAddModules()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .build());
  }

  private JacksonCodecs(ObjectMapper mapper) {
    this.mapper = mapper;
  }

  /**
   * The codecs of one mapper.
   *
   * @param mapper reads and writes the documents; with all its modules and settings, which must not
   *     change any more
   * @return what {@code PgConfig.Builder.codecs} takes
   */
  public static CodecModule of(ObjectMapper mapper) {
    return new JacksonCodecs(mapper);
  }

  /**
   * A codec for one generic type, to be registered by name: for a domain over jsonb, say, that
   * always holds the same.
   *
   * @param <T> the Java side
   * @param mapper reads and writes the documents
   * @param type what they are
   * @return a codec for json, jsonb and domains over them
   */
  public static <T> Codec<T> codec(ObjectMapper mapper, TypeReference<T> type) {
    JavaType javaType = mapper.constructType(type);
    @SuppressWarnings("unchecked") // the reference says that values of this class are T
    var raw = (Class<T>) javaType.getRawClass();
    return new Jackson2<>(
        raw, type.getType(), mapper.readerFor(javaType), mapper.writerFor(javaType));
  }

  @Override
  public @Nullable Codec<?> codec(PgType type, @Nullable Type javaType) {
    if (!JsonCodec.binds(type, javaType)) {
      return null;
    }
    if (javaType == byte[].class) {
      return BYTES;
    }
    Type wanted = javaType == null ? JsonNode.class : javaType;
    JavaType constructed = mapper.constructType(wanted);
    return new Jackson2<>(
        constructed.getRawClass(), wanted, mapper.readerFor(constructed), mapper.writer());
  }

  private static final class Jackson2<T> extends JsonCodec<T> {
    private final ObjectReader reader;
    private final ObjectWriter writer;

    Jackson2(Class<T> javaType, Type wanted, ObjectReader reader, ObjectWriter writer) {
      super(javaType, wanted);
      this.reader = reader;
      this.writer = writer;
    }

    @Override
    @Nullable T read(byte[] bytes, int from, int length) throws IOException, Malformed {
      try {
        return reader.readValue(bytes, from, length);
      } catch (JacksonException e) {
        DeserializationConfig config = reader.getConfig();
        throw malformed(e, bean -> config.introspect(config.constructType(bean)));
      }
    }

    @Override
    void write(T value, OutputStream to) throws IOException, Malformed {
      try {
        writer.writeValue(to, value);
      } catch (JacksonException e) {
        SerializationConfig config = writer.getConfig();
        throw malformed(e, bean -> config.introspect(config.constructType(bean)));
      }
    }

    @Override
    String treeClass() {
      return JsonNode.class.getName();
    }

    private static Malformed malformed(
        JacksonException e, Function<Class<?>, BeanDescription> introspection) {
      List<Reference> steps = e instanceof JsonMappingException m ? m.getPath() : List.of();
      String path =
          Malformed.path(
              steps,
              (before, step) ->
                  Malformed.step(before, property(step, introspection), step.getIndex()));
      JsonLocation at = e.getLocation();
      return at == null
          ? new Malformed(0, 0, path, e)
          : new Malformed(at.getLineNr(), at.getColumnNr(), path, e);
    }

    /** Null unless the class has a property of that name. */
    private static @Nullable String property(
        Reference step, Function<Class<?>, BeanDescription> introspection) {
      Class<?> bean = Malformed.bean(step.getFrom());
      String name = step.getFieldName();
      return bean != null
              && introspection.apply(bean).findProperties().stream()
                  .anyMatch(property -> property.getName().equals(name))
          ? name
          : null;
    }
  }
}
