package io.asyncpg.error;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Covers the passwords that some commands carry in their text, so that SQL can be shown: {@code
 * ALTER ROLE bob PASSWORD 'hunter2'}, {@code OPTIONS (user 'bob', password 'hunter2')}, {@code
 * CONNECTION 'host=db1 password=hunter2'}, {@code CONNECTION 'postgresql://bob:hunter2@db1'},
 * {@code set_config('my.password', 'hunter2', true)}. Every character gives way to one asterisk, so
 * that the server's positions stay right.
 *
 * <p>It is no parser, and SQL that is shown may be wrong or cut: what stands behind the word counts
 * wherever the word stands, and better one asterisk too many.
 */
final class SqlPasswords {
  private static final String WORD = "password";
  private static final String URI = "://";
  private static final String COVER = "*";

  /** The statements whose password may have lost its quotes. */
  private static final Pattern ROLE =
      Pattern.compile("\\b(alter|create)\\s++(role|user|group)\\b", Pattern.CASE_INSENSITIVE);

  private enum Kind {
    PLAIN,
    COMMENT,
    /** What stands between quotes, with what goes on with it in the next line. */
    LITERAL
  }

  /**
   * A part of the SQL.
   *
   * @param inDollars whether it stands in a dollar-quoted literal, whose end is the limit
   */
  private record Piece(Kind kind, int from, int to, boolean inDollars, int limit) {}

  private final String sql;
  private final List<Piece> pieces = new ArrayList<>();
  private final BitSet covered = new BitSet();

  /** The pieces before this one have been covered as what follows a literal. */
  private int followed;

  /** Where the last of the literals ends that were covered one behind the other. */
  private int chained;

  /** How far the parentheses behind a literal have been looked at. */
  private int looked;

  /** Where the first statement about a role begins. */
  private int role = Integer.MAX_VALUE;

  /** Whether all literals have an end, so that what looks like plain SQL is. */
  private boolean wellFormed = true;

  private SqlPasswords(String sql) {
    this.sql = sql;
  }

  static String cover(String sql) {
    SqlPasswords passwords = new SqlPasswords(sql);
    passwords.coverUris();
    if (passwords.nextWord(0, sql.length()) >= 0) {
      passwords.split();
      Matcher role = ROLE.matcher(sql);
      if (role.find()) {
        passwords.role = role.start();
      }
      passwords.coverValues();
    }
    return passwords.shown();
  }

  private String shown() {
    if (covered.isEmpty()) {
      return sql;
    }
    StringBuilder out = new StringBuilder(sql.length());
    int done = 0;
    while (done < sql.length()) {
      int from = covered.nextSetBit(done);
      int begin = from < 0 ? sql.length() : from;
      int end = from < 0 ? sql.length() : covered.nextClearBit(from);
      out.append(sql, done, begin).append(COVER.repeat(sql.codePointCount(begin, end)));
      done = end;
    }
    return out.toString();
  }

  /**
   * The password of {@code scheme://user:password@host}. In a URI of our own it may hold what would
   * have to be escaped there, and a quote, too, if no host came in front of it.
   */
  private void coverUris() {
    int uri = sql.indexOf(URI);
    while (uri >= 0) {
      int at = uri + URI.length();
      boolean ours = endsWith("postgres", uri) || endsWith("postgresql", uri);
      String ends = ours ? "'\"" : "@/'\"";
      int colon = -1;
      int host = -1;
      while (at < sql.length() && ends.indexOf(sql.charAt(at)) < 0 && !isSpace(at)) {
        if (colon < 0 && host < 0 && sql.charAt(at) == ':') {
          colon = at;
        } else if (sql.charAt(at) == '@') {
          host = at;
        }
        at++;
      }
      host = is(at, '@') ? at : host;
      if (ours && colon >= 0 && host < colon) {
        while (at < sql.length() && !is(at, '@') && !isSpace(at)) {
          at++;
        }
        host = is(at, '@') ? at : -1;
      }
      if (colon >= 0 && host > colon) {
        covered.set(colon + 1, host);
      }
      uri = sql.indexOf(URI, at);
    }
  }

  private boolean endsWith(String word, int end) {
    return sql.regionMatches(true, end - word.length(), word, 0, word.length());
  }

  // ---- The pieces

