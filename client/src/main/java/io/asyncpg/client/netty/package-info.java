/** For applications that bring their own event loops: the only room where Netty shows. */
@NullMarked
package io.asyncpg.client.netty;

import org.jspecify.annotations.NullMarked;
