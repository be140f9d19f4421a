package io.asyncpg.client.session;

import static io.asyncpg.testkit.Backend.bindComplete;
import static io.asyncpg.testkit.Backend.column;
import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.concat;
import static io.asyncpg.testkit.Backend.dataRow;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.notice;
import static io.asyncpg.testkit.Backend.parameterDescription;
import static io.asyncpg.testkit.Backend.parseComplete;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static io.asyncpg.testkit.Backend.rowDescription;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.Certificates;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Rows;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import io.asyncpg.testkit.TestServer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is sent together is read together, and no end waits for what does not come. */
@Timeout(60)
class LowWaterMarkTest {
  private static final int BYTEA = 17;
  private static final byte[] ROW = dataRow(new byte[1_000]);
  private static final int ROWS = 200;

  @TempDir Path directory;

  private static byte[] rows(int count) {
    byte[][] rows = new byte[count][];
    Arrays.fill(rows, ROW);
    return concat(rows);
  }

  private static byte[] end(int count) {
    return concat(commandComplete("SELECT " + count), readyForQuery('I'));
  }

  private static byte[] answer(int count) {
    return concat(bindComplete(), rows(count), end(count));
  }

  /** A conversation in which the answer to one statement has been as long several times. */
  private static final class Talk implements AutoCloseable {
    final ScriptedServer server = ScriptedServer.start();
    final Script script = server.connection().acceptStartup();
    final PgConnection connection = PgConnection.connect(server.dsn()).await();
    private final Session session = ((Connection) connection).session;
    PgFuture<Rows> asked = PgFuture.failed(new AssertionError("nothing was asked"));

    Talk(int answers) {
      script
          .expect("P", "D", "S")
          .send(
              parseComplete(),
              parameterDescription(),
              rowDescription(column("data", BYTEA)),
              readyForQuery('I'));
      for (int i = 0; i < answers; i++) {
        whole(ROWS);
      }
    }

    /** An answer that is sent in one piece. */
    void whole(int count) {
      script.expect("B", "E", "S").send(answer(count));
      assertThat(connection.fetch("SELECT data").await()).hasSize(count);
    }

    /** Asks several times in one turn of the loop. */
    List<PgFuture<Rows>> askTogether(int times) {
      CompletableFuture<List<PgFuture<Rows>>> asked = new CompletableFuture<>();
      session.runOnLoop(
          () ->
              asked.complete(
                  Stream.generate(() -> connection.fetch("SELECT data")).limit(times).toList()));
      return asked.join();
    }

    void expect(int requests) {
      for (int i = 0; i < requests; i++) {
        script.expect("B", "E", "S");
      }
    }

    /** The mark at the end of the read that brings the next notice. */
    CompletableFuture<Integer> markAtNotice() {
      CompletableFuture<Integer> mark = new CompletableFuture<>();
      connection.addNoticeListener(notice -> session.runOnLoop(() -> mark.complete(markNow())));
      return mark;
    }

    /** Asks, and reads the first rows of the answer; gives the mark at the end of that read. */
    int markAfter(int count) {
      CompletableFuture<Integer> mark = markAtNotice();
      script.expect("B", "E", "S");
      asked = connection.fetch("SELECT data");
      script.send(bindComplete(), rows(count), notice("00000", "so far"));
      return mark.join();
    }

    private int markNow() {
      return session.channel().config().getOption(LowWaterMark.SO_RCVLOWAT);
    }

    int mark() {
      CompletableFuture<Integer> mark = new CompletableFuture<>();
      session.runOnLoop(() -> mark.complete(markNow()));
      return mark.join();
    }

    void awaitMark(IntPredicate wanted) {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (!wanted.test(mark())) {
        assertThat(System.nanoTime()).as("the mark is " + mark()).isLessThan(deadline);
        Thread.onSpinWait();
      }
    }

    @Override
    public void close() {
      connection.close();
      server.close();
    }
  }

