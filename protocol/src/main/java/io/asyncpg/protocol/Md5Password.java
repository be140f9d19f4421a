package io.asyncpg.protocol;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The answer to AuthenticationMD5Password. Whoever listens to it on an unencrypted line can guess
 * passwords offline; PostgreSQL 18 calls the method deprecated.
 */
public final class Md5Password {
  /** The length of the server's salt, in bytes. */
  public static final int SALT_LENGTH = 4;

  private Md5Password() {}

  /**
   * What goes into the PasswordMessage: {@code concat('md5', md5(concat(md5(concat(password,
   * user)), salt)))}, each md5 written in hexadecimal digits.
   *
   * @param user the role that logs in
   * @param password its password
   * @param salt the 4 bytes that the server sent
   * @return {@code md5} and 32 digits
   * @throws IllegalArgumentException if the salt has another length
   */
  public static String response(String user, String password, byte[] salt) {
    if (salt.length != SALT_LENGTH) {
      throw new IllegalArgumentException(
          "salt: " + SALT_LENGTH + " bytes wanted, " + salt.length + " given");
    }
    String stored = md5((password + user).getBytes(UTF_8), new byte[0]);
    return "md5" + md5(stored.getBytes(ISO_8859_1), salt);
  }

  private static String md5(byte[] first, byte[] second) {
    try {
      MessageDigest digest = MessageDigest.getInstance("MD5");
      digest.update(first);
      digest.update(second);
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(
          "this Java has no MD5 (a FIPS setting?); give the role a SCRAM-SHA-256 password", e);
    }
  }
}
