package io.asyncpg.client;

/** Whether a transaction may change anything (manual, "SET TRANSACTION"). */
public enum AccessMode {
  /** It may, even where the session's default is read-only. */
  READ_WRITE("READ WRITE"),
  /** It may not. */
  READ_ONLY("READ ONLY");

  private final String sql;

  AccessMode(String sql) {
    this.sql = sql;
  }

  /**
   * The mode as SQL says it.
   *
   * @return {@code READ WRITE} or {@code READ ONLY}
   */
  public String sql() {
    return sql;
  }
}
