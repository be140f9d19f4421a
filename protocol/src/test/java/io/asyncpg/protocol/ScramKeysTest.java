package io.asyncpg.protocol;

import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

final class ScramKeysTest {
  @Test
  void thePasswordsOfARealServerGiveTheKeysItStores() throws IOException {
    List<String> lines;
    try (InputStream in =
        Objects.requireNonNull(getClass().getResourceAsStream("scram-verifiers.txt"))) {
      lines = new String(in.readAllBytes(), UTF_8).lines().filter(s -> !s.startsWith("#")).toList();
    }
    assertThat(lines).hasSize(72);
    for (String line : lines) {
      String[] fields = line.split(" ", -1);
      String password = new String(HexFormat.of().parseHex(fields[0]), UTF_16BE);
      ScramKeys keys =
          ScramKeys.derive(
              password, Base64.getDecoder().decode(fields[2]), Integer.parseInt(fields[1]));
      assertThat(Base64.getEncoder().encodeToString(keys.storedKey()))
          .as(line)
          .isEqualTo(fields[3]);
      assertThat(Base64.getEncoder().encodeToString(keys.serverKey()))
          .as(line)
          .isEqualTo(fields[4]);
    }
  }

  @Test
  void saslprepMapsAPassword() {
    assertThat(prepared("I\u00adX")).isEqualTo("IX");
    assertThat(prepared("\u00aa")).isEqualTo("a");
    assertThat(prepared("\u2168")).isEqualTo("IX");
    assertThat(prepared("a\u00a0b")).isEqualTo("a b");
  }

  @Test
  void aPasswordThatSaslprepRefusesIsTakenAsItIs() {
    assertThat(prepared("\u0007")).isEqualTo("\u0007");
    assertThat(prepared("\u06271")).isEqualTo("\u06271");
    assertThat(prepared("\u0221")).isEqualTo("\u0221");
    assertThat(prepared("\u00ad")).isEqualTo("\u00ad");
    assertThat(prepared("")).isEmpty();
  }

  @Test
  void anEmptyPasswordHasKeysToo() {
    ScramKeys empty = ScramKeys.derive("", new byte[] {1}, 2);
    ScramKeys other = ScramKeys.derive("x", new byte[] {1}, 2);
    assertThat(empty.storedKey()).hasSize(32).isNotEqualTo(other.storedKey());
  }

  @Test
  void passwordSaltAndIterationsEachMatter() {
    byte[] key = ScramKeys.derive("pencil", new byte[] {1, 2}, 3).storedKey();
    assertThat(ScramKeys.derive("pencil", new byte[] {1, 2}, 3).storedKey()).isEqualTo(key);
    assertThat(ScramKeys.derive("pencils", new byte[] {1, 2}, 3).storedKey()).isNotEqualTo(key);
    assertThat(ScramKeys.derive("pencil", new byte[] {1, 3}, 3).storedKey()).isNotEqualTo(key);
    assertThat(ScramKeys.derive("pencil", new byte[] {1, 2}, 4).storedKey()).isNotEqualTo(key);
  }

  @Test
  void readyKeysProveAndVerifyLikeDerivedOnes() {
    byte[] salt = {1, 2, 3, 4};
    byte[] salted = pbkdf2("pencil", salt);
    ScramKeys ready =
        ScramKeys.of(
            ScramKeys.hmac(salted, "Client Key".getBytes(UTF_8)),
            ScramKeys.hmac(salted, "Server Key".getBytes(UTF_8)));
    ScramKeys derived = ScramKeys.derive("pencil", salt, 1);
    byte[] message = "any".getBytes(UTF_8);
    assertThat(ready.clientProof(message)).isEqualTo(derived.clientProof(message));
    assertThat(ready.serverSignature(message)).isEqualTo(derived.serverSignature(message));
  }

  @Test
  void keysOfAnotherLengthAreRefusedByName() {
    assertThatThrownBy(() -> ScramKeys.of(new byte[31], new byte[32]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("clientKey: 32 bytes wanted, 31 given");
    assertThatThrownBy(() -> ScramKeys.of(new byte[32], new byte[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("serverKey: 32 bytes wanted, 0 given");
    assertThatThrownBy(() -> ScramKeys.derive("x", new byte[] {1}, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("iterations");
  }

  @Test
  void laterChangesToTheCallersArraysChangeNothing() {
    byte[] clientKey = new byte[32];
    ScramKeys keys = ScramKeys.of(clientKey, new byte[32]);
    byte[] before = keys.storedKey();
    Arrays.fill(clientKey, (byte) 9);
    assertThat(keys.storedKey()).isEqualTo(before);
  }

  @Test
  void keysDoNotShow() {
    assertThat(ScramKeys.derive("pencil", new byte[] {1}, 1)).hasToString("ScramKeys[secret]");
  }

  /** One round, by the definition: HMAC(password, salt, 1 as four bytes). */
  private static byte[] pbkdf2(String password, byte[] salt) {
    byte[] block = Arrays.copyOf(salt, salt.length + 4);
    block[block.length - 1] = 1;
    return ScramKeys.hmac(password.getBytes(UTF_8), block);
  }

  private static String prepared(String password) {
    return new String(ScramKeys.prepared(password), UTF_8);
  }
}
