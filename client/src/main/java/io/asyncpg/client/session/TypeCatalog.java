package io.asyncpg.client.session;

import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the types of one database, and the codecs for them. Shared by the connections of
 * a pool to that database; safe from any thread.
 */
final class TypeCatalog {
  private final CodecRegistry codecs;
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

  void forget() {
    runTimeTypes.clear();
  }
}
