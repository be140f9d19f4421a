package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.asyncpg.client.PgConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;

/** Whatever stands in a DSN, a password file or a service file, it is read or refused. */
@Tag("fuzz")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ParametersFuzzTest {
  private static final String PASSWORD = "pencil-4b1d";

  private Path file;

  @BeforeAll
  void makeFile() throws IOException {
    file =
        Files.createTempFile(
            "asyncpg",
            "fuzz",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  @AfterAll
  void dropFile() throws IOException {
    Files.delete(file);
  }

  @FuzzTest(maxDuration = "10m")
  void anyStringIsADsnOrRefused(byte[] input) {
    String dsn = new String(input, StandardCharsets.UTF_8);
    try {
      Map<Keyword, String> words = ConnectionString.parse(dsn);
      assertThat(words).doesNotContainValue(null);
      if (!words.containsKey(Keyword.SERVICE)) {
        PgConfig config = PgConfig.builder().environment(Map.of()).dsn(dsn).build();
        boolean onlyThere =
            words.entrySet().stream()
                .allMatch(
                    word ->
                        word.getValue().contains(PASSWORD) == (word.getKey() == Keyword.PASSWORD));
        if (onlyThere) {
          assertThat(config.toString()).doesNotContain(PASSWORD);
        }
      }
    } catch (IllegalArgumentException refused) {
      assertThat(refused.getMessage()).isNotBlank();
    }
  }

  @FuzzTest(maxDuration = "10m")
  void anyPasswordFileIsSearched(byte[] input) throws IOException {
    Files.write(file, input);
    new Passfile(file).password("db", 5432, "app", "me");
    new Passfile(file).password("/run", 5432, "app", "me");
  }

  @FuzzTest(maxDuration = "10m")
  void anyServiceFileIsReadOrRefused(byte[] input) throws IOException {
    Files.write(file, input);
    try {
      ServiceFile.find(file, "mine");
    } catch (IllegalArgumentException refused) {
      assertThat(refused).hasMessageContaining("service \"mine\"");
      assertThat(refused).hasMessageNotContaining(PASSWORD);
    }
  }
}
