package io.asyncpg.testkit;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PushbackInputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** A scripted server's end of a connection: blocking, cut into messages by a reader of its own. */
final class Wire implements AutoCloseable {
  private static final int PEEK = 8;

  private Socket socket;
  private PushbackInputStream in;
  private OutputStream out;

  Wire(Socket socket) throws IOException {
    this.socket = socket;
    this.in = new PushbackInputStream(socket.getInputStream(), PEEK);
    this.out = socket.getOutputStream();
    socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(ScriptedServer.PATIENCE_SECONDS));
  }

  /**
   * The code in the packet that comes next, 0 if there is none. Waits for it, however long, and
   * consumes nothing.
   */
  int nextStartupCode() throws IOException {
    socket.setSoTimeout(0);
    byte[] head = in.readNBytes(PEEK);
    socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(ScriptedServer.PATIENCE_SECONDS));
    in.unread(head);
    return head.length < PEEK ? 0 : ByteBuffer.wrap(head).getInt(4);
  }

  FrontendMessage readStartup() throws IOException {
    int length = ByteBuffer.wrap(exactly(4)).getInt();
    return new FrontendMessage(FrontendMessage.STARTUP, exactly(length - 4));
  }

  FrontendMessage read() throws IOException {
    byte[] head = exactly(5);
    return new FrontendMessage((char) head[0], exactly(ByteBuffer.wrap(head).getInt(1) - 4));
  }

  private byte[] exactly(int length) throws IOException {
    if (length < 0) throw new AssertionError("the client sent a message of length " + length);
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException(
          "the client closed after " + bytes.length + " of " + length + " bytes");
    }
    return bytes;
  }

  /** Reads until the client closes; what came before that. */
  byte[] readToEnd() throws IOException {
    try {
      return in.readAllBytes();
    } catch (SocketException e) {
      return new byte[0]; // reset: an end as well
    }
  }

  void send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  /** TLS from here on, as the server. */
  void startTls(SSLContext context) throws IOException {
    byte[] early = in.readNBytes(Math.min(in.available(), PEEK));
    InputStream consumed = new ByteArrayInputStream(early);
    SSLSocket tls = (SSLSocket) context.getSocketFactory().createSocket(socket, consumed, true);
    tls.setUseClientMode(false);
    tls.startHandshake();
    socket = tls;
    in = new PushbackInputStream(tls.getInputStream(), PEEK);
    out = tls.getOutputStream();
  }

  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
