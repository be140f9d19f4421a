package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.PgArray;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Arrays in text, as {@code [0:1]={"a b",NULL,c}}: what travels when the element has no binary
 * form.
 */
final class ArrayText {
  private ArrayText() {}

  static PgArray<Object> read(PgType.Array type, Codec<?> element, ValueReader in) {
    String text = in.readUtf8();
    return ArrayCodecs.isVector(type)
        ? readVector(text, type, element)
        : new Parser(text, type).parse(element);
  }

  /** int2vector and oidvector have neither braces nor commas. */
  private static PgArray<Object> readVector(String text, PgType.Array type, Codec<?> element) {
    String[] parts = text.isEmpty() ? new String[0] : text.split(" ", -1);
    var elements = new @Nullable Object[parts.length];
    for (int i = 0; i < parts.length; i++) {
      byte[] bytes = parts[i].getBytes(StandardCharsets.UTF_8);
      elements[i] = new ValueReader(bytes, 0, bytes.length).readAll(element, type.element());
    }
    return PgArray.of(new int[] {parts.length}, new int[1], elements);
  }

  private static void writeVector(
      PgArray<?> array, PgType.Array type, CodecRegistry registry, ValueWriter out) {
    int from = out.size();
    new ArrayCodecs.Elements(registry, type.element(), Format.TEXT)
        .forEach(
            array.flat().toArray(),
            (codec, value) -> {
              if (out.size() > from) {
                out.writeByte(' ');
              }
              codec.encode(value, type.element(), out);
            },
            () -> {
              throw new PgCodecException("a NULL does not fit " + type.displayName());
            });
  }

  static void write(PgArray<?> array, PgType.Array type, CodecRegistry registry, ValueWriter out) {
    if (ArrayCodecs.isVector(type)) {
      writeVector(array, type, registry, out);
      return;
    }
    int[] dimensions = array.dimensions();
    if (dimensions.length == 0) {
      out.writeUtf8("{}");
      return;
    }
    if (!array.isCountedFromOne()) {
      int[] lowerBounds = array.lowerBounds();
      for (int i = 0; i < dimensions.length; i++) {
        out.writeUtf8("[" + lowerBounds[i] + ":" + (lowerBounds[i] + dimensions[i] - 1) + "]");
      }
      out.writeByte('=');
    }
    char delimiter = type.element().delimiter();
    var scratch = new ValueWriter();
    var braces = new Braces(dimensions, delimiter, out);
    new ArrayCodecs.Elements(registry, type.element(), Format.TEXT)
        .forEach(
            array.flat().toArray(),
            (codec, value) -> {
              braces.before();
              scratch.clear();
              codec.encode(value, type.element(), scratch);
              quote(scratch, delimiter, out);
              braces.after();
            },
            () -> {
              braces.before();
              out.writeUtf8("NULL");
              braces.after();
            });
  }

  private static void quote(ValueWriter element, char delimiter, ValueWriter out) {
    byte[] bytes = element.array();
    int size = element.size();
    boolean plain = size > 0 && !isNull(bytes, size);
    for (int i = 0; plain && i < size; i++) {
      byte b = bytes[i];
      plain = b != '{' && b != '}' && b != '"' && b != '\\' && b != delimiter && !isSpace((char) b);
    }
    if (plain) {
      out.writeBytes(bytes, 0, size);
      return;
    }
    out.writeByte('"');
    for (int i = 0; i < size; i++) {
      if (bytes[i] == '"' || bytes[i] == '\\') {
        out.writeByte('\\');
      }
      out.writeByte(bytes[i]);
    }
    out.writeByte('"');
  }

  private static boolean isNull(byte[] bytes, int size) {
    return size == 4
        && new String(bytes, 0, 4, StandardCharsets.ISO_8859_1).equalsIgnoreCase("NULL");
  }

  /** What the server's array_isspace takes for white space. */
  private static boolean isSpace(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
  }

  /** The braces and delimiters between elements in a row. */
  private static final class Braces {
    private final int[] dimensions;
    private final char delimiter;
    private final ValueWriter out;
    private int written;

    Braces(int[] dimensions, char delimiter, ValueWriter out) {
      this.dimensions = dimensions;
      this.delimiter = delimiter;
      this.out = out;
    }

