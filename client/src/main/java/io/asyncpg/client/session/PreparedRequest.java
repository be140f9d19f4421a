package io.asyncpg.client.session;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgException;
import io.asyncpg.error.SqlState;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A request that runs a prepared statement: it can be written once that is ready. */
abstract class PreparedRequest<T extends @Nullable Object> extends Request<T> {
  private final String sql;
  private @Nullable HeldStatement held;
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

  /** Runs a statement that the application holds, in place of one from the cache. */
  final void hold(HeldStatement statement) {
    held = statement;
  }

  private Preparation find() {
    HeldStatement statement = held;
    return statement == null
        ? session.statements().get(sql)
        : statement.preparation(session.statements());
  }

  private void found(Preparation ready) {
    HeldStatement statement = held;
    if (statement != null) {
      statement.describe(ready);
    }
  }

  @Override
  boolean isReadyToWrite(Session session, boolean first) {
    Preparation known = preparation;
    if (known == null || known.isDiscarded()) {
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
    PgException whyNot = known.failure();
    if (whyNot != null && first) {
      preparation = null;
      throw whyNot;
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
   * Whether the statement that was prepared is no longer what its SQL means. By SQLSTATE and
   * routine, never by the message, which is localised.
   */
  static boolean isStale(Diagnostic diagnostic) {
    return diagnostic.sqlState().equals(SqlState.INVALID_SQL_STATEMENT_NAME)
        || (diagnostic.sqlState().equals(SqlState.FEATURE_NOT_SUPPORTED)
            && "RevalidateCachedQuery".equals(diagnostic.routine()));
  }

  @Override
  boolean mayOpenTransaction() {
    return Sql.mayOpenTransaction(sql);
  }

  @Override
  boolean mustBeAlone() {
    Preparation ready = preparation;
    return ready != null && ready.mayReadFromClient();
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
