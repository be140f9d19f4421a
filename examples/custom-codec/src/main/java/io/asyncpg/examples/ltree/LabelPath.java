package io.asyncpg.examples.ltree;

import java.util.List;

/**
 * A path through a tree: what PostgreSQL's extension ltree calls a value.
 *
 * @param labels from the root on; none for the root itself
 */
public record LabelPath(List<String> labels) {
  /**
   * Checks what the server would refuse.
   *
   * @param labels not empty each, and without dots
   */
  public LabelPath {
    labels = List.copyOf(labels);
    for (String label : labels) {
      if (label.isEmpty() || label.indexOf('.') >= 0) {
        throw new IllegalArgumentException("labels: \"" + label + "\" cannot be part of a path");
      }
    }
  }

  /**
   * A path as PostgreSQL writes it.
   *
   * @param text labels with dots between them
   * @return the path
   */
  public static LabelPath of(String text) {
    return new LabelPath(text.isEmpty() ? List.of() : List.of(text.split("\\.", -1)));
  }

  /**
   * The path one step further down.
   *
   * @param label where to
   * @return another path
   */
  public LabelPath child(String label) {
    return of(labels.isEmpty() ? label : this + "." + label);
  }

  /** As PostgreSQL writes it. */
  @Override
  public String toString() {
    return String.join(".", labels);
  }
}
