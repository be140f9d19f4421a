package io.asyncpg.client.session;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Rows between the event loop, which adds runs of them, and the one reader who takes them. Bounded
 * by what the event loop asks the server for while it looks at {@link #rows} and {@link #bytes}.
 */
final class RowBuffer {
  /** The end. */
  private record End(@Nullable Throwable failure) {}

  private final Queue<ResultRows> runs = new ConcurrentLinkedQueue<>();
  private final AtomicLong rows = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();

  /** Called when there is something new for the reader. */
  private volatile Runnable tellReader = () -> {};

  /** Called when the reader has taken something. */
  private volatile Runnable tellWriter = () -> {};

  private volatile @Nullable End end;

  void reader(Runnable tell) {
    tellReader = tell;
  }

  void writer(Runnable tell) {
    tellWriter = tell;
  }

  /** Adds a run of whole DataRow frames; it is copied. */
  void add(ResultShape shape, byte[] from, int begin, int stop, int count) {
    ResultRows run = new ResultRows(shape);
    run.add(from, begin, stop, count);
    rows.addAndGet(count);
    bytes.addAndGet(stop - begin);
    runs.add(run);
    Application.run(tellReader);
  }

  /** Nothing more will come. The first end counts. */
  void end(@Nullable Throwable failure) {
    synchronized (this) {
      if (end != null) {
        return;
      }
      end = new End(failure);
    }
    tellReader.run();
  }

  /** Takes a run; null when there is none now. */
  @Nullable ResultRows poll() {
    ResultRows run = runs.poll();
    if (run != null) {
      rows.addAndGet(-run.size());
      bytes.addAndGet(-run.bytes());
      tellWriter.run();
    }
    return run;
  }

  /** Whether nothing more will come; ask it before a {@link #poll} that finds nothing. */
  boolean isEnded() {
    return end != null;
  }

  /** Why it ended before its time; null when it did not. */
  @Nullable Throwable failure() {
    End ended = end;
    return ended == null ? null : ended.failure;
  }

  /** Forgets what has not been taken: there is no reader any more. */
  void clear() {
    runs.clear();
    rows.set(0);
    bytes.set(0);
  }

  long rows() {
    return rows.get();
  }

  long bytes() {
    return bytes.get();
  }
}
