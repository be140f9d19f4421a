package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.error.PgCodecException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How the rows of one shape become records of one class. Immutable. */
final class RecordPlan<T> {
  private final Class<T> record;
  private final MethodHandle constructor;
  private final String[] names;
  private final Type[] types;
  private final boolean[] primitive;
  private final int[] columns;

  private RecordPlan(
      Class<T> record, MethodHandle constructor, RecordComponent[] components, int[] columns) {
    this.record = record;
    this.constructor = constructor;
    this.columns = columns;
    this.names = new String[components.length];
    this.types = new Type[components.length];
    this.primitive = new boolean[components.length];
    for (int i = 0; i < components.length; i++) {
      names[i] = components[i].getName();
      primitive[i] = components[i].getType().isPrimitive();
      types[i] =
          primitive[i]
              ? MethodType.methodType(components[i].getType()).wrap().returnType()
              : components[i].getGenericType();
    }
  }

  /**
   * Makes a plan.
   *
   * @throws IllegalArgumentException when the class is no record we may construct, or a component
   *     has no column
   */
  static <T> RecordPlan<T> of(Class<T> record, List<Column> columns) {
    if (!record.isRecord()) {
      throw new IllegalArgumentException(
          record.getName()
              + " is no record: rows become records, whose components take the columns of their"
              + " names");
    }
    RecordComponent[] components = record.getRecordComponents();
    int[] found = new int[components.length];
    for (int i = 0; i < components.length; i++) {
      found[i] = find(components[i].getName(), columns);
      if (found[i] < 0) {
        throw new IllegalArgumentException(
            record.getName()
                + "."
                + components[i].getName()
                + " has no column: wanted \""
                + components[i].getName()
                + "\" or \""
                + snakeCase(components[i].getName())
                + "\"; the columns are "
                + columns.stream().map(Column::name).toList());
      }
    }
    return new RecordPlan<>(record, constructor(record, components), components, found);
  }

  /** Whether every component has a column of its name. */
  static boolean fits(Class<?> record, List<Column> columns) {
    for (RecordComponent component : record.getRecordComponents()) {
      if (find(component.getName(), columns) < 0) {
        return false;
      }
    }
    return true;
  }

  private static int find(String component, List<Column> columns) {
    String snake = snakeCase(component);
    int bySnake = -1;
    for (int i = columns.size() - 1; i >= 0; i--) {
      String name = columns.get(i).name();
      if (name.equals(component)) {
        return i;
      }
      if (bySnake < 0 && name.equals(snake)) {
        bySnake = i;
      }
    }
    return bySnake;
  }

  /** {@code accountId} to {@code account_id}, {@code line2} as it is. */
  static String snakeCase(String camelCase) {
    StringBuilder snake = new StringBuilder();
    for (int i = 0; i < camelCase.length(); i++) {
      char c = camelCase.charAt(i);
      if (Character.isUpperCase(c)
          && i > 0
          && (!Character.isUpperCase(camelCase.charAt(i - 1))
              || (i + 1 < camelCase.length() && Character.isLowerCase(camelCase.charAt(i + 1))))) {
        snake.append('_');
      }
      snake.append(c);
    }
    return snake.toString().toLowerCase(Locale.ROOT);
  }

  private static MethodHandle constructor(Class<?> record, RecordComponent[] components) {
    Class<?>[] parameters = new Class<?>[components.length];
    for (int i = 0; i < components.length; i++) {
      parameters[i] = components[i].getType();
    }
    try {
      Constructor<?> canonical = record.getDeclaredConstructor(parameters);
      MethodHandle handle;
      try {
        handle =
            MethodHandles.privateLookupIn(record, MethodHandles.lookup())
                .unreflectConstructor(canonical);
      } catch (IllegalAccessException notOpen) {
        handle = MethodHandles.publicLookup().unreflectConstructor(canonical);
      }
      return handle
          .asSpreader(Object[].class, components.length)
          .asType(MethodType.methodType(Object.class, Object[].class));
    } catch (NoSuchMethodException | IllegalAccessException closed) {
      throw new IllegalArgumentException(
          record.getName()
              + " cannot be constructed from here: make it public in an exported package, or open"
              + " its package to io.asyncpg.client",
          closed);
    }
  }

  Class<T> record() {
    return record;
  }

  /**
   * Makes a record of a row.
   *
   * @throws PgCodecException when a value does not fit its component
   */
  @SuppressWarnings("unchecked") // the constructor's own class
  T read(RowView row) {
    @Nullable Object[] values = new Object[columns.length];
    for (int i = 0; i < values.length; i++) {
      Object value = row.get(columns[i], types[i]);
      if (value == null && primitive[i]) {
        throw new PgCodecException(
            "column "
                + columns[i]
                + " ("
                + row.columns().get(columns[i]).name()
                + ") is NULL, but "
                + record.getName()
                + "."
                + names[i]
                + " is primitive: make it "
                + types[i].getTypeName());
      }
      values[i] = value;
    }
    try {
      return (T) constructor.invokeExact(values);
    } catch (RuntimeException | Error theirs) {
      throw theirs;
    } catch (Throwable theirs) {
      throw new IllegalArgumentException(
          "the constructor of " + record.getName() + " failed", theirs);
    }
  }
}
