package io.asyncpg.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.asyncpg.protocol.BackendHandler;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.BackendReader;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueWriter;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Frames: the server's read, a Bind and the CopyData of records written. */
@State(Scope.Thread)
public class FramesBenchmark {
  private static final int ROWS = 1_000;

  /** Counts what it is handed. */
  private static final class Counting implements BackendHandler {
    private long rows;

    @Override
    public int rowWidth() {
      return 2;
    }

    @Override
    public void dataRows(byte[] bytes, int from, int to, int count) {
      rows += count;
    }

    @Override
    public void copyData(byte[] bytes, int from, int to) {}

    @Override
    public void commandComplete(String command, long touched) {}

    @Override
    public void readyForQuery(TransactionStatus status) {}

    @Override
    public void message(BackendMessage message) {}

    @Override
    public String doing() {
      return "in a benchmark";
    }
  }

  private final BackendReader reader = new BackendReader(1 << 20);
  private final Counting handler = new Counting();
  private final ByteBuf thousandRows = thousandRows();
  private final ByteBuf oneRow = oneRow();

  private final List<PgType> types =
      List.of(BuiltinTypes.INT4, BuiltinTypes.TEXT, BuiltinTypes.INT8, BuiltinTypes.FLOAT8);
  private final List<Codec<?>> codecs =
      List.of(
          encoder(0, Integer.class),
          encoder(1, String.class),
          encoder(2, Long.class),
          encoder(3, Double.class));
  private final ValueWriter values = new ValueWriter();
  private final ByteBuf out = Unpooled.directBuffer(256 * 1024);
  private final FrontendWriter writer = new FrontendWriter(out);
  private final byte[] unnamed = FrontendWriter.name("");
  private final byte[] statement = FrontendWriter.name("asyncpg_1");
  private final byte[] binary = {0, 1, 0, 1};
  private int next;

  private Codec<?> encoder(int parameter, Class<?> javaType) {
    return CodecRegistry.standard().encoder(types.get(parameter), javaType);
  }

  private static void dataRow(ByteBuf to, int id, String text) {
    to.writeByte('D').writeInt(4 + 2 + 8 + 4 + text.length()).writeShort(2);
    to.writeInt(4).writeInt(id).writeInt(text.length()).writeBytes(text.getBytes(US_ASCII));
  }

  private static ByteBuf thousandRows() {
    ByteBuf bytes = Unpooled.buffer();
    for (int i = 0; i < ROWS; i++) {
      dataRow(bytes, i, "text number " + i);
    }
    return bytes;
  }

  /** BindComplete, DataRow, CommandComplete, ReadyForQuery. */
  private static ByteBuf oneRow() {
    ByteBuf bytes = Unpooled.buffer().writeByte('2').writeInt(4);
    dataRow(bytes, 1, "text");
    bytes.writeByte('C').writeInt(13).writeBytes("SELECT 1\0".getBytes(US_ASCII));
    return bytes.writeByte('Z').writeInt(5).writeByte('I');
  }

  private long read(ByteBuf bytes) {
    reader.feed(bytes.readerIndex(0));
    reader.read(handler);
    return handler.rows;
  }

  /** The frames of a result of a thousand rows; per row. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public long readThousandRows() {
    return read(thousandRows);
  }

  /** All that answers a statement of one row. */
  @Benchmark
  public long readAnswerOfOneRow() {
    return read(oneRow);
  }

  @SuppressWarnings("unchecked") // each value is of its codec's class
  private void write(int column, Object value) {
    values.writeValue((Codec<Object>) codecs.get(column), value, types.get(column));
  }

  private void writeItem(Item item) {
    write(0, item.id());
    write(1, item.name());
    write(2, item.amount());
    write(3, item.price());
  }

  /** Bind of four values, Execute, Sync. */
  @Benchmark
  public int writeBind() {
    out.clear();
    values.clear();
    // Another one each time: the compiler would know the bytes of the same one.
    next = (next + 1) % ROWS;
    writeItem(Item.ITEMS.get(next));
    writer.bind(unnamed, statement, binary, 4, values.array(), values.size(), binary);
    writer.executeAndSync();
    return out.writerIndex();
  }

  /** A thousand records of four values as CopyData; per record. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public int writeCopy() {
    out.clear();
    values.clear();
    for (int i = 0; i < ROWS; i++) {
      values.writeShort(4);
      writeItem(Item.ITEMS.get(i));
    }
    writer.copyData(values.array(), 0, values.size());
    return out.writerIndex();
  }
}
