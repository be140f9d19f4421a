package io.asyncpg.client;

/**
 * Whether a connection is encrypted, and how much of the server is verified: libpq's {@code
 * sslmode}.
 */
public enum SslMode {
  /** Never encrypted. */
  DISABLE("disable"),

  /** Not encrypted unless the server insists. */
  ALLOW("allow"),

  /** Encrypted if the server can. The default; proves nothing about who the server is. */
  PREFER("prefer"),

  /**
   * Encrypted or no connection. The server is verified as by VERIFY_CA if there is a root
   * certificate, else not at all.
   */
  REQUIRE("require"),

  /** Encrypted, and the server certificate is signed by a trusted authority. */
  VERIFY_CA("verify-ca"),

  /** Encrypted, the certificate trusted, and made out to the host asked for. */
  VERIFY_FULL("verify-full");

  private final String word;

  SslMode(String word) {
    this.word = word;
  }

  /** The word libpq knows it by. */
  @Override
  public String toString() {
    return word;
  }
}
