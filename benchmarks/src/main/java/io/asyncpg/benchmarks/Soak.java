package io.asyncpg.benchmarks;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.TransactionOptions;
import io.asyncpg.error.PgException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.pool.PgPool;
import io.asyncpg.pool.PoolConfig;
import io.asyncpg.testkit.TestServer;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Workers move money between accounts through one pool, while their server processes are killed and
 * the server is restarted under them. At the end no money is lost, every transfer that was
 * confirmed is in the books, and none that was refused; no worker is stuck.
 *
 * <p>Arguments: seconds (60), workers (200), connections (20).
 */
public final class Soak {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final int ACCOUNTS = 1000;
  private static final long RESTART_SECONDS = 12;

  private final TestServer server;
  private final PgPool pool;
  private final int workers;
  private final long end;
  private final Set<String> confirmed = ConcurrentHashMap.newKeySet();
  private final Set<String> refused = ConcurrentHashMap.newKeySet();
  private final Queue<Throwable> unexpected = new ConcurrentLinkedQueue<>();
  private final AtomicLong unknown = new AtomicLong();
  private final AtomicLong killed = new AtomicLong();
  private final AtomicLong restarts = new AtomicLong();
  private final AtomicLongArray lastDone;

  private Soak(TestServer server, PgPool pool, int workers, Duration time) {
    this.server = server;
    this.pool = pool;
    this.workers = workers;
    this.end = System.nanoTime() + time.toNanos();
    this.lastDone = new AtomicLongArray(workers);
  }

  /**
   * Runs it.
   *
   * @param args seconds, workers, connections
   * @throws Exception when a promise is broken
   */
  public static void main(String[] args) throws Exception {
    int seconds = args.length > 0 ? Integer.parseInt(args[0]) : 60;
    int workers = args.length > 1 ? Integer.parseInt(args[1]) : 200;
    int connections = args.length > 2 ? Integer.parseInt(args[2]) : 20;
    try (TestServer server = TestServer.start()) {
      server.sql(
          "CREATE TABLE account (id int PRIMARY KEY, sum bigint NOT NULL)",
          "INSERT INTO account SELECT i, 1000 FROM generate_series(1, " + ACCOUNTS + ") i",
          "CREATE TABLE book (entry text PRIMARY KEY)");
      PgPool pool =
          PgPool.create(
              PoolConfig.builder()
                  .connection(PgConfig.parse(server.dsn()))
                  .minSize(connections / 2)
                  .maxSize(connections)
                  .build());
      new Soak(server, pool, workers, Duration.ofSeconds(seconds)).run();
      pool.close();
      pool.closed().await();
    }
  }

  private void run() throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < workers; i++) {
      int number = i;
      threads.add(new Thread(() -> work(number), "worker-" + i));
    }
    threads.forEach(Thread::start);
    harm();
    for (Thread thread : threads) {
      thread.join(TimeUnit.SECONDS.toMillis(40));
      if (thread.isAlive()) {
        throw new AssertionError(thread.getName() + " is stuck");
      }
    }
    judge();
  }

  private void work(int number) {
    Random random = new Random(number);
    for (int i = 0; System.nanoTime() - end < 0; i++) {
      String entry = number + "/" + i;
      int from = 1 + random.nextInt(ACCOUNTS);
      int to = 1 + random.nextInt(ACCOUNTS);
      try {
        pool.withTimeout(Duration.ofSeconds(20))
            .transaction(
                TransactionOptions.defaults().retries(5), tx -> transfer(tx, entry, from, to))
            .await();
        confirmed.add(entry);
        lastDone.set(number, System.nanoTime());
      } catch (PgException failure) {
        if (failure.retrySafety() == RetrySafety.UNKNOWN) {
          unknown.incrementAndGet();
        } else {
          refused.add(entry);
        }
      } catch (RuntimeException misuse) {
        unexpected.add(misuse);
      }
    }
  }

  private static CompletionStage<?> moved(PgTransaction tx, int account, int sum) {
    return tx.execute("UPDATE account SET sum = sum + $1 WHERE id = $2", sum, account);
  }

  private static CompletionStage<Boolean> transfer(
      PgTransaction tx, String entry, int from, int to) {
    // The smaller account first, so that no two transfers wait for each other.
    CompletionStage<?> first = moved(tx, Math.min(from, to), from < to ? -1 : 1);
    CompletionStage<?> second = moved(tx, Math.max(from, to), from < to ? 1 : -1);
    CompletionStage<?> booked = tx.execute("INSERT INTO book VALUES ($1)", entry);
    return first.thenCompose(done -> second).thenCompose(done -> booked).thenApply(done -> true);
  }

  private void harm() throws InterruptedException {
    long nextRestart = System.nanoTime() + TimeUnit.SECONDS.toNanos(RESTART_SECONDS / 2);
    while (System.nanoTime() - end < 0) {
      TimeUnit.MILLISECONDS.sleep(300);
      long now = System.nanoTime();
      if (now - nextRestart > 0 && end - now > TimeUnit.SECONDS.toNanos(5)) {
        nextRestart = now + TimeUnit.SECONDS.toNanos(RESTART_SECONDS);
        if (restarts.incrementAndGet() % 2 == 0) {
          server.stopFast();
        } else {
          server.stopImmediate();
        }
        server.startAgain();
      } else {
        server.sql(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE"
                + " backend_type = 'client backend' AND pid <> pg_backend_pid()"
                + " ORDER BY random() LIMIT 1) victim");
        killed.incrementAndGet();
      }
    }
  }

  private void judge() {
    long total =
        Long.parseLong(String.valueOf(server.value("SELECT sum(sum)::bigint FROM account")));
    Set<String> booked = new HashSet<>();
    server.rows("SELECT entry FROM book").forEach(row -> booked.add(String.valueOf(row.get(0))));
    Set<String> lost = new HashSet<>(confirmed);
    lost.removeAll(booked);
    Set<String> wrong = new HashSet<>(refused);
    wrong.retainAll(booked);
    long idleLongest = 0;
    for (int i = 0; i < workers; i++) {
      idleLongest = Math.max(idleLongest, end - lastDone.get(i));
    }
    OUT.printf(
        "%,d transfers confirmed, %,d refused, %,d unknown; %d processes killed, %d restarts%n",
        confirmed.size(), refused.size(), unknown.get(), killed.get(), restarts.get());
    OUT.printf(
        "last success of the unluckiest worker: %,d ms before the end%n",
        TimeUnit.NANOSECONDS.toMillis(idleLongest));
    OUT.println(pool.stats());
    if (total != 1000L * ACCOUNTS || !lost.isEmpty() || !wrong.isEmpty()) {
      throw new AssertionError(
          "the sum is "
              + total
              + ", lost updates: "
              + lost
              + ", refused but booked all the same: "
              + wrong);
    }
    if (!unexpected.isEmpty()) {
      throw new AssertionError(
          unexpected.size() + " failures of a kind not foreseen", unexpected.peek());
    }
    OUT.println("no update lost, no worker stuck");
  }
}
