package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.RowCounts;
import io.asyncpg.client.Rows;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import io.asyncpg.types.ValueWriter;
import java.util.Collections;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One statement run for many rows of arguments: Bind and Execute for each, and one Sync, so that
 * outside a transaction all of it is one. Written as the socket takes it, read as it comes: neither
 * waits for the other.
 */
abstract class Batch<R> extends PreparedRequest<R> {
  /** What the server has to say next. */
  private enum Phase {
    PARSING,
    BINDING,
    RUNNING,
    OVER
  }

  private static final byte[] UNNAMED = FrontendWriter.name("");
  private static final byte[] NO_PARAMETERS = {0, 0};
  private static final byte[] NO_BYTES = {};

  private final Feed<Object> feed;
  private Phase phase = Phase.BINDING;
  private boolean open;
  private boolean inTransaction;
  private boolean undone;

  /** Whether the application had no row yet when it was asked last. */
  private boolean starved;

  private boolean copyRefused;
  private long written;
  private long answered;
  private long touched;
  private @Nullable Throwable failure;
  private boolean runAgain;

  Batch(Session session, String sql, Feed<Object> feed, long timeout) {
    super(session, sql, timeout);
    this.feed = feed;
    feed.start(session::wake);
  }

  /** Rows that an execution returned. */
  abstract void rows(ResultShape shape, byte[] bytes, int from, int to, int count);

  /** An execution is done. */
  abstract void executed(String command, long rows);

  abstract R result(ResultShape shape);

  /** Begins anew: what has been collected is void. */
  abstract void discard();

  @Override
  boolean mustBeFirst() {
    return true; // what its failure has to undo depends on whether there is a transaction
  }

  @Override
  boolean isOpen() {
    return open;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    if (prepared().readsFromClient()) {
      throw Sql.copyRefused(sql(), "copyToTable");
    }
    inTransaction = session.transactionStatus() != TransactionStatus.IDLE || enclosing() != null;
    phase = Phase.BINDING;
    if (prepared().isUnnamed()) {
      phase = Phase.PARSING;
      prepared().writeParse(out);
    }
    open = true;
    try {
      writeRows(session, out);
    } catch (Throwable unfit) {
      open = false; // nothing has been sent
      feed.stop();
      throw unfit;
    }
  }

  @Override
  void writeMore(Session session, FrontendWriter out) {
    if (failure == null && !isAbandoned()) {
      try {
        writeRows(session, out);
        return;
      } catch (Throwable unfit) {
        failLocally(unfit);
      } finally {
        session.values().clear();
      }
    }
    feed.stop();
    if (!inTransaction && written > 0 && phase != Phase.OVER) {
      // Without it the Sync would commit what has been executed so far.
      undone = true;
      out.parse(UNNAMED, "ROLLBACK", new int[0]);
      out.bind(UNNAMED, UNNAMED, NO_PARAMETERS, 0, NO_BYTES, 0, NO_PARAMETERS);
      out.execute(UNNAMED, 0);
    }
    sync(out);
  }

  private void writeRows(Session session, FrontendWriter out) {
    ValueWriter values = session.values();
    starved = false;
    while (out.mark() < Session.WRITE_SIZE) {
      Object row = feed.poll();
      if (row == null) {
        if (feed.isAtEnd()) {
          Throwable reason = feed.failure();
          if (reason != null) {
            throw new FeedFailure(reason);
          }
          sync(out);
        } else {
          starved = true;
        }
        return;
      }
      try {
        prepared().writeBind(out, UNNAMED, RowArguments.of(row), values);
      } catch (PgCodecException unfit) {
        throw new PgCodecException("row " + written + ", " + unfit.getMessage(), sql(), unfit);
      } catch (IllegalArgumentException unfit) {
        throw new IllegalArgumentException("row " + written + ": " + unfit.getMessage(), unfit);
      } finally {
        values.clear();
      }
      out.execute(UNNAMED, 0);
      written++;
    }
  }

  /**
   * Ends it when it waits for a row for so long: whoever was to bring the rows has given the
   * connection back, and may not be there any more.
   */
  final void boundRows(String why, long nanos) {
    long before = written;
    session.schedule(
        () -> {
          if (stage() == Stage.DONE) {
            return;
          }
          if (!open || !starved || written > before) {
            boundRows(why, nanos);
            return;
          }
          failLocally(
              new IllegalStateException(why + "; row " + written + " of the batch does not come"));
          session.goOn();
        },
        nanos,
        TimeUnit.NANOSECONDS);
  }

  private void sync(FrontendWriter out) {
    out.sync();
    open = false;
  }

