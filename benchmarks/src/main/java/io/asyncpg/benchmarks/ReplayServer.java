package io.asyncpg.benchmarks;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Stands before a real server and passes all on, but answers {@code SELECT * FROM bench_million}
 * from memory, with the very bytes that the real server sent once: what a client makes of them in a
 * second is then its own affair.
 *
 * <p>Arguments: host and port of the server. Prints its own port; ends with its standard input.
 */
final class ReplayServer {
  private static final int SSL_REQUEST = 80877103;
  private static final int GSS_REQUEST = 80877104;

  private final InetSocketAddress server;
  // By the result formats that a client asks for.
  private final Map<List<Short>, Recording> recordings = new HashMap<>();

  private ReplayServer(InetSocketAddress server) {
    this.server = server;
  }

  public static void main(String[] args) throws IOException {
    ReplayServer replay =
        new ReplayServer(new InetSocketAddress(args[0], Integer.parseInt(args[1])));
    try (ServerSocketChannel listener = ServerSocketChannel.open()) {
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      Daemon.start(
          () -> {
            while (true) {
              SocketChannel client = listener.accept();
              Daemon.start(() -> replay.serve(client));
            }
          });
      System.out.println(((InetSocketAddress) listener.getLocalAddress()).getPort());
      while (System.in.read() >= 0) {
        // Nothing is said to it.
      }
    }
  }

  /** What the server said once: all rows, where each begins, and how they are described. */
  private record Recording(ByteBuffer rows, int[] starts, byte[] description) {}

  /** How far a portal has been read. */
  private static final class Cursor {
    final Recording recording;
    int row;

    Cursor(Recording recording) {
      this.recording = recording;
    }
  }

  private record Message(char type, byte[] body) {
    static Message read(DataInputStream in) throws IOException {
      char type = (char) in.readUnsignedByte();
      byte[] body = new byte[in.readInt() - 4];
      in.readFully(body);
      return new Message(type, body);
    }

    ByteBuffer bytes() {
      return ByteBuffer.allocate(5 + body.length)
          .put((byte) type)
          .putInt(4 + body.length)
          .put(body)
          .flip();
    }

    /** The string that begins at an offset. */
    String text(int offset) {
      int end = offset;
      while (body[end] != 0) {
        end++;
      }
      return new String(body, offset, end - offset, StandardCharsets.UTF_8);
    }
  }

