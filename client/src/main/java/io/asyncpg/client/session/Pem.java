package io.asyncpg.client.session;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAKey;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.crypto.BadPaddingException;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Certificates, private keys and revocation lists from files, in all the forms OpenSSL writes: PEM
 * (keys as PKCS#8, PKCS#1 or SEC 1, encrypted or not), DER, PKCS#12. What is wrong with a file is
 * an {@link IllegalArgumentException} that names it, and shows nothing of what is in it.
 */
final class Pem {
  /** More than the certificates of all authorities there are. */
  private static final int MAX_FILE = 4 << 20;

  /** The algorithms of keys that certificates are made for. */
  private static final List<String> ALGORITHMS = List.of("RSA", "EC", "EdDSA", "RSASSA-PSS");

  private static final String BEGIN = "-----BEGIN ";
  private static final String DASHES = "-----";

  private static final int INTEGER = 0x02;
  private static final int OCTETS = 0x04;
  private static final int OID = 0x06;
  private static final int SEQUENCE = 0x30;
  private static final int CONTEXT_0 = 0xa0;

  private static final byte[] VERSION_0 = {INTEGER, 1, 0};

  /** OID 1.2.840.113549.1.5.13. */
  private static final String PBES2 = "2a864886f70d01050d";

  /** OID 1.2.840.113549.1.5.12. */
  private static final String PBKDF2 = "2a864886f70d01050c";

  /** OIDs 1.2.840.113549.2.7 to 11, and what they stand for. */
  private static final Map<String, String> HASHES =
      Map.of(
          "2a864886f70d0207", "SHA1",
          "2a864886f70d0208", "SHA224",
          "2a864886f70d0209", "SHA256",
          "2a864886f70d020a", "SHA384",
          "2a864886f70d020b", "SHA512");

  /** OID 1.2.840.113549.3.7. */
  private static final String DES_EDE3 = "2a864886f70d0307";

  /** OID 2.16.840.1.101.3.4.1, to which .2, .22 and .42 are added. */
  private static final String AES = "6086480165030401";

  /** The length of the key, in bytes, for each way to encrypt, all of them CBC. */
  private static final Map<String, Integer> KEY_LENGTHS =
      Map.of(AES + "02", 16, AES + "16", 24, AES + "2a", 32, DES_EDE3, 24);

  /** OID 1.2.840.113549.1.1.1, and the NULL that goes with it. */
  private static final byte[] RSA_ENCRYPTION =
      HexFormat.of().parseHex("06092a864886f70d0101010500");

  /** OID 1.2.840.10045.2.1. */
  private static final byte[] EC_PUBLIC_KEY = HexFormat.of().parseHex("06072a8648ce3d0201");

  /** A key and the certificates that go with it, the key's own first. */
  record Identity(PrivateKey key, List<X509Certificate> chain) {
    /** Whether the key is the first certificate's; true where this Java cannot tell. */
    boolean belongsTogether() {
      PublicKey own = chain.get(0).getPublicKey();
      if (key instanceof RSAKey ours) { // for PSS or not
        return own instanceof RSAKey theirs && theirs.getModulus().equals(ours.getModulus());
      }
      String algorithm = key.getAlgorithm().equals("EC") ? "SHA256withECDSA" : key.getAlgorithm();
      byte[] signed = {1, 2, 3};
      byte[] signature;
      try {
        Signature signing = Signature.getInstance(algorithm);
        signing.initSign(key);
        signing.update(signed);
        signature = signing.sign();
      } catch (GeneralSecurityException | RuntimeException cannotSign) {
        return true;
      }
      try {
        Signature verifying = Signature.getInstance(algorithm);
        verifying.initVerify(own);
        verifying.update(signed);
        return verifying.verify(signature);
      } catch (GeneralSecurityException | RuntimeException another) {
        return false;
      }
    }

    /** Nothing of the key. */
    @Override
    public String toString() {
      return "Identity[" + chain.get(0).getSubjectX500Principal() + "]";
    }
  }

  /** One section of a PEM file. */
  private record Section(String label, List<String> headers, byte[] bytes) {
    /** How it is encrypted, in OpenSSL's own way before PKCS#8; null if it is not. */
    @Nullable String encryption() {
      for (String header : headers) {
        if (header.startsWith("DEK-Info:")) {
          return header.substring("DEK-Info:".length()).strip().toUpperCase(Locale.ROOT);
        }
      }
      return null;
    }
  }

  /** DER elements, one behind the other. */
  private static final class Der {
    private final byte[] bytes;
    private int at;

    Der(byte[] bytes) {
      this.bytes = bytes;
    }

    boolean isNext(int tag) {
      return at < bytes.length && (bytes[at] & 0xff) == tag;
    }

    /** What the next element holds. */
    byte[] bytes(int tag) throws IOException {
      int body = isNext(tag) ? headerLength(bytes, at) : -1;
      int end = body < 0 ? -1 : end(bytes, at);
      if (end < 0) {
        throw new IOException("no DER element 0x" + Integer.toHexString(tag));
      }
      at = end;
      return Arrays.copyOfRange(bytes, body, end);
    }

    Der inside(int tag) throws IOException {
      return new Der(bytes(tag));
    }

    String hex(int tag) throws IOException {
      return HexFormat.of().formatHex(bytes(tag));
    }
  }

  private Pem() {}

  /** The certificates in a PEM or DER file, in order; at least one. */
  static List<X509Certificate> certificates(Path file) {
    List<byte[]> sections = sections(file, read(file), "CERTIFICATE", "X509 CERTIFICATE");
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      List<X509Certificate> all = new ArrayList<>();
      for (byte[] certificate : sections) {
        Certificate made = factory.generateCertificate(new ByteArrayInputStream(certificate));
        all.add((X509Certificate) made);
      }
      return all;
    } catch (CertificateException | RuntimeException e) {
      throw new IllegalArgumentException(file + " holds a certificate that cannot be read", e);
    }
  }

  /** The revocation lists in a PEM or DER file; at least one. */
  static List<X509CRL> revocations(Path file) {
    List<byte[]> sections = sections(file, read(file), "X509 CRL");
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      List<X509CRL> all = new ArrayList<>();
      for (byte[] list : sections) {
        all.add((X509CRL) factory.generateCRL(new ByteArrayInputStream(list)));
      }
      return all;
    } catch (GeneralSecurityException | RuntimeException e) {
      throw new IllegalArgumentException(file + " holds a revocation list that cannot be read", e);
    }
  }

  /** Whether a file is a PKCS#12 key store; those of the JDK are too. */
  static boolean isKeyStore(Path file) {
    byte[] bytes = read(file);
    // PFX ::= SEQUENCE { version INTEGER {v3(3)}, …
    int body = bytes.length > 2 && bytes[0] == SEQUENCE ? headerLength(bytes, 0) : 0;
    return body > 0
        && body + 2 < bytes.length
        && bytes[body] == INTEGER
        && bytes[body + 1] == 1
        && bytes[body + 2] == 3;
  }

  /** The first key in a PKCS#12 file that has certificates, with them. */
  static Identity keyStore(Path file, @Nullable String password) {
    byte[] bytes = read(file);
    char[] secret = password == null ? new char[0] : password.toCharArray();
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(new ByteArrayInputStream(bytes), secret);
      for (String alias : Collections.list(store.aliases())) {
        Certificate[] certificates = store.getCertificateChain(alias);
        if (certificates != null
            && certificates.length > 0
            && store.getKey(alias, secret) instanceof PrivateKey key) {
          List<X509Certificate> chain = new ArrayList<>();
          for (Certificate certificate : certificates) {
            chain.add((X509Certificate) certificate);
          }
          return new Identity(key, chain);
        }
      }
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw new IllegalArgumentException(
          "the key store "
              + file
              + " cannot be opened"
              + (password == null
                  ? ": it needs a password (sslpassword)"
                  : ": is its password the one given (sslpassword)?"),
          e);
    } finally {
      Arrays.fill(secret, ' ');
    }
    throw new IllegalArgumentException(
        "the key store " + file + " holds no private key with its certificate");
  }

  /** The private key in a file, of whatever kind. */
  static PrivateKey privateKey(Path file, @Nullable String password) {
    byte[] bytes = read(file);
    boolean encrypted = false;
    try {
      if (bytes[0] == SEQUENCE) {
        encrypted = isEncryptedDer(bytes);
        return encrypted ? pkcs8(file, decrypted(file, bytes, password)) : derKey(file, bytes);
      }
      byte[] curve = null;
      for (Section section : sections(file, bytes)) {
        encrypted = section.label.startsWith("ENCRYPTED") || section.encryption() != null;
        switch (section.label) {
          case "EC PARAMETERS" -> curve = section.bytes;
          case "PRIVATE KEY" -> {
            return pkcs8(file, section.bytes);
          }
          case "ENCRYPTED PRIVATE KEY" -> {
            return pkcs8(file, decrypted(file, section.bytes, password));
          }
          case "RSA PRIVATE KEY" -> {
            return pkcs8(file, fromPkcs1(plain(file, section, password)));
          }
          case "EC PRIVATE KEY" -> {
            return pkcs8(file, fromSec1(file, plain(file, section, password), curve));
          }
          default -> {
            // A certificate beside its key, for one.
          }
        }
      }
    } catch (BadPaddingException | InvalidKeySpecException e) {
      throw new IllegalArgumentException(
          "the private key in "
              + file
              + " cannot be "
              + (encrypted ? "decrypted: is its password the one given (sslpassword)?" : "read"),
          e);
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("the private key in " + file + " cannot be read", e);
    }
    throw new IllegalArgumentException(file + " holds no private key");
  }

  /** EncryptedPrivateKeyInfo begins with how; all others begin with a version. */
  private static boolean isEncryptedDer(byte[] der) {
    int body = headerLength(der, 0);
    return body > 0 && der[body] == SEQUENCE;
  }

  private static PrivateKey derKey(Path file, byte[] bytes) throws GeneralSecurityException {
    int body = headerLength(bytes, 0);
    if (body < 0) {
      throw new InvalidKeySpecException("no DER");
    }
    // ECPrivateKey ::= SEQUENCE { INTEGER 1, OCTET STRING, …: in PKCS#8 an algorithm comes second.
    int second = end(bytes, body);
    if (second > 0 && second < bytes.length && bytes[second] == OCTETS) {
      return pkcs8(file, fromSec1(file, bytes, null));
    }
    try {
      return pkcs8(file, bytes);
    } catch (InvalidKeySpecException notPkcs8) {
      return pkcs8(file, fromPkcs1(bytes));
    }
  }

  private static PrivateKey pkcs8(Path file, byte[] encoded) throws GeneralSecurityException {
    InvalidKeySpecException none =
        new InvalidKeySpecException(file + " holds a key of none of the kinds " + ALGORITHMS);
    for (String algorithm : ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
      } catch (InvalidKeySpecException another) {
        none.addSuppressed(another);
      } catch (RuntimeException broken) {
        // A parser's slip, whose message may quote anything.
      }
    }
    throw none;
  }

  /** PKCS#5, as in PKCS#8: the key's encryption says itself how it is done. */
  private static byte[] decrypted(Path file, byte[] encrypted, @Nullable String password)
      throws GeneralSecurityException {
    if (password == null) {
      throw needsPassword(file);
    }
    Cipher cipher;
    byte[] data;
    try {
      Der info = new Der(encrypted).inside(SEQUENCE);
      Der how = info.inside(SEQUENCE);
      cipher =
          PBES2.equals(how.hex(OID))
              ? pbes2(how.inside(SEQUENCE), password)
              : pbes1(encrypted, password);
      data = info.bytes(OCTETS);
    } catch (IOException | GeneralSecurityException | RuntimeException e) { // no numbers, for one
      throw new IllegalArgumentException(
          "the private key in "
              + file
              + " is encrypted in a way that is not supported: write it anew with openssl pkcs8"
              + " -topk8 -v2 aes256",
          e);
    }
    return cipher.doFinal(data);
  }

  // PBES2-params ::= SEQUENCE {
  //   keyDerivationFunc SEQUENCE { OID of PBKDF2, SEQUENCE {
  //     salt OCTET STRING, iterationCount INTEGER, keyLength INTEGER OPTIONAL,
  //     prf SEQUENCE { OID, NULL } DEFAULT hmacWithSHA1 } },
  //   encryptionScheme SEQUENCE { OID, IV OCTET STRING } }
  //
  // The JDK can do it too, but takes no password that is not ASCII, and only AES of 128 and 256.

  private static Cipher pbes2(Der parameters, String password)
      throws GeneralSecurityException, IOException {
    Der derivation = parameters.inside(SEQUENCE);
    Der encryption = parameters.inside(SEQUENCE);
    String scheme = encryption.hex(OID);
    Integer keyLength = KEY_LENGTHS.get(scheme);
    String way = derivation.hex(OID);
    if (!PBKDF2.equals(way) || keyLength == null) {
      throw new NoSuchAlgorithmException(way + " with " + scheme);
    }
    byte[] iv = encryption.bytes(OCTETS);
    Der pbkdf2 = derivation.inside(SEQUENCE);
    byte[] salt = pbkdf2.bytes(OCTETS);
    int rounds = new BigInteger(pbkdf2.bytes(INTEGER)).intValueExact();
    if (pbkdf2.isNext(INTEGER)) {
      pbkdf2.bytes(INTEGER);
    }
    String hash = pbkdf2.isNext(SEQUENCE) ? HASHES.get(pbkdf2.inside(SEQUENCE).hex(OID)) : "SHA1";
    PBEKeySpec spec = new PBEKeySpec(password.toCharArray(), salt, rounds, 8 * keyLength);
    try {
      byte[] key =
          SecretKeyFactory.getInstance("PBKDF2WithHmac" + hash).generateSecret(spec).getEncoded();
      return cbc(scheme.equals(DES_EDE3) ? "DESede" : "AES", key, iv);
    } finally {
      spec.clearPassword();
    }
  }

  /** The ways from before PBES2, as far as the JDK knows them. */
  private static Cipher pbes1(byte[] encrypted, String password)
      throws GeneralSecurityException, IOException {
    EncryptedPrivateKeyInfo info = new EncryptedPrivateKeyInfo(encrypted);
    PBEKeySpec spec = new PBEKeySpec(password.toCharArray());
    try {
      Cipher cipher = Cipher.getInstance(info.getAlgName());
      cipher.init(
          Cipher.DECRYPT_MODE,
          SecretKeyFactory.getInstance(info.getAlgName()).generateSecret(spec),
          info.getAlgParameters());
      return cipher;
    } finally {
      spec.clearPassword();
    }
  }

  private static Cipher cbc(String algorithm, byte[] key, byte[] iv)
      throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance(algorithm + "/CBC/PKCS5Padding");
    cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, algorithm), new IvParameterSpec(iv));
    return cipher;
  }

  /** The section's bytes, decrypted if its headers say so. */
  private static byte[] plain(Path file, Section section, @Nullable String password)
      throws GeneralSecurityException {
    String how = section.encryption();
    if (how == null) {
      return section.bytes;
    }
    if (password == null) {
      throw needsPassword(file);
    }
    String[] cipherAndIv = how.split(",", 2);
    int keyLength =
        switch (cipherAndIv[0]) {
          case "AES-128-CBC" -> 16;
          case "AES-192-CBC", "DES-EDE3-CBC" -> 24;
          case "AES-256-CBC" -> 32;
          default ->
              throw new IllegalArgumentException(
                  "the private key in "
                      + file
                      + " is encrypted with "
                      + cipherAndIv[0]
                      + ", which is not supported: write it anew with openssl pkcs8 -topk8");
        };
    byte[] iv;
    try {
      iv = HexFormat.of().parseHex(cipherAndIv.length < 2 ? "" : cipherAndIv[1].strip());
    } catch (IllegalArgumentException notHex) {
      iv = new byte[0];
    }
    if (iv.length < 8) {
      throw new IllegalArgumentException(
          "the private key in " + file + " has no initialization vector in DEK-Info");
    }
    String algorithm = cipherAndIv[0].startsWith("DES") ? "DESede" : "AES";
    return cbc(algorithm, legacyKey(password, iv, keyLength), iv).doFinal(section.bytes);
  }

  /** OpenSSL's EVP_BytesToKey with MD5, one round, the first 8 bytes of the IV as salt. */
  private static byte[] legacyKey(String password, byte[] iv, int length)
      throws GeneralSecurityException {
    MessageDigest md5 = MessageDigest.getInstance("MD5");
    byte[] key = new byte[length];
    byte[] block = new byte[0];
    for (int at = 0; at < length; at += block.length) {
      md5.update(block);
      md5.update(password.getBytes(UTF_8));
      md5.update(iv, 0, 8);
      block = md5.digest();
      System.arraycopy(block, 0, key, at, Math.min(block.length, length - at));
    }
    return key;
  }

  private static IllegalArgumentException needsPassword(Path file) {
    return new IllegalArgumentException(
        "the private key in " + file + " is encrypted: give its password (sslpassword)");
  }

  // PrivateKeyInfo ::= SEQUENCE { version INTEGER 0,
  //                               privateKeyAlgorithm SEQUENCE { OID, parameters },
  //                               privateKey OCTET STRING }

  private static byte[] fromPkcs1(byte[] key) {
    return der(SEQUENCE, VERSION_0, der(SEQUENCE, RSA_ENCRYPTION), der(OCTETS, key));
  }

  private static byte[] fromSec1(Path file, byte[] key, byte @Nullable [] curve) {
    byte[] parameters = curve == null ? curveOf(key) : curve;
    if (parameters == null) {
      throw new IllegalArgumentException(
          "the EC key in " + file + " does not name its curve: write it anew with openssl pkcs8");
    }
    return der(SEQUENCE, VERSION_0, der(SEQUENCE, EC_PUBLIC_KEY, parameters), der(OCTETS, key));
  }

  /** ECPrivateKey ::= SEQUENCE { INTEGER 1, OCTET STRING, [0] OID of the curve, … }. */
  private static byte @Nullable [] curveOf(byte[] key) {
    int at = headerLength(key, 0);
    while (at > 0 && at < key.length) {
      int body = headerLength(key, at);
      int end = body < 0 ? -1 : end(key, at);
      if (end < 0) {
        return null;
      }
      if ((key[at] & 0xff) == CONTEXT_0) {
        return key[body] == OID ? Arrays.copyOfRange(key, body, end) : null;
      }
      at = end;
    }
    return null;
  }

  /** Where the body of the DER element begins; -1 if there is none. */
  private static int headerLength(byte[] der, int at) {
    if (at + 2 > der.length) {
      return -1;
    }
    int first = der[at + 1] & 0xff;
    int body = at + 2 + (first < 0x80 ? 0 : first - 0x80);
    return first > 0x84 || first == 0x80 || body >= der.length ? -1 : body;
  }

  /** Where the DER element ends; -1 if that is beyond the bytes there are. */
  private static int end(byte[] der, int at) {
    int body = headerLength(der, at);
    if (body < 0) {
      return -1;
    }
    long length = der[at + 1] & 0xff;
    if (length >= 0x80) {
      length = 0;
      for (int i = at + 2; i < body; i++) {
        length = length << 8 | (der[i] & 0xff);
      }
    }
    return body + length > der.length ? -1 : (int) (body + length);
  }

  private static byte[] der(int tag, byte[]... parts) {
    int length = Arrays.stream(parts).mapToInt(part -> part.length).sum();
    ByteArrayOutputStream out = new ByteArrayOutputStream(length + 6);
    out.write(tag);
    if (length >= 0x80) {
      int bytes = (39 - Integer.numberOfLeadingZeros(length)) / 8;
      out.write(0x80 | bytes);
      for (int shift = 8 * (bytes - 1); shift > 0; shift -= 8) {
        out.write(length >>> shift);
      }
    }
    out.write(length);
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  /** What is in the sections of these kinds, or the whole file if it is DER. */
  private static List<byte[]> sections(Path file, byte[] bytes, String... labels) {
    if (bytes[0] == SEQUENCE) {
      return List.of(bytes);
    }
    List<byte[]> found = new ArrayList<>();
    for (Section section : sections(file, bytes)) {
      if (Arrays.asList(labels).contains(section.label)) {
        found.add(section.bytes);
      }
    }
    if (found.isEmpty()) {
      throw new IllegalArgumentException(file + " holds no " + BEGIN + labels[0] + DASHES);
    }
    return found;
  }

  private static List<Section> sections(Path file, byte[] bytes) {
    List<Section> all = new ArrayList<>();
    String label = null;
    List<String> headers = List.of();
    StringBuilder base64 = new StringBuilder();
    for (String line : new String(bytes, ISO_8859_1).lines().map(String::strip).toList()) {
      if (label == null) {
        if (line.startsWith(BEGIN) && line.endsWith(DASHES) && line.length() > BEGIN.length() + 5) {
          label = line.substring(BEGIN.length(), line.length() - DASHES.length());
          headers = new ArrayList<>();
          base64.setLength(0);
        }
      } else if (line.equals("-----END " + label + DASHES)) {
        all.add(new Section(label, headers, decode(file, base64)));
        label = null;
      } else if (line.indexOf(':') >= 0) {
        headers.add(line);
      } else {
        base64.append(line);
      }
    }
    if (label != null) {
      throw new IllegalArgumentException(file + " has a " + BEGIN + label + " without its end");
    }
    return all;
  }

  private static byte[] decode(Path file, StringBuilder base64) {
    try {
      return Base64.getDecoder().decode(base64.toString());
    } catch (IllegalArgumentException notBase64) {
      // Without the cause, whose message may quote a secret.
      throw new IllegalArgumentException(file + " holds something that is not base64");
    }
  }

  private static byte[] read(Path file) {
    try {
      if (Files.size(file) > MAX_FILE) {
        throw new IllegalArgumentException(
            file + " is larger than " + MAX_FILE + " bytes: no certificates or keys are");
      }
      byte[] bytes = Files.readAllBytes(file);
      if (bytes.length == 0) {
        throw new IllegalArgumentException(file + " is empty");
      }
      return bytes;
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "the file " + file + " cannot be read: " + e.getClass().getSimpleName(), e);
    }
  }
}
