package io.asyncpg.protocol;

import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage.AuthenticationCleartextPassword;
import io.asyncpg.protocol.BackendMessage.AuthenticationGSS;
import io.asyncpg.protocol.BackendMessage.AuthenticationGSSContinue;
import io.asyncpg.protocol.BackendMessage.AuthenticationMD5Password;
import io.asyncpg.protocol.BackendMessage.AuthenticationOk;
import io.asyncpg.protocol.BackendMessage.AuthenticationSASL;
import io.asyncpg.protocol.BackendMessage.AuthenticationSASLContinue;
import io.asyncpg.protocol.BackendMessage.AuthenticationSASLFinal;
import io.asyncpg.protocol.BackendMessage.AuthenticationSSPI;
import io.asyncpg.protocol.BackendMessage.AuthenticationUnknown;
import io.asyncpg.protocol.BackendMessage.BackendKeyData;
import io.asyncpg.protocol.BackendMessage.BindComplete;
import io.asyncpg.protocol.BackendMessage.CloseComplete;
import io.asyncpg.protocol.BackendMessage.CopyBothResponse;
import io.asyncpg.protocol.BackendMessage.CopyDone;
import io.asyncpg.protocol.BackendMessage.CopyInResponse;
import io.asyncpg.protocol.BackendMessage.CopyOutResponse;
import io.asyncpg.protocol.BackendMessage.EmptyQueryResponse;
import io.asyncpg.protocol.BackendMessage.ErrorResponse;
import io.asyncpg.protocol.BackendMessage.Field;
import io.asyncpg.protocol.BackendMessage.NegotiateProtocolVersion;
import io.asyncpg.protocol.BackendMessage.NoData;
import io.asyncpg.protocol.BackendMessage.NoticeResponse;
import io.asyncpg.protocol.BackendMessage.NotificationResponse;
import io.asyncpg.protocol.BackendMessage.ParameterDescription;
import io.asyncpg.protocol.BackendMessage.ParameterStatus;
import io.asyncpg.protocol.BackendMessage.ParseComplete;
import io.asyncpg.protocol.BackendMessage.PortalSuspended;
import io.asyncpg.protocol.BackendMessage.RowDescription;
import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Cuts the server's bytes into messages and hands them to a {@link BackendHandler}.
 *
 * <p>Nothing the server says is believed before it is checked: a frame's length against the
 * maximum, every count and length inside it against what is left of the frame, and no array is made
 * larger than the bytes that have arrived. What does not fit is a {@link PgProtocolException}; the
 * reader is of no use after that.
 *
 * <p>Not thread-safe: it belongs to its connection's event loop.
 */
public final class BackendReader {
  //  +------+----------------+--------------------+
  //  | type | length (self+) | body: length - 4   |
  //  +------+----------------+--------------------+
  private static final int HEADER = 5;

  /** What stands before the value in a DataRow of one column: header, column count, length. */
  private static final int ONE_COLUMN = HEADER + 2 + 4;

  private static final int INITIAL_CAPACITY = 8 * 1024;
  private static final int RETAINED_CAPACITY = 256 * 1024;
  private static final int MAX_CAPACITY = Integer.MAX_VALUE - 8;

