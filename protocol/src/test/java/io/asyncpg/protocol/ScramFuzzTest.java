package io.asyncpg.protocol;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.asyncpg.error.PgException;
import io.asyncpg.error.RetrySafety;

/** Whatever a server says in a SCRAM exchange, it is refused unless it knows the password. */
class ScramFuzzTest {
  private static final int MOST_ITERATIONS = 100;
  private static final String NONCE = "rOprNGfwEbeRWgbNEkqO";

  /**
   * Up to the first line break the server's first message, behind it the second. A tilde stands for
   * the client's nonce, which nobody would guess.
   */
  @FuzzTest(maxDuration = "10m")
  void nobodyWithoutThePasswordIsBelieved(byte[] input) {
    String[] said = new String(input, ISO_8859_1).replace("~", NONCE).split("\n", 2);
    ScramClient client =
        new ScramClient(ScramClient.SCRAM_SHA_256, "n,,", new byte[0], "user", NONCE);
    client.clientFirst();
    try {
      ScramClient.ServerFirst challenge =
          client.serverFirst(said[0].getBytes(ISO_8859_1), MOST_ITERATIONS);
      assertThat(challenge.iterations()).isBetween(1, MOST_ITERATIONS);
      assertThat(challenge.salt()).hasSizeBetween(1, 1024);
      client.clientFinal(
          challenge, ScramKeys.derive("pencil", challenge.salt(), challenge.iterations()));
      client.verify((said.length > 1 ? said[1] : "").getBytes(ISO_8859_1));
      throw new AssertionError("a signature was made without the password");
    } catch (PgException refused) {
      assertThat(refused.retrySafety()).isEqualTo(RetrySafety.NOT_SENT);
      assertThat(refused).hasMessageNotContaining("pencil");
      assertThat(client.isVerified()).isFalse();
    }
  }
}
