package io.asyncpg.client.session;

import java.util.Iterator;
import java.util.Objects;
import java.util.stream.Stream;

/** A stream's elements, once; the stream is closed with them. */
public final class StreamRows implements Iterable<Object> {
  private final Stream<?> stream;

  /**
   * The elements of a stream.
   *
   * @param stream one that nobody has begun to read
   */
  public StreamRows(Stream<?> stream) {
    this.stream = Objects.requireNonNull(stream, "rows");
  }

  /** Closes the stream, which nobody is going to read. */
  void close() {
    stream.close();
  }

  @Override
  public Iterator<Object> iterator() {
    return new Closing(stream);
  }

  /** Whoever reads rows closes an iterator that can be closed. */
  private static final class Closing implements Iterator<Object>, AutoCloseable {
    private final Stream<?> stream;
    private final Iterator<?> rows;

    Closing(Stream<?> stream) {
      this.stream = stream;
      this.rows = stream.iterator();
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public Object next() {
      return rows.next();
    }

    @Override
    public void close() {
      stream.close();
    }
  }
}
