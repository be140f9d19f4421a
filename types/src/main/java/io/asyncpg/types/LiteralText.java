package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A value inside the text of a composite or a range: quoted where need be, or left out for none.
 */
final class LiteralText {
  private final String text;
  private final PgType type;
  private final String ends;
  private int at;

  /** Begins to read; the server leaves every character unquoted that ends no value there. */
  LiteralText(String text, PgType type, String ends) {
    this.text = text;
    this.type = type;
    this.ends = ends;
  }

  /** Writes a value with double quotes if it is empty or holds white space or one of these. */
  static void quote(ValueWriter value, String special, ValueWriter out) {
    byte[] bytes = value.array();
    int size = value.size();
    boolean plain = size > 0;
    for (int i = 0; plain && i < size; i++) {
      char c = (char) bytes[i];
      plain = special.indexOf(c) < 0 && c != ' ' && (c < '\t' || c > '\r');
    }
    if (plain) {
      out.writeBytes(bytes, 0, size);
      return;
    }
    out.writeByte('"');
    for (int i = 0; i < size; i++) {
      if (bytes[i] == '"' || bytes[i] == '\\') {
        out.writeByte(bytes[i]);
      }
      out.writeByte(bytes[i]);
    }
    out.writeByte('"');
  }

  /** Reads up to a character that ends a value, which stays; null for nothing at all. */
  @Nullable Object value(Codec<?> codec, PgType type) {
    if (isEnd(peek())) {
      return null;
    }
    var value = new StringBuilder();
    boolean quoted = false;
    while (quoted || !isEnd(peek())) {
      char c = next();
      if (c == '\\') {
        value.append(next());
      } else if (c != '"') {
        value.append(c);
      } else if (quoted && at < text.length() && peek() == '"') {
        value.append(next());
      } else {
        quoted = !quoted;
      }
    }
    byte[] bytes = value.toString().getBytes(StandardCharsets.UTF_8);
    return new ValueReader(bytes, 0, bytes.length).readAll(codec, type);
  }

  private boolean isEnd(char c) {
    return ends.indexOf(c) >= 0;
  }

  boolean startsWith(String word) {
    return text.startsWith(word, at);
  }

  void expect(char c) {
    if (next() != c) {
      at--;
      throw malformed();
    }
  }

  void expect(String word) {
    if (!startsWith(word)) {
      throw malformed();
    }
    at += word.length();
  }

  void expectEnd() {
    if (at != text.length()) {
      throw malformed();
    }
  }

  char peek() {
    if (at >= text.length()) {
      throw malformed();
    }
    return text.charAt(at);
  }

  char next() {
    char c = peek();
    at++;
    return c;
  }

  PgCodecException malformed() {
    return new PgCodecException(
        "text that is no "
            + type.displayName()
            + ", at index "
            + at
            + ": read it as java.lang.String");
  }
}
