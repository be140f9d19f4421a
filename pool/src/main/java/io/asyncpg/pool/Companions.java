package io.asyncpg.pool;

import io.asyncpg.client.LoadBalanceHosts;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.TargetSessionAttrs;
import io.asyncpg.client.session.Connector;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** The pools for reading and for writing that belong to one pool. Any thread. */
final class Companions {
  private final Pool pool;

  /** Guarded by itself, as is whether they are closed. */
  private final Map<TargetSessionAttrs, PgPool> made = new EnumMap<>(TargetSessionAttrs.class);

  private boolean closed;

  Companions(Pool pool) {
    this.pool = pool;
  }

  /**
   * The pool for servers of this kind, made when it is first asked for.
   *
   * @throws IllegalStateException when the pool is closed
   */
  PgPool of(TargetSessionAttrs kind) {
    synchronized (made) {
      PgPool known = made.get(kind);
      if (known == null) {
        if (closed) {
          throw Pool.closedAlready();
        }
        PgConfig.Builder connection =
            pool.config().connection().toBuilder().targetSessionAttrs(kind);
        boolean balanced = kind == TargetSessionAttrs.PREFER_STANDBY;
        if (balanced) {
          connection.loadBalanceHosts(LoadBalanceHosts.RANDOM); // of the addresses of one name, too
        }
        PoolConfig.Builder config = pool.config().toBuilder().connection(connection.build());
        if (balanced) {
          config.minSize(floor(pool.config()));
        }
        known = Pool.create(config.build(), balanced);
        made.put(kind, known);
      }
      return known;
    }
  }

  /** If any are to be kept open, one for each host, so that even few readers have all of them. */
  private static int floor(PoolConfig config) {
    int hosts = config.connection().hosts().size();
    return config.minSize() == 0
        ? 0
        : Math.max(config.minSize(), Math.min(hosts, config.maxSize()));
  }

  private List<PgPool> all(boolean closing) {
    synchronized (made) {
      closed |= closing;
      return new ArrayList<>(made.values());
    }
  }

  void close() {
    all(true).forEach(PgPool::close);
  }

  void terminate() {
    all(true).forEach(PgPool::terminate);
  }

  /** Completes when the pool and its companions are closed. */
  @SuppressWarnings("NullAway") // a Void is null
  PgFuture<Void> andClosed(PgFuture<Void> poolClosed) {
    List<PgFuture<Void>> ends = new ArrayList<>();
    ends.add(poolClosed);
    all(false).forEach(companion -> ends.add(companion.closed()));
    PgFuture<Void> told = Connector.future();
    AtomicInteger left = new AtomicInteger(ends.size());
    for (PgFuture<Void> end : ends) {
      end.whenComplete(
          (nothing, never) -> {
            if (left.decrementAndGet() == 0) {
              told.complete(null);
            }
          });
    }
    return told;
  }
}
