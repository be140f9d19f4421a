package io.asyncpg.client.session;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs tasks one after the other, in the order in which they came, wherever it is told to run. */
final class InOrder implements Runnable {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  private final Consumer<Runnable> where;

  /** Guarded by this. */
  private final Queue<Runnable> tasks = new ArrayDeque<>();

  private boolean running;

  InOrder(Consumer<Runnable> where) {
    this.where = where;
  }

  void execute(Runnable task) {
    synchronized (this) {
      tasks.add(task);
      if (running) {
        return;
      }
      running = true;
    }
    where.accept(this);
  }

  @Override
  public void run() {
    for (Runnable task = next(); task != null; task = next()) {
      try {
        task.run();
      } catch (Throwable theirs) {
        LOG.log(
            Level.WARNING, "the application's code failed", theirs); // the others have their turn
      }
    }
  }

  private synchronized @Nullable Runnable next() {
    Runnable task = tasks.poll();
    running = task != null;
    return task;
  }
}
