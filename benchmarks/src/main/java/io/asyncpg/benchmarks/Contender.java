package io.asyncpg.benchmarks;

/** One client, on one connection. */
interface Contender extends AutoCloseable {
  /** Keys are 1 to this. */
  int KEYS = 10_000;

  void open(String host, int port, String user, String database) throws Exception;

  /**
   * Runs a workload until the deadline.
   *
   * @param deadline as {@link System#nanoTime} counts
   */
  void run(Workload workload, long deadline, Tally tally) throws Exception;

  static Contender named(String name) {
    return switch (name) {
      case "asyncpg" -> new AsyncpgContender();
      case "pgjdbc" -> new PgjdbcContender();
      case "vertx" -> new VertxContender();
      default -> throw new IllegalArgumentException("no contender " + name);
    };
  }
}
