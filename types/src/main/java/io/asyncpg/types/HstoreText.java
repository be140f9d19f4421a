package io.asyncpg.types;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** hstore as the server prints it: {@code "a"=>"1", "b"=>NULL}. */
final class HstoreText {
  private HstoreText() {}

  static String print(Map<?, ?> pairs) {
    var text = new StringBuilder();
    pairs.forEach(
        (key, value) -> {
          text.append(text.isEmpty() ? "" : ", ");
          quote(key, text);
          text.append("=>");
          quote(value, text);
        });
    return text.toString();
  }

  private static void quote(@Nullable Object value, StringBuilder text) {
    if (value == null) {
      text.append("NULL");
      return;
    }
    text.append('"')
        .append(value.toString().replace("\\", "\\\\").replace("\"", "\\\""))
        .append('"');
  }

  static Map<String, @Nullable String> parse(String text) {
    var pairs = new LinkedHashMap<String, @Nullable String>();
    var from = new int[1];
    while (from[0] < text.length()) {
      if (!pairs.isEmpty()) {
        expect(", ", text, from);
      }
      String key = string(text, from);
      expect("=>", text, from);
      if (text.startsWith("NULL", from[0])) {
        from[0] += 4;
        pairs.put(key, null);
      } else {
        pairs.put(key, string(text, from));
      }
    }
    return Collections.unmodifiableMap(pairs);
  }

  private static String string(String text, int[] from) {
    expect("\"", text, from);
    var value = new StringBuilder();
    int at = from[0];
    while (at < text.length() && text.charAt(at) != '"') {
      if (text.charAt(at) == '\\') {
        at++;
      }
      if (at < text.length()) {
        value.append(text.charAt(at));
      }
      at++;
    }
    from[0] = at;
    expect("\"", text, from);
    return value.toString();
  }

  private static void expect(String word, String text, int[] from) {
    if (!text.startsWith(word, from[0])) {
      throw new IllegalArgumentException("no hstore");
    }
    from[0] += word.length();
  }
}
