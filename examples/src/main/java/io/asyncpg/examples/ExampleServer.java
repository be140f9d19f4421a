package io.asyncpg.examples;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;

/**
 * Where an example runs: in the database that is named with {@code -Dasyncpg.example.dsn=…}, which
 * should be an empty one, else on an embedded PostgreSQL that is started for it.
 *
 * @param dsn how to connect
 * @param end stops it, if it was started here
 */
record ExampleServer(String dsn, Runnable end) implements AutoCloseable {
  /** For a server to start, on a machine that has much else to do. */
  static final Duration PATIENCE = Duration.ofMinutes(1);

  static ExampleServer open() {
    String named = System.getProperty("asyncpg.example.dsn");
    if (named != null) {
      return new ExampleServer(named, () -> {});
    }
    try {
      EmbeddedPostgres embedded = EmbeddedPostgres.builder().setPGStartupWait(PATIENCE).start();
      return new ExampleServer(
          "postgresql://postgres@localhost:" + embedded.getPort() + "/postgres",
          () -> stop(embedded));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void stop(EmbeddedPostgres embedded) {
    try {
      embedded.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    end.run();
  }
}
