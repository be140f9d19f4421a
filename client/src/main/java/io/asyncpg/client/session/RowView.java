package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.client.Row;
import io.asyncpg.client.session.ResultShape.Plain;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.Codec;
import io.asyncpg.types.DoubleCodec;
import io.asyncpg.types.LongCodec;
import io.asyncpg.types.TypeReference;
import io.asyncpg.types.ValueReader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Type;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One row: where it begins in the bytes of its result.
 *
 * <pre>
 *   start
 *   +--------+---------+--------+---------+----
 *   | length | column  | length | column  | …      length -1: NULL, and no bytes
 *   +--------+---------+--------+---------+----
 * </pre>
 *
 * <p>Columns have no index; the one read last is remembered, so that reading them in order walks
 * the row once.
 */
final class RowView implements Row {
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
  private static final int OFFSET_BITS = 20;
  private static final int MAX_OFFSET = (1 << OFFSET_BITS) - 1;

  /** More than PostgreSQL has in a row; what others have beyond is found from the start. */
  private static final int MAX_COLUMN = (1 << (31 - OFFSET_BITS)) - 1;

  /** In {@link #lastRead}: the bytes are no longer this row's. */
  private static final int PASSED = -1;

  private final RowChunk chunk;
  private final int start;

  /**
   * A column and how far from the start it is, in one int so that threads racing for it see both of
   * one or both of another.
   */
  private int lastRead;

  RowView(RowChunk chunk, int start) {
    this.chunk = chunk;
    this.start = start;
  }

  /** Its bytes are about to become another's: it can be read no more. */
  void pass() {
    lastRead = PASSED;
  }

  private static IllegalStateException passed() {
    return new IllegalStateException(
        "this row was a collector's for the time of one call: keep its values, or row.as(…), and"
            + " not the row; fetch(sql) gives rows that last");
  }

  /** Where the column's length stands. */
  private int find(int column) {
    int hint = lastRead;
    if (hint == PASSED) {
      throw passed();
    }
    int i = hint >>> OFFSET_BITS;
    int at = start;
    if (i <= column) {
      at += hint & MAX_OFFSET;
    } else {
      i = 0;
    }
    if (i == column) {
      return at;
    }
    for (; i < column; i++) {
      int length = (int) INT.get(chunk.bytes, at);
      at += 4 + Math.max(length, 0);
    }
    int offset = at - start;
    if (offset <= MAX_OFFSET && column <= MAX_COLUMN) {
      lastRead = column << OFFSET_BITS | offset;
    }
    return at;
  }

  private int length(int at) {
    return (int) INT.get(chunk.bytes, at);
  }

  private ValueReader reader(int at, int length) {
    return chunk.readers.reader(chunk.bytes, at + 4, at + 4 + length);
  }

  @Override
  public List<Column> columns() {
    return chunk.shape.columns();
  }

  @Override
  public int size() {
    return chunk.shape.width();
  }

  @Override
  public boolean isNull(int i) {
    chunk.shape.check(i);
    return length(find(i)) < 0;
  }

  @Override
  public @Nullable Object get(int i) {
    return chunk.shape.plain(i) == Plain.TEXT ? text(i) : decode(i, chunk.shape.codec(i));
  }

  @Override
  @SuppressWarnings("unchecked") // the registry's contract: the codec gives what was asked for
  public <T> @Nullable T get(int i, Class<T> type) {
    chunk.shape.check(i);
    return (T) (type == String.class ? getString(i) : get(i, (Type) type));
  }

  @Override
  @SuppressWarnings("unchecked") // the registry's contract: the codec gives what was asked for
  public <T> @Nullable T get(int i, TypeReference<T> type) {
    chunk.shape.check(i);
    return (T) get(i, type.type());
  }

  @Nullable Object get(int i, Type type) {
    return decode(i, chunk.shape.codec(i, type));
  }

  private <C> @Nullable C decode(int i, Codec<C> codec) {
    return chunk.shape.decode(i, codec, chunk.bytes, find(i), chunk.readers);
  }

  @Override
  public long getLong(int i) {
    Plain plain = chunk.shape.plain(i);
    int at = find(i);
    if (length(at) == plain.length) {
      if (plain == Plain.INT4) {
        return (int) INT.get(chunk.bytes, at + 4);
      } else if (plain == Plain.INT8) {
        return (long) LONG.get(chunk.bytes, at + 4);
      } else if (plain == Plain.INT2) {
        return (short) SHORT.get(chunk.bytes, at + 4);
      }
    }
    return codecsLong(i, at);
  }

  private long codecsLong(int i, int at) {
    Codec<?> codec = chunk.shape.codec(i);
    if (codec instanceof LongCodec<?> longs) {
      int length = length(at);
      if (length < 0) {
        throw isNullNot(i, "long");
      }
      try {
        return longs.decodeLong(chunk.shape.type(i), reader(at, length));
      } catch (RuntimeException unfit) {
        throw chunk.shape.unfit(i, codec, unfit);
      }
    }
    return notNull(i, get(i, Long.class), "long");
  }

