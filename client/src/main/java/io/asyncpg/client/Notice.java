package io.asyncpg.client;

import io.asyncpg.error.Diagnostic;
import org.jspecify.annotations.Nullable;

/**
 * A message of the server that is no error: what RAISE NOTICE says, a warning, a hint about a
 * command (manual, "Error and Notice Message Fields").
 *
 * @param severity WARNING, NOTICE, DEBUG, INFO or LOG; never localised
 * @param sqlState the five characters of the SQLSTATE
 * @param message the primary message
 * @param detail a secondary message, or null
 * @param hint what to do about it, or null
 * @param position where in the SQL, counted in characters from 1; 0 when not said
 * @param internalPosition as {@code position}, for {@code internalQuery}; 0 when not said
 * @param internalQuery the text of an internally generated command, or null
 * @param context a call stack of the server's procedural functions, or null
 * @param schema the schema it is about, or null
 * @param table the table it is about, or null
 * @param column the column it is about, or null
 * @param dataType the data type it is about, or null
 * @param constraint the constraint it is about, or null
 * @param file the server's source file, or null
 * @param line the line in it; 0 when not said
 * @param routine the server's source routine, or null
 */
public record Notice(
    String severity,
    String sqlState,
    String message,
    @Nullable String detail,
    @Nullable String hint,
    int position,
    int internalPosition,
    @Nullable String internalQuery,
    @Nullable String context,
    @Nullable String schema,
    @Nullable String table,
    @Nullable String column,
    @Nullable String dataType,
    @Nullable String constraint,
    @Nullable String file,
    int line,
    @Nullable String routine) {

  /**
   * A notice of the fields the server sent.
   *
   * @param d the fields
   * @return the notice
   */
  public static Notice of(Diagnostic d) {
    return new Notice(
        d.severity(),
        d.sqlState(),
        d.message(),
        d.detail(),
        d.hint(),
        d.position(),
        d.internalPosition(),
        d.internalQuery(),
        d.context(),
        d.schema(),
        d.table(),
        d.column(),
        d.dataType(),
        d.constraint(),
        d.file(),
        d.line(),
        d.routine());
  }
}
