/**
 * Bytes to Java values and back, for every type of PostgreSQL. Nothing here knows of messages,
 * sockets or threads.
 *
 * <p>Begin with {@link io.asyncpg.types.Codec}: one format of one family of types. {@link
 * io.asyncpg.types.CodecRegistry} finds the codec for a type and a Java class; {@link
 * io.asyncpg.types.ValueReader} and {@link io.asyncpg.types.ValueWriter} are the only classes that
 * touch value bytes. The list of what is supported is {@code StandardCodecs}, a line a type.
 */
@NullMarked
package io.asyncpg.types;

import org.jspecify.annotations.NullMarked;