  @Override
  public int getInt(int i) {
    if (chunk.shape.plain(i) == Plain.INT4) {
      int at = find(i);
      if (length(at) == 4) {
        return (int) INT.get(chunk.bytes, at + 4);
      }
    }
    if (chunk.shape.codec(i) instanceof LongCodec<?>) {
      if (length(find(i)) < 0) {
        throw isNullNot(i, "int");
      }
      long value = getLong(i);
      if ((int) value != value) {
        throw new PgCodecException(
            chunk.shape.describe(i) + ": the value does not fit an int: use getLong");
      }
      return (int) value;
    }
    return notNull(i, get(i, Integer.class), "int");
  }

  @Override
  public double getDouble(int i) {
    Plain plain = chunk.shape.plain(i);
    int at = find(i);
    if (length(at) == plain.length) {
      if (plain == Plain.FLOAT8) {
        return Double.longBitsToDouble((long) LONG.get(chunk.bytes, at + 4));
      } else if (plain == Plain.FLOAT4) {
        return Float.intBitsToFloat((int) INT.get(chunk.bytes, at + 4));
      }
    }
    Codec<?> codec = chunk.shape.codec(i);
    if (codec instanceof DoubleCodec<?> doubles) {
      int length = length(at);
      if (length < 0) {
        throw isNullNot(i, "double");
      }
      try {
        return doubles.decodeDouble(chunk.shape.type(i), reader(at, length));
      } catch (RuntimeException unfit) {
        throw chunk.shape.unfit(i, codec, unfit);
      }
    }
    return notNull(i, get(i, Double.class), "double");
  }

  @Override
  public boolean getBoolean(int i) {
    if (chunk.shape.plain(i) == Plain.BOOL) {
      int at = find(i);
      // Anything but 0 and 1 is the codec's to refuse.
      if (length(at) == 1 && (chunk.bytes[at + 4] & 0xfe) == 0) {
        return chunk.bytes[at + 4] == 1;
      }
    }
    Object value = get(i);
    if (value instanceof Boolean bool) {
      return bool;
    }
    return notNull(i, value == null ? null : get(i, Boolean.class), "boolean");
  }

  @Override
  public @Nullable String getString(int i) {
    return chunk.shape.plain(i) == Plain.TEXT ? text(i) : (String) get(i, (Type) String.class);
  }

  private @Nullable String text(int i) {
    int at = find(i);
    int length = length(at);
    if (length < 0) {
      return null;
    }
    try {
      return new ValueReader(chunk.bytes, at + 4, at + 4 + length)
          .readUtf8(); // never seen on the heap
    } catch (RuntimeException unfit) {
      throw chunk.shape.unfit(i, chunk.shape.codec(i), unfit);
    }
  }

  private <V> V notNull(int i, @Nullable V value, String wanted) {
    if (value == null) {
      throw isNullNot(i, wanted);
    }
    return value;
  }

  private PgCodecException isNullNot(int i, String wanted) {
    return new PgCodecException(
        chunk.shape.describe(i)
            + " is NULL, which is no "
            + wanted
            + ": ask isNull first, or use get");
  }

  @Override
  public int indexOf(String name) {
    return chunk.shape.indexOf(name);
  }

  @Override
  public Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    List<Column> columns = columns();
    for (int i = 0; i < columns.size(); i++) {
      map.put(columns.get(i).name(), get(i));
    }
    return Collections.unmodifiableMap(map);
  }

  @Override
  public <T> T as(Class<T> record) {
    if (lastRead == PASSED) {
      throw passed();
    }
    RecordPlan<T> plan = chunk.shape.plan(record);
    return plan.read(chunk.bytes, start, chunk.readers, plan.arguments());
  }

  /** As its values print: {@code Row(id=1, name=Bob)}. */
  @Override
  public String toString() {
    if (lastRead == PASSED) {
      return "Row(passed)";
    }
    StringBuilder text = new StringBuilder("Row(");
    List<Column> columns = columns();
    for (int i = 0; i < columns.size(); i++) {
      text.append(i == 0 ? "" : ", ").append(columns.get(i).name()).append('=');
      try {
        text.append(Contents.print(get(i)));
      } catch (PgCodecException unfit) {
        text.append('?');
      }
    }
    return text.append(')').toString();
  }

  /** Two rows are equal when they have the same column names and equal values. */
  @Override
  public boolean equals(@Nullable Object other) {
    if (this == other) {
      return true;
    }
    if (!(other instanceof Row row) || row.size() != size()) {
      return false;
    }
    for (int i = 0; i < size(); i++) {
      if (!columns().get(i).name().equals(row.columns().get(i).name())
          || !Contents.equal(get(i), row.get(i))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    int hash = 1;
    for (int i = 0; i < size(); i++) {
      hash = 31 * hash + Contents.hash(get(i));
    }
    return hash;
  }
}
