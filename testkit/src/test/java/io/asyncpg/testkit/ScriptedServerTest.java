package io.asyncpg.testkit;

import static io.asyncpg.testkit.Backend.bindComplete;
import static io.asyncpg.testkit.Backend.column;
import static io.asyncpg.testkit.Backend.commandComplete;
import static io.asyncpg.testkit.Backend.concat;
import static io.asyncpg.testkit.Backend.error;
import static io.asyncpg.testkit.Backend.parseComplete;
import static io.asyncpg.testkit.Backend.readyForQuery;
import static io.asyncpg.testkit.Backend.rowDescription;
import static io.asyncpg.testkit.Backend.textRow;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** The client here is pgjdbc, or a bare socket. */
class ScriptedServerTest {
  private static final byte[] ROW_OF_42 =
      concat(
          rowDescription(column("answer", 23)),
          textRow("42"),
          commandComplete("SELECT 1"),
          readyForQuery('I'));

  @Test
  void aDriverTakesItForAServer() throws SQLException {
    try (ScriptedServer server = ScriptedServer.start()) {
      Script script = server.connection().acceptStartup();
      try (Connection connection = connect(server);
          Statement statement = connection.createStatement()) {
        script
            .expect("Q", query -> assertThat(query.sql()).isEqualTo("SELECT answer"))
            .send(ROW_OF_42);
        try (ResultSet rows = statement.executeQuery("SELECT answer")) {
          assertThat(rows.next()).isTrue();
          assertThat(rows.getInt("answer")).isEqualTo(42);
        }
        script.expect("Q").sendByteByByte(error("22012", "division by zero"), readyForQuery('I'));
        assertThatThrownBy(() -> statement.execute("SELECT 1/0"))
            .hasMessageContaining("division by zero");
        script.expectTerminate();
      }
      assertThat(script.received().get(0).startupParameters()).containsEntry("user", "postgres");
    }
  }

  @Test
  void aMessageThatWasNotExpectedIsToldWithATranscript() throws IOException {
    ScriptedServer server = ScriptedServer.start();
    server.connection().acceptStartup().expect("P", "B").send(parseComplete(), bindComplete());
    try (Socket socket = new Socket(server.host(), server.port())) {
      startup(socket);
      new DataOutputStream(socket.getOutputStream()).write(Backend.raw('S'));

      assertThatThrownBy(server::close)
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("expected Parse, got Sync")
          .hasMessageContaining("not played: Bind, send")
          .hasMessageContaining("connection 1 << StartupMessage")
          .hasMessageContaining("ReadyForQuery I");
    }
  }

  @Test
  void aCancelRequestIsRecordedAndUsesNoScript() throws IOException {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.holdCancels();
      Script script = server.connection().acceptStartup();
      try (Socket cancel = new Socket(server.host(), server.port());
          Socket session = new Socket(server.host(), server.port())) {
        DataOutputStream out = new DataOutputStream(cancel.getOutputStream());
        out.writeInt(16);
        out.writeInt(80877102);
        out.writeInt(Script.PROCESS_ID);
        out.writeInt(Script.KEY);
        startup(session);
        script.await();

        assertThat(server.awaitCancel(1).processId()).isEqualTo(Script.PROCESS_ID);
        assertThat(server.connections()).isEqualTo(1);
        server.releaseCancels();
        assertThat(cancel.getInputStream().read()).isEqualTo(-1);
      }
    }
  }

  @Test
  void aCutIsSeenAsAnEndOrAsAReset() throws IOException {
    try (ScriptedServer server = ScriptedServer.start()) {
      server.connection().expectStartup(message -> {}).cutWithFin();
      server.connection().expectStartup(message -> {}).cutWithReset();
      try (Socket first = new Socket(server.host(), server.port())) {
        startup(first);
        assertThat(first.getInputStream().read()).isEqualTo(-1);
      }
      try (Socket second = new Socket(server.host(), server.port())) {
        startup(second);
        assertThatThrownBy(() -> second.getInputStream().read())
            .isInstanceOf(SocketException.class)
            .hasMessageContaining("reset");
      }
    }
  }

  @Test
  void whatAClientSentIsReadByItsFields() throws IOException {
    byte[] bind = {
      'p', 0, 's', 0, 0, 1, 0, 1, 0, 2, 0, 0, 0, 1, 7, -1, -1, -1, -1, 0, 1, 0, 1,
    };
    FrontendMessage.Bind fields = new FrontendMessage('B', bind).bind();

    assertThat(fields.portal()).isEqualTo("p");
    assertThat(fields.statement()).isEqualTo("s");
    assertThat(fields.formats()).containsExactly(1);
    assertThat(fields.parameters()).containsExactly(new byte[] {7}, null);
    assertThat(fields.resultFormats()).containsExactly(1);
  }

  private static void startup(Socket socket) throws IOException {
    DataOutputStream out = new DataOutputStream(socket.getOutputStream());
    out.writeInt(9 + "user\0postgres\0".length());
    out.writeInt(3 << 16);
    out.writeBytes("user\0postgres\0\0");
  }

  private static Connection connect(ScriptedServer server) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://"
            + server.host()
            + ":"
            + server.port()
            + "/test?sslmode=disable&preferQueryMode=simple&assumeMinServerVersion=18&connectTimeout=10",
        "postgres",
        null);
  }
}
