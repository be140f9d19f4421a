package io.asyncpg.error;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;

/** Whatever the statement and wherever the server says the error is, it is shown. */
class SqlShownFuzzTest {
  /** Three digits or less, a blank, and the statement. */
  @FuzzTest(maxDuration = "10m")
  void anyPlaceInAnyStatementIsShownOnTwoLines(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    int at = 0;
    int position = 0;
    while (at < text.length() && at < 3 && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      position = position * 10 + text.charAt(at++) - '0';
    }
    String sql = at < text.length() ? text.substring(at + 1) : "";
    String covered = SqlPasswords.cover(sql);
    assertThat(covered.codePointCount(0, covered.length()))
        .isEqualTo(sql.codePointCount(0, sql.length()));
    for (String shown : new String[] {sql, covered}) {
      String place = SqlPosition.show(shown, position);
      boolean inside = position >= 1 && position <= 1 + shown.codePointCount(0, shown.length());
      assertThat(place != null).isEqualTo(inside);
      if (place != null) {
        assertThat(place.indexOf('\n')).isPositive().isEqualTo(place.lastIndexOf('\n'));
        assertThat(place).startsWith("LINE ").endsWith("^");
      }
    }
  }
}
