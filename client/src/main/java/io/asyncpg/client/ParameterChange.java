package io.asyncpg.client;

/**
 * A setting that the server reports has changed: one of those in {@link PgConnection#settings}.
 *
 * @param name the setting, {@code TimeZone} for instance
 * @param value what it is now
 */
public record ParameterChange(String name, String value) {}
