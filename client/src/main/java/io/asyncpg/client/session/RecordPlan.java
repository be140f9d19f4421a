package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.client.session.ResultShape.Plain;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.Codec;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How the rows of one shape become records of one class: a walk through the row's columns puts the
 * arguments into arrays by their kind, so that a primitive is never boxed, and one method handle
 * spreads them to the constructor. Immutable.
 *
 * <p>The walk is one loop for all plans, and not a tree of method handles for each: that would be
 * compiled as a whole, for seconds where a record is wide, before it is fast.
 */
final class RecordPlan<T> {
  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /** Classes of components that are read as their column's bytes stand. */
  private static final Map<Class<?>, Plain> STRAIGHT =
      Map.of(
          int.class, Plain.INT4,
          long.class, Plain.INT8,
          double.class, Plain.FLOAT8,
          boolean.class, Plain.BOOL,
          String.class, Plain.TEXT);

  // Where an argument waits for the constructor: an array for each kind.

  /** An int, or a boolean as 0 or 1. */
  private static final int INTS = 0;

  private static final int LONGS = 1;
  private static final int DOUBLES = 2;

  /** Everything else; the primitives that are left are boxed. */
  private static final int OBJECTS = 3;

  private static final List<Class<?>> KINDS =
      List.of(int.class, long.class, double.class, Object.class);

  private static int kind(Class<?> component) {
    return component == int.class || component == boolean.class
        ? INTS
        : component == long.class ? LONGS : component == double.class ? DOUBLES : OBJECTS;
  }

  /** One component, and the column it takes. */
  private static final class Component {
    final String name;
    final int column;
    final int kind;

    /** Its index among those of its kind. */
    final int slot;

    /** What the column's bytes are if they are read as they stand, else {@code OTHER}. */
    final Plain plain;

    /** How many bytes a value has that is read as it stands. */
    final int length;

    final boolean primitive;

    /** The Java type that is asked of the column's codec: no primitive. */
    final Type type;

    /** The column's codec for it; racy, and harmless: the same for everybody. */
    private @Nullable Codec<?> codec;

    Component(RecordComponent component, int column, int slot, ResultShape shape) {
      Class<?> declared = component.getType();
      this.name = component.getName();
      this.column = column;
      this.kind = kind(declared);
      this.slot = slot;
      this.primitive = declared.isPrimitive();
      this.type =
          primitive
              ? MethodType.methodType(declared).wrap().returnType()
              : component.getGenericType();
      Plain straight = STRAIGHT.get(declared);
      this.plain =
          straight != null && shape.isPlain(column, straight, (Class<?>) type)
              ? straight
              : Plain.OTHER;
      this.length = plain.length;
    }

    Codec<?> codec(ResultShape shape) {
      Codec<?> known = codec;
      if (known == null) {
        known = plain == Plain.OTHER ? shape.codec(column, type) : shape.codec(column);
        codec = known;
      }
      return known;
    }
  }

  /** The arguments of one record, to be used again for the next. Not for two threads at once. */
  static final class Arguments {
    private final int[] ints;
    private final long[] longs;
    private final double[] doubles;
    private final @Nullable Object[] objects;

    private Arguments(int[] counts) {
      ints = new int[counts[INTS]];
      longs = new long[counts[LONGS]];
      doubles = new double[counts[DOUBLES]];
      objects = new Object[counts[OBJECTS]];
    }
  }

  private final Class<T> record;
  private final ResultShape shape;

  /** In the order of their columns. */
  private final Component[] components;

  /** How many there are of each kind. */
  private final int[] counts = new int[KINDS.size()];

  /** {@code (int[], long[], double[], Object[]) -> Object}. */
  private final MethodHandle constructor;

  private RecordPlan(
      Class<T> record, ResultShape shape, RecordComponent[] components, int[] columns) {
    this.record = record;
    this.shape = shape;
    this.components = new Component[components.length];
    for (int i = 0; i < components.length; i++) {
      int slot = counts[kind(components[i].getType())]++;
      this.components[i] = new Component(components[i], columns[i], slot, shape);
    }
    this.constructor = spread(constructor(record, components), this.components, counts);
    Arrays.sort(this.components, Comparator.comparingInt(component -> component.column));
  }

