package io.asyncpg.client.session;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A row as applications give it, an Object[], a List or a record, as its values in order. */
final class RowArguments {
  private static final ClassValue<RowArguments> RECORDS =
      new ClassValue<>() {
        @Override
        protected RowArguments computeValue(Class<?> record) {
          return new RowArguments(record);
        }
      };

  private final String[] names;
  private final MethodHandle[] accessors;

  private RowArguments(Class<?> record) {
    RecordComponent[] components = record.getRecordComponents();
    names = new String[components.length];
    accessors = new MethodHandle[components.length];
    for (int i = 0; i < components.length; i++) {
      names[i] = components[i].getName();
      accessors[i] =
          accessor(record, components[i].getAccessor())
              .asType(MethodType.methodType(Object.class, Object.class));
    }
  }

  private static MethodHandle accessor(Class<?> record, Method accessor) {
    try {
      try {
        return RecordPlan.lookupIn(record).unreflect(accessor);
      } catch (IllegalAccessException notOpen) {
        return MethodHandles.publicLookup().unreflect(accessor);
      }
    } catch (IllegalAccessException closed) {
      throw new IllegalArgumentException(
          record.getName()
              + " cannot be read from here: make it public in an exported package, or open its"
              + " package to io.asyncpg.client",
          closed);
    }
  }

  /** How the records of a class are read. */
  static RowArguments of(Class<?> record) {
    return RECORDS.get(record);
  }

  /** The names of the components, in order. */
  String[] names() {
    return names;
  }

  /** What one component of a record of this class holds. */
  @Nullable Object read(Object record, int component) {
    return read(accessors[component], record);
  }

  /**
   * The values of a row, in order.
   *
   * @throws IllegalArgumentException when it is none of the three
   */
  static @Nullable Object[] of(Object row) {
    if (row instanceof Object[] array) {
      return array;
    }
    if (row instanceof List<?> list) {
      return list.toArray();
    }
    if (row instanceof Record) {
      MethodHandle[] accessors = RECORDS.get(row.getClass()).accessors;
      @Nullable Object[] values = new Object[accessors.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = read(accessors[i], row);
      }
      return values;
    }
    throw new IllegalArgumentException(
        row.getClass().getName() + " is no row: pass an Object[], a List or a record, in order");
  }

  private static @Nullable Object read(MethodHandle accessor, Object row) {
    try {
      return accessor.invokeExact(row);
    } catch (RuntimeException | Error theirs) {
      throw theirs;
    } catch (Throwable theirs) {
      throw new IllegalArgumentException(
          "an accessor of " + row.getClass().getName() + " failed", theirs);
    }
  }
}
