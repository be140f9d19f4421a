package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.ValueReader;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.NullMarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/** A thousand rows of six columns, from frames to values; per row. */
@NullMarked
@State(Scope.Thread)
public class RecordsBenchmark {
  private static final int ROWS = 1_000;

  /** One row. */
  public record Item(
      int id, long amount, double price, boolean sold, String name, BigDecimal tax) {}

  private final ResultShape shape =
      new ResultShape(
          List.of(
              new Column("id", BuiltinTypes.INT4, 0, 0, -1),
              new Column("amount", BuiltinTypes.INT8, 0, 0, -1),
              new Column("price", BuiltinTypes.FLOAT8, 0, 0, -1),
              new Column("sold", BuiltinTypes.BOOL, 0, 0, -1),
              new Column("name", BuiltinTypes.TEXT, 0, 0, -1),
              new Column("tax", BuiltinTypes.NUMERIC, 0, 0, -1)),
          CodecRegistry.standard());

  private byte[] frames = {};
  private final Readers readers = new ValueReader()::reset;

  @Setup
  public void makeFrames() {
    ByteBuffer bytes = ByteBuffer.allocate(128 * 1024);
    for (int i = 0; i < ROWS; i++) {
      int start = bytes.position();
      byte[] name = ("text number " + i).getBytes(StandardCharsets.UTF_8);
      bytes.put((byte) 'D').putInt(0).putShort((short) 6);
      bytes.putInt(4).putInt(i).putInt(8).putLong(i * 1_000_003L).putInt(8).putDouble(i * 1.5);
      bytes.putInt(1).put((byte) (i % 2)).putInt(name.length).put(name);
      // 1234.5600: two digits of base 10,000, the first of weight 0.
      bytes.putInt(12).putShort((short) 2).putShort((short) 0).putShort((short) 0);
      bytes.putShort((short) 2).putShort((short) 1_234).putShort((short) 5_600);
      bytes.putInt(start + 1, bytes.position() - start - 1);
    }
    frames = new byte[bytes.position()];
    bytes.flip().get(frames);
  }

  /** As {@code fetch(Class)} makes them, while the rows arrive. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void records(Blackhole values) {
    RecordPlan<Item> plan = shape.plan(Item.class);
    RecordPlan.Arguments arguments = plan.arguments();
    int at = 0;
    for (int i = 0; i < ROWS; i++) {
      values.consume(plan.read(frames, at + ResultRows.ROW_HEADER, readers, arguments));
      at = ResultRows.nextFrame(frames, at);
    }
  }

  /** As an application makes them of the rows. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void byHand(Blackhole values) {
    ResultRows rows = new ResultRows(shape);
    rows.add(frames, 0, frames.length, ROWS);
    rows.forEach(
        row ->
            values.consume(
                new Item(
                    row.getInt(0),
                    row.getLong(1),
                    row.getDouble(2),
                    row.getBoolean(3),
                    Objects.requireNonNull(row.getString(4)),
                    Objects.requireNonNull(row.get(5, BigDecimal.class)))));
  }
}
