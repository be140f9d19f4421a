package io.asyncpg.client;

/** A way of authenticating, as named by libpq's {@code require_auth}. */
public enum AuthMethod {
  /** The password in the clear. */
  PASSWORD("password"),

  /** The password hashed with MD5. */
  MD5("md5"),

  /** Kerberos through GSSAPI. */
  GSS("gss"),

  /** Windows SSPI. */
  SSPI("sspi"),

  /** SCRAM, in which the server proves itself as well. */
  SCRAM_SHA_256("scram-sha-256"),

  /** An OAuth bearer token. */
  OAUTH("oauth"),

  /** The server asks for nothing. */
  NONE("none");

  private final String word;

  AuthMethod(String word) {
    this.word = word;
  }

  /** The word libpq knows it by. */
  @Override
  public String toString() {
    return word;
  }
}
