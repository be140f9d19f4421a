package io.asyncpg.client;

import io.asyncpg.client.PgConfig.Host;
import io.asyncpg.client.session.Keyword;
import io.asyncpg.client.session.ServiceFile;
import io.asyncpg.protocol.ScramKeys;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What was said of each keyword, by whoever comes first, and what it means. */
final class ConnectionParameters {
  private static final int DEFAULT_PORT = 5432;

  private final Map<Keyword, String> values = new EnumMap<>(Keyword.class);
  private final Map<Keyword, String> origins = new EnumMap<>(Keyword.class);
  private final Map<String, String> environment;
  private final @Nullable Path home;

  /**
   * Gathers what is said.
   *
   * @param told what the builder was told
   * @param dsn what the connection string says
   * @param variables the environment, or null for the process's own
   */
  ConnectionParameters(
      Map<Keyword, String> told,
      Map<Keyword, String> dsn,
      @Nullable Map<String, String> variables) {
    environment = variables == null ? System.getenv() : variables;
    home = home(variables == null);
    add(told, "");
    add(dsn, " in the connection string");
    String service = service();
    if (service != null) {
      add(entry(service), " of service \"" + service + "\"");
    }
    for (Keyword keyword : Keyword.values()) {
      String variable = keyword.variable();
      if (variable != null) {
        addVariable(keyword, variable);
      }
    }
    if ("1".equals(environment.get("PGREQUIRESSL"))) {
      add(Map.of(Keyword.SSLMODE, "require"), " from the environment's PGREQUIRESSL");
    }
  }

  private void addVariable(Keyword keyword, String variable) {
    String value = environment.get(variable);
    if (value != null && !value.isEmpty()) {
      add(Map.of(keyword, value), " from the environment's " + variable);
    }
  }

  private @Nullable Path home(boolean ofProcess) {
    String home = environment.get("HOME");
    if ((home == null || home.isEmpty()) && ofProcess) {
      home = System.getProperty("user.home");
    }
    return home == null || home.isEmpty() ? null : Path.of(home);
  }

  /** Where libpq looks for a file of this name: on Windows, in a directory of its own. */
  private @Nullable Path homeFile(String name, String nameOnWindows) {
    String applicationData = environment.get("APPDATA");
    if (File.separatorChar == '\\' && applicationData != null) {
      return Path.of(applicationData, "postgresql", nameOnWindows);
    }
    return home == null ? null : home.resolve(name);
  }

  private @Nullable String service() {
    addVariable(Keyword.SERVICE, "PGSERVICE");
    addVariable(Keyword.SERVICEFILE, "PGSERVICEFILE");
    return get(Keyword.SERVICE);
  }

  /** The user's own file first, then the system's. */
  private Map<Keyword, String> entry(String service) {
    Path named = path(Keyword.SERVICEFILE);
    if (named != null && !Files.exists(named)) {
      throw wrong(Keyword.SERVICEFILE, "there is no service file \"" + named + "\"");
    }
    Path own = named != null ? named : homeFile(".pg_service.conf", ".pg_service.conf");
    String system = environment.get("PGSYSCONFDIR");
    Path common = system == null ? null : Path.of(system, "pg_service.conf");
    List<Path> files = Stream.of(own, common).filter(Objects::nonNull).toList();
    for (Path file : files) {
      Map<Keyword, String> entry = Files.exists(file) ? ServiceFile.find(file, service) : null;
      if (entry != null) {
        return entry;
      }
    }
    throw wrong(
        Keyword.SERVICE,
        "no service file defines \""
            + service
            + "\"; "
            + (files.isEmpty()
                ? "name one with servicefile or PGSERVICEFILE"
                : "it would have to be in "
                    + files.stream().map(Path::toString).collect(Collectors.joining(" or "))));
  }

  private void add(Map<Keyword, String> said, String origin) {
    said.forEach(
        (keyword, value) -> {
          if (values.putIfAbsent(keyword, value) == null) {
            origins.put(keyword, origin);
          }
        });
  }

  /** What was said, or null if that is nothing. */
  @Nullable String get(Keyword keyword) {
    String value = values.get(keyword);
    return value == null || value.isEmpty() ? null : value;
  }

