package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.PgBatch;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.client.Rows;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.LongFunction;
import java.util.stream.Collector;
import org.jspecify.annotations.Nullable;

/** Different statements that run together. The handle is for any thread. */
final class StatementBatch implements PgBatch {
  private final Client client;
  private final Session session;

  // Guarded by this.
  private final List<Entry<?>> entries = new ArrayList<>();
  private boolean ran;

  StatementBatch(Client client) {
    this.client = client;
    this.session = client.session;
  }

  /** One statement: its request is made when the batch is run, as its time begins then. */
  private final class Entry<T extends @Nullable Object> extends PgFuture<T> {
    private final String sql;
    private final LongFunction<StatementRequest<T>> maker;

    /** What a cancel has to stop. */
    private volatile @Nullable PgFuture<?> underWay;

    Entry(String sql, LongFunction<StatementRequest<T>> maker) {
      this.sql = sql;
      this.maker = maker;
    }

    StatementRequest<T> request(int index, long timeout) {
      StatementRequest<T> made = maker.apply(timeout);
      made.inBatch(index);
      made.future()
          .whenComplete(
              (result, failure) -> {
                if (failure == null) {
                  complete(result);
                } else {
                  completeExceptionally(failure);
                }
              });
      return made;
    }

    void runsIn(PgFuture<?> work) {
      underWay = work;
      if (isCancelled()) {
        work.cancel(true);
      }
    }

    @Override
    protected void cancelled() {
      PgFuture<?> work = underWay;
      if (work != null) {
        work.cancel(true);
      }
    }

    @Override
    protected boolean onEventLoop() {
      return session.isOnEventLoop();
    }
  }

  private <T extends @Nullable Object> PgFuture<T> add(
      String sql, LongFunction<StatementRequest<T>> maker) {
    synchronized (this) {
      if (!ran) {
        Entry<T> entry = new Entry<>(sql, maker);
        entries.add(entry);
        return entry;
      }
    }
    return PgFuture.failed(hasRun());
  }

  private static IllegalStateException hasRun() {
    return new IllegalStateException("the batch has been run: make another");
  }

  @Override
  public PgFuture<CommandTag> execute(String sql, @Nullable Object... args) {
    @Nullable Object[] copy = Client.copy(args);
    return add(sql, time -> new Fetch.Tag(session, sql, copy, time));
  }

  @Override
  public PgFuture<Rows> fetch(String sql, @Nullable Object... args) {
    @Nullable Object[] copy = Client.copy(args);
    return add(sql, time -> new Fetch.AllRows(session, sql, copy, time));
  }

  @Override
  public PgFuture<Optional<Row>> fetchRow(String sql, @Nullable Object... args) {
    @Nullable Object[] copy = Client.copy(args);
    return add(sql, time -> new Fetch.FirstRow(session, sql, copy, time));
  }

  @Override
  public <T> PgFuture<@Nullable T> fetchValue(Class<T> type, String sql, @Nullable Object... args) {
    @Nullable Object[] copy = Client.copy(args);
    return add(sql, time -> new Fetch.FirstColumn<T>(session, type, sql, copy, time));
  }

  @Override
  public <T> PgFuture<List<T>> fetch(Class<T> type, String sql, @Nullable Object... args) {
    @Nullable Object[] copy = Client.copy(args);
    return add(sql, time -> new Fetch.AllValues<T>(session, type, sql, copy, time));
  }

  @Override
  public <R extends @Nullable Object> PgFuture<R> fetch(
      Collector<? super Row, ?, R> collector, String sql, @Nullable Object... args) {
    @Nullable Object[] copy = Client.copy(args);
    return add(sql, time -> new Fetch.Collected<>(session, collector, sql, copy, time));
  }

  @Override
  public <T> PgFuture<Optional<T>> fetchRow(Class<T> type, String sql, @Nullable Object... args) {
    @Nullable Object[] copy = Client.copy(args);
    return add(sql, time -> new Fetch.FirstValue<T>(session, type, sql, copy, time));
  }

  @Override
  public synchronized int size() {
    return entries.size();
  }

  @Override
  public PgFuture<Void> run() {
    return run(this::together);
  }

  @Override
  public PgFuture<Void> runEach() {
    return run(this::eachByItself);
  }

  private PgFuture<Void> run(LongFunction<PgFuture<Void>> way) {
    synchronized (this) {
      if (ran) {
        return PgFuture.failed(hasRun());
      }
      ran = true;
    }
    // From here on nobody changes the entries.
    if (entries.isEmpty()) {
      PgFuture<Void> nothingToDo = new PgFuture<>();
      nothingToDo.complete(null);
      return nothingToDo;
    }
    PgFuture<Void> running = client.bounded(entries.get(0).sql, way);
    for (Entry<?> entry : entries) {
      if (entry.underWay == null) {
        running.whenComplete((nothing, refused) -> entry.completeExceptionally(refused));
      }
    }
    return running;
  }

