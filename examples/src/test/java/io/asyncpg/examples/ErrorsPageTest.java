package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/errors.md beside the public API as it is written down. */
class ErrorsPageTest {
  @Test
  void everyExceptionIsOnThePageOnceWithItsCause() throws IOException {
    List<String> exceptions =
        found(
            "(?m)^.*class (\\w+Exception) extends",
            Files.readString(Path.of("../api/protocol.txt")));
    List<String> rows =
        found(
            "(?m)^\\| `(\\w+Exception)` \\|.*\\w.*\\|$",
            Files.readString(Path.of("../docs/errors.md")));
    assertThat(exceptions).hasSizeGreaterThan(140);
    assertThat(rows).containsExactlyInAnyOrderElementsOf(exceptions);
  }

  private static List<String> found(String pattern, String in) {
    return Pattern.compile(pattern)
        .matcher(in)
        .results()
        .map((MatchResult each) -> each.group(1))
        .toList();
  }
}
