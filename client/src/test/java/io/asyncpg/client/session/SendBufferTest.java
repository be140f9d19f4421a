package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.EventLoopGroup;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SendBufferTest {
  private final SendBuffer buffer = new SendBuffer();

  @AfterEach
  void release() {
    buffer.release();
  }

  private ByteBuf take() {
    ByteBuf out = buffer.take(UnpooledByteBufAllocator.DEFAULT);
    assertThat(out.isReadable()).isFalse();
    return out;
  }

  @Test
  void oneBufferDoesForAllConnectionsOfALoop() {
    ByteBuf first = take().writeInt(1);
    first.release();
    ByteBuf second = take();
    assertThat(second).isSameAs(first);
    second.release();
    assertThat(first.refCnt()).as("its loop has it").isEqualTo(1);
  }

  @Test
  void whatASocketHasNotTakenYetIsNotWrittenOver() {
    ByteBuf held = take().writeInt(1);
    ByteBuf other = take().writeInt(2);
    assertThat(other).isNotSameAs(held);
    assertThat(held.readInt()).isEqualTo(1);
    other.release();
    assertThat(other.refCnt()).isZero();
    held.release();
    ByteBuf again = take();
    assertThat(again).isSameAs(held);
    again.release();
  }

  @Test
  void whatOneLargeRequestNeededIsGivenBack() {
    ByteBuf slice = take().writeZero(Session.WRITE_SIZE);
    slice.release();
    ByteBuf large = take();
    assertThat(large).as("as large as a write mostly is").isSameAs(slice);
    large.writeZero(4 * Session.WRITE_SIZE).release();
    ByteBuf small = take();
    assertThat(small).isNotSameAs(large);
    assertThat(large.refCnt()).isZero();
    assertThat(small.capacity()).isLessThan(Session.WRITE_SIZE);
    small.release();
  }

  @Test
  void atTheEndOfItsLoopItIsGone() throws Exception {
    EventLoopGroup group = EventLoops.create(EventLoops.Transport.NIO);
    LendingLoop loop = (LendingLoop) group.next();
    ByteBuf used =
        loop.submit(
                () -> {
                  ByteBuf taken = loop.sendBuffer().take(UnpooledByteBufAllocator.DEFAULT);
                  taken.release();
                  return taken;
                })
            .get();
    assertThat(used.refCnt()).isEqualTo(1);
    group.shutdownGracefully(0, 10, TimeUnit.SECONDS).get();
    assertThat(used.refCnt()).isZero();
  }
}
