package io.asyncpg.client;

/** A version of the frontend/backend protocol. */
public enum ProtocolVersion {
  /** Every server since PostgreSQL 7.4. */
  V3_0("3.0", 3 << 16),

  /** PostgreSQL 18 and newer: longer cancel keys. */
  V3_2("3.2", 3 << 16 | 2);

  private final String word;
  private final int number;

  ProtocolVersion(String word, int number) {
    this.word = word;
    this.number = number;
  }

  /**
   * As a startup message carries it.
   *
   * @return the major version in the upper 16 bits, the minor one in the lower
   */
  public int number() {
    return number;
  }

  /** The word libpq knows it by. */
  @Override
  public String toString() {
    return word;
  }
}
