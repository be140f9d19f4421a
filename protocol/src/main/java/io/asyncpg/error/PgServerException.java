package io.asyncpg.error;

import org.jspecify.annotations.Nullable;

/** The server's own error, with every field it sent. */
public non-sealed class PgServerException extends PgException {
  private static final long serialVersionUID = 1L;

  private final transient Diagnostic diagnostic;

  PgServerException(Diagnostic diagnostic, @Nullable String sql, RetrySafety retrySafety) {
    super(diagnostic.message(), sql, retrySafety, null);
    this.diagnostic = diagnostic;
  }

  /**
   * The exception for what the server said: the class made for its SQLSTATE, or for the first two
   * characters of it.
   *
   * @param diagnostic what the server said
   * @param sql the SQL of the request, or null where there is none
   * @param retrySafety what became of the request
   * @return the exception, not thrown
   */
  public static PgServerException of(
      Diagnostic diagnostic, @Nullable String sql, RetrySafety retrySafety) {
    return new PgServerException(diagnostic, sql, retrySafety);
  }

  /**
   * All that the server said.
   *
   * @return the fields of its message
   */
  public Diagnostic diagnostic() {
    return diagnostic;
  }
}
