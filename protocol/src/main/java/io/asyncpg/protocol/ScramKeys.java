package io.asyncpg.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.ongres.saslprep.SASLprep;
import com.ongres.stringprep.Option;
import com.ongres.stringprep.Profile;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What SCRAM-SHA-256 makes of a password, a salt and a number of rounds (RFC 5802, section 3): the
 * key that proves the client, and the key that proves the server. Whoever holds them can log in, as
 * with the password itself; they never show in {@link #toString()}.
 *
 * <p>Immutable; any thread may use it.
 */
public final class ScramKeys {
  /** The length of both keys, in bytes. */
  public static final int LENGTH = 32;

  private static final String HMAC = "HmacSHA256";

  /**
   * SASLprep without its normalization. PostgreSQL looks for characters that are not allowed before
   * it normalizes, the library and RFC 3454 after that; a letter that is newer than Unicode 3.2 but
   * normalizes to an old one makes the difference.
   */
  private static final Profile UNNORMALIZED =
      new Profile() {
        private final SASLprep saslprep = new SASLprep();

        @Override
        public Set<Option> profile() {
          Set<Option> options = EnumSet.copyOf(saslprep.profile());
          options.remove(Option.NORMALIZE_KC);
          return options;
        }

        @Override
        public int[] additionalMappingTable(int codePoint) {
          return saslprep.additionalMappingTable(codePoint);
        }
      };

  private final byte[] clientKey;
  private final byte[] serverKey;

  private ScramKeys(byte[] clientKey, byte[] serverKey) {
    this.clientKey = clientKey;
    this.serverKey = serverKey;
  }

  /**
   * Hashes a password, thousands of times as a rule, which is slow on purpose: call it away from an
   * event loop, or let a {@link ScramKeyCache} call it once for all connections.
   *
   * @param password as the user typed it; prepared with SASLprep as PostgreSQL does
   * @param salt as the server sent it
   * @param iterations as the server asks for, at least 1
   * @return the keys
   * @throws IllegalArgumentException if {@code iterations} is not positive
   */
  public static ScramKeys derive(String password, byte[] salt, int iterations) {
    if (iterations < 1) {
      throw new IllegalArgumentException("iterations: 1 or more wanted, " + iterations + " given");
    }
    byte[] salted = saltedPassword(prepared(password), salt, iterations);
    ScramKeys keys =
        new ScramKeys(
            hmac(salted, "Client Key".getBytes(UTF_8)), hmac(salted, "Server Key".getBytes(UTF_8)));
    Arrays.fill(salted, (byte) 0);
    return keys;
  }

  /**
   * Keys that were made elsewhere, as libpq's {@code scram_client_key} and {@code scram_server_key}
   * hand them in: with these no password is needed.
   *
   * @param clientKey 32 bytes
   * @param serverKey 32 bytes
   * @return the keys
   * @throws IllegalArgumentException if one is of another length
   */
  public static ScramKeys of(byte[] clientKey, byte[] serverKey) {
    return new ScramKeys(checked("clientKey", clientKey), checked("serverKey", serverKey));
  }

  private static byte[] checked(String name, byte[] key) {
    if (key.length != LENGTH) {
      throw new IllegalArgumentException(
          name + ": " + LENGTH + " bytes wanted, " + key.length + " given");
    }
    return key.clone();
  }

  /** ClientProof := ClientKey XOR HMAC(H(ClientKey), AuthMessage). */
  byte[] clientProof(byte[] authMessage) {
    byte[] proof = hmac(sha256(clientKey), authMessage);
    for (int i = 0; i < proof.length; i++) {
      proof[i] ^= clientKey[i];
    }
    return proof;
  }

  /** ServerSignature := HMAC(ServerKey, AuthMessage). */
  byte[] serverSignature(byte[] authMessage) {
    return hmac(serverKey, authMessage);
  }

  /** StoredKey := H(ClientKey), which is what the server keeps. */
  byte[] storedKey() {
    return sha256(clientKey);
  }

  /** The key that the server keeps too. */
  byte[] serverKey() {
    return serverKey.clone();
  }

  /**
   * SASLprep's form of a password. A password that SASLprep does not allow is used as it is, as
   * PostgreSQL does on both sides; so is one of which nothing would be left.
   */
  static byte[] prepared(String password) {
    String form;
    try {
      // The zero width space is listed among the spaces and among what maps to nothing; PostgreSQL
      // takes it for a space, the library for nothing.
      String mapped = UNNORMALIZED.prepareStored(password.replace('\u200b', ' '));
      form = Normalizer.normalize(mapped, Normalizer.Form.NFKC);
    } catch (IllegalArgumentException | IndexOutOfBoundsException notAllowed) {
      form = password;
    }
    return (form.isEmpty() ? password : form).getBytes(UTF_8);
  }

  /** Hi(password, salt, iterations), which is PBKDF2 for one block of output. */
  private static byte[] saltedPassword(byte[] password, byte[] salt, int iterations) {
    Mac mac = mac(password);
    mac.update(salt);
    byte[] round = mac.doFinal(ByteBuffer.allocate(4).putInt(1).array());
    byte[] result = round.clone();
    for (int i = 1; i < iterations; i++) {
      round = mac.doFinal(round);
      for (int j = 0; j < result.length; j++) {
        result[j] ^= round[j];
      }
    }
    return result;
  }

  static byte[] hmac(byte[] key, byte[] message) {
    return mac(key).doFinal(message);
  }

  private static Mac mac(byte[] key) {
    try {
      Mac mac = Mac.getInstance(HMAC);
      // HMAC fills a short key up with zeros, so one zero is the empty key, which the JDK refuses.
      mac.init(new SecretKeySpec(key.length == 0 ? new byte[1] : key, HMAC));
      return mac;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no " + HMAC + ", which every Java has", e);
    }
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no SHA-256, which every Java has", e);
    }
  }

  /**
   * That these are keys, and nothing of them.
   *
   * @return always the same
   */
  @Override
  public String toString() {
    return "ScramKeys[secret]";
  }
}
