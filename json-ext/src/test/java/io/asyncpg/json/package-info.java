@NullMarked
package io.asyncpg.json;

import org.jspecify.annotations.NullMarked;
