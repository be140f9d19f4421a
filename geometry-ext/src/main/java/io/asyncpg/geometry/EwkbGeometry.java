package io.asyncpg.geometry;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.ValueReader;
import java.util.Arrays;

/**
 * A geometry as the bytes PostGIS sent: what curves, surfaces and triangles are read as, since JTS
 * has none, and any geometry if asked for. Nothing is lost; written back, it is the same geometry.
 * Immutable.
 */
public final class EwkbGeometry {
  private final byte[] ewkb;
  private final EwkbHeader header;

  private EwkbGeometry(byte[] ewkb) {
    this.ewkb = ewkb;
    this.header = EwkbHeader.read(new ValueReader(ewkb, 0, ewkb.length));
  }

  /**
   * Takes EWKB, or ISO's WKB, of which only the first bytes are looked at.
   *
   * @param ewkb the bytes, copied
   * @return the geometry
   * @throws PgCodecException if they do not begin as a geometry does
   */
  public static EwkbGeometry of(byte[] ewkb) {
    return new EwkbGeometry(ewkb.clone());
  }

  /** Reads all that is left. */
  static EwkbGeometry read(ValueReader in) {
    return new EwkbGeometry(in.readRemainingBytes());
  }

  /**
   * The kind of geometry.
   *
   * @return never {@link GeometryType#GEOMETRY}
   */
  public GeometryType type() {
    return header.type();
  }

  /**
   * The spatial reference system.
   *
   * @return 0 where there is none
   */
  public int srid() {
    return header.srid();
  }

  /**
   * Whether its points have a Z.
   *
   * @return true for XYZ and XYZM
   */
  public boolean hasZ() {
    return header.hasZ();
  }

  /**
   * Whether its points have an M.
   *
   * @return true for XYM and XYZM
   */
  public boolean hasM() {
    return header.hasM();
  }

  /**
   * The geometry itself.
   *
   * @return EWKB, a copy
   */
  public byte[] toEwkb() {
    return ewkb.clone();
  }

  /** The bytes themselves, which nobody may change. */
  byte[] bytes() {
    return ewkb;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof EwkbGeometry that && Arrays.equals(ewkb, that.ewkb);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(ewkb);
  }

  /**
   * Its kind, dimensions, SRID and size.
   *
   * @return {@code CircularString Z, SRID 4326, 101 bytes}
   */
  @Override
  public String toString() {
    return type().sqlName()
        + (hasZ() || hasM() ? " " + (hasZ() ? "Z" : "") + (hasM() ? "M" : "") : "")
        + ", SRID "
        + srid()
        + ", "
        + ewkb.length
        + " bytes";
  }
}
