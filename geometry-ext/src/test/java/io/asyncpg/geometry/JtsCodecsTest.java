package io.asyncpg.geometry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.CoordinateXYM;
import org.locationtech.jts.geom.CoordinateXYZM;
import org.locationtech.jts.geom.Envelope;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryCollection;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.LineString;
import org.locationtech.jts.geom.MultiPoint;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.Polygon;
import org.locationtech.jts.geom.impl.CoordinateArraySequence;
import org.locationtech.jts.geom.impl.PackedCoordinateSequence;

class JtsCodecsTest {
  private static final String ONE = "000000000000f03f";
  private static final String TWO = "0000000000000040";
  private static final String THREE = "0000000000000840";
  private static final String NAN = "000000000000f87f";

  private final CodecRegistry registry = Wire.registry(JtsOptions.defaults());
  private final CodecRegistry lenient = Wire.registry(JtsOptions.defaults().readLeniently());
  private final GeometryFactory jts = new GeometryFactory();

  private String write(Object value) {
    return Wire.write(registry, Wire.GEOMETRY, value);
  }

  private Object read(String hex) {
    return Wire.read(registry, Wire.GEOMETRY, null, hex);
  }

  @Test
  void whatIsNoGeometryIsToldWhoKnowsThem() {
    assertThatThrownBy(() -> registry.encoder(Wire.GEOMETRY, Integer.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining(
            "pass one of the classes that io.asyncpg.geometry.JtsCodecs is for, java.lang.String");
    assertThatThrownBy(() -> registry.decoder(Wire.GEOMETRY, String.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("ask for one of the classes that io.asyncpg.geometry.JtsCodecs")
        .hasMessageNotContaining("JtsCodecs is for, java.lang.String");
  }

  @Test
  void aPointIsItsHeaderAndItsOrdinates() {
    assertThat(write(jts.createPoint(new Coordinate(1, 2)))).isEqualTo("0101000000" + ONE + TWO);
    assertThat(write(jts.createPoint(new Coordinate(1, 2, 3))))
        .isEqualTo("0101000080" + ONE + TWO + THREE);
    assertThat(write(jts.createPoint(new CoordinateXYM(1, 2, 3))))
        .isEqualTo("0101000040" + ONE + TWO + THREE);
    assertThat(write(jts.createPoint(new CoordinateXYZM(1, 2, 3, 1))))
        .isEqualTo("01010000c0" + ONE + TWO + THREE + ONE);
  }

  @Test
  void anSridIsFlaggedOnTheOutermostGeometryOnly() {
    MultiPoint points = jts.createMultiPointFromCoords(new Coordinate[] {new Coordinate(1, 2)});
    points.setSRID(4326);
    assertThat(write(points)).isEqualTo("0104000020e610000001000000" + "0101000000" + ONE + TWO);
  }

  @Test
  void anSridReachesEveryPartAndWhatIsComputedFromIt() {
    var points = (MultiPoint) read("0104000020e610000001000000" + "0101000000" + ONE + TWO);
    assertThat(points.getSRID()).isEqualTo(4326);
    assertThat(points.getGeometryN(0).getSRID()).isEqualTo(4326);
    assertThat(points.getFactory().getSRID()).isEqualTo(4326);
    assertThat(points.buffer(1).getSRID()).isEqualTo(4326);
    assertThat(points.getGeometryN(0).getFactory()).isSameAs(points.getFactory());
  }

  @Test
  void emptyPointsAreNaNs() {
    assertThat(write(jts.createPoint())).isEqualTo("0101000000" + NAN + NAN);
    String pointZ = "01010000a0e6100000" + NAN + NAN + NAN;
    var read = (Point) read(pointZ);
    assertThat(read.isEmpty()).isTrue();
    assertThat(read.getSRID()).isEqualTo(4326);
    assertThat(write(read)).isEqualTo(pointZ);
    String pointM = "0101000040" + NAN + NAN + NAN;
    assertThat(write(read(pointM))).isEqualTo(pointM);
  }

  @Test
  void aPointWithOneNaNIsNotEmpty() {
    var point = (Point) read("0101000000" + NAN + TWO);
    assertThat(point.isEmpty()).isFalse();
    assertThat(point.getX()).isNaN();
    assertThat(point.getY()).isEqualTo(2);
    assertThat(write(point)).isEqualTo("0101000000" + NAN + TWO);
  }

  @Test
  void aPointThatPostgisWouldTakeForEmptyIsRefused() {
    assertThatThrownBy(() -> write(jts.createPoint(new Coordinate(Double.NaN, Double.NaN))))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("POINT EMPTY");
  }

  @Test
  void otherEmptyGeometriesHaveACountOfNone() {
    for (int type = 2; type <= 7; type++) {
      String hex = "010" + type + "000000" + "00000000";
      var geometry = (Geometry) read(hex);
      assertThat(geometry.isEmpty()).isTrue();
      assertThat(write(geometry)).isEqualTo(hex);
    }
    String polygonZ = "0103000080" + "00000000";
    assertThat(write(read(polygonZ))).isEqualTo(polygonZ);
    String inside = "0104000000" + "02000000" + "0101000000" + NAN + NAN + "0101000000" + ONE + TWO;
    assertThat(write(read(inside))).isEqualTo(inside);
  }

  @Test
  void eachGeometryHasItsOwnByteOrder() {
    var points =
        (MultiPoint)
            read(
                "00 00000004 00000002"
                    + "00 00000001 3ff0000000000000 4000000000000000"
                    + "01 01000000"
                    + TWO
                    + ONE);
    assertThat(points.getCoordinates())
        .usingElementComparator(Coordinate::compareTo)
        .containsExactly(new Coordinate(1, 2), new Coordinate(2, 1));
  }

  @Test
  void isoCodesAreRead() {
    assertThat(write(read("01e9030000" + ONE + TWO + THREE)))
        .isEqualTo("0101000080" + ONE + TWO + THREE);
    assertThat(write(read("01d1070000" + ONE + TWO + THREE)))
        .isEqualTo("0101000040" + ONE + TWO + THREE);
    assertThat(write(read("01b90b0000" + ONE + TWO + THREE + ONE)))
        .isEqualTo("01010000c0" + ONE + TWO + THREE + ONE);
  }

  @Test
  void aTreeHasOneDimensionality() {
    GeometryCollection mixed =
        jts.createGeometryCollection(
            new Geometry[] {
              jts.createPoint(new Coordinate(1, 2)),
              jts.createPoint(new Coordinate(1, 2, 3)),
              jts.createLineString()
            });
    assertThat(write(mixed))
        .isEqualTo(
            "0107000080"
                + "03000000"
                + ("0101000080" + ONE + TWO + NAN)
                + ("0101000080" + ONE + TWO + THREE)
                + "0102000080"
                + "00000000");
  }

  @Test
  void coordinatesWithoutAZHaveNone() {
    Coordinate[] plain = {new Coordinate(1, 2), new Coordinate(2, 1)};
    assertThat(write(jts.createLineString(plain)))
        .isEqualTo("0102000000" + "02000000" + ONE + TWO + TWO + ONE);
  }

  @Test
  void whatIsComputedFromAGeometryHasAZOnlyWhereOneIsANumber() {
    var point = (Point) read("0101000000" + ONE + TWO);
    for (Geometry computed :
        List.of(
            point.buffer(1),
            point.union(jts.createPoint(new Coordinate(2, 1))),
            point.getFactory().createPolygon())) {
      assertThat(write(computed)).as(computed.toText()).matches("010[1-7]000000.*");
    }
    assertThat(write(point.getCentroid())).isEqualTo("0101000000" + ONE + TWO);

    GeometryFactory factory = point.getFactory();
    assertThat(write(factory.createPoint())).isEqualTo("0101000000" + NAN + NAN);
    assertThat(write(factory.createPoint((Coordinate) null))).isEqualTo("0101000000" + NAN + NAN);
    assertThat(write(factory.createPoint(new Coordinate(1, 2))))
        .isEqualTo("0101000000" + ONE + TWO);
    assertThat(write(factory.createGeometry(jts.createPoint(new Coordinate(1, 2)))))
        .isEqualTo("0101000000" + ONE + TWO);
    assertThat(write(factory.createPoint(new CoordinateXYM(1, 2, 3))))
        .isEqualTo("0101000040" + ONE + TWO + THREE);
    assertThat(write(factory.createPoint(new CoordinateXYZM(1, 2, Double.NaN, 3))))
        .isEqualTo("0101000040" + ONE + TWO + THREE);
    assertThat(write(factory.createPoint(new CoordinateXYZM(1, 2, 3, 1))))
        .isEqualTo("01010000c0" + ONE + TWO + THREE + ONE);
    Coordinate[] mixed = {new Coordinate(1, 2), new Coordinate(2, 1, 3)};
    assertThat(write(factory.createLineString(mixed)))
        .isEqualTo("0102000080" + "02000000" + ONE + TWO + NAN + TWO + ONE + THREE);
  }

  @Test
  void moreDimensionsThanPostgisHasAreRefused() {
    for (int[] dimensionAndMeasures : new int[][] {{4, 0}, {4, 2}, {5, 1}}) {
      var sequence =
          new PackedCoordinateSequence.Double(
              new double[dimensionAndMeasures[0]],
              dimensionAndMeasures[0],
              dimensionAndMeasures[1]);
      assertThatThrownBy(() -> write(jts.createPoint(sequence)))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining(
              "of %d dimensions, %d of them measures",
              dimensionAndMeasures[0], dimensionAndMeasures[1]);
    }
  }

  @Test
  void aZThatWasSentAsNaNStays() {
    String hex = "0101000080" + ONE + TWO + NAN;
    assertThat(write(read(hex))).isEqualTo(hex);
  }

  @Test
  void whatJtsDoesNotHaveKeepsItsBytes() {
    String arc = "0108000020e6100000" + "03000000" + (ONE + TWO) + (TWO + ONE) + (ONE + ONE);
    var curve = (EwkbGeometry) read(arc);
    assertThat(curve.type()).isEqualTo(GeometryType.CIRCULAR_STRING);
    assertThat(curve.srid()).isEqualTo(4326);
    assertThat(curve).hasToString("CircularString, SRID 4326, 61 bytes");
    assertThat(write(curve)).isEqualTo(arc);
    assertThat(curve).isEqualTo(EwkbGeometry.of(HexFormat.of().parseHex(arc)));
    String inside = "0107000000" + "02000000" + ("0101000000" + ONE + TWO) + "010a00000000000000";
    assertThat(read(inside)).isInstanceOf(EwkbGeometry.class);
    assertThat(write(read(inside))).isEqualTo(inside);
    assertThatThrownBy(() -> Wire.read(registry, Wire.GEOMETRY, Geometry.class, arc))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("ask for io.asyncpg.geometry.EwkbGeometry");
  }

  @Test
  void anyGeometryMayBeReadAsItsBytes() {
    String hex = "0101000080" + ONE + TWO + THREE;
    assertThat(Wire.read(registry, Wire.GEOMETRY, byte[].class, hex))
        .isEqualTo(HexFormat.of().parseHex(hex));
    var ewkb = (EwkbGeometry) Wire.read(registry, Wire.GEOMETRY, EwkbGeometry.class, hex);
    assertThat(ewkb).hasToString("Point Z, SRID 0, 29 bytes");
    assertThat(ewkb.toEwkb()).isEqualTo(HexFormat.of().parseHex(hex));
  }

  @Test
  void aClassAskedForIsTheClassRead() {
    String point = "0101000000" + ONE + TWO;
    assertThat(Wire.read(registry, Wire.GEOMETRY, Point.class, point)).isInstanceOf(Point.class);
    assertThatThrownBy(() -> Wire.read(registry, Wire.GEOMETRY, Polygon.class, point))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("is a Point and no Polygon");
  }

  private static final String OPEN =
      "0103000000"
          + "01000000"
          + "04000000"
          + (ONE + ONE)
          + (TWO + ONE)
          + (TWO + TWO)
          + (ONE + TWO);

  @Test
  void aRingThatDoesNotCloseIsRefusedOrClosed() {
    assertThatThrownBy(() -> read(OPEN))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("Polygon must have closed rings");
    assertThat(Wire.read(lenient, Wire.GEOMETRY, null, OPEN))
        .hasToString("POLYGON ((1 1, 2 1, 2 2, 1 2, 1 1))");
  }

  @Test
  void aLineOfOnePointIsRefusedOrDoubled() {
    String hex = "0102000000" + "01000000" + ONE + TWO;
    assertThatThrownBy(() -> read(hex))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("LineString must have at least two points");
    assertThat(Wire.read(lenient, Wire.GEOMETRY, null, hex)).hasToString("LINESTRING (1 2, 1 2)");
  }

  @Test
  void aRingOfThreePointsIsRefusedBeforeTheServerDoes() {
    Polygon flat =
        jts.createPolygon(
            new Coordinate[] {new Coordinate(0, 0), new Coordinate(1, 1), new Coordinate(0, 0)});
    assertThatThrownBy(() -> write(flat))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("Polygon must have at least four points in each ring");
  }

  @Test
  void countsAreCheckedAgainstWhatIsLeft() {
    for (int type = 2; type <= 7; type++) {
      String hex = "010" + type + "000000" + "ffffff7f";
      assertThatThrownBy(() -> read(hex))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("a count of 2147483647");
    }
  }

  @Test
  void nestingHasAnEnd() {
    String level = "0107000000" + "01000000";
    String deep = level.repeat(100_000) + "0101000000" + ONE + TWO;
    assertThatThrownBy(() -> read(deep))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("nested deeper than 256");
    var written = (Geometry) read(level.repeat(198) + "0101000000" + ONE + TWO);
    assertThat(write(written)).startsWith(level.repeat(198));
    assertThatThrownBy(() -> write(read(level.repeat(199) + "0101000000" + ONE + TWO)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("nested deeper than 198");
  }

  @Test
  void anSridThatPostgisWouldChangeIsRefused() {
    Point point = jts.createPoint(new Coordinate(1, 2));
    point.setSRID(1_000_000);
    assertThatThrownBy(() -> write(point))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("SRID is 1000000 but PostGIS has 0 to 999999");
    assertThatThrownBy(() -> read("0101000020ffffffff" + ONE + TWO))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("SRID of -1");
  }

  @Test
  void anSridInsideACollectionIsNotLost() {
    Point a = jts.createPoint(new Coordinate(1, 2));
    a.setSRID(4326);
    assertThat(write(jts.createGeometryCollection(new Geometry[] {a})))
        .startsWith("0107000020e6100000");
    Point b = jts.createPoint(new Coordinate(1, 2));
    b.setSRID(3857);
    assertThatThrownBy(() -> write(jts.createGeometryCollection(new Geometry[] {a, b})))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("SRID 4326 and 3857");
  }

  @Test
  void malformedBytesSayWhatTheyAre() {
    assertThatThrownBy(() -> read("0201000000" + ONE + TWO))
        .hasMessageContaining("first byte is 2");
    assertThatThrownBy(() -> read("0163000000" + ONE + TWO)).hasMessageContaining("type 99");
    assertThatThrownBy(() -> read("0100000000" + ONE + TWO)).hasMessageContaining("type 0");
    assertThatThrownBy(() -> read("0101000000" + ONE)).hasMessageContaining("2 doubles wanted");
    assertThatThrownBy(() -> read("0101000000" + ONE + TWO + "00"))
        .hasMessageContaining("1 bytes more");
    assertThatThrownBy(() -> read("0104000000" + "01000000" + "0102000000" + "00000000"))
        .hasMessageContaining("a MultiPoint that holds a LineString");
  }

  @Test
  void everyKindOfGeometryComesBackBitByBit() {
    var random = new Random(7);
    int[] srids = {0, 4326, 3857, 999_999};
    for (int i = 0; i < 2_000; i++) {
      boolean hasZ = random.nextBoolean();
      boolean hasM = random.nextBoolean();
      int srid = srids[random.nextInt(4)];
      var geometries = new RandomGeometries(random, hasZ, hasM, srid);
      Geometry geometry = geometries.next(GeometryType.of(1 + i % 7));
      String hex = write(geometry);
      var read = (Geometry) read(hex);
      assertThat(read.equalsExact(geometry)).as(hex).isTrue();
      assertThat(read.getSRID()).isEqualTo(srid);
      assertThat(write(read)).isEqualTo(hex);
    }
  }

  @Test
  void whateverTheBytesOnlyACodecExceptionIsThrown() {
    var random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      var geometries =
          new RandomGeometries(random, random.nextBoolean(), random.nextBoolean(), 4326);
      byte[] bytes = HexFormat.of().parseHex(write(geometries.next(GeometryType.of(1 + i % 7))));
      for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
        bytes[random.nextInt(Math.min(bytes.length, 60))] = (byte) random.nextInt();
      }
      try {
        Wire.read(i % 2 == 0 ? registry : lenient, Wire.GEOMETRY, null, bytes);
      } catch (PgCodecException e) {
        assertThat(e.getCause()).isNull();
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(1_000);
  }

  @Test
  void coordinatesMayBeObjects() {
    CodecRegistry objects = Wire.registry(JtsOptions.defaults().coordinateArrays());
    String hex = "0102000080" + "02000000" + (ONE + TWO + THREE) + (TWO + ONE + THREE);
    var line = (LineString) Wire.read(objects, Wire.GEOMETRY, null, hex);
    assertThat(line.getCoordinateSequence()).isInstanceOf(CoordinateArraySequence.class);
    assertThat(line.getCoordinateN(1).getZ()).isEqualTo(3);
    assertThat(Wire.write(objects, Wire.GEOMETRY, line)).isEqualTo(hex);
    Object noZ = Wire.read(objects, Wire.GEOMETRY, null, "0101000080" + NAN + NAN + NAN);
    assertThat(Wire.write(objects, Wire.GEOMETRY, noZ)).isEqualTo("0101000000" + NAN + NAN);
  }

  @Test
  void aGeographyOffTheGlobeIsRefusedIfAskedTo() {
    CodecRegistry strict = Wire.registry(JtsOptions.defaults().checkGeographyRange());
    Point far = jts.createPoint(new Coordinate(200, 95));
    assertThatThrownBy(() -> Wire.write(strict, Wire.GEOGRAPHY, far))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("which PostGIS would move");
    assertThat(Wire.write(strict, Wire.GEOMETRY, far)).startsWith("0101");
    assertThat(Wire.write(registry, Wire.GEOGRAPHY, far)).startsWith("0101");
  }

  @Test
  void boxesAreText() {
    byte[] box = "BOX(1 2,3.5 -4e+20)".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    assertThat(Wire.read(registry, Wire.BOX2D, null, box))
        .isEqualTo(new Envelope(1, 3.5, 2, -4e20));
    byte[] solid = "BOX3D(1 2 3,4 5 inf)".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    assertThat(Wire.read(registry, Wire.BOX3D, null, solid))
        .isEqualTo(new Box3d(1, 2, 3, 4, 5, Double.POSITIVE_INFINITY));
    assertThatThrownBy(() -> Wire.read(registry, Wire.BOX2D, null, solid))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("text that is no gis.box2d");
    assertThat(Wire.write(registry, Wire.BOX2D, new Envelope(1, 3, 2, 4)))
        .isEqualTo(
            HexFormat.of()
                .formatHex(
                    "BOX(1.0 2.0,3.0 4.0)".getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
    assertThatThrownBy(() -> Wire.write(registry, Wire.BOX2D, new Envelope()))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("empty Envelope");
  }

  @Test
  void anEnvelopeIsARectangle() {
    Polygon rectangle = JtsCodecs.rectangle(new Envelope(1, 2, 3, 4), 4326);
    assertThat((Object) rectangle).hasToString("POLYGON ((1 3, 1 4, 2 4, 2 3, 1 3))");
    assertThat(rectangle.getSRID()).isEqualTo(4326);
    assertThat(Wire.read(registry, Wire.GEOMETRY, Envelope.class, write(new Envelope(1, 2, 3, 4))))
        .isEqualTo(new Envelope(1, 2, 3, 4));
    assertThat(JtsCodecs.rectangle(new Envelope(), 4326).isEmpty()).isTrue();
  }

  @Test
  void aColumnSaysWhatItHolds() {
    assertThat(GeometryColumn.of(Wire.GEOMETRY, 1_107_460))
        .isEqualTo(new GeometryColumn(GeometryType.POINT, 4326, false, false));
    assertThat(GeometryColumn.of(Wire.GEOMETRY, 1_107_462))
        .isEqualTo(new GeometryColumn(GeometryType.POINT, 4326, true, false));
    assertThat(GeometryColumn.of(Wire.GEOGRAPHY, -1))
        .isEqualTo(new GeometryColumn(GeometryType.GEOMETRY, 0, false, false));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GeometryColumn.of(BuiltinTypes.INT4, -1))
        .withMessageContaining("type is int4");
  }

  @Test
  void otherTypesAreLeftToOthers() {
    CodecModule module = JtsCodecs.create();
    assertThat(module.codec(BuiltinTypes.BOX, null)).isNull();
    assertThat(module.codec(Wire.GEOMETRY, String.class)).isNull();
    assertThat(module.codec(new PgType.Pseudo(1, "gis", "geometry"), null)).isNull();
    assertThat(CodecModule.discovered().codec(Wire.GEOMETRY, null)).isNotNull();
  }
}
