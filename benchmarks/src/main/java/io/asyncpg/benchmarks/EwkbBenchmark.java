package io.asyncpg.benchmarks;

import io.asyncpg.geometry.JtsCodecs;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import java.util.Arrays;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.PrecisionModel;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** PostGIS's geometries, read and written. */
@State(Scope.Thread)
public class EwkbBenchmark {
  private static final PgType GEOMETRY = new PgType.Base(1_000_000, "public", "geometry", ',');

  @Param({"point", "polygon of 1000"})
  public String shape = "point";

  private Codec<Geometry> codec = codec();
  private Geometry geometry = shape("point");
  private byte[] bytes = {};
  private final ValueReader in = new ValueReader();
  private final ValueWriter out = new ValueWriter();

  @SuppressWarnings("unchecked") // that is what the codecs of geometry read and write
  private static Codec<Geometry> codec() {
    return (Codec<Geometry>)
        CodecRegistry.standard().with(JtsCodecs.create()).decoder(GEOMETRY, Geometry.class);
  }

  private static Geometry shape(String name) {
    GeometryFactory factory = new GeometryFactory(new PrecisionModel(), 4326);
    if (name.equals("point")) {
      return factory.createPoint(new Coordinate(24.94, 60.17));
    }
    Coordinate[] ring = new Coordinate[1_001];
    for (int i = 0; i < 1_000; i++) {
      double angle = 2 * Math.PI * i / 1_000;
      ring[i] = new Coordinate(25 + Math.cos(angle), 60 + Math.sin(angle));
    }
    ring[1_000] = ring[0];
    return factory.createPolygon(ring);
  }

  @Setup
  public void encodeOnce() {
    codec = codec();
    geometry = shape(shape);
    out.clear();
    codec.encode(geometry, GEOMETRY, out);
    bytes = Arrays.copyOf(out.array(), out.size());
  }

  @Benchmark
  public Geometry read() {
    return codec.decode(GEOMETRY, in.reset(bytes, 0, bytes.length));
  }

  @Benchmark
  public int write() {
    out.clear();
    codec.encode(geometry, GEOMETRY, out);
    return out.size();
  }
}
