package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Numeric;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.ToLongFunction;

/** Whole and floating-point numbers, and the conversions between Java's classes for them. */
final class NumberCodecs {
  static final LongCodec<Short> INT2 =
      new LongCodec<>() {
        @Override
        public Class<Short> javaType() {
          return Short.class;
        }

        @Override
        public void encode(Short value, PgType type, ValueWriter out) {
          out.writeShort(value);
        }

        @Override
        public Short decode(PgType type, ValueReader in) {
          return in.readShort();
        }

        @Override
        public long decodeLong(PgType type, ValueReader in) {
          return in.readShort();
        }
      };

  static final LongCodec<Integer> INT4 =
      new LongCodec<>() {
        @Override
        public Class<Integer> javaType() {
          return Integer.class;
        }

        @Override
        public void encode(Integer value, PgType type, ValueWriter out) {
          out.writeInt(value);
        }

        @Override
        public Integer decode(PgType type, ValueReader in) {
          return in.readInt();
        }

        @Override
        public long decodeLong(PgType type, ValueReader in) {
          return in.readInt();
        }
      };

  static final LongCodec<Long> INT8 =
      new LongCodec<>() {
        @Override
        public Class<Long> javaType() {
          return Long.class;
        }

        @Override
        public void encode(Long value, PgType type, ValueWriter out) {
          out.writeLong(value);
        }

        @Override
        public Long decode(PgType type, ValueReader in) {
          return in.readLong();
        }

        @Override
        public long decodeLong(PgType type, ValueReader in) {
          return in.readLong();
        }
      };

  /** oid, xid and cid: four bytes without a sign. */
  static final LongCodec<Long> UNSIGNED4 =
      new LongCodec<>() {
        @Override
        public Class<Long> javaType() {
          return Long.class;
        }

        @Override
        public void encode(Long value, PgType type, ValueWriter out) {
          long number = value;
          if (number < 0 || number > 0xFFFF_FFFFL) {
            throw outOfRange("java.lang.Long", type, "0 to 4294967295");
          }
          out.writeInt((int) number);
        }

        @Override
        public Long decode(PgType type, ValueReader in) {
          return in.readUnsignedInt();
        }

        @Override
        public long decodeLong(PgType type, ValueReader in) {
          return in.readUnsignedInt();
        }
      };

  /** xid8: eight bytes without a sign. A Long while it fits, which it does for 292,000 years. */
  static final LongCodec<Long> UNSIGNED8 =
      new LongCodec<>() {
        @Override
        public Class<Long> javaType() {
          return Long.class;
        }

        @Override
        public void encode(Long value, PgType type, ValueWriter out) {
          if (value < 0) {
            throw outOfRange("java.lang.Long", type, "0 to 18446744073709551615");
          }
          out.writeLong(value);
        }

        @Override
        public Long decode(PgType type, ValueReader in) {
          return decodeLong(type, in);
        }

        @Override
        public long decodeLong(PgType type, ValueReader in) {
          long number = in.readLong();
          if (number < 0) {
            throw new PgCodecException(
                "this "
                    + type.displayName()
                    + " is above 9223372036854775807: read it as java.math.BigInteger");
          }
          return number;
        }
      };

  /** xid8 in full. */
  static final Codec<BigInteger> UNSIGNED8_FULL =
      new Codec<>() {
        @Override
        public Class<BigInteger> javaType() {
          return BigInteger.class;
        }

        @Override
        public void encode(BigInteger value, PgType type, ValueWriter out) {
          if (value.signum() < 0 || value.bitLength() > 64) {
            throw outOfRange("java.math.BigInteger", type, "0 to 18446744073709551615");
          }
          out.writeLong(value.longValue());
        }

        @Override
        public BigInteger decode(PgType type, ValueReader in) {
          return new BigInteger(1, in.readBytes(8));
        }
      };

  static final DoubleCodec<Float> FLOAT4 =
      new DoubleCodec<>() {
        @Override
        public Class<Float> javaType() {
          return Float.class;
        }

        @Override
        public void encode(Float value, PgType type, ValueWriter out) {
          out.writeFloat(value);
        }

        @Override
        public Float decode(PgType type, ValueReader in) {
          return in.readFloat();
        }

        @Override
        public double decodeDouble(PgType type, ValueReader in) {
          return in.readFloat();
        }
      };

  static final DoubleCodec<Double> FLOAT8 =
      new DoubleCodec<>() {
        @Override
        public Class<Double> javaType() {
          return Double.class;
        }

        @Override
        public void encode(Double value, PgType type, ValueWriter out) {
          out.writeDouble(value);
        }

        @Override
        public Double decode(PgType type, ValueReader in) {
          return in.readDouble();
        }

        @Override
        public double decodeDouble(PgType type, ValueReader in) {
          return in.readDouble();
        }
      };

  private NumberCodecs() {}

