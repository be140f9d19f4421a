package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.PgArray;
import java.lang.reflect.Array;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Arrays over any element.
 *
 * <pre>
 * +------+----------+-------------+----------------------------+----------------------+
 * | ndim | has NULL | element oid | ndim x (length, lower bound) | elements            |
 * +------+----------+-------------+----------------------------+----------------------+
 *   int32  int32      int32         int32, int32                 length or -1, value
 * </pre>
 *
 * <p>An empty array has no dimensions. In text, {@link ArrayText}.
 */
final class ArrayCodecs {
  /** Arrays of primitives over the type that has their width: one loop, no box. */
  private static final List<Primitive<?>> PRIMITIVES =
      List.of(
          new Primitive<>(
              int[].class,
              NumberCodecs.INT4,
              int[]::new,
              ValueReader::readIntElements,
              ValueWriter::writeIntElements),
          new Primitive<>(
              long[].class,
              NumberCodecs.INT8,
              long[]::new,
              ValueReader::readLongElements,
              ValueWriter::writeLongElements),
          new Primitive<>(
              double[].class,
              NumberCodecs.FLOAT8,
              double[]::new,
              ValueReader::readDoubleElements,
              ValueWriter::writeDoubleElements),
          new Primitive<>(
              float[].class,
              NumberCodecs.FLOAT4,
              float[]::new,
              ValueReader::readFloatElements,
              ValueWriter::writeFloatElements),
          new Primitive<>(
              short[].class,
              NumberCodecs.INT2,
              short[]::new,
              ValueReader::readShortElements,
              ValueWriter::writeShortElements),
          new Primitive<>(
              boolean[].class,
              BinaryCodecs.BOOL,
              boolean[]::new,
              ValueReader::readBooleanElements,
              ValueWriter::writeBooleanElements));

  private ArrayCodecs() {}

  static @Nullable Codec<?> decoder(
      CodecRegistry registry, PgType.Array type, @Nullable Type wanted, Format format) {
    Type asked = wanted == null ? PgArray.class : wanted;
    Class<?> raw = JavaTypes.raw(asked);
    if (raw.isArray()) {
      return javaArrayDecoder(registry, type, asked, raw, format);
    }
    if (raw.isAssignableFrom(PgArray.class)) {
      Codec<?> element = element(registry, type, JavaTypes.argument(asked, 0), format);
      return element == null
          ? null
          : new Shaped<>(PgArray.class, registry, type, element, format, Function.identity());
    }
    if (raw == Set.class) {
      Codec<?> element = element(registry, type, JavaTypes.argument(asked, 0), format);
      return element == null
          ? null
          : new Shaped<>(Set.class, registry, type, element, format, all -> toSet(type, all));
    }
    return null;
  }

  /** The codec of the elements, below as many lists as there may be dimensions. */
  private static @Nullable Codec<?> element(
      CodecRegistry registry, PgType.Array type, @Nullable Type wanted, Format format) {
    Codec<?> found = registry.findDecoder(type.element(), wanted, format);
    Type below = wanted;
    while (found == null
        && below != null
        && Collection.class.isAssignableFrom(JavaTypes.raw(below))
        && JavaTypes.raw(below).isAssignableFrom(PgArray.class)) {
      below = JavaTypes.argument(below, 0);
      found = registry.findDecoder(type.element(), below, format);
    }
    return found;
  }

  private static @Nullable Codec<?> javaArrayDecoder(
      CodecRegistry registry, PgType.Array type, Type asked, Class<?> raw, Format format) {
    Type component = JavaTypes.component(asked);
    int depth = 1;
    while (component != null) {
      Codec<?> element = registry.findDecoder(type.element(), component, format);
      if (element != null) {
        Primitive<?> primitive = primitive(raw, element);
        if (primitive != null) {
          return primitive;
        }
        int dimensions = depth;
        return shaped(
            raw, registry, type, element, format, all -> toJavaArray(type, all, raw, dimensions));
      }
      component = JavaTypes.component(component);
      depth++;
    }
    return null;
  }

  static @Nullable Codec<?> encoder(
      CodecRegistry registry, PgType.Array type, Class<?> given, Format format) {
    if (!given.isArray() && !Collection.class.isAssignableFrom(given)) {
      return null;
    }
    if (given.isArray() && given.getComponentType().isPrimitive() && !isVector(type)) {
      Codec<?> element =
          registry.findEncoder(type.element(), JavaTypes.raw(given.getComponentType()), format);
      Primitive<?> primitive = element == null ? null : primitive(given, element);
      if (primitive != null) {
        return primitive;
      }
    }
    // Reading is not asked of an encoder: any element codec will do.
    return shaped(given, registry, type, TextCodecs.TEXT, format, all -> all);
  }

