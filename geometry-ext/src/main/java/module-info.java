/** PostGIS geometry and geography as JTS geometries. */
module io.asyncpg.geometry {
  requires transitive io.asyncpg.types;
  requires transitive org.locationtech.jts;

  exports io.asyncpg.geometry;

  provides io.asyncpg.types.CodecModule with
      io.asyncpg.geometry.JtsCodecs;
}
