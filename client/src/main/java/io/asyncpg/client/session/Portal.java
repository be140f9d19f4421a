package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.Cursor;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.client.Rows;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendMessage.Target;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** A named portal: what a cursor is on the server. Its handle is used from any thread. */
final class Portal implements Cursor {
  private static final AtomicLong NUMBER = new AtomicLong();

  private final Client client;
  private final Session session;
  private final String sql;
  private final ResultShape shape;
  private final String name;
  private final byte[] wireName;

  /** All rows have been taken; on the event loop. */
  private boolean exhausted;

  private volatile boolean closed;

  private Portal(Client client, String sql, ResultShape shape, String name) {
    this.client = client;
    this.session = client.session;
    this.sql = sql;
    this.shape = shape;
    this.name = name;
    this.wireName = FrontendWriter.name(name);
  }

  private <T> PgFuture<T> run(int rows, LongFunction<Request<T>> request) {
    if (rows < 1) {
      return PgFuture.failed(
          new IllegalArgumentException(
              "rows is " + rows + ", but a cursor moves forward: 1 or more"));
    }
    if (closed) {
      return PgFuture.failed(
          new IllegalStateException("the cursor has been closed: " + PgException.quoted(sql)));
    }
    return client.run(sql, request);
  }

  @Override
  public PgFuture<Rows> fetch(int rows) {
    return run(rows, time -> new Some(rows, time));
  }

  @Override
  public PgFuture<Optional<Row>> fetchRow() {
    return run(1, One::new);
  }

