package io.asyncpg.protocol;

import io.asyncpg.testkit.PublicApi;
import org.junit.jupiter.api.Test;

class PublicApiTest {
  @Test
  void isTheOneThatIsWrittenDown() {
    PublicApi.verify("protocol", BackendReader.class);
  }
}
