/**
 * One session with one PostgreSQL server. Begin with {@link io.asyncpg.client.PgConnection}; what
 * runs SQL is a {@link io.asyncpg.client.PgClient}; what it answers is a {@link
 * io.asyncpg.client.PgFuture} of {@link io.asyncpg.client.Rows}.
 *
 * <p>Every method may be called from any thread. No type of the network library shows here; an
 * application that brings its own event loops does so in {@code io.asyncpg.client.netty}.
 */
@NullMarked
package io.asyncpg.client;

import org.jspecify.annotations.NullMarked;
