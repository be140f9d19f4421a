package io.asyncpg.types.value;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A value of a composite type, or an anonymous record, whose attributes are named f1, f2 and so on
 * as the server names them.
 *
 * @param names the attributes' names in their order
 * @param values their values, null for NULL
 */
public record Composite(List<String> names, List<@Nullable Object> values) {
  /**
   * Copies both.
   *
   * @param names the attributes' names in their order
   * @param values their values, null for NULL
   * @throws IllegalArgumentException if there are not as many names as values
   */
  public Composite {
    names = List.copyOf(names);
    values = Collections.unmodifiableList(new ArrayList<>(values));
    if (names.size() != values.size()) {
      throw new IllegalArgumentException(
          names.size() + " names do not go with " + values.size() + " values");
    }
  }

  /**
   * An anonymous record.
   *
   * @param values its values, null for NULL
   * @return the record, its attributes named f1, f2 and so on
   */
  public static Composite of(@Nullable Object... values) {
    var names = new ArrayList<String>(values.length);
    for (int i = 1; i <= values.length; i++) {
      names.add("f" + i);
    }
    return new Composite(names, Arrays.asList(values));
  }

  /**
   * A composite by its attributes' names.
   *
   * @param attributes names and values in their order
   * @return the composite
   */
  public static Composite of(Map<String, ? extends @Nullable Object> attributes) {
    return new Composite(
        List.copyOf(attributes.keySet()), new ArrayList<@Nullable Object>(attributes.values()));
  }

  /**
   * The number of attributes.
   *
   * @return how many
   */
  public int size() {
    return names.size();
  }

  /**
   * An attribute by its place.
   *
   * @param index counted from 0
   * @return its value, null for NULL
   */
  public @Nullable Object get(int index) {
    return values.get(index);
  }

  /**
   * An attribute by its name.
   *
   * @param name the attribute's name
   * @return its value, null for NULL
   * @throws IllegalArgumentException if there is no such attribute
   */
  public @Nullable Object get(String name) {
    int index = names.indexOf(name);
    if (index < 0) {
      throw new IllegalArgumentException("no attribute \"" + name + "\" among " + names);
    }
    return values.get(index);
  }

  /**
   * The attributes as a map.
   *
   * @return a new map in the attributes' order
   */
  public Map<String, @Nullable Object> toMap() {
    var map = new LinkedHashMap<String, @Nullable Object>();
    for (int i = 0; i < names.size(); i++) {
      map.put(names.get(i), values.get(i));
    }
    return map;
  }

  /** {@code (id=1, name=Bob)}. */
  @Override
  public String toString() {
    var text = new StringBuilder("(");
    for (int i = 0; i < names.size(); i++) {
      text.append(i == 0 ? "" : ", ").append(names.get(i)).append('=').append(values.get(i));
    }
    return text.append(')').toString();
  }
}
