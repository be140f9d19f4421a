package io.asyncpg.examples;

import io.asyncpg.client.PgConnection;
import io.asyncpg.testkit.TestServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A database and a connection to it for each test of a page. */
abstract class InADatabase {
  final TestServer server = TestServer.shared();
  String database;
  String dsn;
  PgConnection connection;

  @BeforeEach
  void connect() {
    database = server.createDatabase();
    dsn = server.dsn(database);
    connection = PgConnection.connect(dsn).await();
  }

  @AfterEach
  void drop() {
    connection.close();
    connection.closed().await();
    server.dropDatabase(database);
  }
}
