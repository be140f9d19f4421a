package io.asyncpg.client.session;

import io.asyncpg.client.QueryEvent;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Who is told of the requests of one session, and who of their arguments. Any thread. */
final class QueryListeners {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  private record Entry(Consumer<QueryEvent> listener, boolean withArguments) {}

  private final List<Entry> entries = new CopyOnWriteArrayList<>();
  private volatile boolean argumentsWanted;

  boolean isEmpty() {
    return entries.isEmpty();
  }

  boolean areArgumentsWanted() {
    return argumentsWanted;
  }

  /** The same listener twice counts once, as it was added last. */
  synchronized void add(Consumer<QueryEvent> listener, boolean withArguments) {
    Entry entry = new Entry(listener, withArguments);
    if (!entries.contains(entry)) {
      entries.removeIf(other -> other.listener.equals(listener));
      entries.add(entry);
      argumentsWanted |= withArguments;
    }
  }

  synchronized void remove(Consumer<QueryEvent> listener) {
    entries.removeIf(entry -> entry.listener.equals(listener));
    argumentsWanted = entries.stream().anyMatch(Entry::withArguments);
  }

  synchronized void clear() {
    entries.clear();
    argumentsWanted = false;
  }

  void tell(QueryEvent event) {
    for (Entry entry : entries) {
      try {
        entry.listener.accept(entry.withArguments ? event : without(event));
      } catch (RuntimeException | Error theirs) {
        LOG.log(Level.WARNING, "a query listener failed", theirs);
      }
    }
  }

  private static QueryEvent without(QueryEvent event) {
    return event.arguments() == null
        ? event
        : new QueryEvent(
            event.sql(), event.duration(), event.rows(), event.cached(), event.error(), null);
  }
}