  private void split() {
    int length = sql.length();
    int at = 0;
    int from = 0;
    String tag = "";
    int limit = length;
    while (at < length) {
      boolean inDollars = !tag.isEmpty();
      if (inDollars && at >= limit) {
        add(Kind.PLAIN, from, at, true, limit);
        at = Math.min(length, limit + tag.length());
        from = at;
        tag = "";
        limit = length;
        continue;
      }
      char c = sql.charAt(at);
      if (c == '\'') {
        add(Kind.PLAIN, from, at, inDollars, limit);
        int end = literalEnd(at + 1, limit, isEscapes(at - 1));
        add(Kind.LITERAL, at + 1, end, inDollars, limit);
        wellFormed &= end < limit;
        at = Math.min(limit, end + 1);
        from = at;
      } else if (commentEnd(at, limit) > at) {
        add(Kind.PLAIN, from, at, inDollars, limit);
        int end = commentEnd(at, limit);
        add(Kind.COMMENT, at, end, inDollars, limit);
        at = end;
        from = at;
      } else if (c == '"') {
        int end = sql.indexOf('"', at + 1);
        at = end < 0 || end >= limit ? at + 1 : end + 1;
      } else if (c == '$' && !inDollars && !isName(at - 1) && !dollarTag(at).isEmpty()) {
        add(Kind.PLAIN, from, at, false, limit);
        tag = dollarTag(at);
        at += tag.length();
        from = at;
        int end = sql.indexOf(tag, at);
        wellFormed &= end >= 0;
        limit = end < 0 ? length : end;
      } else {
        at++;
      }
    }
    add(Kind.PLAIN, from, length, !tag.isEmpty(), limit);
  }

  private void add(Kind kind, int from, int to, boolean inDollars, int limit) {
    if (from < to || kind == Kind.LITERAL) {
      pieces.add(new Piece(kind, from, to, inDollars, limit));
    }
  }

  // ---- The values

  private void coverValues() {
    for (int i = 0; i < pieces.size(); i++) {
      Piece piece = pieces.get(i);
      for (int word = nextWord(piece.from, piece.to);
          word >= 0;
          word = nextWord(word + WORD.length(), piece.to)) {
        int end = word + WORD.length();
        boolean complete = piece.kind == Kind.LITERAL ? inLiteral(end, piece) : inSql(end, piece);
        if (!complete) {
          coverWhatFollows(i);
        }
      }
    }
  }

  /** What stands behind the word inside a literal: returns false where that ends before a value. */
  private boolean inLiteral(int wordEnd, Piece literal) {
    int to = literal.to;
    int rest = wordEnd;
    while (rest < to && "\"}])".indexOf(sql.charAt(rest)) >= 0) {
      rest++;
    }
    if (rest == to) {
      coverPartner(literal); // a key
      return true;
    }
    int at = skipSpace(is(wordEnd, '"') ? wordEnd + 1 : wordEnd, to);
    int behindOperator = operatorEnd(at, to);
    boolean operator = behindOperator > at;
    int value = skipSpace(behindOperator, to);
    if (value >= to) {
      return false;
    }
    boolean quoted = "'\"\\".indexOf(sql.charAt(value + prefixLength(value))) >= 0;
    if (quoted || !dollarTag(value).isEmpty()) {
      covered.set(value, to); // where it ends depends on how deep it is
    } else if (operator && !isParameter(value)) {
      int end = bareEnd(value, to);
      int quote = sql.indexOf('\'', value);
      covered.set(value, quote >= 0 && quote < end ? to : end);
    } else if (wordEnd > role) {
      coverBare(wordEnd, value, to);
    }
    return value == wordEnd || !isElsewhere(value, to);
  }

  /**
   * Whether the literal holds no more of the value than its quote, or what format() and RAISE put
   * an argument in place of.
   */
  private boolean isElsewhere(int value, int limit) {
    int at = value;
    while (at < limit && "'\"\\".indexOf(sql.charAt(at)) >= 0) {
      at++;
    }
    return at == limit || is(at, '%');
  }

  /** A password that lacks its quotes, or has those of a name. */
  private void coverBare(int wordEnd, int value, int limit) {
    if (value == wordEnd && !is(value, '"')) {
      return; // a longer word, such as password_encryption
    }
    boolean name = is(value, '"');
    int from = name ? value + 1 : value;
    int end = name ? from : Math.max(from, covered.nextClearBit(from));
    while (end < limit
        && (name ? !is(end, '"') : !isSpace(end) && ";,)".indexOf(sql.charAt(end)) < 0)) {
      end++;
    }
    boolean isNull = end - from == 4 && sql.regionMatches(true, from, "null", 0, 4);
    if (!isNull && !isParameter(value)) {
      covered.set(from, end);
    }
  }

  /** The literal that comes next to one which names a password: an argument, or compared to it. */
  private void coverPartner(Piece key) {
    int at = skipCasts(key.to + 1, key.limit);
    int operator = at;
    while (at < key.limit && ",=<>!|".indexOf(sql.charAt(at)) >= 0) {
      at++;
    }
    if (at > operator) {
      coverLiteral(callEnd(skipBlank(at, key.limit), key.limit), key, false);
    }
  }

