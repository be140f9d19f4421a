package io.asyncpg.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.asyncpg.error.PgException;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Protocol messages as text, one line each, in the format of libpq's trace (manual, "PQtrace"):
 * F(rontend) or B(ackend), the length, the name and the fields, with tabs between the four.
 *
 * <pre>
 * F	21	Bind	 "" "s3" 1 1 1 4 1 1
 * B	15	DataRow	 1 4
 * B	13	CommandComplete	 "SELECT 1"
 * B	5	ReadyForQuery	 I
 * </pre>
 *
 * It differs from libpq where a log has to. Passwords, SASL messages and cancel keys are never
 * shown, only how long they are: {@code <32 bytes>}; string literals that follow the word PASSWORD
 * in SQL are covered. Values of parameters and rows are shown as their length only, unless asked
 * for. What cannot be printed is written {@code \x0a}, also in strings, so that a message stays on
 * its line; long fields are cut.
 *
 * <p>It reads raw bytes on its own, believes none of them, and throws at nothing. Immutable; any
 * thread may use it.
 */
public final class MessageLog {
  private static final MessageLog LENGTHS_ONLY = new MessageLog(false);
  private static final MessageLog WITH_VALUES = new MessageLog(true);

  /** How much of one field is shown, in bytes. */
  private static final int SHOWN = 2_000;

  private static final int TYPE_AND_LENGTH = 5;
  private static final int LENGTH = 4;

  // The second half of an Int32 whose first half, 1234, no protocol version will ever have.
  private static final int CANCEL = 5678;
  private static final int SSL = 5679;
  private static final int GSS = 5680;
  private static final int REQUEST = 1234;

  private final boolean values;

  private MessageLog(boolean values) {
    this.values = values;
  }

  /**
   * One that shows how long values are, and no value.
   *
   * @return the one for production
   */
  public static MessageLog lengthsOnly() {
    return LENGTHS_ONLY;
  }

  /**
   * One that shows the values of parameters, rows and COPY data too, as libpq does. Passwords and
   * keys stay hidden.
   *
   * @return the one for a developer's own data
   */
  public static MessageLog withValues() {
    return WITH_VALUES;
  }

  /**
   * Messages from the client, each with its type byte.
   *
   * @param bytes holds the messages
   * @param from where the first one begins
   * @param to where the last one ends
   * @param lines takes a line for each, without a line break
   * @throws IndexOutOfBoundsException if {@code from} and {@code to} are not within {@code bytes}
   */
  public void frontend(byte[] bytes, int from, int to, Consumer<String> lines) {
    messages('F', bytes, from, to, lines);
  }

  /**
   * Messages from the server, each with its type byte.
   *
   * @param bytes holds the messages
   * @param from where the first one begins
   * @param to where the last one ends
   * @param lines takes a line for each, without a line break
   * @throws IndexOutOfBoundsException if {@code from} and {@code to} are not within {@code bytes}
   */
  public void backend(byte[] bytes, int from, int to, Consumer<String> lines) {
    messages('B', bytes, from, to, lines);
  }

  /**
   * The messages from the client that have no type byte: StartupMessage, SSLRequest, GSSENCRequest
   * and CancelRequest.
   *
   * @param bytes holds the messages
   * @param from where the first one begins
   * @param to where the last one ends
   * @param lines takes a line for each, without a line break
   * @throws IndexOutOfBoundsException if {@code from} and {@code to} are not within {@code bytes}
   */
  public void startup(byte[] bytes, int from, int to, Consumer<String> lines) {
    int at = Objects.checkFromToIndex(from, to, bytes.length);
    while (at < to) {
      Line line = new Line(bytes, at, to, LENGTH);
      line.startupPacket();
      lines.accept(line.end());
      at = line.messageEnd;
    }
  }

  /**
   * The server's one byte in answer to an SSLRequest.
   *
   * @param answer S, N, or something that no server should send
   * @param lines takes the line, without a line break
   */
  public void sslResponse(byte answer, Consumer<String> lines) {
    Line line = new Line(new byte[] {answer}, 0, 1, 0);
    line.out.append("B\t1\tSSLResponse\t");
    line.byte1();
    lines.accept(line.end());
  }

