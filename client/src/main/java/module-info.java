/** One session with one PostgreSQL server, asynchronously, over Netty. */
@SuppressWarnings("module") // the pool is built after this module
module io.asyncpg.client {
  requires transitive io.asyncpg.types;
  requires io.netty.buffer;
  requires io.netty.common;
  requires transitive io.netty.handler;
  // The application's to bring, and to require.
  requires static io.netty.handler.proxy;
  requires transitive io.netty.transport;
  requires io.netty.transport.classes.epoll;
  requires io.netty.transport.classes.io_uring;
  requires io.netty.transport.unix.common;
  requires java.security.jgss;
  requires jdk.net;

  exports io.asyncpg.client;
  exports io.asyncpg.client.netty;
  exports io.asyncpg.client.session to
      io.asyncpg.pool;
}
