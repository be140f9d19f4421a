package io.asyncpg.client;

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
 * one. What a format does not have is refused at once, what a direction does not have when it is
 * used; what the server's version does not have, by the server.
 */
public final class CopyOptions {
  private enum Kind {
    TEXT,
    CSV,
    BINARY
  }

  /** Options of COPY FROM, the way into a table, alone. */
  private static final List<String> INTO_ONLY =
      List.of("FREEZE", "FORCE_NOT_NULL", "FORCE_NULL", "DEFAULT", "ON_ERROR", "LOG_VERBOSITY");

  private final Kind kind;
  private final @Nullable String schema;
  private final List<String> columns;
  private final @Nullable String where;

  /** As SQL has them, in the order in which they were chosen. */
  private final Map<String, String> options;

  private CopyOptions(
      Kind kind,
      @Nullable String schema,
      List<String> columns,
      @Nullable String where,
      Map<String, String> options) {
    this.kind = kind;
    this.schema = schema;
    this.columns = columns;
    this.where = where;
    this.options = options;
  }

  private static CopyOptions of(Kind kind) {
    return new CopyOptions(kind, null, List.of(), null, Map.of());
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
   * @param names each is one identifier, quoted by us
   * @return new options
   */
  public CopyOptions columns(String... names) {
    return new CopyOptions(kind, schema, List.of(names), where, options);
  }

  /**
   * The schema of the table. The search path finds it without.
   *
   * @param name one identifier, quoted by us
   * @return new options
   */
  public CopyOptions schema(String name) {
    return new CopyOptions(kind, Objects.requireNonNull(name, "name"), columns, where, options);
  }

  /**
   * Which rows are kept, on the way into a table.
   *
   * @param condition SQL, sent as it is
   * @return new options
   */
  public CopyOptions where(String condition) {
    return new CopyOptions(
        kind, schema, columns, Objects.requireNonNull(condition, "condition"), options);
  }

  /**
   * What stands between columns: a tab in text, a comma in CSV, without it.
   *
   * @param delimiter one character of one byte
   * @return new options
   */
  public CopyOptions delimiter(char delimiter) {
    return notBinary("DELIMITER", literal(String.valueOf(delimiter)));
  }

  /**
   * What stands for NULL: {@code \N} in text, nothing at all in CSV, without it.
   *
   * @param text the text
   * @return new options
   */
  public CopyOptions nullString(String text) {
    return notBinary("NULL", literal(text));
  }

  /**
   * What stands for a column's default, on the way into a table. From version 16.
   *
   * @param text the text
   * @return new options
   */
  public CopyOptions defaultString(String text) {
    return notBinary("DEFAULT", literal(text));
  }

  /**
   * The first line has the columns' names; on the way in it is passed over. In text from version
   * 15.
   *
   * @return new options
   */
  public CopyOptions header() {
    return notBinary("HEADER", "true");
  }

  /**
   * The first line has the columns' names, and on the way in they must be the table's. From version
   * 15.
   *
   * @return new options
   */
  public CopyOptions headerMatch() {
    return notBinary("HEADER", "MATCH");
  }

  /**
   * What stands around values. Double quotes without it.
   *
   * @param quote one character of one byte
   * @return new options
   */
  public CopyOptions quote(char quote) {
    return csvOnly("QUOTE", literal(String.valueOf(quote)));
  }

  /**
   * What stands before a quote inside a value. The quote itself without it.
   *
   * @param escape one character of one byte
   * @return new options
   */
  public CopyOptions escape(char escape) {
    return csvOnly("ESCAPE", literal(String.valueOf(escape)));
  }

  /**
   * Values that are always quoted, on the way out.
   *
   * @param columns the columns; none for all
   * @return new options
   */
  public CopyOptions forceQuote(String... columns) {
    return csvOnly("FORCE_QUOTE", columnsOrAll(columns));
  }

  /**
   * Columns whose values are never NULL, on the way in: the null string is taken as it is.
   *
   * @param columns the columns; none for all, from version 17
   * @return new options
   */
  public CopyOptions forceNotNull(String... columns) {
    return csvOnly("FORCE_NOT_NULL", columnsOrAll(columns));
  }

  /**
   * Columns in which the null string is NULL even in quotes, on the way in.
   *
   * @param columns the columns; none for all, from version 17
   * @return new options
   */
  public CopyOptions forceNull(String... columns) {
    return csvOnly("FORCE_NULL", columnsOrAll(columns));
  }

  /**
   * The encoding of the bytes. The client's, UTF-8, without it.
   *
   * @param encoding PostgreSQL's name of it
   * @return new options
   */
  public CopyOptions encoding(String encoding) {
    return with("ENCODING", literal(encoding));
  }

  /**
   * Rows are frozen at once, on the way into a table that was made or truncated in the same
   * transaction.
   *
   * @return new options
   */
  public CopyOptions freeze() {
    return with("FREEZE", "true");
  }

  /**
   * What a value that does not fit its column does, on the way in. From version 17.
   *
   * @param action {@code stop} or {@code ignore}; from version 18 {@code set_null} where the server
   *     has it
   * @return new options
   */
  public CopyOptions onError(String action) {
    return notBinary("ON_ERROR", word(action));
  }

  /**
   * How much the server tells of rows passed over. From version 17.
   *
   * @param verbosity {@code default}, {@code verbose} or {@code silent}
   * @return new options
   */
  public CopyOptions logVerbosity(String verbosity) {
    return notBinary("LOG_VERBOSITY", word(verbosity));
  }

  private CopyOptions notBinary(String option, String value) {
    if (kind == Kind.BINARY) {
      throw new IllegalArgumentException(option + " is an option of text and csv, not of binary");
    }
    return with(option, value);
  }

  private CopyOptions csvOnly(String option, String value) {
    if (kind != Kind.CSV) {
      throw new IllegalArgumentException(
          option + " is an option of csv, not of " + kind.name().toLowerCase(Locale.ROOT));
    }
    return with(option, value);
  }

  private CopyOptions with(String option, String value) {
    Map<String, String> more = new LinkedHashMap<>(options);
    more.put(option, value);
    return new CopyOptions(kind, schema, columns, where, more);
  }

  private static String word(String word) {
    if (word.isEmpty()
        || !word.chars().allMatch(c -> c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))) {
      throw new IllegalArgumentException("\"" + word + "\" is no word of COPY's options");
    }
    return word;
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

  private static String columnsOrAll(String... names) {
    return names.length == 0 ? "*" : list(List.of(names));
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
    sql.append(kind.name().toLowerCase(Locale.ROOT));
    options.forEach((option, value) -> sql.append(", ").append(option).append(' ').append(value));
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
    return "COPY (" + query + "\n) TO STDOUT" + withOptions();
  }

  private void checkOut() {
    if (where != null) {
      throw new IllegalArgumentException("WHERE is for the way into a table");
    }
    for (String option : INTO_ONLY) {
      if (options.containsKey(option)) {
        throw new IllegalArgumentException(option + " is for the way into a table");
      }
    }
    if ("MATCH".equals(options.get("HEADER"))) {
      throw new IllegalArgumentException("HEADER MATCH is for the way into a table");
    }
  }

  /**
   * These options for rows of values: schema, columns, WHERE and FREEZE stay, all about text goes.
   *
   * @param binary whether as binary, or as text
   * @return new options
   */
  public CopyOptions forRecords(boolean binary) {
    Map<String, String> kept = options.containsKey("FREEZE") ? Map.of("FREEZE", "true") : Map.of();
    return new CopyOptions(binary ? Kind.BINARY : Kind.TEXT, schema, columns, where, kept);
  }

  /**
   * A query of the columns, for their types.
   *
   * @param table one identifier, quoted by us
   * @return {@code SELECT … FROM …}
   */
  public String columnsSql(String table) {
    String selected =
        columns.isEmpty()
            ? "*"
            : columns.stream().map(CopyOptions::identifier).collect(Collectors.joining(", "));
    return "SELECT " + selected + " FROM " + relation(table) + " LIMIT 0";
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
