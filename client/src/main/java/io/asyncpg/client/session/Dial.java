package io.asyncpg.client.session;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgProxy;
import io.asyncpg.client.SslMode;
import io.asyncpg.client.SslNegotiation;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.FrontendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.AttributeKey;
import java.io.FileNotFoundException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * The way to one server: its address, and whether what is said on the way is encrypted. A session's
 * CancelRequest goes the very way its session went.
 *
 * <pre>
 *   client                     server
 *      → SSLRequest →                       unless sslnegotiation=direct
 *      ← S, N or an ErrorResponse ←         one byte, and not one more before the handshake
 *      ↔ TLS handshake ↔
 * </pre>
 */
final class Dial {
  /** What there is to say in answer to an N. */
  enum Encryption {
    /** None is asked for. */
    NONE,
    /** With an N the connection goes on in the clear. */
    IF_OFFERED,
    /** With an N it is over. */
    ALWAYS
  }

  /** What becomes of it; called once, on the event loop. */
  interface Outcome {
    /** Messages can be sent; nothing has come from the server yet. */
    void opened(Channel channel);

    /**
     * There is no connection; the channel is closed.
     *
     * @param reached whether the server answered, so that it could be spoken to in another way
     * @param lasting whether it will be the same until somebody changes something
     */
    void notOpened(PgException reason, boolean reached, boolean lasting);
  }

  private static final AttributeKey<Dial> TAKEN = AttributeKey.valueOf(Dial.class, "taken");

  private final PgConfig config;
  private final PgConfig.Host host;
  private final SocketAddress address;
  private final Encryption encryption;
  private final @Nullable Tls tls;

  /**
   * Creates one.
   *
   * @param address the server's, or the proxy's where there is one
   * @param tls not null unless there is no encryption
   */
  Dial(
      PgConfig config,
      PgConfig.Host host,
      SocketAddress address,
      Encryption encryption,
      @Nullable Tls tls) {
    this.config = config;
    this.host = host;
    this.address = address;
    this.encryption = encryption;
    this.tls = tls;
  }

  /** The way an open connection went. */
  static Dial of(Channel channel) {
    Dial taken = channel.attr(TAKEN).get();
    if (taken == null) {
      throw new IllegalStateException("not opened by a Dial: " + channel);
    }
    return taken;
  }

  /** The TLS session of a connection, or null if it is not encrypted. */
  static @Nullable SSLSession tlsSession(Channel channel) {
    SslHandler handler = channel.pipeline().get(SslHandler.class);
    return handler == null ? null : handler.engine().getSession();
  }

  /**
   * Closes a connection that {@link #open} has given. One that never came to its event loop, as
   * there was no socket to be had, cannot be asked to close itself.
   */
  static void close(Channel channel) {
    if (channel.isRegistered()) {
      channel.close();
    } else if (channel.isOpen()) {
      channel.unsafe().closeForcibly();
    }
  }

  PgConfig.Host host() {
    return host;
  }

  Encryption encryption() {
    return encryption;
  }

