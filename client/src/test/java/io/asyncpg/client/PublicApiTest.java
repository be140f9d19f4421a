package io.asyncpg.client;

import io.asyncpg.testkit.PublicApi;
import org.junit.jupiter.api.Test;

class PublicApiTest {
  @Test
  void isTheOneThatIsWrittenDown() {
    PublicApi.verify("client", PgConnection.class);
  }
}
