package io.asyncpg.client.session;

import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What the server reports of its settings, within bounds. Changed on the event loop only. */
final class ParameterStatuses {
  /** PostgreSQL reports some twenty settings of a few characters; extensions add to them. */
  private static final int MOST = 1000;

  private static final int MOST_CHARACTERS = 1 << 20;

  private final Map<String, String> values = new ConcurrentHashMap<>();

  /** The length of all names and values. */
  private int characters;

  /** All of them, by name, for any thread to read. */
  Map<String, String> values() {
    return values;
  }

  /**
   * Takes what the server says.
   *
   * @return the value before; null if it is new
   * @throws PgConnectionException when text would be read and written wrongly from now on
   * @throws PgProtocolException when it is more than any PostgreSQL reports
   */
  @Nullable String report(BackendMessage.ParameterStatus status) {
    if (status.name().equals("client_encoding")
        && !status.value().equals("UTF8")
        && !status.value().equals("UNICODE")) { // another name of it
      throw new PgConnectionException(
          "client_encoding was set to "
              + status.value()
              + ", in which text would be read and written wrongly: this client speaks UTF8 only,"
              + " and the server converts; do not set it",
          RetrySafety.UNKNOWN,
          null);
    }
    String before = values.get(status.name());
    int length =
        characters
            + status.value().length()
            + (before == null ? status.name().length() : -before.length());
    if (length > MOST_CHARACTERS || (before == null && values.size() == MOST)) {
      throw new PgProtocolException(
          "the server reports more than "
              + MOST
              + " settings, or more than "
              + MOST_CHARACTERS
              + " characters of them: no PostgreSQL does",
          RetrySafety.UNKNOWN,
          null);
    }
    characters = length;
    values.put(status.name(), status.value());
    return before;
  }
}
