package io.asyncpg.geometry;

import java.util.Random;
import org.locationtech.jts.geom.CoordinateSequence;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.LineString;
import org.locationtech.jts.geom.LinearRing;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.Polygon;
import org.locationtech.jts.geom.PrecisionModel;
import org.locationtech.jts.geom.impl.PackedCoordinateSequence;
import org.locationtech.jts.geom.impl.PackedCoordinateSequenceFactory;

/** Geometries of every kind and every emptiness, of one dimensionality and one SRID. */
final class RandomGeometries {
  private final Random random;
  private final int dimension;
  private final int measures;
  private final GeometryFactory factory;

  RandomGeometries(Random random, boolean hasZ, boolean hasM, int srid) {
    this.random = random;
    this.measures = hasM ? 1 : 0;
    this.dimension = 2 + (hasZ ? 1 : 0) + measures;
    this.factory =
        new GeometryFactory(
            new PrecisionModel(), srid, PackedCoordinateSequenceFactory.DOUBLE_FACTORY);
  }

  /** A geometry of which something is there, so that its dimensionality shows. */
  Geometry next(GeometryType type) {
    while (true) {
      Geometry geometry = any(type, 3);
      if (!geometry.isEmpty()) {
        return geometry;
      }
    }
  }

  private Geometry any(GeometryType type, int depth) {
    return switch (type) {
      case POINT -> point();
      case LINE_STRING -> line();
      case POLYGON -> polygon();
      case MULTI_POINT -> {
        var points = new Point[random.nextInt(4)];
        for (int i = 0; i < points.length; i++) {
          points[i] = point();
        }
        yield factory.createMultiPoint(points);
      }
      case MULTI_LINE_STRING -> {
        var lines = new LineString[random.nextInt(4)];
        for (int i = 0; i < lines.length; i++) {
          lines[i] = line();
        }
        yield factory.createMultiLineString(lines);
      }
      case MULTI_POLYGON -> {
        var polygons = new Polygon[random.nextInt(4)];
        for (int i = 0; i < polygons.length; i++) {
          polygons[i] = polygon();
        }
        yield factory.createMultiPolygon(polygons);
      }
      default -> {
        var geometries = new Geometry[depth == 0 ? 0 : random.nextInt(4)];
        for (int i = 0; i < geometries.length; i++) {
          geometries[i] = any(GeometryType.of(1 + random.nextInt(7)), depth - 1);
        }
        yield factory.createGeometryCollection(geometries);
      }
    };
  }

  private boolean empty() {
    return random.nextInt(5) == 0;
  }

  private Point point() {
    return factory.createPoint(points(empty() ? 0 : 1));
  }

  private LineString line() {
    return factory.createLineString(points(empty() ? 0 : 2 + random.nextInt(20)));
  }

  private Polygon polygon() {
    if (empty()) {
      return factory.createPolygon(points(0));
    }
    var holes = new LinearRing[random.nextInt(3)];
    for (int i = 0; i < holes.length; i++) {
      holes[i] = ring();
    }
    return factory.createPolygon(ring(), holes);
  }

  private LinearRing ring() {
    PackedCoordinateSequence.Double points = points(4 + random.nextInt(10));
    double[] raw = points.getRawCoordinates();
    System.arraycopy(raw, 0, raw, raw.length - dimension, dimension);
    return factory.createLinearRing((CoordinateSequence) points);
  }

  private PackedCoordinateSequence.Double points(int count) {
    var ordinates = new double[count * dimension];
    for (int i = 0; i < ordinates.length; i++) {
      ordinates[i] = random.nextInt(10) == 0 ? random.nextInt(9) : random.nextGaussian() * 80;
    }
    return new PackedCoordinateSequence.Double(ordinates, dimension, measures);
  }
}
