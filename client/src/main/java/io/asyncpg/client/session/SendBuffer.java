package io.asyncpg.client.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * What the connections of one loop say is put here first. Mostly a socket takes all of it at once,
 * so one buffer does for all connections, and no allocator is asked, nor its leak detector. While a
 * socket has not taken all, or TLS holds on to it, the others have buffers of their own.
 *
 * <p>Confined to whoever drives the loop.
 */
final class SendBuffer {
  private static final int INITIAL_SIZE = 1024;

  /** What a large request has made larger than this is not kept. */
  private static final int MOST_KEPT = 2 * Session.WRITE_SIZE;

  /** It lives as long as its loop, and so has no leak to be found. */
  private static final ByteBufAllocator ALLOCATOR = new UnpooledByteBufAllocator(true, true);

  private @Nullable ByteBuf buffer;

  /**
   * An empty buffer, of this loop or of its own; whoever takes it releases it.
   *
   * @param elsewhere makes it while this loop's is under way
   */
  ByteBuf take(ByteBufAllocator elsewhere) {
    ByteBuf ours = buffer;
    if (ours != null && ours.refCnt() > 1) {
      return elsewhere.directBuffer(INITIAL_SIZE);
    }
    if (ours != null && ours.capacity() > MOST_KEPT) {
      release();
      ours = null;
    }
    if (ours == null) {
      ours = ALLOCATOR.directBuffer(INITIAL_SIZE);
      buffer = ours;
    }
    return ours.clear().retain();
  }

  /** The loop is at its end. */
  void release() {
    ByteBuf ours = buffer;
    buffer = null;
    if (ours != null) {
      ours.release();
    }
  }
}
