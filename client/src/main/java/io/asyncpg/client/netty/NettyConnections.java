package io.asyncpg.client.netty;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.session.Connector;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.ssl.SslContext;

/** Connections on event loops that the application has already. */
public final class NettyConnections {
  private NettyConnections() {}

  /**
   * Opens a session on one of the caller's event loops.
   *
   * @param config where and as whom
   * @param loops event loops of epoll, io_uring or NIO; not shut down by this library
   * @return the session
   */
  public static PgFuture<PgConnection> connect(PgConfig config, EventLoopGroup loops) {
    return new Connector(config, loops, null).connect();
  }

  /**
   * Opens a session on one of the caller's event loops, encrypted by the caller's TLS.
   *
   * @param config where and as whom; its {@code sslmode} says whether to encrypt, and with {@code
   *     verify-full} the host's name is verified. Certificates, keys and revocation lists are the
   *     context's alone
   * @param loops event loops of epoll, io_uring or NIO; not shut down by this library
   * @param sslContext for clients. One made with OpenSSL has to offer the application protocol
   *     {@code postgresql} by itself for {@code sslnegotiation=direct}
   * @return the session
   */
  public static PgFuture<PgConnection> connect(
      PgConfig config, EventLoopGroup loops, SslContext sslContext) {
    return new Connector(config, loops, sslContext).connect();
  }
}