  /** Blanks, comments and {@code ::type}. */
  private int skipCasts(int from, int limit) {
    int at = skipBlank(from, limit);
    while (sql.startsWith("::", at)) {
      at = skipBlank(at + 2, limit);
      while (at < limit && (isName(at) || is(at, '.'))) {
        at++;
      }
      at = skipBlank(at, limit);
    }
    return at;
  }

  /** The same outside of quotes. */
  private boolean inSql(int wordEnd, Piece piece) {
    int limit = piece.limit;
    boolean comment = piece.kind == Kind.COMMENT;
    int begin = is(wordEnd, '"') ? wordEnd + 1 : wordEnd;
    int at = comment ? skipSpace(begin, limit) : skipBlank(begin, limit);
    int behindOperator = operatorEnd(at, limit);
    boolean operator = behindOperator > at;
    int value = skipSpace(behindOperator, limit);
    if (value >= limit) {
      return value == wordEnd;
    }
    int open = comment ? value : skipBlank(value, limit);
    if (operator) {
      open = callEnd(open, limit);
    }
    boolean literal = open < limit && coverLiteral(open, piece, operator);
    // What looks like a comment may be the value where this may be a connection string.
    boolean bare = operator && (piece.inDollars || comment || !wellFormed) && !isParameter(value);
    if (bare && (!literal || commentEnd(value, limit) > value)) {
      covered.set(value, bareEnd(value, limit));
    } else if (!literal && wordEnd > role && open < limit) {
      coverBare(wordEnd, open, limit);
    }
    return true;
  }

  /** A literal, and those that are put behind it with ||. */
  private boolean coverLiteral(int at, Piece piece, boolean operator) {
    int open = at + prefixLength(at);
    if (is(open, '\'')) {
      if (open >= chained || !covered.get(open + 1)) {
        coverChain(open, piece, operator);
      }
      return true;
    }
    String tag = dollarTag(at);
    if (tag.isEmpty()) {
      return false;
    }
    int begin = Math.min(at + tag.length(), piece.limit);
    int close = sql.indexOf(tag, begin);
    covered.set(begin, close < 0 ? piece.limit : Math.min(close, piece.limit));
    return true;
  }

  private void coverChain(int first, Piece piece, boolean operator) {
    boolean commented = piece.kind == Kind.COMMENT && first < piece.to;
    int limit = commented ? piece.to : piece.limit; // a comment's literals end with it
    int open = first;
    while (is(open, '\'')) {
      boolean escapes = isEscapes(open - 1) || (piece.inDollars && operator);
      int end = Math.max(open + 1, literalEnd(open + 1, limit, escapes));
      covered.set(open + 1, end);
      chained = Math.max(chained, end);
      int behind = skipCasts(end + 1, limit);
      int next = skipBlank(behind + 2, limit);
      open = behind < limit && sql.startsWith("||", behind) ? next + prefixLength(next) : -1;
    }
  }

  /**
   * A literal that ends in front of the value goes on in others: up to the last in the statement,
   * or in the parentheses around it.
   */
  private void coverWhatFollows(int index) {
    if (index < followed) {
      return; // it is one of those itself: what follows it is covered already
    }
    Piece literal = pieces.get(index);
    int from = literal.to + 1;
    int to = from;
    int depth = 0;
    followed = index + 1;
    while (followed < pieces.size() && depth >= 0) {
      Piece next = pieces.get(followed++);
      if (next.inDollars && next.limit != literal.limit) {
        to = Math.max(to, next.limit);
      } else if (next.kind == Kind.LITERAL) {
        to = Math.max(to, next.to);
      } else if (next.kind == Kind.PLAIN) {
        depth = depthBehind(next, depth);
      }
    }
    covered.set(from, to);
  }

  /** How many parentheses are open behind a piece; -1 where a statement or an argument ends. */
  private int depthBehind(Piece piece, int before) {
    int depth = before;
    for (int at = Math.max(piece.from, looked); at < piece.to && depth >= 0; at++) {
      char c = sql.charAt(at);
      if (c == '(') {
        depth++;
      } else if (c == ';') {
        return -1;
      } else if (c == ')' && depth > 0) {
        depth--;
      } else if (c == ')') {
        while (at < piece.limit && is(at, ')')) {
          at = skipCasts(at + 1, piece.limit);
        }
        looked = at;
        depth = sql.startsWith("||", at) ? 0 : -1;
      }
    }
    return depth;
  }

  // ---- Where something ends

  private int nextWord(int from, int to) {
    for (int i = from; i <= to - WORD.length(); i++) {
      if (sql.regionMatches(true, i, WORD, 0, WORD.length())) {
        return i;
      }
    }
    return -1;
  }