  /** For a class known at run time only. */
  @SuppressWarnings("unchecked")
  private static <C> Codec<C> shaped(
      Class<C> javaType,
      CodecRegistry registry,
      PgType.Array type,
      Codec<?> element,
      Format format,
      Function<PgArray<Object>, Object> shape) {
    return new Shaped<>(javaType, registry, type, element, format, all -> (C) shape.apply(all));
  }

  private static @Nullable Primitive<?> primitive(Class<?> array, Codec<?> element) {
    for (Primitive<?> each : PRIMITIVES) {
      if (each.javaType == array && each.element == element) {
        return each;
      }
    }
    return null;
  }

  /** int2vector and oidvector are arrays counted from 0. */
  static boolean isVector(PgType.Array type) {
    return !type.name().startsWith("_")
        && (type.oid() == BuiltinTypes.INT2VECTOR.oid()
            || type.oid() == BuiltinTypes.OIDVECTOR.oid());
  }

  /**
   * Whether text does better for a parameter: the server refuses its own binary form of an empty
   * int2vector or oidvector, alone or inside another value.
   */
  static boolean isBetterInText(PgType type) {
    if (type instanceof PgType.Array array) {
      return isVector(array) || isBetterInText(array.element());
    }
    if (type instanceof PgType.Composite composite) {
      return composite.attributes().stream().anyMatch(each -> isBetterInText(each.type()));
    }
    if (type instanceof PgType.Range range) {
      return isBetterInText(range.subtype());
    }
    if (type instanceof PgType.Multirange multirange) {
      return isBetterInText(multirange.range());
    }
    return type instanceof PgType.Domain domain && isBetterInText(domain.base());
  }

  private static Set<Object> toSet(PgType.Array type, PgArray<Object> array) {
    if (array.dimensions().length > 1) {
      throw new PgCodecException(
          "an array of " + array.dimensions().length + " dimensions is no Set: read it as a List");
    }
    checkBounds(type, array, Set.class);
    var set = new LinkedHashSet<>(array.flat());
    if (set.size() != array.size()) {
      throw new PgCodecException(
          "the array holds an element twice, which a Set cannot: read it as a List");
    }
    return Collections.unmodifiableSet(set);
  }

  private static Object toJavaArray(
      PgType.Array type, PgArray<Object> array, Class<?> javaType, int depth) {
    int[] dimensions = array.dimensions();
    if (dimensions.length == 0) {
      return Array.newInstance(javaType.getComponentType(), 0);
    }
    if (dimensions.length != depth) {
      throw new PgCodecException(
          "an array of "
              + dimensions.length
              + " dimensions is no "
              + javaType.getTypeName()
              + ": read it as a List, or as an array with as many []");
    }
    checkBounds(type, array, javaType);
    return fill(array, javaType, depth);
  }

  private static Object fill(List<?> from, Class<?> javaType, int depth) {
    Class<?> component = javaType.getComponentType();
    Object to = Array.newInstance(component, from.size());
    for (int i = 0; i < from.size(); i++) {
      Object element = from.get(i);
      if (element == null && component.isPrimitive()) {
        throw new PgCodecException(
            "the array holds a NULL, which no primitive can: ask for a List or an array of the"
                + " boxed class");
      }
      // In the last dimension an array is an element: of a domain over arrays.
      Array.set(
          to,
          i,
          depth > 1 && element instanceof List<?> slice
              ? fill(slice, component, depth - 1)
              : element);
    }
    return to;
  }

  private static void checkBounds(PgType.Array type, PgArray<?> array, Class<?> javaType) {
    if (!isVector(type) && !array.isCountedFromOne()) {
      throw countedFrom(array.lowerBounds()[0], javaType);
    }
  }

  private static PgCodecException countedFrom(int bound, Class<?> javaType) {
    return new PgCodecException(
        "an array whose lower bound is "
            + bound
            + " does not fit "
            + javaType.getTypeName()
            + ": read it as io.asyncpg.types.value.PgArray, which is a List and knows its bounds");
  }

  /** Number of elements after checking that they can be there; fills dimensions and bounds. */
  private static int readShape(
      PgType.Array type, int[] dimensions, int[] lowerBounds, ValueReader in) {
    long count = dimensions.length == 0 ? 0 : 1;
    for (int i = 0; i < dimensions.length; i++) {
      dimensions[i] = in.readInt();
      lowerBounds[i] = in.readInt();
      if (dimensions[i] < 0) {
        throw new PgCodecException(
            type.displayName() + " with a dimension of length " + dimensions[i]);
      }
      count = Math.min(count * dimensions[i], Integer.MAX_VALUE);
    }
    if (count > in.remaining() / 4) {
      throw new PgCodecException(
          type.displayName()
              + " of "
              + count
              + " elements has only "
              + in.remaining()
              + " bytes for them");
    }
    return (int) count;
  }

