package io.asyncpg.client;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Runs code on a connection's event loop, whoever is faster. */
final class OnTheLoop {
  /** What is run for it. */
  static final String SQL = "DO $$ BEGIN RAISE NOTICE 'now'; END $$";

  private OnTheLoop() {}

  /** Runs the code there; throws, in a CompletionException, what it throws. */
  static void run(PgConnection connection, Runnable code) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Consumer<Notice> listener =
        notice -> {
          try {
            code.run();
            done.complete(null);
          } catch (RuntimeException | Error thrown) {
            done.completeExceptionally(thrown);
          }
        };
    connection.addNoticeListener(listener);
    connection.execute(SQL).await();
    connection.removeNoticeListener(listener);
    done.join();
  }

  /** What the code throws there; fails if it throws nothing. */
  static RuntimeException thrownBy(PgConnection connection, Supplier<?> code) {
    CompletableFuture<RuntimeException> thrown = new CompletableFuture<>();
    run(
        connection,
        () -> {
          try {
            thrown.completeExceptionally(new AssertionError("gave " + code.get()));
          } catch (RuntimeException expected) {
            thrown.complete(expected);
          }
        });
    return thrown.join();
  }
}