  private boolean is(int at, char c) {
    return at >= 0 && at < sql.length() && sql.charAt(at) == c;
  }

  /** Also one that is none to the server: what was pasted may hold it. */
  private boolean isSpace(int at) {
    return Character.isWhitespace(sql.charAt(at)) || Character.isSpaceChar(sql.charAt(at));
  }

  private boolean isName(int at) {
    return at >= 0 && at < sql.length() && Character.isJavaIdentifierPart(sql.charAt(at));
  }

  private int skipSpace(int from, int limit) {
    int at = from;
    while (at < limit && isSpace(at)) {
      at++;
    }
    return at;
  }

  /** Behind space and comments. */
  private int skipBlank(int from, int limit) {
    int at = skipSpace(from, limit);
    int end = commentEnd(at, limit);
    while (end > at) {
      at = skipSpace(end, limit);
      end = commentEnd(at, limit);
    }
    return at;
  }

  /** Of the comment that begins here; the same place if none does. */
  private int commentEnd(int from, int limit) {
    if (sql.startsWith("--", from)) {
      int line = sql.indexOf('\n', from);
      return line < 0 ? limit : Math.min(line, limit);
    }
    int depth = 0;
    int at = from;
    do { // such comments nest
      if (sql.startsWith("/*", at)) {
        depth++;
        at += 2;
      } else if (depth > 0 && sql.startsWith("*/", at)) {
        depth--;
        at += 2;
      } else if (depth > 0) {
        at++;
      }
    } while (depth > 0 && at < limit);
    return Math.min(at, limit);
  }

  /** Of =, TO, := and =>, of a comparison, of the colon of JSON; but a cast is none. */
  private int operatorEnd(int from, int limit) {
    int at = from;
    while (at < limit && "=:<>!".indexOf(sql.charAt(at)) >= 0) {
      at++;
    }
    if (at == from
        && sql.regionMatches(true, at, "to", 0, 2)
        && at + 2 < limit
        && isSpace(at + 2)) {
      return at + 2; // SET … TO
    }
    return sql.startsWith("::", from) ? from : at;
  }

  /** Behind the names of functions: in {@code crypt('x', …)} the password is the argument. */
  private int callEnd(int from, int limit) {
    int at = from;
    int end = from;
    while (at < limit && (isName(at) || is(at, '.') || is(at, '('))) {
      if (sql.charAt(at++) == '(') {
        at = skipSpace(at, limit);
        end = at;
      }
    }
    return end;
  }

  /** The E, N or U& that a string literal may begin with. */
  private int prefixLength(int at) {
    for (String prefix : new String[] {"E'", "N'", "U&'"}) {
      if (sql.regionMatches(true, at, prefix, 0, prefix.length())) {
        return prefix.length() - 1;
      }
    }
    return 0;
  }

  /** Whether this is the E in front of a literal with escapes. */
  private boolean isEscapes(int at) {
    return (is(at, 'E') || is(at, 'e')) && !isName(at - 1);
  }

  /** Of a literal, and of those that go on with it: 'hunter' and, on the next line, '2'. */
  private int literalEnd(int from, int limit, boolean escapes) {
    int at = from;
    while (at < limit) {
      char c = sql.charAt(at);
      if ((c == '\'' && is(at + 1, '\'')) || (escapes && c == '\\')) {
        at += 2;
      } else if (c == '\'') {
        int next = skipBlank(at + 1, limit);
        if (next >= limit || sql.charAt(next) != '\'') {
          return at;
        }
        at = next + 1;
      } else {
        at++;
      }
    }
    return limit;
  }

  /**
   * The opening of a dollar-quoted literal, such as $$ or $tag$; empty when it is none, as in $1.
   */
  private String dollarTag(int at) {
    int end = at + 1;
    while (is(at, '$') && isName(end) && sql.charAt(end) != '$') {
      end++;
    }
    boolean digit = end > at + 1 && Character.isDigit(sql.charAt(at + 1));
    return is(at, '$') && is(end, '$') && !digit ? sql.substring(at, end + 1) : "";
  }

  /** Whether it is $1 or its like, and nothing else. */
  private boolean isParameter(int at) {
    int end = at + 1;
    while (end < sql.length() && Character.isDigit(sql.charAt(end))) {
      end++;
    }
    boolean over = end == sql.length() || isSpace(end) || ",;)'$".indexOf(sql.charAt(end)) >= 0;
    return is(at, '$') && end > at + 1 && over;
  }

  /** A value without quotes, as in a connection string or a URI. */
  private int bareEnd(int from, int limit) {
    int at = Math.max(from, covered.nextClearBit(from));
    while (at < limit && !isSpace(at)) {
      at += sql.charAt(at) == '\\' ? 2 : 1;
    }
    return Math.min(at, limit);
  }
}
