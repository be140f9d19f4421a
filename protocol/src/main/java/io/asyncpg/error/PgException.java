package io.asyncpg.error;

import org.jspecify.annotations.Nullable;

/**
 * Everything that fails for a reason outside the calling code. Misuse of the API is an {@link
 * IllegalArgumentException} or an {@link IllegalStateException} instead.
 */
public abstract sealed class PgException extends RuntimeException
    permits PgServerException,
        PgConnectionException,
        PgTimeoutException,
        PgProtocolException,
        PgCodecException,
        PgPoolException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN_SQL = 2_000;

  /** The SQL as it was given. */
  private final @Nullable String sql;

  /** What is known of the request's fate. */
  private final RetrySafety retrySafety;

  PgException(
      String message, @Nullable String sql, RetrySafety retrySafety, @Nullable Throwable cause) {
    super(message);
    if (cause != null) {
      initCause(cause); // without one it may still get one: what made the server say this
    }
    this.sql = sql;
    this.retrySafety = retrySafety;
  }

  /**
   * The SQL of the request that failed, as it was given.
   *
   * @return the SQL, or null where no statement was involved
   */
  public final @Nullable String sql() {
    return sql;
  }

  /**
   * Whether the request can be sent again without doing its work twice.
   *
   * @return what is known of the request's fate
   */
  public final RetrySafety retrySafety() {
    return retrySafety;
  }

  /**
   * SQL as an error message shows it: in quotes, without passwords, cut at a length that a log can
   * bear.
   *
   * @param sql the SQL as given
   * @return the SQL between double quotes, its tail replaced by its length when it is long
   */
  public static String quoted(String sql) {
    return sql.length() <= SHOWN_SQL
        ? '"' + withoutPasswords(sql) + '"'
        : '"'
            + withoutPasswords(sql.substring(0, SHOWN_SQL))
            + "…\" ("
            + sql.length()
            + " characters)";
  }

  /**
   * SQL with the values that follow the word PASSWORD, and the passwords of URIs, covered by
   * asterisks, each code point by one. Secrets that are put into SQL in any other way are not seen:
   * use parameters.
   *
   * @param sql the SQL as given
   * @return as many code points as in {@code sql}
   */
  public static String withoutPasswords(String sql) {
    return SqlPasswords.cover(sql);
  }
}
