package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;

/** Any container read as text: what the server would have printed. */
record PrintedCodec(Codec<?> whole, CodecRegistry registry) implements Codec<String> {
  @Override
  public Class<String> javaType() {
    return String.class;
  }

  @Override
  public Format format() {
    return whole.format();
  }

  @Override
  public void encode(String value, PgType type, ValueWriter out) {
    throw new PgCodecException(
        "java.lang.String is only read from " + type.displayName() + ", never written");
  }

  @Override
  public String decode(PgType type, ValueReader in) {
    if (whole.format() == Format.TEXT) {
      return in.readUtf8();
    }
    Object value = whole.decode(type, in);
    var text = new ValueWriter();
    Members.write(registry, type, value, Format.TEXT, "as text", text);
    return new ValueReader(text.array(), 0, text.size()).readUtf8();
  }
}
