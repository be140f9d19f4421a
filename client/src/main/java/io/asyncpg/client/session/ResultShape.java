package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Type;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What all rows of a statement have in common: columns, names, and the codec that reads each. Made
 * once for a prepared statement; immutable but for what it remembers of look-ups, safe from any
 * thread.
 */
final class ResultShape {
  static final ResultShape NO_COLUMNS = new ResultShape(List.of(), CodecRegistry.standard());

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final byte[] ALL_BINARY = {0, 1, 0, 1};

  /** The codecs whose values a row reads from its bytes by itself: no reader, no box. */
  private static final Codec<?> INT2 = standard(BuiltinTypes.INT2);

  private static final Codec<?> INT4 = standard(BuiltinTypes.INT4);
  private static final Codec<?> INT8 = standard(BuiltinTypes.INT8);
  private static final Codec<?> FLOAT4 = standard(BuiltinTypes.FLOAT4);
  private static final Codec<?> FLOAT8 = standard(BuiltinTypes.FLOAT8);
  private static final Codec<?> BOOL = standard(BuiltinTypes.BOOL);
  private static final Codec<?> TEXT = standard(BuiltinTypes.TEXT);

  /** With text the codecs that {@link #decode} calls by name. */
  private static final Codec<?> NUMERIC = standard(BuiltinTypes.NUMERIC);

  private static final Codec<?> TIMESTAMPTZ = standard(BuiltinTypes.TIMESTAMPTZ);
  private static final Codec<?> UUID = standard(BuiltinTypes.UUID);

  /** What a column's bytes are, where a value can be read from them as they stand. */
  enum Plain {
    INT2(2),
    INT4(4),
    INT8(8),
    FLOAT4(4),
    FLOAT8(8),
    BOOL(1),
    /** UTF-8, as long as it is. */
    TEXT(-2),
    /** Read by its codec. */
    OTHER(-2);

    /** How many bytes a value has. */
    final int length;

    Plain(int length) {
      this.length = length;
    }

    static Plain of(Codec<?> codec) {
      return codec == ResultShape.INT2
          ? INT2
          : codec == ResultShape.INT4
              ? INT4
              : codec == ResultShape.INT8
                  ? INT8
                  : codec == ResultShape.FLOAT4
                      ? FLOAT4
                      : codec == ResultShape.FLOAT8
                          ? FLOAT8
                          : codec == ResultShape.BOOL
                              ? BOOL
                              : codec == ResultShape.TEXT ? TEXT : OTHER;
    }
  }

  private static Codec<?> standard(PgType type) {
    return CodecRegistry.standard().decoder(type, null);
  }

  /** The codec last asked for of a column, for a Java type other than the default. */
  private record Known(Type javaType, Codec<?> codec) {}

  /** Whether a record is the whole of the only column, as was found out last. */
  private record Whole(Class<?> record, boolean isValue) {}

  private @Nullable Whole whole;

  private final List<Column> columns;
  private final PgType[] types;
  private final Codec<?>[] codecs;
  private final Plain[] plain;
  private final @Nullable Known[] asked;
  private final @Nullable RecordPlan<?>[] plan = new RecordPlan<?>[1];
  private final byte[] resultFormats;
  private final CodecRegistry registry;

  /** Is told of each failure of a codec: a type may have been altered. */
  private final Consumer<PgCodecException> doubt;

  private @Nullable Map<String, Integer> byName;

  ResultShape(List<Column> columns, CodecRegistry registry) {
    this(columns, registry, failure -> {});
  }

  /**
   * Creates a shape.
   *
   * @param doubt is told of each failure of a codec, on the thread that asked for the value
   */
  ResultShape(List<Column> columns, CodecRegistry registry, Consumer<PgCodecException> doubt) {
    this.columns = List.copyOf(columns);
    this.registry = registry;
    this.doubt = doubt;
    int width = columns.size();
    types = new PgType[width];
    codecs = new Codec<?>[width];
    plain = new Plain[width];
    asked = new Known[width];
    for (int i = 0; i < width; i++) {
      types[i] = columns.get(i).type();
      codecs[i] = decoder(registry, types[i]);
      plain[i] = Plain.of(codecs[i]);
    }
    resultFormats = formats(codecs);
  }

