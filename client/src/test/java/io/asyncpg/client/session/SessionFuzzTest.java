package io.asyncpg.client.session;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Row;
import io.asyncpg.error.PgException;
import io.asyncpg.protocol.ScramKeyCache;
import io.asyncpg.testkit.Backend;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Tag;

/**
 * Whatever a server says, and whenever: every caller is told one thing, in a failure made for it,
 * and no buffer is left.
 */
@Tag("fuzz")
class SessionFuzzTest {
  private static final String PASSWORD = "pencil-4b1d";
  private static final ScramKeyCache KEYS = new ScramKeyCache(1);
  private static final byte[] GREETING = Backend.usualGreeting(1, 2);

  private static PgConfig.Builder base() {
    // A Unix socket: there a token may be sent.
    return PgConfig.builder().environment(Map.of()).dsn("postgresql://me@/test?host=/run");
  }

  private static final List<PgConfig> CONFIGS =
      List.of(
          base().password(PASSWORD).build(),
          base().scramKeys(new byte[32], new byte[32]).build(),
          base().oauthToken(request -> CompletableFuture.completedFuture("a.token/42=")).build());

  /** The first byte says what we have to prove ourselves with; a tilde becomes our nonce. */
  @FuzzTest(maxDuration = "10m")
  void anyGreetingIsASessionOrAFailure(byte[] input) {
    if (input.length < 1) {
      return;
    }
    PgConfig config = CONFIGS.get((input[0] & 0xff) % CONFIGS.size());
    try (SocketlessSession session = new SocketlessSession(config, KEYS)) {
      String nonce = "";
      for (String flight : new String(input, 1, input.length - 1, ISO_8859_1).split("\n\n", -1)) {
        String said = new String(session.said(), ISO_8859_1);
        int at = said.indexOf(",r=");
        nonce = at < 0 ? nonce : said.substring(at + 3);
        byte[] bytes = flight.replace("~", nonce).getBytes(ISO_8859_1);
        // Keys that would have to be made off the loop are another test's.
        if (flight.contains("s=") && config == CONFIGS.get(0)) {
          return;
        }
        session.hear(bytes, 0, bytes.length);
      }
      session.hearTheEnd();
      assertThat(session.outcomes()).isEqualTo(1);
      session
          .connected()
          .whenComplete(
              (connection, failure) -> {
                if (failure != null) {
                  foreseen(failure);
                }
              });
    }
  }

  /** The first byte says what is asked. */
  @FuzzTest(maxDuration = "10m")
  void anyAnswerIsAResultOrAFailure(byte[] input) {
    if (input.length < 1) {
      return;
    }
    try (SocketlessSession session = new SocketlessSession(CONFIGS.get(0), KEYS)) {
      session.hear(GREETING, 0, GREETING.length);
      PgConnection connection = session.connected().join();
      List<CompletableFuture<?>> answers = new ArrayList<>();
      switch (input[0] & 7) {
        case 0 -> answers.add(connection.execute("SELECT 1; SELECT 2"));
        case 1 ->
            answers.add(
                connection
                    .fetch("SELECT a")
                    .thenApply(rows -> rows.stream().map(Row::toMap).toList()));
        case 2 -> answers.add(connection.executeMany("INSERT", List.of(List.of(1), List.of(2))));
        case 3 ->
            answers.add(
                connection.copyFromQuery(
                    "SELECT",
                    List.of(),
                    CopySink.to(chunk -> CompletableFuture.completedFuture(null)),
                    CopyOptions.text()));
        case 4 ->
            answers.add(
                connection.copyRecordsToTable("t", List.of("a"), List.of(List.of(1), List.of(2))));
        case 5 ->
            answers.add(
                connection.transaction(
                    transaction -> transaction.fetchValue(Integer.class, "SELECT a")));
        case 6 -> answers.add(connection.addListener("a", notification -> {}));
        default -> {
          answers.add(connection.prepare("SELECT a").thenCompose(statement -> statement.fetch(1)));
          answers.add(connection.reset());
        }
      }
      answers.add(connection.fetchValue(String.class, "SELECT b"));
      session.run();
      session.hear(input, 1, input.length);
      session.hearTheEnd();
      for (CompletableFuture<?> answer : answers) {
        assertThat(answer).isDone();
        answer.whenComplete(
            (value, failure) -> {
              if (failure != null) {
                foreseen(failure);
              }
            });
      }
    }
  }

  private static void foreseen(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    boolean foreseen =
        cause instanceof PgException
            || cause instanceof IllegalStateException
            || cause instanceof IllegalArgumentException
            || cause instanceof CancellationException;
    if (!foreseen || String.valueOf(cause.getMessage()).contains(PASSWORD)) {
      throw new AssertionError("a failure of a kind not foreseen", cause);
    }
  }
}
