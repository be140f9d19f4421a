package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Numeric;
import java.math.BigDecimal;
import java.math.BigInteger;

/**
 * numeric: decimal digits in groups of four, with the scale it is displayed with.
 *
 * <pre>
 * +---------+--------+------+--------+---------------------------+
 * | ndigits | weight | sign | dscale | ndigits x 0..9999         |    all int16
 * +---------+--------+------+--------+---------------------------+
 * </pre>
 *
 * <p>The first group counts 10000^weight, the next one power less, and so on. The sign is 0x0000,
 * 0x4000 for minus, 0xC000 for NaN, 0xD000 for infinity, 0xF000 for minus infinity.
 */
final class NumericCodecs {
  private static final int POSITIVE = 0x0000;
  private static final int NEGATIVE = 0x4000;
  private static final int NAN = 0xC000;
  private static final int INFINITY = 0xD000;
  private static final int MINUS_INFINITY = 0xF000;
  private static final int MAX_SCALE = 0x3FFF;
  private static final int MAX_INTEGER_DIGITS = 131_072;

  private static final long[] POWERS = new long[19];

  static {
    long power = 1;
    for (int i = 0; i < POWERS.length; i++) {
      POWERS[i] = power;
      power *= 10;
    }
  }

  static final Codec<BigDecimal> DECIMAL =
      new Codec<>() {
        @Override
        public Class<BigDecimal> javaType() {
          return BigDecimal.class;
        }

        @Override
        public void encode(BigDecimal value, PgType type, ValueWriter out) {
          write(value, out);
        }

        @Override
        public BigDecimal decode(PgType type, ValueReader in) {
          int groups = in.readUnsignedShort();
          int weight = in.readShort();
          int sign = in.readUnsignedShort();
          int scale = in.readUnsignedShort();
          if (sign == POSITIVE || sign == NEGATIVE) {
            return read(groups, weight, sign == NEGATIVE, scale, in);
          }
          throw new PgCodecException(
              "this numeric is "
                  + special(sign)
                  + ", which java.math.BigDecimal cannot hold: read it as"
                  + " io.asyncpg.types.value.Numeric or java.lang.Double");
        }
      };

  static final Codec<Numeric> NUMERIC =
      new Codec<>() {
        @Override
        public Class<Numeric> javaType() {
          return Numeric.class;
        }

        @Override
        public void encode(Numeric value, PgType type, ValueWriter out) {
          if (value.isFinite()) {
            write(value.bigDecimal(), out);
          } else {
            int sign =
                value.isNaN()
                    ? NAN
                    : value.equals(Numeric.POSITIVE_INFINITY) ? INFINITY : MINUS_INFINITY;
            // The scale of an infinity means nothing; this is the server's.
            out.writeShort(0).writeShort(0).writeShort(sign).writeShort(sign == NAN ? 0 : 32);
          }
        }

        @Override
        public Numeric decode(PgType type, ValueReader in) {
          int groups = in.readUnsignedShort();
          int weight = in.readShort();
          int sign = in.readUnsignedShort();
          int scale = in.readUnsignedShort();
          return sign == POSITIVE || sign == NEGATIVE
              ? Numeric.of(read(groups, weight, sign == NEGATIVE, scale, in))
              : special(sign);
        }
      };

  private NumericCodecs() {}

  static Conversions<Numeric> conversions() {
    return Conversions.of(NUMERIC, Numeric::toString, Numeric::parse)
        .standard(DECIMAL, Numeric::bigDecimal, Numeric::of)
        .both(Double.class, NumericCodecs::toDouble, Numeric::of)
        .both(
            Float.class,
            NumericCodecs::toFloat,
            n -> n.isNaN() || n.isInfinite() ? Numeric.of((double) n) : Numeric.parse(n.toString()))
        .both(
            BigInteger.class,
            n -> n.bigDecimal().toBigIntegerExact(),
            n -> Numeric.of(new BigDecimal(n)))
        .both(Long.class, n -> n.bigDecimal().longValueExact(), n -> whole(n))
        .both(Integer.class, n -> n.bigDecimal().intValueExact(), n -> whole(n))
        .both(Short.class, n -> n.bigDecimal().shortValueExact(), n -> whole(n))
        .writes(Number.class, n -> whole(NumberCodecs.exactLong(n)));
  }

  private static Numeric whole(long number) {
    return Numeric.of(BigDecimal.valueOf(number));
  }

  private static Double toDouble(Numeric number) {
    return number.isFinite() ? NumberCodecs.exactDouble(number.bigDecimal()) : number.doubleValue();
  }

  private static Float toFloat(Numeric number) {
    return number.isFinite()
        ? NumberCodecs.exactFloat(number.bigDecimal())
        : (float) number.doubleValue();
  }

  private static Numeric special(int sign) {
    return switch (sign) {
      case NAN -> Numeric.NAN;
      case INFINITY -> Numeric.POSITIVE_INFINITY;
      case MINUS_INFINITY -> Numeric.NEGATIVE_INFINITY;
      default -> throw new PgCodecException("a numeric has no sign " + Integer.toHexString(sign));
    };
  }

