package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.Certificates;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
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

  @Test
  void keysAreEncryptedAsPkcs8Says() throws Exception {
    KeyPair keys = Certificates.keys("EC");
    Path pem =
        file(
            new JcaPKCS8Generator(
                keys.getPrivate(),
                new JceOpenSSLPKCS8EncryptorBuilder(PKCS8Generator.AES_256_CBC)
                    .setProvider(new BouncyCastleProvider())
                    .setPRF(PKCS8Generator.PRF_HMACSHA256)
                    .setIterationCount(10_000)
                    .setPassword("geheim".toCharArray())
                    .build()));
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
