package io.asyncpg.types.value;

import java.io.Serial;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A numeric: a decimal number with its display scale, or one of the three values a {@link
 * BigDecimal} has no room for. Ordered as the server orders them: NaN is above everything. Equality
 * counts the scale, as BigDecimal's does.
 */
public final class Numeric extends Number implements Comparable<Numeric> {
  @Serial private static final long serialVersionUID = 1L;

  /** Not a number; equal to itself, as in the server. */
  public static final Numeric NAN = new Numeric(null, Double.NaN);

  /** Above every number. */
  public static final Numeric POSITIVE_INFINITY = new Numeric(null, Double.POSITIVE_INFINITY);

  /** Below every number. */
  public static final Numeric NEGATIVE_INFINITY = new Numeric(null, Double.NEGATIVE_INFINITY);

  /** The number; null for the three that are none. */
  private final @Nullable BigDecimal finite;

  /** NaN or an infinity; 0 for a number. */
  private final double special;

  private Numeric(@Nullable BigDecimal finite, double special) {
    this.finite = finite;
    this.special = special;
  }

  /**
   * A number.
   *
   * @param value the number; its scale is the display scale
   * @return the numeric
   */
  public static Numeric of(BigDecimal value) {
    return new Numeric(Objects.requireNonNull(value, "value"), 0);
  }

  /**
   * A number from a double: the shortest decimal that reads back as the same double.
   *
   * @param value the number, NaN or an infinity
   * @return the numeric
   */
  public static Numeric of(double value) {
    if (Double.isNaN(value)) {
      return NAN;
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? POSITIVE_INFINITY : NEGATIVE_INFINITY;
    }
    return of(BigDecimal.valueOf(value));
  }

  /**
   * Reads what the server prints.
   *
   * @param text digits, {@code NaN}, {@code Infinity} or {@code -Infinity}
   * @return the numeric
   * @throws NumberFormatException if it is none of these
   */
  public static Numeric parse(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "nan" -> NAN;
      case "infinity", "inf", "+infinity", "+inf" -> POSITIVE_INFINITY;
      case "-infinity", "-inf" -> NEGATIVE_INFINITY;
      default -> of(new BigDecimal(text));
    };
  }

  /**
   * Whether this is a number.
   *
   * @return false for NaN and the infinities
   */
  public boolean isFinite() {
    return finite != null;
  }

  /**
   * Whether this is {@link #NAN}.
   *
   * @return true for NaN
   */
  public boolean isNaN() {
    return finite == null && Double.isNaN(special);
  }

  /**
   * The number.
   *
   * @return its digits and its scale
   * @throws ArithmeticException for NaN and the infinities, which it names
   */
  public BigDecimal bigDecimal() {
    if (finite == null) {
      throw new ArithmeticException("numeric " + this + " is no BigDecimal: test isFinite() first");
    }
    return finite;
  }

  @Override
  public int intValue() {
    return finite == null ? (int) special : finite.intValue();
  }

  @Override
  public long longValue() {
    return finite == null ? (long) special : finite.longValue();
  }

  @Override
  public float floatValue() {
    return finite == null ? (float) special : finite.floatValue();
  }

  @Override
  public double doubleValue() {
    return finite == null ? special : finite.doubleValue();
  }

  @Override
  public int compareTo(Numeric other) {
    return finite != null && other.finite != null
        ? finite.compareTo(other.finite)
        : Double.compare(special, other.special);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Numeric that
        && Objects.equals(finite, that.finite)
        && Double.compare(special, that.special) == 0;
  }

  @Override
  public int hashCode() {
    return finite == null ? Double.hashCode(special) : finite.hashCode();
  }

  /** As the server prints it: never with an exponent. */
  @Override
  public String toString() {
    return finite == null ? Double.toString(special) : finite.toPlainString();
  }
}
