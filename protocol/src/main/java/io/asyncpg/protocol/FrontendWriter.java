package io.asyncpg.protocol;

import io.asyncpg.protocol.FrontendMessage.Target;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Frames the client's messages into a buffer.
 *
 * <p>A message is written whole or not at all: everything that can be wrong with it, a NUL in a
 * string that ends with one, an unpaired surrogate, a length that does not fit, is found before its
 * first byte is written. Use {@link #mark} and {@link #reset} for requests of several messages.
 *
 * <p>Not thread-safe: it belongs to its connection's event loop.
 */
public final class FrontendWriter {
  private static final int SSL_REQUEST = 80877103;
  private static final int GSSENC_REQUEST = 80877104;
  private static final int CANCEL_REQUEST = 80877102;
  private static final byte[] NO_NAME = {0};

  /** PQ_LARGE_MESSAGE_LIMIT: behind a longer one the server closes the socket without a word. */
  private static final long LONGEST_FRAME = 0x3ffffffe;

  private static final byte[] SYNC = {'S', 0, 0, 0, 4};
  private static final byte[] EXECUTE_UNNAMED_AND_SYNC = {
    'E', 0, 0, 0, 9, 0, 0, 0, 0, 0, 'S', 0, 0, 0, 4
  };

  private ByteBuf out;

  /**
   * Creates a writer.
   *
   * @param out where the messages go
   */
  public FrontendWriter(ByteBuf out) {
    this.out = out;
  }

  /**
   * Goes on in another buffer.
   *
   * @param out where the messages go from now on
   */
  public void target(ByteBuf out) {
    this.out = out;
  }

  /**
   * Remembers the end of what has been written.
   *
   * @return a mark for {@link #reset}
   */
  public int mark() {
    return out.writerIndex();
  }

  /**
   * Takes back all that was written since the mark.
   *
   * @param mark what {@link #mark} gave, in the same buffer
   */
  public void reset(int mark) {
    out.writerIndex(mark);
  }

  /**
   * A statement's or portal's name as the wire has it, for {@link #bind}.
   *
   * @param name the name
   * @return its bytes, the ending NUL included
   */
  public static byte[] name(String name) {
    if (name.isEmpty()) {
      return NO_NAME;
    }
    checked("a name", name);
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    byte[] ended = new byte[utf8.length + 1];
    System.arraycopy(utf8, 0, ended, 0, utf8.length);
    return ended;
  }

  /**
   * Writes Bind.
   *
   * @param portal the portal's {@link #name}
   * @param statement the statement's {@link #name}
   * @param parameterFormats the count of format codes and the codes, as the wire has them
   * @param parameterCount how many parameters there are, at most 65,535
   * @param parameters their values, each behind its length, or -1 for NULL
   * @param length how many bytes of {@code parameters} are theirs
   * @param resultFormats the count of format codes and the codes, as the wire has them
   */
  public void bind(
      byte[] portal,
      byte[] statement,
      byte[] parameterFormats,
      int parameterCount,
      byte[] parameters,
      int length,
      byte[] resultFormats) {
    if (parameterCount > 0xffff) {
      throw new IllegalArgumentException(
          parameterCount + " parameters, but PostgreSQL takes 65535 at most");
    }
    long size =
        4L
            + portal.length
            + statement.length
            + parameterFormats.length
            + 2
            + length
            + resultFormats.length;
    frame('B', size, "Bind")
        .writeBytes(portal)
        .writeBytes(statement)
        .writeBytes(parameterFormats)
        .writeShort(parameterCount)
        .writeBytes(parameters, 0, length)
        .writeBytes(resultFormats);
  }

  /** Writes Execute of the unnamed portal, without limit, and Sync. */
  public void executeAndSync() {
    out.writeBytes(EXECUTE_UNNAMED_AND_SYNC);
  }

  /** Writes Sync. */
  public void sync() {
    out.writeBytes(SYNC);
  }

  /** Writes Flush. */
  public void flush() {
    frame('H', 4, "Flush");
  }

  /**
   * Writes Execute.
   *
   * @param portal the portal's {@link #name}
   * @param maxRows the most rows to return, 0 for all
   */
  public void execute(byte[] portal, int maxRows) {
    frame('E', 8L + portal.length, "Execute").writeBytes(portal).writeInt(maxRows);
  }

  /**
   * Writes Describe.
   *
   * @param target a statement or a portal
   * @param name its {@link #name}
   */
  public void describe(Target target, byte[] name) {
    frame('D', 5L + name.length, "Describe").writeByte(target.code()).writeBytes(name);
  }

  /**
   * Writes Close.
   *
   * @param target a statement or a portal
   * @param name its {@link #name}
   */
  public void close(Target target, byte[] name) {
    frame('C', 5L + name.length, "Close").writeByte(target.code()).writeBytes(name);
  }

  /**
   * Writes Parse.
   *
   * @param name the statement's {@link #name}
   * @param sql one SQL statement
   * @param parameterTypes type OIDs of the first parameters, 0 for those the server shall infer
   */
  public void parse(byte[] name, String sql, int[] parameterTypes) {
    if (parameterTypes.length > 0xffff) {
      throw new IllegalArgumentException(
          parameterTypes.length + " parameter types, but PostgreSQL takes 65535 at most");
    }
    byte[] text = utf8("the SQL", sql);
    ByteBuf frame =
        frame('P', 4L + name.length + text.length + 1 + 2 + 4L * parameterTypes.length, "Parse")
            .writeBytes(name)
            .writeBytes(text)
            .writeByte(0)
            .writeShort(parameterTypes.length);
    for (int oid : parameterTypes) {
      frame.writeInt(oid);
    }
  }

  /**
   * Writes Query.
   *
   * @param sql any number of SQL statements
   */
  public void query(String sql) {
    byte[] text = utf8("the SQL", sql);
    frame('Q', 4L + text.length + 1, "Query").writeBytes(text).writeByte(0);
  }

  /**
   * Writes CopyData.
   *
   * @param data holds the bytes
   * @param from where they begin
   * @param length how many they are
   */
  public void copyData(byte[] data, int from, int length) {
    frame('d', 4L + length, "CopyData").writeBytes(data, from, length);
  }

  /**
   * Writes any message.
   *
   * @param message the message
   * @throws IllegalArgumentException when it cannot be framed; nothing has been written then
   */
  public void write(FrontendMessage message) {
    if (message instanceof FrontendMessage.Bind m) {
      writeBind(m);
    } else if (message instanceof FrontendMessage.Execute m) {
      execute(name(m.portal()), m.maxRows());
    } else if (message instanceof FrontendMessage.Sync) {
      sync();
    } else if (message instanceof FrontendMessage.Parse m) {
      parse(name(m.name()), m.sql(), m.parameterTypes());
    } else if (message instanceof FrontendMessage.Describe m) {
      describe(m.target(), name(m.name()));
    } else if (message instanceof FrontendMessage.Close m) {
      close(m.target(), name(m.name()));
    } else if (message instanceof FrontendMessage.Query m) {
      query(m.sql());
    } else if (message instanceof FrontendMessage.CopyData m) {
      copyData(m.data(), 0, m.data().length);
    } else if (message instanceof FrontendMessage.CopyDone) {
      frame('c', 4, "CopyDone");
    } else if (message instanceof FrontendMessage.CopyFail m) {
      byte[] reason = utf8("the reason of a CopyFail", m.reason());
      frame('f', 4L + reason.length + 1, "CopyFail").writeBytes(reason).writeByte(0);
    } else if (message instanceof FrontendMessage.Flush) {
      flush();
    } else if (message instanceof FrontendMessage.Terminate) {
      frame('X', 4, "Terminate");
    } else if (message instanceof FrontendMessage.PasswordMessage m) {
      byte[] password = utf8("the password", m.password());
      frame('p', 4L + password.length + 1, "PasswordMessage").writeBytes(password).writeByte(0);
    } else if (message instanceof FrontendMessage.SASLInitialResponse m) {
      writeSaslInitialResponse(m.mechanism(), m.data());
    } else if (message instanceof FrontendMessage.SASLResponse m) {
      frame('p', 4L + m.data().length, "SASLResponse").writeBytes(m.data());
    } else if (message instanceof FrontendMessage.GSSResponse m) {
      frame('p', 4L + m.data().length, "GSSResponse").writeBytes(m.data());
    } else if (message instanceof FrontendMessage.StartupMessage m) {
      writeStartup(m.version(), m.parameters());
    } else if (message instanceof FrontendMessage.SSLRequest) {
      out.writeInt(8).writeInt(SSL_REQUEST);
    } else if (message instanceof FrontendMessage.GSSENCRequest) {
      out.writeInt(8).writeInt(GSSENC_REQUEST);
    } else if (message instanceof FrontendMessage.CancelRequest m) {
      byte[] key = m.secretKey();
      if (key.length < 4 || key.length > 256) {
        throw new IllegalArgumentException(
            "a cancel key of " + key.length + " bytes, where 4 to 256 are possible");
      }
      out.writeInt(12 + key.length)
          .writeInt(CANCEL_REQUEST)
          .writeInt(m.processId())
          .writeBytes(key);
    }
  }

  private void writeBind(FrontendMessage.Bind bind) {
    byte[] portal = name(bind.portal());
    byte[] statement = name(bind.statement());
    int count = bind.parameters().size();
    if (count > 0xffff) {
      throw new IllegalArgumentException(count + " parameters, but PostgreSQL takes 65535 at most");
    }
    long size =
        4L
            + portal.length
            + statement.length
            + 2
            + 2L * bind.parameterFormats().length
            + 2
            + 2
            + 2L * bind.resultFormats().length;
    for (byte[] parameter : bind.parameters()) {
      size += 4 + (parameter == null ? 0 : parameter.length);
    }
    frame('B', size, "Bind").writeBytes(portal).writeBytes(statement);
    writeFormats(bind.parameterFormats());
    out.writeShort(count);
    for (byte[] parameter : bind.parameters()) {
      if (parameter == null) {
        out.writeInt(-1);
      } else {
        out.writeInt(parameter.length).writeBytes(parameter);
      }
    }
    writeFormats(bind.resultFormats());
  }

  private void writeFormats(short[] formats) {
    out.writeShort(formats.length);
    for (short format : formats) {
      out.writeShort(format);
    }
  }

  private void writeSaslInitialResponse(String mechanism, byte @Nullable [] data) {
    byte[] name = name(mechanism);
    if (data == null) {
      frame('p', 8L + name.length, "SASLInitialResponse").writeBytes(name).writeInt(-1);
    } else {
      frame('p', 8L + name.length + data.length, "SASLInitialResponse")
          .writeBytes(name)
          .writeInt(data.length)
          .writeBytes(data);
    }
  }

  private void writeStartup(int version, Map<String, String> parameters) {
    long size = 9;
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      if (parameter.getKey().isEmpty()) {
        throw new IllegalArgumentException("a startup parameter without a name");
      }
      size += utf8("a startup parameter's name", parameter.getKey()).length + 1L;
      size += utf8("the setting " + parameter.getKey(), parameter.getValue()).length + 1L;
    }
    // The server drops a connection whose startup packet is longer (MAX_STARTUP_PACKET_LENGTH).
    if (size > 10_000) {
      throw new IllegalArgumentException(
          "a startup message of " + size + " bytes, but the server takes 10000 at most");
    }
    out.writeInt((int) size).writeInt(version);
    parameters.forEach(
        (name, value) -> {
          out.writeBytes(name.getBytes(StandardCharsets.UTF_8)).writeByte(0);
          out.writeBytes(value.getBytes(StandardCharsets.UTF_8)).writeByte(0);
        });
    out.writeByte(0);
  }

  /** Begins a frame; {@code length} is the frame's own, all but the type byte. */
  private ByteBuf frame(char type, long length, String what) {
    if (length > LONGEST_FRAME) {
      throw new IllegalArgumentException(
          what + " of " + length + " bytes, but PostgreSQL takes " + LONGEST_FRAME + " at most");
    }
    // The whole frame must fit now: growing in its middle could fail with half of it written.
    out.ensureWritable((int) length + 1);
    return out.writeByte(type).writeInt((int) length);
  }

  private static byte[] utf8(String what, String text) {
    checked(what, text);
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void checked(String what, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        throw new IllegalArgumentException(
            what + " has a NUL character at index " + i + ", which PostgreSQL cannot hold");
      }
      if (Character.isSurrogate(c)) {
        if (Character.isHighSurrogate(c)
            && i + 1 < text.length()
            && Character.isLowSurrogate(text.charAt(i + 1))) {
          i++;
        } else {
          throw new IllegalArgumentException(
              what + " has half of a surrogate pair at index " + i + ", which is no UTF-8");
        }
      }
    }
  }
}
