/**
 * Bytes to messages and back: the frontend/backend protocol, versions 3.0 and 3.2.
 *
 * <p>Begin with {@link io.asyncpg.protocol.BackendReader} and {@link
 * io.asyncpg.protocol.FrontendWriter}, the only two classes that touch message bytes. Nothing here
 * knows of Java values, sockets or threads.
 */
@NullMarked
package io.asyncpg.protocol;

import org.jspecify.annotations.NullMarked;
