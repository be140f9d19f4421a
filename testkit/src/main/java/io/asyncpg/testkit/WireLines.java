package io.asyncpg.testkit;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** The log of all messages, switched on until it is closed. */
public final class WireLines implements AutoCloseable {
  private final Logger logger = Logger.getLogger("io.asyncpg.wire");
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord line) {
          lines.add(line.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  /** Switches it on. */
  public WireLines() {
    logger.addHandler(handler);
    logger.setUseParentHandlers(false);
    logger.setLevel(Level.ALL);
  }

  /** The lines of all sessions, in order. */
  public List<String> all() {
    return List.copyOf(lines);
  }

  /** What this side has said in one session, by the names of the messages. */
  public List<String> sent(int serverPid) {
    return lines.stream()
        .filter(line -> line.contains("#" + serverPid + "] F\t"))
        .map(line -> line.split("\t", -1)[2])
        .toList();
  }

  /** Forgets what was said until now. */
  public void clear() {
    lines.clear();
  }

  @Override
  public void close() {
    logger.setLevel(null);
    logger.setUseParentHandlers(true);
    logger.removeHandler(handler);
  }
}
