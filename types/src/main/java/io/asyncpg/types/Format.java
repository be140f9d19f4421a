package io.asyncpg.types;

/** The two shapes a value has on the wire. */
public enum Format {
  /** The characters that the type's output function prints, in UTF-8. */
  TEXT((short) 0),
  /** What the type's send function writes. */
  BINARY((short) 1);

  private final short code;

  Format(short code) {
    this.code = code;
  }

  /**
   * The format code of Bind, RowDescription and CopyInResponse.
   *
   * @return 0 for text, 1 for binary
   */
  public short code() {
    return code;
  }
}
