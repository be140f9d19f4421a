package io.asyncpg.types;

/**
 * Turns one kind of Java value into one family of PostgreSQL values, and back. Stateless, and so
 * usable from any thread; NULL never reaches it.
 *
 * @param <T> the Java side
 */
public interface Codec<T> {
  /**
   * The class of the values this codec reads; it writes that class and those below it.
   *
   * @return the class, boxed
   */
  Class<T> javaType();

  /**
   * The shape this codec reads and writes.
   *
   * @return binary unless the codec says otherwise
   */
  default Format format() {
    return Format.BINARY;
  }

  /**
   * Writes one value, without its length.
   *
   * @param value what to write
   * @param type the type the server expects: the type this codec was asked for, or a domain over it
   * @param out where to
   * @throws io.asyncpg.error.PgCodecException if the value does not fit the type
   */
  void encode(T value, PgType type, ValueWriter out);

  /**
   * Reads one value. The reader holds that value and nothing else, and all of it must be read.
   *
   * @param type the type the server sent: the type this codec was asked for, or a domain over it
   * @param in where from
   * @return the value
   * @throws io.asyncpg.error.PgCodecException if the bytes are no value of the type, or one that
   *     the Java side cannot hold
   */
  T decode(PgType type, ValueReader in);
}