  /** Reads up to the dimensions. */
  private static int readDimensions(PgType.Array type, ValueReader in) {
    int dimensions = in.readInt();
    if (dimensions < 0 || dimensions > PgArray.MAX_DIMENSIONS) {
      throw new PgCodecException(type.displayName() + " with " + dimensions + " dimensions");
    }
    int flags = in.readInt();
    if (flags != 0 && flags != 1) {
      throw new PgCodecException(type.displayName() + " with flags " + flags);
    }
    int element = in.readInt();
    if (element != type.element().oid()) {
      throw OutdatedTypeException.explaining(
          type,
          type.displayName()
              + " holds elements of type "
              + Integer.toUnsignedString(element)
              + ", not "
              + Integer.toUnsignedString(type.element().oid())
              + ": the type has changed, run it again, or reloadSchemaState()");
    }
    return dimensions;
  }

  static PgType.Array arrayOf(PgType type) {
    PgType base = type;
    while (base instanceof PgType.Domain domain) {
      base = domain.base();
    }
    if (base instanceof PgType.Array array) {
      return array;
    }
    throw new PgCodecException(type.displayName() + " is no array");
  }

  /** An array of one Java class, by way of PgArray. */
  private record Shaped<C>(
      Class<C> javaType,
      CodecRegistry registry,
      PgType.Array array,
      Codec<?> element,
      Format format,
      Function<PgArray<Object>, ? extends C> shape)
      implements Codec<C> {
    @Override
    public C decode(PgType type, ValueReader in) {
      return shape.apply(
          format == Format.TEXT ? ArrayText.read(array, element, in) : readBinary(in));
    }

    private PgArray<Object> readBinary(ValueReader in) {
      var dimensions = new int[readDimensions(array, in)];
      var lowerBounds = new int[dimensions.length];
      int count = readShape(array, dimensions, lowerBounds, in);
      var elements = new @Nullable Object[count];
      for (int i = 0; i < count; i++) {
        elements[i] = in.readValue(element, array.element());
      }
      return PgArray.of(dimensions, lowerBounds, elements);
    }

    @Override
    public void encode(C value, PgType type, ValueWriter out) {
      PgArray<?> all =
          value instanceof PgArray<?> shaped
              ? shaped
              : new Shaper(registry, array, format).of(value);
      if (isVector(array) && all.dimensions().length > 1) {
        throw new PgCodecException(
            "lists nested in one another do not fit "
                + array.displayName()
                + ", which has one dimension: pass one list of what can become "
                + array.element().displayName());
      }
      if (format == Format.TEXT) {
        ArrayText.write(all, array, registry, out);
      } else {
        writeBinary(all, out);
      }
    }

    private void writeBinary(PgArray<?> all, ValueWriter out) {
      int[] dimensions = all.dimensions();
      int[] lowerBounds = all.lowerBounds();
      if (isVector(array)) {
        // Counted from 0, and of one dimension though there be nothing in it.
        dimensions = dimensions.length == 0 ? new int[1] : dimensions;
        lowerBounds = new int[dimensions.length];
      }
      @Nullable Object[] elements = all.flat().toArray();
      out.writeInt(dimensions.length)
          .writeInt(Arrays.asList(elements).contains(null) ? 1 : 0)
          .writeInt(array.element().oid());
      for (int i = 0; i < dimensions.length; i++) {
        out.writeInt(dimensions[i]).writeInt(lowerBounds[i]);
      }
      new Elements(registry, array.element(), Format.BINARY)
          .forEach(
              elements,
              (codec, value) -> out.writeValue(codec, value, array.element()),
              () -> out.writeInt(-1));
    }
  }

  /** Walks values of unlike classes, asking the registry again only when the class changes. */
  record Elements(CodecRegistry registry, PgType type, Format format) {
    interface Each {
      void write(Codec<Object> codec, Object value);
    }

    @SuppressWarnings("unchecked")
    void forEach(@Nullable Object[] values, Each each, Runnable ifNull) {
      Class<?> last = null;
      Codec<Object> codec = null;
      int index = 0;
      try {
        for (Object value : values) {
          if (value == null) {
            ifNull.run();
          } else {
            if (codec == null || value.getClass() != last) {
              last = value.getClass();
              codec = (Codec<Object>) Members.encoder(registry, type, last, format);
            }
            each.write(codec, value);
          }
          index++;
        }
      } catch (PgCodecException e) {
        throw new PgCodecException(
            "array element " + index + " (counted from 0): " + e.getMessage(), e);
      }
    }
  }

