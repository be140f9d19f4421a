package io.asyncpg.examples.gis;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.asyncpg.client.CommandTag;
import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowStream;
import io.asyncpg.geometry.JtsCodecs;
import io.asyncpg.json.JacksonCodecs;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.Envelope;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.LineString;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.Polygon;
import org.locationtech.jts.geom.PrecisionModel;

/**
 * Ten thousand points and polygons go into PostGIS by COPY; it is asked what is near, what crosses
 * what and how many live where; the answers become a GeoJSON file and a map to look at.
 */
public final class Gis {
  private static final int GEOMETRIES = 10_000;
  private static final long SEED = 20_261_122;
  private static final String SCHEMA = "null_islands";
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  /** What lives in a district. */
  record Density(int id, double density, Geometry geom) {}

  /** A place, and how far away it is. */
  record Near(String name, double km, Point geom) {}

  /** A district that the storm crosses, how much of it, and how many live under it. */
  record Hit(String name, String island, double km2, long people, Geometry geom) {}

  private final GeometryFactory wgs84 = new GeometryFactory(new PrecisionModel(), Archipelago.SRID);
  private final PgConnection conn;

  private Gis(PgConnection conn) {
    this.conn = conn;
  }

  /**
   * Runs it.
   *
   * @param args the directory to write to; {@code target/gis} if there is none
   * @throws IOException when a file cannot be written
   */
  public static void main(String[] args) throws IOException {
    Path directory = Path.of(args.length == 0 ? "target/gis" : args[0]);
    Optional<PostgisServer> found = PostgisServer.find(System.getProperty("asyncpg.example.dsn"));
    if (found.isEmpty()) {
      OUT.print(PostgisServer.HOW_TO_GET_ONE);
      return;
    }
    try (PostgisServer server = found.get()) {
      say("PostGIS: %s", server);
      run(server.dsn(), directory);
    }
  }

  /** Runs it against a server, in a schema of its own, which is made anew each time. */
  static IslandMap.Answers run(String dsn, Path directory) throws IOException {
    PgConfig config =
        PgConfig.parse(dsn).toBuilder()
            .codecs(JtsCodecs.create(), JacksonCodecs.of(new ObjectMapper()))
            .build();
    try (PgConnection conn = PgConnection.connect(config).await()) {
      var gis = new Gis(conn);
      Archipelago land = Archipelago.of(GEOMETRIES, SEED);
      gis.createTables();
      gis.load(land);
      IslandMap.Answers answers = gis.ask(land);
      Files.createDirectories(directory);
      gis.writeGeoJson(directory.resolve("null-islands.geojson"));
      draw(answers, new Canvas.Svg(IslandMap.WIDTH, IslandMap.HEIGHT), directory, "svg");
      draw(answers, new Canvas.Png(IslandMap.WIDTH, IslandMap.HEIGHT), directory, "png");
      return answers;
    }
  }

  private void createTables() {
    conn.execute("CREATE EXTENSION IF NOT EXISTS postgis").await();
    String version = conn.fetchValue(String.class, "SELECT postgis_version()").await();
    say("PostgreSQL %s, PostGIS %s", conn.serverVersion(), version);
    conn.execute(
            """
            SET client_min_messages = warning;
            DROP SCHEMA IF EXISTS null_islands CASCADE;
            CREATE SCHEMA null_islands;
            SELECT set_config('search_path', 'null_islands,' || current_setting('search_path'), false);
            CREATE TABLE island  (id int4 PRIMARY KEY, name text, geom geometry(Polygon, 4326));
            CREATE TABLE district(id int4 PRIMARY KEY, island int4, name text, geom geometry(MultiPolygon, 4326));
            CREATE TABLE place   (id int4 PRIMARY KEY, name text, population int4, geom geometry(Point, 4326));
            """)
        .await();
  }

  /** Records go in as they are: each component into the column of its name. */
  private void load(Archipelago land) {
    long start = System.nanoTime();
    CopyOptions options = CopyOptions.binary().schema(SCHEMA);
    // Nothing is waited for in between: one COPY follows the other on this connection.
    PgFuture<CommandTag> islands =
        conn.copyRecordsToTable("island", List.of(), land.islands(), options);
    PgFuture<CommandTag> districts =
        conn.copyRecordsToTable("district", List.of(), land.districts(), options);
    PgFuture<CommandTag> places =
        conn.copyRecordsToTable("place", List.of(), land.places(), options);
    say(
        "%,d islands, %,d districts and %,d places by COPY in %d ms",
        islands.await().rows(),
        districts.await().rows(),
        places.await().rows(),
        Duration.ofNanos(System.nanoTime() - start).toMillis());
    conn.execute(
            """
            CREATE INDEX ON district USING gist(geom);
            CREATE INDEX ON place USING gist(geom);
            CREATE INDEX ON place USING gist((geom::geography));
            ANALYZE;
            """)
        .await();
  }

