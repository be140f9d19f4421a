package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.client.Rows;
import io.asyncpg.types.Codec;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Collector;
import org.jspecify.annotations.Nullable;

/** The ways to run one statement: what is kept of its rows. */
final class Fetch {
  private Fetch() {}

  /** All rows, as bytes. */
  static final class AllRows extends StatementRequest<Rows> {
    private @Nullable ResultRows result;

    AllRows(Session session, String sql, @Nullable Object[] arguments, long timeout) {
      super(session, sql, arguments, 0, timeout);
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
    void succeed(ResultShape shape, String command, long rows) {
      ResultRows all = result;
      complete(
          new Rows(
              shape.columns(),
              new CommandTag(command, rows),
              all == null ? Collections.emptyList() : all));
    }

    @Override
    void discard() {
      result = null;
    }
  }

  /** The first row, as bytes. */
  static final class FirstRow extends StatementRequest<Optional<Row>> {
    private @Nullable Row row;

    FirstRow(Session session, String sql, @Nullable Object[] arguments, long timeout) {
      super(session, sql, arguments, 1, timeout);
    }

    @Override
    void rows(ResultShape shape, byte[] bytes, int from, int to, int count) {
      if (row == null) {
        byte[] own = Arrays.copyOfRange(bytes, from, ResultRows.nextFrame(bytes, from));
        row = new RowView(new RowChunk(shape, Readers.ANY_NUMBER, own), ResultRows.ROW_HEADER);
      }
    }

    @Override
    void succeed(ResultShape shape, String command, long rows) {
      complete(Optional.ofNullable(row));
    }

    @Override
    void discard() {
      row = null;
    }
  }

  /** What a collector makes of the rows: each is handed to it as it comes, and none is kept. */
  static final class Collected<A extends @Nullable Object, R extends @Nullable Object>
      extends StatementRequest<R> {
    private final Collector<? super Row, A, R> collector;
    private @Nullable Collecting<A> collecting;
    private long seen;

    /** A container, and how rows get into it. */
    private record Collecting<A extends @Nullable Object>(
        A container, BiConsumer<A, ? super Row> accumulator) {}

    Collected(
        Session session,
        Collector<? super Row, A, R> collector,
        String sql,
        @Nullable Object[] arguments,
        long timeout) {
      super(session, sql, arguments, 0, timeout);
      this.collector = Objects.requireNonNull(collector, "collector");
    }

    private Collecting<A> collecting() {
      Collecting<A> begun = collecting;
      if (begun == null) {
        begun = new Collecting<>(collector.supplier().get(), collector.accumulator());
        collecting = begun;
      }
      return begun;
    }

    @Override
    void rows(ResultShape shape, byte[] bytes, int from, int to, int count) {
      try {
        Collecting<A> begun = collecting();
        A container = begun.container;
        BiConsumer<A, ? super Row> accumulator = begun.accumulator;
        RowChunk chunk = new RowChunk(shape, session.readers(), bytes);
        int at = from;
        for (int i = 0; i < count && isWanted(); i++) {
          RowView row = new RowView(chunk, at + ResultRows.ROW_HEADER);
          try {
            accumulator.accept(container, row);
          } finally {
            row.pass();
          }
          at = ResultRows.nextFrame(bytes, at);
          seen++;
        }
      } catch (RuntimeException unfit) {
        failLocally(ResultShape.inRow(seen, sql(), unfit));
      } catch (Throwable theirs) {
        failLocally(theirs);
      }
    }

    /** Whether its caller still waits; it may cancel in the accumulator. */
    private boolean isWanted() {
      return !isAbandoned() && !future().isDone();
    }

    @Override
    void succeed(ResultShape shape, String command, long rows) {
      R result;
      try {
        result = finish(collecting().container);
      } catch (Throwable theirs) {
        failLocally(theirs); // a batch asks
        fail(theirs);
        return;
      }
      complete(result);
    }

    @SuppressWarnings("unchecked") // what IDENTITY_FINISH promises
    private R finish(A container) {
      return collector.characteristics().contains(Collector.Characteristics.IDENTITY_FINISH)
          ? (R) container
          : collector.finisher().apply(container);
    }

    @Override
    void discard() {
      collecting = null;
      seen = 0;
    }
  }

  /** The tag alone. */
  static final class Tag extends StatementRequest<CommandTag> {
    Tag(Session session, String sql, @Nullable Object[] arguments, long timeout) {
      super(session, sql, arguments, 0, timeout);
    }

    @Override
    void rows(ResultShape shape, byte[] bytes, int from, int to, int count) {
      // Only the effect was asked for.
    }

    @Override
    void succeed(ResultShape shape, String command, long rows) {
      complete(new CommandTag(command, rows));
    }

    @Override
    void discard() {
      // Nothing is kept.
    }
  }

  /** What the rows of one shape become. */
  private abstract static class Decoder<T> {
    final ResultShape shape;

    Decoder(ResultShape shape) {
      this.shape = shape;
    }

    abstract @Nullable T decode(byte[] bytes, int start, Readers readers);
  }

  private static final class RecordDecoder<T> extends Decoder<T> {
    private final RecordPlan<T> plan;
    private final RecordPlan.Arguments arguments;

