package io.asyncpg.benchmarks;

import io.asyncpg.testkit.TestServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** pgbench with prepared statements: what a client of C that looks at no value needs. */
final class Pgbench {
  private static final Pattern DONE = Pattern.compile("actually processed: (\\d+)");
  private static final Pattern RATE = Pattern.compile("tps = ([\\d.]+)");
  private static final Pattern LATENCY = Pattern.compile("latency average = ([\\d.]+) ms");
  private static final Pattern TIMES = Pattern.compile("cpu ([\\d.]+) ([\\d.]+)");

  private Pgbench() {}

  static boolean isInstalled() {
    return Files.isExecutable(Path.of("/usr/bin/pgbench"))
        && Files.isExecutable(Path.of("/bin/bash"));
  }

  /** Runs a slice, of a second at least. */
  static Result run(Workload workload, int connections, long millis, TestServer server)
      throws IOException {
    Path script = Files.createTempFile("pgbench", ".sql");
    try {
      Files.writeString(
          script,
          workload.byKey()
              ? "\\set id random(1, "
                  + Workload.KEYS
                  + ")\n"
                  + workload.sql.replace("$1", ":id")
                  + ";\n"
              : workload.sql + ";\n");
      String command =
          String.format(
              "TIMEFORMAT='cpu %%U %%S'; time pgbench -n -M prepared -T %d -c %d -j %d -h %s -p %d"
                  + " -U %s -f %s %s",
              Math.max(1, Math.round(millis / 1e3)),
              connections,
              Math.min(connections, 2),
              server.host(),
              server.port(),
              server.user(),
              script,
              server.database());
      Process process =
          new ProcessBuilder(List.of("/bin/bash", "-c", command)).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      long operations = (long) number(DONE, said, 1);
      double cpu = number(TIMES, said, 1) + number(TIMES, said, 2);
      return new Result(
          operations,
          number(RATE, said, 1),
          cpu * 1e6 / operations,
          0,
          number(LATENCY, said, 1) * 1e3,
          0,
          0,
          0,
          0,
          workload == Workload.SELECT_1 ? 2 : 0); // it looks at no value
    } finally {
      Files.delete(script);
    }
  }

  private static double number(Pattern pattern, String said, int group) throws IOException {
    Matcher found = pattern.matcher(said);
    if (!found.find()) {
      throw new IOException("pgbench said " + said);
    }
    return Double.parseDouble(found.group(group));
  }
}
