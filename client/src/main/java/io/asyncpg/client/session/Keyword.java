package io.asyncpg.client.session;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Every keyword a connection string may hold, as libpq 18 knows them, and the environment variable
 * that stands in for it.
 */
public enum Keyword {
  SERVICE("PGSERVICE"),
  SERVICEFILE("PGSERVICEFILE"),
  USER("PGUSER"),
  PASSWORD("PGPASSWORD"),
  PASSFILE("PGPASSFILE"),
  CHANNEL_BINDING("PGCHANNELBINDING"),
  CONNECT_TIMEOUT("PGCONNECT_TIMEOUT"),
  DBNAME("PGDATABASE"),
  HOST("PGHOST"),
  HOSTADDR("PGHOSTADDR"),
  PORT("PGPORT"),
  /** PGCLIENTENCODING tells of a terminal's encoding; this client's is always UTF8. */
  CLIENT_ENCODING(null),
  OPTIONS("PGOPTIONS"),
  APPLICATION_NAME("PGAPPNAME"),
  FALLBACK_APPLICATION_NAME(null),
  KEEPALIVES(null),
  KEEPALIVES_IDLE(null),
  KEEPALIVES_INTERVAL(null),
  KEEPALIVES_COUNT(null),
  TCP_USER_TIMEOUT(null),
  SSLMODE("PGSSLMODE"),
  SSLNEGOTIATION("PGSSLNEGOTIATION"),
  /** Ignored: TLS compression is gone. */
  SSLCOMPRESSION("PGSSLCOMPRESSION"),
  SSLCERT("PGSSLCERT"),
  SSLKEY("PGSSLKEY"),
  SSLCERTMODE("PGSSLCERTMODE"),
  SSLPASSWORD(null),
  SSLROOTCERT("PGSSLROOTCERT"),
  SSLCRL("PGSSLCRL"),
  SSLCRLDIR("PGSSLCRLDIR"),
  SSLSNI("PGSSLSNI"),
  REQUIREPEER("PGREQUIREPEER"),
  REQUIRE_AUTH("PGREQUIREAUTH"),
  MIN_PROTOCOL_VERSION("PGMINPROTOCOLVERSION"),
  MAX_PROTOCOL_VERSION("PGMAXPROTOCOLVERSION"),
  SSL_MIN_PROTOCOL_VERSION("PGSSLMINPROTOCOLVERSION"),
  SSL_MAX_PROTOCOL_VERSION("PGSSLMAXPROTOCOLVERSION"),
  GSSENCMODE("PGGSSENCMODE"),
  KRBSRVNAME("PGKRBSRVNAME"),
  /** Ignored: GSSAPI is the JDK's own. */
  GSSLIB("PGGSSLIB"),
  GSSDELEGATION("PGGSSDELEGATION"),
  REPLICATION(null),
  TARGET_SESSION_ATTRS("PGTARGETSESSIONATTRS"),
  LOAD_BALANCE_HOSTS("PGLOADBALANCEHOSTS"),
  SCRAM_CLIENT_KEY(null),
  SCRAM_SERVER_KEY(null),
  OAUTH_ISSUER(null),
  OAUTH_CLIENT_ID(null),
  OAUTH_CLIENT_SECRET(null),
  OAUTH_SCOPE(null),
  /** Ignored: a connection string names no file to write, least of all one of session keys. */
  SSLKEYLOGFILE(null);

  private static final Map<String, Keyword> BY_WORD = new HashMap<>();

  /** What people who come from elsewhere write. */
  private static final Map<String, Keyword> ELSEWHERE =
      Map.ofEntries(
          Map.entry("database", DBNAME),
          Map.entry("db", DBNAME),
          Map.entry("username", USER),
          Map.entry("pass", PASSWORD),
          Map.entry("pwd", PASSWORD),
          Map.entry("server", HOST),
          Map.entry("ssl", SSLMODE),
          Map.entry("timeout", CONNECT_TIMEOUT),
          Map.entry("logintimeout", CONNECT_TIMEOUT),
          Map.entry("applicationname", APPLICATION_NAME),
          Map.entry("currentschema", OPTIONS),
          Map.entry("search_path", OPTIONS),
          Map.entry("tcpkeepalive", KEEPALIVES),
          Map.entry("targetservertype", TARGET_SESSION_ATTRS),
          Map.entry("loadbalancehosts", LOAD_BALANCE_HOSTS));

  static {
    for (Keyword keyword : values()) {
      BY_WORD.put(keyword.word, keyword);
    }
  }

  private final String word = name().toLowerCase(Locale.ROOT);
  private final @Nullable String variable;

  Keyword(@Nullable String variable) {
    this.variable = variable;
  }

  /**
   * As written in a connection string.
   *
   * @return the keyword in lower case
   */
  public String word() {
    return word;
  }

  /**
   * Where the environment says it.
   *
   * @return the variable libpq reads it from, or null if there is none
   */
  public @Nullable String variable() {
    return variable;
  }

  /**
   * Whether its value is never to be printed.
   *
   * @return true for passwords and keys
   */
  public boolean isSecret() {
    return switch (this) {
      case PASSWORD, SSLPASSWORD, OAUTH_CLIENT_SECRET, SCRAM_CLIENT_KEY, SCRAM_SERVER_KEY -> true;
      default -> false;
    };
  }

  @Override
  public String toString() {
    return word;
  }

  /**
   * The keyword of this name.
   *
   * @param word as written in a connection string
   * @return the keyword, or null if there is none
   */
  public static @Nullable Keyword of(String word) {
    return BY_WORD.get(word);
  }

  /**
   * The keyword that was probably meant.
   *
   * @param word a word that is none
   * @return the nearest keyword, or null if none is near
   */
  public static @Nullable Keyword near(String word) {
    String lower = word.toLowerCase(Locale.ROOT);
    Keyword elsewhere = ELSEWHERE.get(lower);
    if (elsewhere != null) {
      return elsewhere;
    }
    if (lower.length() > 40) {
      return null;
    }
    Keyword best = null;
    int least = Math.max(2, lower.length() / 3) + 1;
    for (Keyword keyword : values()) {
      int distance = distance(lower, keyword.word);
      if (distance < least) {
        best = keyword;
        least = distance;
      }
    }
    return best;
  }

  /** Levenshtein's: how many letters to add, drop or change to turn one word into the other. */
  private static int distance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int change = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(change, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[to.length()];
  }
}
