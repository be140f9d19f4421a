package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.SslCertMode;
import io.asyncpg.client.SslMode;
import io.asyncpg.client.SslNegotiation;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.RetrySafety;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.net.IDN;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.CertificateParsingException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.security.spec.PSSParameterSpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Date;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The TLS of one configuration, its files read: makes the engines, says whether what came of the
 * handshake will do, and why one failed. For any thread.
 *
 * <p>The engines are OpenSSL's where netty-tcnative is there and can do what is asked, else the
 * JDK's. Who is trusted is decided by the JDK's rules in both cases, and a failure is told in the
 * same words.
 */
final class Tls {
  /** What every PostgreSQL connection names, so that no other protocol's server can be meant. */
  private static final String ALPN = "postgresql";

  /** How the JDK reports an alert of the peer. */
  private static final String ALERT = "Received fatal alert: ";

  /** How OpenSSL does, with blanks, and BoringSSL with underlines. */
  private static final Pattern OPENSSL_ALERT =
      Pattern.compile("\\b(?:ssl|tls)v\\d+_(?:alert_)?([a-z_]+)");

  /** Netty's own switch, looked at here each time. */
  private static final String NO_OPENSSL = "io.netty.handler.ssl.noOpenSsl";

  /** Whose word counts where the application has brought its own. */
  private static final String GIVEN = "the SSLContext that the application has given";

  private static final Path SYSTEM = Path.of("system");
  private static final List<String> VERSIONS = List.of("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3");

  private final PgConfig config;
  private final SSLContext context;

  /** What makes the engines in place of the context: an application's, or OpenSSL. */
  private final @Nullable SslContext netty;

  /** Whether it is OpenSSL because that is there, so that the context would do as well. */
  private final boolean byItself;

  /** Whether a server had nothing in common with OpenSSL, which the context may have. */
  private volatile boolean refused;

  private final String[] versions;

  /** Whose word counts, for errors; null if the server is not verified. */
  private final @Nullable String authorities;

  /** The files looked at and what they looked like then: missing ones too. */
  private final Map<Path, String> files;

  /** The authorities in them, and those that were valid then. */
  private final List<X509Certificate> roots;

  private final List<X509Certificate> valid;

  private Tls(
      PgConfig config,
      SSLContext context,
      @Nullable SslContext netty,
      boolean byItself,
      String[] versions,
      @Nullable String authorities,
      Map<Path, String> files,
      List<X509Certificate> roots,
      List<X509Certificate> valid) {
    this.config = config;
    this.context = context;
    this.netty = netty;
    this.byItself = byItself;
    this.versions = versions;
    this.authorities = authorities;
    this.files = files;
    this.roots = roots;
    this.valid = valid;
  }

  /**
   * Reads the files. Slow: not for an event loop.
   *
   * @param netty what makes the engines, whatever the files say; null for the JDK
   * @throws PgConnectionException if a file is missing or broken
   */
  static Tls load(PgConfig config, @Nullable SslContext netty) {
    try {
      return netty == null ? new Loading(config).tls() : new Loading(config).tls(netty);
    } catch (IllegalArgumentException e) {
      throw new PgConnectionException(
          "TLS cannot be set up: " + e.getMessage(), RetrySafety.NOT_SENT, e);
    } catch (GeneralSecurityException | IOException e) {
      throw new PgConnectionException("TLS cannot be set up: " + e, RetrySafety.NOT_SENT, e);
    } catch (RuntimeException e) {
      throw new PgConnectionException(
          "TLS cannot be set up: this Java's " + e.getClass().getName(), RetrySafety.NOT_SENT, e);
    }
  }

  /** Whether the files still say the same. Slow: not for an event loop. */
  boolean isCurrent() {
    return files.entrySet().stream().allMatch(file -> stamp(file.getKey()).equals(file.getValue()))
        && valid(roots).equals(valid);
  }

  private static List<X509Certificate> valid(List<X509Certificate> all) {
    return all.stream().filter(Tls::isValid).toList();
  }

  private static boolean isValid(X509Certificate certificate) {
    try {
      certificate.checkValidity();
      return true;
    } catch (CertificateExpiredException | CertificateNotYetValidException outOfDate) {
      return false;
    }
  }

