package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.ProtocolVersion;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ForkJoinPool;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The first exchange of a session: who we are, proof of it, and what the server tells of itself up
 * to its first ReadyForQuery.
 */
final class Startup extends Exchange {
  /** More requests than any honest server makes. */
  private static final int MAX_AUTHENTICATION_MESSAGES = 32;

  private final Session session;
  private final PgConfig config;
  private final PgConfig.Host host;
  private final ScramKeyCache scramKeys;
  private final BiConsumer<@Nullable Session, @Nullable Throwable> then;

  private @Nullable ScramClient scram;
  private @Nullable String password;
  private boolean authenticated;
  private boolean over;
  private int authenticationMessages;
  private @Nullable Throwable failure;

  /**
   * Creates the exchange.
   *
   * @param scramKeys remembers what a password costs to hash
   * @param then called once, with the session ready for queries, or with why it is not
   */
  Startup(
      Session session,
      PgConfig config,
      PgConfig.Host host,
      ScramKeyCache scramKeys,
      BiConsumer<@Nullable Session, @Nullable Throwable> then) {
    this.session = session;
    this.config = config;
    this.host = host;
    this.scramKeys = scramKeys;
    this.then = then;
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

  @Override
  void message(BackendMessage message) {
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
          "the server speaks protocol version "
              + (offered >>> 16)
              + "."
              + (offered & 0xffff)
              + ", but at least "
              + config.minProtocolVersion()
              + " is wanted (min_protocol_version)",
          RetrySafety.NOT_SENT,
          null);
    }
  }

  private void authenticate(BackendMessage.Authentication request) {
    if (request instanceof BackendMessage.AuthenticationOk) {
      ScramClient exchange = scram;
      if (exchange != null && !exchange.isVerified()) {
        throw unexpected("AuthenticationOk before the end of the SCRAM exchange");
      }
      authenticated = true;
      session.authenticated();
    } else if (request instanceof BackendMessage.AuthenticationCleartextPassword) {
      withPassword(secret -> session.send(new FrontendMessage.PasswordMessage(secret)));
    } else if (request instanceof BackendMessage.AuthenticationMD5Password md5) {
      withPassword(
          secret ->
              session.send(
                  new FrontendMessage.PasswordMessage(
                      Md5Password.response(config.user(), secret, md5.salt()))));
    } else if (request instanceof BackendMessage.AuthenticationSASL sasl) {
      beginSasl(sasl.mechanisms());
    } else if (request instanceof BackendMessage.AuthenticationSASLContinue more) {
      continueSasl(more.data());
    } else if (request instanceof BackendMessage.AuthenticationSASLFinal last) {
      scramUnderWay("AuthenticationSASLFinal").verify(last.data());
    } else {
      throw new PgConnectionException(
          "the server asks for an authentication method this client does not have ("
              + request.getClass().getSimpleName()
              + "): change the method in pg_hba.conf",
          RetrySafety.NOT_SENT,
          null);
    }
  }

  private void beginSasl(List<String> mechanisms) {
    if (scram != null) {
      throw unexpected("a second AuthenticationSASL");
    }
    if (!mechanisms.contains(ScramClient.SCRAM_SHA_256)) {
      throw new PgConnectionException(
          "the server offers the SASL mechanisms "
              + mechanisms
              + ", but this connection can use "
              + ScramClient.SCRAM_SHA_256
              + " only",
          RetrySafety.NOT_SENT,
          null);
    }
    ScramClient exchange = ScramClient.withoutChannelBinding();
    scram = exchange;
    withPassword(
        secret -> {
          password = secret;
          session.send(
              new FrontendMessage.SASLInitialResponse(
                  exchange.mechanism(), exchange.clientFirst()));
        });
  }

  private void continueSasl(byte[] data) {
    ScramClient exchange = scramUnderWay("AuthenticationSASLContinue");
    String secret = password;
    if (secret == null) {
      throw unexpected("AuthenticationSASLContinue");
    }
    ScramClient.ServerFirst challenge = exchange.serverFirst(data, config.scramMaxIterations());
    ScramKeys known = scramKeys.ready(secret, challenge.salt(), challenge.iterations());
    if (known != null) {
      session.send(new FrontendMessage.SASLResponse(exchange.clientFinal(challenge, known)));
      return;
    }
    // Thousands of hashes, on purpose: not on the event loop.
    CompletableFuture.supplyAsync(
            () -> scramKeys.keys(secret, challenge.salt(), challenge.iterations()),
            ForkJoinPool.commonPool())
        .whenCompleteAsync(
            (keys, broken) -> {
              if (over) {
                return;
              }
              if (keys == null) {
                session.lose(broken);
              } else {
                session.send(
                    new FrontendMessage.SASLResponse(exchange.clientFinal(challenge, keys)));
              }
            },
            session.loop());
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
    CompletionStage<@Nullable String> asked = config.password(host);
    asked.whenCompleteAsync(
        (secret, broken) -> {
          if (over) {
            return;
          }
          if (broken != null) {
            session.lose(
                new PgConnectionException(
                    "the supplier of the password failed", RetrySafety.NOT_SENT, broken));
          } else if (secret == null || secret.isEmpty()) {
            session.lose(
                new PgConnectionException(
                    "the server asks for a password for user \""
                        + config.user()
                        + "\", but none was given: put it into the DSN, PGPASSWORD or the password"
                        + " file",
                    RetrySafety.NOT_SENT,
                    null));
          } else {
            try {
              answer.answer(secret);
            } catch (RuntimeException refused) {
              session.lose(refused);
            }
          }
        },
        session.loop());
  }

  @Override
  void failed(Diagnostic diagnostic) {
    failure = PgServerException.of(diagnostic, null, RetrySafety.NOT_SENT);
    if (!diagnostic.endsSession()) {
      // Before the first ReadyForQuery every error is the end, whatever its severity.
      session.lose(failure);
    }
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    if (!authenticated) {
      throw unexpected("ReadyForQuery before AuthenticationOk");
    }
    over = true;
    password = null;
    then.accept(session, null);
  }

  @Override
  void fail(Throwable reason) {
    over = true;
    password = null;
    Throwable own = failure;
    if (own == null
        && reason instanceof CompletionException wrapped
        && wrapped.getCause() != null) {
      own = wrapped.getCause();
    }
    Throwable shown = own == null ? reason : own;
    if (own == null && reason instanceof PgConnectionException lost) {
      shown =
          new PgConnectionException(
              lost.getMessage() + ", while it was being set up",
              RetrySafety.NOT_SENT,
              lost.getCause());
    }
    then.accept(
        null,
        shown instanceof PgException
            ? shown
            : new PgConnectionException(
                "the connection could not be set up", RetrySafety.NOT_SENT, shown));
  }

  @Override
  String doing() {
    return authenticated ? "before it was ready for queries" : "during authentication";
  }
}
