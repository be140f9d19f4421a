package io.asyncpg.client.session;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A connection string taken apart as libpq does it (manual, "Connection Strings"): a URI if it
 * begins with {@code postgresql://} or {@code postgres://}, else keywords and values.
 *
 * <p>What it says is not judged here, only how it is written. No message holds any part of the
 * string that could be a piece of a password: faults are named by their position.
 */
public final class ConnectionString {
  private static final String LONG_PREFIX = "postgresql://";
  private static final String SHORT_PREFIX = "postgres://";

  /** What may be shown of a word that is none of the keywords; all of those are such. */
  private static final Pattern WORD = Pattern.compile("[a-zA-Z_]{1,40}");

  private final String text;
  private final boolean isUri;
  private final Map<Keyword, String> values = new EnumMap<>(Keyword.class);
  private int at;

  private ConnectionString(String text) {
    this.text = text;
    this.isUri = text.startsWith(LONG_PREFIX) || text.startsWith(SHORT_PREFIX);
  }

  /**
   * Takes a connection string apart.
   *
   * @param text a URI or a keyword/value string; may be empty
   * @return what it says; the last one of a repeated keyword
   * @throws IllegalArgumentException if libpq would not read it either
   */
  public static Map<Keyword, String> parse(String text) {
    int nul = text.indexOf('\0');
    if (nul >= 0) {
      throw new IllegalArgumentException(
          "dsn: a connection string holds no NUL; there is one at character " + (nul + 1));
    }
    ConnectionString string = new ConnectionString(text);
    if (text.startsWith(LONG_PREFIX)) {
      string.at = LONG_PREFIX.length();
      string.uri();
    } else if (text.startsWith(SHORT_PREFIX)) {
      string.at = SHORT_PREFIX.length();
      string.uri();
    } else {
      string.keywordsAndValues();
    }
    return Collections.unmodifiableMap(string.values);
  }

  // host=db user = 'an "odd" one' password=pass\ word
  //
  // Blanks may surround the equals sign. A value ends at a blank unless it is quoted; a backslash
  // takes the next character as it is, in quotes and outside.

  private void keywordsAndValues() {
    Keyword before = null;
    while (skipBlanks()) {
      int start = at;
      while (at < text.length() && text.charAt(at) != '=' && !isBlank(text.charAt(at))) {
        at++;
      }
      String word = text.substring(start, at);
      boolean afterSecret = before != null && before.isSecret();
      if (!skipBlanks() || text.charAt(at) != '=') {
        throw wrong(
            "= is missing after the word at character " + (start + 1),
            "write keyword=value, and quote a value that holds blanks: keyword='a value'");
      }
      at++;
      skipBlanks();
      String value = at < text.length() && text.charAt(at) == '\'' ? quoted() : unquoted();
      before = store(word, value, start, afterSecret);
    }
  }

  private String unquoted() {
    StringBuilder value = new StringBuilder();
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (isBlank(c)) {
        break;
      }
      if (c != '\\') {
        value.append(c);
      } else if (at < text.length()) {
        value.append(text.charAt(at++));
      }
    }
    return value.toString();
  }

  private String quoted() {
    int start = at++;
    StringBuilder value = new StringBuilder();
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == '\'') {
        return value.toString();
      }
      if (c != '\\') {
        value.append(c);
      } else if (at < text.length()) {
        value.append(text.charAt(at++));
      }
    }
    throw wrong(
        "the quote opened at character " + (start + 1) + " is never closed",
        "close it with ', and write a ' inside a value as \\'");
  }

  private boolean skipBlanks() {
    while (at < text.length() && isBlank(text.charAt(at))) {
      at++;
    }
    return at < text.length();
  }

  // postgresql://user:password@host:port,host:port/dbname?keyword=value&keyword=value
  //
  // Every part may be missing. The first @ before a / ends the credentials.

  private void uri() {
    int start = at;
    upTo("@/");
    boolean credentials = is('@');
    at = start;
    if (credentials) {
      storeUnlessEmpty(Keyword.USER, upTo(":@"));
      if (is(':')) {
        at++;
        storeUnlessEmpty(Keyword.PASSWORD, upTo("@"));
      }
      at++;
    }
    hosts();
    if (is('/')) {
      at++;
      storeUnlessEmpty(Keyword.DBNAME, upTo("?"));
    }
    if (at < text.length()) {
      at++;
      parameters();
    }
  }

  private void hosts() {
    StringBuilder hosts = new StringBuilder();
    StringBuilder ports = new StringBuilder();
    while (true) {
      hosts.append(is('[') ? bracketed() : upTo(":/?,"));
      if (is(':')) {
        at++;
        ports.append(upTo("/?,"));
      }
      if (!is(',')) {
        break;
      }
      at++;
      hosts.append(',');
      ports.append(',');
    }
    storeUnlessEmpty(Keyword.HOST, hosts.toString());
    storeUnlessEmpty(Keyword.PORT, ports.toString());
  }

  /** An IPv6 address, whose colons would otherwise begin a port. */
  private String bracketed() {
    int start = ++at;
    String address = upTo("]");
    if (at == text.length()) {
      throw wrong("the [ at character " + start + " is never closed", "end the address with ]");
    }
    if (address.isEmpty()) {
      throw wrong("the brackets at character " + start + " are empty", "put an IPv6 address in");
    }
    at++;
    if (at < text.length() && ":/?,".indexOf(text.charAt(at)) < 0) {
      throw wrong(
          "after the ] something unexpected is at character " + (at + 1),
          "go on with :port, /dbname or ?keyword=value");
    }
    return address;
  }

  private void parameters() {
    Keyword before = null;
    while (at < text.length()) {
      int start = at;
      String word = upTo("=&");
      boolean afterSecret = before != null && before.isSecret();
      if (!is('=')) {
        throw wrong(
            "= is missing in the parameter at character " + (start + 1),
            "write ?keyword=value, and an & inside a value as %26");
      }
      at++;
      String value = upTo("=&");
      if (is('=')) {
        throw wrong(
            "a second = in one parameter, at character " + (at + 1),
            "write an = inside a value as %3D");
      }
      at++;
      word = decoded(word);
      value = decoded(value);
      if (word.equals("ssl") && value.equals("true")) { // as JDBC's URLs have it
        word = Keyword.SSLMODE.word();
        value = "require";
      }
      before = store(word, value, start, afterSecret);
    }
  }

  private boolean is(char c) {
    return at < text.length() && text.charAt(at) == c;
  }

  /** The text from here to the next of these characters or the end, not decoded. */
  private String upTo(String stops) {
    int start = at;
    while (at < text.length() && stops.indexOf(text.charAt(at)) < 0) {
      at++;
    }
    return text.substring(start, at);
  }

  /** Undoes percent-encoding. A plus sign is a plus sign. */
  private String decoded(String part) {
    String stripped = withoutSpacesAround(part);
    if (stripped.indexOf('%') < 0) {
      return stripped;
    }
    byte[] raw = stripped.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(raw.length);
    for (int i = 0; i < raw.length; i++) {
      if (raw[i] != '%') {
        bytes.put(raw[i]);
        continue;
      }
      int high = i + 2 < raw.length ? Character.digit(raw[i + 1], 16) : -1;
      int low = i + 2 < raw.length ? Character.digit(raw[i + 2], 16) : -1;
      if (high < 0 || low < 0) {
        throw wrong("a % is not followed by two hexadecimal digits", "write a plain % as %25");
      }
      if (high == 0 && low == 0) {
        throw wrong("%00 stands for NUL, which no value may hold", "leave it out");
      }
      bytes.put((byte) (high << 4 | low));
      i += 2;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
    } catch (CharacterCodingException e) {
      throw wrong("percent-encoded bytes are not UTF-8", "encode the characters as UTF-8");
    }
  }

  /** As libpq 18 has it: spaces around a part do not count, spaces inside it are a mistake. */
  private static String withoutSpacesAround(String part) {
    int start = 0;
    int end = part.length();
    while (start < end && part.charAt(start) == ' ') {
      start++;
    }
    while (start < end && part.charAt(end - 1) == ' ') {
      end--;
    }
    String inner = part.substring(start, end);
    if (inner.indexOf(' ') >= 0) {
      throw wrong("a space is inside a part of the URI", "write a space as %20");
    }
    return inner;
  }

  private void storeUnlessEmpty(Keyword keyword, String encoded) {
    if (!encoded.isEmpty()) {
      values.put(keyword, decoded(encoded));
    }
  }

  private Keyword store(String word, String value, int start, boolean afterSecret) {
    if (word.equals("requiressl")) { // before there was sslmode
      values.put(Keyword.SSLMODE, value.startsWith("1") ? "require" : "prefer");
      return Keyword.SSLMODE;
    }
    Keyword keyword = Keyword.of(word);
    if (keyword != null) {
      values.put(keyword, value);
      return keyword;
    }
    if (afterSecret) {
      throw wrong(
          "the word at character " + (start + 1) + ", after a password, is not a keyword",
          "quote a password that holds blanks, or percent-encode it in a URI");
    }
    // In a URI an @ behind the first ? is most likely that of a password with a ? in it.
    int question = isUri ? text.indexOf('?') : -1;
    if (!WORD.matcher(word).matches() || (question >= 0 && text.indexOf('@', question) >= 0)) {
      throw wrong(
          "the word at character " + (start + 1) + " is not a connection keyword",
          isUri
              ? "write a /, ? or @ of a password as %2F, %3F or %40"
              : "quote a value that holds blanks: keyword='a value'");
    }
    Keyword near = Keyword.near(word);
    throw wrong(
        "\"" + word + "\" at character " + (start + 1) + " is not a connection keyword",
        near == null
            ? "server settings go through options=-c\\ name=value"
            : "did you mean " + near.word() + "?");
  }

  private static IllegalArgumentException wrong(String what, String remedy) {
    return new IllegalArgumentException("dsn: " + what + "; " + remedy);
  }

  private static boolean isBlank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
  }
}
