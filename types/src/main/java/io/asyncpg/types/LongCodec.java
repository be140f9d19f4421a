package io.asyncpg.types;

/**
 * A codec for whole numbers that can be read without a box.
 *
 * @param <T> the Java side
 */
public interface LongCodec<T> extends Codec<T> {
  /**
   * Reads one value as {@link Codec#decode} does, unboxed.
   *
   * @param type the type the server sent
   * @param in where from
   * @return the value
   * @throws io.asyncpg.error.PgCodecException if the bytes are no value of the type, or one that a
   *     long cannot hold
   */
  long decodeLong(PgType type, ValueReader in);
}
