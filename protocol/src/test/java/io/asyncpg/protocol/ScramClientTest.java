package io.asyncpg.protocol;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.RetrySafety;
import java.util.Arrays;
import java.util.Base64;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class ScramClientTest {
  private static final String NONCE = "rOprNGfwEbeRWgbNEkqO";
  private static final String SERVER_NONCE = NONCE + "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  private static final String SALT = "W22ZaJ0SNY7soEsUEjb6gQ==";
  private static final String SERVER_FIRST = "r=" + SERVER_NONCE + ",s=" + SALT + ",i=4096";
  private static final String SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

  @Test
  void theExampleOfRfc7677ComesOutAsPrinted() {
    ScramClient client = example();
    assertThat(client.mechanism()).isEqualTo("SCRAM-SHA-256");
    assertThat(text(client.clientFirst())).isEqualTo("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    ScramClient.ServerFirst challenge = client.serverFirst(bytes(SERVER_FIRST));
    assertThat(challenge.iterations()).isEqualTo(4096);
    assertThat(challenge.salt()).isEqualTo(Base64.getDecoder().decode(SALT));
    ScramKeys keys = ScramKeys.derive("pencil", challenge.salt(), challenge.iterations());
    assertThat(text(client.clientFinal(challenge, keys)))
        .isEqualTo(
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    assertThat(client.isVerified()).isFalse();
    client.verify(bytes(SERVER_FINAL));
    assertThat(client.isVerified()).isTrue();
  }

  @Test
  void theUserIsLeftToTheStartupMessageAsInLibpq() {
    assertThat(text(ScramClient.withoutChannelBinding().clientFirst()))
        .matches("n,,n=,r=[A-Za-z0-9+/]{24}");
  }

  @Test
  void theHeaderSaysWhetherTheChannelIsBound() {
    assertThat(text(ScramClient.withoutChannelBinding().clientFirst())).startsWith("n,,n=");
    assertThat(text(ScramClient.channelBindingNotOffered().clientFirst())).startsWith("y,,n=");
    ScramClient bound = ScramClient.withChannelBinding(new byte[] {1, 2, 3});
    assertThat(bound.mechanism()).isEqualTo("SCRAM-SHA-256-PLUS");
    assertThat(text(bound.clientFirst())).startsWith("p=tls-server-end-point,,n=");
  }

  @Test
  void theBindingDataComesBackInTheFinalMessage() {
    assertThat(channelOf(ScramClient.withoutChannelBinding())).isEqualTo("n,,");
    assertThat(channelOf(ScramClient.channelBindingNotOffered())).isEqualTo("y,,");
    assertThat(channelOf(ScramClient.withChannelBinding(new byte[] {'h', 'a', 's', 'h'})))
        .isEqualTo("p=tls-server-end-point,,hash");
  }

  @Test
  void anEmptyCertificateHashIsRefused() {
    assertThatThrownBy(() -> ScramClient.withChannelBinding(new byte[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tlsServerEndPoint");
  }

  @Test
  void noTwoExchangesShareANonce() {
    assertThat(ScramClient.withoutChannelBinding().clientFirst())
        .isNotEqualTo(ScramClient.withoutChannelBinding().clientFirst());
  }

  @Test
  void aServerNonceThatIsNotOursExtendedIsRefused() {
    refusesFirst("r=other" + SERVER_NONCE + ",s=" + SALT + ",i=4096", "nonce");
    refusesFirst("r=" + NONCE + ",s=" + SALT + ",i=4096", "nonce");
    refusesFirst("r=,s=" + SALT + ",i=4096", "nonce");
    refusesFirst("r=" + NONCE + "\u0001,s=" + SALT + ",i=4096", "printable");
    refusesFirst("r=" + NONCE + "x".repeat(2_000) + ",s=" + SALT + ",i=4096", "nonce");
  }

  @Test
  void anExtensionThatMustBeUnderstoodIsRefused() {
    refusesFirst("m=new," + SERVER_FIRST, "m=");
    refusesFirst(SERVER_FIRST + ",m=new", "optional extension");
    refusesFinal("m=new," + SERVER_FINAL, "m=");
    refusesFinal(SERVER_FINAL + ",m=new", "optional extension");
  }

  @Test
  void anOptionalExtensionIsIgnored() {
    ScramClient client = example();
    client.clientFirst();
    assertThat(client.serverFirst(bytes(SERVER_FIRST + ",x=new,y=")).iterations()).isEqualTo(4096);
  }

  @Test
  void aFirstMessageInAnotherShapeIsRefused() {
    refusesFirst("", "r=");
    refusesFirst("r", "r=");
    refusesFirst("e=other-error", "r=");
    refusesFirst("s=" + SALT + ",r=" + SERVER_NONCE + ",i=4096", "r=");
    refusesFirst("r=" + SERVER_NONCE, "s=");
    refusesFirst("r=" + SERVER_NONCE + ",s=" + SALT, "i=");
    refusesFirst(SERVER_FIRST + ",", "comma");
    refusesFirst(SERVER_FIRST + ",garbage", "optional extension");
    refusesFirst(SERVER_FIRST + ",1=x", "optional extension");
    refusesFirst("r=" + SERVER_NONCE + ",,s=" + SALT + ",i=4096", "s=");
  }

  @Test
  void aSaltThatIsNoneIsRefused() {
    refusesFirst("r=" + SERVER_NONCE + ",s=,i=4096", "salt has 0 bytes");
    refusesFirst("r=" + SERVER_NONCE + ",s=***,i=4096", "not base64");
    refusesFirst("r=" + SERVER_NONCE + ",s=W22ZaJ0SNY7soEsUEjb6gQ,i=4096", "base64");
    String huge = Base64.getEncoder().encodeToString(new byte[1_025]);
    refusesFirst("r=" + SERVER_NONCE + ",s=" + huge + ",i=4096", "salt has 1025 bytes");
  }

  @Test
  void iterationsThatAreNoPositiveNumberAreRefused() {
    refusesFirst("r=" + SERVER_NONCE + ",s=" + SALT + ",i=", "iterations");
    refusesFirst("r=" + SERVER_NONCE + ",s=" + SALT + ",i=0", "iterations");
    refusesFirst("r=" + SERVER_NONCE + ",s=" + SALT + ",i=-1", "iterations");
    refusesFirst("r=" + SERVER_NONCE + ",s=" + SALT + ",i=+1", "iterations");
    refusesFirst("r=" + SERVER_NONCE + ",s=" + SALT + ",i=0x10", "iterations");
    refusesFirst("r=" + SERVER_NONCE + ",s=" + SALT + ",i=4096 ", "iterations");
    refusesFirst("r=" + SERVER_NONCE + ",s=" + SALT + ",i=４０９６", "iterations");
  }

  @Test
  void moreIterationsThanAllowedAreRefusedBeforeAnyIsDone() {
    for (String count : new String[] {"100001", "2147483647", "9".repeat(5_000)}) {
      ScramClient client = example();
      client.clientFirst();
      byte[] message = bytes("r=" + SERVER_NONCE + ",s=" + SALT + ",i=" + count);
      assertThatThrownBy(() -> client.serverFirst(message))
          .isInstanceOf(PgConnectionException.class)
          .hasMessageContaining("100000")
          .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300));
    }
    ScramClient client = example();
    client.clientFirst();
    byte[] message = bytes("r=" + SERVER_NONCE + ",s=" + SALT + ",i=100001");
    assertThat(client.serverFirst(message, 100_001).iterations()).isEqualTo(100_001);
  }

  @Test
  void aServerThatDoesNotKnowThePasswordIsRefused() {
    ScramClient client = exampleUpToItsEnd();
    byte[] signature = Base64.getDecoder().decode(SERVER_FINAL.substring(2));
    signature[31] ^= 1;
    byte[] message = bytes("v=" + Base64.getEncoder().encodeToString(signature));
    assertThatThrownBy(() -> client.verify(message))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("does not know the password");
    assertThat(client.isVerified()).isFalse();
  }

  @Test
  void aSignatureOfAnotherLengthIsWrong() {
    for (String signature :
        new String[] {"", "AAAA", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95A=="}) {
      ScramClient client = exampleUpToItsEnd();
      assertThatThrownBy(() -> client.verify(bytes("v=" + signature)))
          .isInstanceOf(PgConnectionException.class);
      assertThat(client.isVerified()).isFalse();
    }
  }

  @Test
  void anErrorOfTheServerIsRaised() {
    ScramClient client = exampleUpToItsEnd();
    assertThatThrownBy(() -> client.verify(bytes("e=invalid-proof")))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("invalid-proof");
    ScramClient other = exampleUpToItsEnd();
    assertThatThrownBy(() -> other.verify(bytes("e=\u001b[2J")))
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("unreadable");
    assertThat(other.isVerified()).isFalse();
  }

  @Test
  void aFinalMessageInAnotherShapeIsRefused() {
    refusesFinal("", "v=");
    refusesFinal("x=1", "v=");
    refusesFinal("v", "v=");
    refusesFinal("v=***", "base64");
    refusesFinal(SERVER_FINAL + ",", "comma");
    refusesFinal(SERVER_FINAL + "=", "base64");
  }

  @Test
  void messagesOutOfTurnAreRefused() {
    ScramClient unasked = example();
    assertThatThrownBy(() -> unasked.serverFirst(bytes(SERVER_FIRST)))
        .isInstanceOf(PgProtocolException.class)
        .hasMessageContaining("AuthenticationSASLContinue");
    ScramClient skipped = example();
    skipped.clientFirst();
    assertThatThrownBy(() -> skipped.verify(bytes(SERVER_FINAL)))
        .isInstanceOf(PgProtocolException.class)
        .hasMessageContaining("AuthenticationSASLFinal");
    ScramClient repeated = exampleUpToItsEnd();
    assertThatThrownBy(() -> repeated.serverFirst(bytes(SERVER_FIRST)))
        .isInstanceOf(PgProtocolException.class);
    assertThatThrownBy(() -> repeated.verify(bytes(SERVER_FINAL)))
        .isInstanceOf(PgProtocolException.class);
    assertThat(repeated.isVerified()).isFalse();
  }

  @Test
  void stepsOutOfTurnAreTheCallersMistake() {
    ScramClient client = example();
    client.clientFirst();
    assertThatThrownBy(client::clientFirst).isInstanceOf(IllegalStateException.class);
    ScramClient.ServerFirst challenge = client.serverFirst(bytes(SERVER_FIRST));
    ScramKeys keys = ScramKeys.derive("pencil", challenge.salt(), challenge.iterations());
    client.clientFinal(challenge, keys);
    assertThatThrownBy(() -> client.clientFinal(challenge, keys))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void nothingOfTheExchangeShowsInToString() {
    ScramClient client = exampleUpToItsEnd();
    assertThat(client).hasToString("ScramClient[SCRAM-SHA-256, FINAL_SENT]");
    ScramClient other = example();
    other.clientFirst();
    assertThat(other.serverFirst(bytes(SERVER_FIRST))).hasToString("ServerFirst[4096 iterations]");
  }

  @Test
  void damagedMessagesNeverVerifyAndNeverSurprise() {
    Random random = new Random(7);
    for (int round = 0; round < 20_000; round++) {
      ScramClient client = example();
      client.clientFirst();
      byte[] first = damaged(bytes(SERVER_FIRST), random);
      try {
        ScramClient.ServerFirst challenge = client.serverFirst(first);
        client.clientFinal(challenge, ScramKeys.of(new byte[32], new byte[32]));
        client.verify(damaged(bytes(SERVER_FINAL), random));
      } catch (PgException e) {
        assertThat(e.retrySafety()).isEqualTo(RetrySafety.NOT_SENT);
      }
      assertThat(client.isVerified()).isFalse();
    }
  }

  private static byte[] damaged(byte[] message, Random random) {
    byte[] result = message.clone();
    for (int i = random.nextInt(4); i > 0; i--) {
      result[random.nextInt(result.length)] = (byte) random.nextInt(256);
    }
    return random.nextInt(4) == 0 ? Arrays.copyOf(result, random.nextInt(result.length)) : result;
  }

  private static void refusesFirst(String message, String because) {
    ScramClient client = example();
    client.clientFirst();
    assertThatThrownBy(() -> client.serverFirst(message.getBytes(UTF_8)))
        .isInstanceOf(PgProtocolException.class)
        .hasMessageContaining(because);
    assertThat(client).hasToString("ScramClient[SCRAM-SHA-256, FAILED]");
  }

  private static void refusesFinal(String message, String because) {
    ScramClient client = exampleUpToItsEnd();
    assertThatThrownBy(() -> client.verify(bytes(message)))
        .isInstanceOf(PgProtocolException.class)
        .hasMessageContaining(because);
    assertThat(client).hasToString("ScramClient[SCRAM-SHA-256, FAILED]");
  }

  private static String channelOf(ScramClient client) {
    String first = text(client.clientFirst());
    String nonce = first.substring(first.indexOf(",r=") + 3);
    ScramClient.ServerFirst challenge =
        client.serverFirst(bytes("r=" + nonce + "more,s=" + SALT + ",i=1"));
    String last = text(client.clientFinal(challenge, ScramKeys.derive("p", challenge.salt(), 1)));
    return text(Base64.getDecoder().decode(last.substring(2, last.indexOf(','))));
  }

  private static ScramClient example() {
    return new ScramClient(ScramClient.SCRAM_SHA_256, "n,,", new byte[0], "user", NONCE);
  }

  private static ScramClient exampleUpToItsEnd() {
    ScramClient client = example();
    client.clientFirst();
    ScramClient.ServerFirst challenge = client.serverFirst(bytes(SERVER_FIRST));
    client.clientFinal(
        challenge, ScramKeys.derive("pencil", challenge.salt(), challenge.iterations()));
    return client;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(ISO_8859_1);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, ISO_8859_1);
  }
}
