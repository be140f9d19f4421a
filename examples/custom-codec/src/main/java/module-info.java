/** Paths of PostgreSQL's extension ltree, as a record. */
module io.asyncpg.examples.ltree {
  requires transitive io.asyncpg.types;
  requires static org.jspecify;

  exports io.asyncpg.examples.ltree;
}
