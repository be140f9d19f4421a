package io.asyncpg.types.value;

import java.net.InetAddress;

/**
 * A network: an address whose bits after the prefix are all 0.
 *
 * @param address the network's address
 * @param prefix how many leading bits name the network, 0 to 32 or 128
 */
public record Cidr(InetAddress address, int prefix) {
  /**
   * Checks the prefix, and that nothing is set after it.
   *
   * @param address the network's address
   * @param prefix how many leading bits name the network, 0 to 32 or 128
   * @throws IllegalArgumentException if either cannot be
   */
  public Cidr {
    byte[] bytes = new Inet(address, prefix).address().getAddress();
    for (int i = prefix; i < bytes.length * 8; i++) {
      if ((bytes[i / 8] & (0x80 >> (i % 8))) != 0) {
        throw new IllegalArgumentException(
            "a network has no bits set after its prefix of "
                + prefix
                + ": clear them, or use Inet");
      }
    }
  }

  /**
   * Reads a network as the server prints it. Nothing is looked up.
   *
   * @param text as {@code 192.168.1.0/24}
   * @return the network
   * @throws IllegalArgumentException if it is none
   */
  public static Cidr parse(String text) {
    Inet inet = Inet.parse(text);
    return new Cidr(inet.address(), inet.prefix());
  }

  /** As the server prints it: {@code 192.168.1.0/24}, always with the prefix. */
  @Override
  public String toString() {
    return Addresses.print(address) + "/" + prefix;
  }
}
