package io.asyncpg.geometry;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.Codec;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import org.jspecify.annotations.Nullable;
import org.locationtech.jts.geom.Envelope;

/**
 * box2d and box3d, which PostGIS sends as text only: {@code BOX(1 2,3 4)}, {@code BOX3D(1 2 3,4 5
 * 6)}.
 */
abstract sealed class BoxCodec<T> implements Codec<T> {
  static final Codec<Envelope> BOX2D = new Box2dCodec();
  static final Codec<Box3d> BOX3D = new Box3dCodec();

  private final Class<T> javaType;

  private BoxCodec(Class<T> javaType) {
    this.javaType = javaType;
  }

  @Override
  public final Class<T> javaType() {
    return javaType;
  }

  @Override
  public final Format format() {
    return Format.TEXT;
  }

  private static double[] parse(String word, int dimension, PgType type, ValueReader in) {
    String text = in.readUtf8();
    if (text.startsWith(word + "(") && text.endsWith(")")) {
      String[] numbers = text.substring(word.length() + 1, text.length() - 1).split("[ ,]", -1);
      if (numbers.length == 2 * dimension) {
        var ordinates = new double[numbers.length];
        try {
          for (int i = 0; i < numbers.length; i++) {
            ordinates[i] = number(numbers[i]);
          }
          return ordinates;
        } catch (NumberFormatException e) {
          throw malformed(type, e);
        }
      }
    }
    throw malformed(type, null);
  }

  private static PgCodecException malformed(PgType type, @Nullable Throwable cause) {
    return new PgCodecException(
        "text that is no " + type.displayName() + ": read it as java.lang.String", cause);
  }

  /** As C's printf writes it. */
  private static double number(String text) {
    return switch (text) {
      case "inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      case "nan", "-nan" -> Double.NaN;
      default -> Double.parseDouble(text);
    };
  }

  private static final class Box2dCodec extends BoxCodec<Envelope> {
    Box2dCodec() {
      super(Envelope.class);
    }

    @Override
    public void encode(Envelope box, PgType type, ValueWriter out) {
      if (box.isNull()) {
        throw new PgCodecException("an empty Envelope is no " + type.displayName() + ": pass null");
      }
      out.writeUtf8(
          "BOX("
              + box.getMinX()
              + " "
              + box.getMinY()
              + ","
              + box.getMaxX()
              + " "
              + box.getMaxY()
              + ")");
    }

    @Override
    public Envelope decode(PgType type, ValueReader in) {
      double[] at = parse("BOX", 2, type, in);
      return new Envelope(at[0], at[2], at[1], at[3]);
    }
  }

  private static final class Box3dCodec extends BoxCodec<Box3d> {
    Box3dCodec() {
      super(Box3d.class);
    }

    @Override
    public void encode(Box3d box, PgType type, ValueWriter out) {
      out.writeUtf8(
          "BOX3D("
              + box.minX()
              + " "
              + box.minY()
              + " "
              + box.minZ()
              + ","
              + box.maxX()
              + " "
              + box.maxY()
              + " "
              + box.maxZ()
              + ")");
    }

    @Override
    public Box3d decode(PgType type, ValueReader in) {
      double[] at = parse("BOX3D", 3, type, in);
      return new Box3d(at[0], at[1], at[2], at[3], at[4], at[5]);
    }
  }
}
