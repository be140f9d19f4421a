package io.asyncpg.client.session;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.SqlState;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A request that runs a prepared statement: it can be written once that is ready. */
abstract class PreparedRequest<T extends @Nullable Object> extends Request<T> {
  /** Where the server looks for a type by the OID that a plan or a Bind has of it. */
  private static final Set<String> TYPES_BY_OID =
      Set.of(
          "TupleDescInitEntry",
          "getBaseTypeAndTypmod",
          "getTypeBinaryInputInfo",
          "getTypeBinaryOutputInfo",
          "getTypeInputInfo",
          "getTypeOutputInfo",
          "lookup_type_cache");

  private final String sql;
  private @Nullable HeldStatement held;
  private boolean unnamed;
  private boolean asked;
  private @Nullable Preparation preparation;

  /**
   * Creates a request.
   *
   * @param timeout in nanoseconds; 0 for none
   */
  PreparedRequest(Session session, String sql, long timeout) {
    super(session, timeout);
    this.sql = sql;
  }

  @Override
  boolean mayLeaveTraces() {
    Preparation used = preparation;
    return used == null || used.mayLeaveTraces();
  }

  @Override
  boolean onlyReads() {
    return !Sql.mayLeaveTraces(sql);
  }

  /** Runs a statement that the application holds, in place of one from the cache. */
  final void hold(HeldStatement statement) {
    held = statement;
  }

  /** Takes nothing from the cache: there is no room for all that have to be ready together. */
  final void parseEachTime() {
    unnamed = true;
  }

  /** The preparation that the statement has now, cold or not. */
  Preparation find() {
    Statements statements = session.statements();
    HeldStatement statement = held;
    if (statement != null) {
      return statement.preparation(statements);
    }
    return unnamed ? statements.unnamed(sql) : statements.get(sql);
  }

  /** When it was all that its statement was being prepared for, that ends. */
  @Override
  void abandoned() {
    Preparation asked = preparation;
    if (stage() != Stage.WAITING || asked == null || !asked.isAsked()) {
      return;
    }
    for (Exchange other : session.pending()) {
      if (other != this && !other.isAbandoned() && other.waitsFor(asked)) {
        return;
      }
    }
    asked.giveUp(session);
  }

  @Override
  String whyUnsent() {
    Preparation asked = preparation;
    return asked != null && asked.isUnderWay()
        ? "the server took too long to prepare it"
        : super.whyUnsent();
  }

  @Override
  boolean waitsFor(Preparation asked) {
    return preparation == asked && stage() == Stage.WAITING;
  }

  private void found(Preparation ready) {
    HeldStatement statement = held;
    if (statement != null) {
      statement.describe(ready);
    }
  }

  @Override
  boolean isReadyToWrite(Session session, boolean first) {
    HeldStatement statement = held;
    if (statement != null && statement.isReleased()) {
      if (first) {
        throw new IllegalStateException(statement.ended());
      }
      return false;
    }
    Preparation known = preparation;
    if (known == null || !session.statements().isCurrent(known)) {
      known = find();
      preparation = known;
    }
    if (known.isReady()) {
      found(known);
      return true;
    }
    if (parsesItself() && known.recall()) {
      return true;
    }
    RuntimeException whyNot = known.failure();
    if (whyNot != null && first) {
      preparation = null;
      // To each caller its own: it carries the place of the call.
      throw whyNot instanceof PgServerException told
          ? PgServerException.of(told.diagnostic(), sql, told.retrySafety())
          : whyNot;
    }
    asked = true;
    known.ask(session, first);
    return false;
  }

  /** Whether it can write Parse in front of itself, for a statement that the pool knows already. */
  boolean parsesItself() {
    return false;
  }

  /** It writes Parse in front of itself. */
  final void parsing() {
    asked = true;
  }

  @Override
  boolean wasPrepared() {
    Preparation used = preparation;
    return !asked && used != null && !used.isUnnamed();
  }

  /** The preparation, in {@link #write} and after. */
  final Preparation prepared() {
    return Objects.requireNonNull(preparation, "written before it was ready");
  }

  /** Asks for the preparation anew when the request is written once more. */
  final void prepareAgain() {
    preparation = null;
  }

  final ResultShape shape() {
    Preparation ready = preparation;
    return ready == null ? ResultShape.NO_COLUMNS : ready.shape();
  }

  /**
   * Whether the statement that was prepared is no longer what its SQL means, or a type of it no
   * longer what it was. By SQLSTATE and routine, never by the message, which is localised.
   *
   * @param bound whether the server had taken our Bind: a name that is not there was none of ours
   *     then, but one that the statement itself speaks of
   */
  static boolean isStale(Diagnostic diagnostic, boolean bound) {
    return (!bound && diagnostic.sqlState().equals(SqlState.INVALID_SQL_STATEMENT_NAME))
        || (diagnostic.sqlState().equals(SqlState.FEATURE_NOT_SUPPORTED)
            && "RevalidateCachedQuery".equals(diagnostic.routine()))
        || isTypeGone(diagnostic)
        || isTypeAltered(diagnostic);
  }

  /** Whether the statement's plan has the OID of a type that was dropped. */
  static boolean isTypeGone(Diagnostic diagnostic) {
    return (diagnostic.sqlState().equals(SqlState.INTERNAL_ERROR)
            || diagnostic.sqlState().equals(SqlState.UNDEFINED_OBJECT))
        && TYPES_BY_OID.contains(String.valueOf(diagnostic.routine()));
  }

  /** Whether the server found a composite value to be of another shape than its type. */
  static boolean isTypeAltered(Diagnostic diagnostic) {
    return diagnostic.sqlState().equals(SqlState.DATATYPE_MISMATCH)
        && "record_recv".equals(diagnostic.routine());
  }

  @Override
  boolean mayOpenTransaction() {
    return Sql.mayOpenTransaction(sql);
  }

  @Override
  boolean mustBeAlone() {
    Preparation ready = preparation;
    return ready != null && ready.readsFromClient();
  }

  @Override
  String sql() {
    return sql;
  }

  @Override
  String doing() {
    return "while it ran " + PgException.quoted(sql);
  }
}
