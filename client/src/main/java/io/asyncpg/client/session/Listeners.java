package io.asyncpg.client.session;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Who is told of one kind of thing that a server says unasked. Any thread. */
final class Listeners<T> {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  private final String kind;
  private final CopyOnWriteArrayList<Consumer<T>> listeners = new CopyOnWriteArrayList<>();

  /**
   * Creates an empty list.
   *
   * @param kind what they listen to, for the log
   */
  Listeners(String kind) {
    this.kind = kind;
  }

  boolean isEmpty() {
    return listeners.isEmpty();
  }

  /** The same listener twice counts once. */
  void add(Consumer<T> listener) {
    listeners.addIfAbsent(listener);
  }

  void remove(Consumer<T> listener) {
    listeners.remove(listener);
  }

  void clear() {
    listeners.clear();
  }

  /** Tells all of them, whatever one throws. */
  void tell(T said) {
    for (Consumer<T> listener : listeners) {
      try {
        listener.accept(said);
      } catch (RuntimeException | Error theirs) {
        LOG.log(Level.WARNING, "a " + kind + " listener failed", theirs);
      }
    }
  }
}
