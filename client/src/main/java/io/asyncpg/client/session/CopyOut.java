package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import io.netty.util.concurrent.ScheduledFuture;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * COPY of a table or query to a sink, by a Query. COPY takes no parameters: arguments are quoted by
 * the server, as the types it infers for them, before the command is put together.
 */
final class CopyOut extends PreparedRequest<CommandTag> {
  private enum Phase {
    ASKED,
    RECEIVING,
    OVER
  }

  private static final byte[] UNNAMED = FrontendWriter.name("");
  private static final byte[] ALL_TEXT = {0, 0};

  private final String query;
  private final @Nullable Object[] arguments;
  private final Function<String, String> command;
  private final Outlet outlet;
  private final Progress progress;

  private boolean isHeaderNext;
  private long messages;
  private @Nullable ScheduledFuture<?> sinkDeadline;
  private String copySql = "";
  private Phase phase = Phase.ASKED;
  private @Nullable CommandTag tag;
  private @Nullable Throwable failure;
  private boolean finished;
  private boolean quoting;
  private @Nullable List<String> quoted;
  private @Nullable RuntimeException unquotable;

  private CopyOut(
      Session session,
      String query,
      @Nullable Object[] arguments,
      Function<String, String> command,
      CopySink sink,
      CopyOptions options,
      long timeout) {
    super(session, query, timeout);
    this.progress = new Progress(options);
    this.isHeaderNext = options.hasHeader();
    this.query = query;
    this.arguments = arguments;
    this.command = command;
    this.outlet = new Outlet(session, sink, this::sinkEnded);
  }

  static CopyOut ofTable(
      Session session, String table, CopySink sink, CopyOptions options, long timeout) {
    String sql = options.fromTableSql(table);
    return new CopyOut(session, sql, new Object[0], same -> same, sink, options, timeout);
  }

  static CopyOut ofQuery(
      Session session,
      String query,
      @Nullable Object[] arguments,
      CopySink sink,
      CopyOptions options,
      long timeout) {
    options.fromQuerySql(query); // refuses what does not fit, at once
    return new CopyOut(session, query, arguments, options::fromQuerySql, sink, options, timeout);
  }

  @Override
  boolean isReadyToWrite(Session session, boolean first) {
    RuntimeException whyNot = unquotable;
    if (whyNot != null) {
      if (first) {
        throw whyNot;
      }
      return false;
    }
    if (arguments.length == 0 || quoted != null) {
      return true;
    }
    if (quoting) {
      return false; // and the preparation stays the one that the server was asked with
    }
    if (super.isReadyToWrite(session, first) && first) {
      quoting = true;
      session.submitUrgently(new Quoting());
    }
    return false;
  }

  @Override
  boolean mustBeFirst() {
    return true; // the sink cannot begin anew, so it must not be near another's cancel
  }

  @Override
  boolean mustBeAlone() {
    return false;
  }

  @Override
  void writeBegin(String begin, FrontendWriter out) {
    prefixBegin(begin);
  }

  @Override
  void write(Session session, FrontendWriter out) {
    List<String> literals = quoted;
    String inlined = query;
    if (literals != null) {
      boolean backslashes = "off".equals(session.parameters().get("standard_conforming_strings"));
      inlined = Sql.inline(query, literals, backslashes);
    }
    copySql = command.apply(inlined);
    out.query(beginPrefix() + copySql);
  }

