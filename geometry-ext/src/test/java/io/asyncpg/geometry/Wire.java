package io.asyncpg.geometry;

import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Values to hex and back, through a registry, for tests. */
final class Wire {
  static final PgType GEOMETRY = new PgType.Base(90_001, "gis", "geometry", ':');
  static final PgType GEOGRAPHY = new PgType.Base(90_002, "gis", "geography", ':');
  static final PgType BOX2D = new PgType.Base(90_003, "gis", "box2d", ',');
  static final PgType BOX3D = new PgType.Base(90_004, "gis", "box3d", ',');

  private static final HexFormat HEX = HexFormat.of();

  private Wire() {}

  static CodecRegistry registry(JtsOptions options) {
    return CodecRegistry.standard().with(JtsCodecs.create(options));
  }

  @SuppressWarnings("unchecked")
  static String write(CodecRegistry registry, PgType type, Object value) {
    var out = new ValueWriter();
    ((Codec<Object>) registry.encoder(type, value.getClass())).encode(value, type, out);
    return HEX.formatHex(out.array(), 0, out.size());
  }

  static Object read(CodecRegistry registry, PgType type, @Nullable Class<?> javaType, String hex) {
    return read(registry, type, javaType, HEX.parseHex(hex.replace(" ", "")));
  }

  static Object read(
      CodecRegistry registry, PgType type, @Nullable Class<?> javaType, byte[] bytes) {
    return new ValueReader(bytes, 0, bytes.length).readAll(registry.decoder(type, javaType), type);
  }
}
