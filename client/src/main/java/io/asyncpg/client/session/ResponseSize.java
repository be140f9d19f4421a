package io.asyncpg.client.session;

/**
 * How many bytes of rows a statement answers with, as far as its answers agree: the least of many
 * in a row. Each time that one is much shorter than was expected, twice as many are needed before
 * anything is expected again, so that a statement disappoints no more than a few times.
 */
final class ResponseSize {
  static final int ANSWERS_NEEDED = 8;

  private static final int MOST_ANSWERS_NEEDED = 1 << 30;

  private long expected;
  private long least = Long.MAX_VALUE;
  private int answers;
  private int answersNeeded = ANSWERS_NEEDED;

  /** As many at least, if the next answer is like those before; 0 where nobody knows. */
  long expected() {
    return expected;
  }

  void add(long size) {
    if (size < expected - LowWaterMark.LAST) {
      answersNeeded = Math.min(2 * answersNeeded, MOST_ANSWERS_NEEDED);
      expected = 0;
      least = Long.MAX_VALUE;
      answers = 0;
    }
    expected = Math.min(expected, size);
    least = Math.min(least, size);
    if (++answers >= answersNeeded) {
      expected = least;
      least = Long.MAX_VALUE;
      answers = 0;
    }
  }
}
