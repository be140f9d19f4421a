package io.asyncpg.client;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How COPY writes and reads: the format and the options of PostgreSQL's COPY command, by their
 * names there. Begin with {@link #text}, {@link #csv} or {@link #binary}; each method gives a new
 * one. What cannot go together is refused by the call that puts it together; what the direction
 * does not have, when it is used; what the server's version does not have, by the server.
 *
 * <p>Immutable, for any number of copies; but a {@link #progress} listener hears of all of them.
 */
public final class CopyOptions {
  private enum Kind {
    TEXT,
    CSV,
    BINARY
  }

  /** One option: what was asked for, and how SQL says it. */
  private record Option(String asked, String sql) {}

  /** Options of COPY FROM, the way into a table, alone. */
  private static final List<String> INTO_ONLY =
      List.of(
          "FREEZE",
          "FORCE_NOT_NULL",
          "FORCE_NULL",
          "DEFAULT",
          "ON_ERROR",
          "REJECT_LIMIT",
          "LOG_VERBOSITY");

  /** Text reads these behind a backslash, or as the end of the data, so they separate nothing. */
  private static final String NO_DELIMITER_OF_TEXT = "\\.abcdefghijklmnopqrstuvwxyz0123456789";

  private final Kind kind;
  private final @Nullable String schema;
  private final List<String> columns;
  private final @Nullable String where;
  private final @Nullable CopyProgress progress;

  /** By their names, in the order in which they were chosen. */
  private final Map<String, Option> options;

  private CopyOptions(
      Kind kind,
      @Nullable String schema,
      List<String> columns,
      @Nullable String where,
      @Nullable CopyProgress progress,
      Map<String, Option> options) {
    this.kind = kind;
    this.schema = schema;
    this.columns = columns;
    this.where = where;
    this.progress = progress;
    this.options = options;
    checkTogether();
  }

  private static CopyOptions of(Kind kind) {
    return new CopyOptions(kind, null, List.of(), null, null, Map.of());
  }

  /**
   * PostgreSQL's own text format: tabs between the columns, {@code \N} for NULL.
   *
   * @return the format without options
   */
  public static CopyOptions text() {
    return of(Kind.TEXT);
  }

  /**
   * Comma-separated values.
   *
   * @return the format without options
   */
  public static CopyOptions csv() {
    return of(Kind.CSV);
  }

  /**
   * PostgreSQL's binary format.
   *
   * @return the format without options
   */
  public static CopyOptions binary() {
    return of(Kind.BINARY);
  }

  /**
   * The columns, and their order. All of the table's without it.
   *
   * @param names each is one identifier, quoted by us, and named once
   * @return new options
   */
  public CopyOptions columns(String... names) {
    List<String> chosen = List.of(names);
    checkNames("columns", chosen);
    return new CopyOptions(kind, schema, chosen, where, progress, options);
  }

  /**
   * The schema of the table. The search path finds it without.
   *
   * @param name one identifier, quoted by us
   * @return new options
   */
  public CopyOptions schema(String name) {
    identifier(name);
    return new CopyOptions(kind, name, columns, where, progress, options);
  }

  /**
   * Which rows are kept, on the way into a table.
   *
   * @param condition SQL, sent as it is
   * @return new options
   */
  public CopyOptions where(String condition) {
    if (condition.isBlank()) {
      throw new IllegalArgumentException("WHERE has no condition: leave it out for all rows");
    }
    return new CopyOptions(kind, schema, columns, condition, progress, options);
  }

  /**
   * Tells how far the copy has come, now and then.
   *
   * @param listener is told
   * @return new options
   */
  public CopyOptions progress(CopyProgress listener) {
    Objects.requireNonNull(listener, "listener");
    return new CopyOptions(kind, schema, columns, where, listener, options);
  }

  /**
   * Who is told how far the copy has come.
   *
   * @return the listener; null where there is none
   */
  public @Nullable CopyProgress progress() {
    return progress;
  }

  /**
   * What stands between columns: a tab in text, a comma in CSV, without it.
   *
   * @param delimiter one character of one byte; in text no letter, digit, dot or backslash
   * @return new options
   */
  public CopyOptions delimiter(char delimiter) {
    if (delimiter == '\n' || delimiter == '\r') {
      throw new IllegalArgumentException("DELIMITER is an end of line, which ends the row");
    }
    if (kind == Kind.TEXT && NO_DELIMITER_OF_TEXT.indexOf(delimiter) >= 0) {
      throw new IllegalArgumentException(
          "DELIMITER is '" + delimiter + "', which text needs for itself: take another, or csv");
    }
    return notBinary("DELIMITER", one("DELIMITER", delimiter));
  }

  /**
   * What stands for NULL: {@code \N} in text, nothing at all in CSV, without it.
   *
   * @param text the text
   * @return new options
   */
  public CopyOptions nullString(String text) {
    return notBinary("NULL", inOneLine("NULL", text));
  }

  /**
   * What stands for a column's default, on the way into a table. From version 16.
   *
   * @param text the text
   * @return new options
   */
  public CopyOptions defaultString(String text) {
    return notBinary("DEFAULT", inOneLine("DEFAULT", text));
  }

  /**
   * The first line has the columns' names; on the way in it is passed over. In text from version
   * 15.
   *
   * @return new options
   */
  public CopyOptions header() {
    return notBinary("HEADER", plain("true"));
  }

  /**
   * The first line has the columns' names, and on the way in they must be the table's. From version
   * 15.
   *
   * @return new options
   */
  public CopyOptions headerMatch() {
    return notBinary("HEADER", plain("MATCH"));
  }

  /**
   * What stands around values. Double quotes without it.
   *
   * @param quote one character of one byte
   * @return new options
   */
  public CopyOptions quote(char quote) {
    return csvOnly("QUOTE", one("QUOTE", quote));
  }

  /**
   * What stands before a quote inside a value. The quote itself without it.
   *
   * @param escape one character of one byte
   * @return new options
   */
  public CopyOptions escape(char escape) {
    return csvOnly("ESCAPE", one("ESCAPE", escape));
  }

  /**
   * Values that are always quoted, on the way out.
   *
   * @param columns the columns; none for all
   * @return new options
   */
  public CopyOptions forceQuote(String... columns) {
    return force("FORCE_QUOTE", columns);
  }

  /**
   * Columns whose values are never NULL, on the way in: the null string is taken as it is.
   *
   * @param columns the columns; none for all, from version 17
   * @return new options
   */
  public CopyOptions forceNotNull(String... columns) {
    return force("FORCE_NOT_NULL", columns);
  }

  /**
   * Columns in which the null string is NULL even in quotes, on the way in.
   *
   * @param columns the columns; none for all, from version 17
   * @return new options
   */
  public CopyOptions forceNull(String... columns) {
    return force("FORCE_NULL", columns);
  }

  /**
   * The encoding of the bytes. The client's, UTF-8, without it.
   *
   * @param encoding PostgreSQL's name of it
   * @return new options
   */
  public CopyOptions encoding(String encoding) {
    if (encoding.isBlank()) {
      throw new IllegalArgumentException("ENCODING has no name: UTF8 is one");
    }
    return with("ENCODING", new Option(encoding, literal(encoding)));
  }

  /**
   * Rows are frozen at once, on the way into a table that was made or truncated in the same
   * transaction.
   *
   * @return new options
   */
  public CopyOptions freeze() {
    return with("FREEZE", plain("true"));
  }

  /**
   * What a value that does not fit its column does, on the way in. From version 17.
   *
   * @param action {@code stop} or {@code ignore}; {@code set_null} where the server has it
   * @return new options
   */
  public CopyOptions onError(String action) {
    return notBinary("ON_ERROR", plain(word("ON_ERROR", action, "stop", "ignore", "set_null")));
  }

  /**
   * How many rows may be passed over, on the way in, before the whole fails; with {@code
   * onError("ignore")}. From version 18.
   *
   * @param rows 1 or more
   * @return new options
   */
  public CopyOptions rejectLimit(long rows) {
    if (rows < 1) {
      throw new IllegalArgumentException("REJECT_LIMIT is " + rows + ", but must be 1 or more");
    }
    return notBinary("REJECT_LIMIT", plain(Long.toString(rows)));
  }

  /**
   * How much the server tells of rows passed over, in notices. From version 17.
   *
   * @param verbosity {@code default} or {@code verbose}; from version 18 {@code silent}
   * @return new options
   */
  public CopyOptions logVerbosity(String verbosity) {
    return notBinary(
        "LOG_VERBOSITY", plain(word("LOG_VERBOSITY", verbosity, "default", "verbose", "silent")));
  }

  private CopyOptions notBinary(String name, Option option) {
    if (kind == Kind.BINARY) {
      throw new IllegalArgumentException(
          name + " is an option of text and csv, not of binary: begin with one of these");
    }
    return with(name, option);
  }

  private CopyOptions csvOnly(String name, Option option) {
    if (kind != Kind.CSV) {
      throw new IllegalArgumentException(
          name + " is an option of csv, not of " + format() + ": begin with CopyOptions.csv()");
    }
    return with(name, option);
  }

  private CopyOptions force(String name, String... forced) {
    List<String> names = List.of(forced);
    checkNames(name, names);
    return csvOnly(name, new Option(String.join("\0", names), names.isEmpty() ? "*" : list(names)));
  }

  private CopyOptions with(String name, Option option) {
    Map<String, Option> more = new LinkedHashMap<>(options);
    more.put(name, option);
    return new CopyOptions(kind, schema, columns, where, progress, more);
  }

  private String format() {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  private @Nullable String asked(String name) {
    Option option = options.get(name);
    return option == null ? null : option.asked;
  }

  /** Refuses what the server would refuse of any table. */
  private void checkTogether() {
    String delimiter = asked("DELIMITER");
    String quote = asked("QUOTE");
    String nothing = asked("NULL");
    String standard = asked("DEFAULT");
    if (kind != Kind.BINARY) {
      delimiter = delimiter == null ? (kind == Kind.CSV ? "," : "\t") : delimiter;
      quote = quote == null && kind == Kind.CSV ? "\"" : quote;
      nothing = nothing == null ? (kind == Kind.CSV ? "" : "\\N") : nothing;
      checkIn("DELIMITER", delimiter, "QUOTE", quote);
      checkIn("DELIMITER", delimiter, "NULL", nothing);
      checkIn("DELIMITER", delimiter, "DEFAULT", standard);
      checkIn("QUOTE", quote, "NULL", nothing);
      checkIn("QUOTE", quote, "DEFAULT", standard);
      if (nothing.equals(standard)) {
        throw new IllegalArgumentException(
            "NULL and DEFAULT are both '" + standard + "', so that nobody could tell them apart");
      }
    }
    for (String name : List.of("FORCE_QUOTE", "FORCE_NOT_NULL", "FORCE_NULL")) {
      String forced = asked(name);
      if (forced != null && !forced.isEmpty() && !columns.isEmpty()) {
        for (String column : forced.split("\0", -1)) {
          if (!columns.contains(column)) {
            throw new IllegalArgumentException(
                name + " names \"" + column + "\", which is none of the columns " + columns);
          }
        }
      }
    }
    String into = intoOnly();
    if (into != null && options.containsKey("FORCE_QUOTE")) {
      throw new IllegalArgumentException(
          "FORCE_QUOTE is for the way out of a table, and " + into + " for the way into one");
    }
  }

  private static void checkIn(
      String name, @Nullable String character, String other, @Nullable String otherText) {
    if (otherText != null && character != null && otherText.contains(character)) {
      throw new IllegalArgumentException(
          name
              + " is '"
              + character
              + "', which "
              + other
              + ", '"
              + otherText
              + "', contains: choose another for one of the two");
    }
  }

  private static void checkNames(String what, List<String> names) {
    if (new HashSet<>(names).size() < names.size()) {
      throw new IllegalArgumentException(what + " names a column twice: " + names);
    }
    names.forEach(CopyOptions::identifier);
  }

  private static Option plain(String word) {
    return new Option(word, word);
  }

  /** The server takes one byte, and in UTF-8 these characters are one. */
  private static Option one(String name, char c) {
    if (c == 0 || c >= 0x80 || c == '\n' || c == '\r') {
      throw new IllegalArgumentException(
          name
              + " is the character U+"
              + String.format("%04X", (int) c)
              + ", but must be one of a single byte, and no end of line");
    }
    String text = String.valueOf(c);
    return new Option(text, literal(text));
  }

  private static Option inOneLine(String name, String text) {
    if (text.indexOf('\n') >= 0 || text.indexOf('\r') >= 0) {
      throw new IllegalArgumentException(name + " has an end of line, which ends the row");
    }
    return new Option(text, literal(text));
  }

  private static String word(String name, String word, String... words) {
    String lower = word.toLowerCase(Locale.ROOT);
    if (!List.of(words).contains(lower)) {
      throw new IllegalArgumentException(
          name + " is \"" + word + "\", but must be one of " + List.of(words));
    }
    return lower;
  }

  /** In {@code E''} where a backslash could be taken for an escape. */
  private static String literal(String text) {
    if (text.indexOf(0) >= 0) {
      throw new IllegalArgumentException("a NUL character, which PostgreSQL cannot hold");
    }
    String quoted = "'" + text.replace("'", "''") + "'";
    return text.indexOf('\\') < 0 ? quoted : "E" + quoted.replace("\\", "\\\\");
  }

  private static String identifier(String name) {
    if (name.isEmpty() || name.indexOf(0) >= 0) {
      throw new IllegalArgumentException(
          "\"" + name + "\" is no identifier: it is empty or holds a NUL character");
    }
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  private static String list(List<String> names) {
    return names.stream().map(CopyOptions::identifier).collect(Collectors.joining(", ", "(", ")"));
  }

  private String relation(String table) {
    return schema == null ? identifier(table) : identifier(schema) + "." + identifier(table);
  }

  private String target(String table) {
    return relation(table) + (columns.isEmpty() ? "" : " " + list(columns));
  }

  private String withOptions() {
    StringBuilder sql = new StringBuilder(" WITH (FORMAT ");
    sql.append(format());
    options.forEach((name, option) -> sql.append(", ").append(name).append(' ').append(option.sql));
    return sql.append(')').toString();
  }

  /**
   * The command that fills a table.
   *
   * @param table one identifier, quoted by us
   * @return {@code COPY … FROM STDIN}
   * @throws IllegalArgumentException when an option is for the other direction
   */
  public String toTableSql(String table) {
    if (options.containsKey("FORCE_QUOTE")) {
      throw new IllegalArgumentException("FORCE_QUOTE is for the way out of a table");
    }
    if (options.containsKey("REJECT_LIMIT") && !"ignore".equals(asked("ON_ERROR"))) {
      throw new IllegalArgumentException("REJECT_LIMIT goes with onError(\"ignore\") alone");
    }
    return "COPY "
        + target(table)
        + " FROM STDIN"
        + withOptions()
        + (where == null ? "" : " WHERE " + where);
  }

  /**
   * The command that reads a table.
   *
   * @param table one identifier, quoted by us
   * @return {@code COPY … TO STDOUT}
   * @throws IllegalArgumentException when an option is for the other direction
   */
  public String fromTableSql(String table) {
    checkOut();
    return "COPY " + target(table) + " TO STDOUT" + withOptions();
  }

  /**
   * The command that reads a query.
   *
   * @param query SQL without parameters
   * @return {@code COPY (…) TO STDOUT}
   * @throws IllegalArgumentException when an option is for the other direction, or for a table
   */
  public String fromQuerySql(String query) {
    checkOut();
    if (schema != null || !columns.isEmpty()) {
      throw new IllegalArgumentException(
          "schema and columns are for a table: a query names its own");
    }
    // The line break ends a comment that the query may end with.
    return "COPY (" + withoutSemicolon(query) + "\n) TO STDOUT" + withOptions();
  }

  /** Without the semicolon that it may end with, and that COPY would stumble over. */
  private static String withoutSemicolon(String query) {
    String text = query.stripTrailing();
    return text.endsWith(";") ? text.substring(0, text.length() - 1) : query;
  }

  private void checkOut() {
    String into = intoOnly();
    if (into != null) {
      throw new IllegalArgumentException(into + " is for the way into a table");
    }
  }

  /** What was chosen that only the way into a table has; null for nothing. */
  private @Nullable String intoOnly() {
    if (where != null) {
      return "WHERE";
    }
    for (String name : INTO_ONLY) {
      if (options.containsKey(name)) {
        return name;
      }
    }
    return "MATCH".equals(asked("HEADER")) ? "HEADER MATCH" : null;
  }

  /**
   * Whether the bytes begin with a line of the columns' names.
   *
   * @return true with {@link #header} or {@link #headerMatch}
   */
  public boolean hasHeader() {
    return options.containsKey("HEADER");
  }

  /**
   * These options for rows of values, whose format is not the caller's to choose.
   *
   * @param binary whether as binary, or as text
   * @return new options: schema, columns, WHERE and FREEZE
   * @throws IllegalArgumentException when an option is about bytes that the caller would write
   */
  public CopyOptions forRecords(boolean binary) {
    for (String name : options.keySet()) {
      if (!name.equals("FREEZE")) {
        throw new IllegalArgumentException(
            name
                + " is about bytes, and rows of values have none: schema, columns, where, freeze"
                + " and progress are for them");
      }
    }
    return new CopyOptions(
        binary ? Kind.BINARY : Kind.TEXT, schema, columns, where, progress, options);
  }

  /**
   * These options with the columns that a call names.
   *
   * @param names the columns; none for those of the options
   * @return these options, or new ones
   * @throws IllegalArgumentException when both name columns, and not the same
   */
  public CopyOptions withColumns(List<String> names) {
    if (names.isEmpty() || names.equals(columns)) {
      return this;
    }
    if (!columns.isEmpty()) {
      throw new IllegalArgumentException(
          "the call names the columns "
              + names
              + ", but its options "
              + columns
              + ": name them once");
    }
    return columns(names.toArray(new String[0]));
  }

  /**
   * The columns that were chosen.
   *
   * @return their names, in order; none for all of the table's
   */
  public List<String> columnNames() {
    return columns;
  }

  /**
   * The table as SQL names it.
   *
   * @param table one identifier, quoted by us
   * @return the name, quoted, its schema in front when there is one
   */
  public String tableName(String table) {
    return relation(table);
  }

  @Override
  public String toString() {
    return "CopyOptions["
        + (schema == null ? "" : identifier(schema) + " ")
        + (columns.isEmpty() ? "" : list(columns))
        + withOptions()
        + (where == null ? "" : " WHERE " + where)
        + "]";
  }
}
