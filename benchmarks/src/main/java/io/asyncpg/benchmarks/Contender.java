package io.asyncpg.benchmarks;

/** One client, with some connections to one server. */
interface Contender extends AutoCloseable {
  /** Where the server is. */
  record Place(String host, int port, String user, String database) {}

  void open(Place server, int connections) throws Exception;

  /** Runs one slice. */
  void run(Lanes lanes) throws Exception;

  /** Closes the connections; they may be opened again. */
  void disconnect() throws Exception;

  /** Whether this client can do that at all. */
  static boolean takes(String name, Workload workload) {
    return switch (name) {
      case "asyncpg-await" -> workload == Workload.SELECT_1 || workload == Workload.ONE_ROW;
      case "asyncpg-insert" -> workload == Workload.EXECUTE_MANY;
      case "asyncpg-pool" -> workload == Workload.COLD;
      case "pgjdbc" -> workload != Workload.IN_FLIGHT && workload != Workload.COLD_TOGETHER;
      case "pgjdbc-rewrite" -> workload == Workload.EXECUTE_MANY;
      case "vertx" -> workload != Workload.COPY_IN;
      case "vertx-1" ->
          workload == Workload.SELECT_1
              || workload == Workload.ONE_ROW
              || workload == Workload.IN_FLIGHT
              || workload == Workload.COLD_TOGETHER;
      case "asyncpg-python" -> workload != Workload.IN_FLIGHT && workload != Workload.COLD_TOGETHER;
      case "pgbench" -> workload == Workload.SELECT_1 || workload == Workload.ONE_ROW;
      default -> true;
    };
  }

  static Contender named(String name) {
    return switch (name) {
      case "asyncpg", "asyncpg-await", "asyncpg-insert", "asyncpg-pool" ->
          new AsyncpgContender(name);
      case "pgjdbc" -> new PgjdbcContender(false);
      case "pgjdbc-rewrite" -> new PgjdbcContender(true);
      case "vertx" -> new VertxContender(256);
      case "vertx-1" -> new VertxContender(1);
      case "r2dbc" -> new R2dbcContender();
      default -> throw new IllegalArgumentException("no contender " + name);
    };
  }
}
