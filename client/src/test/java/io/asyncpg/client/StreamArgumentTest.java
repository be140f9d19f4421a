package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Streams as arguments: read by whoever makes the call, once, and stored whole. */
class StreamArgumentTest {
  private final TestServer server = TestServer.shared();
  private final String database = server.createDatabase();
  private PgConnection connection;

  @BeforeEach
  void connect() {
    server.sqlIn(
        database,
        "CREATE TABLE files(id int8 GENERATED ALWAYS AS IDENTITY, content bytea)",
        "CREATE TYPE file AS (name text, content bytea)");
    connection = PgConnection.connect(server.dsn(database)).await();
  }

  @AfterEach
  void close() {
    connection.terminate();
    connection.closed().await();
    server.dropDatabase(database);
  }

  private static InputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Says where it was read to its end. */
  private static final class Watched extends FilterInputStream {
    private Thread readBy;

    Watched() {
      super(stream("seen"));
    }

    @Override
    public byte[] readAllBytes() throws IOException {
      readBy = Thread.currentThread();
      return super.readAllBytes();
    }
  }

  private static final class Broken extends InputStream {
    @Override
    public int read() throws IOException {
      throw new IOException("the disk is gone");
    }

    @Override
    public int read(byte[] bytes, int from, int count) throws IOException {
      throw new IOException("the disk is gone");
    }
  }

  private List<List<String>> stored() {
    return server.rowsIn(database, "SELECT convert_from(content, 'UTF8') FROM files ORDER BY id");
  }

  @Test
  void itIsStoredWholeThoughItsStatementHasToBeRunAgain() {
    String sql = "INSERT INTO files (content) VALUES ($1) RETURNING *";
    connection.fetchRow(sql, stream("first")).await();
    server.sqlIn(database, "ALTER TABLE files ADD COLUMN one int4");
    connection.fetchRow(sql, stream("second")).await();
    server.sqlIn(database, "ALTER TABLE files ADD COLUMN two int4");
    try (RowStream rows = connection.stream(sql, stream("third"))) {
      assertThat(rows).hasSize(1);
    }
    String fromList = "INSERT INTO files (content) SELECT unnest($1::bytea[]) RETURNING *";
    connection.fetchRow(fromList, List.of(stream("fourth"))).await();
    server.sqlIn(database, "ALTER TABLE files ADD COLUMN three int4");
    connection.fetchRow(fromList, List.of(stream("fifth"))).await();
    assertThat(stored())
        .containsExactly(
            List.of("first"),
            List.of("second"),
            List.of("third"),
            List.of("fourth"),
            List.of("fifth"));
  }

  @Test
  void itIsReadByTheThreadThatMakesTheCallBeforeThatReturns() {
    List<Watched> all = new ArrayList<>();
    PgStatement held = connection.prepare("SELECT $1::bytea").await();
    PgBatch batch = connection.batch();
    connection.fetch("SELECT $1::bytea", watched(all)).await();
    connection.stream("SELECT $1::bytea", watched(all)).close();
    connection.copyRows("SELECT $1::bytea", watched(all)).close();
    connection
        .copyFromQuery(
            "SELECT $1::bytea",
            List.of(watched(all)),
            CopySink.to(new java.io.ByteArrayOutputStream()),
            CopyOptions.text())
        .await();
    PgFuture<Integer> length =
        batch.fetchValue(Integer.class, "SELECT length($1::bytea)", watched(all));
    batch.run().await();
    held.fetch(watched(all)).await();
    PgFuture<String> plan = held.explainAnalyze(watched(all));
    assertThat(all).hasSize(7).allSatisfy(each -> assertThat(each.readBy).isNotNull());
    assertThat(plan.await()).contains("Actual Rows");
    assertThat(length.await()).isEqualTo(4);
    assertThat(all).allSatisfy(each -> assertThat(each.readBy).isSameAs(Thread.currentThread()));
  }

  private static InputStream watched(List<Watched> all) {
    Watched made = new Watched();
    all.add(made);
    return made;
  }

  @Test
  void theCallersArrayIsLeftAsItIs() {
    InputStream[] streams = {stream("a"), stream("b")};
    InputStream first = streams[0];
    assertThat(
            connection
                .fetchValue(
                    String.class,
                    "SELECT convert_from($1::bytea || $2::bytea, 'UTF8')",
                    (Object[]) streams)
                .await())
        .isEqualTo("ab");
    assertThat(streams[0]).isSameAs(first);
  }

  @Test
  void oneThatCannotBeReadFailsItsCallAlone() {
    PgFuture<CommandTag> broken =
        connection.execute(
            "INSERT INTO files (content) VALUES ($1::bytea || $2)", new byte[1], new Broken());
    PgFuture<CommandTag> fine =
        connection.execute("INSERT INTO files (content) VALUES ($1)", stream("fine"));
    assertThatThrownBy(broken::await)
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("argument 2 of")
        .hasMessageContaining("cannot be read")
        .rootCause()
        .hasMessage("the disk is gone");
    fine.await();
    assertThat(stored()).containsExactly(List.of("fine"));
  }

  @Test
  void whatItThrowsSaysNothingOfItsStatementWhichStaysPrepared() {
    String sql = "SELECT length($1::bytea)";
    connection.fetch(sql, stream("x")).await();
    List<QueryEvent> events = new CopyOnWriteArrayList<>();
    connection.addQueryListener(events::add);
    Error theirs = new StackOverflowError("on purpose");
    InputStream tooDeep =
        new InputStream() {
          @Override
          public int read() {
            throw theirs;
          }

          @Override
          public int read(byte[] bytes, int from, int count) {
            throw theirs;
          }
        };
    PgFuture<Rows> broken = connection.fetch(sql, tooDeep);
    assertThatThrownBy(broken::await).isInstanceOf(PgCodecException.class).hasRootCause(theirs);
    connection.fetch(sql, stream("y")).await();
    assertThat(events).hasSize(2);
    assertThat(events.get(1).cached()).isTrue();
  }

  @Test
  void oneThatMightBlockTheEventLoopIsRefusedWhereItIsReadThere() {
    PgConnection bounded = connection.withTimeout(Duration.ofSeconds(60));
    String insert = "INSERT INTO files (content) VALUES ($1)";
    InputStream silent = new PipedInputStream();
    assertRefused(bounded.executeMany(insert, List.of(List.of(stream("x")), List.of(silent))));
    assertRefused(bounded.insertMany(insert, List.of(List.of(stream("x")), List.of(silent))));
    assertRefused(
        bounded.copyRecordsToTable("files", List.of("content"), List.of(List.of(silent))));
    assertRefused(bounded.fetch("SELECT $1::bytea[]", List.of(silent)));
    assertRefused(bounded.fetch("SELECT $1::file", Map.of("content", silent)));
    assertThat(stored()).isEmpty();
    bounded.executeMany(insert, List.of(List.of(stream("x")), List.of(stream("y")))).await();
    assertThat(stored()).containsExactly(List.of("x"), List.of("y"));
  }

  private static void assertRefused(PgFuture<?> call) {
    assertThatThrownBy(call::await)
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.io.PipedInputStream might block here")
        .hasMessageContaining("pass its bytes");
  }

  @Test
  void whereNoStreamIsTakenTheErrorNamesWhatWasGiven() {
    assertThatThrownBy(() -> connection.fetch("SELECT $1::int4", stream("seen")).await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.io.InputStream cannot become int4");
  }
}
