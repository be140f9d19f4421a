package io.asyncpg.types;

/**
 * A codec that speaks binary, inside what travels in text.
 *
 * @param codec the codec
 * @param binary reads and writes what the codec does, as a class that holds every value there is
 * @param text the same values as the server prints them
 */
record ByWayOfText<C, T>(Codec<C> codec, Codec<T> binary, Codec<T> text) implements Codec<C> {
  @Override
  public Class<C> javaType() {
    return codec.javaType();
  }

  @Override
  public Format format() {
    return Format.TEXT;
  }

  @Override
  public void encode(C value, PgType type, ValueWriter out) {
    var bytes = new ValueWriter();
    codec.encode(value, type, bytes);
    text.encode(reader(bytes).readAll(binary, type), type, out);
  }

  @Override
  public C decode(PgType type, ValueReader in) {
    var bytes = new ValueWriter();
    binary.encode(text.decode(type, in), type, bytes);
    return reader(bytes).readAll(codec, type);
  }

  private static ValueReader reader(ValueWriter written) {
    return new ValueReader(written.array(), 0, written.size());
  }
}
