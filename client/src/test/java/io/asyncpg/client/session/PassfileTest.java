package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PassfileTest {
  @TempDir Path directory;

  private Path file(String permissions, String... lines) throws IOException {
    Path file = directory.resolve("pgpass");
    Files.writeString(file, String.join("\n", lines));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    return file;
  }

  private @Nullable String found(String... lines) throws IOException {
    return new Passfile(file("rw-------", lines)).password("db", 5432, "app", "me");
  }

  @Test
  void theLineOfTheSameHostPortDatabaseAndUserHasThePassword() throws IOException {
    assertThat(found("db:5432:app:me:right")).isEqualTo("right");
    assertThat(found("other:5432:app:me:wrong")).isNull();
    assertThat(found("db:5433:app:me:wrong")).isNull();
    assertThat(found("db:5432:other:me:wrong")).isNull();
    assertThat(found("db:5432:app:other:wrong")).isNull();
  }

  @Test
  void aFieldHasToMatchWhole() throws IOException {
    assertThat(found("d:5432:app:me:wrong", "dbb:5432:app:me:wrong", "db:543:app:me:wrong"))
        .isNull();
    assertThat(found("", "db", "db:", "db:5432:app:me", ":::::", "::::wrong")).isNull();
  }

  @Test
  void aStarMatchesAnything() throws IOException {
    assertThat(found("*:*:*:*:right")).isEqualTo("right");
    assertThat(found("db:*:app:*:right")).isEqualTo("right");
    assertThat(found("d*:*:*:*:wrong", "**:*:*:*:wrong")).isNull();
  }

  @Test
  void theFirstLineThatMatchesWins() throws IOException {
    assertThat(found("db:1:app:me:wrong", "db:5432:app:me:right", "*:*:*:*:late"))
        .isEqualTo("right");
  }

  @Test
  void aLineWithNumberSignIsAComment() throws IOException {
    assertThat(found("# *:*:*:*:wrong", "#*:*:*:*:wrong", "*:*:*:*:right")).isEqualTo("right");
    Passfile passfile = new Passfile(file("rw-------", "#db:1:app:me:wrong"));
    assertThat(passfile.password("#db", 1, "app", "me")).isNull();
  }

  @Test
  void aBackslashTakesTheNextCharacterAsItIs() throws IOException {
    Passfile passfile =
        new Passfile(
            file("rw-------", "fe80\\:\\:1:5432:a\\\\b:\\m\\e:p\\:w\\\\d", "*:*:*:*:wrong"));
    assertThat(passfile.password("fe80::1", 5432, "a\\b", "me")).isEqualTo("p:w\\d");
    assertThat(found("*:*:*:*:ends\\")).isEqualTo("ends\\");
    assertThat(found("db\\")).isNull();
  }

  @Test
  void aBareColonEndsThePasswordAsInLibpq() throws IOException {
    assertThat(found("*:*:*:*:right:and:more")).isEqualTo("right");
  }

  @Test
  void blanksArePartOfAPassword() throws IOException {
    assertThat(found("*:*:*:*: a b ")).isEqualTo(" a b ");
  }

  @Test
  void windowsLineEndsAreNoPartOfAPassword() throws IOException {
    assertThat(found("x:*:*:*:wrong\r", "*:*:*:*:right\r")).isEqualTo("right");
  }

  @Test
  void aUnixSocketIsFoundByItsDirectoryAndAsLocalhost() throws IOException {
    Passfile byDirectory = new Passfile(file("rw-------", "/run/pg:*:*:*:right"));
    assertThat(byDirectory.password("/run/pg", 5432, "app", "me")).isEqualTo("right");
    assertThat(byDirectory.password("/run/other", 5432, "app", "me")).isNull();
    Passfile asLocalhost =
        new Passfile(file("rw-------", "db:*:*:*:wrong", "localhost:*:*:*:right"));
    assertThat(asLocalhost.password("/run/pg", 5432, "app", "me")).isEqualTo("right");
    assertThat(asLocalhost.password("@pg", 5432, "app", "me")).isEqualTo("right");
  }

  @Test
  void aFileThatOthersMayReadIsNotUsed() throws IOException {
    assertThat(new Passfile(file("rw-r-----", "*:*:*:*:wrong")).password("h", 1, "d", "u"))
        .isNull();
    assertThat(new Passfile(file("rw----r--", "*:*:*:*:wrong")).password("h", 1, "d", "u"))
        .isNull();
    assertThat(new Passfile(file("rwx------", "*:*:*:*:right")).password("h", 1, "d", "u"))
        .isEqualTo("right");
  }

  @Test
  void aFileThatIsNotThereOrNotAFileHasNoPassword() {
    assertThat(new Passfile(directory.resolve("none")).password("h", 1, "d", "u")).isNull();
    assertThat(new Passfile(directory).password("h", 1, "d", "u")).isNull();
  }
}
