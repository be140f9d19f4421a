package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A Java record by the names of its components, which are matched as they are or, failing that,
 * without case and underscores: firstName is first_name.
 */
final class RecordComponents {
  private static final ClassValue<RecordComponents> KNOWN =
      new ClassValue<>() {
        @Override
        protected RecordComponents computeValue(Class<?> javaType) {
          return new RecordComponents(javaType);
        }
      };

  private final Class<?> javaType;
  private final RecordComponent[] components;
  private final Constructor<?> constructor;
  private final Method[] accessors;

  private RecordComponents(Class<?> javaType) {
    this.javaType = javaType;
    components = javaType.getRecordComponents();
    try {
      constructor =
          javaType.getDeclaredConstructor(
              Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
      constructor.setAccessible(true);
      accessors = new Method[components.length];
      for (int i = 0; i < components.length; i++) {
        accessors[i] = components[i].getAccessor();
        accessors[i].setAccessible(true);
      }
    } catch (NoSuchMethodException | InaccessibleObjectException e) {
      throw new PgCodecException(
          javaType.getName()
              + " cannot be reached: open its package to io.asyncpg.types in module-info.java",
          e);
    }
  }

  static RecordComponents of(Class<?> javaType) {
    return KNOWN.get(javaType);
  }

  Type[] types() {
    return Arrays.stream(components).map(RecordComponent::getGenericType).toArray(Type[]::new);
  }

  /** For each component, the place of the attribute with its name. */
  int[] places(List<String> names, PgType type) {
    var places = new int[components.length];
    for (int i = 0; i < places.length; i++) {
      places[i] = place(components[i].getName(), names);
      if (places[i] < 0) {
        throw OutdatedTypeException.explaining(
            type,
            "component \""
                + components[i].getName()
                + "\" of "
                + javaType.getName()
                + " has no attribute in "
                + type.displayName()
                + ", which has "
                + names);
      }
    }
    return places;
  }

  private static int place(String component, List<String> names) {
    int exact = names.indexOf(component);
    if (exact >= 0) {
      return exact;
    }
    String plain = plain(component);
    for (int i = 0; i < names.size(); i++) {
      if (plain(names.get(i)).equals(plain)) {
        return i;
      }
    }
    return -1;
  }

  private static String plain(String name) {
    return name.replace("_", "").toLowerCase(Locale.ROOT);
  }

  Object make(@Nullable Object[] values, int[] places, String type) {
    var arguments = new @Nullable Object[places.length];
    for (int i = 0; i < places.length; i++) {
      arguments[i] = values[places[i]];
      if (arguments[i] == null && components[i].getType().isPrimitive()) {
        throw new PgCodecException(
            "component \""
                + components[i].getName()
                + "\" of "
                + javaType.getName()
                + " is primitive, but the attribute of this "
                + type
                + " is NULL: declare it as the boxed class");
      }
    }
    try {
      return constructor.newInstance(arguments);
    } catch (InvocationTargetException e) {
      throw new PgCodecException(
          "the constructor of " + javaType.getName() + " refuses this " + type, e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new PgCodecException(javaType.getName() + " cannot be made", e);
    }
  }

  /** The components' values in the order of the names, all of which must be there. */
  @Nullable Object[] values(Object value, List<String> names, PgType type) {
    int[] places = places(names, type);
    if (places.length != names.size()) {
      throw OutdatedTypeException.explaining(
          type,
          javaType.getName()
              + " has "
              + places.length
              + " components for the "
              + names.size()
              + " attributes of "
              + type.displayName()
              + ": add the others, or pass a Map, where what is missing is NULL");
    }
    var values = new @Nullable Object[names.size()];
    try {
      for (int i = 0; i < places.length; i++) {
        values[places[i]] = accessors[i].invoke(value);
      }
    } catch (ReflectiveOperationException e) {
      throw new PgCodecException(javaType.getName() + " cannot be read", e);
    }
    return values;
  }
}
