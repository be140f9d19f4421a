/**
 * Measurements. {@link io.asyncpg.benchmarks.SideBySide} runs this client and its peers, each in a
 * process of its own, slice by slice in turn; {@link io.asyncpg.benchmarks.Micro} the hot parts by
 * themselves.
 */
@NullMarked
package io.asyncpg.benchmarks;

import org.jspecify.annotations.NullMarked;
