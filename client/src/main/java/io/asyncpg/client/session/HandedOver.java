package io.asyncpg.client.session;

import org.jspecify.annotations.Nullable;

/** What any thread hands to a session, which takes it on its event loop, the first first. */
abstract class HandedOver {
  /** The one handed over before it; set and read by {@link Session#submit} and its taking. */
  @Nullable HandedOver handedOverBefore;

  /** Something to do when its turn to be taken has come; it waits for nothing that came before. */
  static final class Task extends HandedOver {
    private final Runnable task;

    Task(Runnable task) {
      this.task = task;
    }

    void run() {
      task.run();
    }
  }
}