  @Test
  void severalPortionsOfAnAnswerAsLongAsThoseBeforeAreReadTogether() {
    try (Talk talk = new Talk(ResponseSize.ANSWERS_NEEDED)) {
      assertThat(talk.markAfter(8)).isEqualTo(LowWaterMark.HIGHEST);
      talk.script.send(rows(ROWS - 8), end(ROWS));
      assertThat(talk.asked.await()).hasSize(ROWS);
      assertThat(talk.mark()).isEqualTo(1);
    }
  }

  @Test
  void anAnswerOfUnknownLengthIsReadAsItComes() {
    try (Talk talk = new Talk(ResponseSize.ANSWERS_NEEDED - 1)) {
      assertThat(talk.markAfter(8)).isEqualTo(1);
      talk.script.send(rows(ROWS - 8), end(ROWS));
      assertThat(talk.asked.await()).hasSize(ROWS);
    }
  }

  @Test
  void theLastBytesAreReadAsTheyCome() {
    try (Talk talk = new Talk(ResponseSize.ANSWERS_NEEDED)) {
      int left = LowWaterMark.LAST / ROW.length;
      assertThat(talk.markAfter(ROWS - left)).isEqualTo(1);
      talk.script.send(rows(left), end(ROWS));
      assertThat(talk.asked.await()).hasSize(ROWS);
    }
  }

  @Test
  void aShorterAnswerIsTakenAndItsStatementNotReliedOnForLong() {
    try (Talk talk = new Talk(ResponseSize.ANSWERS_NEEDED)) {
      assertThat(talk.markAfter(8)).isEqualTo(LowWaterMark.HIGHEST);
      talk.script.send(rows(2), end(10));
      assertThat(talk.asked.await()).hasSize(10);
      for (int i = 0; i < 2 * ResponseSize.ANSWERS_NEEDED - 2; i++) {
        talk.whole(ROWS);
      }
      assertThat(talk.markAfter(8)).isEqualTo(1);
      talk.script.send(rows(ROWS - 8), end(ROWS));
      assertThat(talk.asked.await()).hasSize(ROWS);
    }
  }

  @Test
  void anAnswerThatStopsComingIsReadAsItComes() {
    try (Talk talk = new Talk(ResponseSize.ANSWERS_NEEDED)) {
      assertThat(talk.markAfter(8)).isEqualTo(LowWaterMark.HIGHEST);
      talk.awaitMark(mark -> mark == 1);
      CompletableFuture<Void> heard = new CompletableFuture<>();
      talk.connection.addNoticeListener(notice -> heard.complete(null));
      talk.script.send(rows(8), notice("00000", "at last"));
      heard.join();
      assertThat(talk.mark()).as("it is slow").isEqualTo(1);
      talk.script.send(rows(ROWS - 16), end(ROWS));
      assertThat(talk.asked.await()).hasSize(ROWS);
    }
  }

  @Test
  void anErrorInTheMiddleIsHeard() {
    try (Talk talk = new Talk(ResponseSize.ANSWERS_NEEDED)) {
      assertThat(talk.markAfter(8)).isEqualTo(LowWaterMark.HIGHEST);
      talk.script.send(error("22012", "division by zero"), readyForQuery('I'));
      assertThatThrownBy(talk.asked::await)
          .isInstanceOf(PgServerException.class)
          .hasMessageContaining("division by zero");
    }
  }

  @Test
  void aConnectionThatIsCutInTheMiddleIsNoticed() {
    try (Talk talk = new Talk(ResponseSize.ANSWERS_NEEDED)) {
      assertThat(talk.markAfter(8)).isEqualTo(LowWaterMark.HIGHEST);
      talk.script.send(rows(2)).cutWithFin();
      assertThatThrownBy(talk.asked::await).isInstanceOf(PgConnectionException.class);
    }
  }

