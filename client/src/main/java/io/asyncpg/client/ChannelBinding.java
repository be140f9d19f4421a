package io.asyncpg.client;

/**
 * Whether SCRAM authentication is tied to the TLS channel it runs in: libpq's {@code
 * channel_binding}.
 */
public enum ChannelBinding {
  /** Never. */
  DISABLE("disable"),

  /** If the server offers it. The default. */
  PREFER("prefer"),

  /** Or no connection: any authentication without it is refused. */
  REQUIRE("require");

  private final String word;

  ChannelBinding(String word) {
    this.word = word;
  }

  /** The word libpq knows it by. */
  @Override
  public String toString() {
    return word;
  }
}
