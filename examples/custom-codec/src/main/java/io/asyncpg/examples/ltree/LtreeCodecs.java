package io.asyncpg.examples.ltree;

import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import java.lang.reflect.Type;
import org.jspecify.annotations.Nullable;

/**
 * The type ltree as {@link LabelPath}, in whatever schema the extension was created; Strings go on
 * working beside it.
 */
public final class LtreeCodecs implements CodecModule {
  private static final PathCodec CODEC = new PathCodec();

  /** Creates the module; {@code PgConfig.Builder.codecs} takes it. */
  public LtreeCodecs() {}

  @Override
  public @Nullable Codec<?> codec(PgType type, @Nullable Type javaType) {
    boolean ours = type instanceof PgType.Base && type.name().equals("ltree");
    return ours && (javaType == null || javaType == LabelPath.class) ? CODEC : null;
  }

  /** In text, as ltree comes without this module: who asks for a String goes on getting it. */
  private static final class PathCodec implements Codec<LabelPath> {
    @Override
    public Class<LabelPath> javaType() {
      return LabelPath.class;
    }

    @Override
    public Format format() {
      return Format.TEXT;
    }

    @Override
    public void encode(LabelPath value, PgType type, ValueWriter out) {
      out.writeUtf8(value.toString());
    }

    @Override
    public LabelPath decode(PgType type, ValueReader in) {
      return LabelPath.of(in.readUtf8());
    }
  }
}
