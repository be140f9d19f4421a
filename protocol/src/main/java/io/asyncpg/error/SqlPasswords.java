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
    int at = skipSpace(sql, wordEnd);
    boolean equals = at < sql.length() && sql.charAt(at) == '=';
    boolean adjoining = equals && at == wordEnd;
    if (equals) {
      at = skipSpace(sql, at + 1);
    }
    int prefix = prefixLength(sql, at);
    int open = at + prefix;
    if (open >= sql.length()) {
      return new Span(wordEnd, wordEnd);
    }
    if (sql.charAt(open) == '\'') {
      boolean escapes = prefix == 1 && "eE".indexOf(sql.charAt(at)) >= 0;
      return new Span(open + 1, literalEnd(sql, open + 1, escapes));
    }
    String tag = dollarTag(sql, open);
    if (!tag.isEmpty()) {
      int close = sql.indexOf(tag, open + tag.length());
      return new Span(open + tag.length(), close < 0 ? sql.length() : close);
    }
    boolean bare = adjoining && at == wordEnd + 1 && sql.charAt(at) != '$';
    return bare ? new Span(at, bareEnd(sql, at)) : new Span(wordEnd, wordEnd);
  }

  private static int skipSpace(String sql, int from) {
    int at = from;
    while (at < sql.length() && Character.isWhitespace(sql.charAt(at))) {
      at++;
    }
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

  private static int literalEnd(String sql, int from, boolean escapes) {
    int at = from;
    while (at < sql.length()) {
      char c = sql.charAt(at);
      boolean twice = c == '\'' && at + 1 < sql.length() && sql.charAt(at + 1) == '\'';
      if (twice || (escapes && c == '\\' && at + 1 < sql.length())) {
        at += 2;
      } else if (c == '\'') {
        return at;
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
    int end = sql.charAt(at) == '$' ? sql.indexOf('$', at + 1) : -1;
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
