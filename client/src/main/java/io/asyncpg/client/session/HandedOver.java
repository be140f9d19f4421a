package io.asyncpg.client.session;

import org.jspecify.annotations.Nullable;

/** What any thread hands to a session, which takes it on its event loop, the first first. */
abstract class HandedOver {
  /** The one handed over before it; set and read by {@link Session#submit} and its taking. */
  @Nullable HandedOver handedOverBefore;

  /** Its turn to be taken has come. On the event loop. */
  abstract void taken(Session session);

  /** Something to do when it is taken; it waits for nothing that came before. */
  static final class Task extends HandedOver {
    private final Runnable task;

    Task(Runnable task) {
      this.task = task;
    }

    @Override
    void taken(Session session) {
      try {
        task.run();
      } catch (Throwable odd) {
        session.lose(odd); // what was handed over behind it has to be told
      }
    }
  }

  /** What is taken behind it belongs to another lease. */
  static final class EndOfLease extends HandedOver {
    private final Lease lease;

    EndOfLease(Lease lease) {
      this.lease = lease;
    }

    @Override
    void taken(Session session) {
      lease.pass();
    }
  }
}
