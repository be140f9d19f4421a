package io.asyncpg.types.value;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * IP addresses as text, without the JDK's parser: that one asks the DNS for what it cannot read.
 */
final class Addresses {
  private Addresses() {}

  /** An address of exactly these bytes: the JDK would turn a mapped one into IPv4. */
  static InetAddress of(byte[] bytes) {
    try {
      return bytes.length == 16
          ? Inet6Address.getByAddress(null, bytes, -1)
          : InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("an address has 4 or 16 bytes, not " + bytes.length, e);
    }
  }

  static InetAddress parse(String text) {
    return of(text.indexOf(':') < 0 ? four(text) : six(text));
  }

  static int prefix(String text, int from) {
    if (from == text.length() || text.length() - from > 3) {
      throw noAddress();
    }
    return number(text, from, text.length(), 10);
  }

  private static byte[] four(String text) {
    String[] parts = text.split("\\.", -1);
    if (parts.length != 4) {
      throw noAddress();
    }
    var bytes = new byte[4];
    for (int i = 0; i < 4; i++) {
      int part = parts[i].length() > 3 ? 256 : number(parts[i], 0, parts[i].length(), 10);
      if (part > 255) {
        throw noAddress();
      }
      bytes[i] = (byte) part;
    }
    return bytes;
  }

  private static byte[] six(String text) {
    int gap = text.indexOf("::");
    if (gap < 0) {
      byte[] bytes = groups(text);
      if (bytes.length != 16) {
        throw noAddress();
      }
      return bytes;
    }
    byte[] head = gap == 0 ? new byte[0] : groups(text.substring(0, gap));
    byte[] tail = gap + 2 == text.length() ? new byte[0] : groups(text.substring(gap + 2));
    if (head.length + tail.length > 14) {
      throw noAddress();
    }
    var bytes = new byte[16];
    System.arraycopy(head, 0, bytes, 0, head.length);
    System.arraycopy(tail, 0, bytes, 16 - tail.length, tail.length);
    return bytes;
  }

  private static byte[] groups(String text) {
    String[] parts = text.split(":", -1);
    if (parts.length > 8) {
      throw noAddress();
    }
    var bytes = new java.io.ByteArrayOutputStream(16);
    for (int i = 0; i < parts.length; i++) {
      if (i == parts.length - 1 && parts[i].indexOf('.') >= 0) {
        bytes.writeBytes(four(parts[i]));
      } else {
        if (parts[i].length() > 4) {
          throw noAddress();
        }
        int group = number(parts[i], 0, parts[i].length(), 16);
        bytes.write(group >> 8);
        bytes.write(group);
      }
    }
    return bytes.toByteArray();
  }

  private static int number(String text, int from, int to, int radix) {
    if (from == to) {
      throw noAddress();
    }
    int number = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) > 'f' ? -1 : Character.digit(text.charAt(i), radix);
      if (digit < 0) {
        throw noAddress();
      }
      number = number * radix + digit;
    }
    return number;
  }

  private static IllegalArgumentException noAddress() {
    return new IllegalArgumentException(
        "not an IPv4 or IPv6 address in digits, with or without a /prefix");
  }

  /** As inet_net_ntop prints it: the longest run of zeros shortened, mapped IPv4 in dots. */
  static String print(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (bytes.length == 4) {
      return dotted(bytes, 0);
    }
    int best = -1;
    int bestLength = 1;
    for (int i = 0; i < 8; i++) {
      int length = 0;
      while (i + length < 8 && group(bytes, i + length) == 0) {
        length++;
      }
      if (length > bestLength) {
        best = i;
        bestLength = length;
      }
      i += length;
    }
    var text = new StringBuilder(39);
    for (int i = 0; i < 8; i++) {
      if (best >= 0 && i >= best && i < best + bestLength) {
        text.append(i == best ? ":" : "");
        continue;
      }
      text.append(i == 0 ? "" : ":");
      boolean mapped =
          i == 6
              && best == 0
              && (bestLength == 6
                  || (bestLength == 7 && bytes[14] != 0)
                  || (bestLength == 5 && group(bytes, 5) == 0xFFFF));
      if (mapped) {
        return text.append(dotted(bytes, 12)).toString();
      }
      text.append(Integer.toHexString(group(bytes, i)));
    }
    return text.append(best >= 0 && best + bestLength == 8 ? ":" : "").toString();
  }

  private static int group(byte[] bytes, int index) {
    return (bytes[2 * index] & 0xFF) << 8 | (bytes[2 * index + 1] & 0xFF);
  }

  private static String dotted(byte[] bytes, int from) {
    return (bytes[from] & 0xFF)
        + "."
        + (bytes[from + 1] & 0xFF)
        + "."
        + (bytes[from + 2] & 0xFF)
        + "."
        + (bytes[from + 3] & 0xFF);
  }
}