    RecordDecoder(ResultShape shape, Class<T> type) {
      super(shape);
      plan = shape.plan(type);
      arguments = plan.arguments();
    }

    @Override
    T decode(byte[] bytes, int start, Readers readers) {
      return plan.read(bytes, start, readers, arguments);
    }
  }

  private static final class ColumnDecoder<T> extends Decoder<T> {
    private final Codec<T> codec;

    ColumnDecoder(ResultShape shape, Codec<T> codec) {
      super(shape);
      this.codec = codec;
    }

    @Override
    @Nullable T decode(byte[] bytes, int start, Readers readers) {
      return shape.decode(0, codec, bytes, start, readers);
    }
  }

  /** Rows as values of a Java class: records by column name, or the one column. */
  abstract static class Values<T, R extends @Nullable Object> extends StatementRequest<R> {
    private final Class<T> type;
    private final boolean oneColumnOfMany;
    private long seen;
    private @Nullable Decoder<T> decoder;

    Values(
        Session session,
        Class<T> type,
        boolean oneColumnOfMany,
        String sql,
        @Nullable Object[] arguments,
        int maxRows,
        long timeout) {
      super(session, sql, arguments, maxRows, timeout);
      this.type = wrapper(type);
      this.oneColumnOfMany = oneColumnOfMany;
    }

    abstract void value(@Nullable T value);

    @Override
    void rows(ResultShape shape, byte[] bytes, int from, int to, int count) {
      int at = from;
      try {
        Decoder<T> decoder = decoder(shape);
        Readers readers = session.readers();
        for (int i = 0; i < count; i++) {
          value(decoder.decode(bytes, at + ResultRows.ROW_HEADER, readers));
          at = ResultRows.nextFrame(bytes, at);
          seen++;
        }
      } catch (RuntimeException unfit) {
        failLocally(ResultShape.inRow(seen, sql(), unfit));
      } catch (Error theirs) {
        failLocally(theirs);
      }
    }

    private Decoder<T> decoder(ResultShape shape) {
      Decoder<T> known = decoder;
      if (known == null || known.shape != shape) {
        known =
            !oneColumnOfMany && type.isRecord() && !shape.isOneValue(type)
                ? new RecordDecoder<>(shape, type)
                : new ColumnDecoder<>(shape, codec(shape));
        decoder = known;
      }
      return known;
    }

    @SuppressWarnings("unchecked") // the registry's contract: a codec for this class
    private Codec<T> codec(ResultShape shape) {
      if (shape.width() != 1 && !(oneColumnOfMany && shape.width() > 1)) {
        throw new IllegalArgumentException(
            type.getName()
                + " is no record, so one column is wanted, but there are "
                + shape.width()
                + ": name the columns in a record, or select one");
      }
      return (Codec<T>) shape.codec(0, type);
    }

    @Override
    void discard() {
      seen = 0;
    }

    @SuppressWarnings("unchecked") // int.class and Integer.class are both Class<Integer>
    private static <T> Class<T> wrapper(Class<T> type) {
      return type.isPrimitive() ? (Class<T>) MethodType.methodType(type).wrap().returnType() : type;
    }
  }

  /** All rows as values. */
  static final class AllValues<T> extends Values<T, List<T>> {
    private List<T> values = new ArrayList<>();

    AllValues(
        Session session, Class<T> type, String sql, @Nullable Object[] arguments, long timeout) {
      super(session, type, false, sql, arguments, 0, timeout);
    }

    @Override
    @SuppressWarnings("NullAway") // a list of what the column holds, NULL included
    void value(@Nullable T value) {
      values.add(value);
    }

    @Override
    void succeed(ResultShape shape, String command, long rows) {
      complete(Collections.unmodifiableList(values));
    }

    @Override
    void discard() {
      super.discard();
      values = new ArrayList<>();
    }
  }

  /** The first row as a value. */
  static final class FirstValue<T> extends Values<T, Optional<T>> {
    private @Nullable T first;

    FirstValue(
        Session session, Class<T> type, String sql, @Nullable Object[] arguments, long timeout) {
      super(session, type, false, sql, arguments, 1, timeout);
    }

    @Override
    void value(@Nullable T value) {
      first = value;
    }

    @Override
    void succeed(ResultShape shape, String command, long rows) {
      complete(Optional.ofNullable(first));
    }

    @Override
    void discard() {
      super.discard();
      first = null;
    }
  }

  /** The first column of the first row. */
  static final class FirstColumn<T> extends Values<T, @Nullable T> {
    private @Nullable T first;

    FirstColumn(
        Session session, Class<T> type, String sql, @Nullable Object[] arguments, long timeout) {
      super(session, type, true, sql, arguments, 1, timeout);
    }

    @Override
    void value(@Nullable T value) {
      first = value;
    }

    @Override
    @SuppressWarnings("NullAway") // no row and NULL are null
    void succeed(ResultShape shape, String command, long rows) {
      complete(first);
    }

    @Override
    void discard() {
      super.discard();
      first = null;
    }
  }

  static <T extends @Nullable Object> PgFuture<T> run(Request<T> request) {
    request.session.submit(request);
    return request.future();
  }
}
