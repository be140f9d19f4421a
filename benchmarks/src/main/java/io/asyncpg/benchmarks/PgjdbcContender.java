package io.asyncpg.benchmarks;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * pgjdbc: server-prepared from the first execution, binary transfer, a thread for each connection.
 * It does not pipeline queries; with {@code rewrite} it makes one INSERT of many.
 */
final class PgjdbcContender implements Contender {
  private static final int CHUNK = 64 * 1024;

  private final boolean rewrite;
  // Living on between slices, so that what they allocate is counted.
  private final ExecutorService threads = Executors.newFixedThreadPool(10);
  private final List<Connection> connections = new ArrayList<>();
  private final List<Map<String, PreparedStatement>> statements = new ArrayList<>();
  private @Nullable Place server;

  PgjdbcContender(boolean rewrite) {
    this.rewrite = rewrite;
  }

  @Override
  public void open(Place server, int count) throws SQLException {
    this.server = server;
    for (int i = 0; i < count; i++) {
      connections.add(connect());
      statements.add(new HashMap<>());
    }
  }

  private Connection connect() throws SQLException {
    Place to = Objects.requireNonNull(server);
    Properties properties = new Properties();
    properties.setProperty("user", to.user());
    properties.setProperty("prepareThreshold", "1");
    properties.setProperty("binaryTransfer", "true");
    properties.setProperty("reWriteBatchedInserts", String.valueOf(rewrite));
    return DriverManager.getConnection(
        "jdbc:postgresql://" + to.host() + ":" + to.port() + "/" + to.database(), properties);
  }

  @Override
  public void run(Lanes lanes) throws Exception {
    Lanes.Blocking operation =
        switch (lanes.workload) {
          case EXECUTE_MANY -> this::executeMany;
          case COPY_IN -> this::copyIn;
          case COLD, COLD_TOGETHER -> this::cold;
          case MILLION_BOUNDED, REPLAYED_BOUNDED -> this::bounded;
          default -> lane -> query(lanes.workload, lane);
        };
    lanes.run(threads, operation);
  }

  private PreparedStatement statement(Lanes.Lane lane, String sql) throws SQLException {
    Map<String, PreparedStatement> known = statements.get(lane.connection);
    PreparedStatement statement = known.get(sql);
    if (statement == null) {
      String withMarks = sql.replaceAll("\\$\\d", "?");
      statement = connections.get(lane.connection).prepareStatement(withMarks);
      known.put(sql, statement);
    }
    return statement;
  }

  private long query(Workload workload, Lanes.Lane lane) throws SQLException {
    PreparedStatement statement = statement(lane, workload.sql);
    if (workload.byKey()) {
      statement.setInt(1, lane.nextKey());
    }
    try (ResultSet rows = statement.executeQuery()) {
      lane.loaded();
      return fold(workload, rows);
    }
  }

  private static long fold(Workload workload, ResultSet rows) throws SQLException {
    long sum = 0;
    switch (workload) {
      case SELECT_1, INTS -> {
        while (rows.next()) {
          sum += rows.getInt(1);
        }
      }
      case MIXED -> {
        while (rows.next()) {
          sum += mixed(rows);
        }
      }
      case BYTES -> {
        while (rows.next()) {
          sum += Fold.of(rows.getBytes(1)) + Fold.of(rows.getString(2));
        }
      }
      case ARRAYS -> {
        while (rows.next()) {
          sum += Fold.of((Integer[]) rows.getArray(1).getArray());
        }
      }
      case MILLION, MILLION_BOUNDED, REPLAYED, REPLAYED_BOUNDED -> {
        while (rows.next()) {
          sum += eight(rows);
        }
      }
      default -> {
        while (rows.next()) {
          sum += rows.getInt(1) + Fold.of(rows.getString(2)) + rows.getLong(3);
        }
      }
    }
    return sum;
  }

