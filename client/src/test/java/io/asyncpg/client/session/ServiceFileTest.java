package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServiceFileTest {
  @TempDir Path directory;

  private @Nullable Map<Keyword, String> entry(String... lines) throws IOException {
    Path file = directory.resolve("pg_service.conf");
    Files.writeString(file, String.join("\n", lines));
    return ServiceFile.find(file, "mine");
  }

  @Test
  void anEntryGoesFromItsNameToTheNext() throws IOException {
    assertThat(entry("[other]", "host=x", "[mine]", "host=db", "port=6432", "[third]", "user=x"))
        .isEqualTo(Map.of(Keyword.HOST, "db", Keyword.PORT, "6432"));
  }

  @Test
  void commentsEmptyLinesAndBlanksAroundALineDoNotCount() throws IOException {
    assertThat(entry("# mine", "", "  [mine]", "\t host=db \t", " # user=x", "user=", "dbname=a b"))
        .isEqualTo(Map.of(Keyword.HOST, "db", Keyword.USER, "", Keyword.DBNAME, "a b"));
  }

  @Test
  void theFirstOfARepeatedKeywordCountsAsInLibpq() throws IOException {
    assertThat(entry("[mine]", "host=first", "host=second", "[mine]", "port=1"))
        .isEqualTo(Map.of(Keyword.HOST, "first"));
  }

  @Test
  void aValueMayHoldAnEqualsSign() throws IOException {
    assertThat(entry("[mine]", "options=-c work_mem=1MB"))
        .isEqualTo(Map.of(Keyword.OPTIONS, "-c work_mem=1MB"));
  }

  @Test
  void aNameThatOnlyBeginsTheSameIsAnotherService() throws IOException {
    assertThat(entry("[mine2]", "host=x", "[min]", "host=y")).isNull();
  }

  @Test
  void mistakesInOtherEntriesDoNotMatter() throws IOException {
    assertThat(entry("nonsense", "[other]", "nonsense", "[mine]", "host=db"))
        .isEqualTo(Map.of(Keyword.HOST, "db"));
  }

  @Test
  void aMistakeIsNamedByItsLineAndShowsNoValue() throws IOException {
    assertThatThrownBy(() -> entry("[mine]", "password=hunter2", "hunter2"))
        .hasMessageEndingWith("line 3: keyword=value is wanted")
        .hasMessageStartingWith("service \"mine\": service file")
        .hasMessageNotContaining("hunter2");
    assertThatThrownBy(() -> entry("[mine]", "pasword=hunter2"))
        .hasMessageEndingWith("\"pasword\" is not a connection keyword; did you mean password?")
        .hasMessageNotContaining("hunter2");
    assertThatThrownBy(() -> entry("[mine]", "port = 1"))
        .hasMessageEndingWith("line 2: no blanks are allowed around the =");
  }

  @Test
  void aServiceDoesNotReferToAnother() {
    assertThatThrownBy(() -> entry("[mine]", "service=other"))
        .hasMessageContaining("a service cannot refer to another");
  }

  @Test
  void aFileThatCannotBeReadIsNamed() {
    assertThatThrownBy(() -> ServiceFile.find(directory, "mine"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(directory.toString());
  }
}
