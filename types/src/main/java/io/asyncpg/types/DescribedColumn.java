package io.asyncpg.types;

/**
 * A column as the server describes it: its type, and the modifier that the type was declared with.
 * What an extension takes to tell more of a column of its types, {@code varchar(20)} or {@code
 * geometry(PointZ,4326)}, without depending on the client, whose {@code Column} is one.
 */
public interface DescribedColumn {
  /**
   * The column's name.
   *
   * @return as the result has it; several columns of a result may have the same
   */
  String name();

  /**
   * The column's type.
   *
   * @return the type
   */
  PgType type();

  /**
   * The modifier of the type, whose meaning is the type's own.
   *
   * @return pg_attribute.atttypmod; -1 where there is none
   */
  int typmod();
}
