package io.asyncpg.types;

/**
 * The cause of a codec failure: the server's idea of a type is not the one known here, as after
 * ALTER TYPE. What is known of the type has to be read again.
 */
public final class OutdatedTypeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient PgType type;

  OutdatedTypeException(PgType type, String message) {
    super(message);
    this.type = type;
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
