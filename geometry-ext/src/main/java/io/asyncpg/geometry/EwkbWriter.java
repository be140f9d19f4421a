package io.asyncpg.geometry;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.ValueWriter;
import java.nio.ByteOrder;
import org.locationtech.jts.geom.CoordinateSequence;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryCollection;
import org.locationtech.jts.geom.LineString;
import org.locationtech.jts.geom.MultiLineString;
import org.locationtech.jts.geom.MultiPoint;
import org.locationtech.jts.geom.MultiPolygon;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.Polygon;
import org.locationtech.jts.geom.impl.PackedCoordinateSequence;

/**
 * JTS to EWKB, little endian. JTS's own writer decides on Z for each geometry by itself, which
 * PostGIS refuses inside a collection, cannot write XYM, and flags an SRID of 0; hence this one.
 *
 * <p>The whole tree has one dimensionality: Z if anything in it has a Z, and M likewise. A packed
 * sequence has the Z it declares. A {@code Coordinate} always has room for one, so that a sequence
 * of those has a Z only if one of them is a number. What a geometry lacks is written as NaN.
 */
final class EwkbWriter {
  /** So many collections in one another; PostGIS refuses to read more. */
  private static final int DEEPEST = 198;

  private final ValueWriter out;
  private final boolean hasZ;
  private final boolean hasM;

  private EwkbWriter(ValueWriter out, Shape shape) {
    this.out = out;
    this.hasZ = shape.hasZ;
    this.hasM = shape.hasM;
  }

  static void write(Geometry geometry, ValueWriter out) {
    var shape = new Shape();
    shape.look(geometry, 1);
    int bytes = shape.bytes();
    int end = out.reserve(bytes).size() + bytes;
    new EwkbWriter(out, shape).geometry(geometry, shape.srid);
    assert out.size() == end : "computed as " + end + ", and it is " + out.size();
  }

  /** What has to be known of the whole tree before its first byte. */
  private static final class Shape {
    private boolean hasZ;
    private boolean hasM;
    private int srid;
    private long headers;
    private long counts;
    private long points;

    /** How long all of it is. */
    int bytes() {
      int point = 8 * (2 + (hasZ ? 1 : 0) + (hasM ? 1 : 0));
      long bytes = 5 * headers + (srid == 0 ? 0 : 4) + 4 * counts + point * points;
      if (bytes > Integer.MAX_VALUE) {
        throw new PgCodecException(
            "the geometry has " + bytes + " bytes, but a value of PostgreSQL 1 GB at most");
      }
      return (int) bytes;
    }

    void look(Geometry geometry, int depth) {
      srid(geometry.getSRID());
      headers++;
      if (geometry instanceof Point point) {
        points++; // one without coordinates is written as one of NaN
        look(point.getCoordinateSequence());
      } else if (geometry instanceof LineString line) {
        lookCounted(line);
      } else if (geometry instanceof Polygon polygon) {
        counts++;
        if (polygon.isEmpty()) {
          look(polygon.getExteriorRing().getCoordinateSequence()); // its rings are not written
        } else {
          lookCounted(polygon.getExteriorRing());
          for (int i = 0; i < polygon.getNumInteriorRing(); i++) {
            lookCounted(polygon.getInteriorRingN(i));
          }
        }
      } else if (geometry instanceof GeometryCollection collection) {
        counts++;
        if (depth > DEEPEST) {
          throw new PgCodecException(
              "geometries are nested deeper than " + DEEPEST + ", which PostGIS refuses");
        }
        for (int i = 0; i < collection.getNumGeometries(); i++) {
          look(collection.getGeometryN(i), depth + 1);
        }
      } else {
        throw new PgCodecException(
            geometry.getClass().getName() + " is no geometry that PostGIS has");
      }
    }

    private void lookCounted(LineString line) {
      CoordinateSequence sequence = line.getCoordinateSequence();
      counts++;
      points += sequence.size();
      look(sequence);
    }

    private void srid(int of) {
      if (of < 0 || of > EwkbHeader.LARGEST_SRID) {
        throw new PgCodecException(
            "the geometry's SRID is " + of + " but PostGIS has 0 to " + EwkbHeader.LARGEST_SRID);
      }
      if (srid == 0) {
        srid = of;
      } else if (of != 0 && of != srid) {
        throw new PgCodecException(
            "a collection holds geometries of SRID "
                + srid
                + " and "
                + of
                + ", but has one SRID in PostGIS: transform them first");
      }
    }

