package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import org.junit.jupiter.api.Test;

@SuppressWarnings("deprecation") // Netty's own word for it; it has no other
class ReceiveBufferTest {
  private final ReceiveBuffer buffer = new ReceiveBuffer();

  private static ByteBuf receive(RecvByteBufAllocator.Handle connection, int arrived) {
    ByteBuf in = connection.allocate(UnpooledByteBufAllocator.DEFAULT);
    assertThat(in.isReadable()).isFalse();
    return in.writeInt(arrived);
  }

  @Test
  void oneBufferDoesForAllConnectionsOfALoop() {
    ByteBuf first = receive(buffer.newHandle(), 1);
    first.release();
    ByteBuf second = receive(buffer.newHandle(), 2);
    assertThat(second).isSameAs(first);
    assertThat(second.readInt()).isEqualTo(2);
    second.release();
    assertThat(first.refCnt()).as("its loop has it").isEqualTo(1);
  }

  @Test
  void whatSomebodyHoldsOnToIsNotWrittenOver() {
    RecvByteBufAllocator.Handle connection = buffer.newHandle();
    ByteBuf held = receive(connection, 1);
    ByteBuf other = receive(connection, 2);
    assertThat(other).isNotSameAs(held);
    assertThat(held.readInt()).isEqualTo(1);
    assertThat(other.readInt()).isEqualTo(2);
    other.release();
    assertThat(other.refCnt()).isZero();
    held.release();
    ByteBuf again = receive(connection, 3);
    assertThat(again).isSameAs(held);
    again.release();
  }
}
