package io.asyncpg.geometry;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.ValueReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.CoordinateArrays;
import org.locationtech.jts.geom.CoordinateSequence;
import org.locationtech.jts.geom.CoordinateSequenceFactory;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.LineString;
import org.locationtech.jts.geom.LinearRing;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.Polygon;
import org.locationtech.jts.geom.PrecisionModel;
import org.locationtech.jts.geom.impl.CoordinateArraySequenceFactory;
import org.locationtech.jts.geom.impl.PackedCoordinateSequence;
import org.locationtech.jts.geom.impl.PackedCoordinateSequenceFactory;

/**
 * EWKB to JTS. JTS's own reader takes POINT(NaN 2) for an empty point, closes rings and doubles
 * points in silence, loses the SRID of what is inside a collection and of whatever is computed from
 * it, and falls over deep nesting; hence this one. Stateless but for its factories.
 */
final class EwkbReader {
  /** PostGIS itself reads no more than 198. */
  private static final int DEEPEST = 256;

  private static final int FACTORIES = 1024;

  /** The smallest geometry: a header without SRID, and a count of none. */
  private static final int SMALLEST = 9;

  private final JtsOptions options;
  private final CoordinateSequenceFactory sequences;

  /** By SRID, so that what is computed from a geometry has its SRID too. */
  private final Map<Integer, GeometryFactory> factories = new ConcurrentHashMap<>();

  EwkbReader(JtsOptions options) {
    this.options = options;
    this.sequences = options.packed() ? new Packed() : CoordinateArraySequenceFactory.instance();
  }

  /** Reads a geometry; null, anywhere behind its start, if JTS has no such kind or it holds one. */
  @Nullable Geometry read(ValueReader in) {
    EwkbHeader header = EwkbHeader.read(in);
    return body(header, in, factory(header.srid()), 1);
  }

  GeometryFactory factory(int srid) {
    GeometryFactory known = factories.get(srid);
    if (known == null) {
      known = new GeometryFactory(new PrecisionModel(), srid, sequences);
      if (factories.size() < FACTORIES) {
        factories.put(srid, known);
      }
    }
    return known;
  }

  private @Nullable Geometry body(
      EwkbHeader header, ValueReader in, GeometryFactory factory, int depth) {
    return switch (header.type()) {
      case POINT -> point(header, in, factory);
      case LINE_STRING -> lineString(header, in, factory);
      case POLYGON -> polygon(header, in, factory);
      case MULTI_POINT -> {
        Point[] points = parts(header, in, factory, depth, new Point[0]);
        yield points == null ? null : factory.createMultiPoint(points);
      }
      case MULTI_LINE_STRING -> {
        LineString[] lines = parts(header, in, factory, depth, new LineString[0]);
        yield lines == null ? null : factory.createMultiLineString(lines);
      }
      case MULTI_POLYGON -> {
        Polygon[] polygons = parts(header, in, factory, depth, new Polygon[0]);
        yield polygons == null ? null : factory.createMultiPolygon(polygons);
      }
      case GEOMETRY_COLLECTION -> {
        Geometry[] geometries = parts(header, in, factory, depth, new Geometry[0]);
        yield geometries == null ? null : factory.createGeometryCollection(geometries);
      }
      default -> null;
    };
  }

  /** What a collection holds; null if that is more than JTS can. */
  private <G extends Geometry> G @Nullable [] parts(
      EwkbHeader outer, ValueReader in, GeometryFactory factory, int depth, G[] none) {
    if (depth > DEEPEST) {
      throw new PgCodecException(
          "geometries are nested deeper than " + DEEPEST + ": read this one as EwkbGeometry");
    }
    int count = outer.readCount(in, SMALLEST);
    // Each level may claim all that is left: what is nested must not multiply it.
    var parts = new ArrayList<Geometry>(Math.min(count, 1024));
    for (int i = 0; i < count; i++) {
      EwkbHeader header = EwkbHeader.read(in);
      Geometry part = body(header, in, factory, depth + 1);
      if (part == null) {
        return null;
      }
      if (!none.getClass().getComponentType().isInstance(part)) {
        throw new PgCodecException(
            "a " + outer.type().sqlName() + " that holds a " + header.type().sqlName());
      }
      parts.add(part);
    }
    return parts.toArray(none);
  }

  private static Point point(EwkbHeader header, ValueReader in, GeometryFactory factory) {
    int dimension = header.dimension();
    var ordinates = new double[dimension];
    in.readDoubles(ordinates, 0, dimension, header.order());
    // EWKB has no count here: a point without X and without Y is the empty one.
    boolean empty = Double.isNaN(ordinates[0]) && Double.isNaN(ordinates[1]);
    return factory.createPoint(sequence(header, empty ? new double[0] : ordinates, factory));
  }

  private LineString lineString(EwkbHeader header, ValueReader in, GeometryFactory factory) {
    double[] ordinates = ordinates(header, in);
    int dimension = header.dimension();
    if (ordinates.length == dimension) {
      refuseUnlessLenient("LineString must have at least two points");
      ordinates = grown(ordinates, 2, dimension);
    }
    return factory.createLineString(sequence(header, ordinates, factory));
  }

