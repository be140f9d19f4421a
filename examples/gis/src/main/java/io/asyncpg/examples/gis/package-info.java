/** A map out of PostGIS. Begin with {@link io.asyncpg.examples.gis.Gis}. */
@NullMarked
package io.asyncpg.examples.gis;

import org.jspecify.annotations.NullMarked;
