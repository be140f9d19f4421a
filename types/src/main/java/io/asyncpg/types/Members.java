package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;

/** Values inside other values, whose class is known only when they are there. */
final class Members {
  private Members() {}

  /** Writes one, without its length; an error says where it stood. */
  @SuppressWarnings("unchecked")
  static void write(
      CodecRegistry registry,
      PgType type,
      Object value,
      Format format,
      String place,
      ValueWriter out) {
    try {
      ((Codec<Object>) encoder(registry, type, value.getClass(), format)).encode(value, type, out);
    } catch (PgCodecException e) {
      throw new PgCodecException(place + ": " + e.getMessage(), e);
    }
  }

  static Codec<?> encoder(CodecRegistry registry, PgType type, Class<?> given, Format format) {
    Codec<?> codec = registry.findEncoder(type, given, format);
    if (codec == null) {
      try {
        // Through the front door once more, for the message.
        codec = registry.encoder(type, given);
      } catch (PgCodecException none) {
        throw OutdatedTypeException.explaining(type, String.valueOf(none.getMessage()));
      }
      throw new PgCodecException(
          given.getName()
              + " becomes "
              + type.displayName()
              + " only by itself, not inside another value: that travels in "
              + format
              + (format == Format.TEXT ? ", as something in it has no binary form" : "")
              + "; its codec "
              + codec.javaType().getName()
              + " does not");
    }
    return codec;
  }
}