  private static String stamp(Path file) {
    try {
      BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
      return now.lastModifiedTime() + " " + now.size() + " " + now.fileKey();
    } catch (IOException missing) {
      return "";
    }
  }

  /** A handler that shakes hands, as soon as it is in a pipeline, with this host. */
  SslHandler handler(PgConfig.Host host) {
    try {
      return configured(unconfigured(host), peerName(host));
    } finally {
      Reference.reachabilityFence(this); // an engine of OpenSSL keeps its context from here on
    }
  }

  private SslHandler unconfigured(PgConfig.Host host) {
    // The certificates are verified and the keys agreed on elsewhere: it takes milliseconds.
    if (netty == null || refused) {
      SSLEngine made = context.createSSLEngine(peerName(host), host.port());
      made.setUseClientMode(true);
      return new SslHandler(made, OffLoop.THREADS);
    }
    return netty.newHandler(ByteBufAllocator.DEFAULT, peerName(host), host.port(), OffLoop.THREADS);
  }

  private SslHandler configured(SslHandler handler, String name) {
    SSLEngine engine = handler.engine();
    engine.setEnabledProtocols(versions);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {ALPN});
    parameters.setServerNames(serverNames(name));
    parameters.setEndpointIdentificationAlgorithm(
        config.sslMode() == SslMode.VERIFY_FULL ? "HTTPS" : null);
    engine.setSSLParameters(parameters);
    handler.setHandshakeTimeoutMillis(0); // the attempt to connect has its own bounds
    return handler;
  }

  /**
   * Whether another attempt is worth making after a failed one: a server whose only certificate is
   * of Ed25519 finds nothing in common with BoringSSL, and is at home with the JDK. From then on it
   * is the JDK that shakes hands.
   */
  boolean hasAnotherWay(Throwable failure) {
    for (Throwable cause = failure; byItself && cause != null; cause = cause.getCause()) {
      if ("handshake_failure".equals(openSslAlert(String.valueOf(cause.getMessage())))) {
        refused = true;
        return true;
      }
    }
    return false;
  }

  /** The name without an IPv6 zone and without the dot of the root. */
  private static String peerName(PgConfig.Host host) {
    String name = host.name();
    int zone = name.indexOf('%');
    if (zone > 0 && name.indexOf(':') >= 0) {
      name = name.substring(0, zone);
    }
    return name.endsWith(".") && name.length() > 1 ? name.substring(0, name.length() - 1) : name;
  }

  private List<SNIServerName> serverNames(String name) {
    if (!config.sslSni() || Lookup.isAddress(name)) {
      return List.of();
    }
    try {
      // As bytes, for names with an underscore, which are no proper names but are used.
      return List.of(new SNIHostName(IDN.toASCII(name).getBytes(StandardCharsets.US_ASCII)));
    } catch (IllegalArgumentException noName) {
      return List.of();
    }
  }

  /**
   * Looks at what the handshake has agreed on.
   *
   * @throws PgConnectionException if that is not what is configured
   */
  void check(SSLEngine engine, PgConfig.Host host) {
    String protocol = engine.getApplicationProtocol();
    boolean none = protocol == null || protocol.isEmpty();
    if (none ? config.sslNegotiation() == SslNegotiation.DIRECT : !ALPN.equals(protocol)) {
      throw new PgConnectionException(
          host
              + (none
                  ? " did not confirm that it speaks PostgreSQL (ALPN): direct TLS needs PostgreSQL 17"
                      + " or newer; use sslnegotiation=postgres with an older one"
                  : " speaks something other than PostgreSQL (ALPN): check host and port"),
          RetrySafety.NOT_SENT,
          null);
    }
    SSLSession session = engine.getSession();
    if (config.sslCertMode() == SslCertMode.REQUIRE) {
      session.invalidate(); // a resumed session would not ask for the certificate again
      if (session.getLocalCertificates() == null) {
        throw new PgConnectionException(
            host
                + " did not ask for a client certificate, or not for one such as ours, but it has to"
                + " (sslcertmode=require): give the server an ssl_ca_file, or use sslcertmode=allow",
            RetrySafety.NOT_SENT,
            null);
      }
    }
  }

  /** Why there is no TLS, in words that say what to change. */
  PgConnectionException explain(Throwable failure, PgConfig.Host host) {
    return new PgConnectionException(
        "no TLS with " + host + ": " + reason(failure, host), RetrySafety.NOT_SENT, failure);
  }

  /** Whether the next handshake will fail as this one did: it was ended, not broken off. */
  static boolean isLasting(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CertificateException
          || cause instanceof CertPathValidatorException
          || alertName(String.valueOf(cause.getMessage())) != null) {
        return true;
      }
    }
    return false;
  }

  private String reason(Throwable failure, PgConfig.Host host) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String message = String.valueOf(cause.getMessage());
      if (cause instanceof NotSslRecordException) {
        return "the server answers with something that is not TLS: check host and port"
            + (config.sslNegotiation() == SslNegotiation.DIRECT
                ? ", and that it is PostgreSQL 17 or newer (sslnegotiation=direct)"
                : "");
      } else if (cause instanceof CertificateExpiredException) {
        return "the server's certificate has expired: renew it";
      } else if (cause instanceof CertificateNotYetValidException) {
        return "the server's certificate is not valid yet: check the clocks";
      } else if (cause instanceof CertPathValidatorException path
          && path.getReason() == CertPathValidatorException.BasicReason.REVOKED) {
        return "the server's certificate has been revoked";
      } else if (cause instanceof CertPathValidatorException path
          && path.getReason()
              == CertPathValidatorException.BasicReason.UNDETERMINED_REVOCATION_STATUS) {
        return "no revocation list (sslcrl, sslcrldir) says whether the server's certificate is"
            + " revoked: add its authority's";
      } else if (cause instanceof CertificateParsingException) {
        return "the server's certificate cannot be read";
      } else if (message.startsWith("No subject alternative")
          || message.startsWith("No name matching")) {
        return "the server's certificate is not made out to "
            + peerName(host)
            + " ("
            + message
            + "): use the name it is made out to, or sslmode=verify-ca";
      } else if (message.contains("unable to find valid certification path")
          || message.contains("Path does not chain")) {
        return "the server's certificate is not signed by any authority in "
            + authorities
            + ": add its authority there (sslrootcert)";
      } else if (alertName(message) != null) {
        return versionOrAlert(String.valueOf(alertName(message)));
      } else if (message.contains("No appropriate protocol")
          || message.contains("not supported by enabled")
          || message.contains("chosen protocol version")
          || lower(message).contains("unsupported_protocol")) {
        return "no TLS version in common: we allow " + String.join(", ", versions);
      } else if (cause instanceof java.nio.channels.ClosedChannelException) {
        return "the server closed the connection during the handshake";
      }
    }
    return String.valueOf(failure.getMessage());
  }

  private String versionOrAlert(String name) {
    return name.equals("protocol_version")
        ? "the server wants another TLS version than " + String.join(", ", versions)
        : alert(name);
  }

  /** What the server complains about, perhaps only after the handshake was done for us. */
  static String alert(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String name = alertName(String.valueOf(cause.getMessage()));
      if (name != null) {
        return alert(name);
      }
    }
    return String.valueOf(failure.getMessage());
  }

  /**
   * The alert of the peer that a message of the JDK or of OpenSSL tells of; null if it does not.
   */
  static @Nullable String alertName(String message) {
    int at = message.indexOf(ALERT);
    if (at >= 0) {
      return message.substring(at + ALERT.length()); // JDK 25 puts "(unknown_ca) " in front
    }
    return openSslAlert(message);
  }

  private static @Nullable String openSslAlert(String message) {
    Matcher alert = OPENSSL_ALERT.matcher(lower(message));
    return alert.find() ? alert.group(1) : null;
  }

  private static String lower(String message) {
    return message.toLowerCase(Locale.ROOT).replace(' ', '_');
  }

  private static String alert(String name) {
    return switch (name) {
      case "no_application_protocol" -> "the server does not speak PostgreSQL on this port (ALPN)";
      case "unknown_ca" ->
          "the server does not know the authority that signed our certificate (sslcert)";
      case "certificate_required", "bad_certificate", "certificate_unknown" ->
          "the server wants a client certificate other than ours, or one at all (sslcert, sslkey): "
              + name;
      case "certificate_expired" -> "our certificate has expired (sslcert): renew it";
      case "certificate_revoked" -> "our certificate has been revoked (sslcert)";
      default -> "the server refuses: " + name;
    };
  }

  /**
   * The {@code tls-server-end-point} of a session (RFC 5929, section 4.1): the hash of the server's
   * certificate with the hash of its signature, SHA-256 in place of MD5 and SHA-1.
   *
   * @return the hash; null if the RFC does not define one, as for Ed25519
   */
  static byte @Nullable [] serverEndPoint(SSLSession session) {
    try {
      return session.getPeerCertificates()[0] instanceof X509Certificate certificate
          ? serverEndPoint(certificate)
          : null;
    } catch (SSLPeerUnverifiedException anonymous) {
      return null;
    }
  }

  static byte @Nullable [] serverEndPoint(X509Certificate certificate) {
    try {
      String hash = signatureHash(certificate);
      return hash == null ? null : MessageDigest.getInstance(hash).digest(certificate.getEncoded());
    } catch (GeneralSecurityException | IOException unknown) {
      return null;
    }
  }

  private static @Nullable String signatureHash(X509Certificate certificate)
      throws GeneralSecurityException, IOException {
    String algorithm = certificate.getSigAlgName().toUpperCase(Locale.ROOT);
    if (algorithm.equals("RSASSA-PSS")) {
      // Its name does not say which hash; its parameters do.
      AlgorithmParameters parameters = AlgorithmParameters.getInstance("RSASSA-PSS");
      parameters.init(certificate.getSigAlgParams());
      algorithm = parameters.getParameterSpec(PSSParameterSpec.class).getDigestAlgorithm() + "WITH";
    }
    int with = algorithm.indexOf("WITH");
    if (with < 0) {
      return null; // Ed25519, Ed448: they hash by themselves
    }
    String hash = algorithm.substring(0, with).replace("-", "").replace('_', '-');
    return switch (hash) {
      case "MD2", "MD5", "SHA", "SHA1", "SHA256" -> "SHA-256";
      case "SHA224", "SHA384", "SHA512" -> "SHA-" + hash.substring(3);
      case "SHA512/224", "SHA512/256" -> "SHA-" + hash.substring(3);
      default -> hash.startsWith("SHA3") ? hash.replaceFirst("^SHA3-?", "SHA3-") : null;
    };
  }

  /** Lets go of what OpenSSL has allocated, when nobody can connect with it any more. */
  private record OpenSslContexts(SslContext context) implements Runnable {
    private static final Cleaner CLEANER = Cleaner.create();

    @Override
    public void run() {
      ReferenceCountUtil.release(context);
    }
  }

  /** Collects what the files say. */
  private static final class Loading {
    private final PgConfig config;
    private final Map<Path, String> files = new HashMap<>();
    private @Nullable String authorities;
    private List<X509Certificate> roots = List.of();
    private List<X509Certificate> valid = List.of();

    Loading(PgConfig config) {
      this.config = config;
    }

    /** The application's own. */
    Tls tls(SslContext netty) throws GeneralSecurityException {
      SSLContext unused = SSLContext.getDefault();
      return made(unused, netty, false, versions(unused), GIVEN);
    }

    Tls tls() throws GeneralSecurityException, IOException {
      SSLContext own = config.sslContext();
      if (own != null) {
        return made(own, null, false, versions(own), GIVEN);
      }
      SSLContext context = SSLContext.getInstance("TLS");
      Pem.Identity identity = config.sslCertMode() == SslCertMode.DISABLE ? null : identity();
      KeyManager[] keys = identity == null ? null : new KeyManager[] {new Client(identity)};
      TrustManager[] trust = trust();
      context.init(keys, trust, null);
      String[] versions = versions(context);
      if (!isForOpenSsl(identity)) {
        return made(context, null, false, versions, authorities);
      }
      SslContext openSsl = openSsl(keys, trust, versions);
      Tls tls = made(context, openSsl, true, versions, authorities);
      OpenSslContexts.CLEANER.register(tls, new OpenSslContexts(openSsl));
      return tls;
    }

    private Tls made(
        SSLContext context,
        @Nullable SslContext netty,
        boolean byItself,
        String[] versions,
        @Nullable String authorities) {
      return new Tls(config, context, netty, byItself, versions, authorities, files, roots, valid);
    }

    /** Whether OpenSSL is there and can do all that is asked: what it cannot, the JDK does. */
    private boolean isForOpenSsl(Pem.@Nullable Identity identity) {
      return !Boolean.getBoolean(NO_OPENSSL)
          && OpenSsl.isAvailable()
          && OpenSsl.supportsKeyManagerFactory()
          && config.sslSni() // Netty's OpenSSL always says the name
          && (identity == null || !isEdwards(identity.key()));
    }

    private static boolean isEdwards(PrivateKey key) {
      return key.getAlgorithm().startsWith("Ed"); // BoringSSL does not sign with it
    }

    private static SslContext openSsl(
        KeyManager @Nullable [] keys, TrustManager[] trust, String[] versions) throws SSLException {
      SslContextBuilder builder =
          SslContextBuilder.forClient()
              .sslProvider(SslProvider.OPENSSL_REFCNT)
              .trustManager(trust[0])
              .protocols(versions)
              .applicationProtocolConfig(
                  new ApplicationProtocolConfig(
                      ApplicationProtocolConfig.Protocol.ALPN,
                      ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                      ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                      ALPN));
      return (keys == null ? builder : builder.keyManager(keys[0])).build();
    }

    private String[] versions(SSLContext context) {
      String newest = config.sslMaxProtocolVersion();
      List<String> wanted =
          VERSIONS.subList(
              VERSIONS.indexOf(config.sslMinProtocolVersion()),
              newest == null ? VERSIONS.size() : VERSIONS.indexOf(newest) + 1);
      Collection<String> able = Arrays.asList(context.getSupportedSSLParameters().getProtocols());
      String[] versions = wanted.stream().filter(able::contains).toArray(String[]::new);
      if (versions.length == 0) {
        throw new IllegalArgumentException(
            "this Java has none of the TLS versions wanted, which are " + wanted);
      }
      return versions;
    }

    /** What is in a file that this option names, or would. */
    private static <T> T read(String option, Path file, Function<Path, T> reading) {
      try {
        return reading.apply(file);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(option + ": " + e.getMessage(), e.getCause());
      }
    }

    private boolean exists(Path file) {
      files.put(file, stamp(file));
      return Files.exists(file);
    }

    private @Nullable Path named(@Nullable Path file, String usual) {
      Path directory = config.tlsDirectory();
      return file == null && directory != null ? directory.resolve(usual) : file;
    }

    /** Our certificate and key, if there are any; as libpq looks for them. */
    private Pem.@Nullable Identity identity() throws IOException {
      Path certificate = named(config.sslCert(), "postgresql.crt");
      if (certificate == null || !exists(certificate)) {
        if (certificate != null && config.sslCert() != null) {
          throw new IllegalArgumentException(
              "the client certificate " + certificate + " (sslcert) is not there");
        }
        if (config.sslCertMode() == SslCertMode.REQUIRE) {
          throw new IllegalArgumentException(
              "a client certificate is required (sslcertmode), but there is none: name it with"
                  + " sslcert");
        }
        return null;
      }
      if (read("sslcert", certificate, Pem::isKeyStore)) {
        checkPermissions(certificate);
        Pem.Identity stored =
            read("sslcert", certificate, file -> Pem.keyStore(file, config.sslPassword()));
        if (!stored.belongsTogether()) {
          throw new IllegalArgumentException(
              "the certificate and the key in "
                  + certificate
                  + " do not belong together (sslcert)");
        }
        return stored;
      }
      List<X509Certificate> chain = read("sslcert", certificate, Pem::certificates);
      Path key = named(config.sslKey(), "postgresql.key");
      if (key == null || !exists(key)) {
        throw new IllegalArgumentException(
            "the certificate " + certificate + " has no private key: " + key + " is not there");
      }
      checkPermissions(key);
      Pem.Identity own =
          new Pem.Identity(
              read("sslkey", key, file -> Pem.privateKey(file, config.sslPassword())), chain);
      if (!own.belongsTogether()) {
        throw new IllegalArgumentException(
            "the certificate "
                + certificate
                + " and the key "
                + key
                + " do not belong together (sslcert, sslkey)");
      }
      return own;
    }

    /** libpq's rule: a key that others can read is not secret. */
    private void checkPermissions(Path key) throws IOException {
      if (!key.getFileSystem().supportedFileAttributeViews().contains("posix")) {
        return;
      }
      PosixFileAttributes attributes = Files.readAttributes(key, PosixFileAttributes.class);
      Set<PosixFilePermission> tooMany = EnumSet.copyOf(EnumSet.allOf(PosixFilePermission.class));
      tooMany.removeAll(
          EnumSet.of(
              PosixFilePermission.OWNER_READ,
              PosixFilePermission.OWNER_WRITE,
              PosixFilePermission.OWNER_EXECUTE));
      boolean ofRoot = attributes.owner().getName().equals("root");
      if (ofRoot) {
        tooMany.remove(PosixFilePermission.GROUP_READ);
      }
      tooMany.retainAll(attributes.permissions());
      if (!tooMany.isEmpty()) {
        throw new IllegalArgumentException(
            "the private key "
                + key
                + " can be used by others than its owner: chmod "
                + (ofRoot ? "0640" : "0600")
                + " it or less");
      }
    }

    private TrustManager[] trust() throws GeneralSecurityException, IOException {
      Path file = named(config.sslRootCert(), "root.crt");
      if (SYSTEM.equals(file)) {
        authorities = "those that this Java trusts";
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init((KeyStore) null);
        return factory.getTrustManagers();
      }
      if (file == null || !exists(file)) {
        if (config.sslMode().compareTo(SslMode.VERIFY_CA) >= 0) {
          throw new IllegalArgumentException(
              "sslmode="
                  + config.sslMode()
                  + " needs the certificates of the authorities to trust, but "
                  + (file == null ? "no file is named" : file + " is not there")
                  + ": name a file with sslrootcert, or trust those of the system with"
                  + " sslrootcert=system");
        }
        return new TrustManager[] {new Anybody()};
      }
      roots = read("sslrootcert", file, Pem::certificates);
      valid = valid(roots); // the others vouch for nobody, which the JDK does not see to
      int outOfDate = roots.size() - valid.size();
      authorities =
          outOfDate == 0 ? file.toString() : file + " (" + outOfDate + " of them out of date)";
      List<X509CRL> revocations = revocations();
      return new TrustManager[] {
        new Authorities(valid, revocations, valid.isEmpty() ? null : pkix(valid, revocations))
      };
    }

    private static X509ExtendedTrustManager pkix(
        List<X509Certificate> authorities, List<X509CRL> revocations)
        throws GeneralSecurityException {
      Set<TrustAnchor> anchors = new HashSet<>();
      authorities.forEach(authority -> anchors.add(new TrustAnchor(authority, null)));
      PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, new X509CertSelector());
      parameters.setRevocationEnabled(!revocations.isEmpty());
      if (!revocations.isEmpty()) {
        PKIXRevocationChecker checker =
            (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX").getRevocationChecker();
        // The lists decide, and nobody is asked over the network.
        checker.setOptions(
            EnumSet.of(
                PKIXRevocationChecker.Option.PREFER_CRLS,
                PKIXRevocationChecker.Option.NO_FALLBACK));
        parameters.addCertPathChecker(checker);
        parameters.addCertStore(
            CertStore.getInstance("Collection", new CollectionCertStoreParameters(revocations)));
      }
      TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(new CertPathTrustManagerParameters(parameters));
      return (X509ExtendedTrustManager) factory.getTrustManagers()[0];
    }

    private List<X509CRL> revocations() throws IOException {
      List<X509CRL> all = new ArrayList<>();
      Path directory = config.sslCrlDir();
      Path file = config.sslCrl();
      if (file == null && directory == null) {
        Path usual = named(null, "root.crl");
        if (usual != null && exists(usual)) {
          file = usual;
        }
      }
      if (file != null) {
        exists(file);
        all.addAll(read("sslcrl", file, Pem::revocations));
      }
      if (directory != null) {
        exists(directory);
        try (Stream<Path> lists = Files.list(directory)) {
          for (Path list : lists.filter(Files::isRegularFile).sorted().toList()) {
            exists(list);
            all.addAll(read("sslcrldir", list, Pem::revocations));
          }
        }
      }
      return all;
    }
  }

  /** Shows the one certificate we have to whoever asks and can use it. */
  private static final class Client extends X509ExtendedKeyManager {
    private static final String ALIAS = "client";
    private final Pem.Identity identity;

    Client(Pem.Identity identity) {
      this.identity = identity;
    }

    @Override
    public @Nullable String chooseEngineClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, SSLEngine engine) {
      // Whose authority has signed it is the server's to judge: it knows more than it lists.
      String own = identity.chain().get(0).getPublicKey().getAlgorithm();
      for (String keyType : keyTypes) {
        if (keyType.equals(own) || (keyType.startsWith("Ed") && own.startsWith("Ed"))) {
          return ALIAS;
        }
      }
      return null;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return identity.chain().toArray(X509Certificate[]::new);
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return identity.key();
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, Socket socket) {
      return null;
    }

    @Override
    public @Nullable String chooseServerAlias(
        String keyType, Principal @Nullable [] issuers, Socket socket) {
      return null;
    }

    @Override
    public String[] getClientAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[0];
    }
  }

  /**
   * Those of a file of ours, by the JDK's rules, and by those that it does not apply to a server's
   * certificate that stands in the file itself: such a one may have expired or been revoked too.
   */
  private static final class Authorities extends OfServers {
    private final List<X509Certificate> valid;
    private final List<X509CRL> revocations;

    /** Null where none is valid. */
    private final @Nullable X509ExtendedTrustManager pkix;

    Authorities(
        List<X509Certificate> valid,
        List<X509CRL> revocations,
        @Nullable X509ExtendedTrustManager pkix) {
      this.valid = valid;
      this.revocations = revocations;
      this.pkix = pkix;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
        throws CertificateException {
      X509Certificate server = chain[0];
      server.checkValidity();
      if (pkix == null) {
        throw new CertificateException("unable to find valid certification path");
      }
      if (valid.contains(server) && !revocations.isEmpty()) {
        checkRevocation(server);
      }
      pkix.checkServerTrusted(chain, authType, engine);
    }

    private void checkRevocation(X509Certificate server) throws CertificateException {
      Instant now = Instant.now();
      boolean covered = false;
      for (X509CRL list : revocations) {
        if (list.isRevoked(server)) {
          throw refusal("revoked", CertPathValidatorException.BasicReason.REVOKED);
        }
        Date next = list.getNextUpdate();
        covered |=
            list.getIssuerX500Principal().equals(server.getIssuerX500Principal())
                && (next == null || now.isBefore(next.toInstant()));
      }
      if (!covered) {
        throw refusal(
            "on no list", CertPathValidatorException.BasicReason.UNDETERMINED_REVOCATION_STATUS);
      }
    }

    private static CertificateException refusal(
        String what, CertPathValidatorException.BasicReason reason) {
      return new CertificateException(new CertPathValidatorException(what, null, null, -1, reason));
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return valid.toArray(X509Certificate[]::new);
    }
  }

  /** Encryption alone: {@code sslmode=require} and weaker without a root certificate. */
  private static final class Anybody extends OfServers {
    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {
      // Whoever it is.
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  /** Judges servers, which an engine has met. */
  private abstract static class OfServers extends X509ExtendedTrustManager {
    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
        throws CertificateException {
      throw noEngine();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType)
        throws CertificateException {
      throw noEngine();
    }

    private static CertificateException noEngine() {
      return new CertificateException("nothing but an engine meets servers here");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {
      // We are no server.
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {
      // We are no server.
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) {
      // We are no server.
    }
  }
}
