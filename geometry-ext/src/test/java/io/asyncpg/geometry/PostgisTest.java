package io.asyncpg.geometry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.Column;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgStatement;
import io.asyncpg.client.Row;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.TestServer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.Envelope;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.LinearRing;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.PrecisionModel;

class PostgisTest {
  private static TestServer server;
  private static String database;

  private final GeometryFactory wgs84 = new GeometryFactory(new PrecisionModel(), 4326);
  private PgConnection connection;

  @BeforeAll
  static void install() {
    installOn(TestServer.postgis());
  }

  static void installOn(TestServer withPostgis) {
    server = withPostgis;
    database = server.createDatabase();
    // Not on the search path: the type is known by its name alone.
    server.sqlIn(
        database,
        "CREATE SCHEMA gis",
        "CREATE EXTENSION postgis SCHEMA gis",
        "ALTER DATABASE \"" + database + "\" SET search_path = public, gis");
  }

  @AfterAll
  static void drop() {
    if (database != null) {
      server.dropDatabase(database);
      database = null;
    }
  }

  @BeforeEach
  void connect() {
    connection =
        PgConnection.connect(
                PgConfig.parse(server.dsn(database)).toBuilder().codecs(JtsCodecs.create()).build())
            .await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  @Test
  void aPointGoesInAndComesOut() {
    Point point = wgs84.createPoint(new Coordinate(13.4, 52.5));
    Row row =
        connection
            .fetchRow("SELECT $1::geometry AS geom, ST_AsEWKT($1::geometry) AS text", point)
            .await()
            .orElseThrow();
    assertThat(row.get("geom")).isEqualTo(point);
    assertThat(row.getString("text")).isEqualTo("SRID=4326;POINT(13.4 52.5)");
    assertThat(connection.fetchValue(Point.class, "SELECT $1::geography", point).await().getSRID())
        .isEqualTo(4326);
  }

  @Test
  void geometriesGoThroughBinaryCopyBothWays() {
    connection
        .execute(
            "CREATE TEMP TABLE place(id int4, geom geometry, area geography, all_of geometry[])")
        .await();
    var random = new Random(5);
    List<List<Object>> rows = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      Geometry geometry =
          new RandomGeometries(random, i % 2 == 0, i % 3 == 0, 3857)
              .next(GeometryType.of(1 + i % 7));
      Point point = wgs84.createPoint(new Coordinate(i % 180, i % 90));
      rows.add(List.of(i, geometry, point, List.of(point, geometry)));
    }
    List<String> columns = List.of("id", "geom", "area", "all_of");
    assertThat(connection.copyRecordsToTable("place", columns, rows).await().rows()).isEqualTo(200);
    int read = 0;
    for (Row row : connection.copyRows("SELECT * FROM place ORDER BY id")) {
      List<Object> expected = rows.get(read);
      assertThat(row.getInt("id")).isEqualTo(read++);
      assertThat(((Geometry) row.get("geom")).equalsExact((Geometry) expected.get(1))).isTrue();
      assertThat(((Geometry) row.get("geom")).getSRID()).isEqualTo(3857);
      assertThat(row.get("area")).isEqualTo(expected.get(2));
      assertThat(((List<?>) row.get("all_of")).get(0)).isEqualTo(expected.get(2));
    }
    assertThat(read).isEqualTo(200);
    assertThat(connection.fetchValue(Integer.class, "SELECT 1").await()).isEqualTo(1);
  }

  @Test
  void everyKindOfGeometryIsWhatPostgisHasForIt() {
    var random = new Random(3);
    int[] srids = {0, 4326, 3857, 999_999};
    for (int i = 0; i < 280; i++) {
      boolean hasZ = random.nextBoolean();
      boolean hasM = random.nextBoolean();
      int srid = srids[random.nextInt(4)];
      Geometry geometry =
          new RandomGeometries(random, hasZ, hasM, srid).next(GeometryType.of(1 + i % 7));
      Row row =
          connection
              .fetchRow(
                  "SELECT $1::geometry AS geom, ST_AsEWKB($1::geometry, 'NDR') AS ewkb,"
                      + " ST_SRID($1::geometry) AS srid, ST_Zmflag($1::geometry)::int AS flag,"
                      + " ST_NPoints($1::geometry) AS points",
                  geometry)
              .await()
              .orElseThrow();
      assertThat(((Geometry) row.get("geom")).equalsExact(geometry)).isTrue();
      assertThat(row.get("geom", byte[].class)).isEqualTo(row.get("ewkb", byte[].class));
      assertThat(row.getInt("srid")).isEqualTo(srid);
      assertThat(row.getInt("flag")).isEqualTo((hasZ ? 2 : 0) + (hasM ? 1 : 0));
      assertThat(row.getInt("points")).isEqualTo(geometry.getNumPoints());
    }
  }

