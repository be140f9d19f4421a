package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.testkit.FaultyProxy;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.testkit.WireLines;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What the operations that matter cost on the wire: messages, round trips, bytes. None of it
 * depends on the machine, so that a change for the worse is seen here first.
 */
class WireCostTest {
  private static final String BY_KEY = "SELECT id, name, amount FROM cost WHERE id = $1";
  private static final String INSERT = "INSERT INTO cost VALUES ($1, $2, $3)";
  private static final int ROWS = 1_000;

  private final TestServer server = TestServer.shared();
  private final String database = server.createDatabase();
  private final FaultyProxy proxy = FaultyProxy.before(server);
  private final WireLines lines = new WireLines();
  private PgConnection connection;
  private long sentBefore;
  private long receivedBefore;

  @BeforeEach
  void connect() {
    server.sqlIn(
        database,
        "CREATE TABLE cost(id int4, name text, amount int8)",
        "INSERT INTO cost VALUES (1, 'name', 100)");
    connection =
        PgConnection.connect(
                PgConfig.parse(server.dsn(database)).toBuilder()
                    .host(proxy.host())
                    .port(proxy.port())
                    .build())
            .await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
    lines.close();
    proxy.close();
    server.dropDatabase(database);
  }

  private void beginToCount() {
    lines.clear();
    sentBefore = proxy.bytesToServer();
    receivedBefore = proxy.bytesToClient();
  }

  /** What this side said, by message. */
  private Map<String, Integer> messages() {
    Map<String, Integer> counts = new TreeMap<>();
    lines.sent(connection.serverPid()).forEach(name -> counts.merge(name, 1, Integer::sum));
    return counts;
  }

  /** How often the server spoke after this side had. */
  private int roundTrips() {
    int count = 0;
    boolean asked = false;
    for (String line : lines.all()) {
      if (line.contains("#" + connection.serverPid() + "] F\t")) {
        asked = true;
      } else if (asked && line.contains("#" + connection.serverPid() + "] B\t")) {
        count++;
        asked = false;
      }
    }
    return count;
  }

  private void assertBytes(long sent, long received) {
    assertThat(List.of(proxy.bytesToServer() - sentBefore, proxy.bytesToClient() - receivedBefore))
        .as("bytes sent and received")
        .containsExactly(sent, received);
  }

  private static List<Object[]> rows() {
    return IntStream.range(0, ROWS).mapToObj(i -> new Object[] {i, "name", 100L}).toList();
  }

  @Test
  void aSimpleQueryCostsOneMessage() {
    beginToCount();
    connection.execute("SELECT 1; SELECT 2").await();
    assertThat(messages()).isEqualTo(Map.of("Query", 1));
    assertThat(roundTrips()).isEqualTo(1);
    // Query 24; twice RowDescription 34, DataRow 12, CommandComplete 14; ReadyForQuery 6.
    assertBytes(24, 2 * 60 + 6);
  }

  @Test
  void aColdRowByKeyCostsTwoRoundTrips() {
    beginToCount();
    assertThat(connection.fetchRow(BY_KEY, 1).await()).isPresent();
    assertThat(messages())
        .isEqualTo(Map.of("Parse", 1, "Describe", 1, "Bind", 1, "Execute", 1, "Sync", 2));
    assertThat(roundTrips()).isEqualTo(2);
    // What a warm one costs, and Parse 64, Describe 17, Sync 5; ParseComplete 5,
    // ParameterDescription 11, RowDescription 76, ReadyForQuery 6.
    assertBytes(49 + 86, 51 + 98);
  }

  @Test
  void aWarmRowByKeyCostsOneRoundTripAndAHundredBytes() {
    connection.fetchRow(BY_KEY, 1).await();
    beginToCount();
    assertThat(connection.fetchRow(BY_KEY, 1).await()).isPresent();
    assertThat(messages()).isEqualTo(Map.of("Bind", 1, "Execute", 1, "Sync", 1));
    assertThat(roundTrips()).isEqualTo(1);
    // Bind 34, Execute 10, Sync 5; BindComplete 5, DataRow 35, PortalSuspended 5, ReadyForQuery 6.
    assertBytes(49, 51);
  }

  @Test
  void sixtyFourInFlightCostNoMoreThanSixtyFour() {
    connection.fetchRow(BY_KEY, 1).await();
    beginToCount();
    List<PgFuture<?>> answers =
        IntStream.range(0, 64).<PgFuture<?>>mapToObj(i -> connection.fetchRow(BY_KEY, 1)).toList();
    answers.forEach(PgFuture::await);
    assertThat(messages()).isEqualTo(Map.of("Bind", 64, "Execute", 64, "Sync", 64));
    assertBytes(64 * 49, 64 * 51);
  }

