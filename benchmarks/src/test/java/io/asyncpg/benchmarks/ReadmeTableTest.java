package io.asyncpg.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ReadmeTableTest {
  @Test
  void theReadmeHasTheFiguresOfTheLastRun() throws IOException {
    String readme = Files.readString(Path.of("../README.md"));
    String page = Files.readString(Path.of("../docs/performance", Report.PAGE));
    assertThat(readme)
        .as("benchmarks/run readme puts them there")
        .isEqualTo(ReadmeTable.refreshed(readme, page))
        .contains("| SELECT 1+1, 1 connection | ");
  }
}
