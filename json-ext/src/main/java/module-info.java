/** json and jsonb through Jackson. */
module io.asyncpg.json {
  requires transitive io.asyncpg.types;
  requires transitive com.fasterxml.jackson.databind;
  // Not transitive: that would ask for Jackson 3 of everybody who is a module.
  requires static tools.jackson.databind;

  exports io.asyncpg.json;

  provides io.asyncpg.types.CodecModule with
      io.asyncpg.json.JacksonCodecs;
}
