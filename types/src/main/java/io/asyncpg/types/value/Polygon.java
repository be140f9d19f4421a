package io.asyncpg.types.value;

import java.util.List;

/**
 * The area inside a closed path.
 *
 * @param points its corners in their order
 */
public record Polygon(List<Point> points) {
  /**
   * Copies the points.
   *
   * @param points its corners in their order
   */
  public Polygon {
    points = List.copyOf(points);
  }
}
