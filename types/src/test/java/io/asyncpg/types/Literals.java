package io.asyncpg.types;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Literals of every type that takes them, the odd ones first of all, from literals.txt: behind a
 * line of types, {@code = int4 int8}, a literal a line. {@code \e} is the empty one; other escapes
 * are those of a Java text block, {@code \s} for a space at the edge among them.
 */
final class Literals {
  static final Map<String, List<String>> ALL = read("literals.txt");

  /** Those of the extensions that come with PostgreSQL. */
  static final Map<String, List<String>> CONTRIB = read("contrib-literals.txt");

  private Literals() {}

  private static Map<String, List<String>> read(String file) {
    Map<String, List<String>> all = new LinkedHashMap<>();
    try (var in =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(Literals.class.getResourceAsStream(file)),
                StandardCharsets.UTF_8))) {
      List<String> current = List.of();
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.startsWith("= ")) {
          current = new ArrayList<>();
          for (String type : line.substring(2).split(" ", -1)) {
            all.put(type, current);
          }
        } else {
          current.add(plain(line));
        }
      }
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    return all;
  }

  private static String plain(String line) {
    return line.equals("\\e") ? "" : line.translateEscapes();
  }
}
