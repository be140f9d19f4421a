package io.asyncpg.client.session;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs tasks one after the other, in the order in which they came, wherever it is told to run. */
final class InOrder implements Runnable {
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
      task.run();
    }
  }

  private synchronized @Nullable Runnable next() {
    Runnable task = tasks.poll();
    running = task != null;
    return task;
  }
}
