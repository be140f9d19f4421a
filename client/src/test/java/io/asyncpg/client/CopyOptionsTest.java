package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What COPY can be asked for, and what is refused before a byte is sent. */
class CopyOptionsTest {
  private static void refused(Supplier<?> options, String why) {
    assertThatThrownBy(options::get)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(why);
  }

  @Test
  void everyOptionIsWrittenAsTheManualHasIt() {
    assertThat(
            CopyOptions.csv()
                .schema("a\"b")
                .columns("c", "d")
                .delimiter('|')
                .nullString("it's \\")
                .defaultString("DEF")
                .headerMatch()
                .quote('~')
                .escape('\\')
                .forceNotNull("c")
                .forceNull("d")
                .encoding("LATIN1")
                .freeze()
                .onError("IGNORE")
                .rejectLimit(7)
                .logVerbosity("verbose")
                .where("c > 1")
                .toTableSql("t"))
        .isEqualTo(
            "COPY \"a\"\"b\".\"t\" (\"c\", \"d\") FROM STDIN WITH (FORMAT csv, DELIMITER '|', NULL"
                + " E'it''s \\\\', DEFAULT 'DEF', HEADER MATCH, QUOTE '~', ESCAPE E'\\\\',"
                + " FORCE_NOT_NULL (\"c\"), FORCE_NULL (\"d\"), ENCODING 'LATIN1', FREEZE true,"
                + " ON_ERROR ignore, REJECT_LIMIT 7, LOG_VERBOSITY verbose) WHERE c > 1");
    assertThat(CopyOptions.csv().header().forceQuote().fromTableSql("t"))
        .isEqualTo("COPY \"t\" TO STDOUT WITH (FORMAT csv, HEADER true, FORCE_QUOTE *)");
    assertThat(CopyOptions.csv().forceQuote("a").fromQuerySql("SELECT 1 AS a -- end"))
        .isEqualTo(
            "COPY (SELECT 1 AS a -- end\n) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE (\"a\"))");
    assertThat(CopyOptions.binary().encoding("UTF8").fromTableSql("t"))
        .isEqualTo("COPY \"t\" TO STDOUT WITH (FORMAT binary, ENCODING 'UTF8')");
  }

  @Test
  void anOptionChosenTwiceIsTheLast() {
    assertThat(CopyOptions.text().delimiter('|').delimiter(';').fromTableSql("t"))
        .isEqualTo("COPY \"t\" TO STDOUT WITH (FORMAT text, DELIMITER ';')");
  }

  @Test
  void binaryHasNothingOfText() {
    refused(() -> CopyOptions.binary().delimiter(','), "DELIMITER");
    refused(() -> CopyOptions.binary().nullString("-"), "NULL");
    refused(() -> CopyOptions.binary().defaultString("-"), "DEFAULT");
    refused(() -> CopyOptions.binary().header(), "HEADER");
    refused(() -> CopyOptions.binary().headerMatch(), "HEADER");
    refused(() -> CopyOptions.binary().onError("ignore"), "ON_ERROR");
    refused(() -> CopyOptions.binary().rejectLimit(1), "REJECT_LIMIT");
    refused(() -> CopyOptions.binary().logVerbosity("verbose"), "LOG_VERBOSITY");
  }

  @Test
  void quotesAndForceAreOfCsvAlone() {
    for (CopyOptions other : List.of(CopyOptions.text(), CopyOptions.binary())) {
      refused(() -> other.quote('\''), "QUOTE is an option of csv, not of ");
      refused(() -> other.escape('\''), "ESCAPE is an option of csv, not of ");
      refused(() -> other.forceQuote(), "FORCE_QUOTE is an option of csv, not of ");
      refused(() -> other.forceNull("a"), "FORCE_NULL is an option of csv, not of ");
      refused(() -> other.forceNotNull("a"), "FORCE_NOT_NULL is an option of csv, not of ");
    }
  }

  @Test
  void separatorsAreOneByteAndNoEndOfLine() {
    refused(() -> CopyOptions.csv().delimiter('é'), "U+00E9");
    refused(() -> CopyOptions.csv().quote('„'), "single byte");
    refused(() -> CopyOptions.csv().escape('\0'), "U+0000");
    refused(() -> CopyOptions.csv().quote('\n'), "no end of line");
    refused(() -> CopyOptions.text().delimiter('\n'), "end of line");
    refused(() -> CopyOptions.text().delimiter('a'), "which text needs for itself");
    refused(() -> CopyOptions.text().delimiter('7'), "which text needs for itself");
    refused(() -> CopyOptions.text().delimiter('.'), "which text needs for itself");
    assertThat(CopyOptions.csv().delimiter('a').fromTableSql("t")).contains("DELIMITER 'a'");
    refused(() -> CopyOptions.text().nullString("a\nb"), "NULL has an end of line");
    refused(() -> CopyOptions.text().defaultString("\r"), "DEFAULT has an end of line");
    refused(() -> CopyOptions.text().nullString("\0"), "NUL");
  }

