package io.asyncpg.types.value;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Which transactions were visible at a moment: pg_snapshot and txid_snapshot.
 *
 * @param xmin the oldest transaction that was running
 * @param xmax the first that had not begun
 * @param inProgress those between that were running, ascending
 */
public record Snapshot(long xmin, long xmax, List<Long> inProgress) {
  /**
   * Copies the list.
   *
   * @param xmin the oldest transaction that was running
   * @param xmax the first that had not begun
   * @param inProgress those between that were running, ascending
   */
  public Snapshot {
    inProgress = List.copyOf(inProgress);
  }

  /**
   * Reads what the server prints.
   *
   * @param text as {@code 10:20:10,14,15}
   * @return the snapshot
   * @throws IllegalArgumentException if it is none
   */
  public static Snapshot parse(String text) {
    String[] parts = text.split(":", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException("a snapshot looks like 10:20:10,14,15");
    }
    var inProgress = new ArrayList<Long>();
    if (!parts[2].isEmpty()) {
      for (String each : parts[2].split(",", -1)) {
        inProgress.add(Long.parseLong(each));
      }
    }
    return new Snapshot(Long.parseLong(parts[0]), Long.parseLong(parts[1]), inProgress);
  }

  /** As the server prints it: {@code 10:20:10,14,15}. */
  @Override
  public String toString() {
    return xmin
        + ":"
        + xmax
        + ":"
        + inProgress.stream().map(String::valueOf).collect(Collectors.joining(","));
  }
}
