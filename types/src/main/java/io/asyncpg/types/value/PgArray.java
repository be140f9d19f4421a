package io.asyncpg.types.value;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL array: an unmodifiable list that also knows its dimensions and lower bounds. As a
 * list it holds the elements of a one-dimensional array, or the slices of one with more; {@link
 * #flat} holds all elements in a row, the last dimension running fastest. Equality is a list's, and
 * so leaves the bounds out.
 *
 * @param <E> the Java type of the elements
 */
public final class PgArray<E> extends AbstractList<@Nullable Object> implements RandomAccess {
  /** The most dimensions an array can have (MAXDIM in the server). */
  public static final int MAX_DIMENSIONS = 6;

  private static final int[] NONE = {};

  private final @Nullable Object[] elements;
  private final int[] dimensions;
  private final int[] lowerBounds;
  private final int level;
  private final int from;
  private final int stride;

  private PgArray(
      @Nullable Object[] elements, int[] dimensions, int[] lowerBounds, int level, int from) {
    this.elements = elements;
    this.dimensions = dimensions;
    this.lowerBounds = lowerBounds;
    this.level = level;
    this.from = from;
    int each = 1;
    for (int i = level + 1; i < dimensions.length; i++) {
      each *= dimensions[i];
    }
    stride = each;
  }

  /**
   * An array of one dimension, counted from 1.
   *
   * @param <E> the Java type of the elements
   * @param elements its elements, null for NULL
   * @return the array
   */
  @SafeVarargs
  @SuppressWarnings("varargs")
  public static <E> PgArray<E> of(@Nullable E... elements) {
    return of(new int[] {elements.length}, new int[] {1}, elements);
  }

  /**
   * An array of any shape.
   *
   * @param <E> the Java type of the elements
   * @param dimensions the length of each dimension, outermost first; none for an empty array
   * @param lowerBounds the index of the first element in each dimension
   * @param elements all elements in a row, the last dimension running fastest, null for NULL
   * @return the array
   * @throws IllegalArgumentException if there are more than six dimensions, not as many bounds, or
   *     not as many elements as the dimensions say
   */
  public static <E> PgArray<E> of(
      int[] dimensions, int[] lowerBounds, @Nullable Object[] elements) {
    if (dimensions.length > MAX_DIMENSIONS) {
      throw new IllegalArgumentException(
          "an array has at most " + MAX_DIMENSIONS + " dimensions, not " + dimensions.length);
    }
    if (lowerBounds.length != dimensions.length) {
      throw new IllegalArgumentException(
          dimensions.length + " dimensions need as many lower bounds, not " + lowerBounds.length);
    }
    long count = dimensions.length == 0 ? 0 : 1;
    for (int length : dimensions) {
      if (length < 0) {
        throw new IllegalArgumentException("the length of a dimension is negative: " + length);
      }
      count = Math.min(count * length, Integer.MAX_VALUE + 1L);
    }
    if (count != elements.length) {
      throw new IllegalArgumentException(
          "dimensions "
              + Arrays.toString(dimensions)
              + " do not hold "
              + elements.length
              + " elements");
    }
    // The server knows one empty array only, without dimensions.
    return count == 0
        ? new PgArray<>(new Object[0], NONE, NONE, 0, 0)
        : new PgArray<>(
            Arrays.copyOf(elements, elements.length, Object[].class),
            dimensions.clone(),
            lowerBounds.clone(),
            0,
            0);
  }

  @Override
  public @Nullable Object get(int index) {
    if (index < 0 || index >= size()) {
      throw new IndexOutOfBoundsException("index " + index + " of " + size());
    }
    return level == dimensions.length - 1
        ? elements[from + index]
        : new PgArray<E>(elements, dimensions, lowerBounds, level + 1, from + index * stride);
  }

  @Override
  public int size() {
    return level < dimensions.length ? dimensions[level] : 0;
  }

  /**
   * The lengths of the dimensions, outermost first.
   *
   * @return a copy; empty for an empty array
   */
  public int[] dimensions() {
    return Arrays.copyOfRange(dimensions, level, dimensions.length);
  }

  /**
   * The index of the first element in each dimension, as SQL counts it: usually 1.
   *
   * @return a copy; empty for an empty array
   */
  public int[] lowerBounds() {
    return Arrays.copyOfRange(lowerBounds, level, lowerBounds.length);
  }

  /**
   * Whether every dimension is counted from 1, as arrays are unless SQL says otherwise.
   *
   * @return false if a list or a Java array cannot say all there is
   */
  public boolean isCountedFromOne() {
    for (int i = level; i < lowerBounds.length; i++) {
      if (lowerBounds[i] != 1) {
        return false;
      }
    }
    return true;
  }

  /**
   * All elements in a row, the last dimension running fastest.
   *
   * @return an unmodifiable list, null for NULL
   */
  @SuppressWarnings("unchecked")
  public List<@Nullable E> flat() {
    int count = dimensions.length == 0 ? 0 : size() * stride;
    return (List<E>)
        java.util.Collections.unmodifiableList(Arrays.asList(elements).subList(from, from + count));
  }
}
