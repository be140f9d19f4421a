package io.asyncpg.geometry;

import io.asyncpg.testkit.PublicApi;
import org.junit.jupiter.api.Test;

class PublicApiTest {
  @Test
  void isTheOneThatIsWrittenDown() {
    PublicApi.verify("geometry-ext", JtsCodecs.class);
  }
}