  private List<StatementRequest<?>> requests(long timeout) {
    List<StatementRequest<?>> requests = new ArrayList<>(entries.size());
    for (Entry<?> entry : entries) {
      requests.add(entry.request(requests.size(), timeout));
    }
    return requests;
  }

  private PgFuture<Void> together(long timeout) {
    Together together = new Together(session, requests(0), timeout);
    together.own(client.block());
    together.under(client.lease);
    entries.forEach(entry -> entry.runsIn(together.future()));
    return Fetch.run(together);
  }

  private PgFuture<Void> eachByItself(long timeout) {
    List<StatementRequest<?>> requests = requests(timeout);
    for (int i = 0; i < requests.size(); i++) {
      requests.get(i).own(client.block());
      requests.get(i).under(client.lease);
      entries.get(i).runsIn(requests.get(i).future());
    }
    session.submit(requests);
    return new AllOf(session, requests);
  }

  /** What went wrong with one statement of a batch, said so. */
  static Throwable ofStatement(int index, Throwable failure) {
    if (failure instanceof PgServerException told) {
      return told.statement() >= 0
          ? told
          : PgServerException.ofStatement(told.diagnostic(), told.sql(), told.retrySafety(), index);
    }
    String message = "statement " + index + ": " + failure.getMessage();
    if (failure instanceof PgCodecException unfit) {
      return new PgCodecException(message, unfit.sql(), unfit);
    }
    return failure instanceof IllegalArgumentException
        ? new IllegalArgumentException(message, failure)
        : failure;
  }

  /** Complete when all of several requests are; it fails as the first of them that failed. */
  private static final class AllOf extends PgFuture<Void> {
    private final Session session;
    private final List<StatementRequest<?>> requests;

    /** Guarded by this. */
    private int open;

    AllOf(Session session, List<StatementRequest<?>> requests) {
      this.session = session;
      this.requests = requests;
      this.open = requests.size();
      for (StatementRequest<?> request : requests) {
        request.future().whenComplete((result, failure) -> oneMore());
      }
    }

    private void oneMore() {
      synchronized (this) {
        if (--open > 0) {
          return;
        }
      }
      for (StatementRequest<?> request : requests) {
        if (request.future().isCompletedExceptionally()) {
          request.future().whenComplete((result, failure) -> completeExceptionally(failure));
          return;
        }
      }
      complete(null);
    }

    @Override
    protected void cancelled() {
      requests.forEach(request -> request.future().cancel(true));
    }

    @Override
    protected boolean onEventLoop() {
      return session.isOnEventLoop();
    }
  }

  /** All under one Sync: Bind and Execute of each, written whole or not at all. */
  private static final class Together extends Request<Void> {
    private final List<StatementRequest<?>> statements;

    /** Which of them the server speaks of. */
    private int current;

    private boolean roomChecked;
    private boolean mayHaveCommitted;
    private boolean runAgain;
    private boolean parseCancelled;
    private @Nullable Throwable failure;

    Together(Session session, List<StatementRequest<?>> statements, long timeout) {
      super(session, timeout);
      this.statements = statements;
      statements.forEach(StatementRequest::becomeOneOfMany);
    }

    @Override
    boolean mayLeaveTraces() {
      return statements.stream().anyMatch(PreparedRequest::mayLeaveTraces);
    }

    @Override
    boolean onlyReads() {
      return statements.stream().allMatch(Exchange::onlyReads);
    }

    @Override
    boolean mustBeFirst() {
      for (StatementRequest<?> statement : statements) {
        if (statement.mustBeFirst()) {
          return true;
        }
      }
      return false;
    }

    @Override
    boolean isReadyToWrite(Session session, boolean first) {
      makeRoom(session.statements());
      boolean ready = true;
      for (int i = 0; i < statements.size(); i++) {
        try {
          ready &= statements.get(i).isReadyToWrite(session, first);
        } catch (PgException whyNot) {
          failure = ofStatement(i, whyNot);
          throw whyNot;
        }
      }
      return ready;
    }

    /** All have to be ready at once: where the cache is too small for that, they do without. */
    private void makeRoom(Statements cache) {
      if (roomChecked) {
        return;
      }
      roomChecked = true;
      Set<String> different = new HashSet<>();
      statements.forEach(statement -> different.add(statement.sql()));
      if (!cache.hasRoomFor(different.size())) {
        statements.forEach(PreparedRequest::parseEachTime);
      }
    }

    @Override
    boolean waitsFor(Preparation asked) {
      return statements.stream().anyMatch(statement -> statement.waitsFor(asked));
    }

