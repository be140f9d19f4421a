package com.example.shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.asyncpg.client.PgConnection;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Run twice by the build: as a module, and on the class path. */
class ShopTest {
  private static final boolean IS_MODULE = Boolean.getBoolean("shop.isModule");

  @Test
  void isAModuleAndSoIsTheClientIfTheBuildSaysSo() {
    assertEquals(IS_MODULE, Shop.class.getModule().isNamed());
    assertEquals(IS_MODULE, PgConnection.class.getModule().isNamed());
  }

  @Test
  void ordersGoInAndComeOut() throws IOException {
    var ann = new Shop.Order("Ann", new Level("paid"), List.of(new Shop.Line("cup", 2)));
    var bob = new Shop.Order("Bob", new Level("free"), List.of());
    try (EmbeddedPostgres server = EmbeddedPostgres.builder().setPGStartupWait(Duration.ofMinutes(1)).start();
        var shop =
            new Shop("postgresql://postgres@localhost:" + server.getPort() + "/postgres")) {
      shop.create();
      assertEquals(2, shop.add(List.of(ann, bob)).toCompletableFuture().join());
      assertEquals(List.of(ann), shop.ofLevel(new Level("paid")));
    }
  }
}