  /** Carries what the application's rows threw to where it is told, unwrapped. */
  private static final class FeedFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    FeedFailure(Throwable reason) {
      super(null, reason, false, false);
    }
  }

  private void failLocally(Throwable reason) {
    if (failure == null) {
      failure = reason;
    }
  }

  @Override
  long rowsTouched() {
    return touched;
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
    next(command, rows);
  }

  private void next(String command, long rows) {
    if (answered < written) {
      answered++;
      touched += rows;
      executed(command, rows);
      phase = answered == written && undone ? Phase.PARSING : Phase.BINDING;
    } else {
      phase = Phase.OVER; // the ROLLBACK
    }
  }

  @Override
  void message(BackendMessage message) {
    if (message instanceof BackendMessage.BindComplete) {
      expect(Phase.BINDING, "BindComplete");
      if (answered == written && !undone) {
        throw unexpected("BindComplete");
      }
      phase = Phase.RUNNING;
    } else if (message instanceof BackendMessage.ParseComplete) {
      // The ROLLBACK's may come when all rows written had been answered before it was sent.
      if (phase != Phase.PARSING && !(undone && answered == written && phase == Phase.BINDING)) {
        throw unexpected("ParseComplete");
      }
      phase = Phase.BINDING;
    } else if (message instanceof BackendMessage.EmptyQueryResponse) {
      expect(Phase.RUNNING, "EmptyQueryResponse");
      next("", 0);
    } else if (message instanceof BackendMessage.CopyOutResponse) {
      expect(Phase.RUNNING, "CopyOutResponse");
      copyRefused = true;
      failLocally(Sql.copyRefused(sql(), "copyFromQuery or copyFromTable"));
    } else if (!(message instanceof BackendMessage.CopyDone && copyRefused)) {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  @Override
  void copyData(byte[] bytes, int from, int to) {
    if (!copyRefused) {
      throw unexpected("CopyData");
    }
  }

  private void expect(Phase expected, String message) {
    if (phase != expected) {
      throw unexpected(message);
    }
  }

  @Override
  void failed(Diagnostic diagnostic) {
    boolean bound = phase == Phase.RUNNING;
    boolean begun = (bound || answered > 0) && prepared().mayCommit();
    phase = Phase.OVER;
    if (failure == null && isStale(diagnostic, bound) && !prepared().isUnnamed()) {
      session.statements().stale(prepared(), diagnostic);
      runAgain = !isRepeated() && !begun;
    }
    failLocally(
        PgServerException.of(
            diagnostic,
            sql(),
            diagnostic.endsSession() || mayHaveCommitted(begun)
                ? RetrySafety.UNKNOWN
                : RetrySafety.ROLLED_BACK,
            answered < written ? answered : -1));
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    if (open) {
      throw unexpected("ReadyForQuery");
    }
    if (runAgain && status == TransactionStatus.IDLE && mayRunAgain() && feed.restart()) {
      runAgain = false;
      Throwable ifOvertaken = failure;
      failure = null;
      written = 0;
      answered = 0;
      touched = 0;
      prepareAgain();
      discard();
      again();
      session.submitAgain(this, ifOvertaken);
      return;
    }
    Throwable reason = failure;
    if (reason != null) {
      fail(reason);
    } else if (answered != written) {
      throw unexpected("ReadyForQuery");
    } else {
      complete(result(shape()));
    }
  }

  @Override
  void abandon() {
    super.abandon();
    if (!open) {
      feed.stop();
    }
  }

  @Override
  void fail(Throwable reason) {
    feed.stop();
    Throwable own = failure == null ? reason : failure;
    super.fail(own instanceof FeedFailure && own.getCause() != null ? own.getCause() : own);
  }

  /** How many rows each execution touched. */
  static final class Effects extends Batch<RowCounts> {
    private Counts counts = new Counts();

    Effects(Session session, String sql, Feed<Object> feed, long timeout) {
      super(session, sql, feed, timeout);
    }

    @Override
    void rows(ResultShape shape, byte[] bytes, int from, int to, int count) {
      // Only the effect was asked for.
    }

    @Override
    void executed(String command, long rows) {
      counts.add(rows);
    }

    @Override
    RowCounts result(ResultShape shape) {
      return counts;
    }

    @Override
    void discard() {
      counts = new Counts();
    }
  }

  /** The rows that all executions returned, in order. */
  static final class AllRows extends Batch<Rows> {
    private @Nullable ResultRows result;
    private String command = "";
    private long total;

    AllRows(Session session, String sql, Feed<Object> feed, long timeout) {
      super(session, sql, feed, timeout);
    }

    @Override
    void rows(ResultShape shape, byte[] bytes, int from, int to, int count) {
      ResultRows rows = result;
      if (rows == null) {
        rows = new ResultRows(shape);
        result = rows;
      }
      rows.add(bytes, from, to, count);
    }

    @Override
    void executed(String command, long rows) {
      this.command = command;
      total += rows;
    }

    @Override
    Rows result(ResultShape shape) {
      ResultRows all = result;
      return new Rows(
          shape.columns(),
          new CommandTag(command, total),
          all == null ? Collections.emptyList() : all);
    }

    @Override
    void discard() {
      result = null;
      command = "";
      total = 0;
    }
  }
}
