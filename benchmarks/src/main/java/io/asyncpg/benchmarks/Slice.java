package io.asyncpg.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * One contender's process: reads {@code WORKLOAD MILLIS} a line, runs that slice, and answers with
 * {@code operations wallNanos cpuNanos allocatedBytes p50 p99 checksum}.
 */
final class Slice {
  private Slice() {}

  public static void main(String[] args) throws Exception {
    PrintStream out = System.out;
    OperatingSystemMXBean process =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    try (Contender contender = Contender.named(args[0]);
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      contender.open(args[1], Integer.parseInt(args[2]), args[3], args[4]);
      out.println("ready");
      String line;
      while ((line = in.readLine()) != null) {
        String[] words = line.split(" ", 2);
        Tally tally = new Tally();
        long allocated = allocated();
        long cpu = process.getProcessCpuTime();
        long start = System.nanoTime();
        contender.run(
            Workload.valueOf(words[0]),
            start + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(words[1])),
            tally);
        long wall = System.nanoTime() - start;
        cpu = process.getProcessCpuTime() - cpu;
        allocated = allocated() - allocated;
        out.printf(
            "%d %d %d %d %.1f %.1f %d%n",
            tally.count(),
            wall,
            cpu,
            allocated,
            tally.percentileMicros(0.5),
            tally.percentileMicros(0.99),
            tally.checksumPerOperation());
      }
    }
  }

  /** What all living threads have allocated; none of the contenders' threads ends in a slice. */
  private static long allocated() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
        .filter(bytes -> bytes > 0)
        .sum();
  }
}
