package io.asyncpg.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SlowLineTest {
  private static final byte[] STATEMENT = "SELECT FROM bench_rows".getBytes(US_ASCII);

  private ServerSocket echo;
  private SlowLine line;
  private Socket client;

  @BeforeEach
  void connect() throws IOException {
    echo = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
    Thread server =
        new Thread(
            () -> {
              try (Socket accepted = echo.accept()) {
                accepted.getInputStream().transferTo(accepted.getOutputStream());
              } catch (IOException closed) {
                // The test is over.
              }
            });
    server.setDaemon(true);
    server.start();
    line =
        SlowLine.before(
            echo.getInetAddress().getHostAddress(), echo.getLocalPort(), Duration.ofMillis(1));
    client = new Socket(line.host(), line.port());
    client.setTcpNoDelay(true);
  }

  @AfterEach
  void close() throws IOException {
    client.close();
    line.close();
    echo.close();
  }

  private void say(byte[] words) throws IOException {
    client.getOutputStream().write(words);
  }

  private void hear(int bytes) throws IOException {
    assertThat(client.getInputStream().readNBytes(bytes)).hasSize(bytes);
  }

  @Test
  void whoWaitsForEachAnswerTakesARoundTripForEach() throws IOException {
    for (int i = 0; i < 5; i++) {
      say(STATEMENT);
      hear(STATEMENT.length);
    }
    assertThat(line.roundTrips()).isEqualTo(5);
  }

  @Test
  void whoSaysAllAtOnceTakesOneHoweverManyPacketsItIs() throws IOException {
    for (int i = 0; i < 5; i++) {
      say(STATEMENT);
    }
    hear(5 * STATEMENT.length);
    assertThat(line.roundTrips()).isEqualTo(1);
  }

  @Test
  void connectingIsNotCounted() throws IOException {
    say("hello".getBytes(US_ASCII));
    hear(5);
    say(STATEMENT);
    hear(STATEMENT.length);
    assertThat(line.roundTrips()).isEqualTo(1);
    assertThat(line.roundTrips()).as("since it was last asked").isZero();
  }
}
