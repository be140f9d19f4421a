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

  /** Whether a single statement is a COPY whose data comes from the client. */
  static boolean isCopyFromClient(String sql) {
    return isCopy(sql) && mayReadFromClient(sql);
  }

  /** Whether a single statement is a COPY whose data goes to the client. */
  static boolean isCopyToClient(String sql) {
    return isCopy(sql) && sql.toLowerCase(Locale.ROOT).contains("stdout");
  }

  private static boolean isCopy(String sql) {
    return sql.regionMatches(true, beginning(sql), "copy", 0, 4);
  }

  /** Where the first word begins, behind space and comments. */
  private static int beginning(String sql) {
    int at = 0;
    while (at < sql.length()) {
      if (Character.isWhitespace(sql.charAt(at))) {
        at++;
      } else if (sql.startsWith("--", at)) {
        int end = sql.indexOf('\n', at);
        at = end < 0 ? sql.length() : end + 1;
      } else if (sql.startsWith("/*", at)) {
        at = behindComment(sql, at);
      } else {
        break;
      }
    }
    return at;
  }

  /** Such comments nest. */
  private static int behindComment(String sql, int from) {
    int depth = 0;
    int at = from;
    do {
      if (sql.startsWith("/*", at)) {
        depth++;
        at += 2;
      } else if (sql.startsWith("*/", at)) {
        depth--;
        at += 2;
      } else {
        at++;
      }
    } while (depth > 0 && at < sql.length());
    return at;
  }

  /** Whether a script may ask for the data of a COPY: none does without this word. */
  static boolean mayReadFromClient(String sql) {
    return sql.toLowerCase(Locale.ROOT).contains("stdin");
  }

  static IllegalArgumentException copyRefused(String sql, String remedy) {
    return new IllegalArgumentException(
        "COPY from or to the client is no query: use " + remedy + ": " + PgException.quoted(sql));
  }
}