    @Override
    int preparations() {
      return statements.size();
    }

    @Override
    void write(Session session, FrontendWriter out) {
      current = 0;
      mayHaveCommitted = false;
      for (int i = 0; i < statements.size(); i++) {
        StatementRequest<?> statement = statements.get(i);
        try {
          refuseCopy(statement.sql());
          statement.writeUnsynced(session, out);
        } catch (PgCodecException | IllegalArgumentException unfit) {
          failure = ofStatement(i, unfit);
          throw unfit;
        } finally {
          session.values().clear();
        }
      }
      out.sync();
    }

    private static void refuseCopy(String sql) {
      if (Sql.isCopyFromClient(sql)) {
        throw Sql.copyRefused(sql, "copyToTable");
      }
      if (Sql.isCopyToClient(sql)) {
        throw Sql.copyRefused(sql, "copyFromQuery or copyFromTable");
      }
    }

    private StatementRequest<?> current(String message) {
      if (current == statements.size()) {
        throw unexpected(message);
      }
      return statements.get(current);
    }

    private void next() {
      if (statements.get(current).isOver()) {
        current++;
      }
    }

    @Override
    int rowWidth() {
      return current("DataRow").rowWidth();
    }

    @Override
    void dataRows(byte[] bytes, int from, int to, int count) {
      current("DataRow").dataRows(bytes, from, to, count);
    }

    @Override
    void commandComplete(String command, long rows) {
      mayHaveCommitted |= command.equals("COMMIT") || command.equals("PREPARE TRANSACTION");
      current("CommandComplete").commandComplete(command, rows);
      next();
    }

    @Override
    void message(BackendMessage message) {
      current(message.getClass().getSimpleName()).message(message);
      next();
    }

    @Override
    void failed(Diagnostic diagnostic) {
      // What fails behind the last statement, a deferred constraint, is the batch's own.
      boolean named = current < statements.size();
      for (StatementRequest<?> begun : statements) {
        mayHaveCommitted |= mayHaveCommitted(begun.isBound() && begun.mustBeFirst());
      }
      if (named) {
        StatementRequest<?> failed = statements.get(current);
        Preparation used = failed.prepared();
        if (PreparedRequest.isStale(diagnostic, failed.isBound()) && !used.isUnnamed()) {
          parseCancelled = used.wasParseCancelled();
          if (!used.isDiscarded()) {
            session.statements().stale(used, diagnostic);
          }
          runAgain = !isRepeated();
        } else if (wasHitInstead()) {
          runAgain = !isRepeated();
        }
      }
      if (failure == null) {
        RetrySafety safety =
            diagnostic.endsSession() || mayHaveCommitted
                ? RetrySafety.UNKNOWN
                : RetrySafety.ROLLED_BACK;
        failure =
            named
                ? PgServerException.ofStatement(
                    diagnostic, statements.get(current).sql(), safety, current)
                : PgServerException.of(diagnostic, null, safety);
      }
      current = statements.size();
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      if (runAgain && !mayHaveCommitted && status == TransactionStatus.IDLE && mayRunAgain()) {
        runAgain = false;
        Throwable ifOvertaken = wasHitInstead() || parseCancelled ? null : failure;
        failure = null;
        statements.forEach(StatementRequest::forgetAnswer);
        again();
        session.submitAgain(this, ifOvertaken);
      } else if (failure != null) {
        fail(failure);
      } else if (current < statements.size()) {
        throw unexpected("ReadyForQuery");
      } else {
        finish();
      }
    }

    @SuppressWarnings("NullAway") // a Void is null
    private void finish() {
      if (isAbandoned()) {
        return; // its callers have been told
      }
      Throwable first = null;
      for (int i = 0; i < statements.size(); i++) {
        StatementRequest<?> statement = statements.get(i);
        statement.finish();
        Throwable unfit = statement.failure();
        if (first == null && unfit != null) {
          first = ofStatement(i, unfit);
        }
      }
      if (first == null) {
        complete(null);
      } else {
        super.fail(first);
      }
    }

    @Override
    void abandoned() {
      statements.forEach(PreparedRequest::abandoned);
      fail(new CancellationException("the batch was cancelled, or a statement of it was"));
    }

    /** All of it fails, and each statement with it. */
    @Override
    void fail(Throwable reason) {
      Throwable own = failure == null ? reason : failure;
      statements.forEach(statement -> statement.failWith(own));
      super.fail(own);
    }

    @Override
    boolean mayOpenTransaction() {
      return statements.stream().anyMatch(Exchange::mayOpenTransaction);
    }

    @Override
    String doing() {
      return current < statements.size()
          ? statements.get(current).doing() + ", statement " + current + " of a batch"
          : "while it ended a batch";
    }
  }
}
