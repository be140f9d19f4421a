package io.asyncpg.client.session;

import io.asyncpg.client.Row;
import io.asyncpg.types.ValueReader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one result as the server's own bytes: chunks of whole DataRow frames, each chunk
 * copied once off what a read of the socket brought. A row costs its bytes and nothing else until
 * it is asked for.
 *
 * <p>Filled on the event loop, then handed over and never changed again.
 */
final class ResultRows extends AbstractList<Row> implements RandomAccess, Readers {
  /** A DataRow's type, length and column count: what stands before its first column. */
  static final int ROW_HEADER = 7;

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle OWNER;

  static {
    try {
      OWNER = MethodHandles.lookup().findVarHandle(ResultRows.class, "readerOwner", long.class);
    } catch (ReflectiveOperationException impossible) {
      throw new ExceptionInInitializerError(impossible);
    }
  }

  /** What a result of more than one chunk needs. */
  private static final class Chunks {
    RowChunk[] all = new RowChunk[8];

    /** The index of each chunk's first row. */
    int[] firstRow = new int[8];

    int count;
  }

  private final ResultShape shape;
  private @Nullable RowChunk first;
  private @Nullable Chunks chunks;
  private int size;

  /**
   * A reader that the first thread to read from this result may use again and again; others make
   * their own. Thread ids are never used twice, so no thread can take another for itself.
   */
  private long readerOwner;

  private @Nullable ValueReader ownersReader;

  ResultRows(ResultShape shape) {
    this.shape = shape;
  }

  /** How many bytes its rows take; of a result of one run. */
  int bytes() {
    return first == null ? 0 : first.bytes.length;
  }

  ResultShape shape() {
    return shape;
  }

  /** Adds a run of whole DataRow frames. */
  void add(byte[] bytes, int from, int to, int count) {
    RowChunk chunk = new RowChunk(shape, this, Arrays.copyOfRange(bytes, from, to));
    if (first == null) {
      first = chunk;
    } else {
      Chunks many = chunks;
      if (many == null) {
        many = new Chunks();
        many.all[0] = first;
        many.count = 1;
        chunks = many;
      }
      if (many.count == many.all.length) {
        many.all = Arrays.copyOf(many.all, many.count * 2);
        many.firstRow = Arrays.copyOf(many.firstRow, many.count * 2);
      }
      many.all[many.count] = chunk;
      many.firstRow[many.count] = size;
      many.count++;
    }
    size += count;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Row get(int index) {
    Objects.checkIndex(index, size);
    Chunks many = chunks;
    if (many == null) {
      return first().row(index, size);
    }
    int chunk = Arrays.binarySearch(many.firstRow, 0, many.count, index);
    if (chunk < 0) {
      chunk = -chunk - 2;
    }
    int from = many.firstRow[chunk];
    int to = chunk + 1 < many.count ? many.firstRow[chunk + 1] : size;
    return many.all[chunk].row(index - from, to - from);
  }

  private RowChunk first() {
    return Objects.requireNonNull(first, "there is one if there are rows");
  }

  static int nextFrame(byte[] chunk, int at) {
    return at + 1 + (int) INT.get(chunk, at + 1);
  }

  /** Walks the frames: no index is needed. */
  @Override
  public Iterator<Row> iterator() {
    return new InOrder();
  }

  private final class InOrder implements Iterator<Row> {
    private @Nullable RowChunk chunk = first;
    private int nextChunk = 1;
    private int at;
    private int left = size;

    @Override
    public boolean hasNext() {
      return left > 0;
    }

    @Override
    public Row next() {
      RowChunk from = chunk;
      if (left == 0 || from == null) {
        throw new NoSuchElementException();
      }
      if (at == from.bytes.length) {
        from = Objects.requireNonNull(chunks).all[nextChunk++];
        chunk = from;
        at = 0;
      }
      left--;
      int start = at + ROW_HEADER;
      at = nextFrame(from.bytes, at);
      return new RowView(from, start);
    }
  }

  @Override
  public ValueReader reader(byte[] bytes, int from, int to) {
    long me = Thread.currentThread().getId();
    ValueReader mine = ownersReader;
    if (readerOwner == me && mine != null) {
      return mine.reset(bytes, from, to);
    }
    mine = new ValueReader(bytes, from, to);
    if (readerOwner == 0 && OWNER.compareAndSet(this, 0L, me)) {
      ownersReader = mine;
    }
    return mine;
  }
}
