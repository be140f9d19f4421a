package io.asyncpg.client.session;

import io.asyncpg.client.CopyOptions;
import io.asyncpg.error.PgCodecException;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
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

  /** So much makes a CopyData: with room for one more row in 64 KiB, which the writer keeps. */
  private static final int PIECE = 56 * 1024;

  /** The server takes messages of less than a gigabyte, whatever rows they hold. */
  private static final int LARGEST = 64 * 1024 * 1024;

  private final String table;
  private final CopyOptions options;
  private final Feed<Object> feed;
  private boolean binary = true;
  private boolean begun;

  private PgType[] types = {};
  private String[] names = {};
  private Class<?>[] classes = {};
  private @Nullable Codec<Object>[] codecs = codecs(0);
  private @Nullable Class<?> record;
  private @Nullable RowArguments reader;
  private int[] components = {};
  private boolean asked;
  private TableColumns.@Nullable Answer answer;
  private @Nullable Throwable unanswered;
  private @Nullable IllegalArgumentException misfit;

  CopyRecords(Session session, String table, CopyOptions options, Feed<Object> feed, long timeout) {
    super(session, options, timeout);
    this.table = table;
    this.options = options;
    options.forRecords(true).toTableSql(table); // refuses what does not fit, at once
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
  boolean isReadyToWrite(Session session, boolean first) {
    if (answer != null) {
      return true;
    }
    if (unanswered != null && first) {
      throw unanswered instanceof RuntimeException whyNot
          ? whyNot
          : new IllegalStateException("the columns are not known", unanswered);
    }
    if (first && !asked) { // not before: what comes before may change the table
      asked = true;
      session.submitUrgently(
          new TableColumns(
              session,
              options.tableName(table),
              options.columnNames(),
              known -> answer = known,
              whyNot -> unanswered = whyNot));
    }
    return false;
  }

  @Override
  void write(Session session, FrontendWriter out) {
    TableColumns.Answer known = Objects.requireNonNull(answer, "written before it was ready");
    types = known.columns().stream().map(TableColumns.TableColumn::type).toArray(PgType[]::new);
    names = known.columns().stream().map(TableColumns.TableColumn::name).toArray(String[]::new);
    classes = new Class<?>[types.length];
    codecs = codecs(types.length);
    CodecRegistry registry = session.statements().codecs().now();
    binary = known.receivesBinary() && registry.encodingFormat(List.of(types)) == Format.BINARY;
    super.write(session, out);
  }

  @Override
  void serverIsReady(int columns) {
    if (columns != types.length) {
      misfit =
          new IllegalArgumentException(
              "the columns of "
                  + table
                  + " changed while they were asked for, from "
                  + types.length
                  + " to "
                  + columns
                  + ": copy again");
    }
  }

  @Override
  boolean writeData(Session session, FrontendWriter out) throws Exception {
    if (misfit != null) {
      throw misfit;
    }
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
        boolean all = isAtEnd(feed);
        if (all && binary) {
          values.writeBytes(TRAILER);
        }
        flush(values, out);
        return all;
      }
      encode(session, row, feed.taken() - 1, values);
      if (values.size() >= PIECE) {
        flush(values, out);
      }
    }
    flush(values, out);
    return false;
  }

  private void flush(ValueWriter values, FrontendWriter out) {
    for (int at = 0; at < values.size(); at += LARGEST) {
      send(values.array(), at, Math.min(LARGEST, values.size() - at), out);
    }
    values.clear();
  }

  private void encode(Session session, Object row, long index, ValueWriter values)
      throws Exception {
    if (binary) {
      values.writeShort(types.length);
    }
    if (row instanceof Object[] array) {
      checkWidth(array.length, index);
      for (int i = 0; i < types.length; i++) {
        encode(session, array[i], index, i, values);
      }
    } else if (row instanceof List<?> list) {
      int i = 0;
      for (Object value : list) {
        if (i < types.length) {
          encode(session, value, index, i, values);
        }
        i++;
      }
      checkWidth(i, index);
    } else if (row instanceof Record) {
      RowArguments accessors = accessors(row.getClass(), index);
      for (int i = 0; i < types.length; i++) {
        Object value;
        try {
          value = accessors.read(row, components[i]);
        } catch (RuntimeException theirs) {
          throw sourceFailed(theirs);
        }
        encode(session, value, index, i, values);
      }
    } else {
      throw noRow(
          index,
          row.getClass().getName() + " is no row: pass an Object[], a List or a record",
          null);
    }
    if (!binary) {
      values.writeByte('\n');
    }
  }

  private void checkWidth(int width, long index) {
    if (width != types.length) {
      throw noRow(
          index, "it has " + width + " values, but there are " + types.length + " columns", null);
    }
  }

  private IllegalArgumentException noRow(
      long index, String why, @Nullable IllegalArgumentException cause) {
    return new IllegalArgumentException("row " + index + " for " + table + ": " + why, cause);
  }

  private void encode(
      Session session, @Nullable Object value, long index, int column, ValueWriter values) {
    if (!binary && column > 0) {
      values.writeByte('\t');
    }
    if (value == null) {
      if (binary) {
        values.writeInt(-1);
      } else {
        values.writeByte('\\').writeByte('N');
      }
      return;
    }
    try {
      Codec<Object> codec = codec(session, column, value.getClass());
      if (binary) {
        int mark = values.beginLength();
        codec.encode(value, types[column], values);
        values.endLength(mark);
      } else {
        int from = values.size();
        codec.encode(value, types[column], values);
        escape(values, from);
      }
    } catch (RuntimeException unfit) {
      session.statements().types().doubt(unfit);
      throw new PgCodecException(
          "row "
              + index
              + ", column "
              + column
              + " ("
              + names[column]
              + ", "
              + types[column]
              + "): "
              + (unfit instanceof PgCodecException
                  ? unfit.getMessage()
                  : "the codec for " + value.getClass().getName() + " failed"),
          sql(),
          unfit);
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
                  .codecs()
                  .now()
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
    byte[] plain = Arrays.copyOfRange(values.array(), from, values.size());
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

  /** How a record's values are read, and which of them is for which column. */
  private RowArguments accessors(Class<?> given, long index) {
    RowArguments known = reader;
    if (known == null || given != record) {
      try {
        known = RowArguments.of(given);
        components = match(given, known.names(), names);
      } catch (IllegalArgumentException unfit) {
        throw noRow(index, String.valueOf(unfit.getMessage()), unfit);
      }
      reader = known;
      record = given;
    }
    return known;
  }

  private static int[] match(Class<?> record, String[] names, String[] columns) {
    int[] found = new int[columns.length];
    for (int i = 0; i < found.length; i++) {
      String column = columns[i];
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

  @Override
  long rowsSent() {
    return feed.taken();
  }
}
