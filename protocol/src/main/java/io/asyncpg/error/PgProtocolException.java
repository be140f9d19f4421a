package io.asyncpg.error;

import org.jspecify.annotations.Nullable;

/**
 * The peer does not speak the protocol as the manual's chapter "Frontend/Backend Protocol" has it.
 * The connection is closed, as nothing after such a message can be trusted.
 */
public final class PgProtocolException extends PgException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one without SQL.
   *
   * @param message what was wanted, what was there, and what to do
   * @param retrySafety what became of the request
   * @param cause what led to it, or null
   */
  public PgProtocolException(String message, RetrySafety retrySafety, @Nullable Throwable cause) {
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
  public PgProtocolException(
      String message, @Nullable String sql, RetrySafety retrySafety, @Nullable Throwable cause) {
    super(message, sql, retrySafety, cause);
  }
}
