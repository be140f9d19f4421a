package io.asyncpg.json;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Codec;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Type;
import java.nio.CharBuffer;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A document on the wire, whichever Jackson reads it.
 *
 * <pre>
 *   json      +--------------------+       jsonb   +---+--------------------+
 *             | the text, in UTF-8 |               | 1 | the text, in UTF-8 |
 *             +--------------------+               +---+--------------------+
 * </pre>
 */
abstract class JsonCodec<T> implements Codec<T> {
  private static final int JSONB_VERSION = 1;

  private final Class<T> javaType;
  private final Type wanted;

  /** Creates one for a Java type and its class. */
  JsonCodec(Class<T> javaType, Type wanted) {
    this.javaType = javaType;
    this.wanted = wanted;
  }

  /**
   * Reads a whole document where it lies; null if the document is a null and T has no such value.
   */
  abstract @Nullable T read(byte[] bytes, int from, int length) throws IOException, Malformed;

  /** Writes a document as UTF-8. */
  abstract void write(T value, OutputStream to) throws IOException, Malformed;

  /** What reads any document without knowing its class, for the words of an error. */
  abstract String treeClass();

  @Override
  public final Class<T> javaType() {
    return javaType;
  }

  @Override
  public final void encode(T value, PgType type, ValueWriter out) {
    if (isJsonb(type)) {
      out.writeByte(JSONB_VERSION);
    }
    try {
      write(value, new Output(out));
    } catch (Malformed e) {
      throw new PgCodecException(
          value.getClass().getName()
              + " cannot become "
              + type.displayName()
              + e.getMessage()
              + ": teach the ObjectMapper to write it, or pass "
              + treeClass()
              + " or the document as java.lang.String",
          e.getCause());
    } catch (IOException e) {
      throw new PgCodecException(
          value.getClass().getName() + " cannot become " + type.displayName(), e);
    }
  }

  @Override
  public final T decode(PgType type, ValueReader in) {
    if (isJsonb(type)) {
      checkVersion(in);
    }
    int length = in.remaining();
    T value;
    try {
      value = read(in.array(), in.position(), length);
    } catch (Malformed e) {
      throw new PgCodecException(
          type.displayName()
              + " cannot be read as "
              + wanted.getTypeName()
              + e.getMessage()
              + ": "
              + remedy(),
          e.getCause());
    } catch (IOException e) {
      throw new PgCodecException(
          type.displayName() + " cannot be read as " + wanted.getTypeName() + ": " + remedy(), e);
    }
    if (value == null || (javaType.isPrimitive() && first(in) == 'n')) {
      throw new PgCodecException(
          "the "
              + type.displayName()
              + " is the JSON null, for which "
              + wanted.getTypeName()
              + " has no value: "
              + remedy()
              + ", or select nullif(…, 'null') to make it an SQL NULL");
    }
    if (isInfinite(value) && first(in) != '"') { // Jackson writes the infinities as strings
      throw new PgCodecException(
          type.displayName()
              + " cannot be read as "
              + wanted.getTypeName()
              + ", which ends before that number: ask for java.math.BigDecimal");
    }
    in.skip(length);
    return value;
  }

  /** Jackson makes that of a number that is too large. */
  private static boolean isInfinite(Object value) {
    return (value instanceof Double wide && wide.isInfinite())
        || (value instanceof Float narrow && narrow.isInfinite());
  }

  /**
   * What tells a null, a string and a number apart: the first byte that is no space; 0 for none.
   */
  private static int first(ValueReader in) {
    byte[] bytes = in.array();
    int end = in.position() + in.remaining();
    for (int at = in.position(); at < end; at++) {
      if (!Character.isWhitespace(bytes[at])) {
        return bytes[at];
      }
    }
    return 0;
  }

  private String remedy() {
    return "ask for "
        + (wanted.getTypeName().equals(treeClass()) ? "" : treeClass() + " or ")
        + "java.lang.String";
  }

  private static void checkVersion(ValueReader in) {
    int version = in.readUnsignedByte();
    if (version != JSONB_VERSION) {
      throw new PgCodecException("jsonb of version " + version + ", only 1 is known");
    }
  }

  /**
   * Whether a module that binds documents should answer; text classes are read and written as is.
   */
  static boolean binds(PgType type, @Nullable Type javaType) {
    return isDocument(type)
        && javaType != String.class
        && javaType != char[].class
        && javaType != CharBuffer.class
        && !(javaType instanceof Class<?> plain && CharSequence.class.isAssignableFrom(plain));
  }

  private static boolean isDocument(PgType type) {
    return type.oid() == BuiltinTypes.JSON.oid() || type.oid() == BuiltinTypes.JSONB.oid();
  }

  private static boolean isJsonb(PgType type) {
    return type instanceof PgType.Domain domain
        ? isJsonb(domain.base())
        : type.oid() == BuiltinTypes.JSONB.oid();
  }

  /**
   * Where and why Jackson gave up, as words to put behind "cannot become"; the cause has Jackson's
   * own.
   */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;
    private static final int MOST_STEPS = 16;

    Malformed(int line, int column, String path, Throwable cause) {
      super(
          (line > 0 ? ", at line " + line + ", column " + column : "")
              + (path.isEmpty() ? "" : ", in " + path)
              + " ("
              + cause.getClass().getSimpleName()
              + ")",
          cause);
    }

    /** A path in words; what holds itself would have no end of steps. */
    static <S> String path(List<S> steps, BiConsumer<StringBuilder, S> add) {
      var path = new StringBuilder();
      steps.stream().limit(MOST_STEPS).forEach(step -> add.accept(path, step));
      return path.append(steps.size() > MOST_STEPS ? "..." : "").toString();
    }

    /**
     * Adds a step to a path: the name of a class's property, or an index. Where there is neither,
     * it is a key of the document, which is not told.
     */
    static void step(StringBuilder path, @Nullable String property, int index) {
      if (property == null) {
        path.append('[').append(index < 0 ? "..." : index).append(']');
      } else {
        path.append(path.isEmpty() ? "" : ".").append(property);
      }
    }

    /**
     * The class that a step goes from, which is an instance or the class; null if it has no
     * properties.
     */
    static @Nullable Class<?> bean(@Nullable Object from) {
      Class<?> bean = from == null || from instanceof Class<?> ? (Class<?>) from : from.getClass();
      return bean == null || Map.class.isAssignableFrom(bean) ? null : bean;
    }
  }

  /** Documents as the bytes of their text, which nobody looks at. */
  static final class Bytes implements Codec<byte[]> {
    @Override
    public Class<byte[]> javaType() {
      return byte[].class;
    }

    @Override
    public void encode(byte[] value, PgType type, ValueWriter out) {
      if (isJsonb(type)) {
        out.writeByte(JSONB_VERSION);
      }
      out.writeBytes(value);
    }

    @Override
    public byte[] decode(PgType type, ValueReader in) {
      if (isJsonb(type)) {
        checkVersion(in);
      }
      return in.readRemainingBytes();
    }
  }

  /** What Jackson writes to; it closes it, which says nothing here. */
  private static final class Output extends OutputStream {
    private final ValueWriter out;

    Output(ValueWriter out) {
      this.out = out;
    }

    @Override
    public void write(int b) {
      out.writeByte(b);
    }

    @Override
    public void write(byte[] bytes, int from, int length) {
      out.writeBytes(bytes, from, length);
    }
  }
}
