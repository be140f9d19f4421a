package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.client.CommandTag;
import io.asyncpg.client.Cursor;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgStatement;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowCounts;
import io.asyncpg.client.RowStream;
import io.asyncpg.client.Rows;
import io.asyncpg.error.PgException;
import io.asyncpg.types.PgType;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Flow;
import java.util.function.LongFunction;
import java.util.stream.Collector;
import org.jspecify.annotations.Nullable;

/** A handle of a statement that the application holds. Any thread. */
final class Statement implements PgStatement {
  private final Client client;
  private final Session session;
  private final HeldStatement held;

  private Statement(Client client, HeldStatement held) {
    this.client = client;
    this.session = client.session;
    this.held = held;
  }

  private <T extends @Nullable Object> PgFuture<T> run(LongFunction<PreparedRequest<T>> request) {
    String ended = client.ended() == null ? held.ended() : client.ended();
    if (ended != null) {
      return PgFuture.failed(new IllegalStateException(ended));
    }
    return client.run(
        held.sql(),
        nanos -> {
          PreparedRequest<T> made = request.apply(nanos);
          made.hold(held);
          return made;
        });
  }

  @Override
  public String name() {
    return held.description().name();
  }

  @Override
  public String sql() {
    return held.sql();
  }

  @Override
  public List<PgType> parameters() {
    return held.description().parameters();
  }

  @Override
  public List<Column> columns() {
    return held.description().columns();
  }

  @Override
  public PgFuture<CommandTag> execute(@Nullable Object... args) {
    return run(time -> new Fetch.Tag(session, sql(), Client.copy(args), time));
  }

  @Override
  public PgFuture<Rows> fetch(@Nullable Object... args) {
    return run(time -> new Fetch.AllRows(session, sql(), Client.copy(args), time));
  }

  @Override
  public PgFuture<Optional<Row>> fetchRow(@Nullable Object... args) {
    return run(time -> new Fetch.FirstRow(session, sql(), Client.copy(args), time));
  }

  @Override
  public <T> PgFuture<@Nullable T> fetchValue(Class<T> type, @Nullable Object... args) {
    return run(time -> new Fetch.FirstColumn<T>(session, type, sql(), Client.copy(args), time));
  }

  @Override
  public <T> PgFuture<List<T>> fetch(Class<T> type, @Nullable Object... args) {
    return run(time -> new Fetch.AllValues<T>(session, type, sql(), Client.copy(args), time));
  }

  @Override
  public <R extends @Nullable Object> PgFuture<R> fetch(
      Collector<? super Row, ?, R> collector, @Nullable Object... args) {
    return run(time -> new Fetch.Collected<>(session, collector, sql(), Client.copy(args), time));
  }

  @Override
  public PgFuture<RowCounts> executeMany(Iterable<?> rows) {
    return run(time -> new Batch.Effects(session, sql(), Feed.of(rows), time));
  }

  @Override
  public PgFuture<Rows> fetchMany(Iterable<?> rows) {
    return run(time -> new Batch.AllRows(session, sql(), Feed.of(rows), time));
  }

  @Override
  public PgFuture<RowCounts> executeMany(Flow.Publisher<?> rows) {
    return run(time -> new Batch.Effects(session, sql(), Feed.of(rows, Client.AHEAD), time));
  }

  @Override
  public PgFuture<Rows> fetchMany(Flow.Publisher<?> rows) {
    return run(time -> new Batch.AllRows(session, sql(), Feed.of(rows, Client.AHEAD), time));
  }

  @Override
  public <T> PgFuture<Optional<T>> fetchRow(Class<T> type, @Nullable Object... args) {
    return run(time -> new Fetch.FirstValue<T>(session, type, sql(), Client.copy(args), time));
  }

  @Override
  public RowStream stream(@Nullable Object... args) {
    @Nullable Object[] arguments = Client.copy(args);
    return new Streaming(
        client,
        sql(),
        (buffer, fetchSize, time) -> {
          String ended = held.ended();
          if (ended != null) {
            throw new IllegalStateException(ended);
          }
          StreamRequest made = new PortalStream(session, sql(), arguments, buffer, fetchSize, time);
          made.hold(held);
          return made;
        });
  }

  @Override
  public PgFuture<Cursor> cursor(@Nullable Object... args) {
    return run(time -> new Portal.Open(client, sql(), Client.copy(args), time));
  }

  @Override
  public PgFuture<String> explain(@Nullable Object... args) {
    String ended = held.ended();
    return ended != null
        ? PgFuture.failed(new IllegalStateException(ended))
        : client.fetchValue(String.class, "EXPLAIN (FORMAT JSON, VERBOSE) " + sql(), args);
  }

  @Override
  public PgFuture<String> explainAnalyze(@Nullable Object... args) {
    String ended = held.ended();
    if (ended != null) {
      return PgFuture.failed(new IllegalStateException(ended));
    }
    @Nullable Object[] read = StreamArgument.read(args);
    return TransactionRun.startAndUndo(
        client,
        undone ->
            undone.fetchValue(
                String.class, "EXPLAIN (FORMAT JSON, VERBOSE, ANALYZE) " + sql(), read));
  }

  @Override
  public void close() {
    if (held.ended() == null) {
      held.end("the prepared statement has been closed: prepare another, or close it later");
      session.submit(new Release(session, held));
    }
  }

  @Override
  public PgStatement withTimeout(Duration timeout) {
    return new Statement(client.withTimeout(timeout), held);
  }

  @Override
  public String toString() {
    return "PgStatement[" + name() + ": " + PgException.quoted(sql()) + "]";
  }

  /** Parse and Describe, if nobody has asked yet. */
  static final class Prepare extends UnwrittenRequest<PgStatement> {
    private final Client client;
    private final HeldStatement held;
    private @Nullable Preparation preparation;

    Prepare(Client client, String sql, long timeout) {
      super(client.session, timeout);
      this.client = client;
      this.held = new HeldStatement(sql);
    }

    @Override
    boolean isReadyToWrite(Session session, boolean first) {
      Preparation known = preparation;
      if (known == null || !session.statements().isCurrent(known)) {
        known = held.preparation(session.statements());
        preparation = known;
      }
      if (known.isReady()) {
        held.describe(known);
        return true;
      }
      RuntimeException whyNot = known.failure();
      if (whyNot != null && first) {
        throw whyNot;
      }
      known.ask(session, first);
      return false;
    }

    @Override
    void abandoned() {
      Preparation asked = preparation;
      if (asked != null) {
        asked.giveUp(session); // nobody else has it
      }
      session.statements().release(held);
    }

    @Override
    void turn(Session session) {
      session.statements().hold(held);
      complete(new Statement(client, held));
    }

    @Override
    String sql() {
      return held.sql();
    }

    @Override
    String doing() {
      return "while it prepared " + PgException.quoted(held.sql());
    }
  }

  /** Close, behind what was asked of the statement before. */
  private static final class Release extends UnwrittenRequest<Void> {
    private final HeldStatement held;

    Release(Session session, HeldStatement held) {
      super(session, 0);
      this.held = held;
    }

    @Override
    @SuppressWarnings("NullAway") // a Void is null
    void turn(Session session) {
      session.statements().release(held);
      complete(null);
    }

    @Override
    String doing() {
      return "while it closed a statement";
    }
  }
}
