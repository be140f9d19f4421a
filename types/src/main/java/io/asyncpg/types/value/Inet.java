package io.asyncpg.types.value;

import java.net.Inet6Address;
import java.net.InetAddress;

/**
 * A host address and the network it is in. Never looked up by name. An IPv4 address mapped into
 * IPv6 stays IPv6.
 *
 * @param address the address, with all its bits
 * @param prefix how many leading bits name the network, 0 to 32 or 128
 */
public record Inet(InetAddress address, int prefix) {
  /**
   * Checks the prefix, and that the address has no scope, which the server cannot hold.
   *
   * @param address the address, with all its bits
   * @param prefix how many leading bits name the network, 0 to 32 or 128
   * @throws IllegalArgumentException if either cannot be
   */
  public Inet {
    int bits = address.getAddress().length * 8;
    if (prefix < 0 || prefix > bits) {
      throw new IllegalArgumentException(
          "the prefix of this address lies between 0 and " + bits + ", not at " + prefix);
    }
    if (address instanceof Inet6Address six
        && (six.getScopeId() != 0 || six.getScopedInterface() != null)) {
      throw new IllegalArgumentException(
          "the address has a scope, which inet cannot hold: take it off");
    }
  }

  /**
   * A host without its network.
   *
   * @param address the address
   * @return the address with a full prefix
   */
  public static Inet of(InetAddress address) {
    return new Inet(address, address.getAddress().length * 8);
  }

  /**
   * An address from its bytes.
   *
   * @param bytes 4 bytes for IPv4, 16 for IPv6, mapped IPv4 included
   * @param prefix how many leading bits name the network
   * @return the address
   * @throws IllegalArgumentException if there are not as many bytes, or the prefix cannot be
   */
  public static Inet of(byte[] bytes, int prefix) {
    return new Inet(Addresses.of(bytes), prefix);
  }

  /**
   * Reads an address as the server prints it. Nothing is looked up.
   *
   * @param text as {@code 192.168.1.5/24} or {@code 2001:db8::1}
   * @return the address
   * @throws IllegalArgumentException if it is none
   */
  public static Inet parse(String text) {
    int slash = text.indexOf('/');
    InetAddress address = Addresses.parse(slash < 0 ? text : text.substring(0, slash));
    return slash < 0 ? of(address) : new Inet(address, Addresses.prefix(text, slash + 1));
  }

  /**
   * Whether the prefix is the whole address, as of a host alone.
   *
   * @return true if no mask would be lost with the prefix
   */
  public boolean isHost() {
    return prefix == address.getAddress().length * 8;
  }

  /** As the server prints it: {@code 192.168.1.5/24}, a full prefix left out. */
  @Override
  public String toString() {
    return Addresses.print(address) + (isHost() ? "" : "/" + prefix);
  }
}
