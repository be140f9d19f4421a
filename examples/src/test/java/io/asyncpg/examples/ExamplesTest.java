package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

  /** What the page shows of an example, up to the numbers and an exception's class. */
  private static void assertThatThePageShows(String example, String printed) throws Exception {
    Matcher shown =
        Pattern.compile("\n## " + example + "\n.*?```\n.*?```.*?```\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("../docs/examples.md")));
    assertThat(shown.find()).as("what " + example + " prints, on the page").isTrue();
    List<String> lines =
        alike(shown.group(1))
            .lines()
            .filter(line -> !line.isBlank() && !line.strip().equals("…"))
            .toList();
    assertThat(lines).isNotEmpty();
    assertThat(alike(printed).split("[\r\n]+")).containsAll(lines);
  }

  private static String alike(String text) {
    return text.replaceAll(" *[0-9][0-9,.]*", "#").replaceAll("\\w+Exception", "Exception");
  }

  @Test
  void quickstartGoesThroughTheMainJob() throws Exception {
    String printed = printed(Quickstart::main);
    assertThatThePageShows("quickstart", printed);
    assertThat(printed)
        .contains(
            "constraint person_name_key",
            "The least balance now: 0.10",
            "sum of squares: 333,833,500",
            "Done.");
  }

  @Test
  void poolTransferLosesNoMoney() throws Exception {
    String printed = printed(PoolTransfer::main);
    assertThatThePageShows("pool-transfer", printed);
    assertThat(printed)
        .contains(
            "Everybody who looked in between found 50,000: true",
            "Sum at the end: 50,000, at the start: 50,000");
  }

  @Test
  void streamingExportWritesEveryRow() throws Exception {
    String printed = printed(StreamingExport::main, "100000");
    assertThatThePageShows("streaming-export", printed);
    assertThat(printed).contains("100,000 rows in");
  }

  @Test
  void bulkLoadGoesInAndOut() throws Exception {
    String printed = printed(BulkLoad::main, "100000");
    assertThatThePageShows("bulk-load", printed);
    assertThat(printed).contains("100 %", "rows out: 200,000, 19.95 degrees");
  }

  @Test
  void listenEventsMissesNothing() throws Exception {
    String printed = printed(ListenEvents::main);
    // It is heard of as well, or instead, if the listener was back before it was ordered.
    String missed = "  looked up what was ordered in it: teapot";
    assertThatThePageShows(
        "listen-events", printed.replaceAll("heard of order \\d+: teapot", missed));
    assertThat(printed)
        .contains(
            "heard of order 1: cup",
            "heard of order 2: saucer",
            "a gap",
            ": teapot",
            "heard of order 4: spoon");
  }

  @Test
  void jsonDocumentsComeBack() throws Exception {
    String printed = printed(JsonDocuments::main);
    assertThatThePageShows("json-documents", printed);
    assertThat(printed)
        .contains(
            "whoever ordered a cup: [Ann]",
            "as a generic type: [Line[item=cup, count=2], Line[item=saucer, count=2]]",
            "in lines[0].count");
  }

  @Test
  void virtualThreadsWebAnswersEveryRequest() throws Exception {
    String printed = printed(VirtualThreadsWeb::main);
    if (Runtime.version().feature() >= 21) {
      assertThatThePageShows("virtual-threads-web", printed);
    }
    assertThat(printed)
        .contains("500 requests at once, 500 right answers", "10 connections did it")
        .contains(
            Runtime.version().feature() >= 21 ? "a virtual thread for" : "has no virtual threads");
  }

  @Test
  void replicaRoutingFollowsThePrimary() throws Exception {
    String printed = printed(ReplicaRouting::main);
    assertThatThePageShows("replica-routing", printed);
    assertThat(printed)
        .contains(
            "writes go to the primary",
            "reads go to the standby",
            "the standby has 2 items",
            "INSERT 0 1",
            "items: [cup, saucer, teapot]");
  }
}
