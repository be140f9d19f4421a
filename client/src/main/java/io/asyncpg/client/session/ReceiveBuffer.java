package io.asyncpg.client.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What arrives on the connections of one loop is put here first. A session copies it to its own
 * bytes at once, so one buffer does for all connections, and is never made anew nor cleared. While
 * somebody holds on to it, as TLS does with half a record, what arrives is put elsewhere.
 *
 * <p>Confined to whoever drives the loop.
 */
final class ReceiveBuffer extends DefaultMaxMessagesRecvByteBufAllocator {
  /** Many of the server's portions, which are 8 KB; and no more than a processor's own cache. */
  private static final int SIZE = 64 * 1024;

  private @Nullable ByteBuf buffer;

  @Override
  @SuppressWarnings("deprecation") // Netty's own word for it; it has no other
  public RecvByteBufAllocator.Handle newHandle() {
    return new MaxMessageHandle() {
      @Override
      public int guess() {
        return SIZE;
      }

      @Override
      public ByteBuf allocate(ByteBufAllocator elsewhere) {
        ByteBuf ours = buffer;
        if (ours == null) {
          ours = Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(SIZE));
          buffer = ours;
        }
        return ours.refCnt() == 1 ? ours.clear().retain() : super.allocate(elsewhere);
      }
    };
  }
}
