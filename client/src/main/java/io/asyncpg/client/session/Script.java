package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import org.jspecify.annotations.Nullable;

/** SQL without arguments, any number of statements: the simple query protocol. */
final class Script extends Request<CommandTag> {
  private static final CommandTag NOTHING = new CommandTag("", 0);

  private final String sql;
  private @Nullable Boolean mustBeFirst;
  private CommandTag tag = NOTHING;
  private boolean somethingDone;
  private int rowWidth = -1;
  private boolean copyRefused;
  private boolean runAgain;
  private @Nullable Throwable failure;

  Script(Session session, String sql, long timeout) {
    super(session, timeout);
    this.sql = sql;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    out.query(beginPrefix() + sql);
  }

  @Override
  void writeBegin(String begin, FrontendWriter out) {
    prefixBegin(begin);
  }

  @Override
  boolean mayLeaveTraces() {
    return Sql.mayLeaveTraces(sql);
  }

  @Override
  boolean onlyReads() {
    return !mayLeaveTraces();
  }

  @Override
  long rowsTouched() {
    return tag.rows();
  }

  @Override
  boolean mayOpenTransaction() {
    return Sql.scriptMayOpenTransaction(sql);
  }

  @Override
  boolean mustBeFirst() {
    Boolean known = mustBeFirst;
    if (known == null) {
      // It cannot be run again when its first statement is done, so it must not be near another's
      // cancel.
      known = Sql.mayBeSeveral(sql) || Sql.mayCommit(sql);
      mustBeFirst = known;
    }
    return known;
  }

  @Override
  boolean mustBeAlone() {
    return Sql.mayReadFromClient(sql);
  }

  @Override
  int rowWidth() {
    if (rowWidth < 0) {
      throw unexpected("DataRow");
    }
    return rowWidth;
  }

  @Override
  void dataRows(byte[] bytes, int from, int to, int count) {
    // Only the effect was asked for.
  }

  @Override
  void copyData(byte[] bytes, int from, int to) {
    if (!copyRefused) {
      throw unexpected("CopyData");
    }
  }

  @Override
  void commandComplete(String command, long rows) {
    tag = new CommandTag(command, rows);
    somethingDone = true;
    rowWidth = -1;
  }

  @Override
  void message(BackendMessage message) {
    if (message instanceof BackendMessage.RowDescription description) {
      rowWidth = description.fields().size();
    } else if (message instanceof BackendMessage.CopyInResponse) {
      copyRefused = true;
      failLocally(Sql.copyRefused(sql, "copyToTable"));
      session.send(new FrontendMessage.CopyFail("the client has no data for this COPY"));
    } else if (message instanceof BackendMessage.CopyOutResponse) {
      copyRefused = true;
      failLocally(Sql.copyRefused(sql, "copyFromQuery or copyFromTable"));
    } else if (!(message instanceof BackendMessage.EmptyQueryResponse)
        && !(message instanceof BackendMessage.CopyDone && copyRefused)) {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  private void failLocally(Throwable reason) {
    if (failure == null) {
      failure = reason;
    }
  }

  @Override
  void failed(Diagnostic reported) {
    Diagnostic diagnostic = withoutPrefix(reported, beginPrefix().length());
    boolean nothingDone = !somethingDone;
    if (nothingDone && wasHitInstead() && !copyRefused) {
      runAgain = !isRepeated() && !mustBeFirst();
    }
    // Statements before the one that failed may have been committed by a COMMIT among them.
    boolean nothingCommitted = nothingDone && !mayHaveCommitted(Sql.mayCommit(sql));
    failLocally(
        PgServerException.of(
            diagnostic,
            sql,
            nothingCommitted && !diagnostic.endsSession()
                ? RetrySafety.ROLLED_BACK
                : RetrySafety.UNKNOWN));
  }

  /** The position counts from the beginning of the Query: BEGIN in front is not the caller's. */
  static Diagnostic withoutPrefix(Diagnostic d, int length) {
    return length == 0 || d.position() <= length
        ? d
        : new Diagnostic(
            d.severity(),
            d.localizedSeverity(),
            d.sqlState(),
            d.message(),
            d.detail(),
            d.hint(),
            d.position() - length,
            d.internalPosition(),
            d.internalQuery(),
            d.context(),
            d.schema(),
            d.table(),
            d.column(),
            d.dataType(),
            d.constraint(),
            d.file(),
            d.line(),
            d.routine());
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    Throwable reason = failure;
    if (runAgain && status == TransactionStatus.IDLE && mayRunAgain()) {
      runAgain = false;
      failure = null;
      again();
      session.submitAgain(this, null);
    } else if (reason != null) {
      super.fail(reason);
    } else {
      complete(tag);
    }
  }

  @Override
  void fail(Throwable reason) {
    Throwable own = failure;
    super.fail(own == null ? reason : own);
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