  @Test
  void theRestOfALongMessageIsReadTogether() {
    try (Talk talk = new Talk(0)) {
      byte[] row = dataRow(new byte[200_000]);
      byte[] first = Arrays.copyOf(row, 8_000);
      byte[] rest = Arrays.copyOfRange(row, 8_000, row.length);
      talk.script.expect("B", "E", "S").send(bindComplete(), first);
      PgFuture<Rows> asked = talk.connection.fetch("SELECT data");
      talk.awaitMark(mark -> mark == LowWaterMark.HIGHEST);
      talk.script.send(rest);
      talk.awaitMark(mark -> mark == 1);
      talk.script.send(end(1));
      assertThat(asked.await().get(0).get(0, byte[].class)).hasSize(200_000);
    }
  }

  /** As many answers of one row. */
  private static void assertIsOf(int answers, int mark) {
    assertThat(mark).isBetween(answers * ROW.length, answers * (ROW.length + 25));
  }

  @ParameterizedTest
  @CsvSource({"20, 8", "60, 14", "100, 16"})
  void whereManyAnswersAreToComeSomeAreReadTogether(int inFlight, int together) {
    try (Talk talk = new Talk(0)) {
      for (int i = 0; i < ResponseSize.ANSWERS_NEEDED; i++) {
        talk.whole(1);
      }
      List<PgFuture<Rows>> asked = talk.askTogether(inFlight);
      talk.expect(inFlight);
      CompletableFuture<Integer> mark = talk.markAtNotice();
      talk.script.send(answer(1), notice("00000", "so far"));
      assertIsOf(together, mark.join());
      assertThat(asked.get(0).await()).hasSize(1);
      talk.script.send(answer(1), answer(1));
      assertThat(asked.get(2).await()).as("though they are not as many").hasSize(1);
      for (int i = 3; i < asked.size(); i++) {
        talk.script.send(answer(1));
      }
      for (PgFuture<Rows> one : asked) {
        assertThat(one.await()).hasSize(1);
      }
      assertThat(talk.mark()).isEqualTo(1);
    }
  }

  @Test
  void whatAnAnswerLetsBeWrittenIsToComeToo() {
    try (Talk talk = new Talk(0)) {
      for (int i = 0; i < ResponseSize.ANSWERS_NEEDED; i++) {
        talk.whole(1);
      }
      List<PgFuture<Rows>> asked = talk.askTogether(16);
      talk.expect(16);
      List<PgFuture<Rows>> behind = talk.askTogether(7);
      CompletableFuture<Integer> mark = talk.markAtNotice();
      talk.script.send(answer(1), notice("00000", "so far"));
      assertIsOf(8, mark.join());
      talk.expect(7);
      for (int i = 1; i < 16 + 7; i++) {
        talk.script.send(answer(1));
      }
      for (PgFuture<Rows> one : Stream.concat(asked.stream(), behind.stream()).toList()) {
        assertThat(one.await()).hasSize(1);
      }
    }
  }

  @Test
  void answersOfAnyLengthAreReadToTheirEndWithTlsToo() {
    Certificates authority = new Certificates(directory, "authority");
    Map<String, String> settings =
        authority.settings(authority.issue("localhost", "EC", 1, "localhost"));
    try (TestServer server = TestServer.start(settings)) {
      for (String mode : new String[] {"disable", "require"}) {
        try (PgConnection connection =
            PgConnection.connect(server.dsn() + "?sslmode=" + mode).await()) {
          String rows = "SELECT repeat('x', 1000) FROM generate_series(1, $1)";
          for (int i = 0; i < 30; i++) {
            int count = i % 10 == 9 ? 40 + 7 * i : 300;
            assertThat(connection.fetch(String.class, rows, count).await()).hasSize(count);
          }
          for (int length = 30_000; length < 300_000; length += 10_007) {
            assertThat(
                    connection.fetchValue(String.class, "SELECT repeat('x', $1)", length).await())
                .hasSize(length);
          }
        }
      }
    }
  }
}
