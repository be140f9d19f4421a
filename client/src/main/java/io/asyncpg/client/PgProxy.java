package io.asyncpg.client;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A proxy that connections go through: TCP connections to the servers, and those of their cancel
 * requests. The names of the servers are the proxy's to look up.
 *
 * <p>Needs {@code io.netty:netty-handler-proxy} on the path, and on the module path {@code requires
 * io.netty.handler.proxy}.
 *
 * @param kind what it speaks
 * @param host its name or address
 * @param port its port, 1 to 65535
 * @param user who we are to it; null if it does not ask
 * @param password proof of that; null if it does not ask
 */
public record PgProxy(
    Kind kind, String host, int port, @Nullable String user, @Nullable String password) {

  /** What a proxy speaks. */
  public enum Kind {
    /** SOCKS, version 5 (RFC 1928), with user and password (RFC 1929) if there are any. */
    SOCKS5,
    /** HTTP's method CONNECT, with basic authentication if there is a user. */
    HTTP_CONNECT
  }

  /**
   * Checks what can be checked.
   *
   * @param kind what it speaks
   * @param host not empty
   * @param port 1 to 65535
   * @param user null for none
   * @param password null for none
   * @throws IllegalArgumentException if the host is empty, the port out of range, or there is only
   *     one of user and password
   */
  public PgProxy {
    Objects.requireNonNull(kind, "kind");
    if (host.isEmpty()) {
      throw new IllegalArgumentException("host: a proxy has a name or an address; \"\" is neither");
    }
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException("port: 1 to 65535 is wanted, not " + port);
    }
    if ((user == null) != (password == null)) {
      throw new IllegalArgumentException("user, password: both are wanted, or neither");
    }
  }

  /**
   * A SOCKS5 proxy that asks for no proof.
   *
   * @param host its name or address
   * @param port its port
   * @return the proxy
   */
  public static PgProxy socks5(String host, int port) {
    return new PgProxy(Kind.SOCKS5, host, port, null, null);
  }

  /**
   * An HTTP proxy that asks for no proof.
   *
   * @param host its name or address
   * @param port its port
   * @return the proxy
   */
  public static PgProxy httpConnect(String host, int port) {
    return new PgProxy(Kind.HTTP_CONNECT, host, port, null, null);
  }

  /**
   * The same, proving who we are.
   *
   * @param name who we are to it
   * @param secret proof of that
   * @return another proxy
   */
  public PgProxy as(String name, String secret) {
    return new PgProxy(kind, host, port, name, secret);
  }

  /** Where it is, and nothing secret. */
  @Override
  public String toString() {
    return kind + " " + host + ":" + port;
  }
}
