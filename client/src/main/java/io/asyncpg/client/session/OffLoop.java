package io.asyncpg.client.session;

import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads for what would hold up an event loop: files, hashes, certificates, and an application's
 * code that may block, its iterators and its streams of bytes. They are daemons, are made when they
 * are needed, and end when they are not.
 *
 * <p>Not the JVM's common pool: on a small machine it has one thread, and an application that
 * blocks it, waiting for a connection perhaps, would keep the connection from being made.
 */
public final class OffLoop {
  private static final AtomicInteger NUMBER = new AtomicInteger();

  /** The threads, as those want them who take an executor. */
  public static final Executor THREADS =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          1,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          work -> {
            Thread thread = new Thread(work, "asyncpg-off-loop-" + NUMBER.incrementAndGet());
            thread.setDaemon(true);
            return thread;
          });

  private OffLoop() {}

  static void execute(Runnable work) {
    THREADS.execute(work);
  }
}
