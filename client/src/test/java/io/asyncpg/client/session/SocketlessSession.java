package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.error.PgException;
import io.asyncpg.protocol.ScramKeyCache;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.util.concurrent.CompletableFuture;

/**
 * A session without a socket and without a thread of its own: what the server says is put in, what
 * the client says is taken out, and when a call returns all that follows from it has happened.
 */
final class SocketlessSession implements AutoCloseable {
  /** Counts what it has given and not got back. */
  private final UnpooledByteBufAllocator buffers = new UnpooledByteBufAllocator(false, true);

  private final EmbeddedChannel channel = new EmbeddedChannel();
  private final CompletableFuture<PgConnection> connected = new CompletableFuture<>();
  private int outcomes;

  SocketlessSession(PgConfig config, ScramKeyCache keys) {
    channel.config().setAllocator(buffers);
    Session session = new Session(config, channel, new TypeCatalog(config.codecs(), 0));
    channel.pipeline().addLast(session);
    session.submit(
        new Startup(
            session,
            config,
            config.hosts().get(0),
            null,
            keys,
            new Startup.Outcome() {
              @Override
              public void ready(Session ready) {
                outcomes++;
                connected.complete(new Connection(ready));
              }

              @Override
              public void failed(PgException reason, boolean refused, boolean lasting) {
                outcomes++;
                connected.completeExceptionally(reason);
              }
            }));
    run();
  }

  /** The connection, once the server has let us in. */
  CompletableFuture<PgConnection> connected() {
    return connected;
  }

  /** How often somebody was told what became of it: once, if all is well. */
  int outcomes() {
    return outcomes;
  }

  /** Does what waits on the event loop. */
  void run() {
    channel.runPendingTasks();
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  /** The server says these bytes, in one read. */
  void hear(byte[] bytes, int from, int to) {
    if (channel.isOpen()) {
      channel.writeInbound(buffers.buffer(to - from).writeBytes(bytes, from, to - from));
    }
    run();
  }

  /** The server closes the socket. */
  void hearTheEnd() {
    channel.close();
    run();
  }

  /** What the client has said since the last call. */
  byte[] said() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
      byte[] bytes = new byte[out.readableBytes()];
      out.readBytes(bytes);
      out.release();
      all.writeBytes(bytes);
    }
    return all.toByteArray();
  }

  /** Fails if a buffer was not released. */
  @Override
  public void close() {
    channel.finishAndReleaseAll();
    assertThat(buffers.metric().usedHeapMemory() + buffers.metric().usedDirectMemory())
        .as("bytes of buffers not released")
        .isZero();
  }
}
