package io.asyncpg.client.session;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.Certificates;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.util.HexFormat;
import java.util.List;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PKCS8Generator;
import org.bouncycastle.openssl.jcajce.JcaMiscPEMGenerator;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.openssl.jcajce.JceOpenSSLPKCS8EncryptorBuilder;
import org.bouncycastle.openssl.jcajce.JcePEMEncryptorBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PemTest {
  @TempDir Path directory;

  private Path file(Object... contents) throws IOException {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      for (Object one : contents) writer.writeObject(one);
    }
    return Files.writeString(directory.resolve("key.pem"), text.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"RSA", "EC", "Ed25519"})
  void keysArePkcs8InPemOrDer(String algorithm) throws Exception {
    KeyPair keys = Certificates.keys(algorithm);
    Path pem = file(new JcaPKCS8Generator(keys.getPrivate(), null));
    assertThat(Files.readString(pem)).startsWith("-----BEGIN PRIVATE KEY-----");
    assertThat(Pem.privateKey(pem, null)).isEqualTo(keys.getPrivate());
    Path der = Files.write(directory.resolve("key.der"), keys.getPrivate().getEncoded());
    assertThat(Pem.privateKey(der, null)).isEqualTo(keys.getPrivate());
  }

  @Test
  void rsaKeysAreAsOpenSslWroteThemBeforePkcs8() throws Exception {
    KeyPair keys = Certificates.keys("RSA");
    Path pem = file(keys.getPrivate());
    assertThat(Files.readString(pem)).startsWith("-----BEGIN RSA PRIVATE KEY-----");
    assertThat(Pem.privateKey(pem, null)).isEqualTo(keys.getPrivate());
    byte[] pkcs1 =
        PrivateKeyInfo.getInstance(keys.getPrivate().getEncoded())
            .parsePrivateKey()
            .toASN1Primitive()
            .getEncoded();
    Path der = Files.write(directory.resolve("key.der"), pkcs1);
    assertThat(Pem.privateKey(der, null)).isEqualTo(keys.getPrivate());
  }

  @Test
  void ellipticKeysAreAsOpenSslWroteThemBeforePkcs8() throws Exception {
    // As OpenSSL does, and the JDK does not, Bouncy Castle names the curve inside the key.
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", new BouncyCastleProvider());
    generator.initialize(new ECGenParameterSpec("secp384r1"));
    ECPrivateKey key = (ECPrivateKey) generator.generateKeyPair().getPrivate();
    Path pem = file(key);
    assertThat(Files.readString(pem)).startsWith("-----BEGIN EC PRIVATE KEY-----");
    ECPrivateKey read = (ECPrivateKey) Pem.privateKey(pem, null);
    assertThat(read.getS()).isEqualTo(key.getS());
    assertThat(read.getParams().getOrder()).isEqualTo(key.getParams().getOrder());
    byte[] sec1 =
        PrivateKeyInfo.getInstance(key.getEncoded())
            .parsePrivateKey()
            .toASN1Primitive()
            .getEncoded();
    Path der = Files.write(directory.resolve("key.der"), sec1);
    assertThat(((ECPrivateKey) Pem.privateKey(der, null)).getS()).isEqualTo(key.getS());
  }

  @ParameterizedTest
  @ValueSource(strings = {"RSA", "RSASSA-PSS", "EC", "Ed25519", "Ed448"})
  void aKeyBelongsToItsOwnCertificateOnly(String algorithm) {
    Certificates authority = new Certificates(directory, "authority");
    Certificates.Issued one = authority.issue("one", algorithm, 1);
    Certificates.Issued another = authority.issue("another", algorithm, 1);
    Certificates.Issued stranger = authority.issue("x", algorithm.equals("EC") ? "RSA" : "EC", 1);
    assertThat(new Pem.Identity(one.key(), List.of(one.certificate())).belongsTogether()).isTrue();
    for (Certificates.Issued wrong : List.of(another, stranger)) {
      assertThat(new Pem.Identity(one.key(), List.of(wrong.certificate())).belongsTogether())
          .isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"AES-128-CBC", "AES-256-CBC", "DES-EDE3-CBC"})
  void keysAreEncryptedAsOpenSslDidBeforePkcs8(String cipher) throws Exception {
    KeyPair keys = Certificates.keys("RSA");
    Path pem =
        file(
            new JcaMiscPEMGenerator(
                keys.getPrivate(),
                new JcePEMEncryptorBuilder(cipher)
                    .setProvider(new BouncyCastleProvider())
                    .setSecureRandom(new SecureRandom())
                    .build("geheim".toCharArray())));
    assertThat(Files.readString(pem)).contains("DEK-Info: " + cipher);
    assertThat(Pem.privateKey(pem, "geheim")).isEqualTo(keys.getPrivate());
    assertThatThrownBy(() -> Pem.privateKey(pem, null)).hasMessageContaining("sslpassword");
  }

  private static PKCS8Generator encrypted(
      PrivateKey key, ASN1ObjectIdentifier cipher, AlgorithmIdentifier hash, String password)
      throws Exception {
    // OpenSSL takes the bytes that are typed. Bouncy Castle does so too, but takes what goes with
    // SHA-1 for Latin 1.
    String asTyped =
        hash.equals(PKCS8Generator.PRF_HMACSHA1)
            ? new String(password.getBytes(UTF_8), ISO_8859_1)
            : password;
    return new JcaPKCS8Generator(
        key,
        new JceOpenSSLPKCS8EncryptorBuilder(cipher)
            .setProvider(new BouncyCastleProvider())
            .setPRF(hash)
            .setIterationCount(1_000)
            .setPassword(asTyped.toCharArray())
            .build());
  }

  @ParameterizedTest
  @ValueSource(strings = {"geheim", "p\u00e4ssw\u00f6rd"})
  void keysAreEncryptedInEveryWayThatOpenSslDoes(String password) throws Exception {
    PrivateKey key = Certificates.keys("EC").getPrivate();
    for (ASN1ObjectIdentifier cipher :
        List.of(
            PKCS8Generator.AES_128_CBC,
            PKCS8Generator.AES_192_CBC,
            PKCS8Generator.AES_256_CBC,
            PKCS8Generator.DES3_CBC)) {
      for (AlgorithmIdentifier hash :
          List.of(
              PKCS8Generator.PRF_HMACSHA1,
              PKCS8Generator.PRF_HMACSHA256,
              PKCS8Generator.PRF_HMACSHA512)) {
        Path pem = file(encrypted(key, cipher, hash, password));
        assertThat(Pem.privateKey(pem, password)).isEqualTo(key);
      }
    }
  }

  @Test
  void aWayToEncryptThatIsNotKnownIsNotThePasswordsFault() throws Exception {
    PrivateKey key = Certificates.keys("EC").getPrivate();
    String known = "608648016503" + "04012a"; // aes256-CBC; 04012e is aes256-GCM
    byte[] der =
        encrypted(key, PKCS8Generator.AES_256_CBC, PKCS8Generator.PRF_HMACSHA256, "geheim")
            .generate()
            .getContent();
    String odd = HexFormat.of().formatHex(der).replace(known, "60864801650304012e");
    Path file = Files.write(directory.resolve("key.der"), HexFormat.of().parseHex(odd));
    assertThatThrownBy(() -> Pem.privateKey(file, "geheim"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("in a way that is not supported")
        .hasMessageNotContaining("sslpassword");
    Path broken = Files.writeString(directory.resolve("broken.key"), "0\u0003\u0002\u0001\0");
    assertThatThrownBy(() -> Pem.privateKey(broken, "geheim"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("sslpassword");
  }

  @Test
  void aNumberOfRoundsBeyondAllNumbersIsNotSupported() throws Exception {
    byte[] der =
        sequence(
                sequence(
                    PKCSObjectIdentifiers.id_PBES2,
                    sequence(
                        sequence(
                            PKCSObjectIdentifiers.id_PBKDF2,
                            sequence(
                                new DEROctetString(new byte[8]),
                                new ASN1Integer(BigInteger.ONE.shiftLeft(40)))),
                        sequence(PKCS8Generator.AES_256_CBC, new DEROctetString(new byte[16])))),
                new DEROctetString(new byte[16]))
            .getEncoded();
    Path file = Files.write(directory.resolve("key.der"), der);
    assertThatThrownBy(() -> Pem.privateKey(file, "geheim"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("key.der", "in a way that is not supported");
  }

  private static DERSequence sequence(ASN1Encodable... elements) {
    return new DERSequence(elements);
  }

  @Test
  void aKeyWithoutACertificateInAKeyStoreIsPassedOver() throws Exception {
    Certificates.Issued mine = new Certificates(directory, "authority").issue("mine", "EC", 1);
    byte[] alone =
        encrypted(mine.key(), PKCS8Generator.AES_256_CBC, PKCS8Generator.PRF_HMACSHA256, "geheim")
            .generate()
            .getContent();
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("alone", alone, null);
    Path file = stored(store);
    assertThatThrownBy(() -> Pem.keyStore(file, "geheim"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("client.p12", "no private key with its certificate");
    store.setKeyEntry(
        "mine", mine.key(), "geheim".toCharArray(), new Certificate[] {mine.certificate()});
    assertThat(Pem.keyStore(stored(store), "geheim"))
        .isEqualTo(new Pem.Identity(mine.key(), List.of(mine.certificate())));
  }

  private Path stored(KeyStore store) throws Exception {
    Path file = directory.resolve("client.p12");
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, "geheim".toCharArray());
    }
    return file;
  }

  @Test
  void keysAreEncryptedAsPkcs8Says() throws Exception {
    KeyPair keys = Certificates.keys("EC");
    Path pem =
        file(
            encrypted(
                keys.getPrivate(),
                PKCS8Generator.AES_256_CBC,
                PKCS8Generator.PRF_HMACSHA256,
                "geheim"));
    assertThat(Files.readString(pem)).startsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----");
    assertThat(Pem.privateKey(pem, "geheim")).isEqualTo(keys.getPrivate());
    assertThatThrownBy(() -> Pem.privateKey(pem, "falsch"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("key.pem")
        .hasMessageContaining("sslpassword")
        .hasMessageNotContaining("falsch");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "0",
        "0\u0082",
        "nothing at all",
        "-----BEGIN PRIVATE KEY-----\nMIIB",
        "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----\nMAMCAQE=\n-----END EC PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-256-CBC,00\n\nAA==\n-----END RSA PRIVATE KEY-----"
      })
  void whatIsNoKeyIsSaidToBeNone(String text) throws IOException {
    Path broken = Files.writeString(directory.resolve("broken.pem"), text);
    assertThatThrownBy(() -> Pem.privateKey(broken, "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("broken.pem");
    assertThatThrownBy(() -> Pem.certificates(broken))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("broken.pem");
  }
}
