package io.asyncpg.types.value;

/**
 * A circle.
 *
 * @param center its middle
 * @param radius half its width, not negative
 */
public record Circle(Point center, double radius) {}