    void before() {
      if (written > 0) {
        out.writeByte(delimiter);
      }
      write('{');
    }

    void after() {
      written++;
      write('}');
    }

    /** A brace for each dimension that begins or ends here. */
    private void write(char brace) {
      long run = 1;
      for (int i = dimensions.length - 1; i >= 0; i--) {
        run *= dimensions[i];
        if (written % run == 0) {
          out.writeByte(brace);
        }
      }
    }
  }

  private static final class Parser {
    private final String text;
    private final PgType.Array type;
    private final char delimiter;
    private final List<@Nullable Object> elements = new ArrayList<>();
    private final int[] lengths = new int[PgArray.MAX_DIMENSIONS];
    private int at;
    private int depth;

    Parser(String text, PgType.Array type) {
      this.text = text;
      this.type = type;
      delimiter = type.element().delimiter();
    }

    PgArray<Object> parse(Codec<?> element) {
      var lowerBounds = new ArrayList<Integer>();
      while (peek() == '[') {
        at++;
        lowerBounds.add(number());
        expect(':');
        number();
        expect(']');
      }
      if (!lowerBounds.isEmpty()) {
        expect('=');
      }
      list(0, element);
      if (at != text.length()) {
        throw malformed();
      }
      if (elements.isEmpty()) {
        return PgArray.of();
      }
      if (!lowerBounds.isEmpty() && lowerBounds.size() != depth) {
        throw malformed();
      }
      var dimensions = java.util.Arrays.copyOf(lengths, depth);
      var bounds = new int[depth];
      for (int i = 0; i < depth; i++) {
        bounds[i] = lowerBounds.isEmpty() ? 1 : lowerBounds.get(i);
      }
      long count = 1;
      for (int length : dimensions) {
        count = Math.min(count * length, Integer.MAX_VALUE);
      }
      if (count != elements.size()) {
        throw malformed();
      }
      return PgArray.of(dimensions, bounds, elements.toArray());
    }

    private void list(int level, Codec<?> element) {
      if (level == PgArray.MAX_DIMENSIONS) {
        throw malformed();
      }
      expect('{');
      if (level == 0 && peek() == '}') {
        at++;
        return;
      }
      int length = 0;
      while (true) {
        if (peek() == '{') {
          list(level + 1, element);
        } else {
          if (depth != 0 && depth != level + 1) {
            throw malformed();
          }
          depth = level + 1;
          elements.add(element(element));
        }
        length++;
        if (peek() == '}') {
          at++;
          break;
        }
        expect(delimiter);
      }
      if (lengths[level] == 0) {
        lengths[level] = length;
      } else if (lengths[level] != length) {
        throw malformed();
      }
    }

    private @Nullable Object element(Codec<?> codec) {
      var value = new StringBuilder();
      if (peek() == '"') {
        at++;
        while (peek() != '"') {
          if (peek() == '\\') {
            at++;
          }
          value.append(peek());
          at++;
        }
        at++;
      } else {
        while (peek() != delimiter && peek() != '}') {
          if (peek() == '\\') {
            at++;
          }
          value.append(peek());
          at++;
        }
        if (value.isEmpty()) {
          throw malformed();
        }
        if (value.length() == 4 && value.toString().equalsIgnoreCase("NULL")) {
          return null;
        }
      }
      byte[] bytes = value.toString().getBytes(StandardCharsets.UTF_8);
      return new ValueReader(bytes, 0, bytes.length).readAll(codec, type.element());
    }

    private int number() {
      int from = at;
      while (peek() == '-' || peek() == '+' || Character.isDigit(peek())) {
        at++;
      }
      try {
        return Integer.parseInt(text, from, at, 10);
      } catch (NumberFormatException e) {
        throw malformed();
      }
    }

    private void expect(char c) {
      if (peek() != c) {
        throw malformed();
      }
      at++;
    }

    private char peek() {
      if (at >= text.length()) {
        throw malformed();
      }
      return text.charAt(at);
    }

    private PgCodecException malformed() {
      return new PgCodecException(
          "text that is no "
              + type.displayName()
              + ", at index "
              + at
              + ": read it as java.lang.String");
    }
  }
}
