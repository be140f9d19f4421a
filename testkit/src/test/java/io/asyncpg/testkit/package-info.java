@NullMarked
package io.asyncpg.testkit;

import org.jspecify.annotations.NullMarked;
