package io.asyncpg.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.Notification;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowStream;
import io.asyncpg.client.TransactionOptions;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.pool.PgPool;
import io.asyncpg.pool.PoolConfig;
import io.asyncpg.testkit.FaultyProxy;
import io.asyncpg.testkit.TestServer;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * Workers move money, stream, copy, listen, cancel and time out through one pool, while their
 * server processes are killed, their network is cut and swallowed, and the server is restarted
 * twice. At the end no money is lost, whatever was confirmed is in the books and nothing that was
 * refused, no call was late, and no thread, session or memory is left.
 *
 * <p>Arguments: seconds (60), workers (200), connections (20).
 */
public final class Soak {
  private static final PrintStream OUT = new PrintStream(System.out, true, UTF_8);
  private static final int ACCOUNTS = 1000;
  private static final int BALANCE = 1000;
  private static final int COPIED = 50;

  /** What every call is given, to get a connection through an outage and to run on it. */
  private static final Duration BUDGET = Duration.ofSeconds(20);

  /** What a call may take longer than its budget: on two processors two hundred threads wait. */
  private static final Duration GRACE = Duration.ofSeconds(3);

  private static final Duration SHORT = Duration.ofMillis(50);

  /** More than this in a heap that was just collected, and something is kept. */
  private static final long HEAP_GROWTH = 32L << 20;

  private final TestServer server;
  private final FaultyProxy proxy;
  private final PgPool pool;
  private final List<Worker> workers = new ArrayList<>();
  private final Map<Deed, Count> counts = new EnumMap<>(Deed.class);
  private final long begin = System.nanoTime();
  private final long end;
  private final Queue<Throwable> broken = new ConcurrentLinkedQueue<>();
  private final AtomicLong killed = new AtomicLong();
  private final AtomicLong cut = new AtomicLong();
  private final AtomicLong swallowed = new AtomicLong();
  private int restarts;

  /** What a worker can do, how often of a hundred times, and the time it is given. */
  private enum Deed {
    TRANSFER(60, BUDGET),
    STREAM(8, BUDGET),
    COPY_OUT(8, BUDGET),
    COPY_IN(8, BUDGET),
    LISTEN(6, BUDGET),
    CANCEL(5, BUDGET),
    TIMEOUT(5, SHORT);

    final int share;
    final Duration budget;

    Deed(int share, Duration budget) {
      this.share = share;
      this.budget = budget;
    }

    static Deed any(Random random) {
      int at = random.nextInt(100);
      for (Deed deed : values()) {
        at -= deed.share;
        if (at < 0) {
          return deed;
        }
      }
      return TRANSFER;
    }
  }

  /** How a kind of deed has gone, for all workers together. */
  private static final class Count {
    final LongAdder done = new LongAdder();
    final LongAdder refused = new LongAdder();
    final LongAdder unknown = new LongAdder();
    final AtomicLong slowest = new AtomicLong();

    Duration slowest() {
      return Duration.ofNanos(slowest.get());
    }
  }

  private Soak(TestServer server, FaultyProxy proxy, PgPool pool, Duration time) {
    this.server = server;
    this.proxy = proxy;
    this.pool = pool;
    this.end = begin + time.toNanos();
    for (Deed deed : Deed.values()) {
      counts.put(deed, new Count());
    }
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
    try (TestServer server = TestServer.start();
        FaultyProxy proxy = FaultyProxy.before(server)) {
      server.sql(
          "CREATE TABLE account (id int PRIMARY KEY, sum bigint NOT NULL)",
          "INSERT INTO account SELECT i, "
              + BALANCE
              + " FROM generate_series(1, "
              + ACCOUNTS
              + ") i",
          "CREATE TABLE book (worker int, step int, PRIMARY KEY (worker, step))",
          "CREATE TABLE copied (worker int, step int, part int)");
      PgPool pool =
          PgPool.create(
              PoolConfig.builder()
                  .connection(PgConfig.parse(proxy.dsn(server)))
                  .minSize(connections / 2)
                  .maxSize(connections)
                  .acquireTimeout(BUDGET)
                  .build());
      new Soak(server, proxy, pool, Duration.ofSeconds(seconds)).run(workers);
    }
  }

  private Count count(Deed deed) {
    return Objects.requireNonNull(counts.get(deed));
  }