  @Test
  void executeManyCostsABindAndAnExecuteARowUnderOneSync() {
    connection.execute(INSERT, 0, "warm", 0L).await();
    beginToCount();
    assertThat(connection.executeMany(INSERT, rows()).await().total()).isEqualTo(ROWS);
    assertThat(messages()).isEqualTo(Map.of("Bind", ROWS, "Execute", ROWS, "Sync", 1));
    // Bind 52, Execute 10; BindComplete 5, CommandComplete 16.
    assertBytes(ROWS * 62L + 5, ROWS * 21L + 6);
  }

  @Test
  void aTransactionOfOneStatementCostsTwoRoundTrips() {
    connection.execute(INSERT, 0, "warm", 0L).await();
    beginToCount();
    connection.transaction(tx -> tx.execute(INSERT, 1, "name", 100L)).await();
    assertThat(messages())
        .isEqualTo(Map.of("Parse", 1, "Bind", 2, "Execute", 2, "Sync", 1, "Query", 1));
    assertThat(roundTrips()).isEqualTo(2);
    // Parse 14, Bind 13 and Execute 10 of BEGIN, 62 of the statement, Sync 5, Query 12.
    assertBytes(116, 66);
  }

  @Test
  void aResultOfAThousandRowsCostsItsRowsInOneRoundTrip() {
    String sql = "SELECT i FROM generate_series(1, 1000) i";
    connection.fetch(sql).await();
    beginToCount();
    assertThat(connection.fetch(sql).await()).hasSize(1_000);
    assertThat(messages()).isEqualTo(Map.of("Bind", 1, "Execute", 1, "Sync", 1));
    assertThat(roundTrips()).isEqualTo(1);
    // A DataRow of one int4 is 15 bytes; BindComplete 5, CommandComplete 17, ReadyForQuery 6.
    assertBytes(41, 1_000 * 15 + 28);
  }

  @Test
  void insertManyCostsItsValuesInThreeRoundTrips() {
    String insert = "INSERT INTO cost (id, name, amount) VALUES ($1, $2, $3)";
    connection.insertMany(insert, rows()).await();
    beginToCount();
    assertThat(connection.insertMany(insert, rows()).await().total()).isEqualTo(ROWS);
    // BEGIN with the question about the columns, the arrays, COMMIT.
    assertThat(messages())
        .isEqualTo(Map.of("Parse", 1, "Bind", 3, "Execute", 3, "Sync", 2, "Query", 1));
    assertThat(roundTrips()).isEqualTo(3);
    // In its array an int4 is 8 bytes, the text 8, an int8 12.
    assertBytes(ROWS * 28L + 209, 235);
  }

  @Test
  void copyOfRecordsCostsThemInThreeRoundTrips() {
    List<String> columns = List.of("id", "name", "amount");
    connection.copyRecordsToTable("cost", columns, rows()).await();
    beginToCount();
    connection.copyRecordsToTable("cost", columns, rows()).await();
    // The question about the columns, COPY, and when the server is ready for them, the records.
    assertThat(messages())
        .isEqualTo(
            Map.of(
                "Parse",
                1,
                "Bind",
                1,
                "Execute",
                1,
                "Sync",
                1,
                "Query",
                1,
                "CopyData",
                1,
                "CopyDone",
                1));
    assertThat(roundTrips()).isEqualTo(3);
    // A record is 30 bytes: a count of 2, lengths of 4, values of 4, 4 and 8.
    assertBytes(ROWS * 30L + 427, 164);
  }

  @Test
  void copyOutCostsOneRoundTrip() {
    connection.copyRecordsToTable("cost", List.of("id", "name", "amount"), rows()).await();
    beginToCount();
    connection
        .copyFromTable("cost", CopySink.to(OutputStream.nullOutputStream()), CopyOptions.binary())
        .await();
    assertThat(messages()).isEqualTo(Map.of("Query", 1));
    assertThat(roundTrips()).isEqualTo(1);
    // There was one row before. Each has a CopyData of its own; header 19, trailer 7,
    // CopyOutResponse 14, CopyDone 5, CommandComplete 15, ReadyForQuery 6.
    assertBytes(48, (ROWS + 1) * 35L + 66);
  }
}
