package io.asyncpg.client;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A request that came to its end.
 *
 * @param sql the SQL
 * @param duration from the call to the end, the wait in the queue included
 * @param rows the rows returned or touched; 0 after an error
 * @param cached whether the statement was prepared already
 * @param error why it failed, or null
 */
public record QueryEvent(
    String sql, Duration duration, long rows, boolean cached, @Nullable Throwable error) {}
