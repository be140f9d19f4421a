package io.asyncpg.examples;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.IsolationLevel;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgListener;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowCounts;
import io.asyncpg.client.RowStream;
import io.asyncpg.client.TransactionOptions;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.UniqueViolationException;
import io.asyncpg.geometry.JtsCodecs;
import io.asyncpg.json.JacksonCodecs;
import io.asyncpg.pool.PgPool;
import io.asyncpg.testkit.TestServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.PrecisionModel;

/** What the README and docs/getting-started.md show, compiled and run; they have it from here. */
class ReadmeTest {
  private final TestServer server = TestServer.shared();
  private String database;
  private String dsn;
  private PgConnection conn;

  @TempDir Path directory;

  @BeforeEach
  void connect() {
    database = server.createDatabase();
    dsn = server.dsn(database);
    server.sqlIn(
        database,
        "CREATE TABLE people(id serial PRIMARY KEY, name text UNIQUE, dob date)",
        "INSERT INTO people(name, dob) VALUES ('Bob', '1984-03-01'), ('Eve', '2001-01-01')",
        "CREATE TABLE account(id int4 PRIMARY KEY, balance numeric NOT NULL)",
        "INSERT INTO account VALUES (1, 100), (2, 100)",
        "CREATE TABLE event(id int8, payload text)",
        "CREATE TABLE place(name text)");
    conn = PgConnection.connect(dsn).await();
  }

  @AfterEach
  void close() {
    conn.close();
    conn.closed().await();
    server.dropDatabase(database);
  }

  @Test
  void connectingAndQuerying() {
    try (PgConnection conn = PgConnection.connect(dsn).await()) {
      conn.execute("CREATE TABLE users(id serial PRIMARY KEY, name text, dob date)").await();
      conn.execute("INSERT INTO users(name, dob) VALUES($1, $2)", "Bob", LocalDate.of(1984, 3, 1))
          .await();
      Row row = conn.fetchRow("SELECT * FROM users WHERE name = $1", "Bob").await().orElseThrow();
      System.out.println(row.getInt("id") + " " + row.getString("name") + " " + row.get("dob"));
    }
    assertThat(server.rowsIn(database, "SELECT name, dob FROM users"))
        .containsExactly(List.of("Bob", "1984-03-01"));
  }

  record Person(int id, String name, LocalDate dob) {}

  @Test
  void rowsAsRecords() {
    List<Person> people =
        conn.fetch(Person.class, "SELECT * FROM people WHERE dob < $1", LocalDate.of(2000, 1, 1))
            .await();
    assertThat(people).containsExactly(new Person(1, "Bob", LocalDate.of(1984, 3, 1)));
  }

  @Test
  void rowsAsTheyCome() {
    Map<Integer, Long> births =
        conn.fetch(
                groupingBy(row -> row.get("dob", LocalDate.class).getYear(), counting()),
                "SELECT dob FROM people")
            .await();
    assertThat(births).isEqualTo(Map.of(1984, 1L, 2001, 1L));
  }

  @Test
  void pipelining() {
    PgFuture<Long> people = conn.fetchValue(Long.class, "SELECT count(*) FROM people");
    PgFuture<Long> events = conn.fetchValue(Long.class, "SELECT count(*) FROM event");
    long both = people.await() + events.await();
    assertThat(both).isEqualTo(2);
  }

  @Test
  void transactions() {
    int amount = 30;
    int from = 1;
    int to = 2;
    conn.transaction(
            TransactionOptions.defaults().isolation(IsolationLevel.SERIALIZABLE).retries(3),
            tx ->
                tx.execute("UPDATE account SET balance = balance - $1 WHERE id = $2", amount, from)
                    .thenCompose(
                        done ->
                            tx.execute(
                                "UPDATE account SET balance = balance + $1 WHERE id = $2",
                                amount,
                                to)))
        .await();
    assertThat(server.rowsIn(database, "SELECT balance FROM account ORDER BY id"))
        .containsExactly(List.of("70"), List.of("130"));
  }

  @Test
  void batches() {
    RowCounts counts =
        conn.executeMany(
                "INSERT INTO people(name) VALUES ($1)", List.of(List.of("Ann"), List.of("Al")))
            .await();
    assertThat(counts.total()).isEqualTo(2);
  }

