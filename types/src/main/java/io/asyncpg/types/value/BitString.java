package io.asyncpg.types.value;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/** A string of bits of any length: bit and bit varying. Bit 0 is the leftmost. */
public final class BitString {
  private final byte[] bytes;
  private final int length;

  private BitString(byte[] bytes, int length) {
    this.bytes = bytes;
    this.length = length;
  }

  /**
   * The bits of some bytes.
   *
   * @param bytes the bits, the first in the highest bit of the first byte; unused ones are 0
   * @param length how many bits
   * @return the string of bits
   * @throws IllegalArgumentException if the length is negative, needs more or fewer bytes, or an
   *     unused bit is set
   */
  public static BitString of(byte[] bytes, int length) {
    if (length < 0 || (length + 7L) / 8 != bytes.length) {
      throw new IllegalArgumentException(
          length + " bits are not held in " + bytes.length + " bytes");
    }
    if (length % 8 != 0 && (bytes[bytes.length - 1] & (0xFF >> (length % 8))) != 0) {
      throw new IllegalArgumentException("a bit beyond the length of " + length + " is set");
    }
    return new BitString(bytes.clone(), length);
  }

  /**
   * All the bits of some bytes.
   *
   * @param bytes the bits, the first in the highest bit of the first byte
   * @return the string of bits, eight for a byte
   */
  public static BitString of(byte[] bytes) {
    return of(bytes, Math.multiplyExact(bytes.length, 8));
  }

  /**
   * Bits as booleans.
   *
   * @param bits true for 1, the leftmost first
   * @return the string of bits
   */
  public static BitString of(boolean[] bits) {
    var bytes = new byte[(int) ((bits.length + 7L) / 8)];
    for (int i = 0; i < bits.length; i++) {
      if (bits[i]) {
        bytes[i / 8] |= (byte) (0x80 >> (i % 8));
      }
    }
    return new BitString(bytes, bits.length);
  }

  /**
   * Bits as the server prints them.
   *
   * @param text the characters 0 and 1
   * @return the string of bits
   * @throws IllegalArgumentException if there is any other character
   */
  public static BitString parse(String text) {
    var bits = new boolean[text.length()];
    for (int i = 0; i < bits.length; i++) {
      char c = text.charAt(i);
      if (c != '0' && c != '1') {
        throw new IllegalArgumentException("a bit is 0 or 1; see index " + i);
      }
      bits[i] = c == '1';
    }
    return of(bits);
  }

  /**
   * The number of bits.
   *
   * @return how many
   */
  public int length() {
    return length;
  }

  /**
   * One bit.
   *
   * @param index counted from 0, the leftmost
   * @return true for 1
   * @throws IndexOutOfBoundsException if there is no such bit
   */
  public boolean get(int index) {
    if (index < 0 || index >= length) {
      throw new IndexOutOfBoundsException("bit " + index + " of " + length);
    }
    return (bytes[index / 8] & (0x80 >> (index % 8))) != 0;
  }

  /**
   * The bits in bytes.
   *
   * @return a copy, the first bit in the highest bit of the first byte, unused ones 0
   */
  public byte[] toBytes() {
    return bytes.clone();
  }

  /**
   * The bits as booleans.
   *
   * @return a new array, the leftmost first
   */
  public boolean[] toBooleans() {
    var bits = new boolean[length];
    for (int i = 0; i < length; i++) {
      bits[i] = get(i);
    }
    return bits;
  }

  /**
   * The bits as a set of the indexes of those that are 1. A BitSet does not know the length.
   *
   * @return a new set
   */
  public BitSet toBitSet() {
    var set = new BitSet(length);
    for (int i = 0; i < length; i++) {
      set.set(i, get(i));
    }
    return set;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof BitString that
        && length == that.length
        && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return 31 * length + Arrays.hashCode(bytes);
  }

  /** As the server prints it: {@code 101}. */
  @Override
  public String toString() {
    var text = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      text.append(get(i) ? '1' : '0');
    }
    return text.toString();
  }
}
