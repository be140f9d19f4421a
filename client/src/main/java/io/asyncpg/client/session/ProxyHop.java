package io.asyncpg.client.session;

import io.asyncpg.client.PgProxy;
import io.netty.channel.ChannelHandler;
import io.netty.handler.proxy.HttpProxyHandler;
import io.netty.handler.proxy.ProxyHandler;
import io.netty.handler.proxy.Socks5ProxyHandler;
import io.netty.util.concurrent.Future;
import java.net.SocketAddress;

/**
 * The handshake with a proxy. The only class that knows Netty's proxy handlers, whose jar need not
 * be there.
 */
final class ProxyHop {
  private final ProxyHandler handler;

  /**
   * Creates one.
   *
   * @param address the proxy's
   * @throws NoClassDefFoundError if netty-handler-proxy is missing
   */
  ProxyHop(PgProxy proxy, SocketAddress address) {
    String user = proxy.user();
    String password = proxy.password();
    handler =
        switch (proxy.kind()) {
          case SOCKS5 -> new Socks5ProxyHandler(address, user, password);
          case HTTP_CONNECT ->
              user == null || password == null
                  ? new HttpProxyHandler(address)
                  : new HttpProxyHandler(address, user, password);
        };
    handler.setConnectTimeoutMillis(0); // the attempt has its own bounds
  }

  ChannelHandler handler() {
    return handler;
  }

  /** Completes when the proxy has connected us, or will not. */
  Future<?> connected() {
    return handler.connectFuture();
  }
}
