/**
 * One connection's life on its event loop. Begin with {@link io.asyncpg.client.session.Session}; a
 * request and its answer are an {@link io.asyncpg.client.session.Exchange}. Nothing here is called
 * from user threads but the handles, {@link io.asyncpg.client.session.Connection} and what it gives
 * out.
 */
@NullMarked
package io.asyncpg.client.session;

import org.jspecify.annotations.NullMarked;
