package io.asyncpg.types.value;

import java.util.HexFormat;
import java.util.Locale;

/**
 * A hardware address of 6 bytes, macaddr.
 *
 * @param value its 48 bits in the low bits of a long
 */
public record MacAddress(long value) {
  private static final HexFormat HEX = HexFormat.ofDelimiter(":");

  /**
   * Checks the range.
   *
   * @param value its 48 bits in the low bits of a long
   * @throws IllegalArgumentException if a higher bit is set
   */
  public MacAddress {
    if (value >>> 48 != 0) {
      throw new IllegalArgumentException("macaddr has 48 bits, and a higher one is set");
    }
  }

  /**
   * The address of some bytes.
   *
   * @param bytes 6 bytes
   * @return the address
   * @throws IllegalArgumentException if there are more or fewer
   */
  public static MacAddress of(byte[] bytes) {
    if (bytes.length != 6) {
      throw new IllegalArgumentException("macaddr has 6 bytes, not " + bytes.length);
    }
    long value = 0;
    for (byte each : bytes) {
      value = value << 8 | (each & 0xFF);
    }
    return new MacAddress(value);
  }

  /**
   * Reads an address as the server prints it.
   *
   * @param text as {@code 08:00:2b:01:02:03}; {@code -} and {@code .} are taken too, and no
   *     separator at all
   * @return the address
   * @throws IllegalArgumentException if it is none
   */
  public static MacAddress parse(String text) {
    String digits =
        text.replace(":", "").replace("-", "").replace(".", "").toLowerCase(Locale.ROOT);
    if (digits.length() != 2 * 6) {
      throw new IllegalArgumentException("macaddr has 6 bytes, in hexadecimal digits");
    }
    return of(HexFormat.of().parseHex(digits));
  }

  /**
   * The bytes.
   *
   * @return a new array of 6
   */
  public byte[] toBytes() {
    var bytes = new byte[6];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (value >>> (8 * (bytes.length - 1 - i)));
    }
    return bytes;
  }

  /** As the server prints it: {@code 08:00:2b:01:02:03}. */
  @Override
  public String toString() {
    return HEX.formatHex(toBytes());
  }
}
