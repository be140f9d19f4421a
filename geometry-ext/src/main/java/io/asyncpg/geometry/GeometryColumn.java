package io.asyncpg.geometry;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.DescribedColumn;
import io.asyncpg.types.PgType;

/**
 * What a geometry or geography column holds, as its type's modifier says: {@code
 * geometry(PointZ,4326)}.
 *
 * @param type the kind of its geometries, {@link GeometryType#GEOMETRY} for any
 * @param srid their spatial reference system, 0 for any
 * @param hasZ whether they have a Z; false too where nothing is said
 * @param hasM whether they have an M; false too where nothing is said
 */
public record GeometryColumn(GeometryType type, int srid, boolean hasZ, boolean hasM) {
  /**
   * What a column of a result or of a prepared statement holds. Nothing is asked of the server,
   * which has said it with the result.
   *
   * @param column the column, {@code rows.columns().get(i)}: of type geometry or geography, a
   *     domain over one, or an array of one, whose elements are meant
   * @return what its modifier says
   * @throws IllegalArgumentException if the column is of another type
   * @throws PgCodecException if the modifier names a kind of geometry that is unknown here
   */
  public static GeometryColumn of(DescribedColumn column) {
    PgType type = column.type();
    if (!hasSuchModifier(type)) {
      throw new IllegalArgumentException(
          "column \""
              + column.name()
              + "\" is "
              + type.displayName()
              + " but only geometry and geography say what they hold: pass a column of one of these");
    }
    return of(type, column.typmod());
  }

  private static boolean hasSuchModifier(PgType type) {
    return JtsCodecs.isSpatial(type instanceof PgType.Array array ? array.element() : type);
  }

  /**
   * Reads a modifier, where there is one without a column.
   *
   * <pre>
   *   31 29  28    27             8 7      2 1 0
   *   +-----+----+-----------------+--------+-+-+
   *   |     |sign|      SRID       |  type  |Z|M|
   *   +-----+----+-----------------+--------+-+-+
   * </pre>
   *
   * @param type geometry or geography, a domain over one, or an array of one
   * @param typmod its modifier, pg_attribute.atttypmod; -1 where there is none
   * @return what it says
   * @throws IllegalArgumentException if the type is another
   * @throws PgCodecException if the modifier names a kind of geometry that is unknown here
   */
  public static GeometryColumn of(PgType type, int typmod) {
    if (!hasSuchModifier(type)) {
      throw new IllegalArgumentException(
          "type is "
              + type.displayName()
              + " but only geometry and geography have such a modifier");
    }
    if (typmod < 0) {
      return new GeometryColumn(GeometryType.GEOMETRY, 0, false, false);
    }
    GeometryType kind = GeometryType.of((typmod & 0xFC) >> 2);
    if (kind == null) {
      throw new PgCodecException(
          "the modifier " + typmod + " of " + type.displayName() + " names an unknown geometry");
    }
    int srid = ((typmod & 0x0FFF_FF00) - (typmod & 0x1000_0000)) >> 8;
    return new GeometryColumn(kind, srid, (typmod & 2) != 0, (typmod & 1) != 0);
  }
}
