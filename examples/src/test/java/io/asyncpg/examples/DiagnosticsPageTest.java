package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.PgConnection;
import io.asyncpg.testkit.WireLines;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What docs/diagnostics.md shows, compiled and run, and what it says that is printed then. */
class DiagnosticsPageTest extends InADatabase {
  private static final class Metrics {
    private final List<String> recorded = Collections.synchronizedList(new ArrayList<>());

    void record(String sql, Duration duration, @Nullable Throwable error) {
      recorded.add(sql + ", in less than no time: " + duration.isNegative() + ", " + error);
    }
  }

  @Test
  void everyQuery() throws Exception {
    var metrics = new Metrics();
    List<String> printed = Collections.synchronizedList(new ArrayList<>());
    connection.addQueryListener(
        event -> metrics.record(event.sql(), event.duration(), event.error()));
    connection.addQueryListener(event -> printed.add(event.toString()));
    connection.fetchValue(Integer.class, "SELECT $1::int4 + 1", 41).await();
    // What is asked next is answered after the listeners were told of the last.
    connection.execute("SELECT 1").await();
    assertThat(metrics.recorded).contains("SELECT $1::int4 + 1, in less than no time: false, null");
    assertThat(linesOfThePage("QueryEvent[")).containsExactly(timeless(printed.get(0)));
  }

  @Test
  void everyMessage() throws Exception {
    try (var lines = new WireLines();
        PgConnection watched = PgConnection.connect(dsn).await()) {
      lines.clear();
      watched.fetchValue(Integer.class, "SELECT $1::int4 + 1", 41).await();
      List<String> said = lines.all().stream().map(DiagnosticsPageTest::nameless).toList();
      assertThat(linesOfThePage("[localhost:")).isEqualTo(said);
      watched.close();
      watched.closed().await();
    }
  }

  private static List<String> linesOfThePage(String start) throws Exception {
    return Files.readAllLines(Path.of("../docs/diagnostics.md")).stream()
        .filter(line -> line.startsWith(start))
        .map(DiagnosticsPageTest::timeless)
        .map(DiagnosticsPageTest::nameless)
        .toList();
  }

  private static String timeless(String line) {
    return line.replaceAll("duration=PT[0-9.]+S", "duration=");
  }

  private static String nameless(String line) {
    return line.replaceFirst("^\\[localhost:[0-9]+ #[0-9]+] ", "");
  }
}
