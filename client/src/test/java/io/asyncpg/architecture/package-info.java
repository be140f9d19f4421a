@NullMarked
package io.asyncpg.architecture;

import org.jspecify.annotations.NullMarked;
