package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Spreads the sessions of one connector over its hosts: the next is tried where the fewest are,
 * hosts with as many taking turns, and those that were of the wrong kind a short while ago come
 * last. Any thread.
 */
final class Spread {
  /** So long is a host that was of the wrong kind taken to be it still. */
  private static final long WRONG_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final class Load {
    private int sessions;
    private long lastTurn;
    private boolean wrong;
    private long wrongSince;

    private boolean isWrong(long now) {
      return wrong && now - wrongSince < WRONG_NANOS;
    }
  }

  /** Guarded by itself, as is the number of the turn. */
  private final Map<PgConfig.Host, Load> loads = new HashMap<>();

  private long turn;

  /**
   * The hosts in the order in which they are to be tried; the first counts as taken until then.
   *
   * @param last those that come behind all others
   */
  List<PgConfig.Host> begin(List<PgConfig.Host> hosts, Set<PgConfig.Host> last, long now) {
    synchronized (loads) {
      List<PgConfig.Host> order = new ArrayList<>(hosts);
      order.sort(
          Comparator.comparing((PgConfig.Host host) -> last.contains(host))
              .thenComparing(host -> of(host).isWrong(now))
              .thenComparingInt(host -> of(host).sessions)
              .thenComparingLong(host -> of(host).lastTurn));
      Load first = of(order.get(0));
      first.sessions++;
      first.lastTurn = ++turn;
      return order;
    }
  }

  /** What has become of it: a session with one of them, or none. */
  void end(PgConfig.Host first, PgConfig.@Nullable Host taken) {
    synchronized (loads) {
      of(first).sessions--;
      if (taken != null) {
        of(taken).sessions++;
        of(taken).wrong = false;
      }
    }
  }

  /** A session is over. */
  void ended(PgConfig.Host host) {
    synchronized (loads) {
      of(host).sessions--;
    }
  }

  /** It was reached, and is not of the kind that is wanted. */
  void passedOver(PgConfig.Host host, long now) {
    synchronized (loads) {
      of(host).wrong = true;
      of(host).wrongSince = now;
    }
  }

  private Load of(PgConfig.Host host) {
    return loads.computeIfAbsent(host, unknown -> new Load());
  }
}