  @Test
  void geometriesInArraysAndRowsAreReadAsTheTextOfTheWhole() {
    String sql = "SELECT v, v::text AS printed FROM (SELECT %s AS v) s";
    for (String value :
        List.of(
            "ARRAY['SRID=4326;POINT(1 2)'::geometry, NULL]",
            "ARRAY['POINT(1 2)'::geography]",
            "ST_Dump('MULTIPOINT(1 2, 3 4)'::geometry)",
            "ROW('POINT(1 2)'::geometry, true)")) {
      for (Row row : connection.fetch(sql.formatted(value)).await()) {
        assertThat(row.getString("v")).as(value).isEqualTo(row.getString("printed"));
      }
    }
  }

  @Test
  void aGeometryInARowThatTravelsInTextIsAGeometryAllTheSame() {
    record Marked(String mark, Point geom) {}
    connection.execute("CREATE TYPE pg_temp.marked AS (mark xml, geom gis.geometry)").await();
    var marked = new Marked("<a/>", wgs84.createPoint(new Coordinate(13.4, 52.5)));
    Row row =
        connection
            .fetchRow(
                "SELECT $1::pg_temp.marked, ST_AsEWKT(($1::pg_temp.marked).geom) AS text", marked)
            .await()
            .orElseThrow();
    assertThat(row.get(0, Marked.class)).isEqualTo(marked);
    assertThat(row.get(0, Marked.class).geom().getSRID()).isEqualTo(4326);
    assertThat(row.getString("text")).isEqualTo("SRID=4326;POINT(13.4 52.5)");
  }

  @Test
  void curvesAndSurfacesNeverFailASelect() {
    for (String text :
        List.of(
            "CIRCULARSTRING(0 0, 1 1, 2 0)",
            "COMPOUNDCURVE(CIRCULARSTRING(0 0, 1 1, 1 0),(1 0, 0 1))",
            "CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0))",
            "MULTICURVE((0 0, 5 5),CIRCULARSTRING(4 0, 4 4, 8 4))",
            "MULTISURFACE(CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0)))",
            "POLYHEDRALSURFACE(((0 0 0, 0 1 0, 1 1 0, 0 0 0)))",
            "TIN(((0 0 0, 0 1 0, 1 1 0, 0 0 0)))",
            "TRIANGLE((0 0, 0 1, 1 1, 0 0))",
            "GEOMETRYCOLLECTION(POINT(1 2), CIRCULARSTRING(0 0, 1 1, 2 0))")) {
      Object value =
          connection
              .fetchRow("SELECT ST_GeomFromText($1, 4326)", text)
              .await()
              .orElseThrow()
              .get(0);
      assertThat(value).as(text).isInstanceOf(EwkbGeometry.class);
      assertThat(((EwkbGeometry) value).srid()).isEqualTo(4326);
      assertThat(
              connection
                  .fetchValue(
                      Boolean.class,
                      "SELECT ST_OrderingEquals($1, ST_GeomFromText($2, 4326))",
                      value,
                      text)
                  .await())
          .as(text)
          .isTrue();
    }
  }

  @Test
  void emptyGeometriesAreReadAndWritten() {
    for (String text :
        List.of(
            "POINT EMPTY",
            "POINT Z EMPTY",
            "POINT M EMPTY",
            "POINT ZM EMPTY",
            "LINESTRING Z EMPTY",
            "POLYGON ZM EMPTY",
            "MULTIPOINT(EMPTY,1 2)",
            "MULTIPOLYGON EMPTY",
            "GEOMETRYCOLLECTION(POINT EMPTY,LINESTRING EMPTY)")) {
      Row row =
          connection
              .fetchRow("SELECT g, ST_AsText(g) AS text FROM ST_GeomFromText($1) g", text)
              .await()
              .orElseThrow();
      assertThat(row.get("g")).isInstanceOf(Geometry.class);
      assertThat(
              connection
                  .fetchValue(String.class, "SELECT ST_AsText($1::geometry)", row.get("g"))
                  .await())
          .isEqualTo(row.getString("text"));
    }
  }

