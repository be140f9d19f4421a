package io.asyncpg.types;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes the constants of BuiltinTypes.java, between its marks, from the pg_type of a live server.
 * Run it against the newest PostgreSQL: with its JDBC URL and the file as arguments.
 */
public final class BuiltinTypesGenerator {
  /** Below this the OIDs are assigned by hand in the server's sources, and so the same anywhere. */
  private static final int FIRST_UNPINNED_OID = 10_000;

  private static final String TYPES =
      """
      SELECT t.oid::int, t.typname, t.typtype, t.typdelim,
             CASE WHEN t.typsubscript = 'array_subscript_handler'::regproc THEN t.typelem::int ELSE 0 END AS element,
             coalesce(r.rngsubtype, 0)::int AS subtype,
             coalesce(m.rngtypid, 0)::int AS range
        FROM pg_type t
        LEFT JOIN pg_range r ON r.rngtypid = t.oid
        LEFT JOIN pg_range m ON m.rngmultitypid = t.oid
       WHERE t.typnamespace = 'pg_catalog'::regnamespace
         AND t.oid < %d
         AND t.typtype <> 'c'
         AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typtype = 'c')
       ORDER BY t.oid
      """
          .formatted(FIRST_UNPINNED_OID);

  private record Row(
      int oid, String name, char kind, char delimiter, int element, int subtype, int range) {}

  private BuiltinTypesGenerator() {}

  /**
   * Writes the constants anew.
   *
   * @param arguments a JDBC URL, and the file to write them into
   * @throws Exception if the server or the file cannot be reached
   */
  public static void main(String[] arguments) throws Exception {
    try (Connection connection = DriverManager.getConnection(arguments[0])) {
      write(connection, Path.of(arguments[1]));
    }
  }

  private static void write(Connection connection, Path file) throws SQLException, IOException {
    String source = Files.readString(file);
    String generated = generate(connection);
    String endMark = generated.stripTrailing().lines().reduce((before, line) -> line).orElseThrow();
    int from = source.indexOf("  // Generated from PostgreSQL");
    int to = source.indexOf(endMark) + endMark.length() + 1;
    Files.writeString(file, source.substring(0, from) + generated + source.substring(to));
  }

  /** The part of the source between the marks, and they themselves, as this server has it. */
  static String generate(Connection connection) throws SQLException {
    var rows = new TreeMap<Integer, Row>();
    String version;
    try (var statement = connection.createStatement()) {
      try (ResultSet result = statement.executeQuery(TYPES)) {
        while (result.next()) {
          rows.put(
              result.getInt(1),
              new Row(
                  result.getInt(1),
                  result.getString(2),
                  result.getString(3).charAt(0),
                  result.getString(4).charAt(0),
                  result.getInt(5),
                  result.getInt(6),
                  result.getInt(7)));
        }
      }
      try (ResultSet result = statement.executeQuery("SHOW server_version_num")) {
        result.next();
        version = Integer.toString(Integer.parseInt(result.getString(1)) / 10_000);
      }
    }
    var written = new LinkedHashMap<Integer, String>();
    rows.values().forEach(row -> constant(row, rows, written));
    return """
          // Generated from PostgreSQL %s by BuiltinTypesGenerator, down to the end mark: do not edit.

        %s
          // End of what is generated.
        """
        .formatted(version, String.join("\n", written.values()));
  }

  /** The constant of a type, after those of what it depends on. */
  private static void constant(Row row, Map<Integer, Row> rows, Map<Integer, String> written) {
    if (written.containsKey(row.oid())) {
      return;
    }
    String kind;
    String made;
    if (row.element() != 0) {
      Row of = below(row.element(), rows, written);
      kind = "Array";
      made = "array(%d, \"%s\", %s)".formatted(row.oid(), row.name(), name(of, rows));
    } else if (row.subtype() != 0) {
      Row subtype = below(row.subtype(), rows, written);
      kind = "Range";
      made = "range(%d, \"%s\", %s)".formatted(row.oid(), row.name(), name(subtype, rows));
    } else if (row.range() != 0) {
      Row range = below(row.range(), rows, written);
      kind = "Multirange";
      made = "multirange(%d, \"%s\", %s)".formatted(row.oid(), row.name(), name(range, rows));
    } else if (row.kind() == 'p') {
      kind = "Pseudo";
      made = "pseudo(%d, \"%s\")".formatted(row.oid(), row.name());
    } else {
      kind = "Base";
      made = "base(%d, \"%s\", '%s')".formatted(row.oid(), row.name(), row.delimiter());
    }
    String constant = name(row, rows);
    Row element = rows.get(row.element());
    String title =
        element != null && row.name().startsWith("_") ? element.name() + "[]" : row.name();
    String text =
        """
          /** {@code %s}, OID %d. */
          public static final PgType.%s %s =
              %s;
        """
            .formatted(title, row.oid(), kind, constant, made);
    String oneLine = text.replace("=\n      ", "= ");
    boolean fits = oneLine.lines().allMatch(line -> line.length() <= 100);
    written.put(row.oid(), fits ? oneLine : text);
  }

  private static Row below(int oid, Map<Integer, Row> rows, Map<Integer, String> written) {
    Row row = rows.get(oid);
    if (row == null) {
      throw new IllegalStateException("no pg_type row with oid " + oid);
    }
    constant(row, rows, written);
    return row;
  }

  private static String name(Row row, Map<Integer, Row> rows) {
    Row element = rows.get(row.element());
    return element != null && row.name().startsWith("_")
        ? name(element, rows) + "_ARRAY"
        : row.name().toUpperCase(Locale.ROOT);
  }
}
