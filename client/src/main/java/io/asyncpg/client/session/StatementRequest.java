package io.asyncpg.client.session;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One execution of one statement: Bind, Execute, Sync, once its preparation is ready. What becomes
 * of its rows is the subclasses' subject.
 */
abstract class StatementRequest<T extends @Nullable Object> extends PreparedRequest<T> {
  /** What the server has to say next. */
  private enum Phase {
    PARSING,
    DESCRIBING,
    BINDING,
    RUNNING,
    OVER
  }

  private static final byte[] UNNAMED_PORTAL = FrontendWriter.name("");

  private final @Nullable Object[] arguments;
  private final int maxRows;

  private Phase phase = Phase.PARSING;
  private @Nullable Throwable failure;
  private boolean runAgain;
  private boolean copyRefused;

  private boolean isOneOfMany;

  /** Whether it wrote Parse for a statement that another session has described. */
  private boolean recalled;

  private String command = "";
  private long rows;

  /** Which of a batch's statements it is, from 0; -1 where it is by itself. */
  private int index = -1;

  /**
   * Creates a request.
   *
   * @param timeout in nanoseconds; 0 for none
   * @param maxRows the most rows wanted; 0 for all
   */
  StatementRequest(
      Session session, String sql, @Nullable Object[] arguments, int maxRows, long timeout) {
    super(session, sql, timeout);
    this.arguments = arguments;
    this.maxRows = maxRows;
  }

  /** A run of whole DataRow frames. */
  abstract void rows(ResultShape shape, byte[] bytes, int from, int to, int count);

  /** All went well. */
  abstract void succeed(ResultShape shape, String command, long rows);

  /** Begins anew: what has been collected is void. */
  abstract void discard();

  /** Fails the request with an error of this side; the rest of the answer is passed over. */
  final void failLocally(Throwable reason) {
    if (failure == null) {
      failure = reason;
    }
  }

  /** Makes it a batch's statement of this index, which its errors name. */
  final void inBatch(int which) {
    index = which;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    writeBind(session, out);
    if (maxRows == 0) {
      out.executeAndSync();
    } else {
      out.execute(UNNAMED_PORTAL, maxRows);
      out.sync();
    }
  }

  /** Writes it without a Sync: others under the same one come before or behind it. */
  final void writeUnsynced(Session session, FrontendWriter out) {
    writeBind(session, out);
    out.execute(UNNAMED_PORTAL, maxRows);
  }

  private void writeBind(Session session, FrontendWriter out) {
    Preparation ready = prepared();
    phase = Phase.BINDING;
    recalled = ready.isRecalled();
    if (recalled) {
      phase = Phase.PARSING;
      parsing();
      ready.writeParseAndDescribe(out);
    } else if (ready.isUnnamed()) {
      phase = Phase.PARSING;
      ready.writeParse(out);
    }
    ready.writeBind(out, UNNAMED_PORTAL, arguments, session.values());
    ready.parseWritten();
  }

  @Override
  final boolean mustBeFirst() {
    return prepared()
        .mayCommit(); // it cannot be run again, so it must not be near another's cancel
  }

  /** Whether the server has begun to run it. */
  final boolean isBound() {
    return phase == Phase.RUNNING || phase == Phase.OVER;
  }

  @Override
  final boolean parsesItself() {
    return !isOneOfMany && !isRepeated();
  }

  /** It runs under one Sync with others. */
  final void becomeOneOfMany() {
    isOneOfMany = true;
  }

  /** Whether the server has said all there is to say of it but ReadyForQuery. */
  final boolean isOver() {
    return phase == Phase.OVER;
  }

  /** The tag's command, once it is over. */
  final String command() {
    return command;
  }

  /** Why it failed; null while it has not. */
  final @Nullable Throwable failure() {
    return failure;
  }

  @Override
  final @Nullable Object @Nullable [] arguments() {
    return arguments;
  }

  @Override
  long rowsTouched() {
    return rows;
  }

  @Override
  int rowWidth() {
    if (phase != Phase.RUNNING) {
      throw unexpected("DataRow");
    }
    return shape().width();
  }

  @Override
  void dataRows(byte[] bytes, int from, int to, int count) {
    if (failure == null) {
      rows(shape(), bytes, from, to, count);
    }
  }

  @Override
  void commandComplete(String command, long rows) {
    expect(Phase.RUNNING, "CommandComplete");
    phase = Phase.OVER;
    this.command = command;
    this.rows = rows;
    answered();
  }

  /** Its rows have all come. */
  private void answered() {
    if (!isOneOfMany) {
      prepared().responseSize().add(session.rowBytes());
    }
  }

  @Override
  long rowBytesLikely() {
    return isOneOfMany || isAbandoned() ? 0 : prepared().responseSize().expected();
  }

  @Override
  void copyData(byte[] bytes, int from, int to) {
    if (!copyRefused) {
      throw unexpected("CopyData");
    }
  }

