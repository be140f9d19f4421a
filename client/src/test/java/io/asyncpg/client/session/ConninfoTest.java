package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.asyncpg.client.session.ConnectionStringTest.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@link ConnectionString} beside the libpq of this machine, asked through {@code conninfo.c}.
 * Needs a C compiler and libpq's headers (Debian: gcc and libpq-dev); without them the recorded
 * answers in {@link ConnectionStringTest} have to do.
 */
class ConninfoTest {
  private static final int NEWEST = 180000;

  private static final List<String> PIECES =
      List.of(
          "@",
          ":",
          "/",
          "?",
          "&",
          "=",
          "%41",
          "%2",
          "%",
          "%25",
          "%20",
          "%00",
          ",",
          "[",
          "]",
          "::1",
          "user",
          "password",
          "host",
          "port",
          "dbname",
          "ssl",
          "true",
          "sslmode",
          " ",
          "+",
          "#",
          "\\t",
          "\\n",
          "\\\\",
          "'",
          "a",
          "b c",
          "5432",
          "é",
          "");

  private static final List<String> BEGINNINGS =
      List.of(
          "postgresql://", "postgres://", "postgresql://h?", "user=", "password='", "host = ", "");

  @TempDir static Path directory;
  private static Path conninfo;

  @BeforeAll
  static void buildTheProgram() throws Exception {
    Path source = Path.of("src/test/c/conninfo.c");
    conninfo = directory.resolve("conninfo");
    assumeTrue(
        Files.exists(source) && compiles(source),
        "not compared with this machine's libpq: install gcc and libpq-dev");
  }

  private static boolean compiles(Path source) throws InterruptedException {
    try {
      Process gcc =
          new ProcessBuilder(
                  "gcc",
                  "-o",
                  conninfo.toString(),
                  source.toString(),
                  "-I/usr/include/postgresql",
                  "-lpq")
              .redirectErrorStream(true)
              .redirectOutput(directory.resolve("gcc.out").toFile())
              .start();
      return gcc.waitFor(1, TimeUnit.MINUTES) && gcc.exitValue() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void thisMachinesLibpqAgreesWithTheRecordedStrings() throws Exception {
    List<Answer> answers = ask(Answer.recorded().stream().map(Answer::string).toList());
    assertThat(answers).hasSizeGreaterThan(300);
    answers.forEach(Answer::check);
  }

  @Test
  void thisMachinesLibpqAgreesWithStringsMadeAtRandom() throws Exception {
    Random random = new Random(18);
    List<Answer> answers =
        ask(IntStream.range(0, 20_000).mapToObj(i -> randomString(random)).toList());
    assertThat(answers).hasSizeGreaterThan(10_000);
    answers.forEach(Answer::check);
  }

  private static String randomString(Random random) {
    StringBuilder string = new StringBuilder(BEGINNINGS.get(random.nextInt(BEGINNINGS.size())));
    for (int i = random.nextInt(10); i >= 0; i--) {
      string.append(PIECES.get(random.nextInt(PIECES.size())));
    }
    return string.toString();
  }

  /** Libpq's answers, but for strings that an older libpq than 18 reads differently. */
  private static List<Answer> ask(List<String> strings) throws Exception {
    Path questions = directory.resolve("questions");
    Path replies = directory.resolve("replies");
    Files.write(questions, strings);
    Process program =
        new ProcessBuilder(conninfo.toString())
            .redirectInput(questions.toFile())
            .redirectOutput(replies.toFile())
            .start();
    assertThat(program.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(program.exitValue()).isZero();
    List<String> lines =
        Stream.of(new String(Files.readAllBytes(replies), StandardCharsets.UTF_8).split("\n", -1))
            .toList();
    assertThat(lines).hasSize(strings.size() + 2); // the version, and what follows the last \n
    boolean older = Integer.parseInt(lines.get(0)) < NEWEST;
    List<Answer> answers = new ArrayList<>();
    for (int i = 0; i < strings.size(); i++) {
      Answer answer = new Answer(strings.get(i), lines.get(i + 1));
      boolean inUtf8 =
          answer.libpq().indexOf('\ufffd') < 0; // we refuse what is not; libpq cares not
      if (inUtf8 && !(older && dependsOnVersion(answer))) {
        answers.add(answer);
      }
    }
    return answers;
  }

  private static boolean dependsOnVersion(Answer answer) {
    boolean spaces = answer.string().startsWith("postgres") && answer.string().contains(" ");
    String complaint = answer.libpq();
    int quote = complaint.indexOf('"');
    boolean newKeyword =
        complaint.startsWith("! invalid ")
            && quote > 0
            && Keyword.of(complaint.substring(quote + 1, complaint.lastIndexOf('"'))) != null;
    return spaces || newKeyword;
  }
}