  /**
   * The constructor with its arguments in arrays.
   *
   * @param components in the constructor's order
   */
  private static MethodHandle spread(
      MethodHandle constructor, Component[] components, int[] counts) {
    // Those of a kind side by side, and alike.
    int[] firstOf = new int[counts.length];
    List<Class<?>> types = new ArrayList<>();
    for (int kind = 0; kind < counts.length; kind++) {
      firstOf[kind] = types.size();
      types.addAll(Collections.nCopies(counts[kind], KINDS.get(kind)));
    }
    int[] order = new int[components.length];
    Class<?>[] alike = new Class<?>[components.length];
    for (int i = 0; i < components.length; i++) {
      order[i] = firstOf[components[i].kind] + components[i].slot;
      alike[i] = KINDS.get(components[i].kind);
    }
    MethodHandle all =
        MethodHandles.permuteArguments(
            MethodHandles.explicitCastArguments(
                constructor, MethodType.methodType(Object.class, alike)),
            MethodType.methodType(Object.class, types),
            order);
    // From the last, so that the positions of those before it stay.
    for (int kind = counts.length - 1; kind >= 0; kind--) {
      all = all.asSpreader(firstOf[kind], KINDS.get(kind).arrayType(), counts[kind]);
    }
    return all;
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

  /** Whether any component has one. */
  static boolean fitsAny(Class<?> record, List<Column> columns) {
    for (RecordComponent component : record.getRecordComponents()) {
      if (find(component.getName(), columns) >= 0) {
        return true;
      }
    }
    return false;
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
        return lookupIn(record).unreflectConstructor(canonical);
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

  /**
   * A look-up that sees what a record's module opens to this one, which has to read it for that.
   */
  static MethodHandles.Lookup lookupIn(Class<?> record) throws IllegalAccessException {
    RecordPlan.class.getModule().addReads(record.getModule());
    return MethodHandles.privateLookupIn(record, LOOKUP);
  }

  Class<T> record() {
    return record;
  }

  /** Room for the arguments of a record, to be used for one after the other. */
  Arguments arguments() {
    return new Arguments(counts);
  }

  /**
   * Makes a record of a row.
   *
   * @param start where the length of the row's first column stands
   * @param arguments this plan's; they are free again when it returns
   * @throws PgCodecException when a value does not fit its component
   */
  @SuppressWarnings("unchecked") // the constructor's own class
  T read(byte[] bytes, int start, Readers readers, Arguments arguments) {
    int at = start;
    int column = 0;
    for (Component component : components) {
      for (; column < component.column; column++) {
        at += 4 + Math.max((int) INT.get(bytes, at), 0);
      }
      if ((int) INT.get(bytes, at) != component.length
          || !readsStraight(component, bytes, at, arguments)) {
        put(component, value(component, bytes, at, readers), arguments);
      }
    }
    try {
      return (T)
          (Object)
              constructor.invokeExact(
                  arguments.ints, arguments.longs, arguments.doubles, arguments.objects);
    } catch (RuntimeException | Error theirs) {
      throw theirs;
    } catch (Throwable theirs) {
      throw new IllegalArgumentException(
          "the constructor of " + record.getName() + " failed", theirs);
    }
  }

  /** Reads what needs no codec, and has the length that it should. */
  private static boolean readsStraight(
      Component component, byte[] bytes, int at, Arguments arguments) {
    switch (component.plain) {
      case INT4 -> arguments.ints[component.slot] = (int) INT.get(bytes, at + 4);
      case INT8 -> arguments.longs[component.slot] = (long) LONG.get(bytes, at + 4);
      case FLOAT8 ->
          arguments.doubles[component.slot] =
              Double.longBitsToDouble((long) LONG.get(bytes, at + 4));
      case BOOL -> {
        int value = bytes[at + 4];
        if ((value & 0xfe) != 0) {
          return false; // the codec's to refuse
        }
        arguments.ints[component.slot] = value;
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private @Nullable Object value(Component component, byte[] bytes, int at, Readers readers) {
    int column = component.column;
    Object value = shape.decode(column, component.codec(shape), bytes, at, readers);
    if (value == null && component.primitive) {
      throw new PgCodecException(
          "column "
              + column
              + " ("
              + shape.columns().get(column).name()
              + ") is NULL, but "
              + record.getName()
              + "."
              + component.name
              + " is primitive: make it "
              + component.type.getTypeName());
    }
    return value;
  }

  @SuppressWarnings("NullAway") // what is null is no primitive's
  private static void put(Component component, @Nullable Object value, Arguments arguments) {
    switch (component.kind) {
      case INTS ->
          arguments.ints[component.slot] =
              value instanceof Boolean bool ? (bool ? 1 : 0) : (Integer) value;
      case LONGS -> arguments.longs[component.slot] = (Long) value;
      case DOUBLES -> arguments.doubles[component.slot] = (Double) value;
      default -> arguments.objects[component.slot] = value;
    }
  }
}
