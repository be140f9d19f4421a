/**
 * What can go wrong, as exceptions: a class for what a caller would do differently, fields for the
 * rest. Misuse of the API is not here: that is an {@link IllegalArgumentException} or an {@link
 * IllegalStateException}.
 *
 * @serial exclude
 */
@NullMarked
package io.asyncpg.error;

import org.jspecify.annotations.NullMarked;
