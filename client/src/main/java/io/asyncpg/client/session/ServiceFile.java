package io.asyncpg.client.session;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A connection service file (manual, "The Connection Service File"): {@code [service]}, then a
 * {@code keyword=value} a line.
 */
public final class ServiceFile {
  private final Path file;
  private final String service;

  private ServiceFile(Path file, String service) {
    this.file = file;
    this.service = service;
  }

  /**
   * Looks a service up. Blocks.
   *
   * @param file a file that exists
   * @param service the name between the brackets
   * @return what the entry says, the first of a repeated keyword; null if there is no such entry
   * @throws IllegalArgumentException if the file cannot be read, or the entry not understood
   */
  public static @Nullable Map<Keyword, String> find(Path file, String service) {
    return new ServiceFile(file, service).entry();
  }

  private @Nullable Map<Keyword, String> entry() {
    List<String> lines;
    try {
      lines = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException | UncheckedIOException e) {
      throw new IllegalArgumentException(
          "service \"" + service + "\": service file \"" + file + "\" cannot be read", e);
    }
    Map<Keyword, String> values = null;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      if (line.startsWith("[")) {
        if (values != null) {
          break;
        }
        if (line.startsWith(service + "]", 1)) {
          values = new EnumMap<>(Keyword.class);
        }
      } else if (values != null) {
        store(values, line, i + 1);
      }
    }
    return values == null ? null : Collections.unmodifiableMap(values);
  }

  private void store(Map<Keyword, String> values, String line, int number) {
    int equals = line.indexOf('=');
    if (equals < 0) {
      throw wrong(number, "keyword=value is wanted");
    }
    String word = line.substring(0, equals);
    Keyword keyword = Keyword.of(word);
    if (keyword == Keyword.SERVICE || keyword == Keyword.SERVICEFILE) {
      throw wrong(number, "a service cannot refer to another; copy what it says");
    }
    if (keyword != null) {
      values.putIfAbsent(keyword, line.substring(equals + 1));
      return;
    }
    if (Keyword.of(word.strip()) != null) {
      throw wrong(number, "no blanks are allowed around the =");
    }
    Keyword near = Keyword.near(word);
    throw wrong(
        number,
        "\""
            + word
            + "\" is not a connection keyword"
            + (near == null ? "" : "; did you mean " + near + "?"));
  }

  private IllegalArgumentException wrong(int line, String what) {
    return new IllegalArgumentException(
        "service \"" + service + "\": service file \"" + file + "\", line " + line + ": " + what);
  }
}
