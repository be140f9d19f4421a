package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.client.Row;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks the server what types are, with all they depend on, in one query and one round trip. The
 * query's own parameter and columns are of built-in types, so it needs no preparation; the codecs
 * of the application have no part in it.
 */
final class TypeLookup extends Exchange {
  // What a type depends on: an array's element, a domain's base, a range's subtype, a multirange's
  // range, a composite's attributes. A type is an array where its element says so; fixed-length
  // types such as point have a typelem too, but are none.
  private static final String SQL_WITH =
      """
      WITH RECURSIVE needed(oid) AS (
        %s
        UNION
        SELECT part.oid
        FROM needed
        JOIN pg_catalog.pg_type t ON t.oid = needed.oid
        CROSS JOIN LATERAL (
          SELECT e.oid FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid
          UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'
          UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid
          UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid
          UNION ALL
          SELECT a.atttypid FROM pg_catalog.pg_attribute a
          WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        ) part(oid)
      )
      SELECT
        t.oid,
        n.nspname::text,
        t.typname::text,
        t.typtype::text,
        t.typdelim::text,
        (SELECT e.oid FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid),
        CASE t.typtype
          WHEN 'd' THEN t.typbasetype
          WHEN 'r' THEN (SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)
          WHEN 'm' THEN (SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid)
        END,
        ARRAY(SELECT l.enumlabel::text FROM pg_catalog.pg_enum l
              WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder),
        ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
              WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                AND NOT a.attisdropped ORDER BY a.attnum),
        ARRAY(SELECT a.atttypid FROM pg_catalog.pg_attribute a
              WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                AND NOT a.attisdropped ORDER BY a.attnum)
      FROM needed
      JOIN pg_catalog.pg_type t ON t.oid = needed.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
      """;

  private static final String BY_OID = SQL_WITH.formatted("SELECT unnest($1::pg_catalog.oid[])");

  private static final String BY_NAME =
      SQL_WITH.formatted(
          """
          SELECT t.oid FROM pg_catalog.pg_type t
          JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
          WHERE n.nspname = $1 AND t.typname = $2
          """);

  /** Those that are not built in; initdb too makes some, as for the catalog's own tables. */
  private static final String ALL =
      SQL_WITH.formatted(
          "SELECT t.oid FROM pg_catalog.pg_type t WHERE t.oid <> ALL ($1::pg_catalog.oid[])");

  private static final List<Integer> BUILT_IN =
      BuiltinTypes.all().stream().map(PgType::oid).toList();

  private static final ResultShape SHAPE =
      new ResultShape(
          List.of(
              column("oid", BuiltinTypes.OID),
              column("schema", BuiltinTypes.TEXT),
              column("name", BuiltinTypes.TEXT),
              column("kind", BuiltinTypes.TEXT),
              column("delimiter", BuiltinTypes.TEXT),
              column("element", BuiltinTypes.OID),
              column("part", BuiltinTypes.OID),
              column("labels", BuiltinTypes.TEXT_ARRAY),
              column("attribute_names", BuiltinTypes.TEXT_ARRAY),
              column("attribute_types", BuiltinTypes.OID_ARRAY)),
          CodecRegistry.standard());

  private static final byte[] UNNAMED = FrontendWriter.name("");
  private static final byte[] ALL_BINARY = {0, 1, 0, 1};

  private enum Phase {
    PARSING,
    BINDING,
    RUNNING,
    OVER
  }

  private final TypeCatalog types;
  private final String sql;

  /** Those that are asked for; of {@link #ALL} those that are not. */
  private final List<Integer> oids;

  private final List<String> names;
  private final Consumer<@Nullable PgException> then;
  private ResultRows rows = new ResultRows(SHAPE);
  private Phase phase = Phase.PARSING;
  private boolean over;
  private @Nullable PgException failure;
  private @Nullable PgType found;

  private TypeLookup(
      TypeCatalog types,
      String sql,
      List<Integer> oids,
      List<String> names,
      Consumer<@Nullable PgException> then) {
    this.types = types;
    this.sql = sql;
    this.oids = oids;
    this.names = names;
    this.then = then;
  }

  /**
   * Of some types.
   *
   * @param then called when it is over, with what went wrong or null
   */
  static TypeLookup of(
      TypeCatalog types, List<Integer> oids, Consumer<@Nullable PgException> then) {
    return new TypeLookup(types, BY_OID, oids, List.of(), then);
  }

  /**
   * Of one type by its name, if there is one.
   *
   * @param then called when it is over, with what went wrong or null
   */
  static TypeLookup named(
      TypeCatalog types, String schema, String name, Consumer<@Nullable PgException> then) {
    return new TypeLookup(types, BY_NAME, List.of(), List.of(schema, name), then);
  }

  /**
   * Of all types that are not built in.
   *
   * @param then called when it is over, with what went wrong or null
   */
  static TypeLookup all(TypeCatalog types, Consumer<@Nullable PgException> then) {
    return new TypeLookup(types, ALL, BUILT_IN, List.of(), then);
  }

  boolean isOver() {
    return over;
  }

  @Nullable PgException failure() {
    return failure;
  }

  /** The type of that name; null when there is none. */
  @Nullable PgType found() {
    return found;
  }

  static Column column(String name, PgType type) {
    return new Column(name, type, 0, 0, -1);
  }