  private void messages(char direction, byte[] bytes, int from, int to, Consumer<String> lines) {
    int at = Objects.checkFromToIndex(from, to, bytes.length);
    while (at < to) {
      Line line = new Line(bytes, at, to, TYPE_AND_LENGTH);
      line.message(direction, (char) (bytes[at] & 0xff));
      lines.accept(line.end());
      at = line.messageEnd;
    }
  }

  /** One message on its way into one line: a cursor over its bytes, and the text so far. */
  private final class Line {
    private final StringBuilder out = new StringBuilder(80);
    private final byte[] bytes;
    private final int declared;
    private final int lengthAt;
    private final int messageEnd;
    private final int available;
    private int at;
    private boolean cutShort;

    /**
     * @param header how many bytes come before the body: with the length, with the type, or none
     */
    Line(byte[] bytes, int from, int to, int header) {
      this.bytes = bytes;
      this.available = to - from;
      this.lengthAt = Math.max(from, from + header - LENGTH);
      if (header == 0) {
        declared = 1;
        messageEnd = to;
      } else if (available < header) {
        declared = -1;
        messageEnd = to;
      } else {
        declared = intAt(lengthAt);
        int present = to - lengthAt;
        messageEnd = declared < LENGTH || declared > present ? to : lengthAt + declared;
      }
      at = Math.min(from + header, messageEnd);
    }

    private int intAt(int index) {
      return (bytes[index] & 0xff) << 24
          | (bytes[index + 1] & 0xff) << 16
          | (bytes[index + 2] & 0xff) << 8
          | (bytes[index + 3] & 0xff);
    }

    private boolean head(char direction) {
      out.append(direction).append('\t');
      if (declared < LENGTH) {
        out.append(declared < 0 && available < TYPE_AND_LENGTH ? "?" : declared);
        out.append("\tMalformed <").append(available).append(" bytes>");
        at = messageEnd;
        return false;
      }
      out.append(declared).append('\t');
      return true;
    }

    private String end() {
      if (messageEnd - lengthAt < declared) {
        out.append(" (cut off after ").append(messageEnd - lengthAt).append(" bytes)");
      } else if (cutShort) {
        out.append(" (message ends here)");
      } else if (at < messageEnd) {
        out.append(" (").append(messageEnd - at).append(" bytes more)");
      }
      return out.toString();
    }

    // What is in which message (manual, "Message Formats").

    private void startupPacket() {
      if (!head('F')) {
        return;
      }
      int major = messageEnd - at >= 4 ? intAt(at) >>> 16 : -1;
      int minor = messageEnd - at >= 4 ? intAt(at) & 0xffff : -1;
      if (major == REQUEST && minor == CANCEL) {
        out.append("CancelRequest\t");
        int16().int16().int32().secret();
      } else if (major == REQUEST && minor == SSL) {
        out.append("SSLRequest\t");
        int16().int16();
      } else if (major == REQUEST && minor == GSS) {
        out.append("GSSENCRequest\t");
        int16().int16();
      } else {
        out.append("StartupMessage\t");
        int16().int16();
        while (!cutShort && at < messageEnd && bytes[at] != 0) {
          string().string();
        }
        terminator();
      }
    }

    private void message(char direction, char type) {
      if (!head(direction)) {
        return;
      }
      if (direction == 'F') {
        request(type);
      } else {
        answer(type);
      }
    }

    private void request(char type) {
      switch (type) {
        case 'B' -> {
          out.append("Bind\t");
          string().string().int16s(int16Count()).fields(int16Count()).int16s(int16Count());
        }
        case 'C' -> {
          out.append("Close\t");
          byte1().string();
        }
        case 'D' -> {
          out.append("Describe\t");
          byte1().string();
        }
        case 'E' -> {
          out.append("Execute\t");
          string().int32();
        }
        case 'H' -> out.append("Flush");
        case 'P' -> {
          out.append("Parse\t");
          string().string().int32s(int16Count());
        }
        case 'p' -> password();
        case 'Q' -> {
          out.append("Query\t");
          string();
        }
        case 'S' -> out.append("Sync");
        case 'X' -> out.append("Terminate");
        case 'c' -> out.append("CopyDone");
        case 'd' -> copyData();
        case 'f' -> {
          out.append("CopyFail\t");
          string();
        }
        default -> unknown(type);
      }
    }

