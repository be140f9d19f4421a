/**
 * json and jsonb as whatever Jackson can bind. Begin with {@link io.asyncpg.json.JacksonCodecs}, or
 * with {@link io.asyncpg.json.Jackson3Codecs} for Jackson 3.
 */
@NullMarked
package io.asyncpg.json;

import org.jspecify.annotations.NullMarked;
