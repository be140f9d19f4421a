package io.asyncpg.client.session;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.Certificates;
import io.asyncpg.client.PgConfig;
import io.asyncpg.error.PgConnectionException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Provider;
import java.security.Security;
import java.security.cert.CRL;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactorySpi;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is told of files that cannot be read: which, and who names it. */
class TlsFilesTest {
  @TempDir Path directory;
  private Certificates authority;
  private Path root;
  private Path broken;

  @BeforeEach
  void write() throws Exception {
    authority = new Certificates(directory, "authority");
    Certificates.Issued one = authority.issue("one", "EC", 1);
    root = authority.write("root.crt", one.certificate());
    broken = Files.createDirectory(directory.resolve("lists")).resolve("broken.pem");
    Files.writeString(broken, "-----BEGIN X509 CRL-----\nsecret\n-----END X509 CRL-----\n");
  }

  private static void load(String parameters) {
    Tls.load(
        PgConfig.builder()
            .environment(Map.of())
            .dsn("postgresql://me@db.example/?sslmode=require" + parameters)
            .build(),
        null);
  }

  private void isRefused(String option, String parameters, Path file) {
    assertThatThrownBy(() -> load(parameters))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageStartingWith("TLS cannot be set up: " + option + ": ")
        .hasMessageContaining(file.toString())
        .hasMessageNotContaining("secret");
  }

  @Test
  void theOptionAndTheFileAreNamed() {
    Certificates.Issued mine = authority.issue("me", "EC", 1);
    Path certificate = authority.write("mine.crt", mine.certificate());
    Path key = authority.write("mine.key", "EC PRIVATE KEY", "secret".getBytes(US_ASCII));
    Path lists = broken.getParent();
    isRefused("sslrootcert", "&sslrootcert=" + broken, broken);
    isRefused("sslcrl", "&sslrootcert=" + root + "&sslcrl=" + broken, broken);
    isRefused("sslcrldir", "&sslrootcert=" + root + "&sslcrldir=" + lists, broken);
    isRefused("sslcert", "&sslcert=" + broken, broken);
    isRefused("sslkey", "&sslcert=" + certificate + "&sslkey=" + key, key);
  }

  @Test
  void aParserThatStumblesIsNoExceptionOfItsOwn() {
    Provider stumbling = new Stumbling();
    Security.insertProviderAt(stumbling, 1);
    try {
      isRefused("sslrootcert", "&sslrootcert=" + root, root);
    } finally {
      Security.removeProvider(stumbling.getName());
    }
  }

  private static final class Stumbling extends Provider {
    private static final long serialVersionUID = 1;

    Stumbling() {
      super("Stumbling", "1", "reads no certificate");
      put("CertificateFactory.X.509", Factory.class.getName());
    }
  }

  /** Made by the JDK. */
  public static final class Factory extends CertificateFactorySpi {
    @Override
    public Certificate engineGenerateCertificate(InputStream in) {
      throw new IllegalStateException("secret");
    }

    @Override
    public Collection<Certificate> engineGenerateCertificates(InputStream in) {
      return List.of();
    }

    @Override
    public CRL engineGenerateCRL(InputStream in) {
      throw new IllegalStateException("secret");
    }

    @Override
    public Collection<CRL> engineGenerateCRLs(InputStream in) {
      return List.of();
    }
  }
}
