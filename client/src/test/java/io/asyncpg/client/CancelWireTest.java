package io.asyncpg.client;

import static io.asyncpg.testkit.Backend.bindComplete;
import static io.asyncpg.testkit.Backend.column;
import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.concat;
import static io.asyncpg.testkit.Backend.copyDone;
import static io.asyncpg.testkit.Backend.copyOutResponse;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.noData;
import static io.asyncpg.testkit.Backend.notification;
import static io.asyncpg.testkit.Backend.parameterDescription;
import static io.asyncpg.testkit.Backend.parseComplete;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static io.asyncpg.testkit.Backend.rowDescription;
import static io.asyncpg.testkit.Backend.textRow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.netty.NettyConnections;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When a CancelRequest is sent, and when not. */
class CancelWireTest {
  private static final String CANCELED = "canceling statement due to user request";

  private ScriptedServer server;
  private Script script;
  private PgConnection connection;

  /** Counted down when the server has got what is to be cancelled. */
  private final CountDownLatch received = new CountDownLatch(1);

  @BeforeEach
  void connect() {
    server = ScriptedServer.start();
    script = server.connection().acceptStartup();
    connection =
        PgConnection.connect(
                PgConfig.parse(server.dsn()).toBuilder()
                    .cancelTimeout(Duration.ofMillis(1_500))
                    .build())
            .await();
  }

  @AfterEach
  void close() {
    connection.terminate();
    connection.closed().await();
    server.close();
  }

