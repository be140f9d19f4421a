package io.asyncpg.client;

import io.asyncpg.client.session.ConnectionString;
import io.asyncpg.client.session.Keyword;
import io.asyncpg.client.session.OffLoop;
import io.asyncpg.client.session.Passfile;
import io.asyncpg.protocol.ScramKeys;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.CodecRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Where a server is, who asks, and how to talk to it. Immutable; for any thread; {@link
 * #toString()} and every exception keep passwords to themselves.
 *
 * <p>What works with psql works here, with the same words: connection strings, the {@code PG…}
 * environment variables, the password file and the service file. What the builder is told wins over
 * the connection string, that over the service, that over the environment, and that over the
 * defaults. The keywords are described in PostgreSQL's manual, "Parameter Key Words".
 */
public final class PgConfig {
  private static final Duration DEFAULT_CONNECT_TIMEOUT = Duration.ofMinutes(1);

  /** The largest message PostgreSQL makes: one value or row of a gigabyte. */
  private static final int DEFAULT_MAX_MESSAGE_SIZE = 1 << 30;

  /** What Linux takes; others take more, and nobody needs it. */
  private static final int LONGEST_KEEPALIVE_SECONDS = 32_767;

  private static final int MOST_KEEPALIVES = 127;

  private final Builder source;
  private final List<Host> hosts;
  private final String user;
  private final String database;
  private final @Nullable String password;
  private final @Nullable ScramKeys scramKeys;
  private final Map<Keyword, String> oauth;
  private final @Nullable Path passfile;
  private final @Nullable Path tlsDirectory;
  private final Map<String, String> settings;
  private final TargetSessionAttrs targetSessionAttrs;
  private final LoadBalanceHosts loadBalanceHosts;
  private final Duration connectTimeout;
  private final @Nullable Duration addressTimeout;
  private final boolean keepalives;
  private final Duration keepalivesIdle;
  private final Duration keepalivesInterval;
  private final int keepalivesCount;
  private final Duration tcpUserTimeout;
  private final SslMode sslMode;
  private final SslNegotiation sslNegotiation;
  private final @Nullable Path sslRootCert;
  private final @Nullable Path sslCert;
  private final @Nullable Path sslKey;
  private final @Nullable String sslPassword;
  private final SslCertMode sslCertMode;
  private final @Nullable Path sslCrl;
  private final @Nullable Path sslCrlDir;
  private final boolean sslSni;
  private final String sslMinProtocolVersion;
  private final @Nullable String sslMaxProtocolVersion;
  private final @Nullable String requirePeer;
  private final ChannelBinding channelBinding;
  private final Set<AuthMethod> requireAuth;
  private final String krbSrvName;
  private final boolean gssDelegation;
  private final @Nullable String ticketCache;
  private final ProtocolVersion minProtocolVersion;
  private final ProtocolVersion maxProtocolVersion;

  private PgConfig(Builder builder) {
    source = new Builder(builder);
    ConnectionParameters words =
        new ConnectionParameters(source.words, source.dsn, source.environment);
    hosts = words.hosts();
    user = words.user();
    database = words.database(user);
    password = words.get(Keyword.PASSWORD);
    scramKeys = words.scramKeys();
    oauth = words.oauth();
    passfile = words.passfile();
    tlsDirectory = words.tlsDirectory();
    settings = words.settings(source.settings);
    targetSessionAttrs =
        words.oneOf(
            Keyword.TARGET_SESSION_ATTRS, TargetSessionAttrs.values(), TargetSessionAttrs.ANY);
    loadBalanceHosts =
        words.oneOf(
            Keyword.LOAD_BALANCE_HOSTS, LoadBalanceHosts.values(), LoadBalanceHosts.DISABLE);
    addressTimeout = words.addressTimeout(source.addressTimeout);
    connectTimeout = connectTimeout(source.connectTimeout, addressTimeout, hosts.size());
    keepalives = words.integer(Keyword.KEEPALIVES, 1) != 0;
    keepalivesIdle =
        Duration.ofSeconds(words.notNegative(Keyword.KEEPALIVES_IDLE, LONGEST_KEEPALIVE_SECONDS));
    keepalivesInterval =
        Duration.ofSeconds(
            words.notNegative(Keyword.KEEPALIVES_INTERVAL, LONGEST_KEEPALIVE_SECONDS));
    keepalivesCount = words.notNegative(Keyword.KEEPALIVES_COUNT, MOST_KEEPALIVES);
    tcpUserTimeout =
        Duration.ofMillis(words.notNegative(Keyword.TCP_USER_TIMEOUT, Integer.MAX_VALUE));
    sslRootCert = words.path(Keyword.SSLROOTCERT);
    sslMode = words.sslMode();
    sslNegotiation = words.sslNegotiation(sslMode);
    sslCert = words.path(Keyword.SSLCERT);
    sslKey = words.path(Keyword.SSLKEY);
    sslPassword = words.get(Keyword.SSLPASSWORD);
    sslCertMode = words.oneOf(Keyword.SSLCERTMODE, SslCertMode.values(), SslCertMode.ALLOW);
    sslCrl = words.path(Keyword.SSLCRL);
    sslCrlDir = words.path(Keyword.SSLCRLDIR);
    sslSni = words.integer(Keyword.SSLSNI, 1) != 0;
    sslMinProtocolVersion = words.tlsVersion(Keyword.SSL_MIN_PROTOCOL_VERSION, "TLSv1.2");
    String newestTls = words.tlsVersion(Keyword.SSL_MAX_PROTOCOL_VERSION, "");
    sslMaxProtocolVersion = newestTls.isEmpty() ? null : newestTls;
    requirePeer = words.get(Keyword.REQUIREPEER);
    channelBinding =
        words.oneOf(Keyword.CHANNEL_BINDING, ChannelBinding.values(), ChannelBinding.PREFER);
    requireAuth = words.requireAuth();
    String service = words.get(Keyword.KRBSRVNAME);
    krbSrvName = service == null || service.isEmpty() ? "postgres" : service;
    gssDelegation = words.integer(Keyword.GSSDELEGATION, 0) != 0;
    ticketCache = words.ticketCache();
    minProtocolVersion = words.protocolVersion(Keyword.MIN_PROTOCOL_VERSION);
    maxProtocolVersion = words.maxProtocolVersion(minProtocolVersion);
    words.checkTheRest(sslMinProtocolVersion, newestTls);
  }

  private static Duration connectTimeout(
      @Nullable Duration told, @Nullable Duration perAddress, int hosts) {
    if (told != null) {
      return told;
    }
    if (perAddress == null) {
      return DEFAULT_CONNECT_TIMEOUT;
    }
    Duration longest = Duration.ofSeconds(Long.MAX_VALUE);
    return perAddress.compareTo(longest.dividedBy(hosts)) > 0
        ? longest
        : perAddress.multipliedBy(hosts);
  }

  /**
   * Reads a connection string: a URI such as {@code
   * postgresql://user@host:5432/dbname?sslmode=require} or keywords and values such as {@code
   * host=db dbname=app}. What it leaves open comes from the service file, the environment and the
   * defaults.
   *
   * @param dsn the connection string; may be empty
   * @return the configuration
   * @throws IllegalArgumentException if libpq would not read it either, or a value makes no sense
   */
  public static PgConfig parse(String dsn) {
    return builder().dsn(dsn).build();
  }

  /**
   * An empty builder: everything comes from the environment and the defaults.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * A builder that has been told all this configuration was told, connection string included, so
   * that what follows from it (the database's name from the user's, for one) is worked out anew.
   *
   * @return a new builder
   */
  public Builder toBuilder() {
    return new Builder(source);
  }

  /**
   * The hosts to try, in order unless {@link #loadBalanceHosts()} shuffles them.
   *
   * @return at least one
   */
  public List<Host> hosts() {
    return hosts;
  }

  /**
   * The name of the first host.
   *
   * @return a name, an address, or the directory of a Unix socket
   */
  public String host() {
    return hosts.get(0).name();
  }

  /**
   * The port of the first host.
   *
   * @return 1 to 65535
   */
  public int port() {
    return hosts.get(0).port();
  }

  /**
   * The role to log in as.
   *
   * @return never empty; the operating system's user if nothing says otherwise
   */
  public String user() {
    return user;
  }

  /**
   * The database to connect to.
   *
   * @return never empty; the user's name if nothing says otherwise
   */
  public String database() {
    return database;
  }

  /**
   * Asks for the password to give to a host; to be asked for every physical connection. It is what
   * the supplier of {@link Builder#password(Supplier)} comes up with, else the password configured,
   * else what the password file says at that moment, which is read on another thread.
   *
   * @param host one of {@link #hosts()}
   * @return the password, or null inside the stage if there is none; failed if the supplier failed
   */
  public CompletionStage<@Nullable String> password(Host host) {
    Objects.requireNonNull(host, "host");
    Supplier<? extends CompletionStage<String>> supplier = source.passwordSupplier;
    if (supplier == null) {
      Path file = passfile;
      return password != null || file == null
          ? CompletableFuture.completedFuture(password)
          : CompletableFuture.supplyAsync(
              () -> new Passfile(file).password(host.name(), host.port(), database, user),
              OffLoop.THREADS);
    }
    try {
      return supplier.get().thenApply(secret -> secret);
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * The keys to prove who we are with in a SCRAM exchange, in place of the password.
   *
   * @return the keys, or null to make them from the password
   */
  public @Nullable ScramKeys scramKeys() {
    return scramKeys;
  }

  /**
   * Asks for the OAuth token to log in with: the function of {@link Builder#oauthToken}.
   *
   * @param host one of {@link #hosts()}
   * @return the token, or null inside the stage if there is no function; failed if it failed
   */
  public CompletionStage<@Nullable String> oauthToken(Host host) {
    Function<? super OAuthRequest, ? extends CompletionStage<String>> supplier =
        source.oauthSupplier;
    if (supplier == null) {
      return CompletableFuture.completedFuture(null);
    }
    try {
      return supplier
          .apply(
              new OAuthRequest(
                  Objects.requireNonNull(host, "host"),
                  user,
                  oauth.get(Keyword.OAUTH_ISSUER),
                  oauth.get(Keyword.OAUTH_CLIENT_ID),
                  oauth.get(Keyword.OAUTH_CLIENT_SECRET),
                  oauth.get(Keyword.OAUTH_SCOPE)))
          .thenApply(token -> token);
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * Server settings to start the session with, {@code application_name} and {@code options}
   * included.
   *
   * @return settings by name, unmodifiable
   */
  public Map<String, String> settings() {
    return settings;
  }

  /**
   * The name the session shows in {@code pg_stat_activity}.
   *
   * @return the name, or null
   */
  public @Nullable String applicationName() {
    return settings.get(Keyword.APPLICATION_NAME.word());
  }

  /**
   * Which kind of server will do.
   *
   * @return {@link TargetSessionAttrs#ANY} by default
   */
  public TargetSessionAttrs targetSessionAttrs() {
    return targetSessionAttrs;
  }

  /**
   * In which order hosts are tried.
   *
   * @return {@link LoadBalanceHosts#DISABLE} by default
   */
  public LoadBalanceHosts loadBalanceHosts() {
    return loadBalanceHosts;
  }

  /**
   * How long connecting may take in all: every host, TLS and authentication included.
   *
   * @return 60 seconds by default, or {@link #addressTimeout()} for each host if only that is known
   */
  public Duration connectTimeout() {
    return connectTimeout;
  }

  /**
   * How long one address of one host may take before the next is tried: libpq's {@code
   * connect_timeout}.
   *
   * @return a positive duration, or null for no such bound
   */
  public @Nullable Duration addressTimeout() {
    return addressTimeout;
  }

  /**
   * How long each call may take unless it says otherwise.
   *
   * @return a positive duration, or null for no bound
   */
  public @Nullable Duration commandTimeout() {
    return source.commandTimeout;
  }

  /**
   * How long a CancelRequest may go unanswered before its connection is given up.
   *
   * @return 5 seconds by default
   */
  public Duration cancelTimeout() {
    return source.cancelTimeout;
  }

  /**
   * How many prepared statements a connection keeps.
   *
   * @return 100 by default; 0 for none
   */
  public int statementCacheSize() {
    return source.statementCacheSize;
  }

  /**
   * How long a prepared statement is kept.
   *
   * @return 300 seconds by default; zero for as long as there is room
   */
  public Duration statementCacheLifetime() {
    return source.statementCacheLifetime;
  }

  /**
   * The longest SQL that is kept prepared.
   *
   * @return characters, 15360 by default; 0 for any length
   */
  public int maxCacheableStatementSize() {
    return source.maxCacheableStatementSize;
  }

  /**
   * The longest message that is read from a server; a longer one ends the connection.
   *
   * @return bytes, 1 GiB by default
   */
  public int maxMessageSize() {
    return source.maxMessageSize;
  }

  /**
   * Whether an exception shows where its call was made, to a stage that nobody waits for too, at
   * the price of a stack walk per call.
   *
   * @return false by default
   */
  public boolean captureCallSite() {
    return source.captureCallSite;
  }

  /**
   * Where futures complete.
   *
   * @return an executor, or null for the connection's event loop
   */
  public @Nullable Executor completionExecutor() {
    return source.completionExecutor;
  }

  /**
   * What turns values into bytes and back: every standard codec, and those the builder was given.
   *
   * @return a registry, {@link CodecRegistry#standard()} by default
   */
  public CodecRegistry codecs() {
    return source.codecs;
  }

  /**
   * Whether TCP keepalives are sent.
   *
   * @return true by default
   */
  public boolean keepalives() {
    return keepalives;
  }

  /**
   * How long a connection is silent before the first keepalive.
   *
   * @return whole seconds; zero for the system's default
   */
  public Duration keepalivesIdle() {
    return keepalivesIdle;
  }

  /**
   * How long a keepalive waits for its answer before the next.
   *
   * @return whole seconds; zero for the system's default
   */
  public Duration keepalivesInterval() {
    return keepalivesInterval;
  }

  /**
   * How many keepalives go unanswered before the connection is lost.
   *
   * @return a count; 0 for the system's default
   */
  public int keepalivesCount() {
    return keepalivesCount;
  }

  /**
   * How long what was sent may stay unacknowledged before the connection is lost.
   *
   * @return whole milliseconds; zero for the system's default
   */
  public Duration tcpUserTimeout() {
    return tcpUserTimeout;
  }

  /**
   * Whether the connection is encrypted, and how much of the server is verified.
   *
   * @return {@link SslMode#PREFER} by default; {@link SslMode#VERIFY_FULL} if the root certificates
   *     are the system's
   */
  public SslMode sslMode() {
    return sslMode;
  }

  /**
   * How encryption starts.
   *
   * @return {@link SslNegotiation#POSTGRES} by default
   */
  public SslNegotiation sslNegotiation() {
    return sslNegotiation;
  }

  /**
   * The certificates of the authorities a server certificate has to be signed by.
   *
   * @return a PEM file, {@code Path.of("system")} for those the JVM trusts, or null for {@code
   *     ~/.postgresql/root.crt}
   */
  public @Nullable Path sslRootCert() {
    return sslRootCert;
  }

  /**
   * The client's certificate.
   *
   * @return a PEM or PKCS#12 file, or null for {@code ~/.postgresql/postgresql.crt} if that exists
   */
  public @Nullable Path sslCert() {
    return sslCert;
  }

  /**
   * The key to the client's certificate.
   *
   * @return a PEM file, or null for {@code ~/.postgresql/postgresql.key} if that exists
   */
  public @Nullable Path sslKey() {
    return sslKey;
  }

  /**
   * The password of an encrypted {@link #sslKey()}.
   *
   * @return the password, or null if there is none
   */
  public @Nullable String sslPassword() {
    return sslPassword;
  }

  /**
   * Where certificates, keys and revocation lists are that nothing else names.
   *
   * @return {@code ~/.postgresql}, there or not; null if there is no home directory
   */
  public @Nullable Path tlsDirectory() {
    return tlsDirectory;
  }

  /**
   * Whether the client shows its certificate.
   *
   * @return {@link SslCertMode#ALLOW} by default
   */
  public SslCertMode sslCertMode() {
    return sslCertMode;
  }

  /**
   * The list of revoked certificates.
   *
   * @return a PEM file, or null for {@code ~/.postgresql/root.crl} if that exists
   */
  public @Nullable Path sslCrl() {
    return sslCrl;
  }

  /**
   * A directory of lists of revoked certificates.
   *
   * @return a directory, or null for none
   */
  public @Nullable Path sslCrlDir() {
    return sslCrlDir;
  }

  /**
   * Whether the host's name is told to the server in the TLS handshake. An address never is.
   *
   * @return true by default
   */
  public boolean sslSni() {
    return sslSni;
  }

  /**
   * The oldest TLS version that will do.
   *
   * @return as JSSE names it; {@code TLSv1.2} by default
   */
  public String sslMinProtocolVersion() {
    return sslMinProtocolVersion;
  }

  /**
   * The newest TLS version that will do.
   *
   * @return as JSSE names it, or null for the newest there is
   */
  public @Nullable String sslMaxProtocolVersion() {
    return sslMaxProtocolVersion;
  }

  /**
   * The operating system's user a server on a Unix socket has to run as.
   *
   * @return a user's name, or null for anyone
   */
  public @Nullable String requirePeer() {
    return requirePeer;
  }

  /**
   * The proxy that TCP connections go through.
   *
   * @return null for none
   */
  public @Nullable PgProxy proxy() {
    return source.proxy;
  }

  /**
   * The application's own TLS.
   *
   * @return null unless it was set: the files decide
   */
  public @Nullable SSLContext sslContext() {
    return source.sslContext;
  }

  /**
   * Whether authentication is tied to the TLS channel.
   *
   * @return {@link ChannelBinding#PREFER} by default
   */
  public ChannelBinding channelBinding() {
    return channelBinding;
  }

  /**
   * The ways of authenticating that are acceptable; any other the server asks for ends the attempt.
   *
   * @return all of them by default; unmodifiable
   */
  public Set<AuthMethod> requireAuth() {
    return requireAuth;
  }

  /**
   * The server's service name, for GSSAPI: the part before the slash of its Kerberos principal.
   *
   * @return {@code postgres} by default
   */
  public String krbSrvName() {
    return krbSrvName;
  }

  /**
   * Whether the server is given our Kerberos credentials, so that it can act for us elsewhere.
   *
   * @return false by default
   */
  public boolean gssDelegation() {
    return gssDelegation;
  }

  /**
   * The JAAS entry to log in to Kerberos with.
   *
   * @return its name, or null to use the tickets that kinit has left
   */
  public @Nullable String gssLogin() {
    return source.gssLogin;
  }

  /**
   * Where the environment says that Kerberos tickets are: its {@code KRB5CCNAME}.
   *
   * @return a file, perhaps with {@code FILE:} before it, or null for the JDK's default
   */
  public @Nullable String ticketCache() {
    return ticketCache;
  }

  /**
   * The most rounds of hashing a server may demand of a SCRAM exchange.
   *
   * @return 100000 by default
   */
  public int scramMaxIterations() {
    return source.scramMaxIterations;
  }

  /**
   * The oldest protocol version the server may come down to.
   *
   * @return {@link ProtocolVersion#V3_0} by default
   */
  public ProtocolVersion minProtocolVersion() {
    return minProtocolVersion;
  }

  /**
   * The protocol version to ask for.
   *
   * @return {@link ProtocolVersion#V3_0} by default
   */
  public ProtocolVersion maxProtocolVersion() {
    return maxProtocolVersion;
  }

  /** Where it leads, as keywords and values, and nothing secret. */
  @Override
  public String toString() {
    StringJoiner text = new StringJoiner(" ", "PgConfig[", "]");
    text.add("hosts=" + hosts.stream().map(Host::toString).collect(Collectors.joining(",")));
    text.add("user=" + user);
    text.add("dbname=" + database);
    text.add("sslmode=" + sslMode);
    if (targetSessionAttrs != TargetSessionAttrs.ANY) {
      text.add("target_session_attrs=" + targetSessionAttrs);
    }
    if (!settings.isEmpty()) {
      text.add("settings=" + settings.keySet());
    }
    return text.toString();
  }

  /**
   * One place a server may be.
   *
   * @param name what it was asked for by: a host's name, an address, the directory of a Unix
   *     socket, or {@code @} and the name of an abstract one; certificates are made out to it
   * @param address the address to connect to, so that the name need not be looked up; null to look
   *     it up
   * @param port 1 to 65535
   */
  public record Host(String name, @Nullable String address, int port) {
    /**
     * Checks what can be checked.
     *
     * @param name not empty
     * @param address the address, or null to look the name up
     * @param port 1 to 65535
     * @throws IllegalArgumentException if the name is empty or the port out of range
     */
    public Host {
      if (name.isEmpty()) {
        throw new IllegalArgumentException(
            "name: a host has a name or an address; \"\" is neither");
      }
      if (port < 1 || port > 65535) {
        throw new IllegalArgumentException("port: 1 to 65535 is wanted, not " + port);
      }
    }

    /**
     * A host to be looked up by name.
     *
     * @param name as in the canonical constructor
     * @param port 1 to 65535
     * @throws IllegalArgumentException if the name is empty or the port out of range
     */
    public Host(String name, int port) {
      this(name, null, port);
    }

    /**
     * Whether this is a Unix socket, not TCP.
     *
     * @return true if there is no address and the name begins with a slash or an {@code @}
     */
    public boolean isUnixSocket() {
      return address == null && (name.startsWith("/") || name.startsWith("@"));
    }

    /** The name and the port, an IPv6 address in brackets. */
    @Override
    public String toString() {
      return (name.indexOf(':') >= 0 && !isUnixSocket() ? "[" + name + "]" : name) + ":" + port;
    }
  }

  /** Collects a configuration. Not for several threads at once. */
  public static final class Builder {
    private final Map<Keyword, String> words = new EnumMap<>(Keyword.class);
    private final Map<String, String> settings = new LinkedHashMap<>();
    private Map<Keyword, String> dsn = Map.of();
    private @Nullable Map<String, String> environment;
    private @Nullable Supplier<? extends CompletionStage<String>> passwordSupplier;
    private @Nullable Function<? super OAuthRequest, ? extends CompletionStage<String>>
        oauthSupplier;
    private @Nullable String gssLogin;
    private @Nullable Duration connectTimeout;
    private @Nullable Duration addressTimeout;
    private @Nullable Duration commandTimeout;
    private Duration cancelTimeout = Duration.ofSeconds(5);
    private int statementCacheSize = 100;
    private Duration statementCacheLifetime = Duration.ofMinutes(5);
    private int maxCacheableStatementSize = 15 * 1024;
    private int maxMessageSize = DEFAULT_MAX_MESSAGE_SIZE;
    private int scramMaxIterations = 100_000;
    private boolean captureCallSite;
    private @Nullable SSLContext sslContext;
    private @Nullable PgProxy proxy;
    private @Nullable Executor completionExecutor;
    private CodecRegistry codecs = CodecRegistry.standard();

    private Builder() {}

    private Builder(Builder other) {
      words.putAll(other.words);
      settings.putAll(other.settings);
      dsn = other.dsn;
      environment = other.environment;
      passwordSupplier = other.passwordSupplier;
      oauthSupplier = other.oauthSupplier;
      gssLogin = other.gssLogin;
      connectTimeout = other.connectTimeout;
      addressTimeout = other.addressTimeout;
      commandTimeout = other.commandTimeout;
      cancelTimeout = other.cancelTimeout;
      statementCacheSize = other.statementCacheSize;
      statementCacheLifetime = other.statementCacheLifetime;
      maxCacheableStatementSize = other.maxCacheableStatementSize;
      maxMessageSize = other.maxMessageSize;
      scramMaxIterations = other.scramMaxIterations;
      captureCallSite = other.captureCallSite;
      sslContext = other.sslContext;
      proxy = other.proxy;
      completionExecutor = other.completionExecutor;
      codecs = other.codecs;
    }

    /**
     * Puts everything together, reading the service file if a service is named.
     *
     * @return the configuration
     * @throws IllegalArgumentException if a value makes no sense, wherever it came from
     */
    public PgConfig build() {
      return new PgConfig(this);
    }

    /**
     * Sets the connection string; it replaces one set before. What the builder is told otherwise,
     * before or after, wins over it.
     *
     * @param dsn a URI or keywords and values
     * @return this builder
     * @throws IllegalArgumentException if libpq would not read it either
     */
    public Builder dsn(String dsn) {
      this.dsn = ConnectionString.parse(dsn);
      return this;
    }

    /**
     * Sets the environment to read {@code PG…} variables and {@code HOME} from, in place of the
     * process's own. An empty map shuts the environment and the files in the home directory out.
     *
     * @param variables values by name
     * @return this builder
     */
    public Builder environment(Map<String, String> variables) {
      environment = Map.copyOf(variables);
      return this;
    }

    /**
     * Sets the host, or several with commas between; {@code /directory} is a Unix socket's, {@code
     * @name} an abstract one.
     *
     * @param host a name or an address
     * @return this builder
     */
    public Builder host(String host) {
      word(Keyword.HOST, host);
      return word(Keyword.HOSTADDR, "");
    }

    /**
     * Sets the address to connect to, or several with commas between, one for each host; the host's
     * name is then used for its certificate only.
     *
     * @param address a numeric address
     * @return this builder
     */
    public Builder hostaddr(String address) {
      return word(Keyword.HOSTADDR, address);
    }

    /**
     * Sets the port of every host.
     *
     * @param port 1 to 65535; 5432 by default
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder port(int port) {
      if (port < 1 || port > 65535) {
        throw new IllegalArgumentException("port: 1 to 65535 is wanted, not " + port);
      }
      return word(Keyword.PORT, Integer.toString(port));
    }

    /**
     * Sets the hosts to try, each with its port, in place of all that was said of hosts, addresses
     * and ports.
     *
     * @param hosts at least one
     * @return this builder
     * @throws IllegalArgumentException if there is none, or a name holds a comma
     */
    public Builder hosts(Host... hosts) {
      if (hosts.length == 0) {
        throw new IllegalArgumentException("hosts: name at least one");
      }
      StringJoiner names = new StringJoiner(",");
      StringJoiner addresses = new StringJoiner(",");
      StringJoiner ports = new StringJoiner(",");
      boolean addressed = false;
      for (Host host : hosts) {
        String address = host.address() == null ? "" : host.address();
        if (host.name().indexOf(',') >= 0 || address.indexOf(',') >= 0) {
          throw new IllegalArgumentException(
              "hosts: a Host is one host, not \"" + host.name() + "\"; make one for each");
        }
        names.add(host.name());
        addresses.add(address);
        addressed |= !address.isEmpty();
        ports.add(Integer.toString(host.port()));
      }
      word(Keyword.HOST, names.toString());
      word(Keyword.HOSTADDR, addressed ? addresses.toString() : "");
      return word(Keyword.PORT, ports.toString());
    }

    /**
     * Sets the role to log in as.
     *
     * @param user a role's name; the operating system's user by default
     * @return this builder
     */
    public Builder user(String user) {
      return word(Keyword.USER, user);
    }

    /**
     * Sets the password.
     *
     * @param password the password; an empty one is none
     * @return this builder
     */
    public Builder password(String password) {
      passwordSupplier = null;
      return word(Keyword.PASSWORD, password);
    }

    /**
     * Sets where passwords come from: asked for every physical connection, on any thread, which it
     * must not block.
     *
     * @param supplier starts to fetch the password of the moment
     * @return this builder
     */
    public Builder password(Supplier<? extends CompletionStage<String>> supplier) {
      passwordSupplier = Objects.requireNonNull(supplier, "supplier");
      words.remove(Keyword.PASSWORD);
      return this;
    }

    /**
     * Sets where OAuth tokens come from, for servers whose {@code pg_hba.conf} says {@code oauth}:
     * asked for every physical connection, on any thread, which it must not block. A token is sent
     * over TLS, or to a Unix socket, and nowhere else.
     *
     * @param supplier starts to fetch the token of the moment, without {@code Bearer} in front
     * @return this builder
     */
    public Builder oauthToken(
        Function<? super OAuthRequest, ? extends CompletionStage<String>> supplier) {
      oauthSupplier = Objects.requireNonNull(supplier, "supplier");
      return this;
    }

    /**
     * Sets the keys of a SCRAM exchange, so that no password need be known.
     *
     * @param clientKey 32 bytes, which prove us to the server
     * @param serverKey 32 bytes, which prove the server to us
     * @return this builder
     * @throws IllegalArgumentException if one is of another length
     */
    public Builder scramKeys(byte[] clientKey, byte[] serverKey) {
      ScramKeys.of(clientKey, serverKey);
      word(Keyword.SCRAM_CLIENT_KEY, Base64.getEncoder().encodeToString(clientKey));
      return word(Keyword.SCRAM_SERVER_KEY, Base64.getEncoder().encodeToString(serverKey));
    }

    /**
     * Sets the password file, looked into if no password is known.
     *
     * @param file the file; {@code ~/.pgpass} by default
     * @return this builder
     */
    public Builder passfile(Path file) {
      return word(Keyword.PASSFILE, file.toString());
    }

    /**
     * Sets the database to connect to.
     *
     * @param database its name; the user's by default
     * @return this builder
     */
    public Builder database(String database) {
      return word(Keyword.DBNAME, database);
    }

    /**
     * Names the entry of the service file to take what is missing from.
     *
     * @param service the name between the brackets
     * @return this builder
     */
    public Builder service(String service) {
      return word(Keyword.SERVICE, service);
    }

    /**
     * Sets the service file.
     *
     * @param file the file; {@code ~/.pg_service.conf} by default
     * @return this builder
     */
    public Builder serviceFile(Path file) {
      return word(Keyword.SERVICEFILE, file.toString());
    }

    /**
     * Sets a server setting to start each session with, as SET would. The session's reset returns
     * to it.
     *
     * <p>What travels in text, such as a row with a {@code tsvector} in it, is as the settings of
     * the session have it: {@code extra_float_digits} below 1 rounds the floats in it, and only
     * {@code DateStyle = ISO} and {@code IntervalStyle = postgres} are understood there.
     *
     * @param name the setting's name
     * @param value its value
     * @return this builder
     * @throws IllegalArgumentException if the name is not that of a setting, or it is a setting
     *     this client depends on
     */
    public Builder setting(String name, String value) {
      switch (name.toLowerCase(Locale.ROOT)) {
        case "application_name" -> word(Keyword.APPLICATION_NAME, value);
        case "options" -> word(Keyword.OPTIONS, value);
        case "client_encoding" -> {
          word(Keyword.CLIENT_ENCODING, value);
          ConnectionParameters.checkEncoding("setting client_encoding", value);
        }
        case "user" -> throw new IllegalArgumentException("setting: use user(…) for \"user\"");
        case "database" ->
            throw new IllegalArgumentException("setting: use database(…) for \"database\"");
        default -> {
          if (name.isEmpty() || name.startsWith("_pq_.")) {
            throw new IllegalArgumentException(
                "setting: \"" + name + "\" is not the name of a server setting");
          }
          settings.put(withoutNul("setting", name), withoutNul("setting " + name, value));
        }
      }
      return this;
    }

    /**
     * Sets the name the session shows in {@code pg_stat_activity}.
     *
     * @param name any name; the server keeps its first 63 bytes
     * @return this builder
     */
    public Builder applicationName(String name) {
      return word(Keyword.APPLICATION_NAME, name);
    }

    /**
     * Sets which kind of server will do.
     *
     * @param wanted {@link TargetSessionAttrs#ANY} by default
     * @return this builder
     */
    public Builder targetSessionAttrs(TargetSessionAttrs wanted) {
      return word(Keyword.TARGET_SESSION_ATTRS, wanted.toString());
    }

    /**
     * Sets in which order hosts are tried.
     *
     * @param order {@link LoadBalanceHosts#DISABLE} by default
     * @return this builder
     */
    public Builder loadBalanceHosts(LoadBalanceHosts order) {
      return word(Keyword.LOAD_BALANCE_HOSTS, order.toString());
    }

    /**
     * Sets how long connecting may take in all: every host, TLS and authentication included.
     *
     * @param timeout positive; 60 seconds by default
     * @return this builder
     * @throws IllegalArgumentException if it is not positive
     */
    public Builder connectTimeout(Duration timeout) {
      connectTimeout = positive("connectTimeout", timeout);
      return this;
    }

    /**
     * Sets how long one address of one host may take before the next is tried.
     *
     * @param timeout positive; by default only {@link #connectTimeout(Duration)} bounds it
     * @return this builder
     * @throws IllegalArgumentException if it is not positive
     */
    public Builder addressTimeout(Duration timeout) {
      addressTimeout = positive("addressTimeout", timeout);
      return this;
    }

    /**
     * Sets how long each call may take unless it says otherwise.
     *
     * @param timeout positive; not bounded by default
     * @return this builder
     * @throws IllegalArgumentException if it is not positive
     */
    public Builder commandTimeout(Duration timeout) {
      commandTimeout = positive("commandTimeout", timeout);
      return this;
    }

    /**
     * Sets how long a CancelRequest may go unanswered before its connection is given up.
     *
     * @param timeout positive; 5 seconds by default
     * @return this builder
     * @throws IllegalArgumentException if it is not positive
     */
    public Builder cancelTimeout(Duration timeout) {
      cancelTimeout = positive("cancelTimeout", timeout);
      return this;
    }

    /**
     * Sets how many prepared statements a connection keeps.
     *
     * @param statements 100 by default; 0 for none
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder statementCacheSize(int statements) {
      statementCacheSize = notNegative("statementCacheSize", statements, "keep none");
      return this;
    }

    /**
     * Sets how long a prepared statement is kept.
     *
     * @param lifetime 300 seconds by default; zero for as long as there is room
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder statementCacheLifetime(Duration lifetime) {
      if (lifetime.isNegative()) {
        throw new IllegalArgumentException(
            "statementCacheLifetime: a duration of zero (no limit) or more is wanted, not "
                + lifetime);
      }
      statementCacheLifetime = lifetime;
      return this;
    }

    /**
     * Sets the longest SQL that is kept prepared.
     *
     * @param characters 15360 by default; 0 for any length
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder maxCacheableStatementSize(int characters) {
      maxCacheableStatementSize =
          notNegative("maxCacheableStatementSize", characters, "keep any length");
      return this;
    }

    /**
     * Sets the longest message that is read from a server.
     *
     * @param bytes 1 GiB by default
     * @return this builder
     * @throws IllegalArgumentException if it is below 64 KiB
     */
    public Builder maxMessageSize(int bytes) {
      if (bytes < 64 * 1024) {
        throw new IllegalArgumentException(
            "maxMessageSize: 65536 bytes or more are wanted, not " + bytes);
      }
      maxMessageSize = bytes;
      return this;
    }

    /**
     * Sets whether an exception shows where its call was made, at the price of a stack walk per
     * call: some microseconds, which pipelined queries notice. {@link PgFuture#await} shows its
     * caller in any case; this is for stages that nobody waits for.
     *
     * @param capture false by default
     * @return this builder
     */
    public Builder captureCallSite(boolean capture) {
      captureCallSite = capture;
      return this;
    }

    /**
     * Sets where futures complete; by default on the connection's event loop, which must then not
     * be blocked by what depends on them.
     *
     * @param executor an executor
     * @return this builder
     */
    public Builder completionExecutor(Executor executor) {
      completionExecutor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * Adds codecs. They are asked before those added earlier, and those before the standard ones;
     * the last is asked first.
     *
     * @param modules what applications and extensions bring
     * @return this builder
     */
    public Builder codecs(CodecModule... modules) {
      codecs = codecs.with(modules);
      return this;
    }

    /**
     * Adds a codec for one type by its name, found anew on every connection.
     *
     * @param schema the type's schema, unquoted; {@code pg_catalog} for a built-in one
     * @param typeName the type's name as {@code pg_type} has it, unquoted
     * @param codec what reads and writes it
     * @return this builder
     */
    public Builder codec(String schema, String typeName, Codec<?> codec) {
      codecs = codecs.with(schema, typeName, codec);
      return this;
    }

    /**
     * Sets whether TCP keepalives are sent.
     *
     * @param keepalives true by default
     * @return this builder
     */
    public Builder keepalives(boolean keepalives) {
      return word(Keyword.KEEPALIVES, keepalives ? "1" : "0");
    }

    /**
     * Sets how long a connection is silent before the first keepalive.
     *
     * @param idle whole seconds, up to 32,767; zero for the system's default
     * @return this builder
     * @throws IllegalArgumentException if it is negative, too long or not in whole seconds
     */
    public Builder keepalivesIdle(Duration idle) {
      return word(Keyword.KEEPALIVES_IDLE, seconds("keepalivesIdle", idle));
    }

    /**
     * Sets how long a keepalive waits for its answer before the next.
     *
     * @param interval whole seconds, up to 32,767; zero for the system's default
     * @return this builder
     * @throws IllegalArgumentException if it is negative, too long or not in whole seconds
     */
    public Builder keepalivesInterval(Duration interval) {
      return word(Keyword.KEEPALIVES_INTERVAL, seconds("keepalivesInterval", interval));
    }

    /**
     * Sets how many keepalives go unanswered before the connection is lost.
     *
     * @param count up to 127; 0 for the system's default
     * @return this builder
     * @throws IllegalArgumentException if it is negative or too large
     */
    public Builder keepalivesCount(int count) {
      int checked = notNegative("keepalivesCount", count, "leave it to the system");
      if (checked > MOST_KEEPALIVES) {
        throw new IllegalArgumentException(
            "keepalivesCount: operating systems take up to " + MOST_KEEPALIVES + ", not " + count);
      }
      return word(Keyword.KEEPALIVES_COUNT, Integer.toString(checked));
    }

    /**
     * Sets how long what was sent may stay unacknowledged before the connection is lost.
     *
     * @param timeout whole milliseconds; zero for the system's default
     * @return this builder
     * @throws IllegalArgumentException if it is negative or longer than 24 days
     */
    public Builder tcpUserTimeout(Duration timeout) {
      if (timeout.isNegative() || timeout.compareTo(Duration.ofMillis(Integer.MAX_VALUE)) > 0) {
        throw new IllegalArgumentException(
            "tcpUserTimeout: zero (the system's default) to 24 days is wanted, not " + timeout);
      }
      return word(Keyword.TCP_USER_TIMEOUT, Long.toString(timeout.toMillis()));
    }

    /**
     * Sets whether the connection is encrypted, and how much of the server is verified.
     *
     * @param mode {@link SslMode#PREFER} by default
     * @return this builder
     */
    public Builder sslMode(SslMode mode) {
      return word(Keyword.SSLMODE, mode.toString());
    }

    /**
     * Sets the proxy that TCP connections go through.
     *
     * @param proxy where, and what it speaks
     * @return this builder
     * @throws IllegalStateException if {@code io.netty:netty-handler-proxy} is missing, or if
     *     nobody on the module path says {@code requires io.netty.handler.proxy}
     */
    public Builder proxy(PgProxy proxy) {
      try {
        Class.forName("io.netty.handler.proxy.ProxyHandler");
      } catch (ClassNotFoundException missing) {
        throw new IllegalStateException(
            "a proxy needs io.netty:netty-handler-proxy on the path: add it to the build, and to a"
                + " module of your own \"requires io.netty.handler.proxy\"",
            missing);
      }
      this.proxy = Objects.requireNonNull(proxy, "proxy");
      return this;
    }

    /**
     * Sets the application's own TLS: its keys and whom it trusts, in place of all the files.
     * {@code sslmode} still says whether to encrypt, and with {@code verify-full} the host's name
     * is verified.
     *
     * @param context initialised
     * @return this builder
     */
    public Builder sslContext(SSLContext context) {
      sslContext = Objects.requireNonNull(context, "context");
      return this;
    }

    /**
     * Sets how encryption starts.
     *
     * @param negotiation {@link SslNegotiation#POSTGRES} by default
     * @return this builder
     */
    public Builder sslNegotiation(SslNegotiation negotiation) {
      return word(Keyword.SSLNEGOTIATION, negotiation.toString());
    }

    /**
     * Sets the certificates of the authorities a server certificate has to be signed by.
     *
     * @param file a PEM file; {@code Path.of("system")} for those the JVM trusts, which makes the
     *     mode {@link SslMode#VERIFY_FULL}; {@code ~/.postgresql/root.crt} by default
     * @return this builder
     */
    public Builder sslRootCert(Path file) {
      return word(Keyword.SSLROOTCERT, file.toString());
    }

    /**
     * Sets the client's certificate.
     *
     * @param file a PEM or PKCS#12 file; {@code ~/.postgresql/postgresql.crt} by default
     * @return this builder
     */
    public Builder sslCert(Path file) {
      return word(Keyword.SSLCERT, file.toString());
    }

    /**
     * Sets the key to the client's certificate.
     *
     * @param file a PEM file; {@code ~/.postgresql/postgresql.key} by default
     * @return this builder
     */
    public Builder sslKey(Path file) {
      return word(Keyword.SSLKEY, file.toString());
    }

    /**
     * Sets the password of an encrypted key.
     *
     * @param password the password
     * @return this builder
     */
    public Builder sslPassword(String password) {
      return word(Keyword.SSLPASSWORD, password);
    }

    /**
     * Sets whether the client shows its certificate.
     *
     * @param mode {@link SslCertMode#ALLOW} by default
     * @return this builder
     */
    public Builder sslCertMode(SslCertMode mode) {
      return word(Keyword.SSLCERTMODE, mode.toString());
    }

    /**
     * Sets the list of revoked certificates.
     *
     * @param file a PEM file; {@code ~/.postgresql/root.crl} by default
     * @return this builder
     */
    public Builder sslCrl(Path file) {
      return word(Keyword.SSLCRL, file.toString());
    }

    /**
     * Sets a directory of lists of revoked certificates.
     *
     * @param directory its files are PEM
     * @return this builder
     */
    public Builder sslCrlDir(Path directory) {
      return word(Keyword.SSLCRLDIR, directory.toString());
    }

    /**
     * Sets whether the host's name is told to the server in the TLS handshake.
     *
     * @param sni true by default
     * @return this builder
     */
    public Builder sslSni(boolean sni) {
      return word(Keyword.SSLSNI, sni ? "1" : "0");
    }

    /**
     * Sets the oldest TLS version that will do.
     *
     * @param version {@code TLSv1.2}, the default, or {@code TLSv1.3}; older ones if the JVM still
     *     has them
     * @return this builder
     */
    public Builder sslMinProtocolVersion(String version) {
      return word(Keyword.SSL_MIN_PROTOCOL_VERSION, version);
    }

    /**
     * Sets the newest TLS version that will do.
     *
     * @param version as for {@link #sslMinProtocolVersion(String)}; the newest there is by default
     * @return this builder
     */
    public Builder sslMaxProtocolVersion(String version) {
      return word(Keyword.SSL_MAX_PROTOCOL_VERSION, version);
    }

    /**
     * Sets the operating system's user a server on a Unix socket has to run as.
     *
     * @param user a user's name; anyone by default
     * @return this builder
     */
    public Builder requirePeer(String user) {
      return word(Keyword.REQUIREPEER, user);
    }

    /**
     * Sets whether authentication is tied to the TLS channel.
     *
     * @param binding {@link ChannelBinding#PREFER} by default
     * @return this builder
     */
    public Builder channelBinding(ChannelBinding binding) {
      return word(Keyword.CHANNEL_BINDING, binding.toString());
    }

    /**
     * Sets the ways of authenticating that are acceptable.
     *
     * @param methods at least one; all of them by default
     * @return this builder
     * @throws IllegalArgumentException if there is none
     */
    public Builder requireAuth(AuthMethod... methods) {
      if (methods.length == 0) {
        throw new IllegalArgumentException("requireAuth: name at least one method");
      }
      return word(
          Keyword.REQUIRE_AUTH,
          Arrays.stream(methods)
              .distinct()
              .map(AuthMethod::toString)
              .collect(Collectors.joining(",")));
    }

    /**
     * Sets the server's service name, for GSSAPI: {@code krbsrvname}.
     *
     * @param service the part before the slash of the server's Kerberos principal
     * @return this builder
     */
    public Builder krbSrvName(String service) {
      return word(Keyword.KRBSRVNAME, service);
    }

    /**
     * Sets whether the server is given our Kerberos credentials: {@code gssdelegation}. Only for
     * servers that are trusted with them.
     *
     * @param delegate true to give them
     * @return this builder
     */
    public Builder gssDelegation(boolean delegate) {
      return word(Keyword.GSSDELEGATION, delegate ? "1" : "0");
    }

    /**
     * Sets the JAAS entry to log in to Kerberos with, in place of the tickets that kinit has left:
     * one of Krb5LoginModule with a keytab, for instance, that asks nobody anything. No connection
     * string can name one.
     *
     * @param jaasEntry the name of an entry of the JVM's JAAS configuration
     * @return this builder
     */
    public Builder gssLogin(String jaasEntry) {
      gssLogin = Objects.requireNonNull(jaasEntry, "jaasEntry");
      return this;
    }

    /**
     * Sets the most rounds of hashing a server may demand of a SCRAM exchange.
     *
     * @param iterations 4096, PostgreSQL's own default, or more; 100000 by default
     * @return this builder
     * @throws IllegalArgumentException if it is below 4096
     */
    public Builder scramMaxIterations(int iterations) {
      if (iterations < 4096) {
        throw new IllegalArgumentException(
            "scramMaxIterations: 4096, which every server uses, or more is wanted, not "
                + iterations);
      }
      scramMaxIterations = iterations;
      return this;
    }

    /**
     * Sets the oldest protocol version the server may come down to.
     *
     * @param version {@link ProtocolVersion#V3_0} by default
     * @return this builder
     */
    public Builder minProtocolVersion(ProtocolVersion version) {
      return word(Keyword.MIN_PROTOCOL_VERSION, version.toString());
    }

    /**
     * Sets the protocol version to ask for.
     *
     * @param version {@link ProtocolVersion#V3_0} by default
     * @return this builder
     */
    public Builder maxProtocolVersion(ProtocolVersion version) {
      return word(Keyword.MAX_PROTOCOL_VERSION, version.toString());
    }

    private Builder word(Keyword keyword, String value) {
      words.put(keyword, withoutNul(keyword.word(), value));
      return this;
    }

    private static String withoutNul(String argument, String value) {
      if (value.indexOf('\0') >= 0) {
        throw new IllegalArgumentException(
            argument + ": the protocol ends a string at NUL, so none may be inside");
      }
      return value;
    }

    private static Duration positive(String argument, Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new IllegalArgumentException(
            argument + ": a duration above zero is wanted, not " + value);
      }
      return value;
    }

    private static int notNegative(String argument, int value, String zeroMeans) {
      if (value < 0) {
        throw new IllegalArgumentException(
            argument + ": 0 (" + zeroMeans + ") or more is wanted, not " + value);
      }
      return value;
    }

    private static String seconds(String argument, Duration value) {
      if (value.isNegative()
          || value.toNanosPart() != 0
          || value.toSeconds() > LONGEST_KEEPALIVE_SECONDS) {
        throw new IllegalArgumentException(
            argument
                + ": zero (the system's default) or whole seconds up to "
                + LONGEST_KEEPALIVE_SECONDS
                + " are wanted, not "
                + value);
      }
      return Long.toString(value.toSeconds());
    }
  }
}