  /**
   * The codec that reads a type where nobody asks for a class.
   *
   * @throws PgCodecException also for whatever a codec module throws
   */
  static Codec<?> decoder(CodecRegistry registry, PgType type) {
    try {
      return registry.decoder(type, null);
    } catch (PgCodecException none) {
      throw none;
    } catch (RuntimeException | Error theirs) {
      throw new PgCodecException(
          "a codec module failed when it was asked for " + type.displayName(), null, theirs);
    }
  }

  private static byte[] formats(Codec<?>[] codecs) {
    boolean allBinary = true;
    for (Codec<?> codec : codecs) {
      allBinary &= codec.format() == Format.BINARY;
    }
    if (codecs.length == 0) {
      return new byte[] {0, 0};
    }
    if (allBinary) {
      return ALL_BINARY;
    }
    byte[] formats = new byte[2 + 2 * codecs.length];
    formats[0] = (byte) (codecs.length >>> 8);
    formats[1] = (byte) codecs.length;
    for (int i = 0; i < codecs.length; i++) {
      formats[3 + 2 * i] = (byte) (codecs[i].format() == Format.BINARY ? 1 : 0);
    }
    return formats;
  }

  List<Column> columns() {
    return columns;
  }

  int width() {
    return codecs.length;
  }

  PgType type(int column) {
    return types[column];
  }

  /** What the column's values are on the wire. */
  Plain plain(int column) {
    return plain[column];
  }

  /** Whether the column's values become a Java type as they stand, whoever reads them. */
  boolean isPlain(int column, Plain wanted, Class<?> javaType) {
    return plain[column] == wanted && registry.decoder(types[column], javaType) == codecs[column];
  }

  /** The codec of the column's default Java type. */
  Codec<?> codec(int column) {
    return codecs[column];
  }

  /**
   * The codec that reads the column as a Java type.
   *
   * @throws PgCodecException when there is none
   */
  Codec<?> codec(int column, Type javaType) {
    Known known = asked[column];
    if (known != null && (known.javaType == javaType || known.javaType.equals(javaType))) {
      return known.codec;
    }
    Codec<?> codec;
    try {
      codec = registry.decoder(types[column], javaType);
    } catch (PgCodecException unfit) {
      doubt.accept(unfit);
      throw new PgCodecException(describe(column) + ": " + unfit.getMessage(), unfit);
    }
    if (codec.format() != codecs[column].format()) {
      throw new PgCodecException(
          describe(column)
              + " comes as "
              + codecs[column].format()
              + ", but the codec for "
              + javaType.getTypeName()
              + " reads "
              + codec.format()
              + ": register one that reads "
              + codecs[column].format());
    }
    asked[column] = new Known(javaType, codec); // racy, and harmless: a record is published safely
    return codec;
  }

  @SuppressWarnings("unchecked") // the plan is for this very class
  <T> RecordPlan<T> plan(Class<T> record) {
    RecordPlan<?> known = plan[0];
    if (known != null && known.record() == record) {
      return (RecordPlan<T>) known;
    }
    RecordPlan<T> made = RecordPlan.of(record, this);
    plan[0] = made;
    return made;
  }

  /**
   * Whether the only column holds whole records of this class, rather than one component of each:
   * by its name it is none of them, and there is a codec.
   *
   * @throws PgCodecException when it can be nothing else, and does not fit
   */
  boolean isOneValue(Class<?> record) {
    if (codecs.length != 1) {
      return false;
    }
    Whole known = whole;
    if (known == null || known.record != record) {
      known = new Whole(record, !RecordPlan.fits(record, columns) && reads(record));
      whole = known; // racy, and harmless
    }
    return known.isValue;
  }

