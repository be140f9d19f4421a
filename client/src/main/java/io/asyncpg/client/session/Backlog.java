package io.asyncpg.client.session;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What waits to be written, in its order: first what the session needs itself, then what has to be
 * written once more, then what was handed over. Confined to the session's event loop.
 */
final class Backlog {
  /**
   * What has to be written once more.
   *
   * @param ifOvertaken what it fails with where something written behind it has taken effect before
   *     it runs, for then it is too late; null if it may run behind that
   */
  private record Repeat(Exchange exchange, @Nullable Throwable ifOvertaken) {}

  private final ArrayDeque<Exchange> urgent = new ArrayDeque<>();

  /** In the order in which they were written first. */
  private final ArrayDeque<Repeat> again = new ArrayDeque<>();

  private final ArrayDeque<Exchange> waiting = new ArrayDeque<>();

  void add(Exchange exchange) {
    waiting.add(exchange);
  }

  void addUrgently(Exchange own) {
    urgent.add(own);
  }

  /**
   * Adds what has to be written once more.
   *
   * @param ifOvertaken what it fails with if it is {@link #overtaken}; null if it cannot be
   */
  void addAgain(Exchange repeated, @Nullable Throwable ifOvertaken) {
    again.add(new Repeat(repeated, ifOvertaken));
  }

  boolean isEmpty() {
    return urgent.isEmpty() && again.isEmpty() && waiting.isEmpty();
  }

  boolean hasToRepeat() {
    return !again.isEmpty();
  }

  int urgent() {
    return urgent.size();
  }

  /** How many have been handed over and never been written. */
  int unwritten() {
    return waiting.size();
  }

  /** What the session needs next itself; null for nothing. */
  @Nullable Exchange nextUrgent() {
    return urgent.peek();
  }

  /** What comes next where nothing is urgent; null for nothing. */
  @Nullable Exchange next() {
    Repeat repeat = again.peek();
    return repeat == null ? waiting.peek() : repeat.exchange();
  }

  /** That one, and some of those behind it. */
  Iterable<Exchange> nextAndBehind() {
    return again.isEmpty() ? waiting : toRepeat();
  }

  private List<Exchange> toRepeat() {
    return again.stream().map(Repeat::exchange).toList();
  }

  /** Takes out the head of one of the queues: its turn has come. */
  void remove(Exchange head) {
    if (urgent.peek() == head) {
      urgent.remove();
    } else if (again.isEmpty()) {
      waiting.remove();
    } else {
      again.remove();
    }
  }

  /**
   * Whether this one is to be run once more in its place, so that what was written behind it has to
   * be answered first.
   */
  boolean keepsPlace(Exchange next, Iterable<Exchange> inFlight) {
    Repeat repeat = again.peek();
    if (repeat == null || repeat.exchange() != next || repeat.ifOvertaken() == null) {
      return false;
    }
    for (Exchange written : inFlight) {
      if (!written.isRepeated()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Something that was written behind those that are to run once more has taken effect, or has not
   * seen theirs: they come too late and fail, unless all of them only read.
   */
  void overtaken(Exchange by) {
    if (again.isEmpty()) {
      return;
    }
    for (Repeat repeat : List.copyOf(again)) {
      Exchange late = repeat.exchange();
      Throwable failure = repeat.ifOvertaken();
      if (failure != null
          && !(late.onlyReads() && by.onlyReads())
          && again.remove(repeat)) { // what was told to one before may have ended all
        late.become(Exchange.Stage.DONE);
        late.fail(failure);
      }
    }
  }

  /** All of them, in their order. */
  List<Exchange> all() {
    List<Exchange> all = new ArrayList<>(urgent);
    all.addAll(toRepeat());
    all.addAll(waiting);
    return all;
  }

  void clear() {
    urgent.clear();
    again.clear();
    waiting.clear();
  }
}
