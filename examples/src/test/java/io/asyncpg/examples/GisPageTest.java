package io.asyncpg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Rows;
import io.asyncpg.geometry.GeometryColumn;
import io.asyncpg.geometry.JtsCodecs;
import io.asyncpg.json.JacksonCodecs;
import io.asyncpg.testkit.TestServer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.Envelope;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.PrecisionModel;

/** What docs/gis.md shows, compiled and run with a real PostGIS; the page has it from here. */
class GisPageTest {
  private TestServer server;
  private String database;
  private String dsn;

  @BeforeEach
  void createDatabase() {
    server = TestServer.postgis();
    database = server.createDatabase();
    dsn = server.dsn(database);
    server.sqlIn(database, "CREATE EXTENSION postgis");
  }

  @AfterEach
  void dropDatabase() {
    if (database != null) {
      server.dropDatabase(database);
    }
  }

  private PgConnection withBoth() {
    var mapper = new ObjectMapper();
    return PgConnection.connect(
            PgConfig.parse(dsn).toBuilder()
                .codecs(JtsCodecs.create(), JacksonCodecs.of(mapper))
                .build())
        .await();
  }

  @Test
  void geometriesBothWays() {
    record Place(String name, Point geom) {}

    PgConfig config = PgConfig.parse(dsn).toBuilder().codecs(JtsCodecs.create()).build();
    GeometryFactory wgs84 = new GeometryFactory(new PrecisionModel(), 4326);

    try (PgConnection conn = PgConnection.connect(config).await()) {
      conn.execute("CREATE TABLE places(name text, geom geometry(Point, 4326))").await();
      conn.execute(
              "INSERT INTO places VALUES($1, $2)",
              "Berlin",
              wgs84.createPoint(new Coordinate(13.4, 52.5)))
          .await();
      Point here = wgs84.createPoint(new Coordinate(13, 52));
      List<Place> near =
          conn.fetch(
                  Place.class, "SELECT name, geom FROM places ORDER BY geom <-> $1 LIMIT 5", here)
              .await();
      System.out.println(near);
    }
    assertThat(server.rowsIn(database, "SELECT name, ST_AsEWKT(geom) FROM places"))
        .containsExactly(List.of("Berlin", "SRID=4326;POINT(13.4 52.5)"));
  }

  @Test
  void boxesColumnsAndTiles() {
    server.sqlIn(
        database,
        "CREATE TABLE places(name text, geom geometry(Point, 4326))",
        "INSERT INTO places VALUES ('Berlin', 'SRID=4326;POINT(13.5 52.5)')",
        "CREATE TABLE peaks(geom geometry(PointZ, 4326))");
    try (PgConnection conn = withBoth()) {
      Rows inside =
          conn.fetch("SELECT * FROM places WHERE geom && $1", new Envelope(5, 15, 47, 55)).await();
      assertThat(inside).hasSize(1);

      Rows rows = conn.fetch("SELECT geom FROM peaks").await(); // geom geometry(PointZ, 4326)
      GeometryColumn column = GeometryColumn.of(rows.columns().get(0));
      assertThat(column)
          .hasToString("GeometryColumn[type=POINT, srid=4326, hasZ=true, hasM=false]");

      byte[] twkb = conn.fetchValue(byte[].class, "SELECT ST_AsTWKB(geom) FROM places").await();
      JsonNode geoJson =
          conn.fetchValue(JsonNode.class, "SELECT ST_AsGeoJSON(geom)::json FROM places").await();
      assertThat(twkb[0] & 0xF).isEqualTo(1); // a point
      assertThat(geoJson.at("/coordinates/0").asDouble()).isEqualTo(13.5);
    }
  }
}
