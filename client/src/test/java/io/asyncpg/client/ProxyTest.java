package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real proxies, as Debian has them, before a real server. */
class ProxyTest {
  private static final TestServer SERVER = TestServer.shared();

  @TempDir Path directory;

  private Process process;

  @AfterEach
  void stop() throws InterruptedException {
    if (process != null) {
      process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static String program(String name) {
    return List.of("/usr/bin/", "/usr/sbin/", "/usr/local/bin/").stream()
        .map(folder -> folder + name)
        .filter(file -> Files.isExecutable(Path.of(file)))
        .findFirst()
        .orElseGet(() -> abort("no " + name + " on this machine: apt-get install " + name));
  }

  private void start(int port, String... command) throws Exception {
    process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
        return;
      } catch (IOException notYet) {
        assertThat(System.nanoTime()).as("it listens: %s", log()).isLessThan(deadline);
        assertThat(process.waitFor(20, TimeUnit.MILLISECONDS)).as("it ended: %s", log()).isFalse();
      }
    }
  }

  private String log() throws IOException {
    return Files.readString(directory.resolve("log"));
  }

  private PgProxy microsocks(String... more) throws Exception {
    int port = freePort();
    String program = program("microsocks");
    String[] command = {program, "-i", "127.0.0.1", "-p", String.valueOf(port)};
    String[] all = new String[command.length + more.length];
    System.arraycopy(command, 0, all, 0, command.length);
    System.arraycopy(more, 0, all, command.length, more.length);
    start(port, all);
    return PgProxy.socks5("127.0.0.1", port);
  }

  private PgProxy tinyproxy(String... more) throws Exception {
    int port = freePort();
    String program = program("tinyproxy");
    Path configuration = directory.resolve("tinyproxy.conf");
    Files.writeString(
        configuration,
        "Port "
            + port
            + "\nListen 127.0.0.1\nTimeout 600\nMaxClients 20\nAllow 127.0.0.1\nConnectPort "
            + SERVER.port()
            + "\n"
            + String.join("\n", more)
            + "\n");
    start(port, program, "-d", "-c", configuration.toString());
    return PgProxy.httpConnect("127.0.0.1", port);
  }

  private static PgConfig.Builder through(PgProxy proxy) {
    return PgConfig.builder()
        .dsn(SERVER.dsn())
        .environment(java.util.Map.of())
        .connectTimeout(Duration.ofSeconds(20))
        .proxy(proxy);
  }

  private static void worksThrough(PgProxy proxy) {
    PgConnection connection = PgConnection.connect(through(proxy).build()).await();
    assertThat(connection.fetchValue(Integer.class, "SELECT 6 * 7").await()).isEqualTo(42);
    // The request to cancel takes the same way.
    assertThatThrownBy(
            () ->
                connection
                    .withTimeout(Duration.ofMillis(200))
                    .execute("SELECT pg_sleep(60)")
                    .await())
        .isInstanceOf(PgTimeoutException.class);
    assertThat(
            connection
                .withTimeout(Duration.ofSeconds(20))
                .fetchValue(Integer.class, "SELECT 1")
                .await())
        .isEqualTo(1);
    connection.close();
    connection.closed().await();
  }

  private int wayTaken() throws IOException {
    return log().split("localhost:" + SERVER.port(), -1).length - 1;
  }

  @Test
  void connectionsAndTheirCancelRequestsGoThroughSocks() throws Exception {
    worksThrough(microsocks());
    assertThat(wayTaken()).isEqualTo(2);
  }

  @Test
  void aSocksProxyMayAskForProof() throws Exception {
    PgProxy proxy = microsocks("-u", "me", "-P", "secret-of-the-proxy");
    worksThrough(proxy.as("me", "secret-of-the-proxy"));
    assertThatThrownBy(
            () -> PgConnection.connect(through(proxy.as("me", "wrong-secret")).build()).await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("through the proxy SOCKS5 127.0.0.1:" + proxy.port())
        .hasMessageContaining("does it know us")
        .hasMessageNotContaining("wrong-secret");
    assertThat(through(proxy.as("me", "wrong-secret")).build().proxy().toString())
        .doesNotContain("secret");
  }

  @Test
  void connectionsAndTheirCancelRequestsGoThroughHttp() throws Exception {
    worksThrough(tinyproxy());
    assertThat(log().split("CONNECT localhost:" + SERVER.port(), -1)).hasSizeGreaterThan(2);
  }

  @Test
  void anHttpProxyMayAskForProof() throws Exception {
    PgProxy proxy = tinyproxy("BasicAuth me secretOfTheProxy");
    worksThrough(proxy.as("me", "secretOfTheProxy"));
    assertThatThrownBy(() -> PgConnection.connect(through(proxy).build()).await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("HTTP_CONNECT");
  }

  @Test
  void aProxyThatIsNotThereIsNamed() throws Exception {
    PgProxy nobody = PgProxy.socks5("127.0.0.1", freePort());
    assertThatThrownBy(() -> PgConnection.connect(through(nobody).build()).await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("through the proxy SOCKS5 127.0.0.1:" + nobody.port());
    PgProxy unknown = PgProxy.socks5("no-such-proxy.invalid", 1080);
    assertThatThrownBy(() -> PgConnection.connect(through(unknown).build()).await())
        .isInstanceOf(PgConnectionException.class)
        .hasMessageContaining("no-such-proxy.invalid");
    assertThatThrownBy(() -> PgProxy.socks5("", 1080)).hasMessageContaining("host");
    assertThatThrownBy(() -> PgProxy.socks5("h", 0)).hasMessageContaining("port");
    assertThatThrownBy(() -> new PgProxy(PgProxy.Kind.SOCKS5, "h", 1, "me", null))
        .hasMessageContaining("both are wanted");
  }
}
