package io.asyncpg.error;

/** What became of a request that failed: whether sending it again can do harm. */
public enum RetrySafety {
  /** No byte of the request left this machine. Sending it again is safe. */
  NOT_SENT,
  /** The server refused the request before running it. Sending it again is safe. */
  NOT_EXECUTED,
  /**
   * The server ran some of it and undid it. Sending it again is safe; inside a transaction block
   * the whole transaction has to be run again.
   */
  ROLLED_BACK,
  /** Nobody can tell. Sending it again may do the work twice. */
  UNKNOWN
}
