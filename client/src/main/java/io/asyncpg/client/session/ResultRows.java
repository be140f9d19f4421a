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
    byte[][] bytes = new byte[8][];

    /** The index of each chunk's first row. */
    int[] firstRow = new int[8];

    /** Where each row begins in its chunk; made when a row is asked for by its index. */
    int @Nullable [][] starts;

    int count;
  }

  private static final byte[] NO_BYTES = {};

  private final ResultShape shape;
  private byte[] only = NO_BYTES;
  private int @Nullable [] onlyStarts;
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
    return only.length;
  }

  ResultShape shape() {
    return shape;
  }

  /** Adds a run of whole DataRow frames. */
  void add(byte[] bytes, int from, int to, int count) {
    byte[] chunk = Arrays.copyOfRange(bytes, from, to);
    if (size == 0) {
      only = chunk;
    } else {
      Chunks many = chunks;
      if (many == null) {
        many = new Chunks();
        many.bytes[0] = only;
        many.count = 1;
        chunks = many;
      }
      if (many.count == many.bytes.length) {
        many.bytes = Arrays.copyOf(many.bytes, many.count * 2);
        many.firstRow = Arrays.copyOf(many.firstRow, many.count * 2);
      }
      many.bytes[many.count] = chunk;
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
      if (index == 0) {
        return new RowView(shape, this, only, ROW_HEADER);
      }
      int[] starts = onlyStarts;
      if (starts == null) {
        starts = starts(only, size);
        onlyStarts = starts; // racy, and harmless: the same for everybody
      }
      return new RowView(shape, this, only, starts[index]);
    }
    int chunk = Arrays.binarySearch(many.firstRow, 0, many.count, index);
    if (chunk < 0) {
      chunk = -chunk - 2;
    }
    return new RowView(
        shape, this, many.bytes[chunk], starts(many, chunk)[index - many.firstRow[chunk]]);
  }

  private int[] starts(Chunks many, int chunk) {
    int[][] all = many.starts;
    if (all == null) {
      all = new int[many.count][];
      many.starts = all;
    }
    int[] starts = all[chunk];
    if (starts == null) {
      int next = chunk + 1 < many.count ? many.firstRow[chunk + 1] : size;
      starts = starts(many.bytes[chunk], next - many.firstRow[chunk]);
      all[chunk] = starts;
    }
    return starts;
  }

  private static int[] starts(byte[] chunk, int rows) {
    int[] starts = new int[rows];
    int at = 0;
    for (int i = 0; i < rows; i++) {
      starts[i] = at + ROW_HEADER;
      at = nextFrame(chunk, at);
    }
    return starts;
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
    private byte[] chunk = only;
    private int nextChunk = 1;
    private int at;
    private int left = size;

    @Override
    public boolean hasNext() {
      return left > 0;
    }

    @Override
    public Row next() {
      if (left == 0) {
        throw new NoSuchElementException();
      }
      Chunks many = chunks;
      if (at == chunk.length && many != null) {
        chunk = many.bytes[nextChunk++];
        at = 0;
      }
      left--;
      int start = at + ROW_HEADER;
      at = nextFrame(chunk, at);
      return new RowView(shape, ResultRows.this, chunk, start);
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
