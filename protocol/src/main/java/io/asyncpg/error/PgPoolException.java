package io.asyncpg.error;

import org.jspecify.annotations.Nullable;

/**
 * The pool could not lend a connection: none became free in time, too many are waiting already, or
 * none can be made.
 */
public final class PgPoolException extends PgException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one without SQL.
   *
   * @param message what was wanted, what was there, and what to do
   * @param retrySafety what became of the request
   * @param cause what led to it, or null
   */
  public PgPoolException(String message, RetrySafety retrySafety, @Nullable Throwable cause) {
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
  public PgPoolException(
      String message, @Nullable String sql, RetrySafety retrySafety, @Nullable Throwable cause) {
    super(message, sql, retrySafety, cause);
  }
}