  private static Message message(char type, byte[]... parts) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      body.writeBytes(part);
    }
    return new Message(type, body.toByteArray());
  }

  private static byte[] text(String text) {
    return (text + "\0").getBytes(StandardCharsets.UTF_8);
  }

  private static void write(SocketChannel to, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      to.write(bytes);
    }
  }

  private static DataInputStream input(SocketChannel from) {
    return new DataInputStream(new BufferedInputStream(Channels.newInputStream(from), 64 * 1024));
  }

  private void serve(SocketChannel client) throws IOException {
    client.setOption(StandardSocketOptions.TCP_NODELAY, true);
    try (client;
        SocketChannel upstream = SocketChannel.open(server)) {
      upstream.setOption(StandardSocketOptions.TCP_NODELAY, true);
      DataInputStream in = input(client);
      byte[] startup = startup(client, in);
      write(upstream, ByteBuffer.wrap(startup));
      Session session = new Session(client, upstream, startup);
      Daemon.start(session::passAnswers);
      while (true) {
        session.take(Message.read(in));
      }
    } catch (EOFException over) {
      // Both are closed.
    }
  }

  /** The start-up message with its length. */
  private static byte[] startup(SocketChannel client, DataInputStream in) throws IOException {
    while (true) {
      int length = in.readInt();
      byte[] message = new byte[length];
      ByteBuffer.wrap(message).putInt(length);
      in.readFully(message, 4, length - 4);
      int code = ByteBuffer.wrap(message).getInt(4);
      if (code != SSL_REQUEST && code != GSS_REQUEST) {
        return message;
      }
      write(client, ByteBuffer.wrap(new byte[] {'N'}));
    }
  }

  private final class Session {
    private final SocketChannel client;
    private final SocketChannel upstream;
    private final byte[] startup;
    private final Set<String> statements = new HashSet<>();
    private final Map<String, Cursor> portals = new HashMap<>();
    // Guarded by this: the messages that were passed on and still want their answer, by type.
    private final Deque<Character> unanswered = new ArrayDeque<>();

    Session(SocketChannel client, SocketChannel upstream, byte[] startup) {
      this.client = client;
      this.upstream = upstream;
      this.startup = startup;
    }

    /** Passes on what the server says. */
    void passAnswers() throws IOException {
      DataInputStream in = input(upstream);
      try {
        while (true) {
          Message message = Message.read(in);
          write(client, message.bytes());
          answered(message.type);
        }
      } catch (EOFException over) {
        client.close();
      }
    }

    private synchronized void answered(char answer) {
      switch (answer) {
        case '1', '2', '3', 'n', 's', 'I' -> unanswered.poll();
        // Both are in the middle of what answers a simple Query.
        case 'C', 'T' -> {
          if (!Objects.equals(unanswered.peek(), 'Q')) {
            unanswered.poll();
          }
        }
        // What follows an error is skipped up to Sync.
        case 'E' -> answeredUntilReady();
        case 'Z' -> {
          answeredUntilReady();
          unanswered.poll();
        }
        default -> {}
      }
      notifyAll();
    }

    private void answeredUntilReady() {
      while (!unanswered.isEmpty() && unanswered.peek() != 'Q' && unanswered.peek() != 'S') {
        unanswered.poll();
      }
    }

    void take(Message message) throws IOException {
      switch (message.type) {
        case 'P' -> {
          String name = message.text(0);
          if (message.body.length > 0
              && message.text(text(name).length).contains("bench_million")) {
            statements.add(name);
            answer(new Message('1', new byte[0]));
          } else {
            statements.remove(name);
            passOn(message);
          }
        }
        case 'B' -> {
          String portal = message.text(0);
          int offset = text(portal).length;
          String statement = message.text(offset);
          if (statements.contains(statement)) {
            portals.put(
                portal,
                new Cursor(recording(resultFormats(message, offset + text(statement).length))));
            answer(new Message('2', new byte[0]));
          } else {
            portals.remove(portal);
            passOn(message);
          }
        }
        case 'D' -> {
          String name = message.text(1);
          if (message.body[0] == 'S' && statements.contains(name)) {
            answer(message('t', new byte[2]));
            answer(new Message('T', recording(List.of()).description));
          } else if (message.body[0] == 'P' && portals.containsKey(name)) {
            answer(new Message('T', cursor(name).recording.description));
          } else {
            passOn(message);
          }
        }
        case 'E' -> {
          String portal = message.text(0);
          if (portals.containsKey(portal)) {
            execute(cursor(portal), ByteBuffer.wrap(message.body).getInt(text(portal).length));
          } else {
            passOn(message);
          }
        }
        case 'C' -> {
          String name = message.text(1);
          if (message.body[0] == 'S' ? statements.remove(name) : portals.remove(name) != null) {
            answer(new Message('3', new byte[0]));
          } else {
            passOn(message);
          }
        }
        case 'Q', 'S' -> passOn(message);
        default -> write(upstream, message.bytes());
      }
    }

    private Cursor cursor(String portal) {
      Cursor cursor = portals.get(portal);
      if (cursor == null) {
        throw new IllegalStateException("no portal " + portal);
      }
      return cursor;
    }

    private void passOn(Message message) throws IOException {
      synchronized (this) {
        unanswered.add(message.type);
      }
      write(upstream, message.bytes());
    }

    /** Answers, behind what the server still has to answer. */
    private void answer(Message message) throws IOException {
      awaitServer();
      write(client, message.bytes());
    }

    private void awaitServer() throws IOException {
      synchronized (this) {
        if (unanswered.isEmpty()) {
          return;
        }
      }
      write(upstream, new Message('H', new byte[0]).bytes());
      synchronized (this) {
        while (!unanswered.isEmpty()) {
          try {
            wait();
          } catch (InterruptedException stopped) {
            throw new IOException(stopped);
          }
        }
      }
    }

    private void execute(Cursor cursor, int most) throws IOException {
      awaitServer();
      int[] starts = cursor.recording.starts;
      int rows = starts.length - 1;
      int end = most == 0 ? rows : Math.min(rows, cursor.row + most);
      write(
          client,
          cursor.recording.rows.slice(starts[cursor.row], starts[end] - starts[cursor.row]));
      boolean all = end < rows || (most > 0 && end - cursor.row == most);
      cursor.row = end;
      write(
          client,
          (all ? new Message('s', new byte[0]) : message('C', text("SELECT " + rows))).bytes());
    }

    private Recording recording(List<Short> formats) throws IOException {
      synchronized (recordings) {
        Recording known = recordings.get(formats);
        if (known == null) {
          known = record(startup, formats);
          recordings.put(formats, known);
        }
        return known;
      }
    }
  }

  private static List<Short> resultFormats(Message bind, int offset) {
    ByteBuffer body = ByteBuffer.wrap(bind.body).position(offset);
    body.position(body.position() + 2 + 2 * body.getShort(body.position()));
    if (body.getShort() != 0) {
      throw new IllegalStateException("the statement has no parameters");
    }
    Short[] formats = new Short[body.getShort()];
    for (int i = 0; i < formats.length; i++) {
      formats[i] = body.getShort();
    }
    return Arrays.asList(formats);
  }

  /** Asks the real server, on a connection like the client's. */
  private Recording record(byte[] startup, List<Short> formats) throws IOException {
    try (SocketChannel channel = SocketChannel.open(server)) {
      DataInputStream in = input(channel);
      write(channel, ByteBuffer.wrap(startup));
      while (Message.read(in).type != 'Z') {
        // Nobody is asked for a password here.
      }
      ByteBuffer codes =
          ByteBuffer.allocate(2 + 2 * formats.size()).putShort((short) formats.size());
      formats.forEach(codes::putShort);
      for (Message message :
          List.of(
              message('P', text(""), text(Workload.MILLION.sql), new byte[2]),
              message('B', text(""), text(""), new byte[4], codes.array()),
              message('D', new byte[] {'P'}, text("")),
              message('E', text(""), new byte[4]),
              new Message('S', new byte[0]))) {
        write(channel, message.bytes());
      }
      ByteBuffer rows = ByteBuffer.allocateDirect(256 << 20);
      int[] starts = new int[Workload.MILLION_ROWS + 1];
      int count = 0;
      byte[] description = {};
      while (true) {
        Message message = Message.read(in);
        if (message.type == 'T') {
          description = message.body;
        } else if (message.type == 'D') {
          rows.put(message.bytes());
          starts[++count] = rows.position();
        } else if (message.type == 'E') {
          throw new IOException(new String(message.body, StandardCharsets.UTF_8));
        } else if (message.type == 'Z') {
          return new Recording(rows.flip(), Arrays.copyOf(starts, count + 1), description);
        }
      }
    }
  }
}
