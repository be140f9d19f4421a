package io.asyncpg.benchmarks;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One slice: on every connection as many lanes as operations in flight, in each one operation after
 * the other until the time is up.
 */
final class Lanes {
  /** Begins an operation of an asynchronous client; it calls {@link Lane#done} at its end. */
  interface Starter {
    void start(Lane lane);
  }

  /** An operation of a client that waits; returns its checksum. */
  interface Blocking {
    long run(Lane lane) throws Exception;
  }

  final class Lane {
    /** Which connection is this lane's. */
    final int connection;

    private final Tally tally = new Tally();
    private @Nullable Starter starter;
    private long start;
    private long stopped;
    private int key;

    /** For the contender: whatever this lane's operation needs to remember. */
    long sum;

    Lane(int connection, int key) {
      this.connection = connection;
      this.key = key;
    }

    Workload workload() {
      return workload;
    }

    /** The key of the operation that begins. */
    int nextKey() {
      key = key % Workload.KEYS + 1;
      return key;
    }

    /** The whole result is there: the moment to weigh it, if that is what this slice is for. */
    void loaded() {
      if (weighing) {
        System.gc();
        live = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
      }
    }

    /** The operation is done; the next begins. */
    void done(long checksum) {
      Starter next = Objects.requireNonNull(starter);
      try {
        long now = record(checksum);
        if (now < deadline) {
          start = now;
          next.start(this);
        } else {
          ended();
        }
      } catch (RuntimeException | Error e) {
        failed(e);
      }
    }

    /** What was done until here, such as connecting, is no part of the operation's time. */
    void restart() {
      start = System.nanoTime();
    }

    /** What comes from here, such as closing, is none either. */
    void stop() {
      stopped = System.nanoTime();
    }

    private long record(long checksum) {
      long now = stopped == 0 ? System.nanoTime() : stopped;
      stopped = 0;
      tally.done(now - start, workload.byKey() ? checksum - Workload.expected(key) : checksum);
      return now;
    }

    void failed(Throwable failure) {
      over.completeExceptionally(failure);
    }

    private void ended() {
      if (running.decrementAndGet() == 0) {
        over.complete(null);
      }
    }
  }

  final Workload workload;
  private final List<Lane> lanes = new ArrayList<>();
  private final CompletableFuture<@Nullable Void> over = new CompletableFuture<>();
  private final AtomicInteger running;
  private final long millis;
  private final boolean weighing;
  private volatile long deadline;
  private volatile long live;

  /** With a negative time: one operation, whose result is weighed. */
  Lanes(Workload workload, int connections, long millis) {
    this.workload = workload;
    this.millis = millis;
    this.weighing = millis < 0;
    for (int connection = 0; connection < connections; connection++) {
      for (int i = 0; i < workload.inFlight(); i++) {
        lanes.add(new Lane(connection, lanes.size() * 100 % Workload.KEYS));
      }
    }
    running = new AtomicInteger(lanes.size());
  }

  private void begin() {
    deadline = System.nanoTime() + millis * 1_000_000;
  }

  /** Runs an asynchronous client until the time is up. */
  void run(Starter starter) throws Exception {
    begin();
    for (Lane lane : lanes) {
      lane.starter = starter;
      lane.start = System.nanoTime();
      starter.start(lane);
    }
    await();
  }

  /** Runs a client that waits until the time is up: each lane on a thread of the executor. */
  void run(Executor threads, Blocking operation) throws Exception {
    begin();
    for (Lane lane : lanes) {
      threads.execute(
          () -> {
            try {
              do {
                lane.start = System.nanoTime();
                lane.record(operation.run(lane));
              } while (System.nanoTime() < deadline && !over.isDone());
              lane.ended();
            } catch (Throwable failure) {
              lane.failed(failure);
            }
          });
    }
    await();
  }

  private void await() throws Exception {
    try {
      over.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception failure ? failure : e;
    }
  }

  /** The living bytes of the heap with a result in it, if it was weighed. */
  long live() {
    return live;
  }

  Tally total() {
    Tally total = new Tally();
    lanes.forEach(lane -> total.add(lane.tally));
    return total;
  }
}
