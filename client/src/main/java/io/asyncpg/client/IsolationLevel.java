package io.asyncpg.client;

/**
 * What a transaction sees of others that run at the same time (manual, "Transaction Isolation").
 */
public enum IsolationLevel {
  /** In PostgreSQL the same as {@link #READ_COMMITTED}. */
  READ_UNCOMMITTED("READ UNCOMMITTED"),
  /** Each statement sees what was committed before it began. */
  READ_COMMITTED("READ COMMITTED"),
  /** All statements see what was committed before the first of them; may fail with 40001. */
  REPEATABLE_READ("REPEATABLE READ"),
  /** As if transactions ran one after the other; may fail with 40001. */
  SERIALIZABLE("SERIALIZABLE");

  private final String sql;

  IsolationLevel(String sql) {
    this.sql = sql;
  }

  /**
   * The level as SQL says it.
   *
   * @return for instance {@code REPEATABLE READ}
   */
  public String sql() {
    return sql;
  }
}
