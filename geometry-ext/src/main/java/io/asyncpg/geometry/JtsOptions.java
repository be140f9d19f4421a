package io.asyncpg.geometry;

/**
 * How geometries are read and written. Each method gives new options.
 *
 * @param lenient whether a ring that does not close is closed, and a line of one point made two, as
 *     JTS does; otherwise they are refused, for JTS cannot hold them as they are
 * @param strictGeographyRange whether a geography with a longitude beyond 180° or a latitude beyond
 *     90° is refused; otherwise PostGIS moves it onto the globe, with no more than a NOTICE
 * @param packed whether coordinates lie in one array, which is fast; otherwise each is an object,
 *     which suits algorithms that ask for coordinates over and over
 */
public record JtsOptions(boolean lenient, boolean strictGeographyRange, boolean packed) {
  /**
   * What is used where nothing is said.
   *
   * @return strict reading, no check of ranges, packed coordinates
   */
  public static JtsOptions defaults() {
    return new JtsOptions(false, false, true);
  }

  /**
   * Repairs on reading what JTS cannot hold.
   *
   * @return new options
   */
  public JtsOptions readLeniently() {
    return new JtsOptions(true, strictGeographyRange, packed);
  }

  /**
   * Refuses geographies that lie off the globe.
   *
   * @return new options
   */
  public JtsOptions checkGeographyRange() {
    return new JtsOptions(lenient, true, packed);
  }

  /**
   * Reads each coordinate as an object. A geometry that has room for a Z and not one in it, {@code
   * POINT Z EMPTY} say, is written back without.
   *
   * @return new options
   */
  public JtsOptions coordinateArrays() {
    return new JtsOptions(lenient, strictGeographyRange, false);
  }
}
