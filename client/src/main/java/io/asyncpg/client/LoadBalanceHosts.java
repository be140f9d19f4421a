package io.asyncpg.client;

/** In which order hosts and their addresses are tried: libpq's {@code load_balance_hosts}. */
public enum LoadBalanceHosts {
  /** As written. The default. */
  DISABLE("disable"),

  /** Shuffled anew for every connection: the hosts, then the addresses of each. */
  RANDOM("random");

  private final String word;

  LoadBalanceHosts(String word) {
    this.word = word;
  }

  /** The word libpq knows it by. */
  @Override
  public String toString() {
    return word;
  }
}
