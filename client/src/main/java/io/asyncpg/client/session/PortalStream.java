package io.asyncpg.client.session;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendMessage.Target;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import org.jspecify.annotations.Nullable;

/**
 * The unnamed portal, read by Execute and Flush a portion at a time, and closed by Sync: so it
 * needs no transaction of the application's.
 */
class PortalStream extends StreamRequest {
  private enum Phase {
    PARSING,
    BINDING,
    RUNNING,
    SUSPENDED,
    OVER
  }

  private static final byte[] UNNAMED = FrontendWriter.name("");

  private final @Nullable Object[] arguments;
  private final int fetchSize;
  private volatile Phase phase = Phase.BINDING;
  private boolean open;
  private boolean closing;
  private boolean copyRefused;
  private boolean handedOut;
  private boolean runAgain;
  private long tagged;
  private @Nullable Throwable failure;

  PortalStream(
      Session session,
      String sql,
      @Nullable Object[] arguments,
      RowBuffer buffer,
      int fetchSize,
      long timeout) {
    super(session, sql, buffer, timeout);
    this.arguments = arguments;
    this.fetchSize = fetchSize;
  }

  @Override
  boolean isOpen() {
    return open;
  }

  @Override
  boolean wantsMore() {
    return phase == Phase.SUSPENDED && buffer().rows() <= fetchSize / 2;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    if (prepared().readsFromClient()) {
      throw Sql.copyRefused(sql(), "copyToTable");
    }
    phase = Phase.BINDING;
    if (prepared().isUnnamed()) {
      phase = Phase.PARSING;
      prepared().writeParse(out);
    }
    prepared().writeBind(out, UNNAMED, arguments, session.values());
    open = true;
    execute(out);
  }

  private void execute(FrontendWriter out) {
    out.execute(UNNAMED, fetchSize);
    out.flush();
    serverHasTheTurn();
  }

  @Override
  void writeMore(Session session, FrontendWriter out) {
    if (phase == Phase.OVER || isStopped()) {
      // In a transaction Sync leaves the portal, and its locks, where they are.
      closing = true;
      out.close(Target.PORTAL, UNNAMED);
      out.sync();
      open = false;
      serverHasTheTurn();
    } else if (wantsMore()) {
      phase = Phase.RUNNING;
      execute(out);
    }
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
    handedOut = true;
    if (failure == null) {
      hand(shape(), bytes, from, to, count);
    }
  }

  @Override
  void commandComplete(String command, long rows) {
    expect(Phase.RUNNING, "CommandComplete");
    phase = Phase.OVER;
    tagged = rows;
  }

  @Override
  final @Nullable Object @Nullable [] arguments() {
    return arguments;
  }

  @Override
  final long rowsTouched() {
    // Of rows the tag counts the last portion alone.
    return Math.max(tagged, super.rowsTouched());
  }

  @Override
  void copyData(byte[] bytes, int from, int to) {
    if (!copyRefused) {
      throw unexpected("CopyData");
    }
  }

  @Override
  void message(BackendMessage message) {
    if (message instanceof BackendMessage.PortalSuspended) {
      expect(Phase.RUNNING, "PortalSuspended");
      phase = Phase.SUSPENDED;
      readerHasTheTurn();
    } else if (message instanceof BackendMessage.BindComplete) {
      expect(Phase.BINDING, "BindComplete");
      phase = Phase.RUNNING;
    } else if (message instanceof BackendMessage.ParseComplete) {
      expect(Phase.PARSING, "ParseComplete");
      phase = Phase.BINDING;
    } else if (message instanceof BackendMessage.EmptyQueryResponse) {
      expect(Phase.RUNNING, "EmptyQueryResponse");
      phase = Phase.OVER;
    } else if (message instanceof BackendMessage.CloseComplete && closing) {
      closing = false;
    } else if (message instanceof BackendMessage.CopyOutResponse) {
      expect(Phase.RUNNING, "CopyOutResponse");
      copyRefused = true;
      failLocally(Sql.copyRefused(sql(), "copyFromQuery or copyFromTable"));
    } else if (!(message instanceof BackendMessage.CopyDone && copyRefused)) {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  /** The rows come by another way than the portal. */
  final void rowsBegin() {
    expect(Phase.BINDING, "CopyOutResponse");
    phase = Phase.RUNNING;
    handedOut = true;
  }

  final boolean areRowsExpected() {
    return phase == Phase.RUNNING;
  }

  final boolean isOver() {
    return phase == Phase.OVER;
  }

  final boolean hasArguments() {
    return arguments.length > 0;
  }

  private void expect(Phase expected, String message) {
    if (phase != expected) {
      throw unexpected(message);
    }
  }

  final void failLocally(Throwable reason) {
    if (failure == null) {
      failure = reason;
    }
  }

  @Override
  void failed(Diagnostic diagnostic) {
    boolean bound = phase != Phase.BINDING && phase != Phase.PARSING;
    boolean begun = bound && prepared().mayCommit();
    phase = Phase.OVER;
    if (failure == null
        && !handedOut
        && !isRepeated()
        && isStale(diagnostic, bound)
        && !prepared().isUnnamed()) {
      session.statements().stale(prepared(), diagnostic);
      runAgain = !begun;
    }
    failLocally(
        PgServerException.of(
            diagnostic,
            sql(),
            diagnostic.endsSession() || mayHaveCommitted(begun)
                ? RetrySafety.UNKNOWN
                : RetrySafety.ROLLED_BACK));
  }

  @Override
  @SuppressWarnings("NullAway") // the result of a stream is its end
  void ready(Session session, TransactionStatus status) {
    if (open) {
      throw unexpected("ReadyForQuery");
    }
    if (runAgain && status == TransactionStatus.IDLE && mayRunAgain() && !isStopped()) {
      runAgain = false;
      Throwable ifOvertaken = failure;
      failure = null;
      closing = false;
      StreamArgument.read(arguments); // which begin anew
      prepareAgain();
      again();
      session.submitAgain(this, ifOvertaken);
      return;
    }
    Throwable reason = failure;
    if (reason != null) {
      fail(reason);
    } else if (phase != Phase.OVER && !isStopped()) {
      throw unexpected("ReadyForQuery");
    } else {
      allRead();
      complete(null);
    }
  }
}
