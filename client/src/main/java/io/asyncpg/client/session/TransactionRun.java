package io.asyncpg.client.session;

import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.TransactionOptions;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One call of {@code transaction(work)}: begin, work, commit or roll back, perhaps again. */
final class TransactionRun<T extends @Nullable Object> {
  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final class Answer extends PgFuture<T> {
    @Override
    protected void cancelled() {
      stop();
    }

    @Override
    protected boolean onEventLoop() {
      return client.session.isOnEventLoop();
    }
  }

  private final Client client;
  private final TransactionOptions options;
  private final Function<? super PgTransaction, ? extends CompletionStage<T>> work;

  /** Whether work that completes well is committed; else it is rolled back all the same. */
  private final boolean keep;

  private final Answer answer = new Answer();

  /** As {@link System#nanoTime} counts; 0 for none. */
  private final long deadline;

  private int attempts;
  private volatile @Nullable Block block;
  private volatile @Nullable CompletionStage<T> stage;

  private TransactionRun(
      Client client,
      TransactionOptions options,
      Function<? super PgTransaction, ? extends CompletionStage<T>> work,
      boolean keep,
      long timeout) {
    this.client = client;
    this.options = options;
    this.work = work;
    this.keep = keep;
    this.deadline = timeout == 0 ? 0 : Deadlines.in(timeout);
  }

  /** Runs the work and rolls back, even in a transaction that was begun by hand. */
  static <T extends @Nullable Object> PgFuture<T> startAndUndo(
      Client client, Function<? super PgTransaction, ? extends CompletionStage<T>> work) {
    return start(client, TransactionOptions.defaults(), work, false);
  }

  /** Runs the work; what is wrong with the call fails the future. */
  static <T extends @Nullable Object> PgFuture<T> start(
      Client client,
      TransactionOptions options,
      Function<? super PgTransaction, ? extends CompletionStage<T>> work) {
    return start(client, options, work, true);
  }

  private static <T extends @Nullable Object> PgFuture<T> start(
      Client client,
      TransactionOptions options,
      Function<? super PgTransaction, ? extends CompletionStage<T>> work,
      boolean keep) {
    String ended = client.ended();
    if (ended != null) {
      return PgFuture.failed(new IllegalStateException(ended));
    }
    Duration timeout = client.ownTimeout;
    if (timeout != null && (timeout.isNegative() || timeout.isZero())) {
      return PgFuture.failed(Deadlines.noneLeft(timeout, "BEGIN"));
    }
    long nanos = timeout == null ? 0 : Deadlines.nanos(timeout);
    TransactionRun<T> run = new TransactionRun<>(client, options, work, keep, nanos);
    if (timeout != null) {
      ScheduledFuture<?> timer =
          client.session.schedule(() -> run.timeUp(timeout), nanos, TimeUnit.NANOSECONDS);
      run.answer.whenComplete((result, failure) -> timer.cancel(false));
    }
    run.attempt();
    return run.answer;
  }

  private void attempt() {
    attempts++;
    Transactions transactions = client.session.transactions();
    Transactions.Begin begin;
    try {
      begin = transactions.begin(client, options, !keep, 0);
    } catch (IllegalArgumentException | IllegalStateException refused) {
      fail(refused);
      return;
    }
    Block begun = begin.block();
    block = begun;
    if (answer.isDone()) {
      transactions.stop(begun);
      return;
    }
    CompletionStage<T> result;
    try {
      result = work.apply(begin.transaction().managed());
      if (result == null) {
        throw new IllegalStateException(
            "the work of the transaction returned null in place of a stage: return a completed one"
                + " where there is nothing to wait for");
      }
    } catch (Throwable thrown) {
      undo(begun, begin, thrown);
      return;
    }
    stage = result;
    if (answer.isCancelled()) {
      stop();
    }
    result.whenComplete(
        (value, failure) -> {
          if (failure == null) {
            commit(begun, begin, value);
          } else {
            undo(begun, begin, unwrapped(failure));
          }
        });
  }

