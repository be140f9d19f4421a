package io.asyncpg.types.value;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A range: all values between two bounds, either of which may be missing. Two are equal when their
 * bounds are; the server makes ranges of whole numbers and dates canonical, {@code [1,3]} into
 * {@code [1,4)}.
 *
 * @param <T> the Java type of the bounds
 * @param lower the lower bound; null for none
 * @param upper the upper bound; null for none
 * @param lowerInclusive whether the lower bound belongs to the range; false where there is none
 * @param upperInclusive whether the upper bound belongs to the range; false where there is none
 * @param isEmpty whether nothing is in the range; then there are no bounds
 */
public record Range<T>(
    @Nullable T lower,
    @Nullable T upper,
    boolean lowerInclusive,
    boolean upperInclusive,
    boolean isEmpty) {
  /**
   * Puts right what a missing bound cannot be.
   *
   * @param lower the lower bound; null for none
   * @param upper the upper bound; null for none
   * @param lowerInclusive whether the lower bound belongs to the range
   * @param upperInclusive whether the upper bound belongs to the range
   * @param isEmpty whether nothing is in the range
   * @throws IllegalArgumentException if an empty range has bounds
   */
  public Range {
    if (isEmpty && (lower != null || upper != null)) {
      throw new IllegalArgumentException("an empty range has no bounds");
    }
    lowerInclusive = lowerInclusive && lower != null;
    upperInclusive = upperInclusive && upper != null;
  }

  /**
   * {@code [lower,upper)}.
   *
   * @param <T> the Java type of the bounds
   * @param lower the first value in the range; null for no bound
   * @param upper the first value above it; null for no bound
   * @return the range
   */
  public static <T> Range<T> of(@Nullable T lower, @Nullable T upper) {
    return new Range<>(lower, upper, true, false, false);
  }

  /**
   * {@code [lower,upper]}.
   *
   * @param <T> the Java type of the bounds
   * @param lower the first value in the range; null for no bound
   * @param upper the last value in the range; null for no bound
   * @return the range
   */
  public static <T> Range<T> closed(@Nullable T lower, @Nullable T upper) {
    return new Range<>(lower, upper, true, true, false);
  }

  /**
   * {@code (lower,upper)}.
   *
   * @param <T> the Java type of the bounds
   * @param lower the last value below the range; null for no bound
   * @param upper the first value above it; null for no bound
   * @return the range
   */
  public static <T> Range<T> open(@Nullable T lower, @Nullable T upper) {
    return new Range<>(lower, upper, false, false, false);
  }

  /**
   * The range that holds nothing.
   *
   * @param <T> the Java type the bounds would have
   * @return the empty range
   */
  public static <T> Range<T> empty() {
    return new Range<>(null, null, false, false, true);
  }

  /**
   * The range that holds everything.
   *
   * @param <T> the Java type the bounds would have
   * @return the range without bounds
   */
  public static <T> Range<T> unbounded() {
    return new Range<>(null, null, false, false, false);
  }

  /**
   * The same range over another Java type.
   *
   * @param <S> the Java type of the new bounds
   * @param conversion what to do to each bound that is there
   * @return the new range
   */
  public <S> Range<S> map(Function<? super T, ? extends S> conversion) {
    return new Range<>(
        lower == null ? null : conversion.apply(lower),
        upper == null ? null : conversion.apply(upper),
        lowerInclusive,
        upperInclusive,
        isEmpty);
  }

  /**
   * Whether a value lies in the range.
   *
   * @param value the value
   * @return true if it does
   * @throws ClassCastException if values of this class have no order
   */
  public boolean contains(T value) {
    if (isEmpty) {
      return false;
    }
    int above = lower == null ? 1 : compare(value, lower);
    int below = upper == null ? -1 : compare(value, upper);
    return (above > 0 || (above == 0 && lowerInclusive))
        && (below < 0 || (below == 0 && upperInclusive));
  }

  /**
   * Whether every value of another range lies in this one.
   *
   * @param other the other range
   * @return true if so; always for an empty one
   * @throws ClassCastException if values of this class have no order
   */
  public boolean containsRange(Range<T> other) {
    if (other.isEmpty) {
      return true;
    }
    if (isEmpty) {
      return false;
    }
    boolean from = lower == null;
    if (lower != null && other.lower != null) {
      int order = compare(lower, other.lower);
      from = order < 0 || (order == 0 && (lowerInclusive || !other.lowerInclusive));
    }
    boolean to = upper == null;
    if (upper != null && other.upper != null) {
      int order = compare(upper, other.upper);
      to = order > 0 || (order == 0 && (upperInclusive || !other.upperInclusive));
    }
    return from && to;
  }

  @SuppressWarnings("unchecked")
  private static <T> int compare(T left, T right) {
    return ((Comparable<? super T>) left).compareTo(right);
  }

  /** {@code [1,3)}, {@code (,5]}, {@code empty}. */
  @Override
  public String toString() {
    return isEmpty
        ? "empty"
        : (lowerInclusive ? "[" : "(")
            + (lower == null ? "" : lower)
            + ","
            + (upper == null ? "" : upper)
            + (upperInclusive ? "]" : ")");
  }
}
