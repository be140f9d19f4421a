package io.asyncpg.examples;

import static io.asyncpg.examples.Console.say;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.asyncpg.pool.PgPool;
import io.asyncpg.pool.PoolConfig;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A web server that answers each request on a thread of its own, in code that waits as if waiting
 * cost nothing: {@code pool.fetchRow(…).await()}. On virtual threads (JDK 21 and newer) that is so:
 * hundreds of requests wait for ten connections. On an older JDK it runs on platform threads, and
 * says so.
 */
public final class VirtualThreadsWeb {
  /** What is sold. */
  public record Product(int id, String name, int price) {}

  private static final int REQUESTS = 500;

  private VirtualThreadsWeb() {}

  /**
   * Runs it.
   *
   * @param args {@code serve} to go on serving until the process is ended
   * @throws Exception when anything goes wrong
   */
  public static void main(String[] args) throws Exception {
    boolean virtual = Runtime.version().feature() >= 21;
    say(
        virtual
            ? "Java %d: a virtual thread for each request."
            : "Java %d has no virtual threads, they come with 21: a platform thread for each request.",
        Runtime.version().feature());
    ExecutorService threads = virtual ? virtualThreads() : Executors.newCachedThreadPool();
    try (ExampleServer server = ExampleServer.open()) {
      PgPool pool =
          PgPool.create(PoolConfig.builder().dsn(server.dsn()).minSize(10).maxSize(10).build());
      try (pool) {
        pool.execute("CREATE TABLE product(id int4 PRIMARY KEY, name text, price int4)").await();
        pool.execute(
                "INSERT INTO product SELECT i, 'product ' || i, i * 10 FROM generate_series(1, 1000) i")
            .await();
        serve(pool, threads, args.length > 0 && args[0].equals("serve"));
        say(
            "%d connections did it; a connection was lent %,d times",
            pool.stats().size(), pool.stats().acquired());
      }
      pool.closed().await();
    } finally {
      threads.shutdownNow();
    }
  }

  /** By its name, as this is compiled for Java 17, too. */
  private static ExecutorService virtualThreads() throws ReflectiveOperationException {
    return (ExecutorService)
        Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
  }

  private static void serve(PgPool pool, ExecutorService threads, boolean forever)
      throws IOException, InterruptedException, ExecutionException {
    HttpServer web =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), REQUESTS);
    web.setExecutor(threads);
    web.createContext("/product/", exchange -> answer(exchange, pool));
    web.start();
    try {
      String address = "http://localhost:" + web.getAddress().getPort() + "/product/";
      say("Serving %s1 to %s1000", address, address);
      if (forever) {
        Thread.currentThread().join();
      }
      ask(address, threads);
    } finally {
      web.stop(0);
    }
  }

  private static void answer(HttpExchange exchange, PgPool pool) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      int id = Integer.parseInt(path.substring(path.lastIndexOf('/') + 1));
      // The thread waits here, and is not missed.
      Optional<Product> product =
          pool.fetchRow(Product.class, "SELECT * FROM product WHERE id = $1", id).await();
      byte[] body =
          product
              .map(
                  found ->
                      String.format(
                          Locale.ROOT,
                          "{\"name\": \"%s\", \"price\": %d}",
                          found.name(),
                          found.price()))
              .orElse("{}")
              .getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(product.isPresent() ? 200 : 404, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  /** All at once. */
  private static void ask(String address, ExecutorService threads)
      throws InterruptedException, ExecutionException {
    long start = System.nanoTime();
    List<Future<String>> answers = new ArrayList<>();
    for (int i = 1; i <= REQUESTS; i++) {
      URI uri = URI.create(address + i);
      answers.add(
          threads.submit(
              () -> {
                try (InputStream body = uri.toURL().openStream()) {
                  return new String(body.readAllBytes(), StandardCharsets.UTF_8);
                }
              }));
    }
    int right = 0;
    for (int i = 1; i <= REQUESTS; i++) {
      if (answers
          .get(i - 1)
          .get()
          .equals("{\"name\": \"product " + i + "\", \"price\": " + i * 10 + "}")) {
        right++;
      }
    }
    say(
        "%d requests at once, %d right answers, in %d ms",
        REQUESTS, right, Duration.ofNanos(System.nanoTime() - start).toMillis());
  }
}
