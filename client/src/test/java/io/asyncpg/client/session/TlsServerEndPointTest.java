package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.Certificates;
import java.security.MessageDigest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TlsServerEndPointTest {
  @ParameterizedTest
  @CsvSource({
    "RSA, SHA1withRSA, SHA-256",
    "RSA, SHA256withRSA, SHA-256",
    "RSA, SHA384withRSA, SHA-384",
    "RSA, SHA512withRSA, SHA-512",
    "RSA, SHA256withRSAandMGF1, SHA-256",
    "RSA, SHA512withRSAandMGF1, SHA-512",
    "EC, SHA1withECDSA, SHA-256",
    "EC, SHA256withECDSA, SHA-256",
    "EC, SHA384withECDSA, SHA-384"
  })
  void theHashIsThatOfTheSignature(String keys, String signature, String hash) throws Exception {
    Certificates.Issued issued =
        Certificates.selfSigned("server", Certificates.keys(keys), signature);
    assertThat(Tls.serverEndPoint(issued.certificate()))
        .isEqualTo(MessageDigest.getInstance(hash).digest(issued.certificate().getEncoded()));
  }

  @Test
  void ed25519HasNone() {
    Certificates.Issued issued =
        Certificates.selfSigned("server", Certificates.keys("Ed25519"), "Ed25519");
    assertThat(Tls.serverEndPoint(issued.certificate())).isNull();
  }
}
