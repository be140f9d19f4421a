package io.asyncpg.error;

import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The fields of an ErrorResponse or NoticeResponse (manual, "Error and Notice Message Fields").
 *
 * @param severity ERROR, FATAL, PANIC, WARNING, NOTICE, DEBUG, INFO or LOG; never localised where
 *     the server says so (9.6 and later)
 * @param localizedSeverity the severity in the server's language
 * @param sqlState the five characters of the SQLSTATE, digits and capital letters; {@code XX000}
 *     when the server sent none
 * @param message the primary message; empty when the server sent none
 * @param detail a secondary message, or null
 * @param hint what to do about it, or null
 * @param position where in the SQL, counted in characters from 1; 0 when not said
 * @param internalPosition as {@code position}, for {@code internalQuery}; 0 when not said
 * @param internalQuery the text of a failed internally generated command, or null
 * @param context a call stack of the server's procedural functions, or null
 * @param schema the schema the error is about, or null
 * @param table the table the error is about, or null
 * @param column the column the error is about, or null
 * @param dataType the data type the error is about, or null
 * @param constraint the constraint the error is about, or null
 * @param file the server's source file, or null
 * @param line the line in the server's source file; 0 when not said
 * @param routine the server's source routine, or null
 * @serial exclude
 */
@SuppressWarnings("InvalidBlockTag") // @serial is for javadoc, which asks for comments otherwise
public record Diagnostic(
    String severity,
    String localizedSeverity,
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
    @Nullable String routine)
    implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final List<String> SESSION_ENDING = List.of("FATAL", "PANIC");

  /**
   * Whether the server ends the session with this message.
   *
   * @return true for FATAL and PANIC
   */
  public boolean endsSession() {
    return SESSION_ENDING.contains(severity);
  }
}
