package io.asyncpg.testkit;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBufAllocator;
import java.io.DataOutputStream;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class NoLeaksTest {
  @Test
  void nothingLeftBehindIsNothingTold() {
    ByteBufAllocator.DEFAULT.buffer(16).release();
    assertThatCode(NoLeaksTest::check).doesNotThrowAnyException();
  }

  @Test
  void aBufferThatIsNotReleasedIsTold() {
    forget();
    assertThatThrownBy(NoLeaksTest::check)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("ByteBuf not released")
        .hasMessageContaining("NoLeaksTest.forget");
  }

  private static void check() {
    NoLeaks.check(Duration.ofMillis(200));
  }

  private static void forget() {
    ByteBufAllocator.DEFAULT.buffer(16).writeInt(1);
  }

  @Test
  void aThreadThatDoesNotEndIsTold() throws InterruptedException {
    CountDownLatch end = new CountDownLatch(1);
    Thread thread =
        new Thread(
            () -> {
              try {
                end.await();
              } catch (InterruptedException e) {
                // it ends
              }
            },
            "asyncpg-forgotten");
    thread.start();
    assertThatThrownBy(NoLeaksTest::check).hasMessageContaining("thread asyncpg-forgotten");
    end.countDown();
    thread.join();
  }

  @Test
  void aSessionThatStaysIsTold() throws Exception {
    TestServer server = TestServer.shared();
    try (Socket socket = new Socket(server.host(), server.port())) {
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      byte[] parameters = "user\0postgres\0application_name\0forgotten\0\0".getBytes(US_ASCII);
      out.writeInt(8 + parameters.length);
      out.writeInt(3 << 16);
      out.write(parameters);

      assertThatThrownBy(NoLeaksTest::check)
          .hasMessageContaining("session")
          .hasMessageContaining("forgotten");
    }
  }
}
