package io.asyncpg.benchmarks;

import java.io.IOException;

/** A thread for one socket's affairs: it ends with them, or with the program. */
final class Daemon {
  interface Task {
    void run() throws IOException, InterruptedException;
  }

  private Daemon() {}

  static void start(Task task) {
    Thread thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (IOException gone) {
                // One side has gone; so does the other.
              } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
              }
            });
    thread.setDaemon(true);
    thread.start();
  }
}
