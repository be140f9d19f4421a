package io.asyncpg.client;

/** Whether the client shows a certificate: libpq's {@code sslcertmode}. */
public enum SslCertMode {
  /** Never, even if there is one. */
  DISABLE("disable"),

  /** If the server asks and there is one. The default. */
  ALLOW("allow"),

  /** The server has to ask for one, or there is no connection. */
  REQUIRE("require");

  private final String word;

  SslCertMode(String word) {
    this.word = word;
  }

  /** The word libpq knows it by. */
  @Override
  public String toString() {
    return word;
  }
}
