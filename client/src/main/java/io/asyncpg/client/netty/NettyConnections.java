package io.asyncpg.client.netty;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.session.Connector;
import io.netty.channel.EventLoopGroup;

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
    return new Connector(config, loops).connect();
  }
}
