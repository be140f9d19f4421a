package io.asyncpg.error;

import org.jspecify.annotations.Nullable;

/**
 * A prepared statement's rows have another shape than when it was prepared, because a table of it
 * was altered since. Prepared anew, it runs.
 *
 * <p>PostgreSQL has no code for this: it is 0A000 out of the routine that revalidates plans. The
 * message would tell too, but it is translated, the routine's name is not.
 */
public final class InvalidCachedStatementException extends FeatureNotSupportedException {
  private static final long serialVersionUID = 1L;
  private static final String REVALIDATING = "RevalidateCachedQuery";

  InvalidCachedStatementException(
      Diagnostic diagnostic, @Nullable String sql, RetrySafety retrySafety) {
    super(diagnostic, sql, retrySafety);
  }

  /** Whether this is what the server means. */
  static boolean is(Diagnostic diagnostic) {
    return diagnostic.sqlState().equals(SqlState.FEATURE_NOT_SUPPORTED)
        && REVALIDATING.equals(diagnostic.routine());
  }
}
