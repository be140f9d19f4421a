package io.asyncpg.types;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a java.lang.reflect.Type says: its class, its arguments, its elements. */
final class JavaTypes {
  private static final Map<Class<?>, Class<?>> BOXES =
      Map.of(
          boolean.class, Boolean.class,
          byte.class, Byte.class,
          short.class, Short.class,
          char.class, Character.class,
          int.class, Integer.class,
          long.class, Long.class,
          float.class, Float.class,
          double.class, Double.class,
          void.class, Void.class);

  private JavaTypes() {}

  /** The class itself, boxed. */
  static Class<?> raw(Type type) {
    if (type instanceof Class<?> plain) {
      return BOXES.getOrDefault(plain, plain);
    }
    if (type instanceof ParameterizedType generic) {
      return raw(generic.getRawType());
    }
    if (type instanceof GenericArrayType array) {
      return Array.newInstance(raw(array.getGenericComponentType()), 0).getClass();
    }
    if (type instanceof WildcardType wildcard) {
      return raw(wildcard.getUpperBounds()[0]);
    }
    if (type instanceof TypeVariable<?> variable) {
      return raw(variable.getBounds()[0]);
    }
    return Object.class;
  }

  /** The type argument at an index; null where there is none, or it says no more than Object. */
  static @Nullable Type argument(Type type, int index) {
    if (type instanceof ParameterizedType generic
        && index < generic.getActualTypeArguments().length) {
      Type argument = generic.getActualTypeArguments()[index];
      return raw(argument) == Object.class ? null : argument;
    }
    return null;
  }

  /** Whether text may stand where a type argument is, for maps whose keys are text. */
  static boolean isTextual(Type type, int index) {
    Type argument = argument(type, index);
    return argument == null || raw(argument).isAssignableFrom(String.class);
  }

  /** What an array type is an array of; null where it is none. */
  static @Nullable Type component(Type type) {
    if (type instanceof GenericArrayType array) {
      return array.getGenericComponentType();
    }
    return type instanceof Class<?> plain ? plain.getComponentType() : null;
  }
}
