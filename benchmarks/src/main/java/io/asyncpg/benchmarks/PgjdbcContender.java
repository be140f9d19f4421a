package io.asyncpg.benchmarks;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** pgjdbc: server-prepared from the first execution, binary transfer. It does not pipeline. */
final class PgjdbcContender implements Contender {
  private @Nullable Connection connection;

  @Override
  public void open(String host, int port, String user, String database) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", user);
    properties.setProperty("prepareThreshold", "-1");
    properties.setProperty("binaryTransfer", "true");
    connection =
        DriverManager.getConnection(
            "jdbc:postgresql://" + host + ":" + port + "/" + database, properties);
  }

  @Override
  public void run(Workload workload, long deadline, Tally tally) throws SQLException {
    try (PreparedStatement statement =
        Objects.requireNonNull(connection).prepareStatement(workload.sql.replace("$1", "?"))) {
      int key = 0;
      while (System.nanoTime() < deadline) {
        long start = System.nanoTime();
        boolean byKey = workload == Workload.ONE_ROW || workload == Workload.IN_FLIGHT_64;
        if (byKey) {
          key = key % KEYS + 1;
          statement.setInt(1, key);
        }
        long sum = 0;
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            sum +=
                byKey
                    ? rows.getInt(1) + rows.getString(2).length() + rows.getLong(3)
                    : workload == Workload.MIXED_500 ? mixed(rows) : rows.getInt(1);
          }
        }
        tally.done(start, sum);
      }
    }
  }

  private static long mixed(ResultSet row) throws SQLException {
    long sum = 0;
    for (int c = 1; c < 21; c += 10) {
      sum += row.getInt(c);
      sum += row.getLong(c + 1);
      sum += row.getString(c + 2).length();
      sum += row.getObject(c + 3, OffsetDateTime.class).toEpochSecond();
      sum += (long) row.getDouble(c + 4);
      BigDecimal amount = row.getBigDecimal(c + 5);
      sum += amount.longValue();
      sum += row.getBoolean(c + 6) ? 1 : 0;
      sum += row.getObject(c + 7, UUID.class).getLeastSignificantBits() & 0xff;
      sum += row.getInt(c + 8);
      sum += row.getString(c + 9).length();
    }
    return sum;
  }

  @Override
  public void close() throws SQLException {
    Objects.requireNonNull(connection).close();
  }
}
