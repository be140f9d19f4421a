package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.asyncpg.protocol.FrontendWriter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The prepared statements of one session, the least recently used going first. Confined to the
 * event loop.
 */
final class Statements {
  /** How many Parse at most go ahead of their turn in one write. */
  static final int PREPARED_AHEAD = 100;

  private static final byte[] UNNAMED = FrontendWriter.name("");

  private final int capacity;
  private final long lifetimeNanos;
  private final int maxCacheableSize;
  private final TypeCatalog types;
  private final LinkedHashMap<String, Preparation> cache = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * Names of statements that the server holds and nobody will use: closed with the next request.
   */
  private List<byte[]> unused = new ArrayList<>();

  private long named;

  Statements(PgConfig config, TypeCatalog types) {
    this.capacity = config.statementCacheSize();
    this.lifetimeNanos = config.statementCacheLifetime().toNanos();
    this.maxCacheableSize = config.maxCacheableStatementSize();
    this.types = types;
  }

  TypeCatalog types() {
    return types;
  }

  /** The preparation of this SQL: the cached one, or a new one that is cold. */
  Preparation get(String sql) {
    if (capacity == 0 || (maxCacheableSize > 0 && sql.length() > maxCacheableSize)) {
      return new Preparation(sql, UNNAMED, types);
    }
    Preparation known = cache.get(sql);
    if (known != null && lifetimeNanos > 0 && known.isOlderThan(lifetimeNanos)) {
      forget(known);
      known = null;
    }
    if (known == null) {
      known = named(sql);
      cache.put(sql, known);
      if (cache.size() > capacity) {
        evictEldest(known);
      }
    }
    return known;
  }

  /** A preparation outside the cache, with a name of its own. */
  Preparation named(String sql) {
    return new Preparation(sql, FrontendWriter.name("asyncpg_" + ++named), types);
  }

  private void evictEldest(Preparation newest) {
    Iterator<Preparation> eldestFirst = cache.values().iterator();
    while (eldestFirst.hasNext()) {
      Preparation eldest = eldestFirst.next();
      if (eldest != newest) {
        eldestFirst.remove();
        drop(eldest);
        return;
      }
    }
  }

  /** Takes a statement out of the cache; the server is told with the next request. */
  void forget(Preparation preparation) {
    cache.remove(preparation.sql(), preparation);
    drop(preparation);
  }

  void forgetAll() {
    for (Preparation preparation : cache.values()) {
      drop(preparation);
    }
    cache.clear();
  }

  /** Takes a statement that could not be prepared out of the cache, so that it is tried again. */
  void forgetFailed(Preparation preparation) {
    cache.remove(preparation.sql(), preparation);
  }

  /** A name that the server holds and nobody uses. */
  void closeLater(byte[] name) {
    unused.add(name);
  }

  private void drop(Preparation preparation) {
    if (preparation.discard()) {
      unused.add(preparation.name());
    }
  }

  /** The names to close in front of the exchange about to be written. */
  List<byte[]> takeUnusedNames() {
    if (unused.isEmpty()) {
      return List.of();
    }
    List<byte[]> taken = unused;
    unused = new ArrayList<>();
    return taken;
  }

  void giveBackUnusedNames(List<byte[]> names) {
    unused.addAll(names);
  }

  /** For tests and statistics: what is cached, by SQL. */
  @Nullable Preparation peek(String sql) {
    for (Map.Entry<String, Preparation> entry : cache.entrySet()) {
      if (entry.getKey().equals(sql)) {
        return entry.getValue();
      }
    }
    return null;
  }
}
