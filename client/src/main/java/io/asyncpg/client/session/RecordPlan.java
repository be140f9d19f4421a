package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.client.session.ResultShape.Plain;
import io.asyncpg.error.PgCodecException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How the rows of one shape become records of one class: the constructor, each of its arguments
 * read straight from the row, in one method handle, so that a primitive is never boxed. Immutable.
 */
final class RecordPlan<T> {
  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

  /** A class of components that is read as its column's bytes stand. */
  private record Straight(Plain plain, MethodHandle reader) {}

  private static final Map<Class<?>, Straight> STRAIGHT =
      Map.of(
          int.class, new Straight(Plain.INT4, reader(int.class, "intOf")),
          long.class, new Straight(Plain.INT8, reader(long.class, "longOf")),
          double.class, new Straight(Plain.FLOAT8, reader(double.class, "doubleOf")),
          boolean.class, new Straight(Plain.BOOL, reader(boolean.class, "booleanOf")),
          String.class, new Straight(Plain.TEXT, reader(String.class, "stringOf")));

  private static final MethodHandle ANY = reader(Object.class, "valueOf");

  private final Class<T> record;
  private final String[] names;
  private final Type[] types;
  private final boolean[] primitive;
  private final int[] columns;

  /** {@code (RowView) -> Object}. */
  private final MethodHandle reader;

  private RecordPlan(
      Class<T> record, ResultShape shape, RecordComponent[] components, int[] columns) {
    this.record = record;
    this.columns = columns;
    this.names = new String[components.length];
    this.types = new Type[components.length];
    this.primitive = new boolean[components.length];
    MethodHandle[] readers = new MethodHandle[components.length];
    for (int i = 0; i < components.length; i++) {
      Class<?> type = components[i].getType();
      names[i] = components[i].getName();
      primitive[i] = type.isPrimitive();
      types[i] =
          primitive[i]
              ? MethodType.methodType(type).wrap().returnType()
              : components[i].getGenericType();
      Straight straight = STRAIGHT.get(type);
      boolean plain =
          straight != null && shape.isPlain(columns[i], straight.plain, (Class<?>) types[i]);
      MethodHandle read = straight != null && plain ? straight.reader : ANY;
      readers[i] =
          MethodHandles.insertArguments(read.bindTo(this), 1, i)
              .asType(MethodType.methodType(type, RowView.class));
    }
    MethodHandle all = MethodHandles.filterArguments(constructor(record, components), 0, readers);
    this.reader =
        MethodHandles.permuteArguments(
            all.asType(all.type().changeReturnType(Object.class)),
            MethodType.methodType(Object.class, RowView.class),
            new int[components.length]);
  }

  /**
   * Makes a plan.
   *
   * @throws IllegalArgumentException when the class is no record we may construct, or a component
   *     has no column
   */
  static <T> RecordPlan<T> of(Class<T> record, ResultShape shape) {
    List<Column> columns = shape.columns();
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
    return new RecordPlan<>(record, shape, components, found);
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
      try {
        return MethodHandles.privateLookupIn(record, LOOKUP).unreflectConstructor(canonical);
      } catch (IllegalAccessException notOpen) {
        return MethodHandles.publicLookup().unreflectConstructor(canonical);
      }
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
    try {
      return (T) (Object) reader.invokeExact(row);
    } catch (RuntimeException | Error theirs) {
      throw theirs;
    } catch (Throwable theirs) {
      throw new IllegalArgumentException(
          "the constructor of " + record.getName() + " failed", theirs);
    }
  }

  // ---- The readers of components: through method handles

  private static MethodHandle reader(Class<?> type, String name) {
    try {
      return LOOKUP.findVirtual(
          RecordPlan.class, name, MethodType.methodType(type, RowView.class, int.class));
    } catch (ReflectiveOperationException impossible) {
      throw new ExceptionInInitializerError(impossible);
    }
  }

  int intOf(RowView row, int i) {
    int column = columns[i];
    return row.holds(column, Plain.INT4) ? row.getInt(column) : (Integer) some(row, i);
  }

  long longOf(RowView row, int i) {
    int column = columns[i];
    return row.holds(column, Plain.INT8) ? row.getLong(column) : (Long) some(row, i);
  }

  double doubleOf(RowView row, int i) {
    int column = columns[i];
    return row.holds(column, Plain.FLOAT8) ? row.getDouble(column) : (Double) some(row, i);
  }

  boolean booleanOf(RowView row, int i) {
    int column = columns[i];
    return row.holds(column, Plain.BOOL) ? row.getBoolean(column) : (Boolean) some(row, i);
  }

  @Nullable String stringOf(RowView row, int i) {
    return row.getString(columns[i]);
  }

  @Nullable Object valueOf(RowView row, int i) {
    return primitive[i] ? some(row, i) : row.get(columns[i], types[i]);
  }

  private Object some(RowView row, int i) {
    int column = columns[i];
    Object value = row.get(column, types[i]);
    if (value == null) {
      throw new PgCodecException(
          "column "
              + column
              + " ("
              + row.columns().get(column).name()
              + ") is NULL, but "
              + record.getName()
              + "."
              + names[i]
              + " is primitive: make it "
              + types[i].getTypeName());
    }
    return value;
  }
}
