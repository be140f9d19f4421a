/** json and jsonb through Jackson. */
module io.asyncpg.json {
  requires transitive io.asyncpg.types;
  requires transitive com.fasterxml.jackson.databind;
  requires static transitive tools.jackson.databind;

  exports io.asyncpg.json;

  provides io.asyncpg.types.CodecModule with
      io.asyncpg.json.JacksonCodecs;
}
