package io.asyncpg.client.session;

import io.asyncpg.error.PgException;
import io.asyncpg.protocol.FrontendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The connection of one CancelRequest: to the very address of its session, encrypted if that is, on
 * its session's event loop. The server says nothing on it; it closes it once the signal has been
 * sent.
 */
final class CancelSocket extends ChannelInboundHandlerAdapter {
  private final Runnable atEnd;
  private @Nullable Channel channel;
  private boolean opened;
  private boolean ended;

  private CancelSocket(Runnable atEnd) {
    this.atEnd = atEnd;
  }

  /**
   * Sends a CancelRequest.
   *
   * @param atEnd called on the event loop when the socket is at its end, or could not be opened
   */
  static CancelSocket send(Session session, byte[] key, Runnable atEnd) {
    FrontendMessage.CancelRequest request =
        new FrontendMessage.CancelRequest(session.processId(), key);
    CancelSocket socket = new CancelSocket(atEnd);
    Channel channel =
        Dial.of(session.channel())
            .open(
                session.loop(),
                new Dial.Outcome() {
                  @Override
                  public void opened(Channel open) {
                    socket.opened = true;
                    open.pipeline().addLast(socket);
                    ByteBuf out = open.alloc().directBuffer(280);
                    new FrontendWriter(out).write(request);
                    open.writeAndFlush(out, open.voidPromise());
                  }

                  @Override
                  public void notOpened(PgException reason, boolean reached, boolean lasting) {
                    socket.end(); // a channel that was never a socket does not tell of its end
                  }
                });
    socket.channel = channel;
    var bound =
        session.schedule(
            () -> Dial.close(channel),
            Deadlines.nanos(session.config().cancelTimeout()),
            TimeUnit.NANOSECONDS);
    channel
        .closeFuture()
        .addListener(
            closed -> {
              bound.cancel(false);
              socket.end();
            });
    return socket;
  }

  /**
   * Gives up a socket that could not be opened yet: its request is never sent.
   *
   * @return false if it may have been sent, or if the socket is at its end
   */
  boolean giveUp() {
    Channel dialled = channel;
    if (opened || ended || dialled == null) {
      return false;
    }
    Dial.close(dialled);
    return true;
  }

  private void end() {
    if (!ended) {
      ended = true;
      atEnd.run();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close();
  }
}
