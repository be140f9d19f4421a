package io.asyncpg.client.session;

import io.asyncpg.client.Column;
import io.asyncpg.types.PgType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement that the application holds: what all its handles share. */
final class HeldStatement {
  /** What is known of it, for any thread. */
  record Description(String name, List<PgType> parameters, List<Column> columns) {}

  private final String sql;
  private volatile Description description = new Description("", List.of(), List.of());
  private volatile @Nullable String ended;

  /** On the event loop: what is prepared now. */
  private @Nullable Preparation preparation;

  private @Nullable Preparation described;
  private boolean released;

  HeldStatement(String sql) {
    this.sql = sql;
  }

  String sql() {
    return sql;
  }

  Description description() {
    return description;
  }

  /** Why it may not be used any more; null while it may. */
  @Nullable String ended() {
    return ended;
  }

  void end(String why) {
    if (ended == null) {
      ended = why;
    }
  }

  // ---- On the event loop

  @Nullable Preparation preparation() {
    return preparation;
  }

  /** Nobody holds it any more: what comes late must not prepare it once more. */
  void release() {
    released = true;
  }

  boolean isReleased() {
    return released;
  }

  /**
   * Its preparation: a new one when the last was discarded, could not be made ready, or was made
   * with other types or codecs.
   */
  Preparation preparation(Statements statements) {
    Preparation known = preparation;
    if (known == null || known.failure() != null || !statements.isCurrent(known)) {
      if (known != null) {
        statements.drop(known);
      }
      known = statements.apart(sql);
      preparation = known;
    }
    return known;
  }

  void describe(Preparation ready) {
    if (described != ready) {
      described = ready;
      description = new Description(ready.nameText(), ready.parameters(), ready.shape().columns());
    }
  }

  /** The server has forgotten it. */
  void discard() {
    Preparation known = preparation;
    if (known != null) {
      known.discard();
    }
  }
}
