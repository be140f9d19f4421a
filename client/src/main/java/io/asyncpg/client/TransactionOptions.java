package io.asyncpg.client;

import org.jspecify.annotations.Nullable;

/**
 * How a transaction runs. What is not said is the session's default ({@code
 * default_transaction_isolation} and its siblings).
 *
 * @param isolation what it sees of others, or null for the session's default
 * @param accessMode whether it may write, or null for the session's default
 * @param isDeferrable whether a serializable read-only transaction waits at its beginning for a
 *     snapshot with which it cannot fail
 * @param retries how often {@link PgClient#transaction} repeats work that failed with 40001
 *     (serialization failure) or 40P01 (deadlock); 0 for never
 */
public record TransactionOptions(
    @Nullable IsolationLevel isolation,
    @Nullable AccessMode accessMode,
    boolean isDeferrable,
    int retries) {
  private static final TransactionOptions DEFAULTS = new TransactionOptions(null, null, false, 0);

  /**
   * Checks what was asked for.
   *
   * @param isolation the isolation level, or null for the session's default
   * @param accessMode whether it may write, or null for the session's default
   * @param isDeferrable whether to wait for a safe snapshot
   * @param retries 0 or more
   * @throws IllegalArgumentException when {@code retries} is negative
   */
  public TransactionOptions {
    if (retries < 0) {
      throw new IllegalArgumentException(
          "retries is " + retries + ": 0 for none, or how many at most");
    }
  }

  /**
   * All as the session has it, and no retries.
   *
   * @return the defaults
   */
  public static TransactionOptions defaults() {
    return DEFAULTS;
  }

  /**
   * With this isolation level.
   *
   * @param level what the transaction sees of others
   * @return new options
   */
  public TransactionOptions isolation(IsolationLevel level) {
    return new TransactionOptions(level, accessMode, isDeferrable, retries);
  }

  /**
   * Without leave to change anything.
   *
   * @return new options
   */
  public TransactionOptions readOnly() {
    return new TransactionOptions(isolation, AccessMode.READ_ONLY, isDeferrable, retries);
  }

  /**
   * With leave to write, even where the session's default is read-only.
   *
   * @return new options
   */
  public TransactionOptions readWrite() {
    return new TransactionOptions(isolation, AccessMode.READ_WRITE, isDeferrable, retries);
  }

  /**
   * Waiting at the beginning for a snapshot with which nothing can fail. Of effect only where the
   * transaction is serializable and read-only.
   *
   * @return new options
   */
  public TransactionOptions deferrable() {
    return new TransactionOptions(isolation, accessMode, true, retries);
  }

  /**
   * With the whole work repeated when it fails with 40001 or 40P01.
   *
   * @param most how often at most, after the first time
   * @return new options
   * @throws IllegalArgumentException when it is negative
   */
  public TransactionOptions retries(int most) {
    return new TransactionOptions(isolation, accessMode, isDeferrable, most);
  }
}
