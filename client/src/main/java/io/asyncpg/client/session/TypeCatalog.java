package io.asyncpg.client.session;

import io.asyncpg.protocol.BackendMessage.Field;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.OutdatedTypeException;
import io.asyncpg.types.PgType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the types of one database, and the codecs for them. Shared by the connections of
 * a pool to that database; safe from any thread.
 */
final class TypeCatalog {
  /** SQL that is longer is made for one use; in characters. */
  private static final int LONGEST_DESCRIBED = 16 * 1024;

  /**
   * A doubt about a type or a statement that was looked up again, and came out the same, is an
   * error of the application's: for so long it costs no more look-ups.
   */
  private static final long DOUBT_AGAIN = TimeUnit.SECONDS.toNanos(1);

  /** Types that are made and dropped all day must not fill the heap, nor must SQL. */
  private static final int REMEMBERED_DOUBTS = 1000;

  private final CodecRegistry codecs;
  private final AtomicInteger generation = new AtomicInteger();
  private final Map<Integer, PgType> runTimeTypes = new ConcurrentHashMap<>();

  /** What a statement was found to be, by one of the sessions that share this. */
  record Description(int[] parameterOids, List<Field> fields) {}

  private final int mostDescriptions;

  /** The least recently used going first; guarded by itself. */
  private final LinkedHashMap<String, Description> descriptions =
      new LinkedHashMap<>(16, 0.75f, true);

  /** What was doubted, a type or SQL, and when. */
  private final Map<Object, Long> doubted = new ConcurrentHashMap<>();

  /** Types that members of anonymous records have, and that nobody knew. */
  private final Set<Integer> missed = ConcurrentHashMap.newKeySet();

  private volatile boolean complete;

  /**
   * Creates a catalog that knows the built-in types.
   *
   * @param mostDescriptions how many statements are remembered for other sessions; 0 for none
   */
  TypeCatalog(CodecRegistry codecs, int mostDescriptions) {
    this.codecs = codecs.withTypes(this::ofMember);
    this.mostDescriptions = mostDescriptions;
  }

  CodecRegistry codecs() {
    return codecs;
  }

  /** The type, or null when the server has to be asked. */
  @Nullable PgType find(int oid) {
    PgType builtin = BuiltinTypes.byOid(oid);
    return builtin != null ? builtin : runTimeTypes.get(oid);
  }

  /** The type of a member of an anonymous record: of what came, so it is too late to ask. */
  private @Nullable PgType ofMember(int oid) {
    PgType known = find(oid);
    if (known == null && missed.add(oid)) {
      complete = false;
      plansChanged();
    }
    return known;
  }

  void learn(PgType type) {
    runTimeTypes.put(type.oid(), type);
  }

  /**
   * Whether all types of the database are known, those made since aside. A record may have members
   * of any type, and does not say which before it comes.
   */
  boolean isComplete() {
    return complete;
  }

  void completed() {
    complete = true;
  }

  /** Types were altered: what is known of them is void, and so are the statements that use them. */
  void forget() {
    complete = false;
    missed.clear();
    runTimeTypes.clear();
    plansChanged();
  }

  /**
   * A codec failed: if a type having been altered explains it, all types are looked up anew before
   * they are used again.
   */
  void doubt(Throwable codecFailure) {
    for (Throwable cause = codecFailure; cause != null; cause = cause.getCause()) {
      if (cause instanceof OutdatedTypeException outdated) {
        doubt(outdated.type());
        return;
      }
    }
  }

  /** A type may have been altered: then all are looked up anew before they are used again. */
  void doubt(PgType type) {
    if (!type.equals(runTimeTypes.get(type.oid()))) {
      return; // built in, or forgotten already, or looked up since
    }
    long now = System.nanoTime();
    Long before = doubted.get(type);
    if (before != null && now - before < DOUBT_AGAIN) {
      return;
    }
    doubted(type, now);
    forget();
  }

  /**
   * An argument did not fit its parameter, which may be of another type since the statement was
   * prepared.
   *
   * @param madeAt when it was prepared, as {@link System#nanoTime} counts
   * @return whether it has to be prepared anew before the error is true
   */
  boolean doubt(String sql, long madeAt) {
    long now = System.nanoTime();
    Long before = doubted.get(sql);
    if (before != null && now - before < DOUBT_AGAIN) {
      return madeAt - before < 0;
    }
    if (sql.length() <= LONGEST_DESCRIBED) {
      doubted(sql, now);
    }
    forgetDescription(sql);
    return true;
  }

  private void doubted(Object typeOrSql, long now) {
    if (doubted.size() >= REMEMBERED_DOUBTS) {
      doubted.clear();
    }
    doubted.put(typeOrSql, now);
  }

  /** A plan was stale: statements prepared before, on any connection that shares this, may be. */
  void plansChanged() {
    synchronized (descriptions) {
      generation.incrementAndGet();
      descriptions.clear();
    }
  }

  /** What the statement was when a session prepared it last; null when nobody knows. */
  @Nullable Description describe(String sql) {
    if (mostDescriptions == 0) {
      return null;
    }
    synchronized (descriptions) {
      return descriptions.get(sql);
    }
  }

  /**
   * Remembers what a statement is.
   *
   * @param asOf the generation in which it was asked; an earlier one than now's is of no use
   */
  void remember(String sql, Description description, int asOf) {
    if (mostDescriptions == 0 || sql.length() > LONGEST_DESCRIBED) {
      return;
    }
    synchronized (descriptions) {
      if (generation() == asOf) {
        descriptions.put(sql, description);
        if (descriptions.size() > mostDescriptions) {
          descriptions.remove(descriptions.keySet().iterator().next());
        }
      }
    }
  }

  /** It is not what it was. */
  void forgetDescription(String sql) {
    synchronized (descriptions) {
      descriptions.remove(sql);
    }
  }

  /** Changes whenever statements prepared before are to be prepared anew. */
  int generation() {
    return generation.get();
  }
}
