package io.asyncpg.types.value;

/**
 * Where a row version lies in its table: tid, as of the system column ctid.
 *
 * @param block the block, 0 to 4,294,967,295
 * @param offset the row's place in the block, 0 to 65,535
 */
public record Tid(long block, int offset) {
  /**
   * Checks the ranges.
   *
   * @param block the block, 0 to 4,294,967,295
   * @param offset the row's place in the block, 0 to 65,535
   * @throws IllegalArgumentException if either is outside
   */
  public Tid {
    if (block < 0 || block > 0xFFFF_FFFFL) {
      throw new IllegalArgumentException("a block lies between 0 and 4294967295");
    }
    if (offset < 0 || offset > 0xFFFF) {
      throw new IllegalArgumentException("an offset lies between 0 and 65535");
    }
  }

  /**
   * Reads what the server prints.
   *
   * @param text as {@code (0,1)}
   * @return the tid
   * @throws IllegalArgumentException if it is none
   */
  public static Tid parse(String text) {
    int comma = text.indexOf(',');
    if (comma < 2 || !text.startsWith("(") || !text.endsWith(")")) {
      throw new IllegalArgumentException("a tid looks like (0,1)");
    }
    return new Tid(
        Long.parseLong(text, 1, comma, 10),
        Integer.parseInt(text, comma + 1, text.length() - 1, 10));
  }

  /** As the server prints it: {@code (0,1)}. */
  @Override
  public String toString() {
    return "(" + block + "," + offset + ")";
  }
}
