/**
 * PostgreSQL types and values: codecs, the registry that finds them, the table of built-in types.
 */
module io.asyncpg.types {
  requires transitive io.asyncpg.protocol;
  requires transitive org.jspecify;

  exports io.asyncpg.types;
  exports io.asyncpg.types.value;

  uses io.asyncpg.types.CodecModule;
}
