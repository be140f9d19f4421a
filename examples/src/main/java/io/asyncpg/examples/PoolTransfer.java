package io.asyncpg.examples;

import static io.asyncpg.examples.Console.say;

import io.asyncpg.client.IsolationLevel;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.TransactionOptions;
import io.asyncpg.pool.PgPool;
import io.asyncpg.pool.PoolConfig;
import io.asyncpg.pool.PoolStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Money goes from account to account in thousands of transactions at once, over eight connections.
 * They get into each other's way: PostgreSQL refuses some (40001), the pool runs those again.
 * Whoever looks in between, and at the end, finds every cent.
 */
public final class PoolTransfer {
  private static final int ACCOUNTS = 50;
  private static final int TRANSFERS = 2_000;
  private static final int AT_ONCE = 32;
  private static final long EACH = 1_000;

  private static final TransactionOptions SERIALIZABLE =
      TransactionOptions.defaults().isolation(IsolationLevel.SERIALIZABLE).retries(50);

  private final AtomicInteger attempts = new AtomicInteger();
  private final AtomicInteger refused = new AtomicInteger();
  private final PgPool pool;

  /** There is not enough money; the transaction is rolled back. */
  private static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private PoolTransfer(PgPool pool) {
    this.pool = pool;
  }

  /**
   * Runs it.
   *
   * @param args none
   * @throws InterruptedException when it is interrupted
   */
  public static void main(String[] args) throws InterruptedException {
    try (ExampleServer server = ExampleServer.open()) {
      PoolConfig config = PoolConfig.builder().dsn(server.dsn()).minSize(8).maxSize(8).build();
      PgPool pool = PgPool.create(config);
      try (pool) {
        new PoolTransfer(pool).run();
      }
      pool.closed().await();
    }
  }

  private void run() throws InterruptedException {
    pool.execute("CREATE TABLE account(id int4 PRIMARY KEY, balance int8 NOT NULL)").await();
    pool.execute(
            "INSERT INTO account SELECT i, $1 FROM generate_series(1, $2::int4) i", EACH, ACCOUNTS)
        .await();
    long before = sum().await();

    long start = System.nanoTime();
    var random = new Random(42);
    var free = new Semaphore(AT_ONCE);
    List<CompletableFuture<?>> transfers = new ArrayList<>();
    List<PgFuture<Long>> looks = new ArrayList<>();
    for (int i = 0; i < TRANSFERS; i++) {
      free.acquire();
      int from = 1 + random.nextInt(ACCOUNTS);
      int to = 1 + (from + random.nextInt(ACCOUNTS - 1)) % ACCOUNTS;
      transfers.add(
          transfer(from, to, 1 + random.nextInt(400))
              .handle(
                  (done, failure) -> {
                    free.release();
                    return failure == null ? null : count(failure);
                  }));
      if (i % 100 == 0) {
        looks.add(sum());
      }
    }
    transfers.forEach(CompletableFuture::join);
    long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();

    say("%,d transfers between %d accounts, %d at a time", TRANSFERS, ACCOUNTS, AT_ONCE);
    say("  in %,d ms over %d connections", millis, pool.stats().size());
    say("  run again, as others were in the way: %,d times", attempts.get() - TRANSFERS);
    say("  refused, for lack of money: %,d", refused.get());
    boolean whole = looks.stream().allMatch(look -> look.await() == before);
    say("Everybody who looked in between found %,d: %s", before, whole);
    say("Sum at the end: %,d, at the start: %,d", sum().await(), before);
    say(
        "Least balance: %d",
        pool.fetchValue(Long.class, "SELECT min(balance) FROM account").await());
    PoolStats stats = pool.stats();
    say(
        "The pool lent a connection %,d times, %,d of them after a wait",
        stats.acquired(), stats.acquiredAfterWait());
  }

  private PgFuture<Long> sum() {
    return pool.fetchValue(Long.class, "SELECT sum(balance)::int8 FROM account");
  }

  /** What is to be done is a function, so that it can be done again. */
  private PgFuture<Void> transfer(int from, int to, long amount) {
    return pool.transaction(
        SERIALIZABLE,
        tx -> {
          attempts.incrementAndGet();
          return tx.fetchValue(Long.class, "SELECT balance FROM account WHERE id = $1", from)
              .thenCompose(balance -> balance < amount ? refuse() : move(tx, from, to, amount));
        });
  }

  private static CompletionStage<Void> refuse() {
    return CompletableFuture.failedFuture(new Refused());
  }

  private static CompletionStage<Void> move(PgTransaction tx, int from, int to, long amount) {
    // Both are sent at once: on one connection what is asked first runs first.
    PgFuture<?> less =
        tx.execute("UPDATE account SET balance = balance - $1 WHERE id = $2", amount, from);
    PgFuture<?> more =
        tx.execute("UPDATE account SET balance = balance + $1 WHERE id = $2", amount, to);
    return CompletableFuture.allOf(less, more);
  }

  private @Nullable Void count(Throwable failure) {
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    if (cause instanceof Refused || failure instanceof Refused) {
      refused.incrementAndGet();
      return null;
    }
    throw new IllegalStateException(failure);
  }
}
