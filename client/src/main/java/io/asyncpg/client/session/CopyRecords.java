package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.client.CopyOptions;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.types.Codec;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of values into a table, by a binary COPY; by one in text when a column's type has no binary
 * format here.
 *
 * <pre>
 *   PGCOPY\n\377\r\n\0   flags (0)   length of the extension (0)
 *   count of columns   { length   value } …        length -1: NULL
 *   …
 *   -1
 * </pre>
 */
final class CopyRecords extends CopyIn {
  private static final byte[] SIGNATURE = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0
  };
  private static final byte[] TRAILER = {(byte) 0xff, (byte) 0xff};
  private static final int PIECE = 32 * 1024;

  private final String table;
  private final CopyOptions options;
  private final Feed<Object> feed;
  private boolean binary = true;
  private boolean begun;

  private PgType[] types = {};
  private Class<?>[] classes = {};
  private @Nullable Codec<Object>[] codecs = codecs(0);
  private @Nullable Class<?> record;
  private int[] components = {};

  CopyRecords(Session session, String table, CopyOptions options, Feed<Object> feed, long timeout) {
    super(session, options.columnsSql(table), timeout);
    this.table = table;
    this.options = options;
    this.feed = feed;
    feed.start(session::wake);
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static @Nullable Codec<Object>[] codecs(int length) {
    return new Codec[length];
  }

  @Override
  String copySql() {
    return options.forRecords(binary).toTableSql(table);
  }

  @Override
  void write(Session session, FrontendWriter out) {
    ResultShape shape = shape();
    types = new PgType[shape.width()];
    classes = new Class<?>[types.length];
    codecs = codecs(types.length);
    for (int i = 0; i < types.length; i++) {
      types[i] = shape.type(i);
      binary &= shape.codec(i).format() == Format.BINARY;
    }
    super.write(session, out);
  }

  @Override
  boolean writeData(Session session, FrontendWriter out) throws Exception {
    ValueWriter values = session.values();
    if (!begun) {
      begun = true;
      if (binary) {
        values.writeBytes(SIGNATURE);
      }
    }
    while (out.mark() + values.size() < Session.WRITE_SIZE) {
      Object row = feed.poll();
      if (row == null) {
        if (!feed.isAtEnd()) {
          break;
        }
        Throwable reason = feed.failure();
        if (reason instanceof Exception exception) {
          throw exception;
        } else if (reason instanceof Error error) {
          throw error;
        }
        if (binary) {
          values.writeBytes(TRAILER);
        }
        flush(values, out);
        return true;
      }
      encode(session, row, feed.taken() - 1, values);
      if (values.size() >= PIECE) {
        flush(values, out);
      }
    }
    flush(values, out);
    return false;
  }

  private static void flush(ValueWriter values, FrontendWriter out) {
    if (values.size() > 0) {
      out.copyData(values.array(), 0, values.size());
      values.clear();
    }
  }

  private void encode(Session session, Object row, long index, ValueWriter values) {
    @Nullable Object[] given;
    try {
      given = row instanceof Record named ? byName(named) : RowArguments.of(row);
      if (given.length != types.length) {
        throw new IllegalArgumentException(
            "it has " + given.length + " values, but there are " + types.length + " columns");
      }
    } catch (IllegalArgumentException unfit) {
      throw new IllegalArgumentException(
          "row " + index + " for " + table + ": " + unfit.getMessage(), unfit);
    }
    if (binary) {
      values.writeShort(types.length);
    }
    for (int i = 0; i < types.length; i++) {
      Object value = given[i];
      if (!binary && i > 0) {
        values.writeByte('\t');
      }
      if (value == null) {
        if (binary) {
          values.writeInt(-1);
        } else {
          values.writeByte('\\').writeByte('N');
        }
        continue;
      }
      try {
        Codec<Object> codec = codec(session, i, value.getClass());
        if (binary) {
          int mark = values.beginLength();
          codec.encode(value, types[i], values);
          values.endLength(mark);
        } else {
          int from = values.size();
          codec.encode(value, types[i], values);
          escape(values, from);
        }
      } catch (RuntimeException unfit) {
        throw new PgCodecException(
            "row "
                + index
                + ", column "
                + i
                + " ("
                + shape().columns().get(i).name()
                + ", "
                + types[i]
                + "): "
                + (unfit instanceof PgCodecException
                    ? unfit.getMessage()
                    : "the codec for " + value.getClass().getName() + " failed"),
            sql(),
            unfit);
      }
    }
    if (!binary) {
      values.writeByte('\n');
    }
  }

  @SuppressWarnings("unchecked") // the registry's contract: a codec for this class
  private Codec<Object> codec(Session session, int i, Class<?> given) {
    Codec<Object> codec = codecs[i];
    if (codec == null || classes[i] != given) {
      codec =
          (Codec<Object>)
              session
                  .statements()
                  .types()
                  .codecs()
                  .encoder(types[i], given, binary ? Format.BINARY : Format.TEXT);
      codecs[i] = codec;
      classes[i] = given;
    }
    return codec;
  }

  /** Puts a backslash before what COPY's text format reads otherwise. */
  private static void escape(ValueWriter values, int from) {
    int special = 0;
    for (int i = from; i < values.size(); i++) {
      if (escaped(values.array()[i]) != 0) {
        special++;
      }
    }
    if (special == 0) {
      return;
    }
    byte[] plain = java.util.Arrays.copyOfRange(values.array(), from, values.size());
    values.truncate(from);
    for (byte b : plain) {
      int escaped = escaped(b);
      if (escaped != 0) {
        values.writeByte('\\').writeByte(escaped);
      } else {
        values.writeByte(b);
      }
    }
  }

  private static int escaped(byte b) {
    return switch (b) {
      case '\\' -> '\\';
      case '\n' -> 'n';
      case '\r' -> 'r';
      case '\t' -> 't';
      default -> 0;
    };
  }

  /** The values of a record for the columns of the same names. */
  private @Nullable Object[] byName(Record row) {
    if (row.getClass() != record) {
      components = match(row.getClass(), shape().columns());
      record = row.getClass();
    }
    @Nullable Object[] all = RowArguments.of(row);
    @Nullable Object[] chosen = new Object[components.length];
    for (int i = 0; i < chosen.length; i++) {
      chosen[i] = all[components[i]];
    }
    return chosen;
  }

  private static int[] match(Class<?> record, List<Column> columns) {
    String[] names = RowArguments.componentNames(record);
    int[] found = new int[columns.size()];
    for (int i = 0; i < found.length; i++) {
      String column = columns.get(i).name();
      found[i] = -1;
      for (int j = names.length - 1; j >= 0; j--) {
        if (names[j].equals(column)) {
          found[i] = j;
          break;
        } else if (RecordPlan.snakeCase(names[j]).equals(column)) {
          found[i] = j;
        }
      }
      if (found[i] < 0) {
        throw new IllegalArgumentException(
            record.getName()
                + " has no component for column \""
                + column
                + "\"; they are "
                + List.of(names)
                + ": name the columns that are wanted");
      }
    }
    return found;
  }

  @Override
  void stopSource() {
    feed.stop();
  }
}
