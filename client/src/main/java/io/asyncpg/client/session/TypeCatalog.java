package io.asyncpg.client.session;

import io.asyncpg.protocol.BackendMessage.Field;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the types of one database, and the codecs for them. Shared by the connections of
 * a pool to that database; safe from any thread.
 */
final class TypeCatalog {
  /** SQL that is longer is made for one use; in characters. */
  private static final int LONGEST_DESCRIBED = 16 * 1024;

  private final CodecRegistry codecs;
  private final AtomicInteger generation = new AtomicInteger();
  private final Map<Integer, PgType> runTimeTypes = new ConcurrentHashMap<>();

  /** What a statement was found to be, by one of the sessions that share this. */
  record Description(int[] parameterOids, List<Field> fields) {}

  private final int mostDescriptions;

  /** The least recently used going first; guarded by itself. */
  private final LinkedHashMap<String, Description> descriptions =
      new LinkedHashMap<>(16, 0.75f, true);

  /**
   * Creates a catalog that knows the built-in types.
   *
   * @param mostDescriptions how many statements are remembered for other sessions; 0 for none
   */
  TypeCatalog(CodecRegistry codecs, int mostDescriptions) {
    this.codecs = codecs;
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

  void learn(PgType type) {
    runTimeTypes.put(type.oid(), type);
  }

  /** Types were altered: what is known of them is void, and so are the statements that use them. */
  void forget() {
    runTimeTypes.clear();
    plansChanged();
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
