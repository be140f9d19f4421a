package io.asyncpg.types;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;

/**
 * A generic Java type, for where a {@code Class} cannot say it: {@code new
 * TypeReference<List<Order>>() {}}. Make it once and keep it.
 *
 * @param <T> the type
 */
public abstract class TypeReference<T> {
  private final Type type;

  /**
   * Takes the type from the subclass.
   *
   * @throws IllegalStateException when it does not say one
   */
  protected TypeReference() {
    if (!(getClass().getGenericSuperclass() instanceof ParameterizedType said)
        || getClass().getSuperclass() != TypeReference.class) {
      throw new IllegalStateException(
          "a type reference says its type in angle brackets: new TypeReference<List<String>>() {}");
    }
    type = said.getActualTypeArguments()[0];
  }

  /**
   * The type.
   *
   * @return a class, or a generic type
   */
  public final Type type() {
    return type;
  }

  /** As it is written in source. */
  @Override
  public final String toString() {
    return type.getTypeName();
  }
}
