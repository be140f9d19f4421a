package io.asyncpg.testkit;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The messages a server sends, byte for byte as the manual's "Message Formats" draws them, for a
 * {@link ScriptedServer} to send. Written apart from the client's own reader, so that the two can
 * disagree.
 *
 * <pre>
 *  +------+----------------+--------------------+
 *  | type | length (self+) | body: length - 4   |
 *  +------+----------------+--------------------+
 * </pre>
 */
public final class Backend {
  private static final int INT4 = 23;
  private static final int INT8 = 20;
  private static final int BOOL = 16;
  private static final int FLOAT8 = 701;

  private Backend() {}

  /** Any message, with its true length. */
  public static byte[] raw(char type, byte... body) {
    return lying(type, body.length + 4, body);
  }

  /** A message whose length field says what it likes. */
  public static byte[] lying(char type, int length, byte... body) {
    return ByteBuffer.allocate(5 + body.length).put((byte) type).putInt(length).put(body).array();
  }

  /** Several messages as one run of bytes. */
  public static byte[] concat(byte[]... messages) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] message : messages) all.writeBytes(message);
    return all.toByteArray();
  }

  public static byte[] authenticationOk() {
    return authentication(0);
  }

  public static byte[] authenticationCleartextPassword() {
    return authentication(3);
  }

  public static byte[] authenticationMd5Password(byte... salt) {
    return authentication(5, salt);
  }

  public static byte[] authenticationSasl(String... mechanisms) {
    Body body = new Body();
    for (String mechanism : mechanisms) body.cString(mechanism);
    return authentication(10, body.int8(0).bytes());
  }

  public static byte[] authenticationSaslContinue(String data) {
    return authentication(11, data.getBytes(UTF_8));
  }

  public static byte[] authenticationSaslFinal(String data) {
    return authentication(12, data.getBytes(UTF_8));
  }

  /** A request of this number, known or not. */
  public static byte[] authentication(int request, byte... data) {
    return new Body().int32(request).raw(data).as('R');
  }

  public static byte[] negotiateProtocolVersion(int newestMinor, String... unknownOptions) {
    Body body = new Body().int32(newestMinor).int32(unknownOptions.length);
    for (String option : unknownOptions) body.cString(option);
    return body.as('v');
  }

  public static byte[] parameterStatus(String name, String value) {
    return new Body().cString(name).cString(value).as('S');
  }

  public static byte[] backendKeyData(int processId, int key) {
    return new Body().int32(processId).int32(key).as('K');
  }

  /** The key of protocol 3.2: 4 to 256 bytes. */
  public static byte[] backendKeyData(int processId, byte[] key) {
    return new Body().int32(processId).raw(key).as('K');
  }

  /** {@code I} idle, {@code T} in a transaction, {@code E} in a failed one. */
  public static byte[] readyForQuery(char status) {
    return new Body().int8(status).as('Z');
  }

  public static byte[] parseComplete() {
    return raw('1');
  }

  public static byte[] bindComplete() {
    return raw('2');
  }

  public static byte[] closeComplete() {
    return raw('3');
  }

  public static byte[] noData() {
    return raw('n');
  }

  public static byte[] portalSuspended() {
    return raw('s');
  }

  public static byte[] emptyQueryResponse() {
    return raw('I');
  }

  public static byte[] parameterDescription(int... typeOids) {
    Body body = new Body().int16(typeOids.length);
    for (int oid : typeOids) body.int32(oid);
    return body.as('t');
  }

  /** A column of a {@link #rowDescription}; format 0 is text, 1 is binary. */
  public record Column(
      String name, int tableOid, int attribute, int typeOid, int typeSize, int typmod, int format) {
    /** The same in the binary format. */
    public Column binary() {
      return new Column(name, tableOid, attribute, typeOid, typeSize, typmod, 1);
    }
  }

  /** A column of no table, in the text format. */
  public static Column column(String name, int typeOid) {
    int size =
        switch (typeOid) {
          case BOOL -> 1;
          case INT4 -> 4;
          case INT8, FLOAT8 -> 8;
          default -> -1;
        };
    return new Column(name, 0, 0, typeOid, size, -1, 0);
  }

  public static byte[] rowDescription(Column... columns) {
    Body body = new Body().int16(columns.length);
    for (Column column : columns) {
      body.cString(column.name)
          .int32(column.tableOid)
          .int16(column.attribute)
          .int32(column.typeOid)
          .int16(column.typeSize)
          .int32(column.typmod)
          .int16(column.format);
    }
    return body.as('T');
  }

  /** A row of these values, as they are; null is NULL. */
  public static byte[] dataRow(byte[] @Nullable ... values) {
    Body body = new Body().int16(values.length);
    for (byte @Nullable [] value : values) {
      if (value == null) body.int32(-1);
      else body.int32(value.length).raw(value);
    }
    return body.as('D');
  }

  /** A row of values in the text format; null is NULL. */
  public static byte[] textRow(@Nullable String... values) {
    Body body = new Body().int16(values.length);
    for (@Nullable String value : values) {
      if (value == null) body.int32(-1);
      else body.int32(value.getBytes(UTF_8).length).raw(value.getBytes(UTF_8));
    }
    return body.as('D');
  }

  /** An int4 in the binary format, for {@link #dataRow}. */
  public static byte[] int4(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  /** An int8 in the binary format, for {@link #dataRow}. */
  public static byte[] int8(long value) {
    return ByteBuffer.allocate(8).putLong(value).array();
  }

  public static byte[] commandComplete(String tag) {
    return new Body().cString(tag).as('C');
  }

  public static byte[] error(String sqlState, String message) {
    return error("ERROR", sqlState, message, Map.of());
  }

  public static byte[] fatal(String sqlState, String message) {
    return error("FATAL", sqlState, message, Map.of());
  }

  /** With more fields, by their letter: {@code D} detail, {@code H} hint, {@code R} routine… */
  public static byte[] error(
      String severity, String sqlState, String message, Map<Character, String> more) {
    return fields('E', severity, sqlState, message, more);
  }

  public static byte[] notice(String sqlState, String message) {
    return fields('N', "NOTICE", sqlState, message, Map.of());
  }

  private static byte[] fields(
      char type, String severity, String sqlState, String message, Map<Character, String> more) {
    Map<Character, String> all = new LinkedHashMap<>();
    all.put('S', severity);
    all.put('V', severity);
    all.put('C', sqlState);
    all.put('M', message);
    all.putAll(more);
    Body body = new Body();
    all.forEach((letter, value) -> body.int8(letter).cString(value));
    return body.int8(0).as(type);
  }

  public static byte[] notification(int processId, String channel, String payload) {
    return new Body().int32(processId).cString(channel).cString(payload).as('A');
  }

  /** The overall format and one for each column: 0 is text, 1 is binary. */
  public static byte[] copyInResponse(int format, int... columnFormats) {
    return copyResponse('G', format, columnFormats);
  }

  public static byte[] copyOutResponse(int format, int... columnFormats) {
    return copyResponse('H', format, columnFormats);
  }

  public static byte[] copyBothResponse(int format, int... columnFormats) {
    return copyResponse('W', format, columnFormats);
  }

  private static byte[] copyResponse(char type, int format, int... columnFormats) {
    Body body = new Body().int8(format).int16(columnFormats.length);
    for (int columnFormat : columnFormats) body.int16(columnFormat);
    return body.as(type);
  }

  public static byte[] copyData(byte... data) {
    return raw('d', data);
  }

  public static byte[] copyDone() {
    return raw('c');
  }

  /** What follows a successful authentication: the usual settings, a key, and ReadyForQuery. */
  public static byte[] usualGreeting(int processId, int key) {
    List<String[]> settings =
        List.of(
            new String[] {"server_version", "18.6"},
            new String[] {"server_encoding", "UTF8"},
            new String[] {"client_encoding", "UTF8"},
            new String[] {"application_name", ""},
            new String[] {"default_transaction_read_only", "off"},
            new String[] {"in_hot_standby", "off"},
            new String[] {"is_superuser", "on"},
            new String[] {"session_authorization", "postgres"},
            new String[] {"DateStyle", "ISO, MDY"},
            new String[] {"IntervalStyle", "postgres"},
            new String[] {"TimeZone", "UTC"},
            new String[] {"integer_datetimes", "on"},
            new String[] {"standard_conforming_strings", "on"},
            new String[] {"search_path", "\"$user\", public"});
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(authenticationOk());
    for (String[] setting : settings) all.writeBytes(parameterStatus(setting[0], setting[1]));
    all.writeBytes(backendKeyData(processId, key));
    all.writeBytes(readyForQuery('I'));
    return all.toByteArray();
  }

  /**
   * What these bytes are called, for a transcript: the messages in them, as far as they are whole.
   */
  static String describe(byte[] bytes) {
    StringBuilder names = new StringBuilder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    while (in.remaining() >= 5) {
      byte type = in.get();
      int length = in.getInt();
      if (length < 4 || length - 4 > in.remaining()) {
        names.append((char) type).append(" of length ").append(length).append(" (cut), ");
        return names + (in.remaining() + " bytes");
      }
      byte[] body = Arrays.copyOfRange(bytes, in.position(), in.position() + length - 4);
      in.position(in.position() + length - 4);
      names.append(name((char) type, body)).append(in.hasRemaining() ? ", " : "");
    }
    if (in.hasRemaining()) names.append(in.remaining()).append(" bytes");
    return names.toString();
  }

  private static String name(char type, byte[] body) {
    return switch (type) {
      case 'R' -> "Authentication " + (body.length < 4 ? "?" : ByteBuffer.wrap(body).getInt());
      case 'S' -> "ParameterStatus";
      case 'K' -> "BackendKeyData";
      case 'Z' -> "ReadyForQuery " + new String(body, US_ASCII);
      case '1' -> "ParseComplete";
      case '2' -> "BindComplete";
      case '3' -> "CloseComplete";
      case 'n' -> "NoData";
      case 's' -> "PortalSuspended";
      case 'I' -> "EmptyQueryResponse";
      case 't' -> "ParameterDescription";
      case 'T' -> "RowDescription";
      case 'D' -> "DataRow";
      case 'C' -> "CommandComplete " + new String(body, UTF_8).replace("\0", "");
      case 'E' -> "ErrorResponse";
      case 'N' -> "NoticeResponse";
      case 'A' -> "NotificationResponse";
      case 'G' -> "CopyInResponse";
      case 'H' -> "CopyOutResponse";
      case 'W' -> "CopyBothResponse";
      case 'd' -> "CopyData " + body.length;
      case 'c' -> "CopyDone";
      case 'v' -> "NegotiateProtocolVersion";
      default -> "'" + type + "' " + body.length;
    };
  }

  /** The body of a message as it grows. */
  private static final class Body {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Body int8(int value) {
      out.write(value);
      return this;
    }

    Body int16(int value) {
      out.write(value >>> 8);
      out.write(value);
      return this;
    }

    Body int32(int value) {
      return int16(value >>> 16).int16(value);
    }

    Body cString(String value) {
      out.writeBytes(value.getBytes(UTF_8));
      return int8(0);
    }

    Body raw(byte[] value) {
      out.writeBytes(value);
      return this;
    }

    byte[] bytes() {
      return out.toByteArray();
    }

    byte[] as(char type) {
      return Backend.raw(type, bytes());
    }
  }
}
