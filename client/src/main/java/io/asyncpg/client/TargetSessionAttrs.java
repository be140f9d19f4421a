package io.asyncpg.client;

/** Which kind of server will do: libpq's {@code target_session_attrs}. */
public enum TargetSessionAttrs {
  /** The first that accepts a connection. The default. */
  ANY("any"),

  /** One whose sessions accept writes by default. */
  READ_WRITE("read-write"),

  /** One whose sessions do not accept writes by default. */
  READ_ONLY("read-only"),

  /** One that is not in hot standby. */
  PRIMARY("primary"),

  /** One that is in hot standby. */
  STANDBY("standby"),

  /** A standby if any of the hosts is one, else any of them. */
  PREFER_STANDBY("prefer-standby");

  private final String word;

  TargetSessionAttrs(String word) {
    this.word = word;
  }

  /** The word libpq knows it by. */
  @Override
  public String toString() {
    return word;
  }
}
