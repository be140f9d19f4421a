package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;

/**
 * The cause of a codec failure: the server's idea of a type is not the one known here, as after
 * ALTER TYPE, or the application's is not. What is known of the type has to be read again: then
 * either the next call is right, or its error is true.
 */
public final class OutdatedTypeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient PgType type;

  OutdatedTypeException(PgType type, String message) {
    super(message);
    this.type = type;
  }

  /** A failure that another idea of the type would explain. */
  static PgCodecException explaining(PgType type, String message) {
    return new PgCodecException(message, new OutdatedTypeException(type, message));
  }

  /** Whether another idea of some type would explain a failure. */
  static boolean explains(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof OutdatedTypeException) {
        return true;
      }
    }
    return false;
  }

  /**
   * The type as it was known.
   *
   * @return the type that has changed since
   */
  public PgType type() {
    return type;
  }
}
