package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.client.Row;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueWriter;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/** A thousand rows of one column, from frames to values; per row. */
@NullMarked
@State(Scope.Thread)
public class RowsBenchmark {
  private static final int ROWS = 1_000;

  @Param({
    "int4",
    "int8",
    "float8",
    "bool",
    "text",
    "numeric",
    "timestamptz",
    "uuid",
    "bytea",
    "int4[]"
  })
  public String type = "int4";

  private ResultShape shape = ResultShape.NO_COLUMNS;
  private byte[] frames = {};

  private static PgType named(String name) {
    return switch (name) {
      case "int4" -> BuiltinTypes.INT4;
      case "int8" -> BuiltinTypes.INT8;
      case "float8" -> BuiltinTypes.FLOAT8;
      case "bool" -> BuiltinTypes.BOOL;
      case "text" -> BuiltinTypes.TEXT;
      case "numeric" -> BuiltinTypes.NUMERIC;
      case "timestamptz" -> BuiltinTypes.TIMESTAMPTZ;
      case "uuid" -> BuiltinTypes.UUID;
      case "bytea" -> BuiltinTypes.BYTEA;
      default -> BuiltinTypes.INT4_ARRAY;
    };
  }

  private static Object value(String type, int i) {
    return switch (type) {
      case "int4" -> i + 1_000;
      case "int8" -> i * 1_000_003L;
      case "float8" -> i * 1.5;
      case "bool" -> i % 2 == 0;
      case "text" -> "text number " + i;
      case "numeric" -> BigDecimal.valueOf(i * 1_234L, 2);
      case "timestamptz" -> OffsetDateTime.of(2026, 1, 1, 0, 0, i % 60, 0, ZoneOffset.UTC);
      case "uuid" -> new UUID(i * 31L, i);
      case "bytea" -> new byte[128];
      default -> new int[] {i, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    };
  }

  @Setup
  @SuppressWarnings("unchecked") // each value is of its codec's class
  public void makeFrames() {
    PgType pgType = named(type);
    CodecRegistry codecs = CodecRegistry.standard();
    shape = new ResultShape(List.of(new Column("c", pgType, 0, 0, -1)), codecs);
    Codec<Object> codec = (Codec<Object>) codecs.encoder(pgType, value(type, 0).getClass());
    ValueWriter values = new ValueWriter();
    ByteBuffer bytes = ByteBuffer.allocate(256 * 1024);
    for (int i = 0; i < ROWS; i++) {
      values.clear();
      values.writeValue(codec, value(type, i), pgType);
      bytes.put((byte) 'D').putInt(6 + values.size()).putShort((short) 1);
      bytes.put(values.array(), 0, values.size());
    }
    frames = new byte[bytes.position()];
    bytes.flip().get(frames);
  }

  private ResultRows rows() {
    ResultRows rows = new ResultRows(shape);
    rows.add(frames, 0, frames.length, ROWS);
    return rows;
  }

  /** As an object, of the class that is the type's own. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void boxed(Blackhole values) {
    for (Row row : rows()) {
      values.consume(row.get(0));
    }
  }

  /** As a primitive, or as the class that was asked for. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void unboxed(Blackhole values) {
    switch (type) {
      case "int4" -> {
        for (Row row : rows()) {
          values.consume(row.getInt(0));
        }
      }
      case "int8" -> {
        for (Row row : rows()) {
          values.consume(row.getLong(0));
        }
      }
      case "float8" -> {
        for (Row row : rows()) {
          values.consume(row.getDouble(0));
        }
      }
      case "bool" -> {
        for (Row row : rows()) {
          values.consume(row.getBoolean(0));
        }
      }
      default -> {
        Class<?> wanted = value(type, 0).getClass();
        for (Row row : rows()) {
          @Nullable Object value = row.get(0, wanted);
          values.consume(value);
        }
      }
    }
  }
}
