package io.asyncpg.error;

/**
 * Covers the passwords that some commands carry in their text, so that SQL can be shown: {@code
 * ALTER ROLE bob PASSWORD 'hunter2'}, {@code OPTIONS (user 'bob', password 'hunter2')}, {@code
 * CONNECTION 'host=db1 password=hunter2'}. Every character gives way to one asterisk, so that the
 * server's positions stay right. It is no parser: better one asterisk too many.
 */
final class SqlPasswords {
  private static final String WORD = "password";
  private static final String COVER = "*";

  private SqlPasswords() {}

  static String cover(String sql) {
    int word = find(sql, 0);
    if (word < 0) {
      return sql;
    }
    StringBuilder out = new StringBuilder(sql.length());
    int done = 0;
    while (word >= 0) {
      Span value = valueAfter(sql, word + WORD.length());
      out.append(sql, done, value.from());
      out.append(COVER.repeat(sql.codePointCount(value.from(), value.to())));
      done = value.to();
      word = find(sql, done);
    }
    return out.append(sql, done, sql.length()).toString();
  }

  /** A value in the SQL, without its quotes; empty if none is there. */
  private record Span(int from, int to) {}

  private static int find(String sql, int from) {
    for (int i = from; i <= sql.length() - WORD.length(); i++) {
      if (sql.regionMatches(true, i, WORD, 0, WORD.length())) {
        return i;
      }
    }
    return -1;
  }

  private static Span valueAfter(String sql, int wordEnd) {
    int at = skipBlank(sql, wordEnd);
    boolean equals = at < sql.length() && sql.charAt(at) == '=';
    int bare = equals && at == wordEnd ? bareBegin(sql, at + 1) : -1;
    if (equals) {
      at = skipBlank(sql, at + 1);
    }
    int prefix = prefixLength(sql, at);
    int open = at + prefix;
    if (open < sql.length() && sql.charAt(open) == '\'') {
      boolean escapes = prefix == 1 && "eE".indexOf(sql.charAt(at)) >= 0;
      // What looks like a comment may be the value, and the literal none.
      int from = bare >= 0 && bare < at ? bare : open + 1;
      return new Span(from, literalEnd(sql, open + 1, escapes));
    }
    String tag = dollarTag(sql, open);
    if (!tag.isEmpty()) {
      int close = sql.indexOf(tag, open + tag.length());
      return new Span(open + tag.length(), close < 0 ? sql.length() : close);
    }
    return bare >= 0 ? new Span(bare, bareEnd(sql, bare)) : new Span(wordEnd, wordEnd);
  }

  /** Where a value without quotes begins; -1 where none does. */
  private static int bareBegin(String sql, int at) {
    boolean some =
        at < sql.length() && !Character.isWhitespace(sql.charAt(at)) && sql.charAt(at) != '$';
    return some ? at : -1;
  }

  /** Behind space and comments. */
  private static int skipBlank(String sql, int from) {
    int at = from;
    while (at < sql.length()) {
      if (Character.isWhitespace(sql.charAt(at))) {
        at++;
      } else if (sql.startsWith("--", at)) {
        int line = sql.indexOf('\n', at);
        at = line < 0 ? sql.length() : line + 1;
      } else if (sql.startsWith("/*", at)) {
        at = commentEnd(sql, at);
      } else {
        break;
      }
    }
    return at;
  }

  /** Such comments nest. */
  private static int commentEnd(String sql, int from) {
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

  /** The E, N or U& that a string literal may begin with. */
  private static int prefixLength(String sql, int at) {
    for (String prefix : new String[] {"E'", "N'", "U&'"}) {
      if (sql.regionMatches(true, at, prefix, 0, prefix.length())) {
        return prefix.length() - 1;
      }
    }
    return 0;
  }

  /** Of a literal, and of those that go on with it: 'hunter' and, on the next line, '2'. */
  private static int literalEnd(String sql, int from, boolean escapes) {
    int at = from;
    while (at < sql.length()) {
      char c = sql.charAt(at);
      boolean twice = c == '\'' && at + 1 < sql.length() && sql.charAt(at + 1) == '\'';
      if (twice || (escapes && c == '\\' && at + 1 < sql.length())) {
        at += 2;
      } else if (c == '\'') {
        int next = skipBlank(sql, at + 1);
        if (next >= sql.length() || sql.charAt(next) != '\'') {
          return at;
        }
        at = next + 1;
      } else {
        at++;
      }
    }
    return at;
  }

  /**
   * The opening of a dollar-quoted literal, such as $$ or $tag$; empty when it is none, as in $1.
   */
  private static String dollarTag(String sql, int at) {
    int end = sql.startsWith("$", at) ? sql.indexOf('$', at + 1) : -1;
    String tag = end < 0 ? "" : sql.substring(at, end + 1);
    String name = tag.isEmpty() ? "" : tag.substring(1, tag.length() - 1);
    boolean word = name.codePoints().allMatch(Character::isJavaIdentifierPart);
    boolean digit = !name.isEmpty() && Character.isDigit(name.charAt(0));
    return word && !digit ? tag : "";
  }

  /** A value without quotes, as in a connection string or a URI. */
  private static int bareEnd(String sql, int from) {
    int at = from;
    while (at < sql.length() && " \t\r\n'\"&;,)".indexOf(sql.charAt(at)) < 0) {
      at++;
    }
    return at;
  }
}
