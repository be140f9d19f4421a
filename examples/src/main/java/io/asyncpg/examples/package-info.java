/** Programs to run and to read. Begin with {@link io.asyncpg.examples.Quickstart}. */
@NullMarked
package io.asyncpg.examples;

import org.jspecify.annotations.NullMarked;
