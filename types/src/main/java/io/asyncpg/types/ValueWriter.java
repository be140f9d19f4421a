package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A growing run of bytes that values are written to, big endian. It owns bounds and nested lengths,
 * so that a codec contains its format and nothing else. Not for two threads at once; made to be
 * {@link #clear}ed and used again.
 */
public final class ValueWriter {
  private static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final int FIRST = 256;
  private static final int KEPT = 1 << 16;
  private static final int LARGEST = Integer.MAX_VALUE - 8;

  private byte[] bytes = new byte[FIRST];
  private int size;

  /** Creates an empty one. */
  public ValueWriter() {}

  /**
   * Makes room, so that what is written next is not moved while it grows. Nothing is written.
   *
   * @param length how many bytes will be written, as far as it is known
   * @return this
   * @throws IllegalArgumentException if it is negative
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter reserve(int length) {
    if (length < 0) {
      throw new IllegalArgumentException("length is " + length + ": pass a number of bytes");
    }
    size = grow(length); // where it was
    return this;
  }

  /**
   * Writes one byte.
   *
   * @param value its low eight bits
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeByte(int value) {
    int at = grow(1);
    bytes[at] = (byte) value;
    return this;
  }

  /**
   * Writes two bytes.
   *
   * @param value its low sixteen bits
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeShort(int value) {
    int at = grow(2);
    SHORTS.set(bytes, at, (short) value);
    return this;
  }

  /**
   * Writes four bytes.
   *
   * @param value the number
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeInt(int value) {
    int at = grow(4);
    INTS.set(bytes, at, value);
    return this;
  }

  /**
   * Writes eight bytes.
   *
   * @param value the number
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeLong(long value) {
    int at = grow(8);
    LONGS.set(bytes, at, value);
    return this;
  }

  /**
   * Writes an IEEE 754 single.
   *
   * @param value the number, its NaN bits as they are
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeFloat(float value) {
    return writeInt(Float.floatToRawIntBits(value));
  }

  /**
   * Writes an IEEE 754 double.
   *
   * @param value the number, its NaN bits as they are
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeDouble(double value) {
    return writeLong(Double.doubleToRawLongBits(value));
  }

  /**
   * Writes IEEE 754 doubles after one another, in one go.
   *
   * @param values where they lie, their NaN bits as they are
   * @param from the first
   * @param count how many
   * @param order theirs, as a format may say; PostgreSQL's own is big endian
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeDoubles(double[] values, int from, int count, ByteOrder order) {
    Objects.checkFromIndexSize(from, count, values.length);
    int at = grow(count, 8);
    ByteBuffer.wrap(bytes, at, count * 8).order(order).asDoubleBuffer().put(values, from, count);
    return this;
  }

  /**
   * Writes bytes as they are.
   *
   * @param value the bytes
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeBytes(byte[] value) {
    return writeBytes(value, 0, value.length);
  }

  /**
   * Writes bytes as they are.
   *
   * @param value where they lie
   * @param from the first
   * @param length how many
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeBytes(byte[] value, int from, int length) {
    int at = grow(length);
    System.arraycopy(value, from, bytes, at, length);
    return this;
  }

  /**
   * Writes what remains in a buffer, whose position does not move.
   *
   * @param value the buffer
   * @return this
   * @throws PgCodecException if all would exceed 2 GB
   */
  public ValueWriter writeBytes(ByteBuffer value) {
    int length = value.remaining();
    int at = grow(length);
    value.duplicate().get(bytes, at, length);
    return this;
  }

  /**
   * Writes text as UTF-8, without a length or an end.
   *
   * @param text the characters
   * @return this
   * @throws PgCodecException if there is a NUL, which PostgreSQL's text cannot hold, or a surrogate
   *     without its other half; or if all would exceed 2 GB
   */
  public ValueWriter writeUtf8(CharSequence text) {
    int length = text.length();
    int at = grow(length);
    int ascii = text instanceof String string ? copyAscii(string, at) : copyAscii(text, at);
    if (ascii < length) {
      size = at + ascii;
      writeUtf8(text, ascii);
    }
    return this;
  }

  /** Copies up to the first character that is not ASCII, or is NUL; room is there. */
  private int copyAscii(String text, int at) {
    byte[] to = bytes;
    int length = text.length();
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c - 1 >= 0x7F || c == 0) {
        return i;
      }
      to[at + i] = (byte) c;
    }
    return length;
  }

  /** The same, for what is no String and so not known to the compiler. */
  private int copyAscii(CharSequence text, int at) {
    byte[] to = bytes;
    int length = text.length();
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c - 1 >= 0x7F || c == 0) {
        return i;
      }
      to[at + i] = (byte) c;
    }
    return length;
  }

  /** Takes over at the first character that is not ASCII. */
  private ValueWriter writeUtf8(CharSequence text, int from) {
    int length = text.length();
    for (int i = from; i < length; i++) {
      char c = text.charAt(i);
      if (c == 0) {
        throw nul(i);
      } else if (c < 0x80) {
        writeByte(c);
      } else if (c < 0x800) {
        writeShort(((0xC0 | (c >> 6)) << 8) | tail(c));
      } else if (!Character.isSurrogate(c)) {
        int at = grow(3);
        bytes[at] = (byte) (0xE0 | (c >> 12));
        bytes[at + 1] = (byte) tail(c >> 6);
        bytes[at + 2] = (byte) tail(c);
      } else if (Character.isHighSurrogate(c)
          && i + 1 < length
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        int point = Character.toCodePoint(c, text.charAt(++i));
        writeInt(
            ((0xF0 | (point >> 18)) << 24)
                | (tail(point >> 12) << 16)
                | (tail(point >> 6) << 8)
                | tail(point));
      } else {
        throw new PgCodecException(
            "the text has half of a surrogate pair at index "
                + i
                + ", which UTF-8 has no bytes for: repair the text, or send bytes as bytea");
      }
    }
    return this;
  }

  /** A byte that continues a character: 10 and six bits. */
  private static int tail(int bits) {
    return 0x80 | (bits & 0x3F);
  }

  private static PgCodecException nul(int index) {
    return new PgCodecException(
        "the text has a NUL (\\u0000) at index "
            + index
            + ", which PostgreSQL's text cannot hold: remove it, or send bytes as bytea");
  }

  /**
   * Leaves room for the int32 length of what is written next.
   *
   * @return a mark for {@link #endLength}
   * @throws PgCodecException if all would exceed 2 GB
   */
  public int beginLength() {
    return grow(4);
  }

  /**
   * Puts the length of what was written since into the room left for it.
   *
   * @param mark what {@link #beginLength} gave
   */
  public void endLength(int mark) {
    INTS.set(bytes, mark, size - mark - 4);
  }

  /**
   * Writes a nested value: its int32 length and itself, or -1 for NULL.
   *
   * @param <T> the Java side
   * @param codec writes the value
   * @param value the value, or null for NULL
   * @param type the value's type
   * @throws PgCodecException if the value does not fit the type, the codec fails, or all would
   *     exceed 2 GB
   */
  public <T> void writeValue(Codec<T> codec, @Nullable T value, PgType type) {
    if (value == null) {
      writeInt(-1);
      return;
    }
    int mark = beginLength();
    try {
      codec.encode(value, type, this);
    } catch (PgException e) {
      throw e;
    } catch (RuntimeException e) {
      // Its message may hold the value, so it is a cause and no more.
      throw new PgCodecException(
          "the codec "
              + codec.getClass().getName()
              + " fails to write a "
              + value.getClass().getName()
              + " as "
              + type.displayName(),
          e);
    }
    endLength(mark);
  }

  /**
   * The bytes underneath, which move when more is written.
   *
   * @return the array; only the first {@link #size} bytes count
   */
  public byte[] array() {
    return bytes;
  }

  /**
   * How much has been written.
   *
   * @return bytes
   */
  public int size() {
    return size;
  }

  /**
   * Takes back what was written last.
   *
   * @param size how much stays, no more than is there
   */
  public void truncate(int size) {
    if (size < 0 || size > this.size) {
      throw new IllegalArgumentException(
          "size is " + size + " but must lie between 0 and " + this.size);
    }
    this.size = size;
  }

  /** Takes back everything, and the memory too if a large value made it grow. */
  public void clear() {
    size = 0;
    if (bytes.length > KEPT) {
      bytes = new byte[FIRST];
    }
  }

  /** Elements of an int4[], each after its length, written in one with it. */
  void writeIntElements(int[] from) {
    int at = grow(from.length, 8);
    byte[] to = bytes;
    for (int i = 0; i < from.length; i++, at += 8) {
      LONGS.set(to, at, (4L << 32) | (from[i] & 0xFFFF_FFFFL));
    }
  }

  /** As {@link #writeIntElements}, of an int8[]. */
  void writeLongElements(long[] from) {
    int at = grow(from.length, 12);
    for (int i = 0; i < from.length; i++, at += 12) {
      INTS.set(bytes, at, 8);
      LONGS.set(bytes, at + 4, from[i]);
    }
  }

  /** As {@link #writeIntElements}, of an int2[]. */
  void writeShortElements(short[] from) {
    int at = grow(from.length, 6);
    for (int i = 0; i < from.length; i++, at += 6) {
      INTS.set(bytes, at, 2);
      SHORTS.set(bytes, at + 4, from[i]);
    }
  }

  /** As {@link #writeIntElements}, of a float4[]. */
  void writeFloatElements(float[] from) {
    int at = grow(from.length, 8);
    for (int i = 0; i < from.length; i++, at += 8) {
      INTS.set(bytes, at, 4);
      INTS.set(bytes, at + 4, Float.floatToRawIntBits(from[i]));
    }
  }

  /** As {@link #writeIntElements}, of a float8[]. */
  void writeDoubleElements(double[] from) {
    int at = grow(from.length, 12);
    for (int i = 0; i < from.length; i++, at += 12) {
      INTS.set(bytes, at, 8);
      LONGS.set(bytes, at + 4, Double.doubleToRawLongBits(from[i]));
    }
  }

  /** As {@link #writeIntElements}, of a bool[]. */
  void writeBooleanElements(boolean[] from) {
    int at = grow(from.length, 5);
    for (int i = 0; i < from.length; i++, at += 5) {
      INTS.set(bytes, at, 1);
      bytes[at + 4] = (byte) (from[i] ? 1 : 0);
    }
  }

  private int grow(int count, int each) {
    long length = (long) count * each;
    if (length > LARGEST - size) {
      throw tooLarge();
    }
    return grow((int) length);
  }

  private int grow(int length) {
    int at = size;
    if (length > bytes.length - at) {
      if (length > LARGEST - at) {
        throw tooLarge();
      }
      long doubled = Math.max(2L * bytes.length, (long) at + length);
      bytes = Arrays.copyOf(bytes, (int) Math.min(doubled, LARGEST));
    }
    size = at + length;
    return at;
  }

  private static PgCodecException tooLarge() {
    return new PgCodecException(
        "the arguments take more than "
            + LARGEST
            + " bytes, which no message can hold: send them in parts, or use COPY");
  }
}
