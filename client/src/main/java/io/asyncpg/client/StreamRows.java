package io.asyncpg.client;

import java.util.Iterator;
import java.util.stream.Stream;

/** A stream's elements, once; the stream is closed with them. */
final class StreamRows implements Iterable<Object> {
  private final Stream<?> stream;

  StreamRows(Stream<?> stream) {
    this.stream = stream;
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
