package io.asyncpg.client;

import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.concat;
import static io.asyncpg.testkit.Backend.copyInResponse;
import static io.asyncpg.testkit.Backend.copyOutResponse;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.notice;
import static io.asyncpg.testkit.Backend.raw;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** COPY, message by message. */
class CopyWireTest {
  private static final String IN = "COPY \"t\" FROM STDIN WITH (FORMAT text)";
  private static final String OUT = "COPY \"t\" TO STDOUT WITH (FORMAT text)";
  private static final CopySource LINE = CopySource.from(ascii("1\n"));

  private ScriptedServer server;
  private Script script;
  private PgConnection connection;

  @BeforeEach
  void connect() {
    server = ScriptedServer.start();
    script = server.connection().acceptStartup();
    connection = PgConnection.connect(server.dsn()).await();
  }

  @AfterEach
  void close() {
    connection.terminate();
    connection.closed().await();
    server.close();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Test
  void beginRidesInFrontOfACopy() {
    PgTransaction transaction = connection.begin().await();
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN;" + IN))
        .send(commandComplete("BEGIN"), copyInResponse(0, 0))
        .expect("d", data -> assertThat(data.body()).isEqualTo(ascii("1\n")))
        .expect("c")
        .send(commandComplete("COPY 1"), readyForQuery('T'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("COMMIT"))
        .send(commandComplete("COMMIT"), readyForQuery('I'));
    assertThat(transaction.copyToTable("t", LINE, CopyOptions.text()).await())
        .hasToString("COPY 1");
    transaction.commit().await();

    transaction = connection.begin(TransactionOptions.defaults().readOnly()).await();
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN READ ONLY;" + OUT))
        .send(commandComplete("BEGIN"), copyOutResponse(0, 0), raw('d', ascii("1\n")), raw('c'))
        .send(commandComplete("COPY 1"), readyForQuery('T'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("ROLLBACK"))
        .send(commandComplete("ROLLBACK"), readyForQuery('I'));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    transaction.copyFromTable("t", CopySink.to(out), CopyOptions.text()).await();
    assertThat(out.toByteArray()).isEqualTo(ascii("1\n"));
    transaction.rollback().await();
    script.await();
  }

  @Test
  void anErrorInFrontOfWhichBeginRodeHasThePositionOfItsOwnSql() {
    PgTransaction transaction = connection.begin().await();
    script
        .expect("Q")
        .send(
            commandComplete("BEGIN"),
            error("ERROR", "42601", "syntax error", java.util.Map.of('P', "12")),
            readyForQuery('E'))
        .expect("Q")
        .send(commandComplete("ROLLBACK"), readyForQuery('I'));
    assertThatThrownBy(() -> transaction.copyToTable("t", LINE, CopyOptions.text()).await())
        .isInstanceOfSatisfying(
            PgServerException.class, said -> assertThat(said.position()).isEqualTo(6));
    transaction.rollback().await();
    script.await();
  }

  @Test
  void noDataIsSentBeforeTheServerAsksForIt() throws Exception {
    script.expect("Q");
    PgFuture<CommandTag> copied = connection.copyToTable("t", LINE, CopyOptions.text());
    PgFuture<CommandTag> behind = connection.execute("SELECT 1");
    script.await();
    script
        .send(notice("00000", "psst"), copyInResponse(0, 0))
        .expect("d", "c")
        .sendByteByByte(notice("00000", "psst"), commandComplete("COPY 1"), readyForQuery('I'))
        .expect("Q")
        .send(commandComplete("SELECT 1"), readyForQuery('I'));
    assertThat(copied.get(20, TimeUnit.SECONDS)).hasToString("COPY 1");
    assertThat(behind.get(20, TimeUnit.SECONDS)).hasToString("SELECT 1");
  }

  @Test
  void afterAnErrorInTheMiddleNothingMoreOfTheCopyIsSaid() throws Exception {
    AtomicBoolean read = new AtomicBoolean();
    try (SubmissionPublisher<ByteBuffer> publisher = new SubmissionPublisher<>(Runnable::run, 8)) {
      script
          .expect("Q")
          .send(copyInResponse(0, 0))
          .expect("d")
          .send(error("22P02", "no integer"), readyForQuery('I'))
          .then(() -> read.set(true))
          .expect("Q", query -> assertThat(query.sql()).isEqualTo("SELECT 1"))
          .send(commandComplete("SELECT 1"), readyForQuery('I'));
      PgFuture<CommandTag> copied =
          connection.copyToTable("t", CopySource.from(publisher), CopyOptions.text());
      publisher.submit(ByteBuffer.wrap(ascii("x\n")));
      assertThatThrownBy(() -> copied.get(20, TimeUnit.SECONDS))
          .hasCauseInstanceOf(PgServerException.class);
      assertThat(publisher.getNumberOfSubscribers()).isZero();
      assertThat(connection.execute("SELECT 1").await()).hasToString("SELECT 1");
      assertThat(read).isTrue();
    }
  }

  @Test
  void chunksInAnySliceOfTheSocketAreTheSameBytes() {
    byte[] answer =
        concat(
            copyOutResponse(0, 0),
            raw('d', ascii("1\n")),
            notice("00000", "psst"),
            raw('d'),
            raw('d', ascii("2\n")),
            raw('c'),
            commandComplete("COPY 2"),
            readyForQuery('I'));
    script.expect("Q").sendByteByByte(answer).expect("Q").sendSliced(7, answer);
    for (int i = 0; i < 2; i++) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      connection.copyFromTable("t", CopySink.to(out), CopyOptions.text()).await();
      assertThat(out.toByteArray()).isEqualTo(ascii("1\n2\n"));
    }
  }

  @Test
  void aConnectionCutInTheMiddleFailsTheCopyAndEndsTheSink() throws Exception {
    script.expect("Q").send(copyOutResponse(0, 0), raw('d', ascii("1\n"))).cutWithReset();
    CompletableFuture<ByteBuffer> first = new CompletableFuture<>();
    PgFuture<CommandTag> copied =
        connection.copyFromTable(
            "t",
            CopySink.to(
                chunk -> {
                  first.complete(chunk);
                  return CompletableFuture.completedFuture(chunk);
                }),
            CopyOptions.text());
    assertThatThrownBy(() -> copied.get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(PgConnectionException.class);
  }

  @Test
  void aServerThatBreaksTheProtocolLosesTheConnection() {
    List<byte[]> broken =
        List.of(
            commandComplete("COPY 0"), // before it asked for data
            copyOutResponse(0, 0),
            raw('d', ascii("1\n")),
            readyForQuery('I'));
    for (byte[] message : broken) {
      Script each = server.connection().acceptStartup();
      PgConnection other = PgConnection.connect(server.dsn()).await();
      each.expect("Q").send(message);
      assertThatThrownBy(() -> other.copyToTable("t", LINE, CopyOptions.text()).await())
          .isInstanceOf(PgProtocolException.class)
          .hasMessageContaining("which nobody waits for");
      other.closed().await();
    }
  }
}
