package io.asyncpg.client;

/**
 * A server's version.
 *
 * @param major the major version: 18
 * @param minor the minor version: 1; 0 where there is none
 * @param text what the server calls itself, as in the setting {@code server_version}
 */
public record ServerVersion(int major, int minor, String text) {

  /**
   * Reads the setting {@code server_version}: {@code 18.1}, {@code 15.2 (Debian 15.2-1)}, {@code
   * 19devel}, {@code 9.6.24}.
   *
   * @param text the setting
   * @return the version; what is no number counts as 0
   */
  public static ServerVersion parse(String text) {
    int[] parts = new int[3];
    int at = 0;
    int part = 0;
    while (part < parts.length && at < text.length() && Character.isDigit(text.charAt(at))) {
      int from = at;
      while (at < text.length() && at - from < 9 && Character.isDigit(text.charAt(at))) {
        at++;
      }
      parts[part++] = Integer.parseInt(text.substring(from, at));
      if (at >= text.length() || text.charAt(at) != '.') {
        break;
      }
      at++;
    }
    // Before 10, the first two numbers were the major version; no such server is supported, but
    // forks still call themselves so.
    return new ServerVersion(parts[0], parts[0] < 10 ? parts[2] : parts[1], text);
  }

  @Override
  public String toString() {
    return text;
  }
}