  IllegalArgumentException wrong(Keyword keyword, String what) {
    return new IllegalArgumentException(
        keyword.word() + origins.getOrDefault(keyword, "") + ": " + what);
  }

  <E> E oneOf(Keyword keyword, E[] choices, E otherwise) {
    String value = values.get(keyword);
    if (value == null) {
      return otherwise;
    }
    for (E choice : choices) {
      if (choice.toString().equals(value)) {
        return choice;
      }
    }
    throw wrong(
        keyword,
        "one of "
            + Arrays.stream(choices).map(Object::toString).collect(Collectors.joining(", "))
            + " is wanted, not \""
            + value
            + "\"");
  }

  int integer(Keyword keyword, int otherwise) {
    String value = values.get(keyword);
    if (value == null) {
      return otherwise;
    }
    try {
      return Integer.parseInt(value.strip());
    } catch (NumberFormatException e) {
      throw wrong(keyword, "a whole number is wanted, not \"" + value + "\"");
    }
  }

  /** As the socket options take it: what is below zero leaves it to the system, too. */
  int notNegative(Keyword keyword, int most) {
    int value = Math.max(0, integer(keyword, 0));
    if (value > most) {
      throw wrong(
          keyword,
          "operating systems take up to " + most + ", not " + value + "; 0 is their own default");
    }
    return value;
  }

  @Nullable Path path(Keyword keyword) {
    String value = get(keyword);
    try {
      return value == null ? null : Path.of(value);
    } catch (InvalidPathException e) {
      throw wrong(keyword, "a file's name is wanted, not \"" + value + "\"");
    }
  }

  /** The password file, there or not; null where there is no home for one. */
  @Nullable Path passfile() {
    Path named = path(Keyword.PASSFILE);
    return named != null ? named : homeFile(".pgpass", "pgpass.conf");
  }

  /** The directory of the default certificates and keys, there or not. */
  @Nullable Path tlsDirectory() {
    return homeFile(".postgresql", "");
  }

  List<Host> hosts() {
    String names = get(Keyword.HOST);
    String addresses = get(Keyword.HOSTADDR);
    String[] name = names == null ? new String[] {""} : names.split(",", -1);
    String[] address = addresses == null ? new String[name.length] : addresses.split(",", -1);
    if (names == null) {
      name = new String[address.length];
    }
    if (address.length != name.length) {
      throw wrong(
          Keyword.HOSTADDR,
          address.length
              + " addresses do not match "
              + name.length
              + " hosts; give one for each, left empty where the name is to be looked up");
    }
    String[] port = Objects.requireNonNullElse(get(Keyword.PORT), "").split(",", -1);
    if (port.length != 1 && port.length != name.length) {
      throw wrong(
          Keyword.PORT,
          port.length
              + " ports do not match "
              + name.length
              + " hosts; give one for all or one for each");
    }
    List<Host> hosts = new ArrayList<>();
    for (int i = 0; i < name.length; i++) {
      String at = address[i] == null || address[i].isEmpty() ? null : address[i];
      String named = name[i] == null || name[i].isEmpty() ? null : name[i];
      if (named != null && named.indexOf('@') > 0 && named.charAt(0) != '/') {
        // Most likely the rest of a password: not to be printed, nor asked of a name server.
        throw wrong(Keyword.HOST, "a host's name holds no @; write an @ in a password as %40");
      }
      String known = named != null ? named : at != null ? at : "localhost";
      hosts.add(new Host(known, at, port(port[port.length == 1 ? 0 : i])));
    }
    return List.copyOf(hosts);
  }

  private int port(String text) {
    if (text.isEmpty()) {
      return DEFAULT_PORT;
    }
    int port;
    try {
      port = Integer.parseInt(text.strip());
    } catch (NumberFormatException e) {
      throw wrong( // not printed: a password with a / or : in it ends up here
          Keyword.PORT,
          "a number from 1 to 65535 is wanted; in a URI, write an @, / or : of a password as"
              + " %40, %2F or %3A");
    }
    if (port < 1 || port > 65535) {
      throw wrong(Keyword.PORT, "a number from 1 to 65535 is wanted, not " + port);
    }
    return port;
  }