    private void answer(char type) {
      switch (type) {
        case '1' -> out.append("ParseComplete");
        case '2' -> out.append("BindComplete");
        case '3' -> out.append("CloseComplete");
        case 'A' -> {
          out.append("NotificationResponse\t");
          int32().string().string();
        }
        case 'C' -> {
          out.append("CommandComplete\t");
          string();
        }
        case 'D' -> {
          out.append("DataRow\t");
          fields(int16Count());
        }
        case 'E' -> {
          out.append("ErrorResponse\t");
          diagnostic();
        }
        case 'G' -> {
          out.append("CopyInResponse\t");
          byte1().int16s(int16Count());
        }
        case 'H' -> {
          out.append("CopyOutResponse\t");
          byte1().int16s(int16Count());
        }
        case 'I' -> out.append("EmptyQueryResponse");
        case 'K' -> {
          out.append("BackendKeyData\t");
          int32().secret();
        }
        case 'N' -> {
          out.append("NoticeResponse\t");
          diagnostic();
        }
        case 'R' -> authentication();
        case 'S' -> {
          out.append("ParameterStatus\t");
          string().string();
        }
        case 'T' -> {
          out.append("RowDescription\t");
          int columns = int16Count();
          for (int i = 0; i < columns && !cutShort; i++) {
            string().int32().int16().int32().int16().int32().int16();
          }
        }
        case 'W' -> {
          out.append("CopyBothResponse\t");
          byte1().int16s(int16Count());
        }
        case 'Z' -> {
          out.append("ReadyForQuery\t");
          byte1();
        }
        case 'c' -> out.append("CopyDone");
        case 'd' -> copyData();
        case 'n' -> out.append("NoData");
        case 's' -> out.append("PortalSuspended");
        case 't' -> {
          out.append("ParameterDescription\t");
          int32s(int16Count());
        }
        case 'v' -> {
          out.append("NegotiateProtocolVersion\t");
          int32();
          int options = int32Count();
          for (int i = 0; i < options && !cutShort; i++) {
            string();
          }
        }
        default -> unknown(type);
      }
    }

    private void unknown(char type) {
      out.append("Unknown message: ").append(hex(type));
    }

    private void authentication() {
      if (messageEnd - at < 4) {
        out.append("Authentication");
        cutShort = true;
        return;
      }
      int kind = intAt(at);
      at += 4;
      switch (kind) {
        case 0 -> out.append("AuthenticationOk");
        case 3 -> out.append("AuthenticationCleartextPassword");
        case 5 -> {
          out.append("AuthenticationMD5Password\t");
          secret();
        }
        case 7 -> out.append("AuthenticationGSS");
        case 8 -> {
          out.append("AuthenticationGSSContinue\t");
          secret();
        }
        case 9 -> out.append("AuthenticationSSPI");
        case 10 -> {
          out.append("AuthenticationSASL\t");
          while (!cutShort && at < messageEnd && bytes[at] != 0) {
            string();
          }
          string();
        }
        case 11 -> {
          out.append("AuthenticationSASLContinue\t");
          secret();
        }
        case 12 -> {
          out.append("AuthenticationSASLFinal\t");
          secret();
        }
        default -> out.append("Unknown authentication message ").append(kind);
      }
    }

    /**
     * Four messages share one type byte, and which it is shows only in what went before or, well
     * enough for a log, in the shape: a password is a string and nothing else, a
     * SASLInitialResponse a name and data with its length, everything else a SASLResponse or
     * GSSResponse.
     */
    private void password() {
      int zero = at;
      while (zero < messageEnd && bytes[zero] != 0) {
        zero++;
      }
      int rest = messageEnd - zero - 1;
      if (rest == 0) {
        out.append("PasswordMessage\t");
      } else if (rest >= 4 && (intAt(zero + 1) == rest - 4 || intAt(zero + 1) == -1)) {
        out.append("SASLInitialResponse\t");
        string();
        at += 4;
      } else {
        out.append("SASLResponse\t");
      }
      secret();
    }

