package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link ConnectionString} makes of a string, beside what libpq makes of it. */
class ConnectionStringTest {
  /** A string and libpq's answer to it, both as {@code conninfo.c} writes them. */
  record Answer(String string, String libpq) {
    static List<Answer> recorded() {
      try (InputStream in = ConnectionStringTest.class.getResourceAsStream("conninfo.txt")) {
        List<String> lines =
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.startsWith("#"))
                .toList();
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < lines.size(); i += 2) {
          answers.add(new Answer(lines.get(i).substring(2), lines.get(i + 1).substring(2)));
        }
        return answers;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    Map<String, String> expected() {
      Map<String, String> values = new TreeMap<>();
      if (!libpq.isEmpty()) {
        for (String pair : libpq.split("\t", -1)) {
          int equals = pair.indexOf('=');
          values.put(pair.substring(0, equals), unescaped(pair.substring(equals + 1)));
        }
      }
      return values;
    }

    private static String unescaped(String text) {
      StringBuilder plain = new StringBuilder();
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        plain.append(
            c != '\\'
                ? c
                : switch (text.charAt(++i)) {
                  case 't' -> '\t';
                  case 'n' -> '\n';
                  case 'v' -> '\u000b';
                  case 'f' -> '\f';
                  case 'r' -> '\r';
                  default -> text.charAt(i);
                });
      }
      return plain.toString();
    }

    void check() {
      if (libpq.startsWith("!")) {
        assertThatThrownBy(() -> ConnectionString.parse(unescaped(string)))
            .as("%s, which libpq refuses: %s", string, libpq)
            .isInstanceOf(IllegalArgumentException.class);
      } else {
        assertThat(read(unescaped(string))).as("%s", string).isEqualTo(expected());
      }
    }

    @Override
    public String toString() {
      return string;
    }
  }

  private static Map<String, String> read(String string) {
    return ConnectionString.parse(string).entrySet().stream()
        .collect(
            Collectors.toMap(
                e -> e.getKey().word(), Map.Entry::getValue, (a, b) -> b, TreeMap::new));
  }

  @ParameterizedTest
  @MethodSource("io.asyncpg.client.session.ConnectionStringTest$Answer#recorded")
  void everyStringMeansWhatItMeansToLibpq(Answer answer) {
    answer.check();
  }

  @Test
  void theRecordedAnswersAreManyAndOfBothKinds() {
    List<Answer> answers = Answer.recorded();
    long refused = answers.stream().filter(answer -> answer.libpq().startsWith("!")).count();
    assertThat(answers).hasSizeGreaterThan(300);
    assertThat(refused).isBetween(100L, answers.size() - 200L);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "host=db password=hunter2 secret",
        "host=db password=hunter2 secret=1",
        "host=db password='hunter2 secret",
        "host=db password='hunter2' 'secret'",
        "host=db sslpassword=hunter2 secret",
        "host=db sslpassword=hunter2 secret=1",
        "host=db oauth_client_secret=hunter2 secret=1",
        "host=db scram_client_key=hunter2 secret=1",
        "postgresql://u:hunter2%secret@h/d",
        "postgresql://u:hunter2 secret@h/d",
        "postgresql://u:hunter2%00secret@h/d",
        "postgresql://u:hunter2%ffsecret@h/d",
        "postgresql://u@h/d?password=hunter2&secret",
        "postgresql://u@h/d?password=hunter2&secret=1",
        "postgresql://u@h/d?password=hunter2=secret",
        "postgresql://u@h/d?sslpassword=hunter2 secret",
        "postgresql://u@h/d?password=hunter2 secret",
        "postgresql://u:[hunter2]secret/x@h/d?zzz=1",
        "postgresql://u:hunter2@[secret",
        "postgresql://u:hunter2@[]secret",
        "postgresql://u:hunter2@[::1]secret",
        "postgresql://u:hunter2/x?secret@h:5432/d?sslmode=require",
        "postgresql://u:hunter2/x?secret=1@h/d",
        "postgresql://u:1/hunter2?secret&x=1@h/d",
        "host=db secret4u=1"
      })
  void aComplaintShowsNoPartOfAPassword(String string) {
    assertThatThrownBy(() -> ConnectionString.parse(string))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("dsn: ")
        .message()
        .doesNotContain("hunter2")
        .doesNotContain("secret");
  }

  @Test
  void anUnknownKeywordIsRefusedWithTheNearestKnownOne() {
    assertThatThrownBy(() -> ConnectionString.parse("host=a sslmodus=require"))
        .hasMessage(
            "dsn: \"sslmodus\" at character 8 is not a connection keyword; did you mean sslmode?");
    assertThatThrownBy(() -> ConnectionString.parse("postgresql:///?database=x"))
        .hasMessageEndingWith("did you mean dbname?");
    assertThatThrownBy(() -> ConnectionString.parse("postgresql:///?ApplicationName=x"))
        .hasMessageEndingWith("did you mean application_name?");
  }

  @Test
  void anUnknownKeywordLikeNoOtherIsRefusedWithTheWayToSetAServerSetting() {
    assertThatThrownBy(() -> ConnectionString.parse("host=a work_mem=1MB"))
        .hasMessage(
            "dsn: \"work_mem\" at character 8 is not a connection keyword; server settings go"
                + " through options=-c\\ name=value");
  }

  @Test
  void aNulIsRefused() {
    assertThatThrownBy(() -> ConnectionString.parse("host=a\0b"))
        .hasMessage("dsn: a connection string holds no NUL; there is one at character 7");
  }

  @Test
  void percentEncodedBytesThatAreNotUtf8AreRefused() {
    assertThatThrownBy(() -> ConnectionString.parse("postgresql://h/%ff"))
        .hasMessage("dsn: percent-encoded bytes are not UTF-8; encode the characters as UTF-8");
  }

  @Test
  void theServiceFileIsAKeywordAsInTheNewestLibpq() {
    assertThat(read("service=a servicefile=b"))
        .isEqualTo(Map.of("service", "a", "servicefile", "b"));
  }
}
