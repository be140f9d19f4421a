/** Paths of PostgreSQL's extension ltree, as a record. */
@NullMarked
package io.asyncpg.examples.ltree;

import org.jspecify.annotations.NullMarked;
