package io.asyncpg.protocol;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.RetrySafety;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;

/**
 * The client's half of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677; manual, "SASL
 * Authentication"). It is fed what the server says and answers with what to send:
 *
 * <pre>
 * client                                           server
 *    → SASLInitialResponse  n,,n=,r=abc  →                  {@link #clientFirst()}
 *    ← SASLContinue  r=abcdef,s=c2FsdA==,i=4096  ←          {@link #serverFirst(byte[])}
 *    → SASLResponse  c=biws,r=abcdef,p=…  →                 {@link #clientFinal}
 *    ← SASLFinal  v=…  ←                                    {@link #verify(byte[])}
 * </pre>
 *
 * Between the second and the third step stands {@link ScramKeys#derive}, which is slow and has a
 * thread to itself if the caller is wise. No password comes in here. Not safe for use by several
 * threads at once.
 */
public final class ScramClient {
  /** The mechanism without channel binding. */
  public static final String SCRAM_SHA_256 = "SCRAM-SHA-256";

  /** The mechanism with channel binding. */
  public static final String SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS";

  /**
   * How many iterations a server may ask for. PostgreSQL's default is 4,096; without a limit, a
   * hostile server could keep a thread busy for as long as it likes.
   */
  public static final int MAX_ITERATIONS = 100_000;

  private static final int NONCE_BYTES = 18;
  private static final int MAX_NONCE = 1_024;
  private static final int MAX_SALT = 1_024;
  private static final int SHOWN_ERROR = 200;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final String mechanism;
  private final String gs2Header;
  private final byte[] bindingData;
  private final String user;
  private final String clientNonce;

  private Step step = Step.START;
  private byte[] serverSignature = new byte[0];

  /** What has been done; each step leads to the next one, and every failure to FAILED. */
  private enum Step {
    START,
    FIRST_SENT,
    CHALLENGED,
    FINAL_SENT,
    VERIFIED,
    FAILED
  }

  /**
   * Creates one.
   *
   * @param user empty but for the RFC's examples
   * @param clientNonce random but for the RFC's examples
   */
  ScramClient(
      String mechanism, String gs2Header, byte[] bindingData, String user, String clientNonce) {
    this.mechanism = mechanism;
    this.gs2Header = gs2Header;
    this.bindingData = bindingData;
    this.user = user;
    this.clientNonce = clientNonce;
  }

  /**
   * For a connection where the client does not do channel binding: one without TLS, or with {@code
   * channel_binding=disable}.
   *
   * @return an exchange of {@link #SCRAM_SHA_256}
   */
  public static ScramClient withoutChannelBinding() {
    return new ScramClient(SCRAM_SHA_256, "n,,", new byte[0], "", nonce());
  }

  /**
   * For a TLS connection where the client could do channel binding but the server did not offer it.
   * The server is told so, and refuses if it did: then somebody in between took the offer out.
   *
   * @return an exchange of {@link #SCRAM_SHA_256}
   */
  public static ScramClient channelBindingNotOffered() {
    return new ScramClient(SCRAM_SHA_256, "y,,", new byte[0], "", nonce());
  }

  /**
   * For a TLS connection whose server offers channel binding.
   *
   * @param tlsServerEndPoint the hash of the server's certificate (RFC 5929, section 4)
   * @return an exchange of {@link #SCRAM_SHA_256_PLUS}
   * @throws IllegalArgumentException if {@code tlsServerEndPoint} is empty
   */
  public static ScramClient withChannelBinding(byte[] tlsServerEndPoint) {
    if (tlsServerEndPoint.length == 0) {
      throw new IllegalArgumentException(
          "tlsServerEndPoint: the hash of the server's certificate wanted, no bytes given");
    }
    return new ScramClient(
        SCRAM_SHA_256_PLUS, "p=tls-server-end-point,,", tlsServerEndPoint.clone(), "", nonce());
  }