  @Override
  public PgFuture<Long> forward(int rows) {
    return run(rows, time -> new Forward(rows, time));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      session.submit(new Close());
    }
  }

  @Override
  public String toString() {
    return "Cursor[" + PgException.quoted(sql) + (closed ? ", closed]" : "]");
  }

  /** Makes a portal: Bind and nothing else. */
  static final class Open extends PreparedRequest<Cursor> {
    private final Client client;
    private final @Nullable Object[] arguments;
    private final String name;
    private boolean bound;
    private @Nullable Throwable failure;

    Open(Client client, String sql, @Nullable Object[] arguments, long timeout) {
      super(client.session, sql, timeout);
      this.client = client;
      this.arguments = arguments;
      this.name = "asyncpg_cursor_" + NUMBER.incrementAndGet();
    }

    @Override
    @Nullable Object @Nullable [] arguments() {
      return arguments;
    }

    @Override
    boolean mustBeFirst() {
      return true; // only then is it known whether there is a transaction
    }

    @Override
    void write(Session session, FrontendWriter out) {
      if (session.transactionStatus() == TransactionStatus.IDLE && enclosing() == null) {
        throw new IllegalStateException(
            "a cursor lives in a transaction, and there is none: begin one, or use stream, which"
                + " needs none: "
                + PgException.quoted(sql()));
      }
      Preparation ready = prepared();
      if (ready.shape() == ResultShape.NO_COLUMNS) {
        throw new IllegalArgumentException(
            "a cursor needs a statement that returns rows: " + PgException.quoted(sql()));
      }
      if (ready.isUnnamed()) {
        ready.writeParse(out);
      }
      ready.writeBind(out, FrontendWriter.name(name), arguments, session.values());
      out.sync();
    }

    @Override
    void message(BackendMessage message) {
      if (message instanceof BackendMessage.BindComplete && !bound) {
        bound = true;
      } else if (!(message instanceof BackendMessage.ParseComplete && prepared().isUnnamed())) {
        throw unexpected(message.getClass().getSimpleName());
      }
    }

    @Override
    void failed(Diagnostic diagnostic) {
      if (isStale(diagnostic, bound) && !prepared().isUnnamed()) {
        session.statements().stale(prepared(), diagnostic);
      }
      failure = PgServerException.of(diagnostic, sql(), RetrySafety.ROLLED_BACK);
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      Throwable reason = failure;
      if (reason != null) {
        fail(reason);
      } else if (!bound) {
        throw unexpected("ReadyForQuery");
      } else {
        Portal portal = new Portal(client, sql(), shape(), name);
        complete(portal);
        if (isAbandoned()) {
          portal.close();
        }
      }
    }
  }

  /** One use of the portal. */
  private abstract class Step<T> extends Request<T> {
    private @Nullable Throwable failure;
    private boolean over;
    private long seen;

    Step(long timeout) {
      super(Portal.this.session, timeout);
    }

    abstract void writeStep(FrontendWriter out);

    abstract T result(long rows);

    @Override
    long rowsTouched() {
      return seen;
    }

    @Override
    final void write(Session session, FrontendWriter out) {
      if (exhausted) {
        over = true; // there is nothing to ask, but its turn has to come
        out.sync();
      } else {
        writeStep(out);
      }
    }

    final void over(String message, long rows) {
      if (over) {
        throw unexpected(message);
      }
      over = true;
      seen = rows;
    }

    @Override
    void commandComplete(String command, long rows) {
      over("CommandComplete", rows);
    }

    final boolean isOver() {
      return over;
    }

    @Override
    void failed(Diagnostic diagnostic) {
      over = true;
      PgServerException told =
          PgServerException.of(diagnostic, Portal.this.sql, RetrySafety.ROLLED_BACK);
      failure =
          diagnostic.sqlState().equals(SqlState.INVALID_CURSOR_NAME)
              ? new IllegalStateException(
                  "the cursor has ended with its transaction: "
                      + PgException.quoted(Portal.this.sql),
                  told)
              : told;
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      Throwable reason = failure;
      if (reason != null) {
        fail(reason);
      } else if (!over) {
        throw unexpected("ReadyForQuery");
      } else {
        complete(result(seen));
      }
    }

    @Override
    String sql() {
      return Portal.this.sql;
    }

    @Override
    String doing() {
      return "while it read a cursor of " + PgException.quoted(Portal.this.sql);
    }
  }

  /** Rows of the portal. */
  private abstract class Reading<T> extends Step<T> {
    private final int wanted;
    private @Nullable ResultRows rows;
    private boolean atEnd;

    Reading(int wanted, long timeout) {
      super(timeout);
      this.wanted = wanted;
    }

    final @Nullable ResultRows rows() {
      return rows;
    }

    @Override
    long rowsTouched() {
      return rows == null ? 0 : rows.size();
    }

    @Override
    void writeStep(FrontendWriter out) {
      out.execute(wireName, wanted);
      out.sync();
    }

    @Override
    int rowWidth() {
      if (isOver()) {
        throw unexpected("DataRow");
      }
      return shape.width();
    }

    @Override
    void dataRows(byte[] bytes, int from, int to, int count) {
      ResultRows some = rows;
      if (some == null) {
        some = new ResultRows(shape);
        rows = some;
      }
      some.add(bytes, from, to, count);
    }

    @Override
    void commandComplete(String command, long rows) {
      atEnd = true;
      super.commandComplete(command, rows);
    }

    @Override
    void message(BackendMessage message) {
      if (message instanceof BackendMessage.PortalSuspended) {
        over("PortalSuspended", 0);
      } else if (message instanceof BackendMessage.EmptyQueryResponse) {
        atEnd = true;
        over("EmptyQueryResponse", 0);
      } else {
        throw unexpected(message.getClass().getSimpleName());
      }
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      if (atEnd && !exhausted) {
        exhausted = true;
        session.submitUrgently(new Close());
      }
      super.ready(session, status);
    }
  }

  private final class Some extends Reading<Rows> {
    Some(int wanted, long timeout) {
      super(wanted, timeout);
    }

    @Override
    Rows result(long count) {
      ResultRows all = rows();
      List<Row> some = all == null ? Collections.emptyList() : all;
      return new Rows(shape.columns(), new CommandTag("FETCH", some.size()), some);
    }
  }

  private final class One extends Reading<Optional<Row>> {
    One(long timeout) {
      super(1, timeout);
    }

    @Override
    Optional<Row> result(long count) {
      ResultRows all = rows();
      return all == null ? Optional.empty() : Optional.of(all.get(0));
    }
  }

  private final class Forward extends Step<Long> {
    private final int wanted;

    Forward(int wanted, long timeout) {
      super(timeout);
      this.wanted = wanted;
    }

    @Override
    void writeStep(FrontendWriter out) {
      out.query("MOVE FORWARD " + wanted + " IN " + name);
    }

    @Override
    Long result(long rows) {
      return rows;
    }
  }

  /** Closes the portal; one that is gone already is no error to the server. */
  private final class Close extends Exchange {
    @Override
    boolean runsInTransactions() {
      return false;
    }

    @Override
    void write(Session session, FrontendWriter out) {
      out.close(Target.PORTAL, wireName);
      out.sync();
    }

    @Override
    void message(BackendMessage message) {
      if (!(message instanceof BackendMessage.CloseComplete)) {
        throw unexpected(message.getClass().getSimpleName());
      }
    }

    @Override
    void failed(Diagnostic diagnostic) {
      // Nobody waits for it, and the portal goes with its transaction.
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      // Nobody waits for it.
    }

    @Override
    void fail(Throwable failure) {
      // The session has ended, and the portal with it.
    }

    @Override
    String doing() {
      return "while it closed a cursor";
    }
  }
}