  private void run(int count) throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Worker worker = new Worker(i);
      workers.add(worker);
      threads.add(new Thread(worker, "worker-" + i));
    }
    threads.forEach(Thread::start);
    long heapEarly = harm();
    for (Thread thread : threads) {
      thread.join(BUDGET.plus(GRACE).multipliedBy(2).toMillis());
      if (thread.isAlive()) {
        AssertionError stuck = new AssertionError(thread.getName() + " is stuck");
        stuck.setStackTrace(thread.getStackTrace());
        throw stuck;
      }
    }
    List<String> faults = new ArrayList<>();
    long heapLate = heap();
    audit(faults);
    String stats = String.valueOf(pool.stats());
    pool.close();
    pool.closed().await();
    leftBehind(faults);
    report(heapEarly, heapLate, stats);
    for (Deed deed : Deed.values()) {
      if (count(deed).slowest().compareTo(deed.budget.plus(GRACE)) > 0) {
        faults.add(deed + " took " + count(deed).slowest() + ", with a budget of " + deed.budget);
      }
      if (count(deed).done.sum() == 0) {
        faults.add(deed + " never came to its end");
      }
    }
    if (heapLate - heapEarly > HEAP_GROWTH) {
      faults.add("the heap has grown by " + (heapLate - heapEarly) + " bytes");
    }
    if (!faults.isEmpty() || !broken.isEmpty()) {
      AssertionError failure =
          new AssertionError(broken.size() + " failures of a kind not foreseen, and " + faults);
      broken.stream().limit(5).forEach(failure::addSuppressed);
      throw failure;
    }
    OUT.println("no update lost, no worker stuck, nothing left behind");
  }

  /** One thread, and what it was told of its own deeds. */
  private final class Worker implements Runnable {
    private final int number;
    private final Random random;
    private final BitSet confirmed = new BitSet();
    private final BitSet refused = new BitSet();
    private final BitSet copied = new BitSet();
    private final BitSet notCopied = new BitSet();

    Worker(int number) {
      this.number = number;
      this.random = new Random(number);
    }

    @Override
    public void run() {
      for (int step = 0; System.nanoTime() - end < 0; step++) {
        Deed deed = Deed.any(random);
        Count count = count(deed);
        long started = System.nanoTime();
        try {
          act(deed, step);
          count.done.increment();
        } catch (PgException | CancellationException failure) {
          boolean unsure =
              failure instanceof PgException told && told.retrySafety() == RetrySafety.UNKNOWN;
          (unsure ? count.unknown : count.refused).increment();
          if (!unsure) {
            refused(deed, step);
          }
        } catch (RuntimeException | AssertionError other) {
          broken.add(other);
        }
        count.slowest.accumulateAndGet(System.nanoTime() - started, Math::max);
      }
    }

    private void refused(Deed deed, int step) {
      switch (deed) {
        case TRANSFER -> refused.set(step);
        case COPY_IN -> notCopied.set(step);
        default -> {
          // Nothing is in the books of the others.
        }
      }
    }

    private void act(Deed deed, int step) {
      PgPool bounded = pool.withTimeout(deed.budget);
      switch (deed) {
        case TRANSFER -> {
          int from = 1 + random.nextInt(ACCOUNTS);
          int to = 1 + random.nextInt(ACCOUNTS);
          bounded
              .transaction(
                  TransactionOptions.defaults().retries(5), tx -> transfer(tx, step, from, to))
              .await();
          confirmed.set(step);
        }
        case STREAM -> stream(bounded);
        case COPY_OUT -> copyOut(bounded);
        case COPY_IN -> {
          List<List<Integer>> rows = new ArrayList<>();
          for (int part = 0; part < COPIED; part++) {
            rows.add(List.of(number, step, part));
          }
          bounded.copyRecordsToTable("copied", List.of("worker", "step", "part"), rows).await();
          copied.set(step);
        }
        case LISTEN -> bounded.withConnection(connection -> hearOneself(connection, step)).await();
        case CANCEL -> {
          PgFuture<?> asleep = bounded.execute("SELECT pg_sleep(0.3)");
          pause(random.nextInt(30));
          asleep.cancel(true);
          expect(number, bounded.fetchValue(Integer.class, "SELECT $1::int", number).await());
        }
        case TIMEOUT -> {
          try {
            bounded.execute("SELECT pg_sleep(0.5)").await();
            throw new AssertionError("slept longer than its budget");
          } catch (PgTimeoutException inTime) {
            // As promised.
          }
        }
      }
    }

    private CompletionStage<?> transfer(PgTransaction tx, int step, int from, int to) {
      // The smaller account first, so that no two transfers wait for each other.
      CompletionStage<?> first = moved(tx, Math.min(from, to), from < to ? -1 : 1);
      CompletionStage<?> second = moved(tx, Math.max(from, to), from < to ? 1 : -1);
      CompletionStage<?> booked = tx.execute("INSERT INTO book VALUES ($1, $2)", number, step);
      return first.thenCompose(done -> second).thenCompose(done -> booked);
    }

    private static CompletionStage<?> moved(PgTransaction tx, int account, int sum) {
      return tx.execute("UPDATE account SET sum = sum + $1 WHERE id = $2", sum, account);
    }

    /** One statement sees one state of the world: whatever is under way, the sum is right. */
    private static void stream(PgPool bounded) {
      int rows = 0;
      long sum = 0;
      try (RowStream accounts = bounded.stream("SELECT sum FROM account").fetchSize(200)) {
        for (Row row : accounts) {
          rows++;
          sum += row.getLong(0);
        }
      }
      expect(ACCOUNTS, rows);
      expect((long) ACCOUNTS * BALANCE, sum);
    }

    private static void copyOut(PgPool bounded) {
      AtomicLong lines = new AtomicLong();
      bounded
          .copyFromTable(
              "account",
              CopySink.to(
                  chunk -> {
                    while (chunk.hasRemaining()) {
                      if (chunk.get() == '\n') {
                        lines.incrementAndGet();
                      }
                    }
                    return CompletableFuture.completedFuture(null);
                  }),
              CopyOptions.text())
          .await();
      expect((long) ACCOUNTS, lines.get());
    }

    private CompletionStage<String> hearOneself(PgConnection connection, int step) {
      CompletableFuture<String> heard = new CompletableFuture<>();
      connection
          .closed()
          .thenRun(() -> heard.completeExceptionally(new CancellationException("cut off")));
      String wanted = String.valueOf(step);
      Consumer<Notification> listener =
          notification -> {
            if (notification.payload().equals(wanted)) {
              heard.complete(wanted);
            } else {
              broken.add(new AssertionError("heard what was said to another: " + notification));
            }
          };
      return connection
          .addListener("soak_" + number, listener)
          .thenCompose(done -> connection.execute("NOTIFY soak_" + number + ", '" + wanted + "'"))
          .thenCompose(done -> heard);
    }

    private static void expect(Object wanted, Object found) {
      if (!wanted.equals(found)) {
        throw new AssertionError("wanted " + wanted + ", found " + found);
      }
    }
  }

  /** Does harm until the time is over; the heap at a third of it. */
  private long harm() {
    Random random = new Random(7);
    long third = (end - begin) / 3;
    long nextReport = begin + TimeUnit.SECONDS.toNanos(10);
    long heapEarly = 0;
    while (System.nanoTime() - end < 0) {
      pause(300);
      long now = System.nanoTime();
      if (now - begin > third * (restarts + 1) && restarts < 2) {
        if (restarts++ == 0) {
          heapEarly = heap();
          server.stopImmediate();
        } else {
          server.stopFast();
        }
        server.startAgain();
        continue;
      }
      if (now - nextReport > 0) {
        nextReport += TimeUnit.SECONDS.toNanos(10);
        OUT.printf(
            "%4d s: %,d transfers%n",
            TimeUnit.NANOSECONDS.toSeconds(now - begin), count(Deed.TRANSFER).done.sum());
      }
      switch (random.nextInt(10)) {
        case 0 -> {
          proxy.cutWithReset();
          cut.incrementAndGet();
        }
        case 1 -> {
          proxy.cutWithFin();
          cut.incrementAndGet();
        }
        case 2 -> {
          proxy.blackHole();
          pause(300);
          proxy.heal();
          swallowed.incrementAndGet();
        }
        default -> {
          server.sql(
              "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE"
                  + " backend_type = 'client backend' AND pid <> pg_backend_pid()"
                  + " ORDER BY random() LIMIT 1) victim");
          killed.incrementAndGet();
        }
      }
    }
    proxy.heal();
    return heapEarly;
  }

  /** What is in the books, held against what the workers were told. */
  private void audit(List<String> faults) {
    PgPool bounded = pool.withTimeout(Duration.ofSeconds(60));
    Long sum = bounded.fetchValue(Long.class, "SELECT sum(sum)::bigint FROM account").await();
    if (sum == null || sum != (long) ACCOUNTS * BALANCE) {
      faults.add("the sum of the balances is " + sum);
    }
    List<BitSet> booked = books(bounded, "SELECT worker, step FROM book");
    List<BitSet> copied =
        books(bounded, "SELECT worker, step FROM copied GROUP BY 1, 2 HAVING count(*) = " + COPIED);
    List<BitSet> part =
        books(
            bounded, "SELECT worker, step FROM copied GROUP BY 1, 2 HAVING count(*) <> " + COPIED);
    for (Worker worker : workers) {
      BitSet transfers = booked.get(worker.number);
      BitSet copies = copied.get(worker.number);
      missing(worker, "transfers confirmed and lost", worker.confirmed, transfers, faults);
      common(worker, "transfers refused and booked", worker.refused, transfers, faults);
      missing(worker, "copies confirmed and lost", worker.copied, copies, faults);
      common(worker, "copies refused and kept", worker.notCopied, copies, faults);
      common(
          worker, "copies kept in part", part.get(worker.number), part.get(worker.number), faults);
    }
  }

  private List<BitSet> books(PgPool bounded, String sql) {
    List<BitSet> books = new ArrayList<>();
    workers.forEach(worker -> books.add(new BitSet()));
    try (RowStream rows = bounded.stream(sql)) {
      rows.forEach(row -> books.get(row.getInt(0)).set(row.getInt(1)));
    }
    return books;
  }

  private static void missing(
      Worker worker, String what, BitSet told, BitSet found, List<String> faults) {
    BitSet lost = (BitSet) told.clone();
    lost.andNot(found);
    if (!lost.isEmpty()) {
      faults.add(what + " by worker " + worker.number + ": " + lost);
    }
  }

  private static void common(
      Worker worker, String what, BitSet told, BitSet found, List<String> faults) {
    BitSet both = (BitSet) told.clone();
    both.and(found);
    if (!both.isEmpty()) {
      faults.add(what + " by worker " + worker.number + ": " + both);
    }
  }

  /** Threads that are ours and sockets: all of them end with the pool, or soon. */
  private void leftBehind(List<String> faults) {
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(15);
    List<String> left = left();
    while (!left.isEmpty() && System.nanoTime() - patience < 0) {
      pause(100);
      left = left();
    }
    if (!left.isEmpty()) {
      faults.add("left behind: " + left);
    }
  }

  private List<String> left() {
    List<String> left = new ArrayList<>();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      String name = thread.getName();
      if (name.startsWith("asyncpg-") && !name.startsWith("asyncpg-loop-")) {
        left.add("thread " + name);
      }
    }
    if (proxy.openConnections() > 0) {
      left.add(proxy.openConnections() + " sockets");
    }
    return left;
  }

  private void report(long heapEarly, long heapLate, String stats) {
    OUT.printf("%-10s %10s %10s %10s %14s%n", "", "done", "refused", "unknown", "slowest, ms");
    for (Deed deed : Deed.values()) {
      OUT.printf(
          "%-10s %,10d %,10d %,10d %,14d%n",
          deed.name().toLowerCase(Locale.ROOT).replace('_', ' '),
          count(deed).done.sum(),
          count(deed).refused.sum(),
          count(deed).unknown.sum(),
          count(deed).slowest().toMillis());
    }
    OUT.printf(
        "%d processes killed, %d times all connections cut, %d times all swallowed, %d restarts%n",
        killed.get(), cut.get(), swallowed.get(), restarts);
    OUT.printf(
        "heap after a collection: %,d KiB at a third of the time, %,d KiB at its end; %d threads%n",
        heapEarly >> 10, heapLate >> 10, ManagementFactory.getThreadMXBean().getThreadCount());
    OUT.println(stats);
  }

  private static long heap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static void pause(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      throw new CompletionException(e);
    }
  }
}
