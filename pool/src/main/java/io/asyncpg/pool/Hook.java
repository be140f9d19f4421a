package io.asyncpg.pool;

import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One call of what the application has its pool do with a connection. It ends with the stage that
 * came of the call; sooner when its time is up, when the connection has ended, or when nobody wants
 * it any more. Any thread.
 */
final class Hook extends CompletableFuture<@Nullable Void> {
  private final String limit;
  private volatile @Nullable Throwable tooLate;

  /**
   * Creates one.
   *
   * @param limit the name of what bounds it
   */
  Hook(String limit) {
    this.limit = limit;
  }

  /** Ends it as the stage has ended. */
  void end(@Nullable Throwable failure) {
    if (failure == null) {
      complete(null);
    } else {
      completeExceptionally(Pool.unwrapped(failure));
    }
  }

  /** Ends it as it has had its time. */
  void timeUp() {
    Throwable late =
        new PgTimeoutException(
            "it has not ended in time (" + limit + ")", RetrySafety.UNKNOWN, null);
    tooLate = late;
    completeExceptionally(late);
  }

  /** Whether this is the failure of a hook that has had its time. */
  boolean isTooLate(Throwable failure) {
    return failure == tooLate;
  }
}
