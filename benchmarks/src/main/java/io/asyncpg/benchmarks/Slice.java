package io.asyncpg.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * One contender's process: reads {@code WORKLOAD CONNECTIONS MILLIS HOST PORT} a line, runs that
 * slice, and answers with {@code ok operations wallNanos cpuNanos allocatedBytes p50 p99 peakHeap
 * live checksum}, or with {@code failed} and why.
 */
final class Slice {
  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final List<MemoryPoolMXBean> HEAP =
      ManagementFactory.getMemoryPoolMXBeans().stream()
          .filter(pool -> pool.getType() == MemoryType.HEAP)
          .toList();

  private Slice() {}

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    String user = args[1];
    String database = args[2];
    try (Contender contender = Contender.named(args[0]);
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      out.println("ready");
      String opened = "";
      String line;
      while ((line = in.readLine()) != null) {
        String[] words = line.split(" ", -1);
        Workload workload = Workload.valueOf(words[0]);
        int connections = Integer.parseInt(words[1]);
        String wanted = words[1] + " " + words[3] + " " + words[4];
        try {
          if (!wanted.equals(opened)) {
            if (!opened.isEmpty()) {
              contender.disconnect();
            }
            opened = wanted;
            contender.open(
                new Contender.Place(words[3], Integer.parseInt(words[4]), user, database),
                connections);
          }
          out.println(run(contender, new Lanes(workload, connections, Long.parseLong(words[2]))));
        } catch (Exception | OutOfMemoryError failure) {
          out.println("failed " + failure.toString().replace('\n', ' '));
          Runtime.getRuntime().halt(1);
        }
      }
    }
    System.exit(0); // whatever threads a client leaves behind
  }

  private static String run(Contender contender, Lanes lanes) throws Exception {
    HEAP.forEach(MemoryPoolMXBean::resetPeakUsage);
    // To read the CPU time allocates: outside of what is counted.
    long cpu = cpu();
    long allocated = allocated();
    long start = System.nanoTime();
    contender.run(lanes);
    long wall = System.nanoTime() - start;
    allocated = allocated() - allocated;
    cpu = cpu() - cpu;
    // The pools do not all have their peaks at the same moment.
    long peak =
        Math.min(
            HEAP.stream().mapToLong(pool -> pool.getPeakUsage().getUsed()).sum(),
            Runtime.getRuntime().maxMemory());
    Tally tally = lanes.total();
    return String.format(
        Locale.ROOT,
        "ok %d %d %d %d %.2f %.2f %d %d %d",
        tally.count(),
        wall,
        cpu,
        allocated,
        tally.percentileMicros(0.5),
        tally.percentileMicros(0.99),
        peak,
        lanes.live(),
        tally.checksum());
  }

  /**
   * User and system time of all threads, the compiler's and the collector's too. The JDK counts in
   * hundredths of a second; Linux knows better.
   */
  private static long cpu() throws IOException {
    if (!Files.isReadable(Path.of("/proc/self/schedstat"))) {
      return PROCESS.getProcessCpuTime();
    }
    try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
      return threads.mapToLong(Slice::nanosOf).sum();
    }
  }

  private static long nanosOf(Path thread) {
    try {
      String line = Files.readString(thread.resolve("schedstat"));
      return Long.parseLong(line.substring(0, line.indexOf(' ')));
    } catch (IOException ended) {
      return 0;
    }
  }

  /** What all living threads have allocated; none of the contenders' threads ends in a slice. */
  private static long allocated() {
    return Arrays.stream(THREADS.getThreadAllocatedBytes(THREADS.getAllThreadIds()))
        .filter(bytes -> bytes > 0)
        .sum();
  }
}