  /** A whole number as every class for one that it fits. */
  static <T extends Number> Conversions<T> whole(
      Codec<T> codec, LongFunction<T> narrow, ToLongFunction<T> widen) {
    return Conversions.of(codec, Object::toString, text -> narrow.apply(Long.parseLong(text)))
        .both(Long.class, widen::applyAsLong, narrow::apply)
        .both(Integer.class, n -> Math.toIntExact(widen.applyAsLong(n)), n -> narrow.apply(n))
        .both(Short.class, n -> toShort(widen.applyAsLong(n)), n -> narrow.apply(n))
        .both(Byte.class, n -> toByte(widen.applyAsLong(n)), n -> narrow.apply(n))
        .both(
            BigInteger.class,
            n -> BigInteger.valueOf(widen.applyAsLong(n)),
            n -> narrow.apply(n.longValueExact()))
        .both(
            BigDecimal.class,
            n -> BigDecimal.valueOf(widen.applyAsLong(n)),
            n -> narrow.apply(n.longValueExact()))
        .reads(Double.class, n -> exactDouble(widen.applyAsLong(n)))
        .reads(Float.class, n -> exactFloat(exactDouble(widen.applyAsLong(n))))
        .writes(Number.class, n -> narrow.apply(exactLong(n)));
  }

  /** xid8: as whole numbers, but through BigInteger. */
  static Conversions<BigInteger> unsigned8() {
    return Conversions.of(UNSIGNED8_FULL, Object::toString, BigInteger::new)
        .standard(UNSIGNED8, BigInteger::longValueExact, BigInteger::valueOf)
        .both(Integer.class, BigInteger::intValueExact, n -> BigInteger.valueOf(n))
        .both(BigDecimal.class, n -> new BigDecimal(n), BigDecimal::toBigIntegerExact)
        .writes(Number.class, n -> BigInteger.valueOf(exactLong(n)));
  }

  static Conversions<Float> float4() {
    return floating(
        FLOAT4,
        NumberCodecs::exactFloat,
        NumberCodecs::exactFloat,
        NumberCodecs::print,
        NumberCodecs::parseFloat);
  }

  static Conversions<Double> float8() {
    return floating(
        FLOAT8, n -> n, NumberCodecs::exactDouble, NumberCodecs::print, NumberCodecs::parseDouble);
  }

  /** A floating-point number as every class for numbers that holds it exactly. */
  private static <T extends Number> Conversions<T> floating(
      Codec<T> codec,
      Function<Double, T> narrow,
      Function<BigDecimal, T> decimal,
      Function<T, String> print,
      Function<String, T> parse) {
    return Conversions.of(codec, print, parse)
        .both(Double.class, Number::doubleValue, narrow)
        .both(Float.class, n -> exactFloat(n.doubleValue()), n -> narrow.apply((double) n))
        .both(BigDecimal.class, n -> new BigDecimal(n.toString()), decimal)
        .reads(Long.class, n -> exactLong(n))
        .reads(Integer.class, n -> Math.toIntExact(exactLong(n)))
        .writes(BigInteger.class, n -> decimal.apply(new BigDecimal(n)))
        .writes(Long.class, n -> narrow.apply(exactDouble(n)))
        .writes(
            Number.class,
            n ->
                n instanceof Numeric numeric && numeric.isFinite()
                    ? decimal.apply(numeric.bigDecimal())
                    : narrow.apply(numberToDouble(n)));
  }

  static Short toShort(long number) {
    if (number != (short) number) {
      throw new ArithmeticException("short overflow");
    }
    return (short) number;
  }

  private static Byte toByte(long number) {
    if (number != (byte) number) {
      throw new ArithmeticException("byte overflow");
    }
    return (byte) number;
  }

  /** Any Number that is whole and fits a long. */
  static long exactLong(Number number) {
    if (number instanceof Integer
        || number instanceof Long
        || number instanceof Short
        || number instanceof Byte
        || number instanceof AtomicInteger
        || number instanceof AtomicLong
        || number instanceof LongAdder) {
      return number.longValue();
    }
    if (number instanceof BigInteger big) {
      return big.longValueExact();
    }
    if (number instanceof BigDecimal decimal) {
      return decimal.longValueExact();
    }
    if (number instanceof Numeric numeric) {
      return numeric.bigDecimal().longValueExact();
    }
    if (number instanceof Double || number instanceof Float) {
      return new BigDecimal(number.doubleValue()).longValueExact();
    }
    throw new IllegalArgumentException("no known number: " + number.getClass().getName());
  }

  static double exactDouble(long number) {
    double converted = (double) number;
    if ((long) converted != number || number == Long.MAX_VALUE) {
      throw new ArithmeticException("not exact");
    }
    return converted;
  }

  /** The double that a decimal stands for: its own value, or the fewest digits that say it. */
  static double exactDouble(BigDecimal number) {
    double converted = number.doubleValue();
    if (Double.isInfinite(converted) || !isDecimalOf(converted, number)) {
      throw new ArithmeticException("not exact");
    }
    return converted;
  }