  @Test
  void aColumnSaysWhatItHolds() {
    connection.execute("CREATE DOMAIN pg_temp.harbour AS geometry(PointM, 3857)").await();
    connection
        .execute(
            "CREATE TEMP TABLE t(a geometry(PointZ, 4326), b geography(MultiPolygon), c geometry,"
                + " d geography, e geometry(LineStringZM, 999999), f geometry(CurvePolygon)[],"
                + " g pg_temp.harbour, h int4, i box2d, j varchar(20))")
        .await();
    List<Column> columns = connection.fetch("SELECT * FROM t").await().columns();
    assertThat(columns.subList(0, 7).stream().map(GeometryColumn::of))
        .containsExactly(
            new GeometryColumn(GeometryType.POINT, 4326, true, false),
            new GeometryColumn(GeometryType.MULTI_POLYGON, 4326, false, false),
            new GeometryColumn(GeometryType.GEOMETRY, 0, false, false),
            new GeometryColumn(GeometryType.GEOMETRY, 0, false, false),
            new GeometryColumn(GeometryType.LINE_STRING, 999_999, true, true),
            new GeometryColumn(GeometryType.CURVE_POLYGON, 0, false, false),
            new GeometryColumn(GeometryType.POINT, 3857, false, true));
    assertThat(columns.subList(7, 10))
        .allSatisfy(
            column ->
                assertThatIllegalArgumentException()
                    .isThrownBy(() -> GeometryColumn.of(column))
                    .withMessageContaining("column \"" + column.name() + "\" is ")
                    .withMessageContaining("only geometry and geography"));
  }

  @Test
  void aPreparedStatementsColumnsSayWhatTheyHoldBeforeItRuns() {
    connection.execute("CREATE TEMP TABLE t(geom geometry(MultiPointZ, 3857))").await();
    PgStatement statement = connection.prepare("SELECT geom AS g FROM t").await();
    assertThat(GeometryColumn.of(statement.columns().get(0)))
        .isEqualTo(new GeometryColumn(GeometryType.MULTI_POINT, 3857, true, false));
    // What was computed has lost its modifier: the server does not say.
    assertThat(
            GeometryColumn.of(
                connection.fetch("SELECT ST_Buffer(geom, 1) FROM t").await().columns().get(0)))
        .isEqualTo(new GeometryColumn(GeometryType.GEOMETRY, 0, false, false));
  }

  @Test
  void boxesAreEnvelopes() {
    Row row =
        connection
            .fetchRow(
                "SELECT ST_Extent(g) AS flat, ST_3DExtent(g) AS solid, count(*) AS n"
                    + " FROM (VALUES ('POINT(1 2 3)'::geometry), ('POINT(4 6 8)')) v(g)")
            .await()
            .orElseThrow();
    assertThat(row.get("flat")).isEqualTo(new Envelope(1, 4, 2, 6));
    assertThat(row.get("solid")).isEqualTo(new Box3d(1, 2, 3, 4, 6, 8));
    assertThat(
            (Object)
                connection
                    .fetchValue(Envelope.class, "SELECT $1::box2d", new Envelope(1, 3, 2, 4))
                    .await())
        .isEqualTo(new Envelope(1, 3, 2, 4));
  }

  @Test
  void anEnvelopeFindsWhatLiesInIt() {
    String sql =
        "SELECT count(*)::int FROM (SELECT ST_SetSRID(ST_MakePoint(i, i), 4326) AS geom"
            + " FROM generate_series(1, 10) i) p WHERE geom && $1";
    assertThat(connection.fetchValue(Integer.class, sql, new Envelope(2, 5, 2, 5)).await())
        .isEqualTo(4);
    assertThat(
            connection
                .fetchValue(Integer.class, sql, JtsCodecs.rectangle(new Envelope(2, 5, 2, 5), 4326))
                .await())
        .isEqualTo(4);
  }

  record Place(String name, Point geom) {}

  @Test
  void geometriesLieInArraysRecordsAndDomains() {
    Point a = wgs84.createPoint(new Coordinate(1, 2));
    Point b = wgs84.createPoint(new Coordinate(3, 4));
    assertThat(connection.fetchValue(Point[].class, "SELECT $1::geometry[]", List.of(a, b)).await())
        .containsExactly(a, b);
    assertThat(
            connection
                .fetchRow(Place.class, "SELECT 'here' AS name, $1::geometry AS geom", a)
                .await())
        .contains(new Place("here", a));
    connection
        .execute("CREATE DOMAIN pg_temp.spot AS geometry(Point, 4326)")
        .thenCompose(
            tag -> connection.execute("CREATE TYPE pg_temp.place AS (name text, geom geometry)"))
        .toCompletableFuture()
        .join();
    assertThat((Object) connection.fetchValue(Point.class, "SELECT $1::pg_temp.spot", a).await())
        .isEqualTo(a);
    assertThat(
            connection
                .fetchValue(Place.class, "SELECT $1::pg_temp.place", new Place("there", b))
                .await())
        .isEqualTo(new Place("there", b));
  }

  @Test
  void aTypeModifierIsKeptByTheServer() {
    connection.execute("CREATE TEMP TABLE t(geom geometry(Point, 4326))").await();
    Point without = new GeometryFactory().createPoint(new Coordinate(1, 2));
    connection.execute("INSERT INTO t VALUES($1)", without).await();
    assertThat(connection.fetchValue(Point.class, "SELECT geom FROM t").await().getSRID())
        .isEqualTo(4326);
  }

