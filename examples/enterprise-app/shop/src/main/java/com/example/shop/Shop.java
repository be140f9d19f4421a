package com.example.shop;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.asyncpg.client.PgConfig;
import io.asyncpg.json.JacksonCodecs;
import io.asyncpg.pool.PgPool;
import io.asyncpg.pool.PoolConfig;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Customers and what they ordered. */
public final class Shop implements AutoCloseable {
  private final PgPool pool;

  /**
   * A line of an order.
   *
   * @param item what
   * @param count how many
   */
  public record Line(String item, int count) {}

  /**
   * A row: columns, one of a type of our own, one a document.
   *
   * @param name who
   * @param level how served
   * @param lines what was ordered
   */
  public record Order(String name, Level level, List<Line> lines) {}

  /**
   * Opens it.
   *
   * @param dsn where the database is
   */
  public Shop(String dsn) {
    PgConfig config =
        PgConfig.parse(dsn).toBuilder()
            .codecs(JacksonCodecs.of(new ObjectMapper()))
            .codec("public", "level", new Level.LevelCodec())
            .build();
    pool = PgPool.create(PoolConfig.builder().connection(config).maxSize(4).build());
  }

  /** Makes the tables. */
  public void create() {
    pool.execute(
            """
            CREATE TYPE level AS ENUM ('free', 'paid');
            CREATE TABLE orders(name text, level level, lines jsonb)
            """)
        .await();
  }

  /**
   * Adds orders, all or none.
   *
   * @param orders what is added
   * @return how many there are then
   */
  public CompletionStage<Long> add(List<Order> orders) {
    return pool.transaction(
        tx ->
            tx.executeMany("INSERT INTO orders(name, level, lines) VALUES ($1, $2, $3)", orders)
                .thenCompose(done -> tx.fetchValue(Long.class, "SELECT count(*) FROM orders")));
  }

  /**
   * Looks orders up.
   *
   * @param level how served
   * @return those who are
   */
  public List<Order> ofLevel(Level level) {
    return pool.fetch(Order.class, "SELECT * FROM orders WHERE level = $1 ORDER BY name", level)
        .await();
  }

  @Override
  public void close() {
    pool.close();
    pool.closed().await();
  }
}