    private void look(CoordinateSequence points) {
      int dimension = points.getDimension();
      if (dimension != 2 + (points.hasZ() ? 1 : 0) + (points.hasM() ? 1 : 0)) {
        throw new PgCodecException(
            "a CoordinateSequence of "
                + dimension
                + " dimensions, "
                + points.getMeasures()
                + " of them measures, but PostGIS has X, Y, a Z and one measure, M, at most");
      }
      hasM |= points.hasM();
      if (!hasZ && points.hasZ()) {
        hasZ = points instanceof PackedCoordinateSequence || anyZ(points);
      }
    }

    private static boolean anyZ(CoordinateSequence points) {
      for (int i = 0; i < points.size(); i++) {
        if (!Double.isNaN(points.getZ(i))) {
          return true;
        }
      }
      return false;
    }
  }

  private void geometry(Geometry geometry, int srid) {
    if (geometry instanceof Point point) {
      header(GeometryType.POINT, srid);
      point(point);
    } else if (geometry instanceof LineString line) {
      header(GeometryType.LINE_STRING, srid);
      counted(line.getCoordinateSequence());
    } else if (geometry instanceof Polygon polygon) {
      header(GeometryType.POLYGON, srid);
      polygon(polygon);
    } else if (geometry instanceof MultiPoint) {
      header(GeometryType.MULTI_POINT, srid);
      parts(geometry);
    } else if (geometry instanceof MultiLineString) {
      header(GeometryType.MULTI_LINE_STRING, srid);
      parts(geometry);
    } else if (geometry instanceof MultiPolygon) {
      header(GeometryType.MULTI_POLYGON, srid);
      parts(geometry);
    } else {
      header(GeometryType.GEOMETRY_COLLECTION, srid);
      parts(geometry);
    }
  }

  private void header(GeometryType type, int srid) {
    out.writeByte(1);
    int flags =
        (hasZ ? EwkbHeader.Z : 0) | (hasM ? EwkbHeader.M : 0) | (srid == 0 ? 0 : EwkbHeader.SRID);
    writeInt(type.code() | flags);
    if (srid != 0) {
      writeInt(srid);
    }
  }

  private void parts(Geometry collection) {
    int count = collection.getNumGeometries();
    writeInt(count);
    for (int i = 0; i < count; i++) {
      geometry(collection.getGeometryN(i), 0);
    }
  }

  private void point(Point point) {
    if (point.isEmpty()) {
      for (int i = 2 + (hasZ ? 1 : 0) + (hasM ? 1 : 0); i > 0; i--) {
        writeDouble(Double.NaN);
      }
      return;
    }
    if (Double.isNaN(point.getX()) && Double.isNaN(point.getY())) {
      throw new PgCodecException(
          "a Point whose X and Y are NaN is POINT EMPTY to PostGIS: pass an empty Point if that is"
              + " meant");
    }
    ordinates(point.getCoordinateSequence());
  }

  private void polygon(Polygon polygon) {
    if (polygon.isEmpty()) {
      writeInt(0);
      return;
    }
    int holes = polygon.getNumInteriorRing();
    writeInt(1 + holes);
    ring(polygon.getExteriorRing().getCoordinateSequence());
    for (int i = 0; i < holes; i++) {
      ring(polygon.getInteriorRingN(i).getCoordinateSequence());
    }
  }

  /** What PostGIS would say after a round trip. */
  private void ring(CoordinateSequence points) {
    int size = points.size();
    if (size < 4) {
      throw new PgCodecException(
          "Polygon must have at least four points in each ring, but one has " + size);
    }
    if (points.getX(0) != points.getX(size - 1) || points.getY(0) != points.getY(size - 1)) {
      throw new PgCodecException("Polygon must have closed rings");
    }
    counted(points);
  }

  private void counted(CoordinateSequence points) {
    writeInt(points.size());
    ordinates(points);
  }

  private void ordinates(CoordinateSequence points) {
    if (points instanceof PackedCoordinateSequence.Double packed
        && packed.hasZ() == hasZ
        && packed.hasM() == hasM) {
      double[] raw = packed.getRawCoordinates();
      out.writeDoubles(raw, 0, raw.length, ByteOrder.LITTLE_ENDIAN);
      return;
    }
    for (int i = 0; i < points.size(); i++) {
      writeDouble(points.getX(i));
      writeDouble(points.getY(i));
      if (hasZ) {
        writeDouble(points.getZ(i));
      }
      if (hasM) {
        writeDouble(points.getM(i));
      }
    }
  }

  private void writeInt(int value) {
    out.writeInt(Integer.reverseBytes(value));
  }

  private void writeDouble(double value) {
    out.writeLong(Long.reverseBytes(Double.doubleToRawLongBits(value)));
  }
}