  @Test
  void aLinearRingIsALineString() {
    LinearRing ring =
        wgs84.createLinearRing(
            new Coordinate[] {
              new Coordinate(0, 0), new Coordinate(1, 0), new Coordinate(1, 1), new Coordinate(0, 0)
            });
    assertThat(connection.fetchValue(String.class, "SELECT ST_AsEWKT($1::geometry)", ring).await())
        .isEqualTo("SRID=4326;LINESTRING(0 0,1 0,1 1,0 0)");
  }

  @Test
  void whatIsComputedFromAGeometryFitsItsColumn() {
    connection.execute("CREATE TEMP TABLE t(geom geometry(Geometry, 4326))").await();
    connection.execute("INSERT INTO t VALUES($1)", wgs84.createPoint(new Coordinate(1, 2))).await();
    Point point = connection.fetchValue(Point.class, "SELECT geom FROM t").await();
    for (Geometry computed :
        List.of(
            point.buffer(1),
            point.getCentroid(),
            point.getFactory().createPoint(new Coordinate(3, 4)))) {
      connection.execute("INSERT INTO t VALUES($1)", computed).await();
    }
    assertThat(
            connection.fetchValue(Integer.class, "SELECT max(ST_NDims(geom))::int FROM t").await())
        .isEqualTo(2);
  }

  @Test
  void collectionsMayBeNestedAsDeepAsPostgisReadsThem() {
    Geometry nested = wgs84.createPoint(new Coordinate(1, 2));
    for (int i = 0; i < 198; i++) {
      nested = wgs84.createGeometryCollection(new Geometry[] {nested});
    }
    String sql = "SELECT ST_NPoints($1::geometry)";
    assertThat(connection.fetchValue(Integer.class, sql, nested).await()).isEqualTo(1);
    byte[] deeper =
        HexFormat.of().parseHex("010700000001000000".repeat(199) + "0101000000" + "00".repeat(16));
    assertThatThrownBy(
            () -> connection.fetchValue(Integer.class, sql, EwkbGeometry.of(deeper)).await())
        .isInstanceOf(PgServerException.class);
  }

  @Test
  void tilesAndTwkbAreBytesAndGeoJsonIsText() {
    Point point = wgs84.createPoint(new Coordinate(13.5, 52.5));
    Row row =
        connection
            .fetchRow(
                """
                SELECT ST_AsGeoJSON($1::geometry) AS json, ST_AsTWKB($1::geometry, 1) AS twkb,
                       (SELECT ST_AsMVT(tile, 'places') FROM (
                          SELECT 'here' AS name, ST_AsMVTGeom(ST_Transform($1::geometry, 3857),
                                                              ST_TileEnvelope(1, 1, 0)) AS geom) tile) AS mvt
                """,
                point)
            .await()
            .orElseThrow();
    assertThat(row.getString("json")).isEqualTo("{\"type\":\"Point\",\"coordinates\":[13.5,52.5]}");
    // A point with one decimal, no metadata; 135 and 525 as zigzag numbers.
    assertThat((byte[]) row.get("twkb"))
        .isEqualTo(HexFormat.of().parseHex("2100" + "8e02" + "9a08"));
    assertThat(new String((byte[]) row.get("mvt"), StandardCharsets.UTF_8))
        .contains("places", "name", "here");
  }

  @Test
  void theSameCodecsServeManyConnectionsAtOnce() {
    var codecs = JtsCodecs.create();
    int[] srids = {0, 4326, 3857, 999_999};
    List<PgConnection> connections = new ArrayList<>();
    List<PgFuture<Geometry>> answers = new ArrayList<>();
    List<Geometry> sent = new ArrayList<>();
    try {
      for (int srid : srids) {
        PgConnection own =
            PgConnection.connect(
                    PgConfig.parse(server.dsn(database)).toBuilder().codecs(codecs).build())
                .await();
        connections.add(own);
        var geometries = new RandomGeometries(new Random(srid), true, true, srid);
        for (int i = 0; i < 100; i++) {
          Geometry geometry = geometries.next(GeometryType.of(1 + i % 7));
          sent.add(geometry);
          answers.add(own.fetchValue(Geometry.class, "SELECT $1::geometry", geometry));
        }
      }
      // Encoded on four event loops, decoded on as many threads as there are.
      for (int i = 0; i < sent.size(); i++) {
        Geometry read = answers.get(i).await();
        assertThat(read.equalsExact(sent.get(i))).isTrue();
        assertThat(read.getSRID()).isEqualTo(srids[i / 100]);
        assertThat(read.getFactory().getSRID()).isEqualTo(srids[i / 100]);
      }
    } finally {
      for (PgConnection own : connections) {
        own.close();
        own.closed().await();
      }
    }
  }
}
