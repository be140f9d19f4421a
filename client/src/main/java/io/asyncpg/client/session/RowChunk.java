package io.asyncpg.client.session;

import org.jspecify.annotations.Nullable;

/** Whole DataRow frames in one array, and what the views of these rows have in common. */
final class RowChunk {
  final ResultShape shape;
  final Readers readers;
  final byte[] bytes;

  /** Where each row begins; made when a row is asked for by its index. */
  private int @Nullable [] starts;

  RowChunk(ResultShape shape, Readers readers, byte[] bytes) {
    this.shape = shape;
    this.readers = readers;
    this.bytes = bytes;
  }

  /**
   * One of its rows.
   *
   * @param rows how many there are
   */
  RowView row(int index, int rows) {
    if (index == 0) {
      return new RowView(this, ResultRows.ROW_HEADER);
    }
    int[] known = starts;
    if (known == null) {
      known = starts(rows);
      starts = known; // racy, and harmless: the same for everybody
    }
    return new RowView(this, known[index]);
  }

  private int[] starts(int rows) {
    int[] starts = new int[rows];
    int at = 0;
    for (int i = 0; i < rows; i++) {
      starts[i] = at + ResultRows.ROW_HEADER;
      at = ResultRows.nextFrame(bytes, at);
    }
    return starts;
  }
}
