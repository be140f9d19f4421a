package io.asyncpg.json;

import io.asyncpg.testkit.PublicApi;
import org.junit.jupiter.api.Test;

class PublicApiTest {
  @Test
  void isTheOneThatIsWrittenDown() {
    PublicApi.verify("json-ext", JacksonCodecs.class);
  }
}
