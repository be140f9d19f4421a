package io.asyncpg.error;

import org.jspecify.annotations.Nullable;

/**
 * A value cannot become what is asked of it: a Java value does not fit the PostgreSQL type of its
 * parameter, or a column's bytes do not fit the Java type wanted. Only that request, or that access
 * to a row, fails.
 */
public final class PgCodecException extends PgException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one for a value that stands alone; whoever knows where it stood adds that.
   *
   * @param message both sides of the conversion and the remedy, without the value itself
   */
  public PgCodecException(String message) {
    this(message, null, null);
  }

  /**
   * Creates one for a value that stands alone; whoever knows where it stood adds that.
   *
   * @param message both sides of the conversion and the remedy, without the value itself
   * @param cause what led to it, or null
   */
  public PgCodecException(String message, @Nullable Throwable cause) {
    this(message, null, cause);
  }

  /**
   * Creates one for a value whose place is known.
   *
   * @param message where the value stood, both sides of the conversion and the remedy
   * @param sql the SQL of the request, or null where there is none
   * @param cause what led to it, or null
   */
  public PgCodecException(String message, @Nullable String sql, @Nullable Throwable cause) {
    super(message, sql, RetrySafety.NOT_SENT, cause);
  }
}