  @Test
  void aPool() {
    try (PgPool pool = PgPool.create(dsn)) {
      long people = pool.fetchValue(Long.class, "SELECT count(*) FROM people").await();
      System.out.println(people + " people");
    }
  }

  @Test
  void streaming() {
    long sum = 0;
    try (RowStream rows =
        conn.stream("SELECT i FROM generate_series(1, 1000000) i").fetchSize(1000)) {
      for (Row row : rows) {
        sum += row.getInt(0);
      }
    }
    assertThat(sum).isEqualTo(500_000_500_000L);
  }

  record Event(long id, String payload) {}

  @Test
  void copying() throws Exception {
    Path file = directory.resolve("event.csv");
    List<Event> events = List.of(new Event(1, "it rains"), new Event(2, "it pours"));
    conn.copyRecordsToTable("event", List.of("id", "payload"), events).await();
    conn.copyFromTable("event", CopySink.to(file), CopyOptions.csv().header()).await();
    assertThat(Files.readString(file)).isEqualTo("id,payload\n1,it rains\n2,it pours\n");
  }

  @Test
  void listening() throws InterruptedException {
    BlockingQueue<PgListener.Event> events = new LinkedBlockingQueue<>();
    try (PgListener listener = PgListener.create(dsn)) {
      listener.addListener("news", events::add).await();
      conn.execute("SELECT pg_notify($1, $2)", "news", "it is out").await();
      System.out.println(events.take());
      listener.close();
      listener.closed().await();
    }
  }

  record Line(String item, int count) {}

  record Order(int id, List<Line> lines) {}

  @Test
  void json() {
    PgConfig config =
        PgConfig.parse(dsn).toBuilder().codecs(JacksonCodecs.of(new ObjectMapper())).build();
    try (PgConnection conn = PgConnection.connect(config).await()) {
      conn.execute("CREATE TABLE orders(doc jsonb)").await();
      conn.execute("INSERT INTO orders VALUES ($1)", new Order(7, List.of(new Line("cup", 2))))
          .await();
      Order order = conn.fetchValue(Order.class, "SELECT doc FROM orders").await();
      System.out.println(order.lines());
    }
    assertThat(server.rowsIn(database, "SELECT doc FROM orders"))
        .containsExactly(List.of("{\"id\": 7, \"lines\": [{\"item\": \"cup\", \"count\": 2}]}"));
  }

  record Place(String name, Point geom) {}

  @Test
  void gis() {
    TestServer postgis = TestServer.postgis();
    String map = postgis.createDatabase();
    postgis.sqlIn(
        map,
        "CREATE EXTENSION postgis",
        "CREATE TABLE place(name text, geom geometry(Point, 4326))",
        "INSERT INTO place VALUES ('Berlin', 'SRID=4326;POINT(13.4 52.5)')",
        "INSERT INTO place VALUES ('Bonn', 'SRID=4326;POINT(7.1 50.7)')");
    PgConfig config =
        PgConfig.parse(postgis.dsn(map)).toBuilder().codecs(JtsCodecs.create()).build();
    List<Place> found = new ArrayList<>();
    try (PgConnection conn = PgConnection.connect(config).await()) {
      Point here =
          new GeometryFactory(new PrecisionModel(), 4326).createPoint(new Coordinate(13, 52));
      List<Place> near =
          conn.fetch(Place.class, "SELECT name, geom FROM place ORDER BY geom <-> $1 LIMIT 5", here)
              .await();
      found.addAll(near);
    }
    postgis.dropDatabase(map);
    assertThat(found).extracting(Place::name).containsExactly("Berlin", "Bonn");
  }

  @Test
  void timeouts() {
    assertThatThrownBy(
            () -> {
              conn.withTimeout(Duration.ofMillis(300)).fetch("SELECT pg_sleep(10)").await();
            })
        .isInstanceOf(PgTimeoutException.class);
    assertThat(conn.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void errors() {
    try {
      conn.execute("INSERT INTO people(name) VALUES ($1)", "Bob").await();
    } catch (UniqueViolationException e) {
      System.out.println(e.sqlState() + " " + e.constraint() + " " + e.retrySafety());
    }
    assertThat(server.rowsIn(database, "SELECT count(*) FROM people"))
        .containsExactly(List.of("2"));
  }
}
