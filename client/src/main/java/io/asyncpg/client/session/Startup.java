package io.asyncpg.client.session;

import io.asyncpg.client.AuthMethod;
import io.asyncpg.client.ChannelBinding;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.ProtocolVersion;
import io.asyncpg.client.SslCertMode;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.Md5Password;
import io.asyncpg.protocol.ScramClient;
import io.asyncpg.protocol.ScramKeyCache;
import io.asyncpg.protocol.ScramKeys;
import io.asyncpg.protocol.TransactionStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.regex.Pattern;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * The first exchange of a session: who we are, proof of it, and what the server tells of itself up
 * to its first ReadyForQuery.
 */
final class Startup extends Exchange {
  /** What becomes of it; called once, on the event loop. */
  interface Outcome {
    /** The session is ready for queries. */
    void ready(Session session);

    /**
     * There is no session.
     *
     * @param refused whether it was we who would not go on, for a reason that every host shares
     * @param lasting whether it will be the same until somebody changes something
     */
    void failed(PgException reason, boolean refused, boolean lasting);
  }

  /** More requests than any honest server makes. */
  private static final int MAX_AUTHENTICATION_MESSAGES = 32;

  /** More than a server says that has no session for us. */
  private static final int MAX_WORDS = 8 * 1024;

  private static final String OAUTHBEARER = "OAUTHBEARER";