  private IslandMap.Answers ask(Archipelago land) {
    Point call = wgs84.createPoint(new Coordinate(0.78, -0.62));
    LineString track = track();
    Polygon storm = (Polygon) track.buffer(0.3);

    // All are on their way before the first is answered.
    PgFuture<List<Density>> densities =
        conn.fetch(
            Density.class,
            """
            SELECT d.id, coalesce(sum(p.population), 0) / (ST_Area(d.geom::geography) / 1e6) AS density, d.geom
            FROM district d LEFT JOIN place p ON ST_Intersects(d.geom, p.geom)
            GROUP BY d.id ORDER BY d.id
            """);
    PgFuture<List<Near>> nearest =
        conn.fetch(
            Near.class,
            """
            SELECT name, ST_Distance(geom::geography, $1) / 1000 AS km, geom
            FROM place ORDER BY geom::geography <-> $1 LIMIT 10
            """,
            call);
    PgFuture<List<Hit>> hits =
        conn.fetch(
            Hit.class,
            """
            SELECT d.name, i.name AS island, d.geom,
                   ST_Area(ST_Intersection(d.geom, $1)::geography) / 1e6 AS km2,
                   (SELECT coalesce(sum(p.population), 0) FROM place p
                    WHERE ST_Intersects(p.geom, d.geom) AND ST_Intersects(p.geom, $1)) AS people
            FROM district d JOIN island i ON i.id = d.island
            WHERE ST_Intersects(d.geom, $1) ORDER BY km2 DESC
            """,
            storm);
    PgFuture<Long> inBox =
        conn.fetchValue(
            Long.class, "SELECT count(*) FROM place WHERE geom && $1", new Envelope(-1, 1, -1, 1));

    say("%nThe ten places nearest to a call for help at %s:", call.toText());
    nearest.await().forEach(near -> say("  %-12s %5.1f km", near.name(), near.km()));
    say(
        "%nA storm crosses %d districts, and %,d people live under it. Most of it is over:",
        hits.await().size(), hits.await().stream().mapToLong(Hit::people).sum());
    hits.await().stream()
        .limit(5)
        .forEach(
            hit ->
                say(
                    "  %-12s on %-10s %,6.0f km² %,8d people",
                    hit.name(), hit.island(), hit.km2(), hit.people()));
    say("%n%,d places lie within a degree of the origin.", inBox.await());
    return new IslandMap.Answers(
        land, densities.await(), call, nearest.await(), track, storm, hits.await());
  }

  /** It comes from the south-west, and turns. */
  private LineString track() {
    var points = new Coordinate[40];
    for (int i = 0; i < points.length; i++) {
      double t = i / (points.length - 1.0);
      points[i] = new Coordinate(-3.7 + 6.9 * t, -2.15 + 4.3 * Math.pow(t, 1.7));
    }
    return wgs84.createLineString(points);
  }

  /** PostGIS makes the GeoJSON, Jackson puts it into the file, one feature after the other. */
  private void writeGeoJson(Path file) throws IOException {
    String features =
        """
        SELECT jsonb_build_object(
                 'type', 'Feature',
                 'geometry', ST_AsGeoJSON(geom, 5)::jsonb,
                 'properties', jsonb_build_object('kind', kind, 'name', name, 'population', population))
        FROM (SELECT 1 AS layer, 'island' AS kind, id, name, NULL::int4 AS population, geom FROM island
              UNION ALL SELECT 2, 'district', id, name, NULL, geom FROM district
              UNION ALL SELECT 3, 'place', id, name, population, geom FROM place) f
        ORDER BY layer, id
        """;
    int count = 0;
    try (JsonGenerator json =
            new ObjectMapper().getFactory().createGenerator(file.toFile(), JsonEncoding.UTF8);
        RowStream rows = conn.stream(features)) {
      json.writeStartObject();
      json.writeStringField("type", "FeatureCollection");
      json.writeArrayFieldStart("features");
      for (Row row : rows) {
        json.writeTree(row.get(0, JsonNode.class));
        count++;
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    say("%n%s: %,d features, %,d bytes", file, count, Files.size(file));
  }

  private static void draw(IslandMap.Answers answers, Canvas canvas, Path directory, String ending)
      throws IOException {
    Path file = directory.resolve("null-islands." + ending);
    IslandMap.draw(answers, canvas).save(file);
    say("%s: %,d bytes", file, Files.size(file));
  }

  private static void say(String format, @Nullable Object... args) {
    OUT.println(String.format(Locale.ROOT, format, args));
  }
}
