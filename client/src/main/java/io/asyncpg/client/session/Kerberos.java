package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivilegedActionException;
import java.security.PrivilegedExceptionAction;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import javax.security.auth.login.LoginException;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSException;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of one GSSAPI exchange, spoken by the JDK's own Kerberos: it logs in, by
 * default with the tickets that kinit has left, asks the KDC for a ticket to the server and lets
 * the server prove in turn that it could read it. No system property is read or set here but what
 * the JDK reads itself ({@code java.security.krb5.conf}).
 *
 * <p>{@link #begin} may wait for a KDC: off the event loop. What follows is arithmetic. Not for
 * several threads at once.
 */
final class Kerberos {
  /** Why it goes no further, in a sentence that says what to do; never a secret. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean lasting;

    Refused(String message, boolean lasting, @Nullable Throwable cause) {
      super(message, cause);
      this.lasting = lasting;
    }

    /** Whether it will be the same until somebody does something, such as run kinit. */
    boolean isLasting() {
      return lasting;
    }
  }

  /** Kerberos 5 (RFC 1964). */
  private static final String MECHANISM = "1.2.840.113554.1.2.2";

  private static final String LOGIN_MODULE = "com.sun.security.auth.module.Krb5LoginModule";
  private static final byte[] NOTHING = {};

  private final PgConfig config;
  private final String service;
  private @Nullable LoginContext login;
  private @Nullable GSSContext context;

  Kerberos(PgConfig config, PgConfig.Host host) {
    this.config = config;
    this.service = config.krbSrvName() + "@" + host.name();
  }

  /** Logs in and makes the first token. It may take as long as a KDC takes to answer. */
  byte[] begin() throws Refused {
    Subject subject = logIn();
    try {
      byte[] token = as(subject, this::firstToken);
      if (token == null) {
        throw new Refused("the JDK's GSSAPI made no token for " + service, true, null);
      }
      return token;
    } catch (PrivilegedActionException e) {
      throw explained(e.getException());
    }
  }

  private byte @Nullable [] firstToken() throws GSSException {
    GSSManager manager = GSSManager.getInstance();
    Oid mechanism = new Oid(MECHANISM);
    GSSName server = manager.createName(service, GSSName.NT_HOSTBASED_SERVICE);
    GSSCredential ours =
        manager.createCredential(
            null, GSSCredential.DEFAULT_LIFETIME, mechanism, GSSCredential.INITIATE_ONLY);
    GSSContext made = manager.createContext(server, mechanism, ours, GSSContext.DEFAULT_LIFETIME);
    context = made;
    made.requestMutualAuth(true);
    made.requestCredDeleg(config.gssDelegation());
    return made.initSecContext(NOTHING, 0, 0);
  }

  /** The answer to the server's token, or null if there is nothing more to say. */
  byte @Nullable [] next(byte[] token) throws Refused {
    GSSContext under = context;
    if (under == null || under.isEstablished()) {
      throw new Refused("the server goes on with a GSSAPI exchange that is over", true, null);
    }
    try {
      byte[] answer = under.initSecContext(token, 0, token.length);
      return answer == null || answer.length == 0 ? null : answer;
    } catch (GSSException e) {
      throw new Refused(
          "the server could not prove that it is " + service + ": " + e.getMessage(), true, e);
    }
  }

  /** Whether the server has proved who it is. */
  boolean isProven() {
    GSSContext under = context;
    return under != null && under.isEstablished() && under.getMutualAuthState();
  }

  /** Forgets the tickets and the keys. */
  void close() {
    try {
      GSSContext under = context;
      if (under != null) {
        under.dispose();
      }
    } catch (GSSException e) {
      // There is nothing left of it to forget.
    }
    try {
      LoginContext in = login;
      if (in != null) {
        in.logout();
      }
    } catch (LoginException e) {
      // As above.
    }
  }

  private Subject logIn() throws Refused {
    String entry = config.gssLogin();
    Subject subject = new Subject();
    try {
      LoginContext made =
          entry != null
              ? new LoginContext(entry, subject)
              : new LoginContext("asyncpg", subject, null, ticketCache());
      made.login();
      login = made;
      return subject;
    } catch (LoginException | SecurityException e) {
      throw entry != null
          ? new Refused(
              "the JAAS entry \""
                  + entry
                  + "\" (gssLogin) does not log in: "
                  + e.getMessage()
                  + ": look at the file of java.security.auth.login.config",
              !isOfTheNetwork(e),
              e)
          : noTicket(e);
    }
  }

  private Refused noTicket(Exception cause) {
    String cache = config.ticketCache();
    String why;
    if (cache != null && fileOf(cache) == null) {
      why =
          "KRB5CCNAME is "
              + cache
              + ", but the JDK reads files only: run kinit -c FILE:<path> and set KRB5CCNAME to"
              + " that";
    } else if (cache != null && !Files.isReadable(Path.of(String.valueOf(fileOf(cache))))) {
      why = "there is no readable file " + fileOf(cache) + " (KRB5CCNAME): run kinit";
    } else {
      why =
          "none that is valid is in "
              + (cache == null ? "the default ticket cache" : fileOf(cache))
              + ": run kinit, or name a JAAS entry with a keytab (gssLogin)";
    }
    String said = String.valueOf(cause.getMessage()).strip();
    return new Refused("there is no Kerberos ticket: " + why + " (" + said + ")", true, cause);
  }

  /** Whether it is that a KDC could not be reached, or did not answer. */
  private static boolean isOfTheNetwork(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof IOException) {
        return true;
      }
    }
    return false;
  }

  /** What a JAAS file would say: the tickets there are, and no question to anybody. */
  private Configuration ticketCache() {
    Map<String, String> options = new HashMap<>();
    options.put("useTicketCache", "true");
    options.put("doNotPrompt", "true");
    String cache = config.ticketCache();
    String file = cache == null ? null : fileOf(cache);
    if (file != null) {
      options.put("ticketCache", file);
    } else if (cache != null) {
      options.put("ticketCache", cache); // which is no file: there will be no ticket
    }
    AppConfigurationEntry entry =
        new AppConfigurationEntry(
            LOGIN_MODULE, AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, options);
    return new Configuration() {
      @Override
      public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
        return new AppConfigurationEntry[] {entry};
      }
    };
  }

  /** The file of a ticket cache, or null if it is of another kind (KCM:, DIR:, KEYRING:…). */
  private static @Nullable String fileOf(String cache) {
    if (cache.startsWith("FILE:")) {
      return cache.substring("FILE:".length());
    }
    return cache.matches("[A-Z]{2,}:.*") ? null : cache;
  }

  private Refused explained(Exception cause) {
    StringBuilder all = new StringBuilder();
    for (Throwable t = cause; t != null; t = t.getCause()) {
      all.append(t.getMessage()).append('\n');
    }
    String said = all.toString().toLowerCase(Locale.ROOT);
    boolean lasting = true;
    String why;
    if (said.contains("server not found in kerberos database")) {
      why =
          "the KDC knows no such service: is that the host's name in its keytab, and is krbsrvname"
              + " right?";
    } else if (said.contains("expired") || said.contains("failed to find any kerberos tgt")) {
      why = "the ticket has expired: run kinit";
    } else if (said.contains("clock skew")) {
      why = "this machine's clock and the KDC's differ too much: set them right";
    } else if (said.contains("cannot locate kdc")
        || said.contains("cannot contact")
        || said.contains("default realm")
        || isOfTheNetwork(cause)) {
      lasting = false;
      why =
          "no KDC answers: check krb5.conf (the JDK reads /etc/krb5.conf, or what"
              + " java.security.krb5.conf names)";
    } else {
      lasting = false;
      why = "the ticket to the server could not be had";
    }
    return new Refused(
        "Kerberos gives no ticket to " + service + ": " + why + " (" + cause.getMessage() + ")",
        lasting,
        cause);
  }

  /** Runs something as somebody: the one way there is in every JDK from 17 on. */
  @SuppressWarnings({"removal", "deprecation"})
  private static <T extends @Nullable Object> T as(
      Subject subject, PrivilegedExceptionAction<T> action) throws PrivilegedActionException {
    return Subject.doAs(subject, action);
  }
}
