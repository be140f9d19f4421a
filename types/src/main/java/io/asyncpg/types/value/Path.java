package io.asyncpg.types.value;

import java.util.List;

/**
 * Points joined by lines.
 *
 * @param points the points in their order
 * @param isClosed whether the last is joined to the first
 */
public record Path(List<Point> points, boolean isClosed) {
  /**
   * Copies the points.
   *
   * @param points the points in their order
   * @param isClosed whether the last is joined to the first
   */
  public Path {
    points = List.copyOf(points);
  }
}
