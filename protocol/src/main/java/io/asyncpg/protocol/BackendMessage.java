package io.asyncpg.protocol;

import io.asyncpg.error.Diagnostic;
import java.util.List;

/**
 * What the server says (manual, "Message Formats"). The messages of the hot path, DataRow,
 * CopyData, CommandComplete and ReadyForQuery, come as calls of {@link BackendHandler} instead and
 * are made into no object.
 */
public sealed interface BackendMessage {

  /** A request of the server that the client say who it is, or its word that this is done. */
  sealed interface Authentication extends BackendMessage {}

  /** The client is who it says. */
  record AuthenticationOk() implements Authentication {}

  /** The password, in clear. */
  record AuthenticationCleartextPassword() implements Authentication {}

  /**
   * The password, hashed with MD5.
   *
   * @param salt four bytes
   */
  record AuthenticationMD5Password(byte[] salt) implements Authentication {}

  /** Kerberos through GSSAPI. */
  record AuthenticationGSS() implements Authentication {}

  /**
   * More of a GSSAPI or SSPI exchange.
   *
   * @param data the token
   */
  record AuthenticationGSSContinue(byte[] data) implements Authentication {}

  /** Kerberos or NTLM through SSPI. */
  record AuthenticationSSPI() implements Authentication {}

  /**
   * A SASL exchange may begin.
   *
   * @param mechanisms those the server accepts, in the order of its preference
   */
  record AuthenticationSASL(List<String> mechanisms) implements Authentication {}

  /**
   * More of a SASL exchange.
   *
   * @param data the mechanism's own bytes
   */
  record AuthenticationSASLContinue(byte[] data) implements Authentication {}

  /**
   * The end of a SASL exchange.
   *
   * @param data the mechanism's own bytes
   */
  record AuthenticationSASLFinal(byte[] data) implements Authentication {}

  /**
   * An authentication request that no version of PostgreSQL in use sends.
   *
   * @param code the number the server gave
   */
  record AuthenticationUnknown(int code) implements Authentication {}

  /**
   * What a CancelRequest has to prove.
   *
   * @param processId the session's process
   * @param secretKey 4 bytes in protocol 3.0, up to 256 in 3.2
   */
  record BackendKeyData(int processId, byte[] secretKey) implements BackendMessage {
    /** Without the key, which is a secret. */
    @Override
    public String toString() {
      return "BackendKeyData[processId=" + processId + "]";
    }
  }

  /** Bind is done. */
  record BindComplete() implements BackendMessage {}

  /** Close is done. */
  record CloseComplete() implements BackendMessage {}

  /** The end of COPY data. */
  record CopyDone() implements BackendMessage {}

  /**
   * COPY data may be sent.
   *
   * @param binary whether the whole COPY is binary
   * @param columnFormats a format code for each column
   */
  record CopyInResponse(boolean binary, List<Short> columnFormats) implements BackendMessage {}

  /**
   * COPY data will come.
   *
   * @param binary whether the whole COPY is binary
   * @param columnFormats a format code for each column
   */
  record CopyOutResponse(boolean binary, List<Short> columnFormats) implements BackendMessage {}

  /**
   * COPY data both ways: streaming replication.
   *
   * @param binary whether the whole COPY is binary
   * @param columnFormats a format code for each column
   */
  record CopyBothResponse(boolean binary, List<Short> columnFormats) implements BackendMessage {}

  /** The SQL had no command in it. */
  record EmptyQueryResponse() implements BackendMessage {}

  /**
   * Something failed.
   *
   * @param diagnostic what the server says of it
   */
  record ErrorResponse(Diagnostic diagnostic) implements BackendMessage {}

  /**
   * The server does not speak the minor version asked for, or does not know options asked for.
   *
   * @param version the newest version it speaks of the major version asked for: the minor number
   *     alone, or major and minor together, as servers differ
   * @param unrecognizedOptions protocol options it does not know
   */
  record NegotiateProtocolVersion(int version, List<String> unrecognizedOptions)
      implements BackendMessage {}

  /** The statement returns no rows. */
  record NoData() implements BackendMessage {}

  /**
   * Something the user may want to know.
   *
   * @param diagnostic what the server says of it
   */
  record NoticeResponse(Diagnostic diagnostic) implements BackendMessage {}

  /**
   * Somebody said NOTIFY.
   *
   * @param processId the session that did
   * @param channel the channel
   * @param payload what was said, possibly empty
   */
  record NotificationResponse(int processId, String channel, String payload)
      implements BackendMessage {}

  /**
   * The parameters of a statement.
   *
   * @param typeOids the OID of the type of each
   */
  record ParameterDescription(int[] typeOids) implements BackendMessage {}

  /**
   * A setting that the client should know of has this value now.
   *
   * @param name the setting
   * @param value its value
   */
  record ParameterStatus(String name, String value) implements BackendMessage {}

  /** Parse is done. */
  record ParseComplete() implements BackendMessage {}

  /** Execute met its limit of rows; the portal has more. */
  record PortalSuspended() implements BackendMessage {}

  /**
   * The columns of the rows to come.
   *
   * @param fields a column each
   */
  record RowDescription(List<Field> fields) implements BackendMessage {}

  /**
   * One column of a RowDescription.
   *
   * @param name the column's name
   * @param tableOid the table it comes from, or 0
   * @param attribute its number in that table, or 0
   * @param typeOid its type
   * @param typeSize the type's size in bytes, negative for variable ones
   * @param typmod the type's modifier, or -1
   * @param format 0 text, 1 binary; 0 where it is not known yet
   */
  record Field(
      String name,
      int tableOid,
      int attribute,
      int typeOid,
      int typeSize,
      int typmod,
      int format) {}
}
