package io.asyncpg.client;

import static io.asyncpg.testkit.Backend.bindComplete;
import static io.asyncpg.testkit.Backend.column;
import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.concat;
import static io.asyncpg.testkit.Backend.dataRow;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.fatal;
import static io.asyncpg.testkit.Backend.int4;
import static io.asyncpg.testkit.Backend.notice;
import static io.asyncpg.testkit.Backend.parameterDescription;
import static io.asyncpg.testkit.Backend.parameterStatus;
import static io.asyncpg.testkit.Backend.parseComplete;
import static io.asyncpg.testkit.Backend.raw;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static io.asyncpg.testkit.Backend.rowDescription;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.testkit.Backend;
import io.asyncpg.testkit.Script;
import io.asyncpg.testkit.ScriptedServer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Conversations that no real server has, or has only now and then. */
class ConversationTest {
  private static final byte[] DESCRIBED =
      concat(
          parseComplete(),
          parameterDescription(),
          rowDescription(column("answer", 23)),
          readyForQuery('I'));
  private static final byte[] ANSWERED =
      concat(
          bindComplete(),
          dataRow(int4(42)),
          dataRow(int4(43)),
          commandComplete("SELECT 2"),
          readyForQuery('I'));

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

  @Test
  void aServerThatSendsOneByteAtATimeGivesTheSameRows() {
    script
        .expect("P", "D", "S")
        .sendByteByByte(DESCRIBED)
        .expect("B", "E", "S")
        .sendByteByByte(ANSWERED);
    Rows rows = connection.fetch("SELECT answer").await();
    assertThat(rows).extracting(row -> row.getInt("answer")).containsExactly(42, 43);
  }

  @Test
  void rowsMayHaveMoreColumnsThanThoseOfPostgreSql() {
    Backend.Column[] columns = new Backend.Column[10_000];
    byte[][] values = new byte[columns.length][];
    for (int i = 0; i < columns.length; i++) {
      columns[i] = column("c" + i, 23);
      values[i] = int4(i);
    }
    script
        .expect("P", "D", "S")
        .send(parseComplete(), parameterDescription(), rowDescription(columns), readyForQuery('I'))
        .expect("B", "E", "S")
        .send(bindComplete(), dataRow(values), commandComplete("SELECT 1"), readyForQuery('I'));
    Row row = connection.fetch("SELECT many").await().get(0);
    for (int i : new int[] {0, 1, 2047, 2048, 4095, 4096, 0, 4097, 1, 9_999, 9_998, 8_192, 5}) {
      assertThat(row.getInt(i)).isEqualTo(i);
    }
  }

  @Test
  void coldStatementsThatWaitTogetherArePreparedTogether() {
    script
        .expect("P", "D", "S", "P", "D", "S")
        .send(DESCRIBED, DESCRIBED)
        .expect("B", "E", "S", "B", "E", "S")
        .send(ANSWERED, ANSWERED);
    PgFuture<Rows> one = connection.fetch("SELECT answer");
    PgFuture<Rows> other = connection.fetch("SELECT answer AS again");
    assertThat(one.await()).hasSize(2);
    assertThat(other.await()).hasSize(2);
  }

  @Test
  void anErrorInsideAPipelineFailsOnlyItsOwnQuery() {
    script
        .expect("P", "D", "S")
        .send(DESCRIBED)
        .expect("B", "E", "S", "B", "E", "S")
        .send(error("22012", "division by zero"), readyForQuery('I'), ANSWERED);
    PgFuture<Rows> broken = connection.fetch("SELECT answer");
    PgFuture<Rows> fine = connection.fetch("SELECT answer");
    assertThatThrownBy(broken::await)
        .isInstanceOfSatisfying(
            PgServerException.class,
            e -> {
              assertThat(e.sqlState()).isEqualTo("22012");
              assertThat(e.retrySafety()).isEqualTo(RetrySafety.ROLLED_BACK);
              assertThat(e.sql()).isEqualTo("SELECT answer");
            });
    assertThat(fine.await()).hasSize(2);
  }