    private void copyData() {
      out.append("CopyData\t");
      bytes(messageEnd - at, true);
    }

    private void diagnostic() {
      while (!cutShort) {
        boolean last = at < messageEnd && bytes[at] == 0;
        byte1();
        if (last) {
          return;
        }
        string();
      }
    }

    // The kinds of fields, each printed as libpq does.

    private boolean has(int count) {
      if (messageEnd - at < count) {
        at = messageEnd;
        cutShort = true;
      }
      return !cutShort;
    }

    private Line byte1() {
      if (has(1)) {
        char c = (char) (bytes[at++] & 0xff);
        out.append(' ');
        if (printable(c)) {
          out.append(c);
        } else {
          out.append("\\x").append(hex(c));
        }
      }
      return this;
    }

    private Line int16() {
      int16Count();
      return this;
    }

    private Line int32() {
      int32Count();
      return this;
    }

    /** Prints an unsigned Int16; 0 when there is none, so that loops end. */
    private int int16Count() {
      if (!has(2)) {
        return 0;
      }
      int value = (bytes[at] & 0xff) << 8 | (bytes[at + 1] & 0xff);
      at += 2;
      out.append(' ').append(value);
      return value;
    }

    private int int32Count() {
      if (!has(4)) {
        return 0;
      }
      int value = intAt(at);
      at += 4;
      out.append(' ').append(value);
      return value;
    }

    private Line int16s(int count) {
      for (int i = 0; i < count && !cutShort; i++) {
        int16();
      }
      return this;
    }

    private void int32s(int count) {
      for (int i = 0; i < count && !cutShort; i++) {
        int32();
      }
    }

    /** Values of parameters or columns: each its length, and the bytes if they are asked for. */
    private Line fields(int count) {
      for (int i = 0; i < count && !cutShort; i++) {
        int length = int32Count();
        if (length > 0 || (length == 0 && values)) {
          bytes(length, false);
        } else if (length < -1) {
          at = messageEnd;
          cutShort = true;
        }
      }
      return this;
    }

    private void bytes(int count, boolean sayLength) {
      if (!has(count)) {
        return;
      }
      if (values) {
        out.append(" '");
        for (int i = 0; i < Math.min(count, SHOWN); i++) {
          char c = (char) (bytes[at + i] & 0xff);
          if (printable(c)) {
            out.append(c);
          } else {
            out.append("\\x").append(hex(c));
          }
        }
        cut(count).append('\'');
      } else if (sayLength) {
        length(count);
      }
      at += count;
    }

    private Line string() {
      if (!has(1)) {
        return this;
      }
      int zero = at;
      while (zero < messageEnd && bytes[zero] != 0) {
        zero++;
      }
      int shown = Math.min(zero - at, SHOWN);
      String text = new String(bytes, at, shown, UTF_8);
      out.append(" \"");
      PgException.withoutPasswords(text).codePoints().forEach(this::character);
      cut(zero - at).append('"');
      at = zero;
      terminator();
      return this;
    }

    private void terminator() {
      if (has(1)) {
        at++;
      }
    }

    private void character(int c) {
      if (Character.isISOControl(c)) {
        out.append("\\x").append(hex((char) c));
      } else if (c == 0x2028 || c == 0x2029) {
        out.append("\\u").append(Integer.toHexString(c));
      } else {
        out.appendCodePoint(c);
      }
    }

    /** The rest of the message is nobody's business. */
    private void secret() {
      length(messageEnd - at);
      at = messageEnd;
    }

    private void length(int count) {
      out.append(" <").append(count).append(" bytes>");
    }

    private StringBuilder cut(int whole) {
      return whole <= SHOWN ? out : out.append("… <").append(whole).append(" bytes>");
    }

    private static boolean printable(char c) {
      return c >= ' ' && c < 0x7f;
    }

    private static String hex(char c) {
      return Integer.toHexString(0x100 | c).substring(1);
    }
  }
}
