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
 * Writes BuiltinTypes.java from the pg_type of a live server. Run it against the newest PostgreSQL:
 * with its JDBC URL and the file to write as arguments.
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
   * Writes the file.
   *
   * @param arguments a JDBC URL, and the file to write
   * @throws Exception if the server or the file cannot be reached
   */
  public static void main(String[] arguments) throws Exception {
    try (Connection connection = DriverManager.getConnection(arguments[0])) {
      write(connection, Path.of(arguments[1]));
    }
  }

  private static void write(Connection connection, Path file) throws SQLException, IOException {
    Files.writeString(file, generate(connection));
  }

  /** The source as this server would have it. */
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
    return header(version) + String.join("\n", written.values()) + FOOTER;
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

  private static String header(String version) {
    return """
        package io.asyncpg.types;

        import java.util.ArrayList;
        import java.util.Collection;
        import java.util.Collections;
        import java.util.HashMap;
        import java.util.List;
        import java.util.Map;
        import org.jspecify.annotations.Nullable;

        /**
         * The types every PostgreSQL has, their OIDs fixed for good: the pg_type of PostgreSQL %s without the
         * row types of its own tables. Generated by BuiltinTypesGenerator; do not edit.
         */
        public final class BuiltinTypes {
          private static final int TABLE_SIZE = %d;
          private static final @Nullable PgType[] BY_OID = new @Nullable PgType[TABLE_SIZE];
          private static final Map<String, PgType> BY_NAME = new HashMap<>();
          private static final List<PgType> ALL = new ArrayList<>();

        """
        .formatted(version, FIRST_UNPINNED_OID);
  }

  private static final String FOOTER =
      """

        private BuiltinTypes() {}

        /**
         * The type with an OID.
         *
         * @param oid the OID, unsigned
         * @return the type, or null if it is not built in
         */
        public static @Nullable PgType byOid(int oid) {
          return oid >= 0 && oid < TABLE_SIZE ? BY_OID[oid] : null;
        }

        /**
         * The type with a name.
         *
         * @param name the name as pg_type has it, {@code _int4} for an array; {@code int4[]} will do too
         * @return the type, or null if it is not built in
         */
        public static @Nullable PgType byName(String name) {
          return BY_NAME.get(name);
        }

        /**
         * All of them.
         *
         * @return an unmodifiable collection, each type after those it depends on
         */
        public static Collection<PgType> all() {
          return Collections.unmodifiableList(ALL);
        }

        private static PgType.Base base(int oid, String name, char delimiter) {
          return known(new PgType.Base(oid, "pg_catalog", name, delimiter));
        }

        private static PgType.Pseudo pseudo(int oid, String name) {
          return known(new PgType.Pseudo(oid, "pg_catalog", name));
        }

        private static PgType.Array array(int oid, String name, PgType element) {
          return known(new PgType.Array(oid, "pg_catalog", name, element));
        }

        private static PgType.Range range(int oid, String name, PgType subtype) {
          return known(new PgType.Range(oid, "pg_catalog", name, subtype));
        }

        private static PgType.Multirange multirange(int oid, String name, PgType.Range range) {
          return known(new PgType.Multirange(oid, "pg_catalog", name, range));
        }

        private static <T extends PgType> T known(T type) {
          BY_OID[type.oid()] = type;
          BY_NAME.put(type.name(), type);
          BY_NAME.putIfAbsent(type.displayName(), type);
          ALL.add(type);
          return type;
        }
      }
      """;
}