  private void commit(Block begun, Transactions.Begin begin, T value) {
    client
        .session
        .transactions()
        .end(begun, keep, timeLeft())
        .whenComplete(
            (nothing, failure) -> {
              if (failure == null) {
                client.session.complete(answer, value);
              } else {
                failOrRetry(reason(begin, failure));
              }
            });
  }

  /** For COMMIT, in nanoseconds; 0 for no bound. */
  private long timeLeft() {
    if (deadline != 0) {
      return Math.max(1, deadline - System.nanoTime());
    }
    Duration timeout = client.timeout();
    return timeout == null ? 0 : Deadlines.nanos(timeout);
  }

  private void undo(Block begun, Transactions.Begin begin, Throwable failure) {
    client
        .session
        .transactions()
        .end(begun, false, 0)
        .whenComplete(
            (nothing, trouble) -> {
              Throwable reason = reason(begin, failure);
              if (trouble != null && trouble != failure && reason == failure) {
                failure.addSuppressed(trouble);
              }
              failOrRetry(reason);
            });
  }

  /** Where the transaction could not even be begun, that is the reason. */
  private static Throwable reason(Transactions.Begin begin, Throwable failure) {
    if (begin.future().isCompletedExceptionally()) {
      try {
        begin.future().getNow(null);
      } catch (CompletionException | CancellationException neverBegun) {
        return unwrapped(neverBegun);
      }
    }
    return failure;
  }

  private void failOrRetry(Throwable failure) {
    if (answer.isDone()) {
      return;
    }
    if (attempts > options.retries() || !mayHelp(failure)) {
      fail(failure);
      return;
    }
    long pause = Math.min(LONGEST_PAUSE_NANOS, FIRST_PAUSE_NANOS << Math.min(attempts - 1, 10));
    pause = ThreadLocalRandom.current().nextLong(pause / 2, pause + 1);
    if (deadline != 0 && deadline - System.nanoTime() - pause <= 0) {
      fail(failure);
      return;
    }
    client.session.schedule(this::again, pause, TimeUnit.NANOSECONDS);
  }

  private void again() {
    if (!answer.isDone()) {
      client.session.onCompletionThread(this::attempt);
    }
  }

  /** Serialization failures and deadlocks, wherever in the chain of causes. */
  private static boolean mayHelp(Throwable failure) {
    Throwable at = failure;
    for (int depth = 0; at != null && depth < 16; depth++) {
      if (at instanceof PgServerException server
          && (server.sqlState().equals(SqlState.SERIALIZATION_FAILURE)
              || server.sqlState().equals(SqlState.DEADLOCK_DETECTED))) {
        return true;
      }
      at = at.getCause();
    }
    return false;
  }

  private void fail(Throwable failure) {
    client.session.completeExceptionally(answer, failure);
  }

  private void timeUp(Duration timeout) {
    if (answer.isDone()) {
      return;
    }
    Block running = block;
    boolean committing = running != null && running.phase() == Block.Phase.COMMITTING;
    if (running != null) {
      // First, so that whoever sees the failure finds the transaction ended.
      client.session.transactions().rollBackIfOpen(running);
    }
    fail(
        new PgTimeoutException(
            "the transaction did not end within "
                + timeout
                + (committing
                    ? "; it was being committed, so its outcome is unknown"
                    : "; it is being rolled back"),
            null,
            committing ? RetrySafety.UNKNOWN : RetrySafety.ROLLED_BACK,
            null));
    stop();
  }

  /** Nobody waits any more: what runs is cancelled, and the transaction rolled back. */
  private void stop() {
    Block running = block;
    if (running != null) {
      client.session.transactions().stop(running);
    }
    CompletionStage<T> result = stage;
    if (result != null) {
      PooledSession.cancel(result);
    }
  }

  private static Throwable unwrapped(Throwable failure) {
    Throwable at = failure;
    while ((at instanceof CompletionException || at instanceof ExecutionException)
        && at.getCause() != null) {
      at = at.getCause();
    }
    return at;
  }
}
