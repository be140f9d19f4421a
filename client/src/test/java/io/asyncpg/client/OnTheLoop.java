package io.asyncpg.client;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Runs code on a connection's event loop, whoever is faster. */
final class OnTheLoop {
  private OnTheLoop() {}

  /** What the code throws there; fails if it throws nothing. */
  static RuntimeException thrownBy(PgConnection connection, Supplier<?> code) {
    CompletableFuture<RuntimeException> thrown = new CompletableFuture<>();
    Consumer<Notice> listener =
        notice -> {
          try {
            thrown.completeExceptionally(new AssertionError("gave " + code.get()));
          } catch (RuntimeException expected) {
            thrown.complete(expected);
          }
        };
    connection.addNoticeListener(listener);
    connection.execute("DO $$ BEGIN RAISE NOTICE 'now'; END $$").await();
    connection.removeNoticeListener(listener);
    return thrown.join();
  }
}