  /**
   * Opens a connection.
   *
   * @return the channel; {@link #close closing} it gives up
   */
  Channel open(EventLoop loop, Outcome outcome) {
    EventLoops.Transport transport = EventLoops.transport(loop);
    Opening opening = new Opening(outcome);
    PgProxy proxy = proxy();
    ProxyHop hop = proxy == null ? null : new ProxyHop(proxy, address);
    Bootstrap bootstrap =
        new Bootstrap()
            .group(loop)
            .channelFactory(transport.sockets(host.isUnixSocket()))
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0) // the attempt has its own bounds
            .handler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    if (hop != null) {
                      channel.pipeline().addLast(hop.handler());
                    }
                    channel.pipeline().addLast(opening);
                  }
                });
    if (loop instanceof LendingLoop ours && transport != EventLoops.Transport.IO_URING) {
      bootstrap.option(ChannelOption.RECVBUF_ALLOCATOR, ours.receiveBuffer());
    }
    if (!host.isUnixSocket()) {
      bootstrap.option(ChannelOption.TCP_NODELAY, true);
      transport.watchFor(bootstrap, config);
    }
    ChannelFuture reached;
    if (hop == null) {
      reached = bootstrap.connect(address);
    } else {
      String literal = host.address();
      reached =
          bootstrap
              .disableResolver() // names are the proxy's to look up
              .connect(
                  InetSocketAddress.createUnresolved(
                      literal == null ? host.name() : literal, host.port()));
    }
    Channel channel = reached.channel();
    reached.addListener(
        done -> {
          if (!done.isSuccess()) {
            PgConnectionException why = notReached(done.cause());
            // Of a socket that could not be made Netty tells on a thread of its own.
            inLoop(loop, () -> opening.fail(channel, why, false, false));
          } else if (hop == null) {
            opening.connected(channel);
          } else {
            hop.connected()
                .addListener(
                    through -> {
                      if (through.isSuccess()) {
                        opening.connected(channel);
                      } else {
                        opening.fail(channel, notReached(through.cause()), false, false);
                      }
                    });
          }
        });
    return channel;
  }

  private static void inLoop(EventLoop loop, Runnable task) {
    if (loop.inEventLoop()) {
      task.run();
    } else {
      loop.execute(task);
    }
  }

  /** What is in between; null for nothing. */
  private @Nullable PgProxy proxy() {
    return host.isUnixSocket() ? null : config.proxy();
  }

  private PgConnectionException notReached(@Nullable Throwable cause) {
    String message = told(cause);
    if (cause instanceof ChannelException) {
      return new PgConnectionException(
          "could not connect to "
              + this
              + ": no socket could be made on this side: "
              + message
              + ": are there file descriptors left (ulimit -n), and does this machine take the"
              + " options asked for (keepalives_idle and the like)?",
          RetrySafety.NOT_SENT,
          cause);
    }
    if (proxy() != null) {
      return new PgConnectionException(
          "could not connect to "
              + this
              + ": "
              + message
              + ": is the proxy running there, does it know us, and does it let us reach that host"
              + " and port?",
          RetrySafety.NOT_SENT,
          cause);
    }
    return new PgConnectionException(
        "could not connect to "
            + this
            + ": "
            + message
            + (host.isUnixSocket()
                ? ": is a server running on this machine, and is that its unix_socket_directories?"
                : ": is a server running there, and does it accept TCP connections on that port?"),
        RetrySafety.NOT_SENT,
        cause);
  }

  private String told(@Nullable Throwable cause) {
    if (cause == null) {
      return "no reason was given";
    }
    String message = cause.getMessage();
    if (message == null) {
      return cause instanceof FileNotFoundException && host.isUnixSocket()
          ? "there is no socket " + shown(address.toString())
          : cause.toString();
    }
    Throwable below = cause.getCause();
    String more = below == null ? null : below.getMessage();
    return shown(
        cause instanceof ChannelException && more != null && !message.contains(more)
            ? message + " (" + more + ")"
            : message);
  }

  /** With the name of an abstract socket as we are told it. */
  private static String shown(String text) {
    return text.replace('\0', '@');
  }

  /** The host, and its address if that says more. */
  @Override
  public String toString() {
    PgProxy proxy = proxy();
    if (proxy != null) {
      return host + " through the proxy " + proxy;
    }
    if (address instanceof InetSocketAddress inet && inet.getAddress() != null) {
      String literal = inet.getAddress().getHostAddress();
      return literal.equals(host.name()) ? host.toString() : host + " (" + literal + ")";
    }
    return host.toString();
  }

  /** What there is to read, as text that does no harm where it is shown. */
  static String printable(ByteBuf in) {
    StringBuilder text = new StringBuilder();
    String raw = in.toString(in.readerIndex(), Math.min(in.readableBytes(), 400), UTF_8);
    raw.codePoints().forEach(c -> text.append(c >= ' ' && c < 0x7f ? Character.toString(c) : " "));
    return text.toString().replaceAll(" +", " ").strip();
  }

  /** From the open socket to the first message. */
  private final class Opening extends ChannelInboundHandlerAdapter {
    private final Outcome outcome;
    private boolean over;

    Opening(Outcome outcome) {
      this.outcome = outcome;
    }

    void connected(Channel channel) {
      try {
        String peer = config.requirePeer();
        if (peer != null && host.isUnixSocket()) {
          PeerUser.check(channel, host, peer);
        }
        Tls with = tls;
        if (encryption == Encryption.NONE || with == null) {
          succeed(channel, Encryption.NONE);
        } else if (config.sslNegotiation() == SslNegotiation.DIRECT) {
          startTls(channel, with);
        } else {
          ByteBuf out = channel.alloc().directBuffer(8);
          new FrontendWriter(out).write(new FrontendMessage.SSLRequest());
          channel.writeAndFlush(out, channel.voidPromise());
        }
      } catch (PgException refused) {
        fail(channel, refused, true, true);
      } catch (Throwable unexpected) {
        fail(channel, notSetUp(unexpected), true, false); // nobody else would hear of it
      }
    }

    private PgConnectionException notSetUp(Throwable unexpected) {
      return new PgConnectionException(
          "the connection to " + host + " could not be set up: " + unexpected,
          RetrySafety.NOT_SENT,
          unexpected);
    }

    private void startTls(Channel channel, Tls with) {
      SslHandler handler = with.handler(host);
      SSLEngine engine = handler.engine();
      handler
          .handshakeFuture()
          .addListener(
              done -> {
                try {
                  if (!done.isSuccess()) {
                    throw with.explain(done.cause(), host);
                  }
                  with.check(engine, host);
                } catch (PgException refused) {
                  fail(channel, refused, true, done.isSuccess() || Tls.isLasting(refused));
                  return;
                } catch (Throwable unexpected) {
                  fail(channel, notSetUp(unexpected), true, false);
                  return;
                }
                succeed(channel, Encryption.ALWAYS);
              });
      channel.pipeline().addFirst(handler);
    }

    private void succeed(Channel channel, Encryption got) {
      if (over) {
        return;
      }
      over = true;
      channel.pipeline().remove(this);
      channel.attr(TAKEN).set(new Dial(config, host, address, got, tls));
      outcome.opened(channel);
    }

    void fail(Channel channel, PgException reason, boolean reached, boolean lasting) {
      if (over) {
        return;
      }
      over = true;
      close(channel);
      outcome.notOpened(reason, reached, lasting);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf in = (ByteBuf) message;
      try {
        Tls with = tls;
        if (!over && with != null && in.isReadable()) {
          answered(context.channel(), with, in);
        }
      } finally {
        in.release();
      }
    }

    /** The answer to the SSLRequest. */
    private void answered(Channel channel, Tls with, ByteBuf in) {
      byte answer = in.readByte();
      if (answer == 'E') {
        fail(channel, untrusted(in), true, false);
      } else if (answer != 'S' && answer != 'N') {
        fail(
            channel,
            new PgProtocolException(
                host
                    + " answers the request for encryption with the byte "
                    + (answer & 0xff)
                    + ": no PostgreSQL does; check host and port",
                RetrySafety.NOT_SENT,
                null),
            false,
            false);
      } else if (in.isReadable()) {
        // Whoever is in between could have put them there, to be taken for the server's own later
        // (CVE-2021-23222).
        fail(
            channel,
            new PgProtocolException(
                host
                    + " sent "
                    + in.readableBytes()
                    + " unencrypted bytes after its answer to the request for encryption: somebody"
                    + " may be in between; the connection is not used",
                RetrySafety.NOT_SENT,
                null),
            false,
            false);
      } else if (answer == 'S') {
        startTls(channel, with);
      } else if (encryption == Encryption.IF_OFFERED) {
        succeed(channel, Encryption.NONE);
      } else {
        fail(
            channel,
            new PgConnectionException(
                host
                    + " does not encrypt connections"
                    + (config.sslMode() == SslMode.ALLOW
                        ? ""
                        : ", but sslmode="
                            + config.sslMode()
                            + " wants it: set ssl = on in postgresql.conf, or use sslmode=prefer"),
                RetrySafety.NOT_SENT,
                null),
            true,
            true);
      }
    }

    /**
     * An error in the clear, before anybody has proved anything: shown as what it is
     * (CVE-2024-10977).
     */
    private PgConnectionException untrusted(ByteBuf in) {
      return new PgConnectionException(
          host
              + " answers the request for encryption with an error; whoever is in between could have"
              + " written it, so do not trust its words: \""
              + printable(in)
              + "\"",
          RetrySafety.NOT_SENT,
          null);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      fail(
          context.channel(),
          new PgConnectionException(
              host + " closed the connection when asked for encryption",
              RetrySafety.NOT_SENT,
              null),
          true,
          false);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      // A failed handshake is told by its future; what else breaks ends the connection.
      if (context.pipeline().get(SslHandler.class) == null) {
        fail(
            context.channel(),
            new PgConnectionException(
                "the connection to " + host + " broke: " + cause.getMessage(),
                RetrySafety.NOT_SENT,
                cause),
            false,
            false);
      }
    }
  }
}
