package io.asyncpg.geometry;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import java.lang.reflect.Type;
import org.jspecify.annotations.Nullable;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.Envelope;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.Polygon;
import org.locationtech.jts.geom.PrecisionModel;

/**
 * PostGIS's geometry and geography as JTS's {@link Geometry} and the classes below it, as {@link
 * EwkbGeometry} and as {@code byte[]}; box2d as {@link Envelope}, box3d as {@link Box3d}. Found by
 * name, in whatever schema PostGIS lives.
 *
 * <p>Where nothing is asked for, a geometry is a {@link Geometry}, or an {@link EwkbGeometry} if it
 * is, or holds, one that JTS does not have. Z, M and SRID are kept, the SRID on every part of a
 * collection and on the factory, so that what is computed has it too. An {@link Envelope} given as
 * a geometry is its rectangle, without an SRID, as {@code geom && $1} takes it.
 */
public final class JtsCodecs implements CodecModule {
  private final JtsOptions options;
  private final EwkbReader reader;

  /** What {@link CodecModule#discovered} finds, the same as {@link #create()} gives. */
  public JtsCodecs() {
    this(JtsOptions.defaults());
  }

  private JtsCodecs(JtsOptions options) {
    this.options = options;
    this.reader = new EwkbReader(options);
  }

  /**
   * The codecs as most want them.
   *
   * @return what {@code PgConfig.Builder.codecs} takes
   */
  public static CodecModule create() {
    return new JtsCodecs();
  }

  /**
   * The codecs with other options.
   *
   * @param options how to read and write
   * @return what {@code PgConfig.Builder.codecs} takes
   */
  public static CodecModule create(JtsOptions options) {
    return new JtsCodecs(options);
  }

  /**
   * A rectangle, to be looked for with {@code geom && $1} or to be cut out with {@code
   * ST_Intersection(geom, $1)}.
   *
   * @param box its corners
   * @param srid the spatial reference system of their coordinates, 0 for none
   * @return a polygon, a flat one too if the box is flat, an empty one if the box is empty
   */
  public static Polygon rectangle(Envelope box, int srid) {
    var factory = new GeometryFactory(new PrecisionModel(), srid);
    if (box.isNull()) {
      return factory.createPolygon();
    }
    return factory.createPolygon(
        new Coordinate[] {
          new Coordinate(box.getMinX(), box.getMinY()),
          new Coordinate(box.getMinX(), box.getMaxY()),
          new Coordinate(box.getMaxX(), box.getMaxY()),
          new Coordinate(box.getMaxX(), box.getMinY()),
          new Coordinate(box.getMinX(), box.getMinY())
        });
  }

  /** Whether a type is PostGIS's geometry or geography, or a domain over one. */
  static boolean isSpatial(PgType type) {
    return type instanceof PgType.Domain domain
        ? isSpatial(domain.base())
        : isPostgis(type, "geometry") || isPostgis(type, "geography");
  }

  private static boolean isGeography(PgType type) {
    return type instanceof PgType.Domain domain
        ? isGeography(domain.base())
        : isPostgis(type, "geography");
  }

  private static boolean isPostgis(PgType type, String name) {
    return type instanceof PgType.Base
        && type.name().equals(name)
        && !type.schema().equals("pg_catalog");
  }

  @Override
  public @Nullable Codec<?> codec(PgType type, @Nullable Type javaType) {
    if (isPostgis(type, "geometry") || isPostgis(type, "geography")) {
      return spatial(javaType);
    }
    if (isPostgis(type, "box2d")) {
      return javaType == null || javaType == Envelope.class ? BoxCodec.BOX2D : null;
    }
    if (isPostgis(type, "box3d")) {
      return javaType == null || javaType == Box3d.class ? BoxCodec.BOX3D : null;
    }
    return null;
  }

  private @Nullable Codec<?> spatial(@Nullable Type javaType) {
    if (javaType == null) {
      return new AnyCodec();
    } else if (javaType == EwkbGeometry.class) {
      return EWKB;
    } else if (javaType == byte[].class) {
      return BYTES;
    } else if (javaType == Envelope.class) {
      return new EnvelopeCodec();
    } else if (javaType instanceof Class<?> plain && Geometry.class.isAssignableFrom(plain)) {
      return new JtsCodec<>(plain.asSubclass(Geometry.class));
    }
    return null;
  }

