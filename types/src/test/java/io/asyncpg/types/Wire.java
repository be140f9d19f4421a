package io.asyncpg.types;

import java.lang.reflect.Type;
import java.util.HexFormat;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Values to hex and back, through a registry, for tests. */
final class Wire {
  private static final HexFormat HEX = HexFormat.of();

  private Wire() {}

  /** What the standard registry writes for a value, in hex. */
  static String write(PgType type, Object value) {
    return write(CodecRegistry.standard(), type, value);
  }

  static String write(CodecRegistry registry, PgType type, Object value) {
    return write(registry.encoder(type, value.getClass()), type, value);
  }

  @SuppressWarnings("unchecked")
  static String write(Codec<?> codec, PgType type, Object value) {
    var out = new ValueWriter();
    ((Codec<Object>) codec).encode(value, type, out);
    return HEX.formatHex(out.array(), 0, out.size());
  }

  /** What the standard registry reads by default. Spaces in the hex are for the eye. */
  static Object read(PgType type, String hex) {
    return read(CodecRegistry.standard(), type, null, hex);
  }

  @SuppressWarnings("unchecked")
  static <T> T read(PgType type, Class<T> javaType, String hex) {
    return (T) read(CodecRegistry.standard(), type, javaType, hex);
  }

  static Object read(CodecRegistry registry, PgType type, @Nullable Type javaType, String hex) {
    byte[] bytes = HEX.parseHex(hex.replace(" ", ""));
    return new ValueReader(bytes, 0, bytes.length).readAll(registry.decoder(type, javaType), type);
  }

  /** Text as it travels, in hex. */
  static String text(String text) {
    return HEX.formatHex(text.getBytes(java.nio.charset.StandardCharsets.UTF_8))
        .toLowerCase(Locale.ROOT);
  }
}
