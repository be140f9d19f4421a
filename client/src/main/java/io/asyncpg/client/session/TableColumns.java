package io.asyncpg.client.session;

import io.asyncpg.client.Row;
import io.asyncpg.error.Diagnostic;
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
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks the server for a table's columns as COPY sees them: domains are not hidden behind their
 * bases, as in a query's description, and nothing of it is remembered, as nobody would be told of
 * an ALTER TABLE.
 */
final class TableColumns extends Exchange {
  private static final String SQL =
      """
      SELECT a.attname::text, a.atttypid, a.attgenerated <> '', t.typreceive::oid <> 0
      FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = $1::text::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum
      """;

  private static final ResultShape SHAPE =
      new ResultShape(
          List.of(
              TypeLookup.column("name", BuiltinTypes.TEXT),
              TypeLookup.column("type", BuiltinTypes.OID),
              TypeLookup.column("generated", BuiltinTypes.BOOL),
              TypeLookup.column("receives", BuiltinTypes.BOOL)),
          CodecRegistry.standard());

  private static final byte[] UNNAMED = FrontendWriter.name("");
  private static final byte[] ALL_BINARY = {0, 1, 0, 1};

  /** One column that COPY fills, and its type. */
  record TableColumn(String name, PgType type) {}

  /**
   * What a COPY into the table has to know.
   *
   * @param columns those wanted, in the order wanted; one that is not there is left out
   * @param receivesBinary whether every column of the table has binary input, wanted or not: the
   *     server asks for it of all
   */
  record Answer(List<TableColumn> columns, boolean receivesBinary) {}

  private record Found(String name, int typeOid, boolean generated) {}

  private enum Phase {
    PARSING,
    BINDING,
    RUNNING,
    OVER
  }

  private final Session session;
  private final String table;
  private final List<String> wanted;
  private final Consumer<Answer> then;
  private final Consumer<Throwable> otherwise;
  private ResultRows rows = new ResultRows(SHAPE);
  private Phase phase = Phase.PARSING;
  private @Nullable PgException failure;

  /**
   * Creates the question.
   *
   * @param table as SQL names it, quoted
   * @param wanted the columns; none for all that are not generated
   * @param then is given the answer, all its types known
   * @param otherwise is told why there is none
   */
  TableColumns(
      Session session,
      String table,
      List<String> wanted,
      Consumer<Answer> then,
      Consumer<Throwable> otherwise) {
    this.session = session;
    this.table = table;
    this.wanted = wanted;
    this.then = then;
    this.otherwise = otherwise;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    ValueWriter values = session.values();
    int mark = values.beginLength();
    values.writeUtf8(table);
    values.endLength(mark);
    out.parse(UNNAMED, SQL, new int[] {BuiltinTypes.TEXT.oid()});
    out.bind(UNNAMED, UNNAMED, ALL_BINARY, 1, values.array(), values.size(), SHAPE.resultFormats());
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
    failure = PgServerException.of(diagnostic, SQL, RetrySafety.NOT_EXECUTED);
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    if (phase != Phase.OVER) {
      throw unexpected("ReadyForQuery");
    }
    if (failure != null && wasHitInstead()) {
      failure = null;
      phase = Phase.PARSING;
      rows = new ResultRows(SHAPE);
      again();
      session.submitUrgently(this);
      return;
    }
    if (failure != null) {
      otherwise.accept(failure);
      session.goOn();
      return;
    }
    List<Found> found = new ArrayList<>();
    boolean receivesBinary = true;
    for (Row row : rows) {
      found.add(
          new Found(
              Objects.requireNonNull(row.getString(0)), (int) row.getLong(1), row.getBoolean(2)));
      receivesBinary &= row.getBoolean(3);
    }
    learnAndAnswer(chosen(found), receivesBinary);
  }

  private List<Found> chosen(List<Found> found) {
    if (wanted.isEmpty()) {
      return found.stream().filter(column -> !column.generated).toList();
    }
    List<Found> chosen = new ArrayList<>(wanted.size());
    for (String name : wanted) {
      found.stream().filter(column -> column.name.equals(name)).forEach(chosen::add);
    }
    return chosen;
  }

  private void learnAndAnswer(List<Found> chosen, boolean receivesBinary) {
    TypeCatalog types = session.statements().types();
    TreeSet<Integer> unknown = new TreeSet<>();
    List<TableColumn> columns = new ArrayList<>(chosen.size());
    for (Found column : chosen) {
      PgType type = types.find(column.typeOid);
      if (type == null) {
        unknown.add(column.typeOid);
      } else {
        columns.add(new TableColumn(column.name, type));
      }
    }
    if (unknown.isEmpty()) {
      then.accept(new Answer(columns, receivesBinary));
      session.goOn();
      return;
    }
    session.submitUrgently(
        TypeLookup.of(
            types,
            List.copyOf(unknown),
            whyNot -> {
              if (whyNot == null) {
                learnAndAnswer(chosen, receivesBinary);
              } else {
                otherwise.accept(whyNot);
                session.goOn();
              }
            }));
  }

  @Override
  void fail(Throwable reason) {
    otherwise.accept(reason);
    session.runOnLoop(session::goOn);
  }

  @Override
  String doing() {
    return "while it asked for the columns of " + table;
  }
}
