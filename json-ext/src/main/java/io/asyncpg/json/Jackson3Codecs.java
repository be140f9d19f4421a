package io.asyncpg.json;

import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.PgType;
import java.io.OutputStream;
import java.lang.reflect.Type;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationConfig;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.SerializationConfig;
import tools.jackson.databind.introspect.ClassIntrospector;

/**
 * As {@link JacksonCodecs}, for Jackson 3, which the application brings itself: {@code
 * tools.jackson.core:jackson-databind}.
 */
@SuppressWarnings("exports") // who calls it has Jackson 3, and reads its module
public final class Jackson3Codecs implements CodecModule {
  private static final JsonCodec.Bytes BYTES = new JsonCodec.Bytes();

  private final ObjectMapper mapper;

  private Jackson3Codecs(ObjectMapper mapper) {
    this.mapper = mapper;
  }

  /**
   * The codecs of one mapper.
   *
   * @param mapper reads and writes the documents, with all its modules and settings
   * @return what {@code PgConfig.Builder.codecs} takes
   */
  public static CodecModule of(ObjectMapper mapper) {
    return new Jackson3Codecs(mapper);
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
    return new Jackson3<>(
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
    return new Jackson3<>(
        constructed.getRawClass(), wanted, mapper.readerFor(constructed), mapper.writer());
  }

  private static final class Jackson3<T> extends JsonCodec<T> {
    private final ObjectReader reader;
    private final ObjectWriter writer;

    Jackson3(Class<T> javaType, Type wanted, ObjectReader reader, ObjectWriter writer) {
      super(javaType, wanted);
      this.reader = reader;
      this.writer = writer;
    }

    @Override
    @Nullable T read(byte[] bytes, int from, int length) throws Malformed {
      try {
        return reader.readValue(bytes, from, length);
      } catch (JacksonException e) {
        DeserializationConfig config = reader.getConfig();
        ClassIntrospector classes = config.classIntrospectorInstance().forOperation(config);
        throw malformed(
            e,
            bean -> {
              JavaType type = config.constructType(bean);
              return classes.introspectForDeserialization(
                  type, classes.introspectClassAnnotations(type));
            });
      }
    }

    @Override
    void write(T value, OutputStream to) throws Malformed {
      try {
        writer.writeValue(to, value);
      } catch (JacksonException e) {
        SerializationConfig config = writer.getConfig();
        ClassIntrospector classes = config.classIntrospectorInstance().forOperation(config);
        throw malformed(
            e,
            bean -> {
              JavaType type = config.constructType(bean);
              return classes.introspectForSerialization(
                  type, classes.introspectClassAnnotations(type));
            });
      }
    }

    @Override
    String treeClass() {
      return JsonNode.class.getName();
    }

    private static Malformed malformed(
        JacksonException e, Function<Class<?>, BeanDescription> introspection) {
      String path =
          Malformed.path(
              e.getPath(),
              (before, step) ->
                  Malformed.step(before, property(step, introspection), step.getIndex()));
      TokenStreamLocation at = e.getLocation();
      return at == null
          ? new Malformed(0, 0, path, e)
          : new Malformed(at.getLineNr(), at.getColumnNr(), path, e);
    }

    /** Null unless the class has a property of that name. */
    private static @Nullable String property(
        JacksonException.Reference step, Function<Class<?>, BeanDescription> introspection) {
      Class<?> bean = Malformed.bean(step.from());
      String name = step.getPropertyName();
      return bean != null
              && introspection.apply(bean).findProperties().stream()
                  .anyMatch(property -> property.getName().equals(name))
          ? name
          : null;
    }
  }
}
