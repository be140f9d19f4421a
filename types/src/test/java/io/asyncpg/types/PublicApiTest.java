package io.asyncpg.types;

import io.asyncpg.testkit.PublicApi;
import org.junit.jupiter.api.Test;

class PublicApiTest {
  @Test
  void isTheOneThatIsWrittenDown() {
    PublicApi.verify("types", Codec.class);
  }
}
