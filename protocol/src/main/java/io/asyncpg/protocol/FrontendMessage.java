package io.asyncpg.protocol;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the client says (manual, "Message Formats"). FunctionCall is left out: the manual calls it
 * obsolete. Bind, Execute and CopyData of the hot path are written by {@link FrontendWriter}
 * directly and need no object.
 */
public sealed interface FrontendMessage {

  /** Protocol version 3.0. */
  int PROTOCOL_3_0 = 3 << 16;

  /** Protocol version 3.2: PostgreSQL 18. */
  int PROTOCOL_3_2 = 3 << 16 | 2;

  /** What Describe and Close are about. */
  enum Target {
    /** A prepared statement. */
    STATEMENT('S'),
    /** A portal. */
    PORTAL('P');

    private final byte code;

    Target(char code) {
      this.code = (byte) code;
    }

    byte code() {
      return code;
    }
  }

  /**
   * The first message of a session.
   *
   * @param version the protocol version, major in the upper 16 bits
   * @param parameters user, database, settings and {@code _pq_.} options, in order
   */
  record StartupMessage(int version, Map<String, String> parameters) implements FrontendMessage {}

  /** Asks for TLS. */
  record SSLRequest() implements FrontendMessage {}

  /** Asks for GSSAPI encryption. */
  record GSSENCRequest() implements FrontendMessage {}

  /**
   * Asks, on a connection of its own, that a session stop what it does.
   *
   * @param processId the session's process
   * @param secretKey the session's key, 4 to 256 bytes
   */
  record CancelRequest(int processId, byte[] secretKey) implements FrontendMessage {
    /** Without the key, which is a secret. */
    @Override
    public String toString() {
      return "CancelRequest[processId=" + processId + "]";
    }
  }

  /**
   * A password, in clear or hashed.
   *
   * @param password what the server asked for
   */
  record PasswordMessage(String password) implements FrontendMessage {
    /** Without the password. */
    @Override
    public String toString() {
      return "PasswordMessage[]";
    }
  }

  /**
   * The first message of a SASL exchange.
   *
   * @param mechanism the mechanism chosen
   * @param data its first message, or null for none
   */
  record SASLInitialResponse(String mechanism, byte @Nullable [] data) implements FrontendMessage {
    /** Without the data. */
    @Override
    public String toString() {
      return "SASLInitialResponse[mechanism=" + mechanism + "]";
    }
  }

  /**
   * More of a SASL exchange.
   *
   * @param data the mechanism's own bytes
   */
  record SASLResponse(byte[] data) implements FrontendMessage {
    /** Without the data. */
    @Override
    public String toString() {
      return "SASLResponse[]";
    }
  }

  /**
   * More of a GSSAPI or SSPI exchange.
   *
   * @param data the token
   */
  record GSSResponse(byte[] data) implements FrontendMessage {
    /** Without the token. */
    @Override
    public String toString() {
      return "GSSResponse[]";
    }
  }

  /**
   * SQL, any number of statements.
   *
   * @param sql the SQL
   */
  record Query(String sql) implements FrontendMessage {}

  /**
   * Makes a prepared statement.
   *
   * @param name its name, empty for the unnamed one
   * @param sql one SQL statement
   * @param parameterTypes type OIDs of the first parameters, 0 for those the server shall infer
   */
  record Parse(String name, String sql, int[] parameterTypes) implements FrontendMessage {}

  /**
   * Makes a portal of a prepared statement.
   *
   * @param portal the portal's name, empty for the unnamed one
   * @param statement the statement's name
   * @param parameterFormats format codes: none for all text, one for all, or one for each
   * @param parameters the values as bytes, null for NULL
   * @param resultFormats format codes: none for all text, one for all, or one for each
   */
  record Bind(
      String portal,
      String statement,
      short[] parameterFormats,
      List<byte @Nullable []> parameters,
      short[] resultFormats)
      implements FrontendMessage {}

  /**
   * Asks for the description of a statement or portal.
   *
   * @param target which of the two
   * @param name its name
   */
  record Describe(Target target, String name) implements FrontendMessage {}

  /**
   * Runs a portal.
   *
   * @param portal its name
   * @param maxRows the most rows to return, 0 for all
   */
  record Execute(String portal, int maxRows) implements FrontendMessage {}

  /**
   * Ends the life of a statement or portal.
   *
   * @param target which of the two
   * @param name its name
   */
  record Close(Target target, String name) implements FrontendMessage {}

  /** Ends an extended query: the server answers ReadyForQuery. */
  record Sync() implements FrontendMessage {}

  /** Asks for the answers so far. */
  record Flush() implements FrontendMessage {}

  /**
   * A piece of COPY data.
   *
   * @param data the bytes
   */
  record CopyData(byte[] data) implements FrontendMessage {}

  /** The end of COPY data. */
  record CopyDone() implements FrontendMessage {}

  /**
   * The end of COPY data, in failure.
   *
   * @param reason what the server shall say in its error
   */
  record CopyFail(String reason) implements FrontendMessage {}

  /** The end of the session. */
  record Terminate() implements FrontendMessage {}
}