  private Geometry decodeJts(PgType type, ValueReader in) {
    Geometry geometry = reader.read(in);
    if (geometry == null) {
      throw new PgCodecException(
          "this "
              + type.displayName()
              + " is or holds a curve, a surface or a triangle, which JTS does not have: ask for"
              + " io.asyncpg.geometry.EwkbGeometry, or select ST_CurveToLine(…)");
    }
    return geometry;
  }

  private void encodeJts(Geometry geometry, PgType type, ValueWriter out) {
    if (options.strictGeographyRange() && isGeography(type)) {
      Envelope box = geometry.getEnvelopeInternal();
      if (box.getMinX() < -180
          || box.getMaxX() > 180
          || box.getMinY() < -90
          || box.getMaxY() > 90) {
        throw new PgCodecException(
            "a geography beyond 180° of longitude or 90° of latitude, which PostGIS would move: pass"
                + " X as the longitude and Y as the latitude, in degrees");
      }
    }
    EwkbWriter.write(geometry, out);
  }

  /** What a geometry is where nothing is asked for. */
  private final class AnyCodec implements Codec<Object> {
    @Override
    public Class<Object> javaType() {
      return Object.class;
    }

    @Override
    public void encode(Object value, PgType type, ValueWriter out) {
      if (value instanceof Geometry geometry) {
        encodeJts(geometry, type, out);
      } else if (value instanceof EwkbGeometry ewkb) {
        EWKB.encode(ewkb, type, out);
      } else {
        throw new PgCodecException(
            value.getClass().getName()
                + " cannot become "
                + type.displayName()
                + ": pass an org.locationtech.jts.geom.Geometry");
      }
    }

    @Override
    public Object decode(PgType type, ValueReader in) {
      int from = in.position();
      int length = in.remaining();
      Geometry geometry = reader.read(in);
      if (geometry != null) {
        return geometry;
      }
      in.skip(in.remaining());
      return EwkbGeometry.read(new ValueReader(in.array(), from, from + length));
    }
  }

  private final class JtsCodec<G extends Geometry> implements Codec<G> {
    private final Class<G> javaType;

    JtsCodec(Class<G> javaType) {
      this.javaType = javaType;
    }

    @Override
    public Class<G> javaType() {
      return javaType;
    }

    @Override
    public void encode(G value, PgType type, ValueWriter out) {
      encodeJts(value, type, out);
    }

    @Override
    public G decode(PgType type, ValueReader in) {
      Geometry geometry = decodeJts(type, in);
      if (!javaType.isInstance(geometry)) {
        throw new PgCodecException(
            "this "
                + type.displayName()
                + " is a "
                + geometry.getGeometryType()
                + " and no "
                + javaType.getSimpleName()
                + ": ask for org.locationtech.jts.geom.Geometry");
      }
      return javaType.cast(geometry);
    }
  }

  /** A geometry's bounding box; and a box as a geometry. */
  private final class EnvelopeCodec implements Codec<Envelope> {
    @Override
    public Class<Envelope> javaType() {
      return Envelope.class;
    }

    @Override
    public void encode(Envelope value, PgType type, ValueWriter out) {
      encodeJts(rectangle(value, 0), type, out);
    }

    @Override
    public Envelope decode(PgType type, ValueReader in) {
      return decodeJts(type, in).getEnvelopeInternal();
    }
  }

  private static final Codec<EwkbGeometry> EWKB =
      new Codec<>() {
        @Override
        public Class<EwkbGeometry> javaType() {
          return EwkbGeometry.class;
        }

        @Override
        public void encode(EwkbGeometry value, PgType type, ValueWriter out) {
          out.writeBytes(value.bytes());
        }

        @Override
        public EwkbGeometry decode(PgType type, ValueReader in) {
          return EwkbGeometry.read(in);
        }
      };

  private static final Codec<byte[]> BYTES =
      new Codec<>() {
        @Override
        public Class<byte[]> javaType() {
          return byte[].class;
        }

        @Override
        public void encode(byte[] value, PgType type, ValueWriter out) {
          out.writeBytes(value);
        }

        @Override
        public byte[] decode(PgType type, ValueReader in) {
          return in.readRemainingBytes();
        }
      };
}