  @Test
  void whatWasNotWrittenIsNeverWrittenAndNothingIsCancelled() {
    CountDownLatch asked = new CountDownLatch(1);
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN"))
        .then(() -> awaitUninterrupted(asked))
        .send(commandComplete("BEGIN"), readyForQuery('T'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("third"))
        .send(commandComplete("DO"), readyForQuery('T'));
    PgFuture<CommandTag> first = connection.execute("BEGIN");
    // Waits for the answer: what it begins with depends on it.
    PgFuture<PgTransaction> second = connection.begin();
    PgFuture<CommandTag> third = connection.execute("third");
    second.cancel(true);
    asked.countDown();
    first.await();
    third.await();
    assertThat(server.cancels()).isEmpty();
  }

  @Test
  void cancellingTwiceAndInTimeOutSendsOneRequest() {
    script
        .expect("Q")
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .expect("S")
        .send(readyForQuery('I'))
        .expect("Q")
        .send(commandComplete("DO"), readyForQuery('I'));
    PgFuture<CommandTag> sleeping = connection.withTimeout(Duration.ofMillis(50)).execute("sleep");
    assertThatThrownBy(sleeping::await).isInstanceOf(PgTimeoutException.class);
    sleeping.cancel(true);
    sleeping.cancel(true);
    assertThat(connection.execute("behind").await()).hasToString("DO");
    script.await();
    assertThat(server.cancels()).hasSize(1);
    assertThat(server.cancels().get(0).processId()).isEqualTo(Script.PROCESS_ID);
  }

  /** PostgreSQL forgets a signal that arrives before the statement it is meant for. */
  @Test
  void aCancelThatOvertakesItsStatementIsRepeated() {
    script
        .expect("Q")
        .then(received::countDown)
        .then(() -> server.awaitCancel(3)) // deaf to the first two
        .send(error("57014", CANCELED), readyForQuery('I'))
        .expect("S")
        .send(readyForQuery('I'))
        .expect("Q")
        .send(commandComplete("DO"), readyForQuery('I'));
    PgFuture<CommandTag> sleeping = connection.execute("sleep");
    awaitUninterrupted(received);
    sleeping.cancel(true);
    assertThat(connection.execute("behind").await()).hasToString("DO");
    script.await();
    assertThat(server.cancels()).hasSize(3);
  }

  @Test
  void whatHasBeenAnsweredIsNotCancelled() {
    script.expect("Q").send(commandComplete("DO"), readyForQuery('I'));
    PgFuture<CommandTag> done = connection.execute("quick");
    done.await();
    assertThat(done.cancel(true)).isFalse();
    assertThat(server.cancels()).isEmpty();
  }

  @Test
  void theNextStatementWaitsForTheAnswerTheCancelsEndAndTheFence() {
    server.holdCancels();
    script
        .expect("Q")
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .then(server::releaseCancels)
        .expect("S") // the fence, and nothing before it
        .send(readyForQuery('I'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("behind"))
        .send(commandComplete("DO"), readyForQuery('I'));
    PgFuture<CommandTag> sleeping = connection.execute("sleep");
    awaitUninterrupted(received);
    sleeping.cancel(true);
    assertThatThrownBy(sleeping::await).isInstanceOf(CancellationException.class);
    assertThat(connection.execute("behind").await()).hasToString("DO");
    script.await();
  }

  @Test
  void whatStandsBetweenACancelAndItsFenceIsStoppedTooAndAnotherFenceFollows() {
    CountDownLatch fenced = new CountDownLatch(1);
    script
        .expect("Q")
        .expect("Q")
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .expect("S")
        .then(fenced::countDown)
        .then(() -> server.awaitCancel(2))
        .send(error("57014", CANCELED), readyForQuery('I'), readyForQuery('I'))
        .expect("S") // the second signal may have come behind the first fence
        .send(readyForQuery('I'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("behind"))
        .send(commandComplete("DO"), readyForQuery('I'));
    PgFuture<CommandTag> first = connection.execute("first");
    PgFuture<CommandTag> second = connection.execute("second");
    awaitUninterrupted(received);
    first.cancel(true);
    awaitUninterrupted(fenced);
    second.cancel(true);
    assertThat(connection.execute("behind").await()).hasToString("DO");
    script.await();
  }

  @Test
  void anUnansweredCancelEndsInAClosedConnection() throws Exception {
    script.expect("Q").then(received::countDown).then(() -> server.awaitCancel(1)).expectEnd();
    PgFuture<CommandTag> sleeping = connection.execute("sleep");
    awaitUninterrupted(received);
    sleeping.cancel(true);
    PgFuture<CommandTag> behind = connection.execute("behind");
    connection.closed().get(20, TimeUnit.SECONDS);
    assertThatThrownBy(behind::await)
        .isInstanceOfSatisfying(
            PgConnectionException.class,
            e -> assertThat(e.retrySafety()).isEqualTo(RetrySafety.NOT_SENT))
        .hasMessageContaining("was not answered within");
  }

  @Test
  void aCancelSocketThatHangsIsGivenUp() throws Exception {
    server.holdCancels();
    script
        .expect("Q")
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(error("57014", CANCELED), readyForQuery('I'));
    PgFuture<CommandTag> sleeping = connection.execute("sleep");
    awaitUninterrupted(received);
    sleeping.cancel(true);
    PgFuture<CommandTag> behind = connection.execute("behind");
    connection.closed().get(20, TimeUnit.SECONDS);
    assertThatThrownBy(behind::await).isInstanceOf(PgConnectionException.class);
    server.releaseCancels();
  }

  @Test
  void aCommitIsNotCancelled() {
    CountDownLatch timedOut = new CountDownLatch(1);
    PgTransaction transaction = connection.begin().await();
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN;work"))
        .send(commandComplete("BEGIN"), commandComplete("DO"), readyForQuery('T'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("COMMIT"))
        .then(() -> awaitUninterrupted(timedOut))
        .send(commandComplete("COMMIT"), readyForQuery('I'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("behind"))
        .send(commandComplete("DO"), readyForQuery('I'));
    transaction.execute("work").await();
    PgFuture<Void> commit = transaction.withTimeout(Duration.ofMillis(50)).commit();
    assertThatThrownBy(commit::await)
        .isInstanceOfSatisfying(
            PgTimeoutException.class,
            e -> assertThat(e.retrySafety()).isEqualTo(RetrySafety.UNKNOWN))
        .hasMessageContaining("left to end by itself");
    PgFuture<CommandTag> behind = connection.execute("behind");
    timedOut.countDown();
    assertThat(behind.await()).hasToString("DO");
    script.await();
    assertThat(server.cancels()).isEmpty();
  }

  @Test
  void aParseThatIsHitInPlaceOfAnotherIsAskedAgain() {
    byte[] described =
        concat(parseComplete(), parameterDescription(), noData(), readyForQuery('I'));
    script
        .expect("Q")
        .expect("P", "D", "S")
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(commandComplete("DO"), readyForQuery('I'))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .expect("S") // the fence
        .send(readyForQuery('I'))
        .expect("P", "D", "S")
        .send(described)
        .expect("B", "E", "S")
        .send(bindComplete(), commandComplete("DO"), readyForQuery('I'));
    PgFuture<CommandTag> victim = connection.execute("sleep");
    PgFuture<Rows> innocent = connection.fetch("innocent");
    awaitUninterrupted(received);
    victim.cancel(true);
    assertThat(innocent.await().tag()).hasToString("DO");
    script.await();
  }

  @Test
  void aStatementHitInPlaceOfAnotherInATransactionLearnsThatTheTransactionIsLost() {
    PgTransaction transaction = connection.begin().await();
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN;work"))
        .send(commandComplete("BEGIN"), commandComplete("DO"), readyForQuery('T'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("sleep"))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("innocent"))
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(commandComplete("DO"), readyForQuery('T'))
        .send(error("57014", CANCELED), readyForQuery('E'))
        .expect("S") // the fence
        .send(readyForQuery('E'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("ROLLBACK"))
        .send(commandComplete("ROLLBACK"), readyForQuery('I'));
    transaction.execute("work").await();
    PgFuture<CommandTag> victim = transaction.execute("sleep");
    PgFuture<CommandTag> innocent = transaction.execute("innocent");
    awaitUninterrupted(received);
    victim.cancel(true);
    assertThatThrownBy(innocent::await)
        .isInstanceOfSatisfying(
            PgServerException.class,
            e -> {
              assertThat(e.sqlState()).isEqualTo("25P02");
              assertThat(e.detail()).contains("57014");
              assertThat(e.retrySafety()).isEqualTo(RetrySafety.ROLLED_BACK);
            })
        .hasMessageContaining("aborted by the cancel of an earlier statement");
    transaction.rollback().await();
    script.await();
  }

  @Test
  void aFenceThatIsHitInATransactionIsAFenceStill() {
    PgTransaction transaction = connection.begin().await();
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN;work"))
        .send(commandComplete("BEGIN"), commandComplete("DO"), readyForQuery('T'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("sleep"))
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(commandComplete("DO"), readyForQuery('T'))
        .expect("S") // the fence
        .send(error("57014", CANCELED), readyForQuery('E'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("ROLLBACK"))
        .send(commandComplete("ROLLBACK"), readyForQuery('I'));
    transaction.execute("work").await();
    PgFuture<CommandTag> victim = transaction.execute("sleep");
    awaitUninterrupted(received);
    victim.cancel(true);
    transaction.rollback().await();
    script.await();
  }

  /**
   * The loop is held up twice: after it has read an answer, and before it runs what it was asked to
   * run. So the statement is written at the end of that read, and whatever wakes the loop for it
   * comes late, when there is more to find.
   */
  @Test
  void whatIsAskedForBehindACancelStaysBehindIt() throws InterruptedException {
    var loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    CountDownLatch listened = new CountDownLatch(1);
    CountDownLatch worked = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    Script other = server.connection().acceptStartup();
    PgConnection slow = NettyConnections.connect(PgConfig.parse(server.dsn()), loops).await();
    try {
      PgTransaction transaction = slow.begin().await();
      other
          .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN;work"))
          .then(() -> awaitUninterrupted(listened))
          .send(commandComplete("BEGIN"), commandComplete("DO"), readyForQuery('T'))
          .expect("Q", query -> assertThat(query.sql()).isEqualTo("sleep"))
          .then(received::countDown)
          .then(() -> server.awaitCancel(1))
          .send(error("57014", CANCELED), readyForQuery('E'))
          .expect("S") // the fence, and no ROLLBACK before it
          .send(readyForQuery('E'))
          .expect("Q", query -> assertThat(query.sql()).isEqualTo("ROLLBACK"))
          .send(commandComplete("ROLLBACK"), readyForQuery('I'));
      PgFuture<CommandTag> work = transaction.execute("work");
      work.thenRun(
          () -> {
            worked.countDown();
            awaitUninterrupted(asked);
          });
      listened.countDown();
      awaitUninterrupted(worked);
      loops.execute(() -> awaitUninterrupted(cancelled));
      PgFuture<CommandTag> victim = transaction.execute("sleep");
      asked.countDown();
      awaitUninterrupted(received);
      victim.cancel(true);
      PgFuture<Void> rollback = transaction.rollback();
      cancelled.countDown();
      rollback.await();
      other.await();
    } finally {
      listened.countDown();
      asked.countDown();
      cancelled.countDown();
      slow.terminate();
      slow.closed().await();
      loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }
  }

  @Test
  void noTransactionBeginsBehindAStatementThatMayStillBeCancelled() {
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("sleep"))
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .expect("S") // the fence, and no BEGIN before it
        .send(readyForQuery('I'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN;work"))
        .send(commandComplete("BEGIN"), commandComplete("DO"), readyForQuery('T'));
    PgFuture<CommandTag> victim = connection.execute("sleep");
    PgTransaction transaction = connection.begin().await();
    PgFuture<CommandTag> work = transaction.execute("work");
    awaitUninterrupted(received);
    victim.cancel(true);
    assertThat(work.await()).hasToString("DO");
    script.await();
  }

  @Test
  void aStatementHitInPlaceOfAnotherRunsAgainInFrontOfATransactionToCome() {
    byte[] described = concat(parseComplete(), parameterDescription(), noData());
    byte[] done = concat(bindComplete(), commandComplete("DONE"), readyForQuery('I'));
    script
        .expect("P", "D", "S")
        .send(described, readyForQuery('I'))
        .expect("B", "E", "S")
        .send(done)
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("sleep"))
        .expect("B", "E", "S")
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(commandComplete("SLEPT"), readyForQuery('I'))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .expect("S") // the fence
        .send(readyForQuery('I'))
        .expect("B", "E", "S")
        .send(done)
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("BEGIN;work"))
        .send(commandComplete("BEGIN"), commandComplete("DO"), readyForQuery('T'));
    connection.fetch("innocent").await();
    PgFuture<CommandTag> victim = connection.execute("sleep");
    PgFuture<Rows> innocent = connection.fetch("innocent");
    PgTransaction transaction = connection.begin().await();
    PgFuture<CommandTag> work = transaction.execute("work");
    awaitUninterrupted(received);
    victim.cancel(true);
    assertThat(innocent.await().tag()).hasToString("DONE");
    assertThat(work.await()).hasToString("DO");
    script.await();
  }

  @Test
  void aParseThatIsStillToBeWrittenIsNotWrittenWhenNobodyWaitsForItAnyMore()
      throws InterruptedException {
    var loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    CountDownLatch called = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    byte[] described = concat(parseComplete(), parameterDescription(), noData());
    byte[] done = concat(bindComplete(), commandComplete("DONE"), readyForQuery('I'));
    Script other = server.connection().acceptStartup();
    PgConnection full = NettyConnections.connect(PgConfig.parse(server.dsn()), loops).await();
    try {
      other
          .expect("Q")
          .then(() -> awaitUninterrupted(cancelled))
          .send(commandComplete("DO"), readyForQuery('I'))
          .expect("P", "D", "S")
          .send(described, readyForQuery('I'))
          .expect("P", "B", "E", "S") // too long to be kept
          .send(parseComplete(), done)
          .expect("P", "D", "S")
          .send(described, readyForQuery('I'))
          .expect("B", "E", "S")
          .send(done);
      full.execute("first");
      loops.execute(() -> awaitUninterrupted(called));
      PgFuture<Rows> written = full.fetch("more than the socket takes" + " ".repeat(12 << 20));
      PgFuture<Rows> unwritten = full.fetch("next");
      called.countDown();
      loops.submit(() -> {}).sync(); // both are asked for, and the socket is full
      unwritten.cancel(true);
      loops.submit(() -> {}).sync(); // the loop has heard of it
      cancelled.countDown();
      assertThat(written.await().tag()).hasToString("DONE");
      assertThat(full.fetch("next").await().tag()).hasToString("DONE");
      other.await();
    } finally {
      called.countDown();
      cancelled.countDown();
      full.terminate();
      full.closed().await();
      loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }
  }

  @Test
  void aTimeoutOfTheServersOwnIsNotTakenForACancel() {
    script
        .expect("Q")
        .send(error("57014", "canceling statement due to statement timeout"), readyForQuery('I'));
    assertThatThrownBy(() -> connection.execute("slow").await())
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("statement timeout");
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"CALL p()", " /* why */ vacuum t", "DO 'x'", "first; second", "COMMIT"})
  void whatCannotBeRunAgainIsNotWrittenWhereTheCancelOfAnotherMayHitIt(String sql) {
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("sleep"))
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .expect("S") // the fence, and nothing before it
        .send(readyForQuery('I'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo(sql))
        .send(commandComplete("DONE"), readyForQuery('I'));
    PgFuture<CommandTag> victim = connection.execute("sleep");
    PgFuture<CommandTag> innocent = connection.execute(sql);
    awaitUninterrupted(received);
    victim.cancel(true);
    assertThat(innocent.await()).hasToString("DONE");
    script.await();
  }

  @Test
  void aPreparedCallWaitsForWhatIsInFlightAndOtherStatementsDoNot() {
    byte[] described = concat(parseComplete(), parameterDescription(), noData());
    byte[] done = concat(bindComplete(), commandComplete("DONE"), readyForQuery('I'));
    script
        .expect("P", "D", "S")
        .send(described, readyForQuery('I'))
        .expect("B", "E", "S")
        .send(done)
        .expect("P", "D", "S")
        .send(described, readyForQuery('I'))
        .expect("B", "E", "S")
        .send(done)
        .expect("Q")
        .expect("B", "E", "S") // the plain one: at once
        .send(commandComplete("DONE"), readyForQuery('I'))
        .send(done)
        .expect("B", "E", "S")
        .send(done);
    connection.fetch("plain").await();
    connection.fetch("CALL p()").await();
    PgFuture<CommandTag> first = connection.execute("first");
    PgFuture<Rows> plain = connection.fetch("plain");
    PgFuture<Rows> call = connection.fetch("CALL p()");
    first.await();
    plain.await();
    assertThat(call.await().tag()).hasToString("DONE");
    script.await();
  }

  @Test
  void aListenThatIsHitInPlaceOfAnotherIsSaidAgain() throws InterruptedException {
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("sleep"))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("LISTEN \"c\""))
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(commandComplete("DO"), readyForQuery('I'))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .expect("S") // the fence
        .send(readyForQuery('I'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("LISTEN \"c\""))
        .send(commandComplete("LISTEN"), readyForQuery('I'))
        .expect("Q")
        .send(notification(1, "c", "heard"), commandComplete("DO"), readyForQuery('I'));
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    PgFuture<CommandTag> victim = connection.execute("sleep");
    PgFuture<Void> listening = connection.addListener("c", said -> heard.add(said.payload()));
    awaitUninterrupted(received);
    victim.cancel(true);
    listening.await();
    connection.execute("behind").await();
    script.await();
    assertThat(heard.poll(20, TimeUnit.SECONDS)).isEqualTo("heard");
  }

  @Test
  void anUnlistenThatIsHitInPlaceOfAnotherTakesNothingFromWhoCameBehindIt() {
    script
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("LISTEN \"c\""))
        .send(commandComplete("LISTEN"), readyForQuery('I'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("sleep"))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("UNLISTEN \"c\""))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("LISTEN \"c\""))
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(commandComplete("DO"), readyForQuery('I'))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .send(commandComplete("LISTEN"), readyForQuery('I'))
        .expect("S") // the fence
        .send(readyForQuery('I'))
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("behind"))
        .send(commandComplete("DO"), readyForQuery('I'));
    Consumer<Notification> first = said -> {};
    connection.addListener("c", first).await();
    PgFuture<CommandTag> victim = connection.execute("sleep");
    PgFuture<Void> gone = connection.removeListener("c", first);
    PgFuture<Void> come = connection.addListener("c", said -> {});
    awaitUninterrupted(received);
    victim.cancel(true);
    gone.await();
    come.await();
    connection.execute("behind").await();
    script.await();
  }

  @Test
  void argumentsOfACopyWhoseQuotingIsHitInPlaceOfAnotherAreQuotedAgain() {
    byte[] quoted =
        concat(
            parseComplete(),
            bindComplete(),
            textRow("'1'"),
            commandComplete("SELECT 1"),
            readyForQuery('I'));
    byte[] copied =
        concat(copyOutResponse(0, 0), copyDone(), commandComplete("COPY 0"), readyForQuery('I'));
    script
        .expect("P", "D", "S")
        .send(
            parseComplete(),
            parameterDescription(23),
            rowDescription(column("v", 23)),
            readyForQuery('I'))
        .expect("P", "B", "E", "S")
        .send(quoted)
        .expect("Q")
        .send(copied)
        .expect("Q", query -> assertThat(query.sql()).isEqualTo("sleep"))
        .expect("P", "B", "E", "S")
        .then(received::countDown)
        .then(() -> server.awaitCancel(1))
        .send(commandComplete("DO"), readyForQuery('I'))
        .send(error("57014", CANCELED), readyForQuery('I'))
        .expect("S") // the fence
        .send(readyForQuery('I'))
        .expect("P", "B", "E", "S")
        .send(quoted)
        .expect("Q")
        .send(copied);
    copy().await();
    PgFuture<CommandTag> victim = connection.execute("sleep");
    PgFuture<CommandTag> copy = copy();
    awaitUninterrupted(received);
    victim.cancel(true);
    assertThat(copy.await()).hasToString("COPY 0");
    script.await();
  }

  private PgFuture<CommandTag> copy() {
    return connection.copyFromQuery(
        "SELECT $1::int4 AS v",
        List.of(1),
        CopySink.to(OutputStream.nullOutputStream()),
        CopyOptions.text());
  }
}
