package io.asyncpg.client.session;

import io.asyncpg.protocol.MessageLog;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * A line per message to the logger {@code io.asyncpg.wire} at TRACE, as {@link MessageLog} writes
 * it: no value, no secret. Stands in a pipeline only if that level was switched on when the
 * connection was opened, so that it costs nothing otherwise.
 *
 * <pre>
 * [db1:5432 #4711] F	21	Bind	 "" "s3" 1 1 1 4 1 1
 * [db1:5432 #4711] B	15	DataRow	 1 4
 * </pre>
 */
final class WireLog extends ChannelDuplexHandler {
  private static final Logger LOG = System.getLogger("io.asyncpg.wire");

  /** How much of a message is looked at; lines are cut far below that. */
  private static final int SHOWN = 16 * 1024;

  private final Session session;
  private final String host;
  private final Messages toServer = new Messages(4);
  private final Messages fromServer = new Messages(5);

  private WireLog(Session session, String host) {
    this.session = session;
    this.host = host;
  }

  /** Adds itself to the pipeline, before the session, if anybody wants to read it. */
  static void listen(Session session, Dial dial) {
    if (LOG.isLoggable(Level.TRACE)) {
      session.channel().pipeline().addLast(new WireLog(session, dial.host().toString()));
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof ByteBuf in) {
      fromServer.take(
          in.duplicate(),
          (bytes, length) -> {
            MessageLog.lengthsOnly().backend(bytes, 0, length, this::line);
          });
    }
    context.fireChannelRead(message);
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (message instanceof ByteBuf out) {
      toServer.take(
          out.duplicate(),
          (bytes, length) -> {
            if (toServer.header == 4) {
              MessageLog.lengthsOnly().startup(bytes, 0, length, this::line);
              toServer.header = 5; // only the first message is without a type
            } else {
              MessageLog.lengthsOnly().frontend(bytes, 0, length, this::line);
            }
          });
    }
    context.write(message, promise);
  }

  private void line(String text) {
    int processId = session.processId();
    LOG.log(Level.TRACE, "[" + host + " #" + (processId == 0 ? "?" : processId) + "] " + text);
  }

  private interface Whole {
    void message(byte[] bytes, int length);
  }

  /** Puts messages together that come in pieces; what is beyond the part shown is dropped. */
  private static final class Messages {
    private final byte[] bytes = new byte[SHOWN];
    private int header;
    private int held;
    private long dropped;

    Messages(int header) {
      this.header = header;
    }

    void take(ByteBuf in, Whole whole) {
      while (in.isReadable()) {
        if (dropped > 0) {
          int skipped = (int) Math.min(dropped, in.readableBytes());
          in.skipBytes(skipped);
          dropped -= skipped;
        } else if (fill(in, header)) {
          long length = header - 4L + length();
          int shown = (int) Math.max(header, Math.min(length, SHOWN));
          if (fill(in, shown)) {
            dropped = Math.max(0, length - shown);
            held = 0;
            whole.message(bytes, shown);
          }
        }
      }
    }

    /** Whether so many bytes of the message are there. */
    private boolean fill(ByteBuf in, int wanted) {
      int more = Math.min(Math.max(0, wanted - held), in.readableBytes());
      in.readBytes(bytes, held, more);
      held += more;
      return held >= wanted;
    }

    private long length() {
      int at = header - 4;
      return (bytes[at] & 0xffL) << 24
          | (bytes[at + 1] & 0xffL) << 16
          | (bytes[at + 2] & 0xffL) << 8
          | (bytes[at + 3] & 0xffL);
    }
  }
}
