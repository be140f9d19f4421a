package io.asyncpg.client.session;

import io.asyncpg.types.value.Composite;
import io.asyncpg.types.value.Range;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Values by what they hold: an array is its elements, also inside a list, a composite or a range.
 */
final class Contents {
  private Contents() {}

  static boolean equal(@Nullable Object one, @Nullable Object other) {
    if (one == other) {
      return true;
    }
    if (one instanceof List<?> list) {
      return other instanceof List<?> that && equalElements(list, that);
    }
    if (one instanceof Composite composite) {
      return other instanceof Composite that
          && composite.names().equals(that.names())
          && equalElements(composite.values(), that.values());
    }
    if (one instanceof Range<?> range) {
      return other instanceof Range<?> that
          && range.isEmpty() == that.isEmpty()
          && range.lowerInclusive() == that.lowerInclusive()
          && range.upperInclusive() == that.upperInclusive()
          && equal(range.lower(), that.lower())
          && equal(range.upper(), that.upper());
    }
    return Objects.deepEquals(one, other);
  }

  private static boolean equalElements(List<?> one, List<?> other) {
    if (one.size() != other.size()) {
      return false;
    }
    Iterator<?> others = other.iterator();
    for (Object element : one) {
      if (!equal(element, others.next())) {
        return false;
      }
    }
    return true;
  }

  /** Agrees with {@link #equal}. */
  static int hash(@Nullable Object value) {
    if (value instanceof List<?> list) {
      int hash = 1;
      for (Object element : list) {
        hash = 31 * hash + hash(element);
      }
      return hash;
    }
    if (value instanceof Composite composite) {
      return 31 * composite.names().hashCode() + hash(composite.values());
    }
    if (value instanceof Range<?> range) {
      return 31 * hash(range.lower()) + hash(range.upper());
    }
    return Arrays.deepHashCode(new Object[] {value});
  }

  /** As it prints itself, and arrays as lists do; of bytes only how many. */
  static String print(@Nullable Object value) {
    if (value instanceof byte[] bytes) {
      return "byte[" + bytes.length + "]";
    }
    if (value instanceof Object[] array) {
      return print(Arrays.asList(array));
    }
    if (value instanceof List<?> list) {
      StringJoiner elements = new StringJoiner(", ", "[", "]");
      list.forEach(element -> elements.add(print(element)));
      return elements.toString();
    }
    if (value instanceof Composite composite) {
      StringJoiner attributes = new StringJoiner(", ", "(", ")");
      for (int i = 0; i < composite.size(); i++) {
        attributes.add(composite.names().get(i) + "=" + print(composite.get(i)));
      }
      return attributes.toString();
    }
    if (value instanceof Range<?> range) {
      return range.map(Contents::print).toString();
    }
    if (value != null && value.getClass().isArray()) {
      String inBrackets = Arrays.deepToString(new Object[] {value});
      return inBrackets.substring(1, inBrackets.length() - 1);
    }
    return String.valueOf(value);
  }
}
