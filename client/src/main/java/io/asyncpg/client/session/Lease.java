package io.asyncpg.client.session;

import org.jspecify.annotations.Nullable;

/**
 * What all handles of one lease of a session share: the connection, what was made from it, and
 * their views with another timeout. Any thread.
 */
final class Lease {
  private volatile @Nullable String ended;

  /** Why the handles may not be used any more, and what to do; null while they may. */
  @Nullable String ended() {
    return ended;
  }

  /**
   * Ends the lease, once.
   *
   * @return false when it had ended before
   */
  synchronized boolean end(String why) {
    if (ended != null) {
      return false;
    }
    ended = why;
    return true;
  }
}
