package io.asyncpg.client.session;

import io.asyncpg.protocol.FrontendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.concurrent.TimeUnit;

/**
 * The connection of one CancelRequest: to the very address of its session, on its session's event
 * loop. The server says nothing on it; it closes it once the signal has been sent.
 */
final class CancelSocket extends ChannelInboundHandlerAdapter {
  private final FrontendMessage.CancelRequest request;

  private CancelSocket(FrontendMessage.CancelRequest request) {
    this.request = request;
  }

  /**
   * Sends a CancelRequest.
   *
   * @param atEnd called on the event loop when the socket is at its end, or could not be opened
   */
  static void send(Session session, byte[] key, Runnable atEnd) {
    Channel channel = session.channel();
    FrontendMessage.CancelRequest request =
        new FrontendMessage.CancelRequest(session.processId(), key);
    var connected =
        new Bootstrap()
            .group(session.loop())
            .channelFactory(EventLoops.channelFactory(channel))
            .handler(new CancelSocket(request))
            .connect(channel.remoteAddress());
    var bound =
        session.schedule(
            () -> connected.channel().close(),
            session.config().cancelTimeout().toNanos(),
            TimeUnit.NANOSECONDS);
    connected
        .channel()
        .closeFuture()
        .addListener(
            closed -> {
              bound.cancel(false);
              atEnd.run();
            });
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    ByteBuf out = context.alloc().directBuffer(280);
    new FrontendWriter(out).write(request);
    context.writeAndFlush(out, context.voidPromise());
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close();
  }
}