  private static BigDecimal read(
      int groups, int weight, boolean negative, int scale, ValueReader in) {
    if (scale > MAX_SCALE) {
      throw new PgCodecException("a numeric has no scale " + scale);
    }
    if (groups > in.remaining() / 2) {
      throw new PgCodecException(
          "a numeric of " + groups + " digit groups has only " + in.remaining() + " bytes");
    }
    if (groups == 0) {
      return BigDecimal.valueOf(0, scale);
    }
    // Ten to this power is what the last group counts; the scale may cut it short or reach past.
    int exponent = 4 * (weight - groups + 1);
    int shift = exponent + scale;
    if (groups <= 4 && shift >= -3 && shift <= 2) {
      long unscaled = 0;
      for (int i = 0; i < groups; i++) {
        unscaled = unscaled * 10_000 + group(in);
      }
      if (shift < 0) {
        long power = POWERS[-shift];
        if (unscaled % power != 0) {
          throw tooPrecise();
        }
        unscaled /= power;
      } else {
        unscaled *= POWERS[shift];
      }
      return BigDecimal.valueOf(negative ? -unscaled : unscaled, scale);
    }
    return readLarge(groups, exponent, negative, scale, in);
  }

  private static BigDecimal readLarge(
      int groups, int exponent, boolean negative, int scale, ValueReader in) {
    var digits = new char[groups * 4];
    for (int i = 0; i < groups; i++) {
      int group = group(in);
      digits[4 * i] = (char) ('0' + group / 1000);
      digits[4 * i + 1] = (char) ('0' + group / 100 % 10);
      digits[4 * i + 2] = (char) ('0' + group / 10 % 10);
      digits[4 * i + 3] = (char) ('0' + group % 10);
    }
    BigInteger unscaled = new BigInteger(new String(digits));
    BigDecimal value = new BigDecimal(negative ? unscaled.negate() : unscaled, -exponent);
    try {
      return value.setScale(scale);
    } catch (ArithmeticException e) {
      throw tooPrecise();
    }
  }

  private static int group(ValueReader in) {
    int group = in.readShort();
    if (group < 0 || group > 9999) {
      throw new PgCodecException("a numeric has no digit group " + group);
    }
    return group;
  }

  private static PgCodecException tooPrecise() {
    return new PgCodecException("a numeric has more digits than its scale");
  }

  private static void write(BigDecimal value, ValueWriter out) {
    if (value.scale() > MAX_SCALE) {
      throw new PgCodecException(
          "a java.math.BigDecimal of scale "
              + value.scale()
              + " does not fit numeric, whose scale ends at 16383: round it with setScale");
    }
    if ((long) value.precision() - value.scale() > MAX_INTEGER_DIGITS) {
      throw new PgCodecException(
          "a java.math.BigDecimal of more than 131072 digits before the point does not fit"
              + " numeric");
    }
    BigDecimal whole = value.scale() < 0 ? value.setScale(0) : value;
    if (whole.precision() <= 18) {
      writeSmall(whole.unscaledValue().longValue(), whole.scale(), out);
    } else {
      writeLarge(whole, out);
    }
  }

  private static void writeSmall(long unscaled, int scale, ValueWriter out) {
    if (unscaled == 0) {
      out.writeShort(0).writeShort(0).writeShort(POSITIVE).writeShort(scale);
      return;
    }
    // Groups are counted from the point, so the last one may need zeros to be full.
    long rest = Math.abs(unscaled);
    int fractionGroups = (scale + 3) / 4;
    int padding = fractionGroups * 4 - scale;
    int last = (int) (rest % POWERS[4 - padding] * POWERS[padding]);
    rest /= POWERS[4 - padding];
    int lowest = -fractionGroups;
    while (last == 0) {
      last = (int) (rest % 10_000);
      rest /= 10_000;
      lowest++;
    }
    int groups = 1;
    for (long above = rest; above != 0; above /= 10_000) {
      groups++;
    }
    out.writeShort(groups)
        .writeShort(lowest + groups - 1)
        .writeShort(unscaled < 0 ? NEGATIVE : POSITIVE)
        .writeShort(scale);
    for (int i = groups - 1; i > 0; i--) {
      out.writeShort((int) (rest / POWERS[4 * (i - 1)] % 10_000));
    }
    out.writeShort(last);
  }

  private static void writeLarge(BigDecimal value, ValueWriter out) {
    int scale = value.scale();
    int fractionGroups = (scale + 3) / 4;
    String digits = value.unscaledValue().abs().toString() + "0".repeat(fractionGroups * 4 - scale);
    int groups = (digits.length() + 3) / 4;
    digits = "0".repeat(groups * 4 - digits.length()) + digits;
    int first = 0;
    int last = groups;
    while (last > first && digits.startsWith("0000", 4 * (last - 1))) {
      last--;
    }
    while (first < last && digits.startsWith("0000", 4 * first)) {
      first++;
    }
    out.writeShort(last - first)
        .writeShort(groups - fractionGroups - 1 - first)
        .writeShort(value.signum() < 0 ? NEGATIVE : POSITIVE)
        .writeShort(scale);
    for (int i = first; i < last; i++) {
      out.writeShort(Integer.parseInt(digits, 4 * i, 4 * i + 4, 10));
    }
  }
}
