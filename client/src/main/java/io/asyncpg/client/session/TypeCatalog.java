package io.asyncpg.client.session;

import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the types of one database, and the codecs for them. Shared by the connections of
 * a pool to that database; safe from any thread.
 */
final class TypeCatalog {
  private final CodecRegistry codecs;
  private final AtomicInteger generation = new AtomicInteger();
  private final Map<Integer, PgType> runTimeTypes = new ConcurrentHashMap<>();

  TypeCatalog(CodecRegistry codecs) {
    this.codecs = codecs;
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
    generation.incrementAndGet();
  }

  /** Changes whenever statements prepared before are to be prepared anew. */
  int generation() {
    return generation.get();
  }
}
