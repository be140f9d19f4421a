package io.asyncpg.geometry;

import io.asyncpg.testkit.TestServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The same against the newest PostgreSQL and PostGIS, where there is Docker to run them in. */
class PostgisContainerTest extends PostgisTest {
  private static TestServer container;

  @BeforeAll
  static void install() {
    container = TestServer.postgisInDocker();
    installOn(container);
  }

  @AfterAll
  static void stop() {
    if (container != null) {
      container.close();
    }
  }
}
