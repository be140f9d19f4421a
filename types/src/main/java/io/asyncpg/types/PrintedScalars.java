package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import java.lang.reflect.Type;
import org.jspecify.annotations.Nullable;

/**
 * Every scalar as the text that the server prints of it, whatever it is in Java elsewhere: what
 * arrays, ranges and rows are printed from. Reading goes by the type's own codec, which holds every
 * value there is, not by its standard Java class or by one that was registered.
 *
 * @param registry the codecs of the application
 */
record PrintedScalars(CodecRegistry registry) implements CodecModule {
  @Override
  public @Nullable Codec<?> codec(PgType type, @Nullable Type javaType) {
    if (!(type instanceof PgType.Base
        || type instanceof PgType.Enumeration
        || type instanceof PgType.Pseudo)) {
      return null;
    }
    return javaType == null ? printer(type) : TextCodecs.TEXT;
  }

  private @Nullable Codec<?> printer(PgType type) {
    if (CodecRegistry.isRecord(type)) {
      return CompositeCodecs.recordDecoder(registry, String.class, Format.BINARY);
    }
    Conversions<?> forms = StandardCodecs.forms(type);
    Codec<?> printer = forms == null ? null : forms.printer();
    if (printer != null) {
      return printer;
    }
    Codec<?> own = registry.findDecoder(type, String.class, Format.BINARY);
    if (own != null && own.javaType() == String.class) {
      return own;
    }
    return registry.formatOf(type) == Format.BINARY ? new Unprintable() : null;
  }

  /** A type whose binary form only its codec knows. */
  private record Unprintable() implements Codec<String> {
    @Override
    public Class<String> javaType() {
      return String.class;
    }

    @Override
    public void encode(String value, PgType type, ValueWriter out) {
      throw unknown(type);
    }

    @Override
    public String decode(PgType type, ValueReader in) {
      throw unknown(type);
    }

    private static PgCodecException unknown(PgType type) {
      return new PgCodecException(
          type.displayName()
              + " travels in binary, for the codec registered for it, and only the server knows"
              + " how it is printed: cast what you want as java.lang.String with ::text");
    }
  }
}