  private static long mixed(ResultSet row) throws SQLException {
    long sum = 0;
    for (int c = 1; c < 21; c += 10) {
      sum += row.getInt(c);
      sum += row.getLong(c + 1);
      sum += Fold.of(row.getString(c + 2));
      sum += Fold.of(row.getObject(c + 3, OffsetDateTime.class));
      sum += Fold.of(row.getDouble(c + 4));
      sum += Fold.of(row.getBigDecimal(c + 5));
      sum += Fold.of(row.getBoolean(c + 6));
      sum += Fold.of(row.getObject(c + 7, UUID.class));
      sum += row.getInt(c + 8);
      sum += Fold.of(row.getString(c + 9));
    }
    return sum;
  }

  private static long eight(ResultSet row) throws SQLException {
    return row.getInt(1)
        + row.getLong(2)
        + Fold.of(row.getString(3))
        + Fold.of(row.getObject(4, OffsetDateTime.class))
        + Fold.of(row.getDouble(5))
        + Fold.of(row.getBigDecimal(6))
        + Fold.of(row.getBoolean(7))
        + Fold.of(row.getObject(8, UUID.class));
  }

  private long bounded(Lanes.Lane lane) throws SQLException {
    Connection connection = connections.get(lane.connection);
    connection.setAutoCommit(false);
    PreparedStatement statement = statement(lane, Workload.MILLION_BOUNDED.sql);
    statement.setFetchSize(Workload.PORTION);
    try (ResultSet rows = statement.executeQuery()) {
      return fold(Workload.MILLION_BOUNDED, rows);
    } finally {
      statement.setFetchSize(0);
      connection.commit();
      connection.setAutoCommit(true);
    }
  }

  private long executeMany(Lanes.Lane lane) throws SQLException {
    Connection connection = connections.get(lane.connection);
    connection.setAutoCommit(false);
    PreparedStatement statement = statement(lane, Workload.EXECUTE_MANY.sql);
    for (Item item : Item.ITEMS) {
      statement.setInt(1, item.id());
      statement.setString(2, item.name());
      statement.setLong(3, item.amount());
      statement.setDouble(4, item.price());
      statement.addBatch();
    }
    int executed = statement.executeBatch().length;
    connection.commit();
    connection.setAutoCommit(true);
    return executed;
  }

  private long copyIn(Lanes.Lane lane) throws SQLException {
    CopyIn copy =
        connections
            .get(lane.connection)
            .unwrap(PGConnection.class)
            .getCopyAPI()
            .copyIn("COPY " + Workload.COPY_IN.sql + " (id, name, amount, price) FROM STDIN");
    StringBuilder text = new StringBuilder(CHUNK + 1024);
    for (Item item : Item.MILLION) {
      item.appendTo(text);
      if (text.length() >= CHUNK) {
        write(copy, text);
      }
    }
    write(copy, text);
    return copy.endCopy();
  }

  private static void write(CopyIn copy, StringBuilder text) throws SQLException {
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    copy.writeToCopy(bytes, 0, bytes.length);
    text.setLength(0);
  }

  private long cold(Lanes.Lane lane) throws SQLException {
    long sum = 0;
    try (Connection connection = connect()) {
      lane.restart();
      for (int i = 1; i <= Workload.COLD_STATEMENTS; i++) {
        try (PreparedStatement statement =
            connection.prepareStatement(Workload.COLD.coldSql(i).replace("$1", "?"))) {
          statement.setInt(1, i);
          try (ResultSet rows = statement.executeQuery()) {
            sum += fold(Workload.COLD, rows);
          }
        }
      }
      lane.stop();
    }
    return sum;
  }

  @Override
  public void disconnect() throws SQLException {
    for (Connection connection : connections) {
      connection.close();
    }
    connections.clear();
    statements.clear();
  }

  @Override
  public void close() throws SQLException {
    disconnect();
    threads.shutdown();
  }
}
