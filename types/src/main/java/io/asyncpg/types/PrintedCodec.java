package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;

/**
 * What is made of other values, read in binary and printed as the server would.
 *
 * @param whole reads it with a String for each scalar in it
 * @param scalars writes it in text from those
 */
record PrintedCodec(Codec<?> whole, CodecRegistry scalars) implements Codec<String> {
  @Override
  public Class<String> javaType() {
    return String.class;
  }

  @Override
  public void encode(String value, PgType type, ValueWriter out) {
    throw new PgCodecException(
        "java.lang.String is only read from " + type.displayName() + ", never written");
  }

  @Override
  public String decode(PgType type, ValueReader in) {
    Object value = whole.decode(type, in);
    var text = new ValueWriter();
    Members.write(scalars, type, value, Format.TEXT, "as text", text);
    return new ValueReader(text.array(), 0, text.size()).readUtf8();
  }
}
