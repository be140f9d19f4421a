package io.asyncpg.client;

import io.asyncpg.client.session.Connector;
import io.asyncpg.client.session.PooledSession;
import io.asyncpg.error.PgException;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What every asynchronous method returns. Cancelling it cancels the statement on the server; so
 * does cancelling a stage derived from it, with the {@code PgFuture} that a function given to
 * {@code thenCompose} or {@code exceptionallyCompose} has returned, and with the other {@code
 * PgFuture} that {@code thenCombine} and its like have been given.
 *
 * <p>It completes on the connection's event loop unless the configuration names a completion
 * executor: what is attached to it without an executor of its own must not block there. A thread
 * that asks and waits again and again, on one connection, does the event loop's work itself while
 * it waits, and then others' futures may complete on it as well. Waiting on an event loop ({@link
 * #await}, {@link #join}, {@link #get()}) fails at once with an {@link IllegalStateException}, as
 * the wait could never end.
 *
 * @param <T> the result
 */
public class PgFuture<T extends @Nullable Object> extends CompletableFuture<T> {
  private final @Nullable PgFuture<?> source;

  /** What this waits for beside its source; null where that is all. */
  private @Nullable Beside beside;

  /** Creates an incomplete future of no statement. */
  public PgFuture() {
    this(null);
  }

  private PgFuture(@Nullable PgFuture<?> source) {
    this.source = source;
  }

  /**
   * A future that has failed already.
   *
   * @param <T> the result it would have had
   * @param failure why
   * @return the failed future
   */
  public static <T extends @Nullable Object> PgFuture<T> failed(Throwable failure) {
    PgFuture<T> future = new PgFuture<>();
    future.completeExceptionally(failure);
    return future;
  }

  /**
   * Waits, on an ordinary or virtual thread.
   *
   * @return the result
   * @throws PgException the failure itself, unwrapped, with the caller's frames in its stack trace
   * @throws CancellationException when the future was cancelled, or this thread interrupted: that
   *     cancels the statement, and the thread stays interrupted. If the statement is over by then
   *     its outcome is given, and the thread stays interrupted
   * @throws IllegalStateException on an event loop
   */
  public T await() {
    refuseOnEventLoop();
    if (!isDone()) {
      beforeWaiting(false);
    }
    try {
      return super.get();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      if (!cancel(true)) {
        return await(); // it was complete before: what came of it counts, and nobody else has it
      }
      CancellationException cancelled =
          new CancellationException("interrupted while waiting; the statement has been cancelled");
      cancelled.initCause(interrupted);
      throw cancelled;
    } catch (ExecutionException failed) {
      Throwable failure = unwrapped(failed);
      if (failure instanceof PgException pgException) {
        addCallerFrames(pgException);
        throw pgException;
      }
      if (failure instanceof RuntimeException runtimeException) {
        throw runtimeException;
      }
      if (failure instanceof Error error) {
        throw error;
      }
      throw new CompletionException(failure);
    }
  }

  @Override
  public T join() {
    refuseOnEventLoop();
    if (!isDone()) {
      beforeWaiting(false);
    }
    return super.join();
  }

  @Override
  public T get() throws InterruptedException, ExecutionException {
    refuseOnEventLoop();
    if (!isDone()) {
      beforeWaiting(false);
    }
    return super.get();
  }

  @Override
  public T get(long timeout, TimeUnit unit)
      throws InterruptedException, ExecutionException, TimeoutException {
    refuseOnEventLoop();
    if (!isDone()) {
      beforeWaiting(true);
    }
    return super.get(timeout, unit);
  }

