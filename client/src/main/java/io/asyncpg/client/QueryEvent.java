package io.asyncpg.client;

import io.asyncpg.error.PgException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request that came to its end.
 *
 * @param sql the SQL
 * @param duration from the call to the end, the wait in the queue included
 * @param rows the rows returned or touched; 0 after an error
 * @param cached whether the statement was prepared already
 * @param error why it failed, or null
 * @param arguments what it was given, for listeners that asked for it: unmodifiable, with null for
 *     NULL; null for those that did not, and for what has no list of arguments, such as a batch
 */
public record QueryEvent(
    String sql,
    Duration duration,
    long rows,
    boolean cached,
    @Nullable Throwable error,
    @Nullable List<@Nullable Object> arguments) {

  /** All but what may be a secret: the arguments' values, and passwords in the SQL. */
  @Override
  public String toString() {
    return "QueryEvent[sql="
        + PgException.withoutPasswords(sql)
        + ", duration="
        + duration
        + ", rows="
        + rows
        + ", cached="
        + cached
        + ", error="
        + error
        + (arguments == null ? "" : ", arguments=" + arguments.size())
        + "]";
  }
}
