package io.asyncpg.error;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class SqlPositionTest {
  @Test
  void theCaretStandsBelowTheCharacterThatIsMeant() {
    shows("SELECT * FROM missing", 15, "LINE 1: SELECT * FROM missing", "                      ^");
  }

  @Test
  void theFirstCharacterIsNumberOne() {
    shows("SELEC 1", 1, "LINE 1: SELEC 1", "        ^");
  }

  @Test
  void theEndOfTheStatementIsAPlaceToo() {
    shows("SELECT (", 9, "LINE 1: SELECT (", "                ^");
  }

  @Test
  void aPositionOutsideTheStatementShowsNothing() {
    assertThat(SqlPosition.show("SELECT 1", 0)).isNull();
    assertThat(SqlPosition.show("SELECT 1", -1)).isNull();
    assertThat(SqlPosition.show("SELECT 1", 10)).isNull();
    assertThat(SqlPosition.show("SELECT 1", Integer.MAX_VALUE)).isNull();
    assertThat(SqlPosition.show("", 2)).isNull();
  }

  @Test
  void onlyTheLineInQuestionIsShownAndItsNumber() {
    shows("SELECT 1,\n  nope,\n  3", 13, "LINE 2:   nope,", "          ^");
  }

  @Test
  void everyKindOfLineBreakCountsOnce() {
    shows("a\r\nb\rc\nd", 8, "LINE 4: d", "        ^");
    shows("\n\n\nx", 4, "LINE 4: x", "        ^");
    shows("a\n\rb", 4, "LINE 3: b", "        ^");
  }

  @Test
  void anErrorAtALineBreakBelongsToTheLineItEnds() {
    shows("SELECT\n1", 7, "LINE 1: SELECT", "              ^");
    shows("SELECT (\n", 10, "LINE 2: ", "        ^");
  }

  @Test
  void aTabIsShownAsOneSpace() {
    shows("SELECT\tx\tFROM y", 8, "LINE 1: SELECT x FROM y", "               ^");
  }

  @Test
  void otherControlCharactersAreShownAsASpaceToo() {
    shows("a\u0007b nope", 5, "LINE 1: a b nope", "            ^");
  }

  @Test
  void charactersAreCountedNotBytes() {
    shows("SELECT 'äöü', nope", 15, "LINE 1: SELECT 'äöü', nope", "                      ^");
  }

  @Test
  void aPairOfSurrogatesIsOneCharacter() {
    shows("SELECT '𝄞', nope", 13, "LINE 1: SELECT '𝄞', nope", "                    ^");
  }

  @Test
  void wideCharactersTakeTwoColumns() {
    shows("SELECT '日本', nope", 14, "LINE 1: SELECT '日本', nope", "                       ^");
    shows("SELECT '😀', nope", 13, "LINE 1: SELECT '😀', nope", "                     ^");
    shows("SELECT 'ＡＢ', nope", 14, "LINE 1: SELECT 'ＡＢ', nope", "                       ^");
    shows("SELECT '한글', nope", 14, "LINE 1: SELECT '한글', nope", "                       ^");
  }

  @Test
  void combiningMarksTakeNoColumn() {
    shows("SELECT 'e\u0301', nope", 14, "LINE 1: SELECT 'e\u0301', nope", "                    ^");
  }

  @Test
  void aLineOfSixtyColumnsIsShownWhole() {
    String sql = "x".repeat(60);
    shows(sql, 60, "LINE 1: " + sql, " ".repeat(8 + 59) + "^");
  }

  @Test
  void aLongLineWithAnEarlyErrorLosesItsEnd() {
    shows("y" + "x".repeat(99), 1, "LINE 1: y" + "x".repeat(59) + "...", "        ^");
    shows(
        "x".repeat(50) + "y".repeat(50),
        51,
        "LINE 1: " + "x".repeat(50) + "y".repeat(10) + "...",
        " ".repeat(58) + "^");
  }

  @Test
  void aLongLineWithALateErrorLosesItsStart() {
    shows(
        "x".repeat(99) + "y",
        100,
        "LINE 1: ..." + "x".repeat(59) + "y",
        " ".repeat(8 + 3 + 59) + "^");
  }

  @Test
  void aLongLineWithAnErrorInTheMiddleLosesBothEnds() {
    shows(
        "x".repeat(500) + "y" + "x".repeat(500),
        501,
        "LINE 1: ..." + "x".repeat(50) + "y" + "x".repeat(9) + "...",
        " ".repeat(8 + 3 + 50) + "^");
  }

  @Test
  void aLongLineOfWideCharactersIsCutByColumns() {
    shows(
        "日".repeat(100) + "y" + "日".repeat(100),
        101,
        "LINE 1: ..." + "日".repeat(25) + "y" + "日".repeat(4) + "...",
        " ".repeat(8 + 3 + 50) + "^");
  }

  @Test
  void aMegabyteOnOneLineShowsSixtyColumns() {
    String sql = "SELECT '" + "𝄞".repeat(500_000) + "', nope, '" + "z".repeat(500_000) + "'";
    assertThat(SqlPosition.show(sql, 500_012))
        .startsWith("LINE 1: ...𝄞")
        .contains("𝄞', nope, 'zzz")
        .contains("...\n")
        .hasSizeLessThan(300);
  }

  @Test
  void whateverTheStatementThePlaceIsShownOnTwoShortLines() {
    Random random = new Random(42);
    String alphabet = "ab 日é\t\n\r𝄞😀\u0301";
    int[] points = alphabet.codePoints().toArray();
    for (int round = 0; round < 5_000; round++) {
      StringBuilder sql = new StringBuilder();
      int length = random.nextInt(200);
      for (int i = 0; i < length; i++) {
        sql.appendCodePoint(points[random.nextInt(points.length)]);
      }
      String shown =
          requireNonNull(SqlPosition.show(sql.toString(), 1 + random.nextInt(length + 1)));
      assertThat(shown).startsWith("LINE ").endsWith("^");
      assertThat(shown.lines()).hasSize(2);
      assertThat(shown.lines().toList().get(1)).matches(" {8,80}\\^");
    }
  }

  private static void shows(String sql, int position, String line, String caret) {
    assertThat(SqlPosition.show(sql, position)).isEqualTo(line + "\n" + caret);
  }
}