  private boolean reads(Class<?> record) {
    try {
      return registry.decoder(types[0], record).format() == codecs[0].format();
    } catch (PgCodecException unfit) {
      doubt.accept(unfit);
      if (isComposite(types[0]) && !RecordPlan.fitsAny(record, columns)) {
        throw new PgCodecException(describe(0) + ": " + unfit.getMessage(), unfit);
      }
      return false;
    }
  }

  private static boolean isComposite(PgType type) {
    return type instanceof PgType.Domain domain
        ? isComposite(domain.base())
        : type instanceof PgType.Composite;
  }

  /**
   * Decodes a column's value.
   *
   * @param at where its length stands
   * @return the value, or null for NULL
   * @throws PgCodecException when the bytes are not what the codec reads
   */
  @SuppressWarnings("unchecked") // what is called by name is the codec itself
  <C> @Nullable C decode(int column, Codec<C> codec, byte[] bytes, int at, Readers readers) {
    int length = (int) INT.get(bytes, at);
    if (length < 0) {
      return null;
    }
    int from = at + 4;
    int to = from + length;
    // Of a codec called by name the compiler knows the code, puts it here, and makes no reader; one
    // reader for all of them would be made, as the last line hands it to a codec that may be any.
    if (codec == TEXT) {
      return (C) decode(column, TEXT, new ValueReader(bytes, from, to));
    } else if (codec == NUMERIC) {
      return (C) decode(column, NUMERIC, new ValueReader(bytes, from, to));
    } else if (codec == TIMESTAMPTZ) {
      return (C) decode(column, TIMESTAMPTZ, new ValueReader(bytes, from, to));
    } else if (codec == UUID) {
      return (C) decode(column, UUID, new ValueReader(bytes, from, to));
    }
    return decode(column, codec, readers.reader(bytes, from, to));
  }

  private <C> C decode(int column, Codec<C> codec, ValueReader in) {
    C value;
    try {
      value = codec.decode(types[column], in);
    } catch (RuntimeException unfit) {
      throw unfit(column, codec, unfit);
    }
    if (in.hasRemaining()) {
      throw new PgCodecException(
          describe(column)
              + ": the codec for "
              + codec.javaType().getName()
              + " left "
              + in.remaining()
              + " bytes unread");
    }
    return value;
  }

  PgCodecException unfit(int column, Codec<?> codec, RuntimeException unfit) {
    if (unfit instanceof PgCodecException codecFailure) {
      doubt.accept(codecFailure);
    }
    return new PgCodecException(
        describe(column)
            + ": "
            + (unfit instanceof PgCodecException
                ? unfit.getMessage()
                : "the codec for " + codec.javaType().getName() + " failed: " + unfit),
        unfit);
  }

  /** An error of a value, with its row. */
  static RuntimeException inRow(long row, @Nullable String sql, RuntimeException unfit) {
    return unfit instanceof PgCodecException
        ? new PgCodecException("row " + row + ", " + unfit.getMessage(), sql, unfit)
        : unfit;
  }

  String describe(int column) {
    return "column " + column + " (" + columns.get(column).name() + ", " + types[column] + ")";
  }

  /** The formats of the columns, as Bind has them. */
  byte[] resultFormats() {
    return resultFormats;
  }

  int indexOf(String name) {
    int width = columns.size();
    if (width <= 8) {
      // By identity first: a literal in the caller's code is the same String each time.
      for (int i = width - 1; i >= 0; i--) {
        if (columns.get(i).name().equals(name)) {
          return i;
        }
      }
      throw noSuchColumn(name);
    }
    Map<String, Integer> names = byName;
    if (names == null) {
      names = new HashMap<>();
      for (int i = 0; i < width; i++) {
        names.put(columns.get(i).name(), i);
      }
      byName = Map.copyOf(names); // racy, and harmless: immutable
    }
    Integer index = names.get(name);
    if (index == null) {
      throw noSuchColumn(name);
    }
    return index;
  }

  private IllegalArgumentException noSuchColumn(String name) {
    return new IllegalArgumentException(
        "no column \""
            + name
            + "\"; the columns are "
            + columns.stream().map(Column::name).toList());
  }

  void check(int column) {
    Objects.checkIndex(column, codecs.length);
  }
}
