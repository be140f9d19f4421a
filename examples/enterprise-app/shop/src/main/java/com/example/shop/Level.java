package com.example.shop;

import io.asyncpg.types.Codec;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;

/**
 * A level of service, the enum {@code level} of the database, to which labels may be added.
 *
 * @param label what the database calls it
 */
public record Level(String label) {
  /** A level as the label it is in the database. */
  static final class LevelCodec implements Codec<Level> {
    @Override
    public Class<Level> javaType() {
      return Level.class;
    }

    @Override
    public Format format() {
      return Format.TEXT;
    }

    @Override
    public void encode(Level value, PgType type, ValueWriter out) {
      out.writeUtf8(value.label());
    }

    @Override
    public Level decode(PgType type, ValueReader in) {
      return new Level(in.readUtf8());
    }
  }
}
