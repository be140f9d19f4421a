package io.asyncpg.types.value;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A vector most of whose elements are 0: pgvector's sparsevec.
 *
 * @param dimensions how many elements there are, with those that are 0
 * @param elements those that are not, by index counted from 1
 */
public record SparseVector(int dimensions, SortedMap<Integer, Float> elements) {
  /**
   * Copies the elements.
   *
   * @param dimensions how many elements there are, with those that are 0
   * @param elements those that are not, by index counted from 1
   * @throws IllegalArgumentException if an index is outside the dimensions, or an element is 0
   */
  public SparseVector {
    elements = Collections.unmodifiableSortedMap(new TreeMap<>(elements));
    if (dimensions < 1) {
      throw new IllegalArgumentException("a vector has at least one dimension, not " + dimensions);
    }
    if (!elements.isEmpty() && (elements.firstKey() < 1 || elements.lastKey() > dimensions)) {
      throw new IllegalArgumentException(
          "an index lies between 1 and " + dimensions + ", not at " + elements.firstKey());
    }
    if (elements.containsValue(0f)) {
      throw new IllegalArgumentException("an element that is 0 is left out");
    }
  }

  /**
   * Reads what the server prints.
   *
   * @param text as {@code {1:1.5,3:2}/5}
   * @return the vector
   * @throws IllegalArgumentException if it is none
   */
  public static SparseVector parse(String text) {
    int slash = text.lastIndexOf("}/");
    if (slash < 1 || text.charAt(0) != '{') {
      throw new IllegalArgumentException("a sparsevec looks like {1:1.5,3:2}/5");
    }
    var elements = new TreeMap<Integer, Float>();
    if (slash > 1) {
      for (String each : text.substring(1, slash).split(",", -1)) {
        int colon = each.indexOf(':');
        if (colon < 0) {
          throw new IllegalArgumentException("a sparsevec looks like {1:1.5,3:2}/5");
        }
        elements.put(
            Integer.valueOf(each.substring(0, colon)), Float.valueOf(each.substring(colon + 1)));
      }
    }
    return new SparseVector(Integer.parseInt(text, slash + 2, text.length(), 10), elements);
  }

  /** {@code {1:1.5,3:2.0}/5}. */
  @Override
  public String toString() {
    var text = new StringBuilder("{");
    elements.forEach(
        (index, value) ->
            text.append(text.length() == 1 ? "" : ",").append(index).append(':').append(value));
    return text.append("}/").append(dimensions).toString();
  }
}
