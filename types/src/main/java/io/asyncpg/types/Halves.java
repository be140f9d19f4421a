package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;

/** IEEE 754 half precision: a sign, five bits of exponent, ten of fraction. */
final class Halves {
  private Halves() {}

  static float toFloat(short half) {
    int exponent = (half >> 10) & 0x1F;
    int fraction = half & 0x3FF;
    float magnitude;
    if (exponent == 0) {
      magnitude = fraction * 0x1p-24f;
    } else if (exponent == 0x1F) {
      magnitude = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    } else {
      magnitude = Math.scalb(1024f + fraction, exponent - 25);
    }
    return half < 0 ? -magnitude : magnitude;
  }

  /** Exactly, or not at all. */
  static short fromFloat(float number) {
    if (Float.isNaN(number)) {
      return 0x7E00;
    }
    int sign = Float.floatToRawIntBits(number) >>> 16 & 0x8000;
    float magnitude = Math.abs(number);
    if (Float.isInfinite(magnitude)) {
      return (short) (sign | 0x7C00);
    }
    int bits;
    if (magnitude < 0x1p-14f) {
      bits = (int) (magnitude * 0x1p24f);
    } else {
      int exponent = Math.getExponent(magnitude);
      int fraction = (int) Math.scalb(magnitude, 10 - exponent) - 1024;
      bits = exponent > 15 ? 0x7C00 : ((exponent + 15) << 10) | fraction;
    }
    short half = (short) (sign | bits);
    if (toFloat(half) != number) {
      throw new PgCodecException(
          "a float that half precision cannot hold does not fit halfvec: round it, or cast the"
              + " parameter with $1::vector");
    }
    return half;
  }
}
