package io.asyncpg.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PublicApiTest {
  private static final String MODULE =
      """
      module shop {
        exports io.asyncpg.shop.front;
        exports io.asyncpg.shop.back to java.base;
      }
      """;

  private static final String FRONT =
      """
      package io.asyncpg.shop.front;
      import java.util.*;
      import java.util.function.Function;
      public abstract class Counter<T extends Comparable<? super T>> implements AutoCloseable {
        public static final int SIZE = 3;
        protected volatile List<? extends T> goods;
        private int hidden;
        protected Counter(T first, int... more) throws java.io.IOException {}
        public synchronized <R> Map<String, R[]> sell(Function<? super T, ? extends R> how) { return Map.of(); }
        public abstract void close();
        public String toString() { return ""; }
        void aside() {}
        public enum Kind { OPEN, SHUT; public static Kind of(int i) { return OPEN; } }
        public record Price(int cents, String currency) { public Price(int cents) { this(cents, "EUR"); } }
        public sealed interface Guest permits Regular { default int visits() { return 1; } int id(); }
        public static non-sealed class Regular implements Guest { public int id() { return 1; } }
        private record Secret(int i) {}
      }
      """;

  private static final String EXPECTED =
      """
      package io.asyncpg.shop.front

      abstract class Counter<T extends Comparable<? super T>> implements AutoCloseable
        static final int SIZE
        protected List<? extends T> goods
        protected Counter(T, int...) throws IOException
        abstract void close()
        <R> Map<String, R[]> sell(Function<? super T, ? extends R>)

      sealed interface Counter.Guest
        int id()
        default int visits()

      enum Counter.Kind
        OPEN
        SHUT
        static Counter.Kind of(int)

      record Counter.Price(int cents, String currency)
        Price(int)

      class Counter.Regular implements Counter.Guest
        Regular()
        int id()
      """;

  @TempDir Path directory;

  @Test
  void whatIsExportedAndCanBeNamedIsShown() throws Exception {
    URL[] classes = {compiled().toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(classes)) {
      List<String> text = PublicApi.of(loader.loadClass("io.asyncpg.shop.front.Counter"));

      assertThat(String.join("\n", text)).isEqualTo(EXPECTED);
    }
  }

  private Path compiled() throws Exception {
    Path sources = Files.createDirectories(directory.resolve("sources"));
    Path classes = Files.createDirectories(directory.resolve("classes"));
    Files.writeString(sources.resolve("module-info.java"), MODULE);
    Files.writeString(sources.resolve("Counter.java"), FRONT);
    Files.writeString(
        sources.resolve("Back.java"), "package io.asyncpg.shop.back; public class Back {}");
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                Stream.concat(
                        Stream.of("-d", classes.toString()),
                        Stream.of("module-info.java", "Counter.java", "Back.java")
                            .map(name -> sources.resolve(name).toString()))
                    .toArray(String[]::new));
    assertThat(status).isZero();
    return classes;
  }
}
