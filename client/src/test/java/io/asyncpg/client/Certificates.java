package io.asyncpg.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CRLConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** An authority of the tests' own, and what it signs, written to files as OpenSSL would. */
@SuppressWarnings("JavaUtilDate") // Bouncy Castle's
public final class Certificates {
  private static long serial = 1000;

  private final Path directory;
  private final KeyPair keys = keys("EC");
  private final X509Certificate root;

  /** A certificate and the key to it. */
  public record Issued(X509Certificate certificate, PrivateKey key) {}

  public Certificates(Path directory, String name) {
    this(directory, name, 1);
  }

  /** One whose own certificate is valid for so many days more. */
  public Certificates(Path directory, String name, int days) {
    this.directory = directory;
    this.root = sign(name, keys, name, keys.getPrivate(), "SHA256withECDSA", true, days, List.of());
  }

  public static KeyPair keys(String algorithm) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      if (algorithm.equals("RSA")) generator.initialize(2048);
      if (algorithm.equals("EC")) generator.initialize(256);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public X509Certificate root() {
    return root;
  }

  /**
   * A certificate that this authority has signed; names with digits and dots only are addresses.
   */
  public Issued issue(String commonName, String algorithm, int days, String... names) {
    KeyPair own = keys(algorithm);
    X509Certificate certificate =
        sign(
            commonName,
            own,
            root.getSubjectX500Principal().getName(),
            keys.getPrivate(),
            "SHA256withECDSA",
            false,
            days,
            List.of(names));
    return new Issued(certificate, own.getPrivate());
  }

  /** A certificate that has signed itself, in this way. */
  public static Issued selfSigned(String commonName, KeyPair own, String signature) {
    X509Certificate certificate =
        sign(commonName, own, "CN=" + commonName, own.getPrivate(), signature, true, 1, List.of());
    return new Issued(certificate, own.getPrivate());
  }

  private static synchronized X509Certificate sign(
      String commonName,
      KeyPair own,
      String issuer,
      PrivateKey signer,
      String signature,
      boolean authority,
      int days,
      List<String> names) {
    try {
      Instant now = Instant.now();
      X509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              new X500Name(issuer.startsWith("CN=") ? issuer : "CN=" + issuer),
              BigInteger.valueOf(++serial),
              Date.from(now.minus(10, ChronoUnit.DAYS)),
              Date.from(now.plus(days, ChronoUnit.DAYS)),
              new X500Name("CN=" + commonName),
              own.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
      if (!names.isEmpty()) {
        GeneralName[] all =
            names.stream()
                .map(
                    name ->
                        new GeneralName(
                            name.matches("[0-9.]+") ? GeneralName.iPAddress : GeneralName.dNSName,
                            name))
                .toArray(GeneralName[]::new);
        builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(all));
      }
      JcaContentSignerBuilder signing = new JcaContentSignerBuilder(signature);
      if (signature.endsWith("MGF1")) signing.setProvider(new BouncyCastleProvider());
      return new JcaX509CertificateConverter().getCertificate(builder.build(signing.build(signer)));
    } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A list on which these are revoked. */
  public X509CRL revoke(X509Certificate... revoked) {
    try {
      X509v2CRLBuilder builder =
          new X509v2CRLBuilder(new X500Name(root.getSubjectX500Principal().getName()), new Date());
      builder.setNextUpdate(Date.from(Instant.now().plus(1, ChronoUnit.DAYS)));
      for (X509Certificate one : revoked) {
        builder.addCRLEntry(one.getSerialNumber(), new Date(), CRLReason.keyCompromise);
      }
      return new JcaX509CRLConverter()
          .getCRL(
              builder.build(
                  new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate())));
    } catch (GeneralSecurityException | OperatorCreationException e) {
      throw new IllegalStateException(e);
    }
  }

  public Path write(String name, X509Certificate certificate) {
    try {
      return write(name, "CERTIFICATE", certificate.getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What a server is started with that shows this certificate. */
  public Map<String, String> settings(Issued server) {
    return Map.of(
        "ssl", "on",
        "ssl_cert_file", write("server.crt", server.certificate()).toString(),
        "ssl_key_file", write("server.key", server.key()).toString());
  }

  public Path write(String name, X509CRL list) {
    try {
      return write(name, "X509 CRL", list.getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public Path write(String name, PrivateKey key) {
    return write(name, "PRIVATE KEY", key.getEncoded());
  }

  /** A PEM file that only its owner can use. */
  public Path write(String name, String label, byte[] bytes) {
    String base64 =
        Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(bytes);
    Path file = directory.resolve(name);
    try {
      Files.writeString(
          file, "-----BEGIN " + label + "-----\n" + base64 + "\n-----END " + label + "-----\n");
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