  private Polygon polygon(EwkbHeader header, ValueReader in, GeometryFactory factory) {
    int count = header.readCount(in, 4);
    if (count == 0) {
      return factory.createPolygon(ring(header, new double[0], factory));
    }
    LinearRing shell = ring(header, ordinates(header, in), factory);
    var holes = new LinearRing[count - 1];
    for (int i = 0; i < holes.length; i++) {
      holes[i] = ring(header, ordinates(header, in), factory);
    }
    if (shell.isEmpty() && Arrays.stream(holes).anyMatch(hole -> !hole.isEmpty())) {
      throw new PgCodecException(
          "a Polygon with holes in an empty ring, which JTS cannot hold: read it as EwkbGeometry");
    }
    return factory.createPolygon(shell, holes);
  }

  private LinearRing ring(EwkbHeader header, double[] ordinates, GeometryFactory factory) {
    int dimension = header.dimension();
    int points = ordinates.length / dimension;
    if (points > 0) {
      int last = ordinates.length - dimension;
      boolean closed = ordinates[0] == ordinates[last] && ordinates[1] == ordinates[last + 1];
      if (!closed) {
        refuseUnlessLenient("Polygon must have closed rings");
        points++;
      }
      if (points < LinearRing.MINIMUM_VALID_SIZE) {
        refuseUnlessLenient("Polygon must have at least four points in each ring");
      }
      int wanted = Math.max(points, LinearRing.MINIMUM_VALID_SIZE);
      if (wanted * dimension > ordinates.length) {
        ordinates = grown(ordinates, wanted, dimension);
      }
      if (Double.isNaN(ordinates[0]) || Double.isNaN(ordinates[1])) {
        throw new PgCodecException(
            "a Polygon with a ring that begins at NaN, which JTS cannot hold: read it as"
                + " EwkbGeometry");
      }
    }
    return factory.createLinearRing(sequence(header, ordinates, factory));
  }

  /** More points, each the first one again. */
  private static double[] grown(double[] ordinates, int points, int dimension) {
    double[] more = Arrays.copyOf(ordinates, points * dimension);
    for (int i = ordinates.length; i < more.length; i += dimension) {
      System.arraycopy(ordinates, 0, more, i, dimension);
    }
    return more;
  }

  private void refuseUnlessLenient(String postgisSays) {
    if (!options.lenient()) {
      throw new PgCodecException(
          postgisSays
              + ", or JTS cannot hold it: repair it with ST_MakeValid, read it as EwkbGeometry, or"
              + " register JtsCodecs with JtsOptions.defaults().readLeniently()");
    }
  }

  private static double[] ordinates(EwkbHeader header, ValueReader in) {
    int dimension = header.dimension();
    int count = header.readCount(in, dimension * 8);
    var ordinates = new double[count * dimension];
    in.readDoubles(ordinates, 0, ordinates.length, header.order());
    return ordinates;
  }

  private static CoordinateSequence sequence(
      EwkbHeader header, double[] ordinates, GeometryFactory factory) {
    var packed =
        new PackedCoordinateSequence.Double(ordinates, header.dimension(), header.measures());
    return factory.getCoordinateSequenceFactory() instanceof Packed
        ? packed
        : factory.getCoordinateSequenceFactory().create(packed);
  }

  /**
   * Makes what is computed from a geometry that was read. JTS's own factory declares a Z for every
   * {@code Coordinate}, as each has room for one, and PostGIS refuses that in a column of two
   * dimensions; here there is a Z if one of them is a number.
   */
  private static final class Packed extends PackedCoordinateSequenceFactory {
    private static final long serialVersionUID = 1L;

    Packed() {
      super(DOUBLE);
    }

    @Override
    public CoordinateSequence create(Coordinate @Nullable [] coordinates) {
      if (coordinates == null) {
        return new PackedCoordinateSequence.Double(new double[0], 2, 0);
      }
      boolean hasZ = Arrays.stream(coordinates).anyMatch(each -> !Double.isNaN(each.getZ()));
      boolean hasM = CoordinateArrays.measures(coordinates) > 0;
      int dimension = 2 + (hasZ ? 1 : 0) + (hasM ? 1 : 0);
      var ordinates = new double[coordinates.length * dimension];
      int at = 0;
      for (Coordinate each : coordinates) {
        ordinates[at++] = each.getX();
        ordinates[at++] = each.getY();
        if (hasZ) {
          ordinates[at++] = each.getZ();
        }
        if (hasM) {
          ordinates[at++] = each.getM();
        }
      }
      return new PackedCoordinateSequence.Double(ordinates, dimension, hasM ? 1 : 0);
    }

    @Override
    public CoordinateSequence create(CoordinateSequence points) {
      return points instanceof PackedCoordinateSequence
          ? super.create(points)
          : create(points.toCoordinateArray());
    }
  }
}