  /** Finds the dimensions of nested lists and arrays, and lays their elements in a row. */
  private static final class Shaper {
    private final CodecRegistry registry;
    private final PgType element;
    private final Format format;
    private final List<Integer> lengths = new ArrayList<>();
    private final List<@Nullable Object> elements = new ArrayList<>();

    Shaper(CodecRegistry registry, PgType.Array type, Format format) {
      this.registry = registry;
      this.element = type.element();
      this.format = format;
    }

    PgArray<Object> of(Object value) {
      Object below = value;
      // A list may hold itself, and so look endlessly deep.
      while (below != null && lengths.size() <= PgArray.MAX_DIMENSIONS) {
        List<?> list = list(below);
        lengths.add(list.size());
        below = null;
        for (Object each : list) {
          if (each != null) {
            below = isDimension(each) ? each : null;
            break;
          }
        }
      }
      if (lengths.size() > PgArray.MAX_DIMENSIONS) {
        throw new PgCodecException(
            "lists nested as deep as these do not fit an array, which has at most "
                + PgArray.MAX_DIMENSIONS
                + " dimensions");
      }
      if (lengths.size() == 1) {
        return row(list(value));
      }
      collect(list(value), 0);
      if (elements.isEmpty()) {
        return PgArray.of();
      }
      int[] lowerBounds = new int[lengths.size()];
      Arrays.fill(lowerBounds, 1);
      return PgArray.of(
          lengths.stream().mapToInt(Integer::intValue).toArray(), lowerBounds, elements.toArray());
    }

    /** One dimension, without the detour. */
    private PgArray<Object> row(List<?> list) {
      Object[] row = list.toArray();
      for (Object each : row) {
        if (each != null && isDimension(each)) {
          throw ragged(0);
        }
      }
      return row.length == 0
          ? PgArray.of()
          : PgArray.of(new int[] {row.length}, new int[] {1}, row);
    }

    private void collect(List<?> list, int level) {
      if (list.size() != lengths.get(level)) {
        throw ragged(level);
      }
      boolean innermost = level == lengths.size() - 1;
      for (Object each : list) {
        if (innermost) {
          if (each != null && isDimension(each)) {
            throw ragged(level);
          }
          elements.add(each);
        } else if (each == null || !isDimension(each)) {
          throw ragged(level);
        } else {
          collect(list(each), level + 1);
        }
      }
    }

    private PgCodecException ragged(int level) {
      return new PgCodecException(
          "the lists at depth "
              + level
              + " differ in length or kind: the dimensions of an array must be even");
    }

    /** A list is a dimension unless it can itself be an element, as a byte[] can of bytea[]. */
    private boolean isDimension(Object value) {
      return (value instanceof Collection || value.getClass().isArray())
          && !(element instanceof PgType.Array)
          && registry.findEncoder(element, value.getClass(), format) == null;
    }

    private static List<?> list(Object value) {
      if (value instanceof List<?> list) {
        return list;
      }
      if (value instanceof Collection<?> collection) {
        return new ArrayList<>(collection);
      }
      if (value instanceof Object[] array) {
        return Arrays.asList(array);
      }
      int length = Array.getLength(value);
      var boxed = new ArrayList<Object>(length);
      for (int i = 0; i < length; i++) {
        boxed.add(Array.get(value, i));
      }
      return boxed;
    }
  }

  /** An array of a primitive over the PostgreSQL type of the same width. */
  private record Primitive<A>(
      Class<A> javaType,
      Codec<?> element,
      IntFunction<A> make,
      BiConsumer<ValueReader, A> read,
      BiConsumer<ValueWriter, A> write)
      implements Codec<A> {
    @Override
    public A decode(PgType type, ValueReader in) {
      PgType.Array array = arrayOf(type);
      int dimensions = readDimensions(array, in);
      if (dimensions > 1) {
        throw new PgCodecException(
            "an array of " + dimensions + " dimensions is no " + javaType.getTypeName());
      }
      var lengths = new int[dimensions];
      var lowerBounds = new int[dimensions];
      int count = readShape(array, lengths, lowerBounds, in);
      if (dimensions == 1 && lowerBounds[0] != 1 && !(lowerBounds[0] == 0 && isVector(array))) {
        throw countedFrom(lowerBounds[0], javaType);
      }
      A values = make.apply(count);
      read.accept(in, values);
      return values;
    }

    @Override
    public void encode(A value, PgType type, ValueWriter out) {
      int count = Array.getLength(value);
      int dimensions = count == 0 ? 0 : 1;
      out.writeInt(dimensions).writeInt(0).writeInt(arrayOf(type).element().oid());
      if (dimensions == 1) {
        out.writeInt(count).writeInt(1);
      }
      write.accept(out, value);
    }
  }
}
