package io.asyncpg.geometry;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.ValueReader;
import java.nio.ByteOrder;

/**
 * What stands before every geometry, those inside others included.
 *
 * <pre>
 *   +-------+-------------------------------------------+------------------+
 *   | order | flags Z 80, M 40, SRID 20  |  type, int32 | SRID, if flagged |
 *   +-------+-------------------------------------------+------------------+
 *     0 big endian, 1 little: this geometry's numbers alone
 * </pre>
 *
 * <p>ISO's codes say Z and M by thousands instead: 1001, 2001, 3001. PostGIS reads them, and so do
 * we; it flags an SRID on the outermost geometry only.
 *
 * @param srid 0 where there is none
 */
record EwkbHeader(ByteOrder order, GeometryType type, boolean hasZ, boolean hasM, int srid) {
  static final int Z = 0x8000_0000;
  static final int M = 0x4000_0000;
  static final int SRID = 0x2000_0000;

  /** PostGIS maps what is beyond to other numbers, with no more than a NOTICE. */
  static final int LARGEST_SRID = 999_999;

  static EwkbHeader read(ValueReader in) {
    int order = in.readUnsignedByte();
    if (order > 1) {
      throw new PgCodecException(
          "no EWKB: its first byte is " + order + ", where 0 or 1 says the byte order");
    }
    ByteOrder numbers = order == 0 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    int word = readInt(in, numbers);
    int code = word & ~(Z | M | SRID);
    GeometryType type = code / 1000 <= 3 ? GeometryType.of(code % 1000) : null;
    if (type == null || type == GeometryType.GEOMETRY) {
      throw new PgCodecException("EWKB of type " + code + ", which is unknown: read it as byte[]");
    }
    int iso = code / 1000;
    int srid = (word & SRID) == 0 ? 0 : readInt(in, numbers);
    if (srid < 0 || srid > LARGEST_SRID) {
      throw new PgCodecException(
          "EWKB with an SRID of " + srid + ", but PostGIS has 0 to " + LARGEST_SRID);
    }
    return new EwkbHeader(
        numbers,
        type,
        (word & Z) != 0 || iso == 1 || iso == 3,
        (word & M) != 0 || iso == 2 || iso == 3,
        srid);
  }

  int dimension() {
    return 2 + measures() + (hasZ ? 1 : 0);
  }

  int measures() {
    return hasM ? 1 : 0;
  }

  /** Reads a count in this geometry's byte order, checked against what is left. */
  int readCount(ValueReader in, int minBytesEach) {
    int count = readInt(in, order);
    if (count < 0 || count > in.remaining() / minBytesEach) {
      throw new PgCodecException(
          "a "
              + type.sqlName()
              + " with a count of "
              + Integer.toUnsignedString(count)
              + ", which the "
              + in.remaining()
              + " bytes after it cannot hold");
    }
    return count;
  }

  private static int readInt(ValueReader in, ByteOrder order) {
    int value = in.readInt();
    return order == ByteOrder.BIG_ENDIAN ? value : Integer.reverseBytes(value);
  }
}
