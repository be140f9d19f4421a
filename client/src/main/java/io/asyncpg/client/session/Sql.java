package io.asyncpg.client.session;

import io.asyncpg.error.PgException;
import io.asyncpg.types.PgType;
import java.util.List;
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

  /** A type as SQL names it. */
  static String type(PgType type) {
    return identifier(type.schema()) + "." + identifier(type.name());
  }

  static String identifier(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  /**
   * Puts literals in the place of parameters. What looks like a parameter inside a string, an
   * identifier or a comment is none.
   *
   * @param backslashes whether a backslash escapes in a string without E, too
   */
  static String inline(String sql, List<String> literals, boolean backslashes) {
    StringBuilder out = new StringBuilder(sql.length() + 16 * literals.size());
    int at = 0;
    while (at < sql.length()) {
      char c = sql.charAt(at);
      int end = at + 1;
      if (c == '\'') {
        boolean escapes = backslashes || (at > 0 && isE(sql, at - 1));
        end = endOfQuoted(sql, at, '\'', escapes);
      } else if (c == '"') {
        end = endOfQuoted(sql, at, '"', false);
      } else if (sql.startsWith("--", at)) {
        int line = sql.indexOf('\n', at);
        end = line < 0 ? sql.length() : line;
      } else if (sql.startsWith("/*", at)) {
        end = endOfComment(sql, at);
      } else if (isWord(c)) {
        // A $ inside a word is part of it.
        while (end < sql.length() && (isWord(sql.charAt(end)) || sql.charAt(end) == '$')) {
          end++;
        }
      } else if (c == '$') {
        int digits = end;
        while (digits < sql.length() && isDigit(sql.charAt(digits))) {
          digits++;
        }
        if (digits > end && digits - end <= 5) {
          int parameter = Integer.parseInt(sql.substring(end, digits));
          if (parameter >= 1 && parameter <= literals.size()) {
            out.append(literals.get(parameter - 1));
            at = digits;
            continue;
          }
        } else if (digits == end) {
          end = endOfDollarQuoted(sql, at);
        }
      }
      out.append(sql, at, end);
      at = end;
    }
    return out.toString();
  }

  /** Whether the string that begins behind it is an E'…' string, and no word's end. */
  private static boolean isE(String sql, int at) {
    return (sql.charAt(at) | 0x20) == 'e' && (at == 0 || !isWord(sql.charAt(at - 1)));
  }

  private static boolean isWord(char c) {
    return c == '_' || c >= 0x80 || isDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static int endOfQuoted(String sql, int at, char quote, boolean backslashes) {
    for (int i = at + 1; i < sql.length(); i++) {
      char c = sql.charAt(i);
      if (c == '\\' && backslashes) {
        i++;
      } else if (c == quote) {
        return i + 1; // a doubled quote begins another string at once: the same to us
      }
    }
    return sql.length();
  }

  /** Comments nest. */
  private static int endOfComment(String sql, int at) {
    int depth = 0;
    int i = at;
    while (i < sql.length()) {
      if (sql.startsWith("/*", i)) {
        depth++;
        i += 2;
      } else if (sql.startsWith("*/", i)) {
        depth--;
        i += 2;
        if (depth == 0) {
          return i;
        }
      } else {
        i++;
      }
    }
    return sql.length();
  }

  private static int endOfDollarQuoted(String sql, int at) {
    int tag = at + 1;
    while (tag < sql.length() && isWord(sql.charAt(tag))) {
      tag++;
    }
    if (tag >= sql.length() || sql.charAt(tag) != '$') {
      return at + 1;
    }
    String delimiter = sql.substring(at, tag + 1);
    int end = sql.indexOf(delimiter, tag + 1);
    return end < 0 ? sql.length() : end + delimiter.length();
  }
}
