package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** docs/reliability.md names a test for each promise: here is seen to it that there is one. */
class ReliabilityPageTest {
  private static final Path PAGE = Path.of("../docs/reliability.md");
  private static final Pattern TEST =
      Pattern.compile("\\[`([A-Z]\\w+)(?:\\.(\\w+))?`]\\(([^)]+\\.java)\\)");

  @Test
  void everyTestThatIsNamedIsThere() throws IOException {
    Matcher named = TEST.matcher(Files.readString(PAGE));
    int count = 0;
    while (named.find()) {
      count++;
      Path file = PAGE.resolveSibling(named.group(3));
      assertThat(file).isRegularFile().hasFileName(named.group(1) + ".java");
      if (named.group(2) != null) {
        assertThat(Files.readString(file))
            .as("the tests of %s", file)
            .containsPattern("\n  (public )?void " + named.group(2) + "\\(");
      }
    }
    assertThat(count).isGreaterThan(150);
  }

  @Test
  void everyRowOfTheMatrixHasATestOrAReason() throws IOException {
    List<String> rows =
        Files.readAllLines(PAGE).stream().filter(line -> line.startsWith("| E-")).toList();
    assertThat(rows)
        .extracting(row -> Integer.parseInt(row.substring(4, 6)))
        .containsExactlyElementsOf(
            IntStream.rangeClosed(1, 51)
                .filter(row -> row <= 26 || (row >= 30 && row <= 45) || row >= 50)
                .boxed()
                .toList());
    assertThat(rows)
        .allMatch(row -> TEST.matcher(row).find() || row.contains("| does not apply: "));
  }
}
