package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.SqlState;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.types.CodecRegistry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;

/**
 * The prepared statements of one session, the least recently used going first. Confined to the
 * event loop.
 */
final class Statements {
  /** So many requests at most have their Parse go ahead of their turn. */
  static final int PREPARED_AHEAD = 100;

  private static final byte[] UNNAMED = FrontendWriter.name("");

  private final int capacity;
  private final long lifetimeNanos;
  private final int maxCacheableSize;
  private final TypeCatalog types;
  private final SessionCodecs codecs;
  private final LinkedHashMap<String, Preparation> cache = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * Names of statements that the server holds and nobody will use: closed with the next request.
   */
  private List<byte[]> unused = new ArrayList<>();

  /** Those that the application holds. */
  private final Set<HeldStatement> held = new HashSet<>();

  private long named;

  /** The state of the types and plans shared with other sessions that the cache belongs to. */
  private int generation;

  /** The codecs that the cache was made with. */
  private CodecRegistry madeWith;

  Statements(PgConfig config, TypeCatalog types) {
    this.capacity = config.statementCacheSize();
    this.lifetimeNanos = Deadlines.nanos(config.statementCacheLifetime());
    this.maxCacheableSize = config.maxCacheableStatementSize();
    this.types = types;
    this.codecs = new SessionCodecs(types.codecs());
    this.generation = types.generation();
    this.madeWith = codecs.now();
  }

  SessionCodecs codecs() {
    return codecs;
  }

  TypeCatalog types() {
    return types;
  }

  /** The preparation of this SQL: the cached one, or a new one that is cold. */
  Preparation get(String sql) {
    if (capacity == 0 || (maxCacheableSize > 0 && sql.length() > maxCacheableSize)) {
      return unnamed(sql);
    }
    int now = types.generation();
    if (generation != now || madeWith != codecs.now()) {
      generation = now;
      madeWith = codecs.now();
      forgetAll();
    }
    Preparation known = cache.get(sql);
    if (known != null
        && (known.isDoubted() || (lifetimeNanos > 0 && known.isOlderThan(lifetimeNanos)))) {
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

  /** A preparation outside the cache, with a name of its own unless names are not wanted. */
  Preparation apart(String sql) {
    return capacity == 0 ? unnamed(sql) : named(sql);
  }

  /** A preparation that the server does not keep: it is parsed anew with each execution. */
  Preparation unnamed(String sql) {
    return new Preparation(sql, UNNAMED, types, codecs.now());
  }

  /** Whether so many statements can be ready at once; always, where none is cached. */
  boolean hasRoomFor(int count) {
    return capacity == 0 || count <= capacity;
  }

  private Preparation named(String sql) {
    byte[] name = FrontendWriter.name("asyncpg_" + ++named);
    return new Preparation(sql, name, types, codecs.now());
  }

  /** Whether it may be used for what is written now. */
  boolean isCurrent(Preparation preparation) {
    return !preparation.isDiscarded() && preparation.isUpToDate(codecs.now());
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

  /** Takes all out of the cache; the server is told with the next request. */
  void forgetAll() {
    for (Preparation preparation : cache.values()) {
      drop(preparation);
    }
    cache.clear();
  }

  /**
   * The server says that a statement is not what it was. Of a plan that is stale the connections
   * that share our types have more; with a statement that is not there others have gone, perhaps
   * all: those that are there still are closed.
   */
  void stale(Preparation used, Diagnostic diagnostic) {
    forget(used);
    if (diagnostic.sqlState().equals(SqlState.INVALID_SQL_STATEMENT_NAME)) {
      forgetAll();
      held.forEach(this::prepareAnew);
    } else if (PreparedRequest.isTypeGone(diagnostic)) {
      types.forget();
    } else if (!PreparedRequest.isTypeAltered(diagnostic)) {
      types.plansChanged();
    }
  }

  /** What was known of it from another session does not hold: all that share it forget it. */
  void stale(Preparation recalled) {
    forget(recalled);
    types.forgetDescription(recalled.sql());
  }

  /** The server holds no statement any more: DEALLOCATE ALL, DISCARD ALL. */
  void serverForgotAll() {
    cache.values().forEach(Preparation::discard);
    cache.clear();
    held.forEach(HeldStatement::discard);
    unused.clear();
  }

  /**
   * What the server says of a name that is there already, or not there: that happens when somebody
   * in between gives us another server's session, and then it says what to do.
   */
  static Diagnostic explained(Diagnostic said) {
    boolean names =
        said.sqlState().equals(SqlState.DUPLICATE_PREPARED_STATEMENT)
            || said.sqlState().equals(SqlState.INVALID_SQL_STATEMENT_NAME);
    return !names || said.hint() != null
        ? said
        : new Diagnostic(
            said.severity(),
            said.localizedSeverity(),
            said.sqlState(),
            said.message(),
            said.detail(),
            "A pooler between transactions or statements that does not know prepared statements"
                + " needs statementCacheSize(0); PgBouncer 1.21 or newer knows them with"
                + " max_prepared_statements above 0.",
            said.position(),
            said.internalPosition(),
            said.internalQuery(),
            said.context(),
            said.schema(),
            said.table(),
            said.column(),
            said.dataType(),
            said.constraint(),
            said.file(),
            said.line(),
            said.routine());
  }

  void hold(HeldStatement statement) {
    held.add(statement);
  }

  /** The application does not hold it any more. */
  void release(HeldStatement statement) {
    held.remove(statement);
    statement.release();
    prepareAnew(statement);
  }

  private void prepareAnew(HeldStatement statement) {
    Preparation preparation = statement.preparation();
    if (preparation != null) {
      drop(preparation);
    }
  }

  /** Whether the application holds a statement that it has prepared. */
  boolean isHeld() {
    return !held.isEmpty();
  }

  void releaseAll(String why) {
    for (HeldStatement statement : List.copyOf(held)) {
      statement.end(why);
      release(statement);
    }
  }

  /** Takes a statement that could not be prepared out of the cache, so that it is tried again. */
  void forgetFailed(Preparation preparation) {
    cache.remove(preparation.sql(), preparation);
  }

  /** A name that the server holds and nobody uses. */
  void closeLater(byte[] name) {
    unused.add(name);
  }

  /** Nobody uses it any more; the server is told with the next request. */
  void drop(Preparation preparation) {
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

  /** Forgets, in its turn, what is known of the database, here and where it is shared. */
  static final class Reload extends UnwrittenRequest<Void> {
    Reload(Session session) {
      super(session, 0);
    }

    @Override
    @SuppressWarnings("NullAway") // a Void is null
    void turn(Session session) {
      session.statements().types.forget();
      complete(null);
    }

    @Override
    String doing() {
      return "while it forgot what it knew of the database";
    }
  }
}
