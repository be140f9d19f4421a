package io.asyncpg.client;

import io.asyncpg.types.TypeReference;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One row, still as the bytes the server sent. Immutable; keep it, share it, read it anywhere: a
 * column is decoded each time it is asked for, on the thread that asks. But for a row in the hands
 * of a {@linkplain PgClient#fetch(java.util.stream.Collector, String, Object...) collector}, which
 * is one for the time of that call.
 *
 * <p>Columns count from 0. Where several columns have the same name, the name stands for the last
 * of them. Every getter throws {@link IndexOutOfBoundsException} for an index the row does not
 * have, {@link IllegalArgumentException} for a name it does not have, and {@link
 * io.asyncpg.error.PgCodecException} for a value that is not what was asked for: nothing is ever
 * narrowed, rounded or cut in silence. What a json document is bound to is its mapper's to say.
 */
public interface Row {

  /**
   * The columns, as the server described them.
   *
   * @return one for each value
   */
  List<Column> columns();

  /**
   * How many columns there are.
   *
   * @return 0 or more
   */
  int size();

  /**
   * Whether a column is NULL.
   *
   * @param i the column
   * @return true for NULL
   */
  boolean isNull(int i);

  /**
   * A column as its type's default Java type (docs/types.md).
   *
   * @param i the column
   * @return the value, or null for NULL
   */
  @Nullable Object get(int i);

  /**
   * A column as a Java type.
   *
   * @param <T> the Java type
   * @param i the column
   * @param type the Java type; a primitive's class stands for its wrapper
   * @return the value, or null for NULL
   */
  <T> @Nullable T get(int i, Class<T> type);

  /**
   * A column as a generic Java type, such as a list of records that json-ext binds.
   *
   * @param <T> the Java type
   * @param i the column
   * @param type the Java type
   * @return the value, or null for NULL
   */
  <T> @Nullable T get(int i, TypeReference<T> type);

  /**
   * A column as an int.
   *
   * @param i the column
   * @return the value; a NULL is an error
   */
  int getInt(int i);

  /**
   * A column as a long.
   *
   * @param i the column
   * @return the value; a NULL is an error
   */
  long getLong(int i);

  /**
   * A column as a double.
   *
   * @param i the column
   * @return the value; a NULL is an error
   */
  double getDouble(int i);

  /**
   * A column as a boolean.
   *
   * @param i the column
   * @return the value; a NULL is an error
   */
  boolean getBoolean(int i);

  /**
   * A column as a String.
   *
   * @param i the column
   * @return the value, or null for NULL
   */
  @Nullable String getString(int i);

  /**
   * The index a name stands for.
   *
   * @param name a column's name
   * @return the last column of that name
   * @throws IllegalArgumentException when there is none, with the names there are
   */
  int indexOf(String name);

  /**
   * Whether a column is NULL.
   *
   * @param name the column
   * @return true for NULL
   */
  default boolean isNull(String name) {
    return isNull(indexOf(name));
  }

  /**
   * A column as its type's default Java type.
   *
   * @param name the column
   * @return the value, or null for NULL
   */
  default @Nullable Object get(String name) {
    return get(indexOf(name));
  }

  /**
   * A column as a Java type.
   *
   * @param <T> the Java type
   * @param name the column
   * @param type the Java type
   * @return the value, or null for NULL
   */
  default <T> @Nullable T get(String name, Class<T> type) {
    return get(indexOf(name), type);
  }

  /**
   * A column as a generic Java type.
   *
   * @param <T> the Java type
   * @param name the column
   * @param type the Java type
   * @return the value, or null for NULL
   */
  default <T> @Nullable T get(String name, TypeReference<T> type) {
    return get(indexOf(name), type);
  }

  /**
   * A column as an int.
   *
   * @param name the column
   * @return the value; a NULL is an error
   */
  default int getInt(String name) {
    return getInt(indexOf(name));
  }

  /**
   * A column as a long.
   *
   * @param name the column
   * @return the value; a NULL is an error
   */
  default long getLong(String name) {
    return getLong(indexOf(name));
  }

  /**
   * A column as a double.
   *
   * @param name the column
   * @return the value; a NULL is an error
   */
  default double getDouble(String name) {
    return getDouble(indexOf(name));
  }

  /**
   * A column as a boolean.
   *
   * @param name the column
   * @return the value; a NULL is an error
   */
  default boolean getBoolean(String name) {
    return getBoolean(indexOf(name));
  }

  /**
   * A column as a String.
   *
   * @param name the column
   * @return the value, or null for NULL
   */
  default @Nullable String getString(String name) {
    return getString(indexOf(name));
  }

  /**
   * All values by name, decoded to their default types, in the order of the columns.
   *
   * @return an unmodifiable map; where names repeat, the last column's value
   */
  Map<String, @Nullable Object> toMap();

  /**
   * The row as a Java record: each component takes the column of its name, {@code camelCase} or
   * {@code snake_case}.
   *
   * @param <T> the record
   * @param record its class
   * @return a new record
   * @throws IllegalArgumentException when the class is no record, or a component has no column
   */
  <T> T as(Class<T> record);
}
