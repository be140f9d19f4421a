@NullMarked
package io.asyncpg.geometry;

import org.jspecify.annotations.NullMarked;
