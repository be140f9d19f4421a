package io.asyncpg.client.session;

import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads for an application's code that may block: its iterators, its streams of bytes. They are
 * daemons, are made when they are needed, and end when they are not.
 */
final class OffLoop {
  private static final AtomicInteger NUMBER = new AtomicInteger();

  private static final Executor THREADS =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          1,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          work -> {
            Thread thread = new Thread(work, "asyncpg-blocking-" + NUMBER.incrementAndGet());
            thread.setDaemon(true);
            return thread;
          });

  private OffLoop() {}

  static void execute(Runnable work) {
    THREADS.execute(work);
  }
}