  @Test
  void whatMayComeAtAnyTimeDisturbsNothing() {
    List<Notice> heard = new ArrayList<>();
    connection.addNoticeListener(heard::add);
    byte[] anyTime = concat(notice("00000", "psst"), parameterStatus("TimeZone", "Mars"));
    script
        .expect("P", "D", "S")
        .send(anyTime, parseComplete(), anyTime, parameterDescription(), anyTime)
        .send(rowDescription(column("answer", 23)), anyTime, readyForQuery('I'))
        .expect("B", "E", "S")
        .send(bindComplete(), anyTime, dataRow(int4(1)), anyTime, dataRow(int4(2)), anyTime)
        .send(commandComplete("SELECT 2"), anyTime, readyForQuery('I'));
    assertThat(connection.fetch("SELECT answer").await()).hasSize(2);
    assertThat(heard).hasSize(8).extracting(Notice::message).containsOnly("psst");
    assertThat(connection.settings()).containsEntry("TimeZone", "Mars");
  }

  @Test
  void aMessageOfUnknownTypeEndsTheConnectionAndIsNamed() {
    script.expect("P", "D", "S").send(DESCRIBED).expect("B", "E", "S").send(raw('@')).expectEnd();
    assertThatThrownBy(() -> connection.fetch("SELECT answer").await())
        .isInstanceOfSatisfying(
            PgProtocolException.class,
            e -> {
              assertThat(e.getMessage()).contains("0x40 ('@') while it ran \"SELECT answer\"");
              assertThat(e.retrySafety()).isEqualTo(RetrySafety.UNKNOWN);
            });
    assertThat(connection.isClosed()).isTrue();
  }

  @Test
  void aRequestWhoseStatementWasBeingPreparedHadNotBeenSent() {
    script.expect("P", "D", "S").send(raw('@')).expectEnd();
    assertThatThrownBy(() -> connection.fetch("SELECT answer").await())
        .isInstanceOfSatisfying(
            PgConnectionException.class,
            e -> {
              assertThat(e.getMessage()).contains("0x40 ('@') while it prepared");
              assertThat(e.retrySafety()).isEqualTo(RetrySafety.NOT_SENT);
            });
  }

  @Test
  void anAnswerThatNobodyWaitsForEndsTheConnection() {
    script.expect("P", "D", "S").send(DESCRIBED, readyForQuery('I')).expectEnd();
    connection.fetch("SELECT answer");
    connection.closed().await();
    assertThat(connection.isClosed()).isTrue();
  }

  @Test
  void aSecondBindCompleteIsNotTakenForAnothersAnswer() {
    script
        .expect("P", "D", "S")
        .send(DESCRIBED)
        .expect("B", "E", "S")
        .send(bindComplete(), bindComplete())
        .expectEnd();
    assertThatThrownBy(() -> connection.fetch("SELECT answer").await())
        .isInstanceOf(PgProtocolException.class)
        .hasMessageContaining("BindComplete");
  }

  @Test
  void aFatalErrorWhileIdleIsNotTakenForTheNextQuerysAnswer() {
    script.send(fatal("57P01", "terminating connection due to administrator command")).expectEnd();
    connection.closed().await();
    assertThatThrownBy(() -> connection.fetch("SELECT answer").await())
        .isInstanceOfSatisfying(
            PgConnectionException.class,
            e -> assertThat(e.retrySafety()).isEqualTo(RetrySafety.NOT_SENT));
  }

  @Test
  void aFatalErrorDuringAQueryIsThatQuerysError() {
    script
        .expect("P", "D", "S")
        .send(DESCRIBED)
        .expect("B", "E", "S")
        .send(fatal("57P01", "goodbye"))
        .expectEnd();
    assertThatThrownBy(() -> connection.fetch("SELECT answer").await())
        .isInstanceOfSatisfying(
            PgServerException.class, e -> assertThat(e.sqlState()).isEqualTo("57P01"));
  }

  @Test
  void aConnectionCutInTheMiddleOfARowSaysSo() {
    byte[] row = dataRow(int4(42));
    script
        .expect("P", "D", "S")
        .send(DESCRIBED)
        .expect("B", "E", "S")
        .send(bindComplete(), java.util.Arrays.copyOf(row, row.length - 2))
        .cutWithFin();
    assertThatThrownBy(() -> connection.fetch("SELECT answer").await())
        .isInstanceOfSatisfying(
            PgConnectionException.class,
            e -> {
              assertThat(e.getMessage()).contains("in the middle of a message");
              assertThat(e.retrySafety()).isEqualTo(RetrySafety.UNKNOWN);
            });
  }
}