  /** The float that a decimal stands for, in the same way. */
  static float exactFloat(BigDecimal number) {
    float converted = number.floatValue();
    if (Float.isInfinite(converted) || !isDecimalOf(converted, number)) {
      throw new ArithmeticException("not exact");
    }
    return converted;
  }

  /** Java and the server do not always agree on the fewest digits: either will do. */
  private static boolean isDecimalOf(Number number, BigDecimal decimal) {
    return new BigDecimal(number.doubleValue()).compareTo(decimal) == 0
        || new BigDecimal(number.toString()).compareTo(decimal) == 0
        || (number.doubleValue() != 0 && shortest(number).compareTo(decimal) == 0);
  }

  static float exactFloat(double number) {
    float converted = (float) number;
    if (Double.isNaN(number) || converted == number) {
      return converted;
    }
    throw new ArithmeticException("not exact");
  }

  private static double numberToDouble(Number number) {
    return number instanceof Numeric numeric
        ? numeric.doubleValue()
        : exactDouble(exactLong(number));
  }

  static float parseFloat(String text) {
    return switch (text) {
      case "NaN" -> Float.NaN;
      case "Infinity" -> Float.POSITIVE_INFINITY;
      case "-Infinity" -> Float.NEGATIVE_INFINITY;
      default -> Float.parseFloat(text);
    };
  }

  static double parseDouble(String text) {
    return switch (text) {
      case "NaN" -> Double.NaN;
      case "Infinity" -> Double.POSITIVE_INFINITY;
      case "-Infinity" -> Double.NEGATIVE_INFINITY;
      default -> Double.parseDouble(text);
    };
  }

  /** As the server prints a float8: the shortest digits, an exponent below -4 or from 15 on. */
  static String print(Double number) {
    return print(number, 15);
  }

  /** As the server prints a float4: the shortest digits, an exponent below -4 or from 6 on. */
  static String print(Float number) {
    return print(number, 6);
  }

  private static String print(Number number, int digits) {
    double value = number.doubleValue();
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return Double.toString(value);
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0" : "0";
    }
    BigDecimal shortest = shortest(number);
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent >= -4 && exponent < digits) {
      return shortest.toPlainString();
    }
    String unscaled = shortest.unscaledValue().abs().toString();
    var text = new StringBuilder(value < 0 ? "-" : "").append(unscaled.charAt(0));
    if (unscaled.length() > 1) {
      text.append('.').append(unscaled, 1, unscaled.length());
    }
    text.append('e').append(exponent < 0 ? '-' : '+');
    if (Math.abs(exponent) < 10) {
      text.append('0');
    }
    return text.append(Math.abs(exponent)).toString();
  }

  /**
   * The fewest digits that say which number is meant. As in the server, digits halfway to the next
   * number do not: 1e23 is 9.999999999999999e+22.
   */
  private static BigDecimal shortest(Number number) {
    double value = number.doubleValue();
    boolean single = number instanceof Float;
    BigDecimal exact = new BigDecimal(value);
    double up = single ? Math.ulp((float) value) : Math.ulp(value);
    double down = value - (single ? Math.nextDown((float) value) : Math.nextDown(value));
    if (value < 0) {
      down = up;
      up = (single ? Math.nextUp((float) value) : Math.nextUp(value)) - value;
    }
    BigDecimal two = BigDecimal.valueOf(2);
    BigDecimal least = exact.subtract(new BigDecimal(down).divide(two));
    BigDecimal most = exact.add(new BigDecimal(up).divide(two));
    int digits = new BigDecimal(number.toString()).stripTrailingZeros().precision();
    BigDecimal found = rounded(exact, digits, least, most);
    while (digits < 17 && !isBetween(found, least, most)) {
      found = rounded(exact, ++digits, least, most);
    }
    // Double.toString of JDK 17 may print a digit more than is needed.
    while (digits > 1) {
      BigDecimal shorter = rounded(exact, digits - 1, least, most);
      if (!isBetween(shorter, least, most)) {
        break;
      }
      found = shorter;
      digits--;
    }
    return found.stripTrailingZeros();
  }

  /**
   * The nearest decimal of so many digits that stands for the number, if there is one. Below a
   * power of two the next number is half as far as above it, so the one above may do where the
   * nearest does not.
   */
  private static BigDecimal rounded(
      BigDecimal number, int digits, BigDecimal least, BigDecimal most) {
    BigDecimal nearest = number.round(new MathContext(digits, RoundingMode.HALF_EVEN));
    return isBetween(nearest, least, most)
        ? nearest
        : number.round(new MathContext(digits, RoundingMode.UP));
  }

  private static boolean isBetween(BigDecimal number, BigDecimal least, BigDecimal most) {
    return number.compareTo(least) > 0 && number.compareTo(most) < 0;
  }

  private static PgCodecException outOfRange(String given, PgType type, String range) {
    return new PgCodecException(
        "a " + given + " outside " + range + " does not fit " + type.displayName());
  }
}
