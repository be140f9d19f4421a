package io.asyncpg.error;

import org.jspecify.annotations.Nullable;

/**
 * There is no connection: it could not be made, or it was lost. What was under way when it was lost
 * has {@link RetrySafety#UNKNOWN} fate unless nothing of it had been sent.
 */
public final class PgConnectionException extends PgException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one without SQL.
   *
   * @param message what was wanted, what was there, and what to do
   * @param retrySafety what became of the request
   * @param cause what led to it, or null
   */
  public PgConnectionException(String message, RetrySafety retrySafety, @Nullable Throwable cause) {
    this(message, null, retrySafety, cause);
  }

  /**
   * Creates one.
   *
   * @param message what was wanted, what was there, and what to do
   * @param sql the SQL of the request, or null where there is none
   * @param retrySafety what became of the request
   * @param cause what led to it, or null
   */
  public PgConnectionException(
      String message, @Nullable String sql, RetrySafety retrySafety, @Nullable Throwable cause) {
    super(message, sql, retrySafety, cause);
  }
}