  @Override
  void message(BackendMessage message) {
    if (message instanceof BackendMessage.BindComplete) {
      expect(Phase.BINDING, "BindComplete");
      phase = Phase.RUNNING;
    } else if (message instanceof BackendMessage.ParseComplete) {
      expect(Phase.PARSING, "ParseComplete");
      if (recalled) {
        phase = Phase.DESCRIBING;
        prepared().parsed(session);
      } else {
        phase = Phase.BINDING;
      }
    } else if (message instanceof BackendMessage.ParameterDescription) {
      expect(Phase.DESCRIBING, "ParameterDescription"); // they are what we said
    } else if (message instanceof BackendMessage.RowDescription columns) {
      described("RowDescription", columns.fields());
    } else if (message instanceof BackendMessage.NoData) {
      described("NoData", List.of());
    } else if (message instanceof BackendMessage.PortalSuspended) {
      // The limit of rows was met: as good as complete, the portal goes with our Sync.
      expect(maxRows > 0 ? Phase.RUNNING : null, "PortalSuspended");
      phase = Phase.OVER;
      command = "SELECT";
      rows = maxRows;
      answered();
    } else if (message instanceof BackendMessage.EmptyQueryResponse) {
      expect(Phase.RUNNING, "EmptyQueryResponse");
      phase = Phase.OVER;
    } else if (message instanceof BackendMessage.CopyInResponse) {
      expect(Phase.RUNNING, "CopyInResponse");
      refuseCopy("copyToTable");
      // In copy-in mode the server has passed over our Sync: it needs another.
      session.send(new FrontendMessage.CopyFail("the client has no data for this COPY"));
      session.send(new FrontendMessage.Sync());
    } else if (message instanceof BackendMessage.CopyOutResponse) {
      expect(Phase.RUNNING, "CopyOutResponse");
      refuseCopy("copyFromQuery or copyFromTable");
    } else if (!(message instanceof BackendMessage.CopyDone && copyRefused)) {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  private void described(String message, List<BackendMessage.Field> columns) {
    expect(Phase.DESCRIBING, message);
    phase = Phase.BINDING;
    if (!prepared().described(columns)) {
      session.statements().stale(prepared());
      failLocally(
          new PgProtocolException(
              "the columns of the statement are not those that the pool knew, as when a table is"
                  + " altered; it was run, but its rows cannot be read: "
                  + PgException.quoted(sql()),
              sql(),
              RetrySafety.UNKNOWN,
              null));
    }
  }

  private void refuseCopy(String remedy) {
    copyRefused = true;
    failLocally(Sql.copyRefused(sql(), remedy));
  }

  private void expect(@Nullable Phase expected, String message) {
    if (phase != expected) {
      throw unexpected(message);
    }
  }

  @Override
  void failed(Diagnostic diagnostic) {
    boolean bound = isBound();
    boolean repeatable = !isRepeated() && !(bound && prepared().mayCommit());
    boolean parsed = phase != Phase.PARSING;
    phase = Phase.OVER;
    if (recalled && !bound) {
      boolean ours = isAbandoned() || wasHitInstead(); // no timeout of the server's own
      if (!parsed && ours && diagnostic.sqlState().equals(SqlState.QUERY_CANCELED)) {
        prepared().parseCancelled();
      }
      // Perhaps because it is not what it was: prepared anew it may be well.
      session.statements().stale(prepared());
      runAgain = repeatable;
    } else if (isStale(diagnostic, bound) && !prepared().isUnnamed()) {
      if (!prepared().isDiscarded()) {
        session.statements().stale(prepared(), diagnostic);
      }
      runAgain = repeatable;
    } else if (wasHitInstead() && !copyRefused) {
      runAgain = repeatable;
    }
    failLocally(
        PgServerException.of(
            bound ? diagnostic : Statements.explained(diagnostic),
            sql(),
            diagnostic.endsSession() || (bound && mayHaveCommitted(prepared().mayCommit()))
                ? RetrySafety.UNKNOWN
                : RetrySafety.ROLLED_BACK));
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    if (runAgain && status == TransactionStatus.IDLE && mayRunAgain()) {
      runAgain = false;
      boolean hit = wasHitInstead() || prepared().wasParseCancelled();
      Throwable ifOvertaken = hit ? null : failure;
      forgetAnswer();
      again();
      session.submitAgain(this, ifOvertaken);
    } else {
      finish();
    }
  }

  /** Forgets what was answered: it is written once more. */
  final void forgetAnswer() {
    failure = null;
    StreamArgument.read(arguments); // which begin anew
    prepareAgain();
    discard();
  }

  /** Tells its caller what came of it, once it is over. */
  final void finish() {
    Throwable reason = failure;
    if (reason != null) {
      fail(reason);
    } else if (phase != Phase.OVER) {
      throw unexpected("ReadyForQuery");
    } else {
      try {
        succeed(shape(), command, rows);
      } catch (RuntimeException | Error unfit) {
        failLocally(unfit);
        fail(unfit);
      }
    }
  }

  /** Fails for what befell its batch, whatever became of itself. */
  final void failWith(Throwable reason) {
    super.fail(reason);
  }

  @Override
  void fail(Throwable reason) {
    Throwable own = failure == null ? reason : failure;
    super.fail(index < 0 ? own : StatementBatch.ofStatement(index, own));
  }
}
