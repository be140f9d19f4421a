package io.asyncpg.examples;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What examples print with: UTF-8 and plain digits on every machine. */
final class Console {
  private Console() {}

  /** Prints a line. */
  static void say(String format, @Nullable Object... args) {
    print(format + "%n", args);
  }

  /** Prints and stays on the line. */
  static void print(String format, @Nullable Object... args) {
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    out.print(String.format(Locale.ROOT, format, args));
    out.flush();
  }
}
