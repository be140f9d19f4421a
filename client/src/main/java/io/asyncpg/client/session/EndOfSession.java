package io.asyncpg.client.session;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.RetrySafety;

/** What requests fail with when their session ends. */
final class EndOfSession {
  private EndOfSession() {}

  /** One that was asked for when the session had ended. */
  static PgConnectionException before(Exchange exchange) {
    return new PgConnectionException(
        "the connection has ended; nothing was sent" + of(exchange),
        exchange.sql(),
        RetrySafety.NOT_SENT,
        null);
  }

  /** One that was in flight. */
  static Throwable during(Exchange exchange, Throwable reason) {
    if (reason instanceof PgConnectionException) {
      return new PgConnectionException(
          reason.getMessage() + "; what became of the request is unknown" + of(exchange),
          exchange.sql(),
          RetrySafety.UNKNOWN,
          reason.getCause());
    }
    return reason instanceof PgProtocolException
        ? new PgProtocolException(
            String.valueOf(reason.getMessage()), exchange.sql(), RetrySafety.UNKNOWN, reason)
        : reason;
  }

  /** One that waited to be written. */
  static PgConnectionException unsent(Exchange exchange, Throwable reason) {
    return new PgConnectionException(
        reason.getMessage() + "; the request had not been sent" + of(exchange),
        exchange.sql(),
        RetrySafety.NOT_SENT,
        reason instanceof PgConnectionException ? reason.getCause() : reason);
  }

  private static String of(Exchange exchange) {
    String sql = exchange.sql();
    return sql == null ? "" : ": " + PgException.quoted(sql);
  }
}
