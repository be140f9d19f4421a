package io.asyncpg.types.value;

/**
 * A line between two points, lseg.
 *
 * @param start one end
 * @param end the other
 */
public record LineSegment(Point start, Point end) {}
