package io.asyncpg.client.session;

import io.asyncpg.error.PgException;
import java.util.Locale;

/** What has to be known of an SQL text without understanding it. */
final class Sql {
  private Sql() {}

  /**
   * Whether a single statement may begin a transaction block: it starts with B or S, or with
   * something that is no letter, a comment perhaps.
   */
  static boolean mayOpenTransaction(String sql) {
    for (int i = 0; i < sql.length(); i++) {
      char c = sql.charAt(i);
      if (!Character.isWhitespace(c)) {
        boolean letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter) {
          return true;
        }
        return sql.regionMatches(true, i, "begin", 0, 5)
            || sql.regionMatches(true, i, "start", 0, 5);
      }
    }
    return false;
  }

  /** Whether one of a script's statements may begin a transaction block: a word of it says so. */
  static boolean scriptMayOpenTransaction(String sql) {
    for (int i = sql.length() - 5; i >= 0; i--) {
      char c = (char) (sql.charAt(i) | 0x20);
      if ((c == 'b' && sql.regionMatches(true, i, "begin", 0, 5))
          || (c == 's' && sql.regionMatches(true, i, "start", 0, 5))) {
        return true;
      }
    }
    return false;
  }

  /** Whether the server may ask for COPY data: no such statement does without this word. */
  static boolean mayReadFromClient(String sql) {
    return sql.toLowerCase(Locale.ROOT).contains("stdin");
  }

  static IllegalArgumentException copyRefused(String sql, String remedy) {
    return new IllegalArgumentException(
        "COPY from or to the client is no query: use " + remedy + ": " + PgException.quoted(sql));
  }
}
