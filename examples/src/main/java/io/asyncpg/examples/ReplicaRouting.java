package io.asyncpg.examples;

import static io.asyncpg.examples.Console.say;

import io.asyncpg.client.PgClient;
import io.asyncpg.pool.PgPool;
import io.asyncpg.types.value.Lsn;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A primary and its standby, both started here, behind one connection string: writes go to the
 * primary, reads to the standby, and a read may wait for its own write. Then the primary goes, the
 * standby is promoted, and the same pool finds it.
 */
public final class ReplicaRouting {
  private ReplicaRouting() {}

  /**
   * Runs it.
   *
   * @param args none
   * @throws IOException when a server cannot be started
   */
  public static void main(String[] args) throws IOException {
    Path directory = Files.createTempDirectory("replica-routing");
    EmbeddedPostgres primary = start(directory.resolve("primary"));
    EmbeddedPostgres standby = null;
    try {
      // A standby begins as a copy of the primary, made here while that stands still.
      int port = primary.getPort();
      primary.close();
      copy(directory.resolve("primary"), directory.resolve("standby"), port);
      primary = start(directory.resolve("primary"), port);
      standby = start(directory.resolve("standby"));
      PgPool pool =
          PgPool.create(
              "postgresql://postgres@localhost:%d,localhost:%d/postgres"
                  .formatted(port, standby.getPort()));
      try (pool) {
        route(pool);
        failOver(pool, primary);
      }
      pool.closed().await();
    } finally {
      primary.close();
      if (standby != null) {
        standby.close();
      }
      delete(directory);
    }
  }

  private static void route(PgPool pool) {
    PgPool writes = pool.readWrite();
    PgPool reads = pool.readOnly();
    say("writes go to the %s", kind(writes));
    say("reads go to the %s", kind(reads));

    writes.execute("CREATE TABLE item(id serial, name text)").await();
    writes.execute("INSERT INTO item(name) VALUES ('cup'), ('saucer')").await();
    // A standby is a little behind. Who must read what he wrote waits until it is there.
    Lsn written = writes.fetchValue(Lsn.class, "SELECT pg_current_wal_insert_lsn()").await();
    long start = System.nanoTime();
    while (!reads
        .fetchValue(Boolean.class, "SELECT pg_last_wal_replay_lsn() >= $1", written)
        .await()) {
      reads.execute("SELECT pg_sleep(0.005)").await();
    }
    say(
        "the standby has %d items, %d ms later",
        reads.fetchValue(Long.class, "SELECT count(*) FROM item").await(),
        Duration.ofNanos(System.nanoTime() - start).toMillis());
  }

  private static void failOver(PgPool pool, EmbeddedPostgres primary) throws IOException {
    primary.close();
    say("the primary is gone");
    pool.readOnly().execute("SELECT pg_promote()").await();
    long start = System.nanoTime();
    String tag =
        pool.readWrite().execute("INSERT INTO item(name) VALUES ('teapot')").await().toString();
    say(
        "the standby was promoted; a write after %d ms: %s",
        Duration.ofNanos(System.nanoTime() - start).toMillis(), tag);
    say(
        "items: %s",
        pool.readWrite().fetch(String.class, "SELECT name FROM item ORDER BY name").await());
  }

  private static String kind(PgClient client) {
    return client.fetchValue(Boolean.class, "SELECT pg_is_in_recovery()").await()
        ? "standby"
        : "primary";
  }

  private static EmbeddedPostgres start(Path data) throws IOException {
    return start(data, 0);
  }

  private static EmbeddedPostgres start(Path data, int port) throws IOException {
    EmbeddedPostgres.Builder builder =
        EmbeddedPostgres.builder()
            .setPGStartupWait(ExampleServer.PATIENCE)
            .setDataDirectory(data)
            .setCleanDataDirectory(false);
    return (port == 0 ? builder : builder.setPort(port)).start();
  }

  private static void copy(Path primary, Path standby, int port) throws IOException {
    try (Stream<Path> files = Files.walk(primary)) {
      for (Path file : files.toList()) {
        Files.copy(
            file, standby.resolve(primary.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
    Files.createFile(standby.resolve("standby.signal"));
    Files.write(
        standby.resolve("postgresql.auto.conf"),
        List.of("primary_conninfo = 'host=localhost port=" + port + " user=postgres'"),
        StandardOpenOption.APPEND);
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