  String user() {
    String user = get(Keyword.USER);
    if (user == null) {
      user = System.getProperty("user.name", "");
    }
    if (user.isEmpty()) {
      throw wrong(Keyword.USER, "nothing names the user; say who to log in as");
    }
    return user;
  }

  String database(String user) {
    String database = get(Keyword.DBNAME);
    return database == null ? user : database;
  }

  Map<String, String> settings(Map<String, String> told) {
    Map<String, String> settings = new LinkedHashMap<>();
    setting(settings, "datestyle", environment.get("PGDATESTYLE"));
    setting(settings, "timezone", environment.get("PGTZ"));
    setting(settings, "geqo", environment.get("PGGEQO"));
    String name = get(Keyword.APPLICATION_NAME);
    setting(
        settings,
        Keyword.APPLICATION_NAME.word(),
        name == null ? get(Keyword.FALLBACK_APPLICATION_NAME) : name);
    setting(settings, Keyword.OPTIONS.word(), get(Keyword.OPTIONS));
    setting(settings, Keyword.REPLICATION.word(), get(Keyword.REPLICATION));
    settings.keySet().removeIf(said -> told.keySet().stream().anyMatch(said::equalsIgnoreCase));
    settings.putAll(told);
    return Collections.unmodifiableMap(settings);
  }