  /** What stands for an SQLSTATE that is none: an internal error. */
  private static final String NO_SQL_STATE = "XX000";

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);

  private static final ParseComplete PARSE_COMPLETE = new ParseComplete();
  private static final BindComplete BIND_COMPLETE = new BindComplete();
  private static final CloseComplete CLOSE_COMPLETE = new CloseComplete();
  private static final NoData NO_DATA = new NoData();
  private static final PortalSuspended PORTAL_SUSPENDED = new PortalSuspended();
  private static final EmptyQueryResponse EMPTY_QUERY = new EmptyQueryResponse();
  private static final CopyDone COPY_DONE = new CopyDone();

  /** The tags worth not making a new String for, the most frequent first. */
  private static final byte[][] TAG_BYTES;

  private static final String[] TAGS = {
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "FETCH",
    "COPY",
    "SET",
    "MERGE",
    "MOVE"
  };

  static {
    TAG_BYTES = new byte[TAGS.length][];
    for (int i = 0; i < TAGS.length; i++) {
      TAG_BYTES[i] = TAGS[i].getBytes(StandardCharsets.US_ASCII);
    }
  }

  private byte[] bytes = new byte[INITIAL_CAPACITY];
  private int start;
  private int end;
  private int maxFrameLength;

  // The frame being read: what is left of its body.
  private int at;
  private int frameEnd;

  /**
   * Creates a reader.
   *
   * @param maxFrameLength the longest frame accepted, in bytes, as the frame itself states it
   */
  public BackendReader(int maxFrameLength) {
    this.maxFrameLength = maxFrameLength;
  }

  /**
   * Changes the limit: messages before authentication are small.
   *
   * @param maxFrameLength the longest frame accepted from now on, in bytes
   */
  public void maxFrameLength(int maxFrameLength) {
    this.maxFrameLength = maxFrameLength;
  }

  /**
   * Takes all readable bytes of {@code in}; does not release it.
   *
   * @param in what came off the socket
   */
  public void feed(ByteBuf in) {
    int length = in.readableBytes();
    makeRoom(length);
    in.readBytes(bytes, end, length);
    end += length;
  }

  /**
   * Whether bytes are waiting that are not a whole message yet.
   *
   * @return true in the middle of a message
   */
  public boolean isInsideMessage() {
    return start < end;
  }

  /**
   * How many bytes are waiting that are not a whole message yet.
   *
   * @return 0 between messages
   */
  public int buffered() {
    return end - start;
  }

  /**
   * How many bytes the message that has come in part still lacks.
   *
   * @return 0 between messages, and before a message's length has come
   */
  public int missing() {
    int buffered = end - start;
    return buffered < HEADER ? 0 : (int) INT.get(bytes, start + 1) - (buffered - 1);
  }

  /**
   * Hands over every whole message fed so far.
   *
   * @param handler who is called
   * @throws PgProtocolException when what came is not the protocol
   */
  public void read(BackendHandler handler) {
    while (end - start >= HEADER) {
      int type = bytes[start];
      int length = (int) INT.get(bytes, start + 1);
      if (length < 4 || length > maxFrameLength) {
        throw badFrame(type, length, handler);
      }
      int next = start + 1 + length;
      if (next < 0 || next > end) {
        break;
      }
      if (type == 'D') {
        start = readRows(handler);
      } else {
        int body = start + HEADER;
        at = body;
        frameEnd = next;
        start = next; // first, so that a handler that feeds or fails finds the reader consistent
        readMessage(type, body, handler);
      }
    }
    if (start == end) {
      start = 0;
      end = 0;
      if (bytes.length > RETAINED_CAPACITY) {
        bytes = new byte[INITIAL_CAPACITY];
      }
    }
  }

  private void makeRoom(int length) {
    if (bytes.length - end >= length) {
      return;
    }
    int kept = end - start;
    if (bytes.length - kept >= length) {
      System.arraycopy(bytes, start, bytes, 0, kept);
    } else {
      long wanted = Math.max((long) kept + length, Math.min(2L * bytes.length, MAX_CAPACITY));
      if (wanted > MAX_CAPACITY) {
        throw new PgProtocolException(
            "more than " + MAX_CAPACITY + " bytes of one message", RetrySafety.UNKNOWN, null);
      }
      byte[] larger = new byte[(int) wanted];
      System.arraycopy(bytes, start, larger, 0, kept);
      bytes = larger;
    }
    start = 0;
    end = kept;
  }

  /** Reads as many whole DataRows as stand in a row, and says where the next frame begins. */
  private int readRows(BackendHandler handler) {
    final byte[] bytes = this.bytes;
    final int width = handler.rowWidth();
    int next = start;
    int count = 0;
    while (end - next >= HEADER && bytes[next] == 'D') {
      int length = (int) INT.get(bytes, next + 1);
      int frameEnd = next + 1 + length;
      if (length < 4 || length > maxFrameLength || frameEnd < 0 || frameEnd > end) {
        break; // incomplete, or for the caller to refuse
      }
      checkRow(bytes, next + HEADER, frameEnd, width, handler);
      int size = frameEnd - next;
      count++;
      if (width == 1) {
        // The next ones are mostly as long: then all before the value is the same, and is checked.
        long head = (long) LONG.get(bytes, next);
        long tail = (long) LONG.get(bytes, next + ONE_COLUMN - Long.BYTES);
        for (next = frameEnd;
            end - next >= size
                && (long) LONG.get(bytes, next) == head
                && (long) LONG.get(bytes, next + ONE_COLUMN - Long.BYTES) == tail;
            next += size) {
          count++;
        }
      } else {
        next = frameEnd;
      }
    }
    handler.dataRows(bytes, start, next, count);
    return next;
  }

  private static void checkRow(byte[] bytes, int from, int to, int width, BackendHandler handler) {
    if (to - from < 2) {
      throw broken("DataRow without a column count", handler);
    }
    int columns = Short.toUnsignedInt((short) SHORT.get(bytes, from));
    if (columns != width) {
      throw broken(
          "DataRow of " + columns + " columns where " + width + " were described", handler);
    }
    int at = from + 2;
    for (int i = 0; i < columns; i++) {
      if (to - at < 4) {
        throw broken("DataRow that ends before its column " + i, handler);
      }
      int length = (int) INT.get(bytes, at);
      at += 4;
      if (length < -1 || length > to - at) {
        throw broken("DataRow whose column " + i + " has length " + length, handler);
      }
      if (length > 0) {
        at += length;
      }
    }
    if (at != to) {
      throw broken("DataRow with " + (to - at) + " bytes behind its last column", handler);
    }
  }

  private void readMessage(int type, int body, BackendHandler handler) {
    switch (type) {
      case 'Z' -> {
        need(1, "ReadyForQuery", handler);
        TransactionStatus status =
            switch (bytes[at++]) {
              case 'I' -> TransactionStatus.IDLE;
              case 'T' -> TransactionStatus.IN_TRANSACTION;
              case 'E' -> TransactionStatus.FAILED;
              default -> throw broken("ReadyForQuery with an unknown status", handler);
            };
        mustEnd("ReadyForQuery", handler);
        handler.readyForQuery(status);
      }
      case 'C' -> readCommandComplete(handler);
      case '2' -> bare(BIND_COMPLETE, handler);
      case '1' -> bare(PARSE_COMPLETE, handler);
      case '3' -> bare(CLOSE_COMPLETE, handler);
      case 'n' -> bare(NO_DATA, handler);
      case 's' -> bare(PORTAL_SUSPENDED, handler);
      case 'I' -> bare(EMPTY_QUERY, handler);
      case 'c' -> bare(COPY_DONE, handler);
      case 'd' -> handler.copyData(bytes, body, frameEnd);
      case 'T' -> handler.message(rowDescription(handler));
      case 't' -> handler.message(parameterDescription(handler));
      case 'E' -> handler.message(new ErrorResponse(diagnostic("ErrorResponse", handler)));
      case 'N' -> handler.message(new NoticeResponse(diagnostic("NoticeResponse", handler)));
      case 'S' -> {
        ParameterStatus status =
            new ParameterStatus(
                cString("ParameterStatus", handler), cString("ParameterStatus", handler));
        mustEnd("ParameterStatus", handler);
        handler.message(status);
      }
      case 'A' -> {
        int processId = int32("NotificationResponse", handler);
        NotificationResponse notification =
            new NotificationResponse(
                processId,
                cString("NotificationResponse", handler),
                cString("NotificationResponse", handler));
        mustEnd("NotificationResponse", handler);
        handler.message(notification);
      }
      case 'K' -> {
        int processId = int32("BackendKeyData", handler);
        byte[] key = rest();
        if (key.length < 4 || key.length > 256) {
          throw broken("BackendKeyData with a key of " + key.length + " bytes", handler);
        }
        handler.message(new BackendKeyData(processId, key));
      }
      case 'R' -> handler.message(authentication(handler));
      case 'G' -> {
        boolean binary = copyFormat("CopyInResponse", handler);
        handler.message(new CopyInResponse(binary, columnFormats("CopyInResponse", handler)));
      }
      case 'H' -> {
        boolean binary = copyFormat("CopyOutResponse", handler);
        handler.message(new CopyOutResponse(binary, columnFormats("CopyOutResponse", handler)));
      }
      case 'W' -> {
        boolean binary = copyFormat("CopyBothResponse", handler);
        handler.message(new CopyBothResponse(binary, columnFormats("CopyBothResponse", handler)));
      }
      case 'v' -> handler.message(negotiateProtocolVersion(handler));
      default ->
          throw broken(
              String.format("a message of unknown type 0x%02x (%s)", type & 0xff, printable(type)),
              handler);
    }
  }

  private void readCommandComplete(BackendHandler handler) {
    // "SELECT 5", "INSERT 0 5" (the 0 was an OID once), "CREATE TABLE".
    int stop = endOfString("CommandComplete", handler);
    int from = at;
    int to = stop;
    long rows = 0;
    int digits = to;
    while (digits > from && isDigit(bytes[digits - 1])) {
      digits--;
    }
    if (digits < to && digits > from && bytes[digits - 1] == ' ' && to - digits <= 18) {
      for (int i = digits; i < to; i++) {
        rows = rows * 10 + (bytes[i] - '0');
      }
      to = digits - 1;
      int oid = to;
      while (oid > from && isDigit(bytes[oid - 1])) {
        oid--;
      }
      if (oid < to && oid > from && bytes[oid - 1] == ' ') {
        to = oid - 1;
      }
    }
    at = stop + 1;
    mustEnd("CommandComplete", handler);
    handler.commandComplete(tag(from, to), rows);
  }

  private String tag(int from, int to) {
    for (int i = 0; i < TAG_BYTES.length; i++) {
      byte[] tag = TAG_BYTES[i];
      if (tag.length == to - from && Arrays.equals(tag, 0, tag.length, bytes, from, to)) {
        return TAGS[i];
      }
    }
    return new String(bytes, from, to - from, StandardCharsets.UTF_8);
  }

  private BackendMessage.Authentication authentication(BackendHandler handler) {
    int code = int32("Authentication", handler);
    BackendMessage.Authentication message =
        switch (code) {
          case 0 -> new AuthenticationOk();
          case 3 -> new AuthenticationCleartextPassword();
          case 5 -> {
            need(4, "AuthenticationMD5Password", handler);
            byte[] salt = Arrays.copyOfRange(bytes, at, at + 4);
            at += 4;
            yield new AuthenticationMD5Password(salt);
          }
          case 7 -> new AuthenticationGSS();
          case 8 -> new AuthenticationGSSContinue(rest());
          case 9 -> new AuthenticationSSPI();
          case 10 -> {
            List<String> mechanisms = new ArrayList<>();
            String mechanism = cString("AuthenticationSASL", handler);
            while (!mechanism.isEmpty()) {
              mechanisms.add(mechanism);
              mechanism = cString("AuthenticationSASL", handler);
            }
            yield new AuthenticationSASL(List.copyOf(mechanisms));
          }
          case 11 -> new AuthenticationSASLContinue(rest());
          case 12 -> new AuthenticationSASLFinal(rest());
          default -> {
            at = frameEnd;
            yield new AuthenticationUnknown(code);
          }
        };
    mustEnd("Authentication", handler);
    return message;
  }

  private RowDescription rowDescription(BackendHandler handler) {
    int count = int16("RowDescription", handler);
    need(count * 19L, "RowDescription of " + count + " columns", handler);
    List<Field> fields = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      String name = cString("RowDescription", handler);
      need(18, "RowDescription", handler);
      fields.add(
          new Field(
              name,
              (int) INT.get(bytes, at),
              (short) SHORT.get(bytes, at + 4),
              (int) INT.get(bytes, at + 6),
              (short) SHORT.get(bytes, at + 10),
              (int) INT.get(bytes, at + 12),
              (short) SHORT.get(bytes, at + 16)));
      at += 18;
    }
    mustEnd("RowDescription", handler);
    return new RowDescription(List.copyOf(fields));
  }

  private ParameterDescription parameterDescription(BackendHandler handler) {
    int count = int16("ParameterDescription", handler);
    need(count * 4L, "ParameterDescription of " + count + " parameters", handler);
    int[] oids = new int[count];
    for (int i = 0; i < count; i++) {
      oids[i] = int32("ParameterDescription", handler);
    }
    mustEnd("ParameterDescription", handler);
    return new ParameterDescription(oids);
  }

  private NegotiateProtocolVersion negotiateProtocolVersion(BackendHandler handler) {
    String what = "NegotiateProtocolVersion";
    int version = int32(what, handler);
    int count = int32(what, handler);
    if (count < 0 || count > frameEnd - at) {
      throw broken(what + " of " + count + " options", handler);
    }
    List<String> options = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      options.add(cString(what, handler));
    }
    mustEnd(what, handler);
    return new NegotiateProtocolVersion(version, List.copyOf(options));
  }

  private boolean copyFormat(String what, BackendHandler handler) {
    need(1, what, handler);
    return bytes[at++] != 0;
  }

  private List<Short> columnFormats(String what, BackendHandler handler) {
    int count = int16(what, handler);
    need(count * 2L, what + " of " + count + " columns", handler);
    Short[] formats = new Short[count];
    for (int i = 0; i < count; i++) {
      formats[i] = (short) SHORT.get(bytes, at);
      at += 2;
    }
    mustEnd(what, handler);
    return List.of(formats);
  }

  private Diagnostic diagnostic(String what, BackendHandler handler) {
    String severity = null;
    String localizedSeverity = null;
    String sqlState = null;
    String message = null;
    String detail = null;
    String hint = null;
    int position = 0;
    int internalPosition = 0;
    String internalQuery = null;
    String context = null;
    String schema = null;
    String table = null;
    String column = null;
    String dataType = null;
    String constraint = null;
    String file = null;
    int line = 0;
    String routine = null;
    while (true) {
      need(1, what, handler);
      byte code = bytes[at++];
      if (code == 0) {
        break;
      }
      String value = cString(what, handler);
      switch (code) {
        case 'S' -> localizedSeverity = value;
        case 'V' -> severity = value;
        case 'C' -> sqlState = value;
        case 'M' -> message = value;
        case 'D' -> detail = value;
        case 'H' -> hint = value;
        case 'P' -> position = number(value);
        case 'p' -> internalPosition = number(value);
        case 'q' -> internalQuery = value;
        case 'W' -> context = value;
        case 's' -> schema = value;
        case 't' -> table = value;
        case 'c' -> column = value;
        case 'd' -> dataType = value;
        case 'n' -> constraint = value;
        case 'F' -> file = value;
        case 'L' -> line = number(value);
        case 'R' -> routine = value;
        default -> {
          // "Frontends should silently ignore fields of unrecognized type."
        }
      }
    }
    mustEnd(what, handler);
    String shown = orElse(localizedSeverity, orElse(severity, "ERROR"));
    return new Diagnostic(
        orElse(severity, shown),
        shown,
        asSqlState(sqlState),
        orElse(message, ""),
        detail,
        hint,
        position,
        internalPosition,
        internalQuery,
        context,
        schema,
        table,
        column,
        dataType,
        constraint,
        file,
        line,
        routine);
  }

  /** Five digits and capital letters: others rely on that. Whatever else is an internal error. */
  private static String asSqlState(@Nullable String value) {
    if (value == null || value.length() != 5) {
      return NO_SQL_STATE;
    }
    for (int i = 0; i < 5; i++) {
      char c = value.charAt(i);
      if ((c < '0' || c > '9') && (c < 'A' || c > 'Z')) {
        return NO_SQL_STATE;
      }
    }
    return value;
  }

  private static String orElse(@Nullable String value, String otherwise) {
    return value == null ? otherwise : value;
  }

  /** A position or line of the server; 0 when it is no number, as it is only told, never used. */
  private static int number(String digits) {
    try {
      return Math.max(0, Integer.parseInt(digits));
    } catch (NumberFormatException notANumber) {
      return 0;
    }
  }

  private void bare(BackendMessage message, BackendHandler handler) {
    mustEnd(message.getClass().getSimpleName(), handler);
    handler.message(message);
  }

  private byte[] rest() {
    byte[] rest = Arrays.copyOfRange(bytes, at, frameEnd);
    at = frameEnd;
    return rest;
  }

  private int int32(String what, BackendHandler handler) {
    need(4, what, handler);
    int value = (int) INT.get(bytes, at);
    at += 4;
    return value;
  }

  private int int16(String what, BackendHandler handler) {
    need(2, what, handler);
    int value = Short.toUnsignedInt((short) SHORT.get(bytes, at));
    at += 2;
    return value;
  }

  private int endOfString(String what, BackendHandler handler) {
    int stop = at;
    while (stop < frameEnd && bytes[stop] != 0) {
      stop++;
    }
    if (stop >= frameEnd) {
      throw broken(what + " with a string that does not end", handler);
    }
    return stop;
  }

  private String cString(String what, BackendHandler handler) {
    int stop = endOfString(what, handler);
    String value = new String(bytes, at, stop - at, StandardCharsets.UTF_8);
    at = stop + 1;
    return value;
  }

  private void need(long length, String what, BackendHandler handler) {
    if (length > frameEnd - at) {
      throw broken(what + " that ends too early", handler);
    }
  }

  private void mustEnd(String what, BackendHandler handler) {
    if (at != frameEnd) {
      throw broken(what + " with " + (frameEnd - at) + " bytes too many", handler);
    }
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }

  private static String printable(int type) {
    return type >= ' ' && type < 127 ? "'" + (char) type + "'" : "not printable";
  }

  private PgProtocolException badFrame(int type, int length, BackendHandler handler) {
    return broken(
        String.format(
            "a message of type 0x%02x (%s) and length %d, where 4 to %d is allowed",
            type & 0xff, printable(type), length, maxFrameLength),
        handler);
  }

  private static PgProtocolException broken(String what, BackendHandler handler) {
    return new PgProtocolException(
        "the server sent " + what + " " + handler.doing(), RetrySafety.UNKNOWN, null);
  }
}
