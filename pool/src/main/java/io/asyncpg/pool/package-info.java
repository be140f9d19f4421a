/**
 * The room of the pool: who holds which session, who waits for one, and when one has to go. It will
 * know sessions by the client's public face alone, and nothing of the wire.
 */
@NullMarked
package io.asyncpg.pool;

import org.jspecify.annotations.NullMarked;
