package io.asyncpg.client;

/** How encryption starts: libpq's {@code sslnegotiation}. */
public enum SslNegotiation {
  /** Ask in the clear first, then encrypt. Every server understands it; the default. */
  POSTGRES("postgres"),

  /**
   * TLS from the first byte, one round trip less. PostgreSQL 17 and newer; needs {@code sslmode} to
   * be {@code require} or stronger.
   */
  DIRECT("direct");

  private final String word;

  SslNegotiation(String word) {
    this.word = word;
  }

  /** The word libpq knows it by. */
  @Override
  public String toString() {
    return word;
  }
}
