package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each example runs to its end, in an empty database, and prints what its page says. */
class ExamplesTest {
  private final TestServer server = TestServer.shared();
  private String database;

  private interface Program {
    void run(String[] args) throws Exception;
  }

  @BeforeEach
  void nameAnEmptyDatabase() {
    database = server.createDatabase();
    System.setProperty("asyncpg.example.dsn", server.dsn(database));
  }

  @AfterEach
  void drop() {
    System.clearProperty("asyncpg.example.dsn");
    server.dropDatabase(database);
  }

  private static String printed(Program program, String... args) throws Exception {
    PrintStream before = System.out;
    var bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      program.run(args);
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void quickstartGoesThroughTheMainJob() throws Exception {
    assertThat(printed(Quickstart::main))
        .contains(
            "constraint person_name_key",
            "The least balance now: 0.10",
            "sum of squares: 333,833,500",
            "Done.");
  }

  @Test
  void poolTransferLosesNoMoney() throws Exception {
    assertThat(printed(PoolTransfer::main))
        .contains(
            "Everybody who looked in between found 50,000: true",
            "Sum at the end: 50,000, at the start: 50,000");
  }

  @Test
  void streamingExportWritesEveryRow() throws Exception {
    assertThat(printed(StreamingExport::main, "100000")).contains("100,000 rows in");
  }

  @Test
  void bulkLoadGoesInAndOut() throws Exception {
    assertThat(printed(BulkLoad::main, "100000"))
        .contains("100 %", "rows out: 200,000, 19.95 degrees");
  }

  @Test
  void listenEventsMissesNothing() throws Exception {
    assertThat(printed(ListenEvents::main))
        .contains(
            "heard of order 1: cup",
            "heard of order 2: saucer",
            "a gap",
            ": teapot",
            "heard of order 4: spoon");
  }

  @Test
  void jsonDocumentsComeBack() throws Exception {
    assertThat(printed(JsonDocuments::main))
        .contains(
            "whoever ordered a cup: [Ann]",
            "as a generic type: [Line[item=cup, count=2], Line[item=saucer, count=2]]",
            "in lines[0].count");
  }

  @Test
  void virtualThreadsWebAnswersEveryRequest() throws Exception {
    assertThat(printed(VirtualThreadsWeb::main))
        .contains("500 requests at once, 500 right answers", "10 connections did it")
        .contains(
            Runtime.version().feature() >= 21 ? "a virtual thread for" : "has no virtual threads");
  }

  @Test
  void replicaRoutingFollowsThePrimary() throws Exception {
    assertThat(printed(ReplicaRouting::main))
        .contains(
            "writes go to the primary",
            "reads go to the standby",
            "the standby has 2 items",
            "INSERT 0 1",
            "items: [cup, saucer, teapot]");
  }
}
