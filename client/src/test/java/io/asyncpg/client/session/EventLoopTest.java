package io.asyncpg.client.session;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.Certificates;
import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.CopySource;
import io.asyncpg.client.ForkedJvm;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.RowStream;
import io.asyncpg.client.session.RecordedSessionTest.Conversation;
import io.asyncpg.error.PgException;
import io.asyncpg.testkit.NeverBlocked;
import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** BlockHound watches the event loops while all that a connection can do is done. */
class EventLoopTest {
  @TempDir Path directory;

  @Test
  void nothingThatWeDoBlocksAnEventLoop() throws Exception {
    Certificates authority = new Certificates(directory, "authority");
    Map<String, String> settings =
        authority.settings(authority.issue("localhost", "EC", 1, "localhost"));
    List<String> options = new ArrayList<>(List.of("-Xmx256m", "-XX:+EnableDynamicAgentLoading"));
    options.add("-XX:+AllowRedefinitionToAddDeleteMethods"); // BlockHound's way in
    try (TestServer server = TestServer.start(settings)) {
      String said =
          ForkedJvm.run(
              directory,
              options,
              Watched.class,
              server.dsnAs(TestServer.SCRAM_USER),
              server.dsnAs(TestServer.MD5_USER));
      assertThat(said).contains("the watch works: true").endsWith("blocked 0 times");
    }
  }

  /** What runs in a JVM of its own, whose arguments are DSNs. */
  static final class Watched {
    private static final ConcurrentLinkedQueue<String> BLOCKED = new ConcurrentLinkedQueue<>();

    private Watched() {}

    public static void main(String[] dsns) throws Exception {
      PrintStream out = new PrintStream(System.out, true, UTF_8);
      NeverBlocked.watch(BLOCKED::add);
      PgConnection first = PgConnection.connect(dsns[0]).await();
      first.addNoticeListener(notice -> LockSupport.parkNanos(1));
      first.execute("DO $$ BEGIN RAISE NOTICE 'now'; END $$").await();
      out.println("the watch works: " + (BLOCKED.size() > 0));
      first.close();
      BLOCKED.clear();
      for (String dsn : dsns) {
        for (String more : List.of("?sslmode=disable", "?sslmode=require")) {
          all(dsn + more);
        }
      }
      BLOCKED.stream().distinct().limit(10).forEach(out::println);
      out.print("blocked " + BLOCKED.size() + " times");
    }

    private static void all(String dsn) throws Exception {
      try (PgConnection connection = PgConnection.connect(dsn).await()) {
        for (Conversation conversation : Conversation.values()) {
          for (CompletableFuture<String> answer : conversation.on(connection)) {
            answer.handle((value, failure) -> true).get(20, TimeUnit.SECONDS);
          }
          connection.reset().await();
        }
        withBlockingEnds(connection);
        stopped(connection);
      }
    }

    /** Files, streams and lazy rows, which block as they like: on threads that may. */
    private static void withBlockingEnds(PgConnection connection) throws Exception {
      connection.execute("CREATE TEMP TABLE w (n int, t text)").await();
      Path file = Files.createTempFile("asyncpg", "rows");
      try {
        CopyOptions text = CopyOptions.text();
        byte[] rows = "1\ta\n2\tb\n".repeat(20_000).getBytes(UTF_8);
        connection.copyToTable("w", CopySource.from(new ByteArrayInputStream(rows)), text).await();
        connection.copyFromTable("w", CopySink.to(file), text).await();
        connection.copyToTable("w", CopySource.from(file), text).await();
        connection.copyFromTable("w", CopySink.to(new ByteArrayOutputStream()), text).await();
      } finally {
        Files.delete(file);
      }
      connection
          .executeMany(
              "INSERT INTO w VALUES ($1, $2)",
              Stream.iterate(0, n -> n + 1).limit(2000).map(n -> List.of(n, "x")))
          .await();
      int count = 0;
      try (RowStream stream = connection.stream("SELECT * FROM w").fetchSize(1000)) {
        for (var row : stream) {
          count += row.getInt(0) >= 0 ? 1 : 0;
        }
      }
      if (count != 82_000) {
        throw new AssertionError(count + " rows");
      }
    }

    private static void stopped(PgConnection connection) {
      connection.execute("SELECT pg_sleep(60)").cancel(true);
      try {
        connection.withTimeout(Duration.ofMillis(50)).execute("SELECT pg_sleep(60)").await();
        throw new AssertionError("slept on");
      } catch (PgException inTime) {
        connection.fetchValue(Integer.class, "SELECT 1").await();
      }
    }
  }
}