  /** RFC 6750, b64token. */
  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9._~+/-]+=*");

  private final Session session;
  private final PgConfig config;
  private final PgConfig.Host host;
  private final @Nullable SSLSession tls;
  private final ScramKeyCache scramKeys;
  private final Outcome outcome;

  private @Nullable AuthMethod method;
  private @Nullable ScramClient scram;
  private @Nullable Kerberos kerberos;
  private @Nullable String password;
  private @Nullable String whyTokenRefused;
  private int protocol;

  /** What the server has said while that is too little to tell anything; then null. */
  private byte @Nullable [] begin = {};

  private boolean authenticated;
  private boolean over;
  private int authenticationMessages;
  private @Nullable PgException failure;
  private boolean refused;
  private boolean lasting;

  /**
   * Creates the exchange.
   *
   * @param tls the TLS session, or null if the connection is not encrypted
   * @param scramKeys remembers what a password costs to hash
   */
  Startup(
      Session session,
      PgConfig config,
      PgConfig.Host host,
      @Nullable SSLSession tls,
      ScramKeyCache scramKeys,
      Outcome outcome) {
    this.session = session;
    this.config = config;
    this.host = host;
    this.tls = tls;
    this.scramKeys = scramKeys;
    this.outcome = outcome;
    this.protocol = config.maxProtocolVersion().number();
  }

  @Override
  void write(Session session, FrontendWriter out) {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("user", config.user());
    parameters.put("database", config.database());
    parameters.put("client_encoding", "UTF8");
    String applicationName = config.applicationName();
    if (applicationName != null) {
      parameters.put("application_name", applicationName);
    }
    parameters.putAll(config.settings());
    out.write(new FrontendMessage.StartupMessage(config.maxProtocolVersion().number(), parameters));
  }

  /**
   * Looks at what the server says, before it is taken apart: one that cannot even make a process
   * for us says so as in protocol 2, an E and text up to a NUL, which has no length in front. What
   * is text is taken out of the buffer.
   */
  void hear(ByteBuf in) {
    byte[] before = begin;
    if (before == null) {
      return;
    }
    int more = Math.min(in.readableBytes(), MAX_WORDS - before.length);
    byte[] all = Arrays.copyOf(before, before.length + more);
    in.getBytes(in.readerIndex(), all, before.length, more);
    begin = all;
    if (all.length > 0 && (all[0] != 'E' || (all.length > 1 && all[1] == 0))) {
      begin = null; // a message: the length of a short one begins with a zero
    } else if (all.length > 1) {
      in.skipBytes(in.readableBytes());
      if (all.length == MAX_WORDS || wordsEnd(all) < all.length) {
        failure = noSession(all);
        throw failure;
      }
    }
  }

  private static int wordsEnd(byte[] words) {
    int end = 1;
    while (end < words.length && words[end] != 0) {
      end++;
    }
    return end;
  }

  private PgConnectionException noSession(byte[] words) {
    return new PgConnectionException(
        host
            + " has no session for us: \""
            + Dial.printable(Unpooled.wrappedBuffer(words, 1, wordsEnd(words) - 1))
            + "\"",
        RetrySafety.NOT_SENT,
        null);
  }

  @Override
  void message(BackendMessage message) {
    try {
      received(message);
    } catch (PgException ours) {
      // What is told of the end of the session would hide it.
      if (failure == null) {
        failure = ours;
      }
      throw ours;
    }
  }

  private void received(BackendMessage message) {
    if (message instanceof BackendMessage.Authentication request) {
      if (authenticated || ++authenticationMessages > MAX_AUTHENTICATION_MESSAGES) {
        throw unexpected(message.getClass().getSimpleName());
      }
      authenticate(request);
    } else if (message instanceof BackendMessage.NegotiateProtocolVersion negotiation) {
      negotiate(negotiation);
    } else {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  private void negotiate(BackendMessage.NegotiateProtocolVersion negotiation) {
    int asked = config.maxProtocolVersion().number();
    // Servers before 18 give the minor number alone.
    int offered =
        negotiation.version() < 1 << 16 ? 3 << 16 | negotiation.version() : negotiation.version();
    if (authenticationMessages > 0
        || offered >= asked
        || offered < ProtocolVersion.V3_0.number()
        || offered == (3 << 16 | 1)
        || !negotiation.unrecognizedOptions().isEmpty()) {
      throw new PgProtocolException(
          "the server offers protocol version "
              + (offered >>> 16)
              + "."
              + (offered & 0xffff)
              + " in place of "
              + config.maxProtocolVersion()
              + (negotiation.unrecognizedOptions().isEmpty()
                  ? ""
                  : " and does not know the options " + negotiation.unrecognizedOptions())
              + ", which makes no sense",
          RetrySafety.NOT_SENT,
          null);
    }
    if (offered < config.minProtocolVersion().number()) {
      throw new PgConnectionException(
          host
              + " speaks protocol version "
              + (offered >>> 16)
              + "."
              + (offered & 0xffff)
              + ", but at least "
              + config.minProtocolVersion()
              + " is wanted (min_protocol_version)",
          RetrySafety.NOT_SENT,
          null);
    }
    protocol = offered;
  }

  private void authenticate(BackendMessage.Authentication request) {
    if (request instanceof BackendMessage.AuthenticationOk) {
      authenticated();
    } else if (request instanceof BackendMessage.AuthenticationCleartextPassword) {
      begin(AuthMethod.PASSWORD);
      withPassword(secret -> session.send(new FrontendMessage.PasswordMessage(secret)));
    } else if (request instanceof BackendMessage.AuthenticationMD5Password md5) {
      begin(AuthMethod.MD5);
      withPassword(
          secret ->
              session.send(
                  new FrontendMessage.PasswordMessage(
                      Md5Password.response(config.user(), secret, md5.salt()))));
    } else if (request instanceof BackendMessage.AuthenticationSASL sasl) {
      if (sasl.mechanisms().contains(OAUTHBEARER)
          && !sasl.mechanisms().contains(ScramClient.SCRAM_SHA_256)) {
        begin(AuthMethod.OAUTH);
        beginOauth();
      } else {
        begin(AuthMethod.SCRAM_SHA_256);
        beginSasl(sasl.mechanisms());
      }
    } else if (request instanceof BackendMessage.AuthenticationSASLContinue more) {
      if (method == AuthMethod.OAUTH) {
        tokenRefused(more.data());
      } else {
        continueSasl(more.data());
      }
    } else if (request instanceof BackendMessage.AuthenticationSASLFinal last) {
      scramUnderWay("AuthenticationSASLFinal").verify(last.data());
    } else if (request instanceof BackendMessage.AuthenticationGSS) {
      begin(AuthMethod.GSS);
      beginGss();
    } else if (request instanceof BackendMessage.AuthenticationGSSContinue more) {
      continueGss(more.data());
    } else if (request instanceof BackendMessage.AuthenticationSSPI) {
      begin(AuthMethod.SSPI);
      throw refused(
          "the server asks for authentication by Windows' SSPI, which this client does not have: let"
              + " pg_hba.conf ask for gss or scram-sha-256");
    } else {
      throw refused(
          "the server asks for an authentication method this client does not have ("
              + request.getClass().getSimpleName()
              + "): change the method in pg_hba.conf");
    }
  }

  /** The server asks for proof in this way: whether it may, and for the first time. */
  private void begin(AuthMethod asked) {
    if (method != null) {
      throw unexpected("a second request for authentication (" + asked + ")");
    }
    method = asked;
    if (!config.requireAuth().contains(asked)) {
      throw refused(
          "the server asks for authentication by "
              + asked
              + ", but only "
              + config.requireAuth()
              + " will do (require_auth): change the method in pg_hba.conf, or require_auth");
    }
    if (config.channelBinding() == ChannelBinding.REQUIRE && asked != AuthMethod.SCRAM_SHA_256) {
      throw refused(
          "the server asks for authentication by "
              + asked
              + ", which has no channel binding (channel_binding=require): let pg_hba.conf ask for"
              + " scram-sha-256");
    }
  }

  private void authenticated() {
    ScramClient exchange = scram;
    if (exchange != null && !exchange.isVerified()) {
      throw unexpected("AuthenticationOk before the end of the SCRAM exchange");
    }
    if (method == AuthMethod.GSS && (kerberos == null || !kerberos.isProven())) {
      throw unexpected("AuthenticationOk before the server has proved itself (GSSAPI)");
    }
    if (whyTokenRefused != null) {
      throw unexpected("AuthenticationOk after the token was refused");
    }
    if (method == null && !config.requireAuth().contains(AuthMethod.NONE)) {
      throw refused(
          "the server lets us in without asking for proof, but authentication by one of "
              + config.requireAuth()
              + " is wanted (require_auth): change the method in pg_hba.conf, or add none to"
              + " require_auth");
    }
    if (config.channelBinding() == ChannelBinding.REQUIRE
        && (exchange == null || !exchange.mechanism().equals(ScramClient.SCRAM_SHA_256_PLUS))) {
      throw refused(
          "the server lets us in without channel binding (channel_binding=require): let pg_hba.conf"
              + " ask for scram-sha-256");
    }
    if (config.sslCertMode() == SslCertMode.REQUIRE && tls == null) {
      throw refused(
          "the server lets us in without a client certificate, as the connection is not encrypted"
              + " (sslcertmode=require): use sslmode=require or stronger, over TCP");
    }
    authenticated = true;
    session.authenticated(protocol > ProtocolVersion.V3_0.number());
  }

  private void beginSasl(List<String> mechanisms) {
    ScramClient exchange = scram(mechanisms);
    scram = exchange;
    ScramKeys ready = config.scramKeys();
    FrontendMessage first =
        new FrontendMessage.SASLInitialResponse(exchange.mechanism(), exchange.clientFirst());
    if (ready != null) {
      session.send(first);
    } else {
      withPassword(
          secret -> {
            password = secret;
            session.send(first);
          });
    }
  }

  /** As strong as both sides can (RFC 5802, section 6): the server is told what we could. */
  private ScramClient scram(List<String> mechanisms) {
    boolean offered = mechanisms.contains(ScramClient.SCRAM_SHA_256_PLUS);
    boolean required = config.channelBinding() == ChannelBinding.REQUIRE;
    SSLSession encrypted = tls;
    byte[] serverEndPoint =
        encrypted == null || config.channelBinding() == ChannelBinding.DISABLE
            ? null
            : Tls.serverEndPoint(encrypted);
    if (offered && serverEndPoint != null) {
      return ScramClient.withChannelBinding(serverEndPoint);
    }
    if (offered && encrypted == null) {
      throw refused(
          "the server offers channel binding on a connection that is not encrypted, which makes no"
              + " sense: somebody may be in between");
    }
    if (required) {
      throw refused(
          "channel_binding=require cannot be had: "
              + (encrypted == null
                  ? "the connection is not encrypted; use sslmode=require or stronger"
                  : offered
                      ? "the signature of the server's certificate has no hash of its own, as with"
                          + " Ed25519; use an RSA or EC certificate, or channel_binding=prefer"
                      : "the server offers only " + mechanisms));
    }
    if (!mechanisms.contains(ScramClient.SCRAM_SHA_256)) {
      throw refused(
          "the server offers the SASL mechanisms "
              + mechanisms
              + ", but this connection can use "
              + ScramClient.SCRAM_SHA_256
              + " only: change the method in pg_hba.conf");
    }
    return serverEndPoint == null
        ? ScramClient.withoutChannelBinding()
        : ScramClient.channelBindingNotOffered();
  }

  private void continueSasl(byte[] data) {
    ScramClient exchange = scramUnderWay("AuthenticationSASLContinue");
    String secret = password;
    ScramKeys ready = config.scramKeys();
    if (secret == null && ready == null) {
      throw unexpected("AuthenticationSASLContinue");
    }
    ScramClient.ServerFirst challenge = exchange.serverFirst(data, config.scramMaxIterations());
    ScramKeys known =
        secret == null ? ready : scramKeys.ready(secret, challenge.salt(), challenge.iterations());
    if (known != null) {
      session.send(new FrontendMessage.SASLResponse(exchange.clientFinal(challenge, known)));
      return;
    }
    String hashed = secret == null ? "" : secret;
    // Thousands of hashes, on purpose: not on the event loop.
    CompletableFuture.supplyAsync(
            () -> scramKeys.keys(hashed, challenge.salt(), challenge.iterations()), OffLoop.THREADS)
        .whenCompleteAsync(
            (keys, broken) -> {
              if (over) {
                return;
              }
              try {
                if (keys == null) {
                  throw refused("the password could not be hashed", broken);
                }
                session.send(
                    new FrontendMessage.SASLResponse(exchange.clientFinal(challenge, keys)));
              } catch (Throwable failed) {
                session.lose(failed);
              }
            },
            session.loop());
  }

  /** RFC 7628: one message with the token, over a channel that only the server can read. */
  private void beginOauth() {
    if (tls == null && !host.isUnixSocket()) {
      throw refused(
          "the server asks for an OAuth token on a connection that is not encrypted; whoever reads"
              + " it could use it: use sslmode=verify-full");
    }
    config
        .oauthToken(host)
        .whenCompleteAsync(
            (token, broken) -> {
              if (over) {
                return;
              }
              try {
                if (broken != null) {
                  throw refused("the supplier of the OAuth token failed", broken);
                } else if (token == null) {
                  throw refused(
                      "the server asks for an OAuth token, but there is nobody to ask for one: set"
                          + " PgConfig.Builder.oauthToken");
                } else if (!TOKEN.matcher(token).matches()) {
                  throw refused(
                      "the supplier of the OAuth token came up with something that is none: letters,"
                          + " digits and -._~+/= are expected (RFC 6750), without Bearer in front");
                }
                session.send(
                    new FrontendMessage.SASLInitialResponse(
                        OAUTHBEARER,
                        ("n,,\1auth=Bearer " + token + "\1\1").getBytes(StandardCharsets.UTF_8)));
              } catch (RuntimeException | Error failed) {
                session.lose(failed);
              }
            },
            session.loop());
  }

  /**
   * The server says why in JSON; its ErrorResponse comes when we have seen it (RFC 7628, 3.2.3).
   */
  private void tokenRefused(byte[] why) {
    if (whyTokenRefused != null) {
      throw unexpected("AuthenticationSASLContinue");
    }
    whyTokenRefused =
        new String(why, 0, Math.min(why.length, 1000), StandardCharsets.UTF_8)
            .replaceAll("\\p{Cntrl}", " ");
    session.send(new FrontendMessage.SASLResponse(new byte[] {1}));
  }

  private void beginGss() {
    if (host.isUnixSocket()) {
      throw refused(
          "the server asks for authentication by GSSAPI over a Unix socket, which has no host to"
              + " prove: connect over TCP, or let pg_hba.conf ask for peer");
    }
    Kerberos exchange = new Kerberos(config, host);
    // It may have to wait for a KDC: not on the event loop.
    CompletableFuture.supplyAsync(
            () -> {
              try {
                return exchange.begin();
              } catch (Kerberos.Refused e) {
                throw new CompletionException(e);
              }
            },
            OffLoop.THREADS)
        .whenCompleteAsync(
            (token, broken) -> {
              if (over) {
                exchange.close();
                return;
              }
              kerberos = exchange;
              if (token == null) {
                session.lose(gssRefused(broken));
              } else {
                session.send(new FrontendMessage.GSSResponse(token));
              }
            },
            session.loop());
  }

  private void continueGss(byte[] token) {
    Kerberos exchange = kerberos;
    if (exchange == null) {
      throw unexpected("AuthenticationGSSContinue");
    }
    byte[] answer;
    try {
      answer = exchange.next(token);
    } catch (Kerberos.Refused e) {
      throw gssRefused(e);
    }
    if (answer != null) {
      session.send(new FrontendMessage.GSSResponse(answer));
    }
  }

  private PgConnectionException gssRefused(@Nullable Throwable broken) {
    Throwable why = broken instanceof CompletionException ? broken.getCause() : broken;
    if (why instanceof Kerberos.Refused known) {
      lasting = known.isLasting();
      return refused(String.valueOf(known.getMessage()), known.getCause());
    }
    return refused("authentication by GSSAPI failed: " + why, why);
  }

  private ScramClient scramUnderWay(String message) {
    ScramClient exchange = scram;
    if (exchange == null) {
      throw unexpected(message);
    }
    return exchange;
  }

  private interface WithPassword {
    void answer(String password);
  }

  private void withPassword(WithPassword answer) {
    config
        .password(host)
        .whenCompleteAsync(
            (secret, broken) -> {
              if (over) {
                return;
              }
              try {
                if (broken != null) {
                  throw refused("the supplier of the password failed", broken);
                } else if (secret == null || secret.isEmpty()) {
                  throw refused(
                      "the server asks for a password for user \""
                          + config.user()
                          + "\", but none was given: put it into the DSN, PGPASSWORD or the"
                          + " password file");
                }
                answer.answer(secret);
              } catch (RuntimeException | Error failed) {
                session.lose(failed);
              }
            },
            session.loop());
  }

  /** It is for us that this goes no further; at another host it would be the same. */
  private PgConnectionException refused(String message) {
    lasting = true;
    return refused(message, null);
  }

  /** The same, because of something else, which may be otherwise next time. */
  private PgConnectionException refused(String message, @Nullable Throwable cause) {
    Throwable unwrapped =
        cause instanceof CompletionException && cause.getCause() != null ? cause.getCause() : cause;
    PgConnectionException refusal =
        new PgConnectionException(host + ": " + message, RetrySafety.NOT_SENT, unwrapped);
    failure = refusal;
    refused = true;
    return refusal;
  }

  @Override
  void failed(Diagnostic diagnostic) {
    PgServerException error = PgServerException.of(diagnostic, null, RetrySafety.NOT_SENT);
    if (whyTokenRefused != null) {
      error.addSuppressed(
          new PgConnectionException(
              "the server refused the OAuth token: " + whyTokenRefused,
              RetrySafety.NOT_SENT,
              null));
    }
    failure = error;
    if (!diagnostic.endsSession()) {
      // Before the first ReadyForQuery every error is the end, whatever its severity.
      session.lose(error);
    }
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    if (!authenticated) {
      throw unexpected("ReadyForQuery before AuthenticationOk");
    }
    end();
    outcome.ready(session);
  }

  private void end() {
    over = true;
    password = null;
    Kerberos exchange = kerberos;
    kerberos = null;
    if (exchange != null) {
      OffLoop.execute(exchange::close);
    }
  }

  @Override
  void fail(Throwable reason) {
    end();
    PgException own = failure;
    byte[] words = begin;
    if (own == null && words != null && words.length > 1) {
      own = noSession(words); // they had no end
    }
    if (own == null) {
      own = reason instanceof PgException known ? told(known) : broken(reason);
    }
    if (own instanceof PgProtocolException) {
      own = new PgProtocolException(host + ": " + own.getMessage(), RetrySafety.NOT_SENT, own);
    }
    outcome.failed(own, refused, lasting || (tls != null && Tls.isLasting(own)));
  }

  private PgException told(PgException reason) {
    if (!(reason instanceof PgConnectionException)) {
      return reason;
    }
    Throwable cause = reason.getCause();
    if (session.channel().isOpen()) { // then it is we who end it
      return new PgConnectionException(
          host + ": " + session.whyEnded().getMessage(), RetrySafety.NOT_SENT, cause);
    }
    return new PgConnectionException(
        "the connection to "
            + host
            + " was lost "
            + doing()
            + (cause == null
                ? ": the server closed it"
                : ": " + (tls == null ? String.valueOf(cause.getMessage()) : Tls.alert(cause))),
        RetrySafety.NOT_SENT,
        cause);
  }

  private PgConnectionException broken(Throwable reason) {
    return new PgConnectionException(
        "the connection to " + host + " could not be set up: " + reason,
        RetrySafety.NOT_SENT,
        reason);
  }

  @Override
  String doing() {
    return authenticated ? "before it was ready for queries" : "during authentication";
  }
}
