/**
 * The values that PostgreSQL has and the JDK lacks. All are immutable, compare by what the server
 * holds, and print as the server prints them.
 */
@NullMarked
package io.asyncpg.types.value;

import org.jspecify.annotations.NullMarked;