  /**
   * Completes this future with a {@link CancellationException} and asks the server to stop the
   * statement. Does nothing when it is complete already. Where this was derived from other stages,
   * the one that is under way is cancelled, and those between end by its failure: functions given
   * to {@code whenComplete} and {@code handle} are called with it, those given to {@code
   * exceptionallyCompose} are not, and a {@code PgFuture} that {@code handle} returns to a {@code
   * thenCompose} behind it is cancelled as well. What a function given to {@code whenComplete}
   * would do is not done when the very stage that it has returned is cancelled, as with any {@link
   * CompletableFuture}.
   *
   * @param mayInterruptIfRunning without effect: a running statement is always asked to stop
   * @return whether this future is cancelled now
   */
  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    PooledSession.whileCancelling(
        () -> {
          if (cancelOnlyThis() && source != null) {
            cancelOrigin();
          }
        });
    return isCancelled();
  }

  private boolean cancelOnlyThis() {
    // As CompletableFuture.cancel does it, but only one of two threads is told that it was the one.
    boolean cancelled = !isDone() && super.completeExceptionally(new CancellationException());
    if (cancelled) {
      cancelled();
    }
    return cancelled;
  }

  /**
   * Cancels what this waits for where it begins: the stages from there to here end as with any
   * failure, so that what they do at the end, such as closing a connection, is done.
   */
  private void cancelOrigin() {
    // Not by recursion: a loop of an application's makes chains of any length, and of any depth.
    ArrayDeque<PgFuture<?>> next = new ArrayDeque<>(2);
    ArrayDeque<PgFuture<?>> untaken = new ArrayDeque<>(2);
    Set<PgFuture<?>> seen = new HashSet<>(); // some wait for themselves
    next.add(this);
    for (PgFuture<?> awaited = next.poll(); awaited != null; awaited = next.poll()) {
      PgFuture<?> from = awaited.source;
      if (from != null && awaited.beside != null && awaited.beside.cancel()) {
        untaken.add(from);
      }
      if (!seen.add(awaited) || (!awaited.addWhatIsAwaited(next) && !awaited.isDue())) {
        awaited.cancelOnlyThis();
      }
    }
    for (PgFuture<?> from : untaken) {
      if (!from.isDone()) {
        from.whenComplete((value, failure) -> from.unusedIf(failure == null)); // it is due
      } else {
        from.unusedIf(!from.isCompletedExceptionally()); // it was before it could be cancelled
      }
    }
  }

  /**
   * Adds what this is derived from, and what its function has begun, if that is under way.
   *
   * @return whether this ends with it; what waits for two does not, if one of them is not ours
   */
  private boolean addWhatIsAwaited(ArrayDeque<PgFuture<?>> next) {
    PgFuture<?> ours = beside == null ? null : beside.ours();
    boolean isBeside = ours != null && !ours.isDone() && next.add(ours);
    boolean isDerived = source != null && !source.isDone() && next.add(source);
    return !(beside instanceof Both) && (isBeside || isDerived);
  }

  /** Whether its function is being called, or waits for its executor: it may be one that closes. */
  private boolean isDue() {
    return source != null
        && source.isDone()
        && (beside == null || (beside instanceof Both both && both.other.isDone()));
  }

  /** Called once, after {@link #cancel} completed this future: stops the work behind it. */
  protected void cancelled() {}

  /**
   * Called when this has its value, and the function given to {@code thenCompose} that was to have
   * it never will, as what that has returned was cancelled in the same moment. A value that is a
   * future itself is cancelled.
   */
  protected void unused() {
    cancelUnused(getNow(null));
  }

  private void unusedIf(boolean succeeded) {
    if (succeeded) {
      unused();
    }
  }

  /** What a function has begun and nobody waits for, as what follows it has been cancelled. */
  private static void cancelUnused(@Nullable Object value) {
    if (value instanceof PgFuture<?> begun) {
      PooledSession.whileCancelling(begun::cancelOrigin);
    }
  }

  /**
   * Called before the current thread waits for this future: until it is complete, it may do the
   * work itself that leads there. Returns early or late, as it likes; the wait follows.
   *
   * @param bounded whether the thread will wait for a limited time only, and must not be kept
   */
  protected void beforeWaiting(boolean bounded) {
    // As with cancel: the first of the chain that is not complete, and not by recursion.
    PgFuture<?> origin = this;
    while (origin.source != null && !origin.source.isDone()) {
      origin = origin.source;
    }
    if (origin == this) {
      Connector.beforeWaiting(null, bounded);
    } else {
      origin.beforeWaiting(bounded);
    }
  }

  /**
   * Whether the current thread is an event loop, which must not wait.
   *
   * @return true where waiting could never end
   */
  protected boolean onEventLoop() {
    PgFuture<?> origin = source;
    while (origin != null && origin.source != null) {
      origin = origin.source;
    }
    return origin != null && origin.onEventLoop();
  }

  /** {@inheritDoc} Cancelling what it returns cancels what the function has begun, too. */
  @Override
  public <U extends @Nullable Object> CompletableFuture<U> thenCompose(
      Function<? super T, ? extends CompletionStage<U>> function) {
    Composition<T, U> composition = new Composition<>(function, true);
    return of(composition, super.thenCompose(composition));
  }

  /** {@inheritDoc} Cancelling what it returns cancels what the function has begun, too. */
  @Override
  public <U extends @Nullable Object> CompletableFuture<U> thenComposeAsync(
      Function<? super T, ? extends CompletionStage<U>> function) {
    Composition<T, U> composition = new Composition<>(function, true);
    return of(composition, super.thenComposeAsync(composition));
  }

  /** {@inheritDoc} Cancelling what it returns cancels what the function has begun, too. */
  @Override
  public <U extends @Nullable Object> CompletableFuture<U> thenComposeAsync(
      Function<? super T, ? extends CompletionStage<U>> function, Executor executor) {
    Composition<T, U> composition = new Composition<>(function, true);
    return of(composition, super.thenComposeAsync(composition, executor));
  }

  /** {@inheritDoc} Cancelling what it returns cancels what the function has begun, too. */
  @Override
  public CompletableFuture<T> exceptionallyCompose(
      Function<Throwable, ? extends CompletionStage<T>> function) {
    Composition<Throwable, T> composition = new Composition<>(function, false);
    return of(composition, super.exceptionallyCompose(composition));
  }

  /** {@inheritDoc} Cancelling what it returns cancels what the function has begun, too. */
  @Override
  public CompletableFuture<T> exceptionallyComposeAsync(
      Function<Throwable, ? extends CompletionStage<T>> function) {
    Composition<Throwable, T> composition = new Composition<>(function, false);
    return of(composition, super.exceptionallyComposeAsync(composition));
  }

  /** {@inheritDoc} Cancelling what it returns cancels what the function has begun, too. */
  @Override
  public CompletableFuture<T> exceptionallyComposeAsync(
      Function<Throwable, ? extends CompletionStage<T>> function, Executor executor) {
    Composition<Throwable, T> composition = new Composition<>(function, false);
    return of(composition, super.exceptionallyComposeAsync(composition, executor));
  }

  private static <U extends @Nullable Object> CompletableFuture<U> of(
      Composition<?, U> composition, CompletableFuture<U> composed) {
    ((PgFuture<U>) composed).beside = composition; // nobody else has it yet
    return composed;
  }

  /** {@inheritDoc} Cancelling what it returns cancels both. */
  @Override
  public <U extends @Nullable Object, V extends @Nullable Object> CompletableFuture<V> thenCombine(
      CompletionStage<? extends U> other, BiFunction<? super T, ? super U, ? extends V> action) {
    return ofBoth(other, super.thenCombine(other, action));
  }

  /** {@inheritDoc} Cancelling what it returns cancels both. */
  @Override
  public <U extends @Nullable Object, V extends @Nullable Object>
      CompletableFuture<V> thenCombineAsync(
          CompletionStage<? extends U> other,
          BiFunction<? super T, ? super U, ? extends V> action) {
    return ofBoth(other, super.thenCombineAsync(other, action));
  }

  /** {@inheritDoc} Cancelling what it returns cancels both. */
  @Override
  public <U extends @Nullable Object, V extends @Nullable Object>
      CompletableFuture<V> thenCombineAsync(
          CompletionStage<? extends U> other,
          BiFunction<? super T, ? super U, ? extends V> action,
          Executor executor) {
    return ofBoth(other, super.thenCombineAsync(other, action, executor));
  }

  /** {@inheritDoc} Cancelling what it returns cancels both. */
  @Override
  public <U extends @Nullable Object> CompletableFuture<@Nullable Void> thenAcceptBoth(
      CompletionStage<? extends U> other, BiConsumer<? super T, ? super U> action) {
    return ofBoth(other, super.thenAcceptBoth(other, action));
  }

  /** {@inheritDoc} Cancelling what it returns cancels both. */
  @Override
  public <U extends @Nullable Object> CompletableFuture<@Nullable Void> thenAcceptBothAsync(
      CompletionStage<? extends U> other, BiConsumer<? super T, ? super U> action) {
    return ofBoth(other, super.thenAcceptBothAsync(other, action));
  }

  /** {@inheritDoc} Cancelling what it returns cancels both. */
  @Override
  public <U extends @Nullable Object> CompletableFuture<@Nullable Void> thenAcceptBothAsync(
      CompletionStage<? extends U> other,
      BiConsumer<? super T, ? super U> action,
      Executor executor) {
    return ofBoth(other, super.thenAcceptBothAsync(other, action, executor));
  }

  /** {@inheritDoc} Cancelling what it returns cancels both. */
  @Override
  public CompletableFuture<@Nullable Void> runAfterBoth(CompletionStage<?> other, Runnable action) {
    return ofBoth(other, super.runAfterBoth(other, action));
  }

  /** {@inheritDoc} Cancelling what it returns cancels both. */
  @Override
  public CompletableFuture<@Nullable Void> runAfterBothAsync(
      CompletionStage<?> other, Runnable action) {
    return ofBoth(other, super.runAfterBothAsync(other, action));
  }

  /** {@inheritDoc} Cancelling what it returns cancels both. */
  @Override
  public CompletableFuture<@Nullable Void> runAfterBothAsync(
      CompletionStage<?> other, Runnable action, Executor executor) {
    return ofBoth(other, super.runAfterBothAsync(other, action, executor));
  }

  private static <U extends @Nullable Object> CompletableFuture<U> ofBoth(
      CompletionStage<?> other, CompletableFuture<U> stage) {
    ((PgFuture<U>) stage).beside = new Both(other.toCompletableFuture());
    return stage;
  }

  @Override
  public <U extends @Nullable Object> PgFuture<U> newIncompleteFuture() {
    return new PgFuture<>(this);
  }

  private void refuseOnEventLoop() {
    if (!isDone() && onEventLoop()) {
      throw new IllegalStateException(
          "waiting on the event loop "
              + Thread.currentThread().getName()
              + " would block the very thread that has to complete the future: attach a stage to"
              + " it (thenApply, thenCompose, …), or wait on another thread");
    }
  }

  private static Throwable unwrapped(ExecutionException failed) {
    Throwable failure = failed;
    while ((failure instanceof ExecutionException || failure instanceof CompletionException)
        && failure.getCause() != null) {
      failure = failure.getCause();
    }
    return failure;
  }

  private static void addCallerFrames(PgException failure) {
    StackTraceElement[] caller = Thread.currentThread().getStackTrace();
    StackTraceElement[] origin = failure.getStackTrace();
    int skipped = 3; // getStackTrace, this method, await
    if (caller.length <= skipped || endsWith(origin, caller)) {
      return;
    }
    StackTraceElement[] both = new StackTraceElement[origin.length + caller.length - skipped];
    System.arraycopy(origin, 0, both, 0, origin.length);
    System.arraycopy(caller, skipped, both, origin.length, caller.length - skipped);
    failure.setStackTrace(both);
  }

  /** Whether the trace has this caller's frames already: the future was awaited twice. */
  private static boolean endsWith(StackTraceElement[] origin, StackTraceElement[] caller) {
    int callers = caller.length - 3;
    if (origin.length < callers) {
      return false;
    }
    for (int i = 1; i <= callers; i++) {
      if (!origin[origin.length - i].equals(caller[caller.length - i])) {
        return false;
      }
    }
    return true;
  }

  /** What a stage waits for, or may have to wait for, beside its source. */
  private sealed interface Beside {
    /** What has to be cancelled with the stage; null where there is nothing, or nothing yet. */
    @Nullable PgFuture<?> ours();

    /**
     * The stage is cancelled.
     *
     * @return true if its function is never called with a value, by this
     */
    boolean cancel();
  }

  /** The other of two. */
  private record Both(CompletableFuture<?> other) implements Beside {
    @Override
    public @Nullable PgFuture<?> ours() {
      return other instanceof PgFuture<?> ours ? ours : null;
    }

    @Override
    public boolean cancel() {
      return false; // it may be called now
    }
  }

  /** A function that returns a stage, and the stage that it has returned. */
  private static final class Composition<S extends @Nullable Object, T extends @Nullable Object>
      implements Function<S, CompletionStage<T>>, Beside {
    private final Function<? super S, ? extends CompletionStage<T>> function;

    /** Whether it is called with a value: the function has it or it is unused, never both. */
    private final boolean takes;

    private final AtomicBoolean decided = new AtomicBoolean();
    private volatile @Nullable CompletionStage<T> begun;
    private volatile boolean cancelled;

    Composition(Function<? super S, ? extends CompletionStage<T>> function, boolean takes) {
      this.function = Objects.requireNonNull(function, "function");
      this.takes = takes;
    }

    @Override
    public CompletionStage<T> apply(S value) {
      if (takes && !decided.compareAndSet(false, true)) {
        cancelUnused(value);
        throw new CancellationException("cancelled before it began");
      }
      if (!takes && cancelled && value instanceof Throwable failure) {
        // Nobody is there to try again for.
        throw failure instanceof CompletionException told ? told : new CompletionException(failure);
      }
      CompletionStage<T> stage = function.apply(value);
      begun = stage;
      if (cancelled && stage instanceof PgFuture<?> ours) {
        // The outcome was cancelled while the function ran.
        PooledSession.whileCancelling(ours::cancelOrigin);
      }
      return stage;
    }

    @Override
    public boolean cancel() {
      cancelled = true;
      return takes && decided.compareAndSet(false, true);
    }

    @Override
    public @Nullable PgFuture<?> ours() {
      return begun instanceof PgFuture<?> ours ? ours : null;
    }
  }
}
