package io.asyncpg.geometry;

import org.jspecify.annotations.Nullable;

/** The kinds of geometry that PostGIS knows, by their code in EWKB and in a column's modifier. */
public enum GeometryType {
  /** Any kind: what a column without a kind of its own holds. No value is of this. */
  GEOMETRY(0, "Geometry"),
  /** A point. */
  POINT(1, "Point"),
  /** Points joined by straight lines. */
  LINE_STRING(2, "LineString"),
  /** A ring and the rings of its holes. */
  POLYGON(3, "Polygon"),
  /** Points. */
  MULTI_POINT(4, "MultiPoint"),
  /** Line strings. */
  MULTI_LINE_STRING(5, "MultiLineString"),
  /** Polygons. */
  MULTI_POLYGON(6, "MultiPolygon"),
  /** Geometries of any kind. */
  GEOMETRY_COLLECTION(7, "GeometryCollection"),
  /** Points joined by arcs; JTS has none. */
  CIRCULAR_STRING(8, "CircularString"),
  /** Lines and arcs, end to end; JTS has none. */
  COMPOUND_CURVE(9, "CompoundCurve"),
  /** A polygon whose rings may be curved; JTS has none. */
  CURVE_POLYGON(10, "CurvePolygon"),
  /** Curves of any kind; JTS has none. */
  MULTI_CURVE(11, "MultiCurve"),
  /** Polygons whose rings may be curved; JTS has none. */
  MULTI_SURFACE(12, "MultiSurface"),
  /** Polygons that share edges; JTS has none. */
  POLYHEDRAL_SURFACE(15, "PolyhedralSurface"),
  /** Triangles that share edges; JTS has none. */
  TIN(16, "Tin"),
  /** A triangle; JTS has none. */
  TRIANGLE(17, "Triangle");

  private static final GeometryType[] BY_CODE = new GeometryType[18];

  static {
    for (GeometryType type : values()) {
      BY_CODE[type.code] = type;
    }
  }

  private final int code;
  private final String sqlName;

  GeometryType(int code, String sqlName) {
    this.code = code;
    this.sqlName = sqlName;
  }

  /**
   * The code in EWKB, without flags.
   *
   * @return 0 to 17
   */
  public int code() {
    return code;
  }

  /**
   * The name as PostGIS writes it.
   *
   * @return {@code LineString}
   */
  public String sqlName() {
    return sqlName;
  }

  /** The type of a code; null where there is none. */
  static @Nullable GeometryType of(int code) {
    return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
  }
}
