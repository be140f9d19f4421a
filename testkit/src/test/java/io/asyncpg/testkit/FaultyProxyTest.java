package io.asyncpg.testkit;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Before a server that sends back what it gets. */
@Timeout(60)
class FaultyProxyTest {
  private ServerSocket echo;
  private Thread acceptor;
  private FaultyProxy proxy;

  @BeforeEach
  void start() throws IOException {
    echo = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    acceptor = new Thread(this::serve, "echo");
    acceptor.setDaemon(true);
    acceptor.start();
    proxy = FaultyProxy.before("127.0.0.1", echo.getLocalPort());
  }

  @AfterEach
  void stop() throws IOException {
    proxy.close();
    echo.close();
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().equals("faulty-proxy-" + proxy.port()));
  }

  @Test
  void passesEverythingOnWhenNothingIsWrong() throws Exception {
    byte[] megabytes = new byte[5_000_000];
    new Random(42).nextBytes(megabytes);
    try (Socket socket = connect()) {
      CompletableFuture<Void> sent =
          CompletableFuture.runAsync(
              () -> {
                try {
                  socket.getOutputStream().write(megabytes);
                  socket.shutdownOutput();
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      assertThat(socket.getInputStream().readAllBytes()).isEqualTo(megabytes);
      sent.join();
      assertThat(proxy.bytesToServer()).isEqualTo(megabytes.length);
      assertThat(proxy.bytesToClient()).isEqualTo(megabytes.length);
      assertThat(proxy.connections()).isEqualTo(1);
    }
  }

  @Test
  void aDelayIsAddedToEachDirection() throws IOException {
    try (Socket socket = connect()) {
      assertThat(echoed(socket, "warm")).isEqualTo("warm");
      proxy.delay(Duration.ofMillis(40));
      long start = System.nanoTime();
      assertThat(echoed(socket, "late")).isEqualTo("late");
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(80), Duration.ofSeconds(5));
    }
  }

  @Test
  void slicesArriveOneByOne() throws IOException {
    try (Socket socket = connect()) {
      proxy.slice(1);
      assertThat(echoed(socket, "sliced")).isEqualTo("sliced");
    }
  }

  @Test
  void aThrottleHoldsBytesBack() throws IOException {
    try (Socket socket = connect()) {
      proxy.throttle(1000);
      long start = System.nanoTime();
      assertThat(echoed(socket, "x".repeat(200))).hasSize(200);
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(150), Duration.ofSeconds(10));
    }
  }

  @Test
  void aBlackHoleSwallowsAndAfterHealingDelivers() throws IOException {
    try (Socket socket = connect()) {
      assertThat(echoed(socket, "before")).isEqualTo("before");
      proxy.blackHole();
      socket.getOutputStream().write('a');
      socket.setSoTimeout(100);
      assertThatThrownBy(() -> socket.getInputStream().read())
          .isInstanceOf(SocketTimeoutException.class);
      try (Socket deaf = connect()) {
        deaf.setSoTimeout(100);
        deaf.getOutputStream().write('b');
        assertThatThrownBy(() -> deaf.getInputStream().read())
            .isInstanceOf(SocketTimeoutException.class);
        proxy.heal();
        socket.setSoTimeout(20_000);
        deaf.setSoTimeout(20_000);
        assertThat(socket.getInputStream().read()).isEqualTo('a');
        assertThat(deaf.getInputStream().read()).isEqualTo('b');
      }
    }
  }

  @Test
  void aCutIsAResetOrAnEnd() throws IOException {
    try (Socket reset = connect()) {
      assertThat(echoed(reset, "hello")).isEqualTo("hello");
      proxy.cutWithReset();
      assertThat(proxy.openConnections()).isZero();
      assertThatThrownBy(() -> reset.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
    }
    try (Socket ended = connect()) {
      assertThat(echoed(ended, "hello")).isEqualTo("hello");
      proxy.cutWithFin();
      assertThat(ended.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void aCutComesAfterExactlySoManyBytes() throws IOException {
    try (Socket socket = connect()) {
      proxy.cutWithFinAfter(3);
      socket.getOutputStream().write("hello".getBytes(US_ASCII));
      assertThat(socket.getInputStream().readAllBytes()).asString().isEqualTo("hel");
    }
  }

  @Test
  void connectionsAreRefusedAndTakenAgain() throws IOException {
    try (Socket open = connect()) {
      assertThat(echoed(open, "open")).isEqualTo("open");
      proxy.refuseConnections();
      assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
      assertThat(echoed(open, "still")).isEqualTo("still");
      proxy.acceptConnections();
      try (Socket again = connect()) {
        assertThat(echoed(again, "again")).isEqualTo("again");
      }
    }
  }

  @Test
  void aServerThatIsDownResetsTheClient() throws Exception {
    echo.close();
    acceptor.join(); // It may still take one connection.
    try (Socket socket = connect()) {
      assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void aRealSessionSurvivesSlicesOfOneByte() {
    TestServer server = TestServer.shared();
    try (FaultyProxy before = FaultyProxy.before(server)) {
      before.slice(1);
      assertThat(before.dsn(server)).contains(":" + before.port() + "/");
      assertThat(witness(before)).isEqualTo("42");
      assertThat(before.bytesToClient()).isPositive();
    }
  }

  private static String witness(FaultyProxy proxy) {
    try (var connection =
            DriverManager.getConnection(
                "jdbc:postgresql://" + proxy.host() + ":" + proxy.port() + "/postgres",
                "postgres",
                null);
        var statement = connection.createStatement();
        var rows = statement.executeQuery("SELECT 42")) {
      rows.next();
      return rows.getString(1);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(proxy.host(), proxy.port());
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000);
    return socket;
  }

  private static String echoed(Socket socket, String text) throws IOException {
    byte[] bytes = text.getBytes(US_ASCII);
    socket.getOutputStream().write(bytes);
    return new String(socket.getInputStream().readNBytes(bytes.length), US_ASCII);
  }

  private void serve() {
    try {
      while (true) {
        Socket socket = echo.accept();
        Thread thread = new Thread(() -> echo(socket), "echo-" + socket.getPort());
        thread.setDaemon(true);
        thread.start();
      }
    } catch (IOException e) {
      // closed: the test is over
    }
  }

  private static void echo(Socket socket) {
    try (socket) {
      InputStream in = socket.getInputStream();
      OutputStream out = socket.getOutputStream();
      in.transferTo(out);
    } catch (IOException e) {
      // the client is gone
    }
  }
}