  @Override
  void message(BackendMessage message) {
    if (message instanceof BackendMessage.CopyOutResponse && phase == Phase.ASKED) {
      phase = Phase.RECEIVING;
    } else if (!(message instanceof BackendMessage.CopyDone && phase == Phase.RECEIVING)) {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  @Override
  void copyData(byte[] bytes, int from, int to) {
    if (phase != Phase.RECEIVING) {
      throw unexpected("CopyData");
    }
    if (!isAbandoned()) {
      // The server sends one message for each row (manual, "Message Formats", CopyData).
      messages += isHeaderNext ? 0 : 1;
      isHeaderNext = false;
      progress.moved(to - from, messages);
      outlet.add(bytes, from, to);
    }
  }

  @Override
  void commandComplete(String command, long rows) {
    if (phase != Phase.RECEIVING) {
      throw unexpected("CommandComplete");
    }
    phase = Phase.OVER;
    tag = new CommandTag(command, rows);
  }

  @Override
  void failed(Diagnostic diagnostic) {
    phase = Phase.OVER;
    if (failure == null) {
      failure =
          PgServerException.of(
              Script.withoutPrefix(diagnostic, beginPrefix().length()),
              copySql,
              diagnostic.endsSession() ? RetrySafety.UNKNOWN : RetrySafety.ROLLED_BACK);
    }
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    finished = true;
    Throwable reason = failure;
    CommandTag done = tag;
    if (reason != null) {
      outlet.abort(reason);
    } else if (done == null) {
      throw unexpected("ReadyForQuery");
    } else if (!isAbandoned()) {
      progress.ended(done.rows());
      outlet.finish();
      if (deadline() != 0) {
        long left = Math.max(0, deadline() - System.nanoTime());
        sinkDeadline = session.schedule(this::sinkIsLate, left, TimeUnit.NANOSECONDS);
      }
    }
  }

  /** The server has long been answered, and the sink has not taken all. */
  private void sinkIsLate() {
    if (!future().isDone()) {
      fail(Deadlines.sinkIsLate(sql()));
    }
  }

  /** The sink has ended: it failed, or has taken all, or was told to stop. */
  private void sinkEnded(@Nullable Throwable sinkFailure) {
    if (sinkDeadline != null) {
      sinkDeadline.cancel(false);
    }
    Throwable reason = failure == null ? sinkFailure : failure;
    CommandTag done = tag;
    if (reason != null) {
      failure = reason;
      super.fail(reason);
    } else if (done != null) {
      complete(done);
    }
    if (!finished && stage() == Stage.WRITTEN) {
      session.abandon(this); // the server need not send the rest
    }
  }

  @Override
  void abandon() {
    super.abandon();
    outlet.abort(new CancellationException("the copy was cancelled, or its time was up"));
  }

  @Override
  void fail(Throwable reason) {
    if (failure == null) {
      failure = reason;
    }
    super.fail(failure);
    outlet.abort(failure);
  }

  @Override
  @Nullable Object @Nullable [] arguments() {
    return arguments;
  }

  @Override
  long rowsTouched() {
    CommandTag done = tag;
    return done == null ? 0 : done.rows();
  }

  @Override
  String sql() {
    return copySql.isEmpty() ? query : copySql;
  }

  @Override
  String doing() {
    return "while it ran " + PgException.quoted(sql());
  }

  /** Asks the server how the arguments read as literals of their types. */
  private final class Quoting extends Exchange {
    private final Preparation asked = prepared();
    private @Nullable List<String> literals;
    private boolean askAgain;
    private int width;

    @Override
    void write(Session session, FrontendWriter out) {
      StringBuilder sql = new StringBuilder("SELECT ");
      width = asked.parameters().size();
      for (int i = 0; i < width; i++) {
        sql.append(i == 0 ? "" : ", ")
            .append("quote_nullable($")
            .append(i + 1)
            .append("::")
            .append(Sql.type(asked.parameters().get(i)))
            .append("::text)");
      }
      out.parse(UNNAMED, sql.toString(), asked.parameterOids());
      asked.writeBind(out, UNNAMED, UNNAMED, arguments, session.values(), ALL_TEXT);
      out.executeAndSync();
    }

    @Override
    int rowWidth() {
      return width;
    }

    @Override
    void dataRows(byte[] bytes, int from, int to, int count) {
      List<String> read = new ArrayList<>();
      int at = from + ResultRows.ROW_HEADER;
      for (int i = 0; i < width; i++) {
        int length = ByteBuffer.wrap(bytes).getInt(at);
        String literal = new String(bytes, at + 4, Math.max(0, length), StandardCharsets.UTF_8);
        read.add("(" + literal + "::" + Sql.type(asked.parameters().get(i)) + ")");
        at += 4 + Math.max(0, length);
      }
      literals = read;
    }

    @Override
    void commandComplete(String command, long rows) {
      // The row is all that was wanted.
    }

    @Override
    void message(BackendMessage message) {
      if (!(message instanceof BackendMessage.ParseComplete
          || message instanceof BackendMessage.BindComplete)) {
        throw unexpected(message.getClass().getSimpleName());
      }
    }

    @Override
    void failed(Diagnostic diagnostic) {
      askAgain = wasHitInstead();
      if (!askAgain) {
        unquotable = PgServerException.of(diagnostic, query, RetrySafety.NOT_EXECUTED);
      }
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      if (unquotable == null && literals == null && !askAgain) {
        throw unexpected("ReadyForQuery");
      }
      quoting = !askAgain;
      quoted = literals;
      session.goOn();
    }

    @Override
    void fail(Throwable reason) {
      unquotable =
          reason instanceof RuntimeException unchecked
              ? unchecked
              : new IllegalStateException("the arguments could not be quoted", reason);
      session.runOnLoop(session::goOn);
    }

    @Override
    String doing() {
      return "while it quoted the arguments of " + PgException.quoted(query);
    }
  }
}
