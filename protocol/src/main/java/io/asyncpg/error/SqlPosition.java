package io.asyncpg.error;

import org.jspecify.annotations.Nullable;

/**
 * The line of a statement where an error is, with a caret below it, as psql shows it:
 *
 * <pre>
 * LINE 1: SELECT * FROM missing WHERE id = 1
 *                       ^
 * </pre>
 *
 * The server counts characters, which are code points here; the caret counts columns of a terminal.
 */
final class SqlPosition {
  /** The widest piece of a line that is shown, in columns. */
  private static final int WIDTH = 60;

  /** How many columns to the right of the caret stay visible when a line is cut. */
  private static final int RIGHT = 10;

  /**
   * How many chars on each side of the caret can matter: every column may take a pair, and more.
   */
  private static final int NEAR = 4 * WIDTH;

  private static final String CUT = "...";

  /** First and last code point of the blocks that take two columns (Unicode, East Asian Width). */
  private static final int[][] WIDE = {
    {0x1100, 0x115F},
    {0x231A, 0x231B},
    {0x2329, 0x232A},
    {0x23E9, 0x23EC},
    {0x25FD, 0x25FE},
    {0x2E80, 0x303E},
    {0x3041, 0x33FF},
    {0x3400, 0x4DBF},
    {0x4E00, 0xA4CF},
    {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},
    {0xFE10, 0xFE19},
    {0xFE30, 0xFE6F},
    {0xFF01, 0xFF60},
    {0xFFE0, 0xFFE6},
    {0x17000, 0x18CFF},
    {0x1B000, 0x1B2FF},
    {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF},
    {0x1F900, 0x1F9FF},
    {0x1FA70, 0x1FAFF},
    {0x20000, 0x3FFFD},
  };

  private SqlPosition() {}

  /**
   * Two lines without a line break at their end, or null if the position is outside the statement.
   *
   * @param sql the statement
   * @param position in code points, from 1; just behind the last one is where its end is
   */
  static @Nullable String show(String sql, int position) {
    if (position < 1 || position - 1 > sql.codePointCount(0, sql.length())) {
      return null;
    }
    int at = sql.offsetByCodePoints(0, position - 1);
    int number = 1;
    int lineStart = 0;
    for (int i = 0; i < at; i++) {
      char c = sql.charAt(i);
      boolean secondHalf = c == '\n' && i > 0 && sql.charAt(i - 1) == '\r';
      if (c == '\n' || c == '\r') {
        number += secondHalf ? 0 : 1;
        lineStart = i + 1;
      }
    }
    int lineEnd = at;
    while (lineEnd < sql.length() && sql.charAt(lineEnd) != '\n' && sql.charAt(lineEnd) != '\r') {
      lineEnd++;
    }
    // Of a line as long as a program can make it, only what may be shown is looked at.
    int from = Math.max(lineStart, boundary(sql, at - NEAR));
    int to = Math.min(lineEnd, boundary(sql, at + NEAR));
    String piece = sql.substring(from, to);
    return piece("LINE " + number + ": ", piece, at - from, from > lineStart, to < lineEnd);
  }

  /** The index itself, or one less if it is between the halves of a surrogate pair. */
  private static int boundary(String sql, int index) {
    boolean inside = index > 0 && index < sql.length();
    return inside && Character.isSurrogatePair(sql.charAt(index - 1), sql.charAt(index))
        ? index - 1
        : index;
  }

  /** A line, cut around the character at {@code at} if it is too wide, and its caret. */
  private static String piece(
      String label, String line, int at, boolean startIsCut, boolean endIsCut) {
    int[] points = line.codePoints().toArray();
    int target = line.codePointCount(0, at);
    int[] column = new int[points.length + 1];
    for (int i = 0; i < points.length; i++) {
      column[i + 1] = column[i] + width(points[i]);
    }
    int from = 0;
    int to = points.length;
    // Keep the line's start as long as the caret stays clear of the right edge; else keep some room
    // to the right of the caret, and cut the start.
    if (column[to] > WIDTH && column[target] + RIGHT > WIDTH) {
      while (column[target] + RIGHT < column[to]) {
        to--;
      }
      while (column[to] - column[from] > WIDTH) {
        from++;
      }
    }
    while (column[to] - column[from] > WIDTH) {
      to--;
    }
    StringBuilder out = new StringBuilder(label).append(startIsCut || from > 0 ? CUT : "");
    int indent = out.length() + column[target] - column[from];
    for (int i = from; i < to; i++) {
      out.appendCodePoint(Character.isISOControl(points[i]) ? ' ' : points[i]);
    }
    out.append(endIsCut || to < points.length ? CUT : "").append('\n');
    return out.append(" ".repeat(indent)).append('^').toString();
  }

  /** Columns that a terminal gives to a character. */
  private static int width(int codePoint) {
    for (int[] block : WIDE) {
      if (block[0] <= codePoint && codePoint <= block[1]) {
        return 2;
      }
    }
    return switch (Character.getType(codePoint)) {
      case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.FORMAT -> 0;
      default -> 1;
    };
  }
}
