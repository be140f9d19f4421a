package io.asyncpg.protocol;

/** What ReadyForQuery says of the session (manual, "Message Formats"). */
public enum TransactionStatus {
  /** Not in a transaction block. */
  IDLE,
  /** In a transaction block. */
  IN_TRANSACTION,
  /** In a failed transaction block: everything is refused until it ends. */
  FAILED
}
