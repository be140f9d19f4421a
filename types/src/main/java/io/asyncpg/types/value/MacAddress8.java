package io.asyncpg.types.value;

import java.util.HexFormat;
import java.util.Locale;

/**
 * A hardware address of 8 bytes, macaddr8.
 *
 * @param value its 64 bits in the low bits of a long
 */
public record MacAddress8(long value) {
  private static final HexFormat HEX = HexFormat.ofDelimiter(":");

  /**
   * The address of some bytes.
   *
   * @param bytes 8 bytes
   * @return the address
   * @throws IllegalArgumentException if there are more or fewer
   */
  public static MacAddress8 of(byte[] bytes) {
    if (bytes.length != 8) {
      throw new IllegalArgumentException("macaddr8 has 8 bytes, not " + bytes.length);
    }
    long value = 0;
    for (byte each : bytes) {
      value = value << 8 | (each & 0xFF);
    }
    return new MacAddress8(value);
  }

  /**
   * Reads an address as the server prints it.
   *
   * @param text as {@code 08:00:2b:ff:fe:01:02:03}; {@code -} and {@code .} are taken too, and no
   *     separator at all
   * @return the address
   * @throws IllegalArgumentException if it is none
   */
  public static MacAddress8 parse(String text) {
    String digits =
        text.replace(":", "").replace("-", "").replace(".", "").toLowerCase(Locale.ROOT);
    if (digits.length() != 2 * 8) {
      throw new IllegalArgumentException("macaddr8 has 8 bytes, in hexadecimal digits");
    }
    return of(HexFormat.of().parseHex(digits));
  }

  /**
   * The bytes.
   *
   * @return a new array of 8
   */
  public byte[] toBytes() {
    var bytes = new byte[8];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (value >>> (8 * (bytes.length - 1 - i)));
    }
    return bytes;
  }

  /** As the server prints it: {@code 08:00:2b:ff:fe:01:02:03}. */
  @Override
  public String toString() {
    return HEX.formatHex(toBytes());
  }
}
