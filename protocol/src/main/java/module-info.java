/** The PostgreSQL frontend/backend protocol: frames, messages, authentication and errors. */
module io.asyncpg.protocol {
  requires transitive io.netty.buffer;
  requires transitive org.jspecify;
  requires com.ongres.saslprep;

  exports io.asyncpg.error;
  exports io.asyncpg.protocol;
}