  @Override
  boolean runsInTransactions() {
    return false;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    ValueWriter values = session.values();
    int[] parameters = {};
    if (!oids.isEmpty()) {
      int mark = values.beginLength();
      values.writeInt(1).writeInt(0).writeInt(BuiltinTypes.OID.oid()); // one dimension, no NULLs
      values.writeInt(oids.size()).writeInt(1);
      for (int oid : oids) {
        values.writeInt(4).writeInt(oid);
      }
      values.endLength(mark);
      parameters = new int[] {BuiltinTypes.OID_ARRAY.oid()};
    } else if (!names.isEmpty()) {
      for (String name : names) {
        int mark = values.beginLength();
        values.writeUtf8(name);
        values.endLength(mark);
      }
      parameters = new int[] {BuiltinTypes.TEXT.oid(), BuiltinTypes.TEXT.oid()};
    }
    out.parse(UNNAMED, sql, parameters);
    out.bind(
        UNNAMED,
        UNNAMED,
        ALL_BINARY,
        parameters.length,
        values.array(),
        values.size(),
        SHAPE.resultFormats());
    out.executeAndSync();
  }

  @Override
  int rowWidth() {
    if (phase != Phase.RUNNING) {
      throw unexpected("DataRow");
    }
    return SHAPE.width();
  }

  @Override
  void dataRows(byte[] bytes, int from, int to, int count) {
    rows.add(bytes, from, to, count);
  }

  @Override
  void commandComplete(String command, long count) {
    move(Phase.RUNNING, Phase.OVER, "CommandComplete");
  }

  @Override
  void message(BackendMessage message) {
    if (message instanceof BackendMessage.ParseComplete) {
      move(Phase.PARSING, Phase.BINDING, "ParseComplete");
    } else if (message instanceof BackendMessage.BindComplete) {
      move(Phase.BINDING, Phase.RUNNING, "BindComplete");
    } else {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  private void move(Phase from, Phase to, String message) {
    if (phase != from) {
      throw unexpected(message);
    }
    phase = to;
  }

  @Override
  void failed(Diagnostic diagnostic) {
    phase = Phase.OVER;
    failure = PgServerException.of(diagnostic, sql, RetrySafety.NOT_EXECUTED);
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    if (failure != null && wasHitInstead()) {
      failure = null;
      phase = Phase.PARSING;
      rows = new ResultRows(SHAPE);
      again();
      session.submitUrgently(this);
      return;
    }
    if (phase != Phase.OVER) {
      throw unexpected("ReadyForQuery");
    }
    if (failure == null) {
      try {
        learn();
      } catch (RuntimeException odd) {
        failure = new PgCodecException("the server's answer about types makes no sense", sql, odd);
      }
    }
    over = true;
    then.accept(failure);
  }

  private void learn() {
    Map<Integer, Row> described = new HashMap<>();
    for (Row row : rows) {
      described.put(oid(row, 0), row);
    }
    Map<Integer, PgType> made = new HashMap<>();
    boolean all = sql.equals(ALL);
    if (!all) {
      for (int oid : oids) {
        types.learn(type(oid, described, made));
      }
    }
    for (int oid : described.keySet()) {
      PgType type = type(oid, described, made);
      if (names.equals(List.of(type.schema(), type.name()))) {
        found = type;
      }
    }
    made.values().forEach(types::learn);
    if (all) {
      types.completed();
    }
  }

  private static PgType type(int oid, Map<Integer, Row> described, Map<Integer, PgType> made) {
    PgType known = BuiltinTypes.byOid(oid);
    if (known == null) {
      known = made.get(oid);
    }
    if (known != null) {
      return known;
    }
    Row row = described.get(oid);
    // Dropped since, or hidden by something that only looks like PostgreSQL: text serves.
    PgType type =
        row == null
            ? new PgType.Base(oid, "", "oid " + Integer.toUnsignedString(oid), ',')
            : type(oid, row, described, made);
    made.put(oid, type);
    return type;
  }

  private static PgType type(
      int oid, Row row, Map<Integer, Row> described, Map<Integer, PgType> made) {
    String schema = text(row, 1);
    String name = text(row, 2);
    if (!row.isNull(5)) {
      return new PgType.Array(oid, schema, name, type(oid(row, 5), described, made));
    }
    return switch (text(row, 3)) {
      case "d" -> new PgType.Domain(oid, schema, name, type(oid(row, 6), described, made));
      case "r" -> new PgType.Range(oid, schema, name, type(oid(row, 6), described, made));
      case "m" ->
          new PgType.Multirange(
              oid, schema, name, (PgType.Range) type(oid(row, 6), described, made));
      case "e" -> new PgType.Enumeration(oid, schema, name, texts(row, 7));
      case "c" -> {
        List<String> names = texts(row, 8);
        List<?> attributeTypes = Objects.requireNonNull(row.get(9, List.class));
        List<PgType.Composite.Attribute> attributes = new ArrayList<>(names.size());
        for (int i = 0; i < names.size(); i++) {
          int attributeType = ((Long) attributeTypes.get(i)).intValue();
          attributes.add(
              new PgType.Composite.Attribute(names.get(i), type(attributeType, described, made)));
        }
        yield new PgType.Composite(oid, schema, name, attributes);
      }
      case "p" -> new PgType.Pseudo(oid, schema, name);
      default -> new PgType.Base(oid, schema, name, text(row, 4).charAt(0));
    };
  }

  private static int oid(Row row, int column) {
    return (int) row.getLong(column);
  }

  private static String text(Row row, int column) {
    return Objects.requireNonNull(row.getString(column));
  }

  private static List<String> texts(Row row, int column) {
    List<String> texts = new ArrayList<>();
    for (Object text : Objects.requireNonNull(row.get(column, List.class))) {
      texts.add((String) text);
    }
    return texts;
  }

  @Override
  void fail(Throwable reason) {
    over = true;
    failure =
        reason instanceof PgException pgException
            ? pgException
            : new PgCodecException("types could not be looked up", sql, reason);
    then.accept(failure);
  }

  @Override
  String doing() {
    return "while it looked up types";
  }
}
