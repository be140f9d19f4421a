/** Many sessions with the servers of one database, lent to many borrowers. */
module io.asyncpg.pool {
  requires transitive io.asyncpg.client;
  requires static org.jspecify;

  exports io.asyncpg.pool;
}
