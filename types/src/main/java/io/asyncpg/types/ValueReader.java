package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A cursor over the bytes of one value, big endian. Every read is checked against what is left, and
 * a count against what its elements would need at the least, so that a codec can trust what it
 * gets. Not for two threads at once; made to be {@link #reset} and used again.
 */
public final class ValueReader {
  private static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final int DEEPEST = 256;
  private static final byte[] NOTHING = {};

  private byte[] bytes;
  private int position;
  private int end;
  private int depth;

  /** Creates one with nothing to read. */
  public ValueReader() {
    bytes = NOTHING;
  }

  /**
   * Creates one over part of an array, which is not copied.
   *
   * @param bytes where the value lies
   * @param from its first byte
   * @param to the byte after its last
   */
  public ValueReader(byte[] bytes, int from, int to) {
    this.bytes = NOTHING;
    reset(bytes, from, to);
  }

  /**
   * Turns to another value.
   *
   * @param bytes where the value lies; not copied
   * @param from its first byte
   * @param to the byte after its last
   * @return this
   */
  public ValueReader reset(byte[] bytes, int from, int to) {
    if (from < 0 || to < from || to > bytes.length) {
      throw new IndexOutOfBoundsException(
          "value at " + from + " to " + to + " of " + bytes.length + " bytes");
    }
    this.bytes = bytes;
    position = from;
    end = to;
    depth = 0;
    return this;
  }

  /**
   * How much of the value is left.
   *
   * @return bytes
   */
  public int remaining() {
    return end - position;
  }

  /**
   * Whether anything of the value is left.
   *
   * @return false at the end
   */
  public boolean hasRemaining() {
    return position < end;
  }

  /**
   * Where the next byte is read.
   *
   * @return an index into the array underneath
   */
  public int position() {
    return position;
  }

  /**
   * The bytes underneath, for a parser that takes an array, an offset and a length. Other values
   * lie in them too: only those from {@link #position} on, {@link #remaining} of them, are this
   * one's, and none may be changed.
   *
   * @return the array, not a copy
   */
  public byte[] array() {
    return bytes;
  }

  /**
   * Reads an int8 in C's sense.
   *
   * @return one byte, signed
   * @throws PgCodecException if nothing is left
   */
  public byte readByte() {
    return bytes[advance(1)];
  }

  /**
   * Reads one byte.
   *
   * @return 0 to 255
   * @throws PgCodecException if nothing is left
   */
  public int readUnsignedByte() {
    return bytes[advance(1)] & 0xFF;
  }

  /**
   * Reads two bytes.
   *
   * @return a signed number
   * @throws PgCodecException if fewer are left
   */
  public short readShort() {
    return (short) SHORTS.get(bytes, advance(2));
  }

  /**
   * Reads two bytes.
   *
   * @return 0 to 65,535
   * @throws PgCodecException if fewer are left
   */
  public int readUnsignedShort() {
    return (short) SHORTS.get(bytes, advance(2)) & 0xFFFF;
  }

  /**
   * Reads four bytes.
   *
   * @return a signed number
   * @throws PgCodecException if fewer are left
   */
  public int readInt() {
    return (int) INTS.get(bytes, advance(4));
  }

  /**
   * Reads four bytes.
   *
   * @return 0 to 4,294,967,295
   * @throws PgCodecException if fewer are left
   */
  public long readUnsignedInt() {
    return (int) INTS.get(bytes, advance(4)) & 0xFFFF_FFFFL;
  }

  /**
   * Reads eight bytes.
   *
   * @return a signed number
   * @throws PgCodecException if fewer are left
   */
  public long readLong() {
    return (long) LONGS.get(bytes, advance(8));
  }

  /**
   * Reads an IEEE 754 single.
   *
   * @return the number, its NaN bits as they are
   * @throws PgCodecException if fewer than four bytes are left
   */
  public float readFloat() {
    return Float.intBitsToFloat(readInt());
  }

  /**
   * Reads an IEEE 754 double.
   *
   * @return the number, its NaN bits as they are
   * @throws PgCodecException if fewer than eight bytes are left
   */
  public double readDouble() {
    return Double.longBitsToDouble(readLong());
  }

  /**
   * Reads IEEE 754 doubles that follow one another, in one go.
   *
   * @param to where they are put, their NaN bits as they are
   * @param from the first index to fill
   * @param count how many
   * @param order theirs, as a format may say; PostgreSQL's own is big endian
   * @throws PgCodecException if fewer are left
   */
  public void readDoubles(double[] to, int from, int count, ByteOrder order) {
    Objects.checkFromIndexSize(from, count, to.length);
    if (count > remaining() / 8) {
      throw new PgCodecException(
          "a value ends too early: " + count + " doubles wanted, " + remaining() + " bytes left");
    }
    int at = advance(count * 8);
    ByteBuffer.wrap(bytes, at, count * 8).order(order).asDoubleBuffer().get(to, from, count);
  }

  /**
   * Reads some bytes.
   *
   * @param length how many
   * @return a copy
   * @throws PgCodecException if fewer are left, or the length is negative
   */
  public byte[] readBytes(int length) {
    int from = advance(length);
    return Arrays.copyOfRange(bytes, from, from + length);
  }

  /**
   * Reads all that is left.
   *
   * @return a copy
   */
  public byte[] readRemainingBytes() {
    return readBytes(remaining());
  }

  /**
   * Reads all that is left as text.
   *
   * @return the characters
   * @throws PgCodecException if it is no UTF-8
   */
  public String readUtf8() {
    return readUtf8(remaining());
  }

  /**
   * Reads text.
   *
   * @param length how many bytes
   * @return the characters
   * @throws PgCodecException if fewer are left, the length is negative, or it is no UTF-8
   */
  public String readUtf8(int length) {
    int from = advance(length);
    String text = new String(bytes, from, length, StandardCharsets.UTF_8);
    // The constructor puts U+FFFD where it finds no UTF-8; a server may also have sent that one.
    // In ASCII, as in all of Latin 1, the search for it ends before it begins.
    if (text.indexOf('\uFFFD') >= 0) {
      try {
        StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, from, length));
      } catch (CharacterCodingException e) {
        throw new PgCodecException(
            "text is not UTF-8: set client_encoding to UTF8, or read the value as bytea", e);
      }
    }
    return text;
  }

  /**
   * Reads text up to a NUL, and the NUL.
   *
   * @return the characters before it
   * @throws PgCodecException if there is no NUL, or it is no UTF-8
   */
  public String readCString() {
    int nul = position;
    while (nul < end && bytes[nul] != 0) {
      nul++;
    }
    if (nul == end) {
      throw new PgCodecException("a string ends without its NUL");
    }
    String text = readUtf8(nul - position);
    position++;
    return text;
  }

  /**
   * Steps over some bytes.
   *
   * @param length how many
   * @return this
   * @throws PgCodecException if fewer are left, or the length is negative
   */
  public ValueReader skip(int length) {
    advance(length);
    return this;
  }

  /**
   * Reads an int32 that says how many elements follow, and checks that they can.
   *
   * @param minBytesEach what an element takes at the least, 1 or more
   * @return the count, not negative and no more than can follow
   * @throws PgCodecException if it is negative or too large for what is left
   */
  public int readCount(int minBytesEach) {
    int count = readInt();
    if (count < 0 || count > remaining() / minBytesEach) {
      throw new PgCodecException(
          "a count of " + count + " does not fit the " + remaining() + " bytes after it");
    }
    return count;
  }

  /**
   * Reads a nested value: an int32 length, -1 for NULL, and the value.
   *
   * @param <T> the Java side
   * @param codec reads the value; it sees the value alone and must read all of it
   * @param type the value's type
   * @return the value, or null for NULL
   * @throws PgCodecException if the length does not fit, the codec refuses, leaves bytes unread, or
   *     the nesting is deeper than 256
   */
  public <T> @Nullable T readValue(Codec<T> codec, PgType type) {
    int length = readInt();
    if (length == -1) {
      return null;
    }
    if (length < 0 || length > remaining()) {
      throw new PgCodecException(
          "a length of " + length + " does not fit the " + remaining() + " bytes after it");
    }
    if (++depth > DEEPEST) {
      throw new PgCodecException("values are nested deeper than " + DEEPEST);
    }
    int outerEnd = end;
    end = position + length;
    T value = readAll(codec, type);
    end = outerEnd;
    depth--;
    return value;
  }

  /**
   * Reads all that is left as one value.
   *
   * @param <T> the Java side
   * @param codec reads the value and must read all of it
   * @param type the value's type
   * @return the value
   * @throws PgCodecException if the codec refuses, fails or leaves bytes unread
   */
  public <T> T readAll(Codec<T> codec, PgType type) {
    T value;
    try {
      value = codec.decode(type, this);
    } catch (PgException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new PgCodecException(
          "the codec "
              + codec.getClass().getName()
              + " fails to read this "
              + type.displayName()
              + " as "
              + codec.javaType().getName(),
          e);
    }
    if (position != end) {
      throw new PgCodecException(
          type.displayName()
              + " has "
              + remaining()
              + " bytes more than "
              + codec.javaType().getName()
              + " takes");
    }
    return value;
  }

  /** Elements of an int4[] without NULL, each after its length, read in one with it. */
  void readIntElements(int[] to) {
    int at = advance(to.length, 8);
    byte[] from = bytes;
    for (int i = 0; i < to.length; i++, at += 8) {
      long pair = (long) LONGS.get(from, at);
      checkLength((int) (pair >>> 32), 4);
      to[i] = (int) pair;
    }
  }

  /** As {@link #readIntElements}, of an int8[]. */
  void readLongElements(long[] to) {
    int at = advance(to.length, 12);
    byte[] from = bytes;
    for (int i = 0; i < to.length; i++, at += 12) {
      checkLength((int) INTS.get(from, at), 8);
      to[i] = (long) LONGS.get(from, at + 4);
    }
  }

  /** As {@link #readIntElements}, of an int2[]. */
  void readShortElements(short[] to) {
    int at = advance(to.length, 6);
    byte[] from = bytes;
    for (int i = 0; i < to.length; i++, at += 6) {
      checkLength((int) INTS.get(from, at), 2);
      to[i] = (short) SHORTS.get(from, at + 4);
    }
  }

  /** As {@link #readIntElements}, of a float4[]. */
  void readFloatElements(float[] to) {
    int at = advance(to.length, 8);
    byte[] from = bytes;
    for (int i = 0; i < to.length; i++, at += 8) {
      long pair = (long) LONGS.get(from, at);
      checkLength((int) (pair >>> 32), 4);
      to[i] = Float.intBitsToFloat((int) pair);
    }
  }

  /** As {@link #readIntElements}, of a float8[]. */
  void readDoubleElements(double[] to) {
    int at = advance(to.length, 12);
    byte[] from = bytes;
    for (int i = 0; i < to.length; i++, at += 12) {
      checkLength((int) INTS.get(from, at), 8);
      to[i] = Double.longBitsToDouble((long) LONGS.get(from, at + 4));
    }
  }

  /** As {@link #readIntElements}, of a bool[]. */
  void readBooleanElements(boolean[] to) {
    int at = advance(to.length, 5);
    byte[] from = bytes;
    for (int i = 0; i < to.length; i++, at += 5) {
      checkLength((int) INTS.get(from, at), 1);
      to[i] = from[at + 4] != 0;
    }
  }

  private static void checkLength(int length, int wanted) {
    if (length == wanted) {
      return;
    }
    throw new PgCodecException(
        length == -1
            ? "the array holds a NULL, which no primitive can: ask for a List or an array of the"
                + " boxed class"
            : "an element of " + length + " bytes where " + wanted + " were expected");
  }

  private int advance(int count, int size) {
    if ((long) count * size > remaining()) {
      // The likely reason: NULLs are shorter than values.
      throw new PgCodecException(
          "the array holds a NULL, which no primitive can, or is cut short: ask for a List or an"
              + " array of the boxed class");
    }
    return advance(count * size);
  }

  private int advance(int length) {
    int from = position;
    if (length < 0 || length > end - from) {
      throw new PgCodecException(
          "a value ends too early: " + length + " bytes wanted, " + (end - from) + " left");
    }
    position = from + length;
    return from;
  }
}
