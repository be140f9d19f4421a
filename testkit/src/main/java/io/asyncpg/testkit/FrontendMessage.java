package io.asyncpg.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A message that a client sent: its type byte and its body. The packets before a connection has
 * message types have {@link #STARTUP} for one.
 */
@SuppressWarnings("ArrayRecordComponent")
public record FrontendMessage(char type, byte[] body) {
  /**
   * The type of packets that have none: StartupMessage, SSLRequest, GSSENCRequest, CancelRequest.
   */
  public static final char STARTUP = '*';

  static final int CANCEL_REQUEST = 80877102;
  static final int SSL_REQUEST = 80877103;
  static final int GSSENC_REQUEST = 80877104;

  /** The manual's name for it. */
  public String name() {
    return switch (type) {
      case STARTUP ->
          switch (startupCode()) {
            case CANCEL_REQUEST -> "CancelRequest";
            case SSL_REQUEST -> "SSLRequest";
            case GSSENC_REQUEST -> "GSSENCRequest";
            default -> "StartupMessage";
          };
      case 'P' -> "Parse";
      case 'B' -> "Bind";
      case 'D' -> "Describe";
      case 'E' -> "Execute";
      case 'S' -> "Sync";
      case 'H' -> "Flush";
      case 'C' -> "Close";
      case 'Q' -> "Query";
      case 'X' -> "Terminate";
      case 'p' -> "PasswordMessage";
      case 'd' -> "CopyData";
      case 'c' -> "CopyDone";
      case 'f' -> "CopyFail";
      case 'F' -> "FunctionCall";
      default -> "unknown message '" + type + "'";
    };
  }

  int startupCode() {
    return body.length < 4 ? 0 : ByteBuffer.wrap(body).getInt();
  }

  /** A cursor over the body, for what has no method here. */
  public Fields fields() {
    return new Fields(ByteBuffer.wrap(body));
  }

  /** The protocol version of a StartupMessage: the major in the upper 16 bits. */
  public int protocolVersion() {
    require("StartupMessage");
    return startupCode();
  }

  /** The parameters of a StartupMessage: user, database and what else was asked for. */
  public Map<String, String> startupParameters() {
    require("StartupMessage");
    Fields in = fields();
    in.int32();
    Map<String, String> parameters = new LinkedHashMap<>();
    for (String name = in.cString(); !name.isEmpty(); name = in.cString()) {
      parameters.put(name, in.cString());
    }
    return Collections.unmodifiableMap(parameters);
  }

  /** The SQL of a Query or Parse. */
  public String sql() {
    return type == 'Q' ? fields().cString() : parse().sql();
  }

  /** The reason of a CopyFail, or a password sent in clear or as MD5. */
  public String text() {
    return fields().cString();
  }

  /** What a Parse says. */
  public record Parse(String statement, String sql, List<Integer> typeOids) {}

  public Parse parse() {
    require("Parse");
    Fields in = fields();
    return new Parse(in.cString(), in.cString(), in.ints(in.int16(), 4));
  }

  /** What a Bind says. A parameter is null for NULL. */
  public record Bind(
      String portal,
      String statement,
      List<Integer> formats,
      List<byte @Nullable []> parameters,
      List<Integer> resultFormats) {}

  public Bind bind() {
    require("Bind");
    Fields in = fields();
    String portal = in.cString();
    String statement = in.cString();
    List<Integer> formats = in.ints(in.int16(), 2);
    List<byte @Nullable []> parameters = new ArrayList<>();
    int count = in.int16();
    for (int i = 0; i < count; i++) {
      int length = in.int32();
      parameters.add(length < 0 ? null : in.bytes(length));
    }
    return new Bind(portal, statement, formats, parameters, in.ints(in.int16(), 2));
  }

  /** What a Describe or Close names: a statement ({@code S}) or a portal ({@code P}). */
  public record Target(char kind, String name) {}

  public Target target() {
    if (type != 'D' && type != 'C') require("Describe or Close");
    Fields in = fields();
    return new Target((char) in.int8(), in.cString());
  }

  /** What an Execute says; 0 rows is no limit. */
  public record Execute(String portal, int maxRows) {}

  public Execute execute() {
    require("Execute");
    Fields in = fields();
    return new Execute(in.cString(), in.int32());
  }

  private void require(String wanted) {
    if (!name().equals(wanted)) throw new AssertionError("expected " + wanted + ", got " + this);
  }

  @Override
  public String toString() {
    String detail =
        switch (type) {
          case 'P', 'Q' -> " \"" + sql() + "\"";
          default -> "";
        };
    return name() + " " + body.length + detail;
  }

  /** Reads the body from its beginning. */
  public static final class Fields {
    private final ByteBuffer in;

    private Fields(ByteBuffer in) {
      this.in = in;
    }

    public int int8() {
      return in.get();
    }

    public int int16() {
      return Short.toUnsignedInt(in.getShort());
    }

    public int int32() {
      return in.getInt();
    }

    public byte[] bytes(int length) {
      byte[] bytes = new byte[length];
      in.get(bytes);
      return bytes;
    }

    public byte[] rest() {
      return bytes(in.remaining());
    }

    public String cString() {
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      for (int b = in.get(); b != 0; b = in.get()) text.write(b);
      return text.toString(UTF_8);
    }

    private List<Integer> ints(int count, int width) {
      List<Integer> ints = new ArrayList<>();
      for (int i = 0; i < count; i++) ints.add(width == 2 ? int16() : int32());
      return ints;
    }
  }
}
