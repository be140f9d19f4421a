package io.asyncpg.client.session;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.PgConfig;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.protocol.ScramKeyCache;
import io.asyncpg.testkit.Backend;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** However the server's first words are cut into reads, they mean the same. */
class StartupTest {
  private static SocketlessSession session() {
    PgConfig config =
        PgConfig.builder().environment(Map.of()).dsn("postgresql://me@db.example/d").build();
    return new SocketlessSession(config, new ScramKeyCache(1));
  }

  private static void hear(SocketlessSession session, byte[] words, int first) {
    session.hear(words, 0, first);
    session.hear(words, first, words.length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"could not fork: no memory\n\0", "could not fork: no memory", "no\0"})
  void anErrorAsInProtocol2IsHeardByteByByte(String text) throws Exception {
    byte[] words = ("E" + text).getBytes(US_ASCII);
    try (SocketlessSession session = session()) {
      for (int at = 0; at < words.length; at++) {
        session.hear(words, at, at + 1);
      }
      session.hearTheEnd();
      assertThatThrownBy(() -> session.connected().get(10, TimeUnit.SECONDS))
          .hasCauseInstanceOf(PgConnectionException.class)
          .hasMessageEndingWith("has no session for us: \"" + text.replaceAll("[\n\0]", "") + "\"");
      assertThat(session.outcomes()).isEqualTo(1);
    }
  }

  @Test
  void wordsWithoutAnEndAreNotListenedToForEver() throws Exception {
    try (SocketlessSession session = session()) {
      byte[] words = ("E" + "x".repeat(8 * 1024)).getBytes(US_ASCII);
      hear(session, words, 5000);
      assertThat(session.isOpen()).isFalse();
      assertThatThrownBy(() -> session.connected().get(10, TimeUnit.SECONDS))
          .hasCauseInstanceOf(PgConnectionException.class)
          .hasMessageEndingWith("\"" + "x".repeat(400) + "\"");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 4})
  void anErrorAsInProtocol2IsHeard(int first) throws Exception {
    try (SocketlessSession session = session()) {
      hear(session, "Ecould not fork: no memory\n\0".getBytes(US_ASCII), first);
      session.hearTheEnd();
      assertThatThrownBy(() -> session.connected().get(10, TimeUnit.SECONDS))
          .hasCauseInstanceOf(PgConnectionException.class)
          .hasMessageContaining("has no session for us: \"could not fork: no memory\"");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 4})
  void anErrorOfOurOwnProtocolIsHeard(int first) throws Exception {
    try (SocketlessSession session = session()) {
      hear(session, Backend.fatal("53300", "too many clients"), first);
      session.hearTheEnd();
      assertThatThrownBy(() -> session.connected().get(10, TimeUnit.SECONDS))
          .hasCauseInstanceOf(PgServerException.class)
          .hasMessageContaining("too many clients");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 4})
  void aGreetingIsHeard(int first) throws Exception {
    try (SocketlessSession session = session()) {
      hear(session, Backend.usualGreeting(1, 2), first);
      assertThat(session.connected().get(10, TimeUnit.SECONDS).isClosed()).isFalse();
    }
  }
}
