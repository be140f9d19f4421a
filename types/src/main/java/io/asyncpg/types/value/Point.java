package io.asyncpg.types.value;

/**
 * A point on a plane.
 *
 * @param x the abscissa
 * @param y the ordinate
 */
public record Point(double x, double y) {}
