package io.asyncpg.types.value;

/**
 * A rectangle with sides along the axes. The server puts the corners in this order whatever was
 * sent.
 *
 * @param high the upper right corner
 * @param low the lower left corner
 */
public record Box(Point high, Point low) {}
