package io.asyncpg.pool;

/** Why a pool has let go of a connection. */
public enum CloseReason {
  /** It was idle for {@code maxIdleTime}, and more than {@code minSize} were open. */
  IDLE,
  /** It was open for {@code maxLifetime}. */
  LIFETIME,
  /** {@code maxQueries} had been run on it. */
  QUERIES,
  /** {@link PgPool#expireConnections} or {@link PgPool#drain} was called. */
  EXPIRED,
  /** More than {@code maxSize} were open after {@link PgPool#resize}. */
  RESIZED,
  /** It did not answer when it was checked. */
  CHECK,
  /**
   * Its {@code setup} or {@code reset} failed, or did not end in time, or its borrower gave up
   * while it was set up.
   */
  HOOK,
  /** It came back in a state that cannot be mended, or its reset got no answer. */
  STATE,
  /**
   * Its host was marked by another connection, which was lost or did not answer, or met that the
   * host takes no writes any more, or is no standby any more.
   */
  HOST,
  /** It was lost: the server or the network ended it. */
  LOST,
  /** Its borrower terminated it. */
  TERMINATED,
  /** The pool was closed. */
  CLOSED
}