  @Test
  void whatWouldBeMistakenForAnotherIsRefusedInEitherOrder() {
    refused(() -> CopyOptions.csv().delimiter('"'), "DELIMITER is '\"', which QUOTE");
    refused(() -> CopyOptions.csv().quote(','), "DELIMITER is ',', which QUOTE");
    refused(() -> CopyOptions.csv().nullString("a,b"), "which NULL, 'a,b', contains");
    refused(() -> CopyOptions.csv().nullString("a|b").delimiter('|'), "which NULL");
    refused(() -> CopyOptions.csv().delimiter('|').nullString("a|b"), "which NULL");
    refused(() -> CopyOptions.text().defaultString("a\tb"), "which DEFAULT");
    refused(() -> CopyOptions.csv().nullString("\"\""), "QUOTE is '\"', which NULL");
    refused(() -> CopyOptions.csv().defaultString("'").quote('\''), "which DEFAULT");
    refused(() -> CopyOptions.text().defaultString("\\N"), "NULL and DEFAULT are both");
    refused(() -> CopyOptions.csv().nullString("-").defaultString("-"), "NULL and DEFAULT");
    assertThat(CopyOptions.csv().delimiter('|').nullString("a,b").fromTableSql("t"))
        .contains("NULL 'a,b'");
  }

  @Test
  void columnsAreNamedOnceAndForcedOnesAreAmongThem() {
    refused(() -> CopyOptions.text().columns("a", "b", "a"), "names a column twice");
    refused(() -> CopyOptions.text().columns(""), "no identifier");
    refused(() -> CopyOptions.text().schema("a\0"), "no identifier");
    refused(() -> CopyOptions.text().fromTableSql(""), "no identifier");
    refused(() -> CopyOptions.csv().columns("a").forceNull("b"), "FORCE_NULL names \"b\"");
    refused(() -> CopyOptions.csv().forceNotNull("b").columns("a"), "FORCE_NOT_NULL names \"b\"");
    refused(() -> CopyOptions.csv().columns("a").forceQuote("a", "c"), "FORCE_QUOTE names \"c\"");
    refused(() -> CopyOptions.csv().forceQuote("a", "a"), "FORCE_QUOTE names a column twice");
  }

  @Test
  void wordsAreThoseOfTheManual() {
    refused(() -> CopyOptions.text().onError("skip"), "must be one of [stop, ignore, set_null]");
    refused(() -> CopyOptions.text().logVerbosity("loud"), "must be one of [default, verbose");
    refused(() -> CopyOptions.text().rejectLimit(0), "must be 1 or more");
    refused(() -> CopyOptions.text().rejectLimit(5).toTableSql("t"), "onError(\"ignore\")");
    refused(() -> CopyOptions.text().encoding(" "), "ENCODING");
    refused(() -> CopyOptions.text().where(" "), "WHERE");
  }

  @Test
  void eachDirectionRefusesWhatIsTheOthers() {
    List<CopyOptions> intoOnly =
        List.of(
            CopyOptions.text().freeze(),
            CopyOptions.text().where("true"),
            CopyOptions.text().defaultString("d"),
            CopyOptions.text().headerMatch(),
            CopyOptions.text().onError("ignore"),
            CopyOptions.text().logVerbosity("verbose"),
            CopyOptions.csv().forceNull("a"),
            CopyOptions.csv().forceNotNull());
    for (CopyOptions into : intoOnly) {
      assertThat(into.toTableSql("t")).startsWith("COPY \"t\" FROM STDIN");
      refused(() -> into.fromTableSql("t"), "is for the way into a table");
      refused(() -> into.fromQuerySql("SELECT 1"), "is for the way into a table");
    }
    refused(() -> CopyOptions.csv().forceQuote().toTableSql("t"), "way out");
    refused(() -> CopyOptions.csv().forceQuote().freeze(), "FREEZE for the way into one");
    refused(() -> CopyOptions.csv().where("true").forceQuote(), "WHERE for the way into one");
    refused(() -> CopyOptions.text().schema("s").fromQuerySql("SELECT 1"), "for a table");
    refused(() -> CopyOptions.text().columns("c").fromQuerySql("SELECT 1"), "for a table");
  }

  @Test
  void rowsOfValuesHaveNoBytesToHaveOptions() {
    assertThat(CopyOptions.csv().schema("s").freeze().forRecords(true).toTableSql("t"))
        .isEqualTo("COPY \"s\".\"t\" FROM STDIN WITH (FORMAT binary, FREEZE true)");
    refused(() -> CopyOptions.csv().header().forRecords(true), "HEADER is about bytes");
    refused(() -> CopyOptions.text().onError("ignore").forRecords(false), "ON_ERROR is about");
    refused(
        () -> CopyOptions.text().columns("a").withColumns(List.of("b")), "the call names the col");
    assertThat(CopyOptions.text().columns("a").withColumns(List.of()).columnNames())
        .containsExactly("a");
    assertThat(CopyOptions.text().schema("s").tableName("t")).isEqualTo("\"s\".\"t\"");
  }
}
