/** A shop. */
module com.example.shop {
  requires io.asyncpg.client;
  requires io.asyncpg.pool;
  requires io.asyncpg.json;
  requires com.fasterxml.jackson.databind;

  // Records that rows and documents are bound to.
  opens com.example.shop;

  exports com.example.shop;
}
