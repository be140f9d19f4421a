package io.asyncpg.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class Md5PasswordTest {
  @Test
  void theResponseIsTheOneThatLibpqSends() {
    assertThat(
            Md5Password.response("md5_user", "pencil", new byte[] {1, 2, (byte) 0xfe, (byte) 255}))
        .isEqualTo("md57396ca824dd4112e1b194f5f12863dfe");
  }

  @Test
  void lettersBeyondAsciiGoAsUtf8() {
    assertThat(Md5Password.response("jürgen", "pässword", new byte[] {0, 0, 0, 0}))
        .isEqualTo("md55d8226223ebb696da160a0165685bcbf");
  }

  @Test
  void theSaltIsFourBytes() {
    assertThatThrownBy(() -> Md5Password.response("u", "secret!", new byte[3]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("salt: 4 bytes wanted, 3 given");
  }
}
