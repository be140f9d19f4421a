/**
 * Many connections to one database, lent to many borrowers. Begin with {@link
 * io.asyncpg.pool.PgPool}; what can be chosen is in {@link io.asyncpg.pool.PoolConfig}.
 *
 * <p>Who gets which connection, who waits, and what has to go is decided in one class without
 * threads, PoolState, and carried out in another, Pool. Both know sessions by the client's public
 * face and by its two doors for pools, {@code Connector} and {@code PooledSession}, and have never
 * heard of the wire.
 */
@NullMarked
package io.asyncpg.pool;

import org.jspecify.annotations.NullMarked;