  /** As many random bytes as libpq takes, in base64. */
  private static String nonce() {
    byte[] bytes = new byte[NONCE_BYTES];
    RANDOM.nextBytes(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  /**
   * The name for the SASLInitialResponse.
   *
   * @return {@link #SCRAM_SHA_256} or {@link #SCRAM_SHA_256_PLUS}
   */
  public String mechanism() {
    return mechanism;
  }

  /**
   * The client-first-message, for the SASLInitialResponse. Its user is empty, as libpq's is:
   * PostgreSQL takes the one of the StartupMessage.
   *
   * @return its bytes
   * @throws IllegalStateException if it was asked for before
   */
  public byte[] clientFirst() {
    calledIn(Step.START, "clientFirst");
    step = Step.FIRST_SENT;
    return (gs2Header + clientFirstBare()).getBytes(ISO_8859_1);
  }

  private String clientFirstBare() {
    return "n=" + user + ",r=" + clientNonce;
  }

  /**
   * Reads the server-first-message with {@link #MAX_ITERATIONS} as the limit.
   *
   * @param message the data of the AuthenticationSASLContinue
   * @return the server's challenge
   * @throws PgProtocolException if it is malformed or out of turn
   * @throws PgConnectionException if it asks for too many iterations
   */
  public ServerFirst serverFirst(byte[] message) {
    return serverFirst(message, MAX_ITERATIONS);
  }

  /**
   * Reads the server-first-message.
   *
   * @param message the data of the AuthenticationSASLContinue
   * @param maxIterations how many iterations the server may ask for
   * @return the server's challenge
   * @throws PgProtocolException if it is malformed or out of turn
   * @throws PgConnectionException if it asks for too many iterations
   */
  public ServerFirst serverFirst(byte[] message, int maxIterations) {
    receivedIn(Step.FIRST_SENT, "AuthenticationSASLContinue");
    Attributes attributes = new Attributes("server-first-message", message);
    String nonce = attributes.next('r');
    String salt = attributes.next('s');
    String iterations = attributes.next('i');
    attributes.skipExtensions();
    if (nonce.length() > MAX_NONCE || !printable(nonce)) {
      throw broken("the server's nonce is no printable text of up to " + MAX_NONCE + " characters");
    }
    // Our own nonce in it is what tells this answer from a recording of another exchange's.
    if (!nonce.startsWith(clientNonce) || nonce.length() == clientNonce.length()) {
      throw broken("the server's nonce does not begin with the client's, or adds nothing to it");
    }
    byte[] saltBytes = base64("salt", salt);
    if (saltBytes.length == 0 || saltBytes.length > MAX_SALT) {
      throw broken(
          "the salt has " + saltBytes.length + " bytes; 1 to " + MAX_SALT + " are sensible");
    }
    int count = iterations(iterations, maxIterations);
    step = Step.CHALLENGED;
    return new ServerFirst(new String(message, ISO_8859_1), nonce, saltBytes, count);
  }

  private int iterations(String digits, int max) {
    boolean number = !digits.isEmpty() && digits.chars().allMatch(c -> c >= '0' && c <= '9');
    if (!number || digits.charAt(0) == '0') {
      throw broken("the number of iterations is no positive number");
    }
    if (digits.length() > 9 || Integer.parseInt(digits) > max) {
      step = Step.FAILED;
      String shown = digits.length() > 20 ? digits.substring(0, 20) + "…" : digits;
      throw new PgConnectionException(
          "the server asks for "
              + shown
              + " SCRAM iterations, more than the "
              + max
              + " that this client allows; set the role's password anew with a lower"
              + " scram_iterations, or raise the client's limit",
          RetrySafety.NOT_SENT,
          null);
    }
    return Integer.parseInt(digits);
  }

  /**
   * The client-final-message, for the SASLResponse.
   *
   * @param challenge what {@link #serverFirst} gave
   * @param keys of the password with the challenge's salt and iterations, or ready ones
   * @return its bytes
   * @throws IllegalStateException if no challenge has been read, or it was answered already
   */
  public byte[] clientFinal(ServerFirst challenge, ScramKeys keys) {
    calledIn(Step.CHALLENGED, "clientFinal");
    byte[] header = gs2Header.getBytes(ISO_8859_1);
    byte[] binding = new byte[header.length + bindingData.length];
    System.arraycopy(header, 0, binding, 0, header.length);
    System.arraycopy(bindingData, 0, binding, header.length, bindingData.length);
    String withoutProof =
        "c=" + Base64.getEncoder().encodeToString(binding) + ",r=" + challenge.nonce;
    byte[] authMessage =
        (clientFirstBare() + "," + challenge.message + "," + withoutProof).getBytes(ISO_8859_1);
    serverSignature = keys.serverSignature(authMessage);
    String proof = Base64.getEncoder().encodeToString(keys.clientProof(authMessage));
    step = Step.FINAL_SENT;
    return (withoutProof + ",p=" + proof).getBytes(ISO_8859_1);
  }

  /**
   * Checks the server-final-message: that the server knows the password too. Returns normally only
   * if it does.
   *
   * @param message the data of the AuthenticationSASLFinal
   * @throws PgProtocolException if it is malformed or out of turn
   * @throws PgConnectionException if the server's signature is wrong, or it reports an error
   */
  public void verify(byte[] message) {
    receivedIn(Step.FINAL_SENT, "AuthenticationSASLFinal");
    Attributes attributes = new Attributes("server-final-message", message);
    if (attributes.nextIs('e')) {
      String error = attributes.next('e');
      step = Step.FAILED;
      throw new PgConnectionException(
          "the server refuses the SCRAM exchange: "
              + (printable(error) && error.length() <= SHOWN_ERROR ? error : "an unreadable error"),
          RetrySafety.NOT_SENT,
          null);
    }
    byte[] signature = base64("server's signature", attributes.next('v'));
    attributes.skipExtensions();
    if (!MessageDigest.isEqual(signature, serverSignature)) {
      step = Step.FAILED;
      throw new PgConnectionException(
          "the server's SCRAM signature is wrong: it does not know the password, so it may not be"
              + " the server it says it is; check host, port and what is in between",
          RetrySafety.NOT_SENT,
          null);
    }
    step = Step.VERIFIED;
  }

  /**
   * Whether the server has proved itself. An AuthenticationOk before that is to be refused.
   *
   * @return true after {@link #verify} returned normally
   */
  public boolean isVerified() {
    return step == Step.VERIFIED;
  }

  private void calledIn(Step wanted, String method) {
    if (step != wanted) {
      throw new IllegalStateException(method + " belongs to step " + wanted + ", not " + step);
    }
  }

  private void receivedIn(Step wanted, String message) {
    if (step != wanted) {
      Step found = step;
      throw broken(message + " belongs after step " + wanted + ", not " + found);
    }
  }

  private PgProtocolException broken(String what) {
    step = Step.FAILED;
    return new PgProtocolException("SCRAM authentication: " + what, RetrySafety.NOT_SENT, null);
  }

  private byte[] base64(String name, String text) {
    try {
      byte[] bytes = Base64.getDecoder().decode(text.getBytes(UTF_8));
      // The JDK takes text without its padding, and stray bits at the end; RFC 5802 does not.
      if (Base64.getEncoder().encodeToString(bytes).equals(text)) {
        return bytes;
      }
    } catch (IllegalArgumentException notBase64) {
      throw broken("the " + name + " is not base64");
    }
    throw broken("the " + name + " is not base64 in its one normal form");
  }

  private static boolean printable(String text) {
    return text.chars().allMatch(c -> c > ' ' && c < 0x7f && c != ',');
  }

  /**
   * Which exchange, and no secret.
   *
   * @return the mechanism and how far it is
   */
  @Override
  public String toString() {
    return "ScramClient[" + mechanism + ", " + step + "]";
  }

  /** The server's challenge: what the password has to be hashed with. Immutable. */
  public static final class ServerFirst {
    private final String message;
    private final String nonce;
    private final byte[] salt;
    private final int iterations;

    private ServerFirst(String message, String nonce, byte[] salt, int iterations) {
      this.message = message;
      this.nonce = nonce;
      this.salt = salt;
      this.iterations = iterations;
    }

    /**
     * The salt of the role's password.
     *
     * @return a copy of its 1 to 1,024 bytes
     */
    public byte[] salt() {
      return salt.clone();
    }

    /**
     * How often to hash.
     *
     * @return 1 to the limit that was given
     */
    public int iterations() {
      return iterations;
    }

    /**
     * What it asks for; neither is a secret, but the salt is nobody's business.
     *
     * @return the iterations
     */
    @Override
    public String toString() {
      return "ServerFirst[" + iterations + " iterations]";
    }
  }

  /** {@code a=value,b=value}: read in order, nothing skipped that RFC 5802 does not let skip. */
  private final class Attributes {
    private final String message;
    private final String text;
    private int at;

    Attributes(String message, byte[] bytes) {
      this.message = message;
      this.text = new String(bytes, ISO_8859_1);
    }

    boolean nextIs(char name) {
      return at + 1 < text.length() && text.charAt(at) == name && text.charAt(at + 1) == '=';
    }

    String next(char name) {
      if (!nextIs(name)) {
        // An m= stands for an extension that must be understood, and none is defined.
        throw broken(
            nextIs('m')
                ? message + " asks for an extension (m=) that this client does not know"
                : message + " has no " + name + "= where it belongs");
      }
      return value();
    }

    /** Attributes that nobody has defined yet may follow, and may be ignored. */
    void skipExtensions() {
      while (at < text.length()) {
        boolean letter = Character.isLetter(text.charAt(at)) && text.charAt(at) < 0x80;
        if (!letter || !nextIs(text.charAt(at)) || nextIs('m')) {
          throw broken(message + " ends in something that is no optional extension");
        }
        value();
      }
    }

    private String value() {
      int end = text.indexOf(',', at);
      String value = text.substring(at + 2, end < 0 ? text.length() : end);
      if (end == text.length() - 1) {
        throw broken(message + " ends in a comma");
      }
      at = end < 0 ? text.length() : end + 1;
      return value;
    }
  }
}
