package io.asyncpg.client;

/**
 * What the server says of a command that is done (manual, "Message Formats", CommandComplete).
 *
 * @param command the command: {@code INSERT}, {@code CREATE TABLE}; empty for SQL without a command
 * @param rows the rows it touched; 0 where the tag has none
 */
public record CommandTag(String command, long rows) {

  /**
   * The tag as the server wrote it.
   *
   * @return for instance {@code INSERT 0 2} or {@code CREATE TABLE}
   */
  @Override
  public String toString() {
    return switch (command) {
      case "INSERT" -> "INSERT 0 " + rows;
      case "SELECT", "UPDATE", "DELETE", "MERGE", "MOVE", "FETCH", "COPY" -> command + " " + rows;
      default -> command;
    };
  }
}
