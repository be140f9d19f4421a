package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CopyTest {
  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    connection.execute("CREATE TEMP TABLE copied(id int4, name text, born date)").await();
  }

  @AfterEach
  void close() {
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
    connection.close();
    connection.closed().await();
  }

  private static CopySource bytes(String text) {
    return CopySource.from(text.getBytes(StandardCharsets.UTF_8));
  }

  private String out(CopyOptions options) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    connection.copyFromTable("copied", CopySink.to(out), options).await();
    return out.toString(StandardCharsets.UTF_8);
  }

  private long count() {
    return connection.fetchValue(Long.class, "SELECT count(*) FROM copied").await();
  }

  @Test
  void textComesBackAsItWent() {
    String text = "1\tAl\t2001-02-03\n2\t\\N\t\\N\n3\ta\\tb\t\\N\n";
    assertThat(connection.copyToTable("copied", bytes(text), CopyOptions.text()).await())
        .hasToString("COPY 3");
    assertThat(out(CopyOptions.text())).isEqualTo(text);
    assertThat(out(CopyOptions.text().columns("name", "id").delimiter('|').nullString("-")))
        .isEqualTo("Al|1\n-|2\na\\tb|3\n");
  }

  @Test
  void csvHasItsOptions() {
    CopyOptions options =
        CopyOptions.csv().columns("id", "name").header().quote('\'').escape('\\').nullString("-");
    connection.copyToTable("copied", bytes("id,name\n1,'it\\'s'\n2,-\n3,'-'\n"), options).await();
    assertThat(out(options.forceQuote("name"))).isEqualTo("id,name\n1,'it\\'s'\n2,-\n3,'-'\n");
    assertThat(
            connection
                .copyToTable(
                    "copied",
                    bytes("4,x\n5,y\n"),
                    CopyOptions.csv().columns("id", "name").where("id > 4"))
                .await())
        .hasToString("COPY 1");
  }

  @Test
  void aFileGoesOutAndComesBackInBinary(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("copied.bin");
    connection
        .execute(
            "INSERT INTO copied SELECT i, 'n' || i, '2020-01-01' FROM generate_series(1, 50000) i")
        .await();
    assertThat(connection.copyFromTable("copied", CopySink.to(file), CopyOptions.binary()).await())
        .hasToString("COPY 50000");
    assertThat(Files.size(file)).isGreaterThan(1_000_000);
    assertThat(
            connection.copyToTable("copied", CopySource.from(file), CopyOptions.binary()).await())
        .hasToString("COPY 50000");
    assertThat(count()).isEqualTo(100_000);
  }

  @Test
  void aQueryTakesArgumentsThatTheServerQuotes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    connection
        .copyFromQuery(
            "SELECT $1::text AS \"$1\", $2 + 1, '$1', $$ $2 $$, $3::date /* $1 */ -- $2",
            Arrays.asList("O'Br\\ien", 41, LocalDate.of(2001, 2, 3)),
            CopySink.to(out),
            CopyOptions.csv().header())
        .await();
    assertThat(out.toString(StandardCharsets.UTF_8))
        .isEqualTo("$1,?column?,?column?,?column?,date\nO'Br\\ien,42,$1, $2 ,2001-02-03\n");
    out.reset();
    connection
        .copyFromQuery(
            "SELECT $1::int4[], $2::text",
            Arrays.asList(List.of(1, 2), null),
            CopySink.to(out),
            CopyOptions.text())
        .await();
    assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("{1,2}\t\\N\n");
    assertThatThrownBy(
            () ->
                connection
                    .copyFromQuery(
                        "SELECT $1::int4", List.of("x"), CopySink.to(out), CopyOptions.text())
                    .await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("argument 1");
    assertThatThrownBy(
            () ->
                connection
                    .copyFromQuery(
                        "SELECT $1::int4", List.of(1, 2), CopySink.to(out), CopyOptions.text())
                    .await())
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void publishedBytesArrive() {
    try (SubmissionPublisher<ByteBuffer> publisher = new SubmissionPublisher<>()) {
      PgFuture<CommandTag> copied =
          connection.copyToTable(
              "copied", CopySource.from(publisher), CopyOptions.csv().columns("id"));
      IntStream.range(0, 3000)
          .forEach(
              i -> publisher.submit(ByteBuffer.wrap((i + "\n").getBytes(StandardCharsets.UTF_8))));
      publisher.close();
      assertThat(copied.await()).hasToString("COPY 3000");
    }
  }

  @Test
  void aSlowSinkGetsOneChunkAtATime() {
    List<Integer> sizes = new ArrayList<>();
    CommandTag tag =
        connection
            .copyFromQuery(
                "SELECT repeat('x', 1000) FROM generate_series(1, 10000)",
                List.of(),
                CopySink.to(
                    chunk -> {
                      sizes.add(chunk.remaining());
                      return CompletableFuture.runAsync(
                          () -> {}, CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS));
                    }),
                CopyOptions.text())
            .await();
    assertThat(tag.rows()).isEqualTo(10_000);
    assertThat(sizes.stream().mapToInt(i -> i).sum()).isEqualTo(10_010_000);
  }

  record Person(String name, int id, LocalDate born) {}

  @Test
  void recordsAreTypedByTheColumns() {
    assertThat(
            connection
                .copyRecordsToTable(
                    "copied",
                    List.of("id", "name"),
                    List.of(new Object[] {1, "a"}, Arrays.asList(2, null)))
                .await())
        .hasToString("COPY 2");
    connection
        .copyRecordsToTable(
            "copied", List.of(), List.of(new Person("c", 3, LocalDate.of(2001, 2, 3))))
        .await();
    assertThat(out(CopyOptions.csv())).isEqualTo("1,a,\n2,,\n3,c,2001-02-03\n");
    connection
        .copyRecordsToTable(
            "copied",
            List.of("id"),
            List.of(List.of(8), List.of(9)),
            CopyOptions.binary().where("id = 9"))
        .await();
    assertThat(count()).isEqualTo(4);
  }

  @Test
  void aColumnWithoutBinaryFormatMakesItText() {
    connection.execute("CREATE TEMP TABLE texts(i int4, acl aclitem, t text)").await();
    connection
        .copyRecordsToTable(
            "texts",
            List.of(),
            List.of(
                Arrays.asList(1, "postgres=r/postgres", "a\tb\\c\nd\re"),
                Arrays.asList(null, null, "\\N")))
        .await();
    Rows rows = connection.fetch("SELECT i, acl::text, t FROM texts").await();
    assertThat(rows.get(0).getString(1)).isEqualTo("postgres=r/postgres");
    assertThat(rows.get(0).getString(2)).isEqualTo("a\tb\\c\nd\re");
    assertThat(rows.get(1).isNull(0)).isTrue();
    assertThat(rows.get(1).getString(2)).isEqualTo("\\N");
  }

  @Test
  void twoHundredThousandLazyRowsArrive() {
    Iterable<Object[]> rows =
        () -> IntStream.range(0, 200_000).mapToObj(i -> new Object[] {i, "n" + i}).iterator();
    assertThat(connection.copyRecordsToTable("copied", List.of("id", "name"), rows).await().rows())
        .isEqualTo(200_000);
  }

  @Test
  void aRecordThatDoesNotFitNamesItsRowAndColumnAndNothingIsKept() {
    List<Object> rows = new ArrayList<>();
    IntStream.range(0, 50_000).forEach(i -> rows.add(List.of(i, "n")));
    rows.set(40_000, List.of("x", "n"));
    assertThatThrownBy(
            () -> connection.copyRecordsToTable("copied", List.of("id", "name"), rows).await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("row 40000, column 0 (id, int4)");
    rows.set(40_000, List.of(1));
    assertThatThrownBy(
            () -> connection.copyRecordsToTable("copied", List.of("id", "name"), rows).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("row 40000 for copied: it has 1 values, but there are 2 columns");
    assertThatThrownBy(
            () ->
                connection
                    .copyRecordsToTable("copied", List.of("id", "nonsense"), List.of(List.of(1, 2)))
                    .await())
        .isInstanceOf(PgServerException.class);
    assertThat(count()).isZero();
  }

  @Test
  void aServerErrorInTheMiddleStopsTheSource() {
    InputStream endless =
        new InputStream() {
          private int sent;

          @Override
          public int read() {
            throw new AssertionError("read by the buffer");
          }

          @Override
          public int read(byte[] to, int from, int length) {
            byte[] line = (sent++ == 100 ? "bad\n" : "1\n").getBytes(StandardCharsets.UTF_8);
            System.arraycopy(line, 0, to, from, line.length);
            return line.length;
          }
        };
    assertThatThrownBy(
            () ->
                connection
                    .copyToTable(
                        "copied", CopySource.from(endless), CopyOptions.text().columns("id"))
                    .await())
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("22P02");
    assertThat(count()).isZero();
  }

  @Test
  void aSourceThatThrowsIsTheFailureAndNothingIsKept() {
    InputStream broken =
        new InputStream() {
          private int reads;

          @Override
          public int read() throws IOException {
            throw new IOException("disk on fire");
          }

          @Override
          public int read(byte[] to, int from, int length) throws IOException {
            if (reads++ == 3) {
              throw new IOException("disk on fire ".repeat(2000));
            }
            to[from] = '1';
            to[from + 1] = '\n';
            return 2;
          }
        };
    assertThatThrownBy(
            () ->
                connection
                    .copyToTable(
                        "copied", CopySource.from(broken), CopyOptions.text().columns("id"))
                    .await())
        .hasRootCauseInstanceOf(IOException.class)
        .hasStackTraceContaining("disk on fire");
    assertThat(count()).isZero();
    assertThatThrownBy(
            () ->
                connection
                    .copyToTable(
                        "copied",
                        CopySource.from(Path.of("no", "such", "file")),
                        CopyOptions.text())
                    .await())
        .hasRootCauseInstanceOf(java.nio.file.NoSuchFileException.class);
  }

  @Test
  void aSinkThatThrowsIsTheFailure(@TempDir Path directory) {
    OutputStream broken =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("disk full");
          }
        };
    assertThatThrownBy(
            () ->
                connection
                    .copyFromQuery(
                        "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)",
                        List.of(),
                        CopySink.to(broken),
                        CopyOptions.text())
                    .await())
        .hasRootCauseInstanceOf(IOException.class)
        .hasStackTraceContaining("disk full");
    assertThatThrownBy(
            () ->
                connection
                    .copyFromQuery(
                        "SELECT 1",
                        List.of(),
                        CopySink.to(
                            chunk -> {
                              throw new IllegalStateException("not today");
                            }),
                        CopyOptions.text())
                    .await())
        .hasMessage("not today");
    Path file = directory.resolve("nothing");
    assertThatThrownBy(
            () ->
                connection.copyFromTable("missing", CopySink.to(file), CopyOptions.text()).await())
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("42P01");
    assertThat(file).doesNotExist();
  }

  @Test
  void aTimeoutEndsACopyEitherWay() throws Exception {
    PgConnection bounded = connection.withTimeout(Duration.ofMillis(300));
    assertThatThrownBy(
            () ->
                bounded
                    .copyFromQuery(
                        "SELECT pg_sleep(30)",
                        List.of(),
                        CopySink.to(OutputStream.nullOutputStream()),
                        CopyOptions.text())
                    .await())
        .isInstanceOf(PgTimeoutException.class);
    try (SubmissionPublisher<ByteBuffer> silent = new SubmissionPublisher<>()) {
      assertThatThrownBy(
              () ->
                  bounded
                      .copyToTable("copied", CopySource.from(silent), CopyOptions.text())
                      .await())
          .isInstanceOf(PgTimeoutException.class);
      assertThat(count()).isZero();
      assertThat(silent.getNumberOfSubscribers()).isZero();
    }
  }

  @Test
  void aCopyRunsInItsTransaction() {
    try (PgTransaction transaction = connection.begin().await()) {
      transaction
          .copyToTable(
              "copied",
              CopySource.from(new ByteArrayInputStream("1\n".getBytes(StandardCharsets.UTF_8))),
              CopyOptions.text().columns("id"))
          .await();
      assertThat(count()).isEqualTo(1);
      assertThat(connection.isInTransaction()).isTrue();
    }
    try (PgTransaction transaction = connection.begin().await()) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      transaction
          .copyFromQuery("SELECT $1::int4", List.of(7), CopySink.to(out), CopyOptions.text())
          .await();
      assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("7\n");
    }
    assertThat(count()).isZero();
  }

  @Test
  void optionsThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> CopyOptions.binary().delimiter(','))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("DELIMITER");
    assertThatThrownBy(() -> CopyOptions.text().quote('"')).hasMessageContaining("not of text");
    assertThatThrownBy(() -> out(CopyOptions.text().freeze())).hasMessageContaining("into a table");
    assertThatThrownBy(() -> out(CopyOptions.text().where("true")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                connection.copyToTable("copied", bytes(""), CopyOptions.csv().forceQuote()).await())
        .hasMessageContaining("way out");
    assertThatThrownBy(
            () ->
                connection
                    .copyFromQuery(
                        "SELECT 1",
                        List.of(),
                        CopySink.to(OutputStream.nullOutputStream()),
                        CopyOptions.text().schema("s"))
                    .await())
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(CopyOptions.csv().schema("a\"b").columns("c").nullString("it's \\").toTableSql("t"))
        .isEqualTo(
            "COPY \"a\"\"b\".\"t\" (\"c\") FROM STDIN WITH (FORMAT csv, NULL E'it''s \\\\')");
  }

  @Test
  void rowsComeByABinaryCopyAsTheyDoByAQuery() {
    String sql = "SELECT i, 'n' || i AS name, NULL::date FROM generate_series(1, 20000) i";
    int expected = 1;
    for (Row row : connection.copyRows(sql)) {
      assertThat(row.getInt("i")).isEqualTo(expected);
      assertThat(row.getString("name")).isEqualTo("n" + expected);
      assertThat(row.isNull(2)).isTrue();
      expected++;
    }
    assertThat(expected).isEqualTo(20_001);
    assertThat(connection.copyRows("SELECT 1 WHERE false")).isEmpty();
    assertThat(connection.copyRows("SELECT 1;\n").iterator().next().getInt(0)).isEqualTo(1);
    assertThat(connection.copyRows("SELECT $1::int4", 5).iterator().next().getInt(0)).isEqualTo(5);
    assertThat(
            connection
                .copyRows("SELECT 'postgres=r/postgres'::aclitem")
                .iterator()
                .next()
                .getString(0))
        .isEqualTo("postgres=r/postgres");
    try (RowStream rows =
        connection.copyRows("SELECT repeat('x', 100000) FROM generate_series(1, 100)")) {
      assertThat(rows.iterator().next().getString(0)).hasSize(100_000);
    }
  }

  @Test
  void aCopyOfRowsIsStoppedAndFailsAsAStreamDoes() {
    try (RowStream rows = connection.copyRows("SELECT generate_series(1, 100000000)")) {
      assertThat(rows.iterator().next().getInt(0)).isEqualTo(1);
    }
    assertThatThrownBy(
            () ->
                connection
                    .copyRows("SELECT 1000 / (500 - i) FROM generate_series(1, 1000) i")
                    .forEach(row -> {}))
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("22012");
    try (PgTransaction transaction = connection.begin().await()) {
      assertThat(transaction.copyRows("SELECT 7").iterator().next().getInt(0)).isEqualTo(7);
      assertThat(connection.isInTransaction()).isTrue();
    }
  }

  /** The last rows and ReadyForQuery in one read, and a megabyte that nobody takes. */
  @Test
  void rowsClosedBehindTheirEndLeaveTheSocketToOthers() {
    for (int rows = 1_040; rows < 1_120; rows += 5) {
      String sql = "SELECT repeat('x', 989) FROM generate_series(1, " + rows + ")";
      try (RowStream stream = connection.copyRows(sql)) {
        Iterator<Row> iterator = stream.iterator();
        awaitIdle();
        assertThat(iterator.next().getString(0)).hasSize(989);
      }
      assertThat(
              connection
                  .withTimeout(Duration.ofSeconds(20))
                  .fetchValue(Integer.class, "SELECT 2")
                  .await())
          .isEqualTo(2);
    }
  }

  /** Until the server has sent all, and what it sent has been read as far as it will be. */
  private void awaitIdle() {
    try (PgConnection witness = PgConnection.connect(TestServer.shared().dsn()).await()) {
      String state = "SELECT state FROM pg_stat_activity WHERE pid = $1";
      String now = "";
      while (!"idle".equals(now)) {
        now = witness.fetchValue(String.class, state, connection.serverPid()).await();
      }
    }
  }

  @Test
  void argumentsAreQuotedThoughTheServerForgetsTheQueryMeanwhile() {
    String sql = "SELECT generate_series(1, $1::int4)";
    CopySink nowhere = CopySink.to(OutputStream.nullOutputStream());
    connection.copyFromQuery(sql, List.of(3), nowhere, CopyOptions.csv()).await();
    PgFuture<CommandTag> forgets = connection.execute("DEALLOCATE ALL");
    PgFuture<CommandTag> sleeps = connection.execute("SELECT pg_sleep(0.2)");
    PgFuture<CommandTag> copies =
        connection.copyFromQuery(sql, List.of(4), nowhere, CopyOptions.csv());
    PgFuture<Integer> behind = connection.fetchValue(Integer.class, "SELECT 5");
    forgets.await();
    sleeps.await();
    assertThat(copies.await()).hasToString("COPY 4");
    assertThat(behind.await()).isEqualTo(5);
  }
}
