/**
 * PostGIS geometry and geography as JTS geometries, nothing lost. Begin with {@link
 * io.asyncpg.geometry.JtsCodecs}.
 */
@NullMarked
package io.asyncpg.geometry;

import org.jspecify.annotations.NullMarked;