  private static void setting(Map<String, String> settings, String name, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      settings.put(name, value);
    }
  }

  /** As libpq: seconds; 0 and less are no bound. */
  @Nullable Duration addressTimeout(@Nullable Duration told) {
    if (told != null) {
      return told;
    }
    int seconds = integer(Keyword.CONNECT_TIMEOUT, 0);
    return seconds <= 0 ? null : Duration.ofSeconds(seconds);
  }

  SslMode sslMode() {
    boolean system = "system".equals(get(Keyword.SSLROOTCERT));
    SslMode mode =
        oneOf(Keyword.SSLMODE, SslMode.values(), system ? SslMode.VERIFY_FULL : SslMode.PREFER);
    if (system && mode != SslMode.VERIFY_FULL) {
      throw wrong(
          Keyword.SSLMODE,
          "\"" + mode + "\" is too weak for sslrootcert=system; make it verify-full");
    }
    return mode;
  }

  SslNegotiation sslNegotiation(SslMode mode) {
    SslNegotiation negotiation =
        oneOf(Keyword.SSLNEGOTIATION, SslNegotiation.values(), SslNegotiation.POSTGRES);
    if (negotiation == SslNegotiation.DIRECT && mode.compareTo(SslMode.REQUIRE) < 0) {
      throw wrong(
          Keyword.SSLMODE,
          "\""
              + mode
              + "\" is too weak for sslnegotiation=direct; make it require, verify-ca or"
              + " verify-full");
    }
    return negotiation;
  }

  String tlsVersion(Keyword keyword, String otherwise) {
    String value = get(keyword);
    if (value == null) {
      return otherwise;
    }
    for (String version : List.of("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")) {
      if (version.equalsIgnoreCase(value)) {
        return version;
      }
    }
    throw wrong(keyword, "TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3 is wanted, not \"" + value + "\"");
  }

  ProtocolVersion protocolVersion(Keyword keyword) {
    if ("latest".equals(values.get(keyword))) {
      return ProtocolVersion.V3_2;
    }
    return oneOf(keyword, ProtocolVersion.values(), ProtocolVersion.V3_0);
  }

  ProtocolVersion maxProtocolVersion(ProtocolVersion least) {
    if (get(Keyword.MAX_PROTOCOL_VERSION) == null) {
      return least;
    }
    ProtocolVersion most = protocolVersion(Keyword.MAX_PROTOCOL_VERSION);
    if (most.compareTo(least) < 0) {
      throw wrong(
          Keyword.MAX_PROTOCOL_VERSION,
          "\"" + most + "\" is below min_protocol_version \"" + least + "\"; raise it");
    }
    return most;
  }

  /** A list of methods, or of methods not wanted, each after a {@code !}. */
  Set<AuthMethod> requireAuth() {
    String value = get(Keyword.REQUIRE_AUTH);
    EnumSet<AuthMethod> all = EnumSet.allOf(AuthMethod.class);
    if (value == null) {
      return Collections.unmodifiableSet(all);
    }
    EnumSet<AuthMethod> named = EnumSet.noneOf(AuthMethod.class);
    boolean negated = value.startsWith("!");
    for (String item : value.split(",", -1)) {
      if (item.startsWith("!") != negated) {
        throw wrong(
            Keyword.REQUIRE_AUTH, "\"" + value + "\" mixes methods with and without a !; use one");
      }
      String word = negated ? item.substring(1) : item;
      AuthMethod method =
          all.stream()
              .filter(candidate -> candidate.toString().equals(word))
              .findFirst()
              .orElseThrow(
                  () ->
                      wrong(
                          Keyword.REQUIRE_AUTH, "\"" + word + "\" is no method; there are " + all));
      if (!named.add(method)) {
        throw wrong(Keyword.REQUIRE_AUTH, "\"" + word + "\" is there twice; name it once");
      }
    }
    return Collections.unmodifiableSet(negated ? EnumSet.complementOf(named) : named);
  }

  void checkTheRest(String oldestTls, String newestTls) {
    if (!newestTls.isEmpty() && newestTls.compareTo(oldestTls) < 0) {
      throw wrong(
          Keyword.SSL_MAX_PROTOCOL_VERSION,
          newestTls + " is below ssl_min_protocol_version " + oldestTls + "; raise it");
    }
    String encoding = get(Keyword.CLIENT_ENCODING);
    if (encoding != null) {
      checkEncoding("client_encoding", encoding);
    }
    String encryption =
        oneOf(Keyword.GSSENCMODE, new String[] {"disable", "prefer", "require"}, "disable");
    if (encryption.equals("require")) {
      throw wrong(
          Keyword.GSSENCMODE,
          "encryption by GSSAPI is not something this client does; use sslmode=require");
    }
  }

  /** What was said about OAuth, for whoever fetches the token. */
  Map<Keyword, String> oauth() {
    Map<Keyword, String> said = new EnumMap<>(Keyword.class);
    for (Keyword keyword :
        List.of(
            Keyword.OAUTH_ISSUER,
            Keyword.OAUTH_CLIENT_ID,
            Keyword.OAUTH_CLIENT_SECRET,
            Keyword.OAUTH_SCOPE)) {
      String value = get(keyword);
      if (value != null) {
        said.put(keyword, value);
      }
    }
    return said;
  }

  /** Where Kerberos tickets are, or null if the environment does not say. */
  @Nullable String ticketCache() {
    String cache = environment.get("KRB5CCNAME");
    return cache == null || cache.isEmpty() ? null : cache;
  }

  /** Both or neither: one proves us to the server, the other the server to us. */
  @Nullable ScramKeys scramKeys() {
    byte[] client = scramKey(Keyword.SCRAM_CLIENT_KEY);
    byte[] server = scramKey(Keyword.SCRAM_SERVER_KEY);
    if (client != null && server != null) {
      return ScramKeys.of(client, server);
    }
    if (client != null) {
      throw wrong(Keyword.SCRAM_CLIENT_KEY, "scram_server_key is missing; give both");
    }
    if (server != null) {
      throw wrong(Keyword.SCRAM_SERVER_KEY, "scram_client_key is missing; give both");
    }
    return null;
  }

  private byte @Nullable [] scramKey(Keyword keyword) {
    String encoded = get(keyword);
    if (encoded == null) {
      return null;
    }
    byte[] key;
    try {
      key = Base64.getDecoder().decode(encoded);
    } catch (IllegalArgumentException e) {
      throw wrong(keyword, ScramKeys.LENGTH + " bytes in base64 are wanted; this is not base64");
    }
    if (key.length != ScramKeys.LENGTH) {
      throw wrong(
          keyword, ScramKeys.LENGTH + " bytes in base64 are wanted; these are " + key.length);
    }
    return key;
  }

  static void checkEncoding(String argument, String encoding) {
    String letters = encoding.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    if (!List.of("utf8", "unicode", "auto").contains(letters)) {
      throw new IllegalArgumentException(
          argument
              + ": this client speaks UTF8 only, not \""
              + encoding
              + "\"; leave it out, the server converts");
    }
  }
}
