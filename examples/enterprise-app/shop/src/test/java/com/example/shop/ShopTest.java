package com.example.shop;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.asyncpg.client.PgConnection;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
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
    try (EmbeddedPostgres server = start();
        var shop = new Shop(dsn(server))) {
      shop.create();
      assertEquals(2, shop.add(List.of(ann, bob)).toCompletableFuture().join());
      assertEquals(List.of(ann), shop.ofLevel(new Level("paid")));
    }
  }

  /** Surefire adds all modules of its path; java alone takes those that are required. */
  @Test
  void runsOnTheModulePathWithNothingAdded() throws IOException, InterruptedException {
    try (EmbeddedPostgres server = start()) {
      Process shop =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-p",
                  Path.of("target", "classes") + File.pathSeparator + Path.of("target", "modules"),
                  "-m",
                  "com.example.shop/com.example.shop.Main",
                  dsn(server))
              .redirectErrorStream(true)
              .start();
      String said = new String(shop.getInputStream().readAllBytes(), UTF_8);
      assertEquals(0, shop.waitFor(), said);
      assertTrue(said.contains("module com.example.shop: [Order[name=Ann, "), said);
    }
  }

  private static EmbeddedPostgres start() throws IOException {
    return EmbeddedPostgres.builder().setPGStartupWait(Duration.ofMinutes(1)).start();
  }

  private static String dsn(EmbeddedPostgres server) {
    return "postgresql://postgres@localhost:" + server.getPort() + "/postgres";
  }
}
