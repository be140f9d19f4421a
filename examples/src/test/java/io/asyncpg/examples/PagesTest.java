package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Java that stands on a page stands in a source of this build as well, which is compiled and run.
 */
class PagesTest {
  private static final Pattern SNIPPET =
      Pattern.compile("(?:```java|<pre>\\{@code)\n(.*?)(?:```|}</pre>)", Pattern.DOTALL);
  private static final String HERE = "src/test/java/io/asyncpg/examples/";

  private static final Map<String, String> SOURCES =
      Map.ofEntries(
          Map.entry("README.md", HERE + "ReadmeTest.java"),
          Map.entry("getting-started.md", HERE + "ReadmeTest.java"),
          Map.entry("overview.html", HERE + "ReadmeTest.java"),
          Map.entry("connecting.md", HERE + "ConnectingPageTest.java"),
          Map.entry("copy.md", HERE + "CopyPageTest.java"),
          Map.entry("diagnostics.md", HERE + "DiagnosticsPageTest.java"),
          Map.entry("gis.md", HERE + "GisPageTest.java"),
          Map.entry("json.md", HERE + "JsonPageTest.java"),
          Map.entry("listen.md", HERE + "ListenPageTest.java"),
          Map.entry("pool.md", HERE + "PoolPageTest.java"),
          Map.entry("transactions.md", HERE + "TransactionsPageTest.java"),
          Map.entry(
              "custom-codecs.md",
              "../client/src/test/java/io/asyncpg/client/CustomCodecsPageTest.java"),
          // Built by .ci/outside, on the module path.
          Map.entry("enterprise.md", "enterprise-app/shop/src/main/java/module-info.java"));

  @Test
  void everySnippetOfEveryPageIsCompiledSomewhere() throws IOException {
    Map<String, Integer> snippets = new TreeMap<>();
    List<String> stale = new ArrayList<>();
    for (Path page : pages()) {
      String name = page.getFileName().toString();
      List<MatchResult> found = SNIPPET.matcher(Files.readString(page)).results().toList();
      if (!found.isEmpty()) {
        snippets.put(name, found.size());
        assertThat(SOURCES).as("where the snippets of " + name + " are compiled").containsKey(name);
        String source = plain(Files.readString(Path.of(SOURCES.get(name))));
        for (MatchResult snippet : found) {
          if (!source.contains(plain(snippet.group(1)))) {
            stale.add(name + ":\n" + snippet.group(1));
          }
        }
      }
    }
    assertThat(stale).isEmpty();
    assertThat(snippets.keySet()).containsExactlyInAnyOrderElementsOf(SOURCES.keySet());
    assertThat(snippets.get("README.md")).isGreaterThanOrEqualTo(12);
  }

  /** Javadoc looks for them, too, but nobody makes the site with every build. */
  @Test
  void everyClassThatTheOverviewLinksToIsThere() throws Exception {
    List<String> names =
        Pattern.compile("\\{@link ([\\w.]+)}")
            .matcher(Files.readString(Path.of("../docs/overview.html")))
            .results()
            .map(found -> found.group(1))
            .toList();
    assertThat(names).hasSizeGreaterThan(10);
    for (String name : names) {
      boolean isPackage = Character.isLowerCase(name.charAt(name.lastIndexOf('.') + 1));
      assertThat(Class.forName(isPackage ? name + ".package-info" : name).getName())
          .startsWith(name);
    }
  }

  @Test
  void theVersionsThatWeBuildWithAreThoseOfTheBuild() throws IOException {
    String build = Files.readString(Path.of("../pom.xml"));
    String page = Files.readString(Path.of("../docs/enterprise.md"));
    Map<String, String> properties =
        Map.of("Netty", "netty", "Jackson 2", "jackson", "Jackson 3", "jackson3", "JTS", "jts");
    properties.forEach(
        (name, property) -> {
          String version =
              Pattern.compile("<" + property + "\\.version>([0-9.]+?)(\\.Final)?</")
                  .matcher(build)
                  .results()
                  .findFirst()
                  .orElseThrow()
                  .group(1);
          assertThat(page)
              .containsPattern("(?m)^\\| " + name + "[^|]*\\| " + Pattern.quote(version) + " \\|");
        });
  }

  private static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>();
    for (Path directory : List.of(Path.of(".."), Path.of("../docs"))) {
      try (Stream<Path> files = Files.list(directory)) {
        files.filter(file -> file.toString().matches(".*\\.(md|html)")).forEach(pages::add);
      }
    }
    return pages;
  }

  /** The lines are broken elsewhere on a page. */
  private static String plain(String source) {
    return source.replaceAll("\\s+", "");
  }
}
