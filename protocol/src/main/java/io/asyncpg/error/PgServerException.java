package io.asyncpg.error;

import org.jspecify.annotations.Nullable;

/**
 * The server's own error, with every field it sent. Its subclasses are the SQLSTATE classes and,
 * below these, the conditions that callers act on; a code without a class of its own arrives as its
 * SQLSTATE class, or as this.
 *
 * <p>{@link #getMessage()} reads like psql with VERBOSITY set to verbose, without CONTEXT and
 * LOCATION:
 *
 * <pre>
 * ERROR:  42P01: relation "missing" does not exist
 * LINE 1: SELECT * FROM missing
 *                       ^
 * </pre>
 *
 * DETAIL, HINT and QUERY follow where the server sent them, ROW or STATEMENT where a batch failed;
 * passwords in SQL are covered. DETAIL is the server's word and may quote a row's values; {@link
 * #serverMessage()} is the primary message alone.
 */
public non-sealed class PgServerException extends PgException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN_FIELD = 2_000;

  /** All that the server said. */
  private final Diagnostic diagnostic;

  private long row = -1;
  private int statement = -1;

  PgServerException(Diagnostic diagnostic, @Nullable String sql, RetrySafety retrySafety) {
    super(diagnostic.message(), sql, retrySafety, null);
    this.diagnostic = diagnostic;
  }

  /**
   * The exception for what the server said: the class made for its SQLSTATE, or for the first two
   * characters of it.
   *
   * @param diagnostic what the server said
   * @param sql the SQL of the request, or null where there is none
   * @param retrySafety what became of the request
   * @return the exception, not thrown
   */
  public static PgServerException of(
      Diagnostic diagnostic, @Nullable String sql, RetrySafety retrySafety) {
    return InvalidCachedStatementException.is(diagnostic)
        ? new InvalidCachedStatementException(diagnostic, sql, retrySafety)
        : Conditions.exception(diagnostic, sql, retrySafety);
  }

  /**
   * The exception for what the server said of one row of many.
   *
   * @param diagnostic what the server said
   * @param sql the SQL of the request, or null where there is none
   * @param retrySafety what became of the request
   * @param row which row of those given it was about, from 0; -1 where that is not known
   * @return the exception, not thrown
   */
  public static PgServerException of(
      Diagnostic diagnostic, @Nullable String sql, RetrySafety retrySafety, long row) {
    PgServerException exception = of(diagnostic, sql, retrySafety);
    exception.row = row;
    return exception;
  }

  /**
   * The exception for what the server said of one statement of a batch.
   *
   * @param diagnostic what the server said
   * @param sql the statement's SQL, or null where there is none
   * @param retrySafety what became of the batch
   * @param statement which statement of the batch it was about, from 0
   * @return the exception, not thrown
   */
  public static PgServerException ofStatement(
      Diagnostic diagnostic, @Nullable String sql, RetrySafety retrySafety, int statement) {
    PgServerException exception = of(diagnostic, sql, retrySafety);
    exception.statement = statement;
    return exception;
  }

  /**
   * Which statement of a batch of different ones failed.
   *
   * @return its index, from 0; -1 when the request was no such batch
   */
  public final int statement() {
    return statement;
  }

  /**
   * Which row of those given to a batch failed.
   *
   * @return its index, from 0; -1 when the request was no batch, or all rows had run
   */
  public final long row() {
    return row;
  }

  /**
   * All that the server said.
   *
   * @return the fields of its message
   */
  public final Diagnostic diagnostic() {
    return diagnostic;
  }

  /**
   * The error's code. Compare it with the constants of {@link SqlState}.
   *
   * @return five characters
   */
  public final String sqlState() {
    return diagnostic.sqlState();
  }

  /**
   * How bad it is, never in another language.
   *
   * @return ERROR; FATAL or PANIC when the session is over
   */
  public final String severity() {
    return diagnostic.severity();
  }

  /**
   * The primary message, in the server's language.
   *
   * @return usually one line
   */
  public final String serverMessage() {
    return diagnostic.message();
  }

  /**
   * More about the problem; it may hold values of the row in question.
   *
   * @return one or more lines, or null
   */
  public final @Nullable String detail() {
    return diagnostic.detail();
  }

  /**
   * What to do about it, which may not always help.
   *
   * @return one or more lines, or null
   */
  public final @Nullable String hint() {
    return diagnostic.hint();
  }

  /**
   * Where in {@link #sql()} the problem is.
   *
   * @return in characters (code points) from 1; 0 when the server does not say
   */
  public final int position() {
    return diagnostic.position();
  }

  /**
   * Where in {@link #internalQuery()} the problem is.
   *
   * @return in characters (code points) from 1; 0 when the server does not say
   */
  public final int internalPosition() {
    return diagnostic.internalPosition();
  }

  /**
   * The command that failed inside the server, such as one in a PL/pgSQL function.
   *
   * @return its SQL, or null when it was the caller's own
   */
  public final @Nullable String internalQuery() {
    return diagnostic.internalQuery();
  }

  /**
   * Which functions the server was in, the innermost first, one a line.
   *
   * @return the call stack, or null
   */
  public final @Nullable String context() {
    return diagnostic.context();
  }

  /**
   * The schema of what the error is about.
   *
   * @return its name, or null
   */
  public final @Nullable String schema() {
    return diagnostic.schema();
  }

  /**
   * The table the error is about.
   *
   * @return its name, or null
   */
  public final @Nullable String table() {
    return diagnostic.table();
  }

  /**
   * The column the error is about.
   *
   * @return its name, or null
   */
  public final @Nullable String column() {
    return diagnostic.column();
  }

  /**
   * The data type the error is about.
   *
   * @return its name, or null
   */
  public final @Nullable String dataType() {
    return diagnostic.dataType();
  }

  /**
   * The constraint the error is about; an index counts as one.
   *
   * @return its name, or null
   */
  public final @Nullable String constraint() {
    return diagnostic.constraint();
  }

  /**
   * The server's source file that reports the error.
   *
   * @return its name, or null
   */
  public final @Nullable String file() {
    return diagnostic.file();
  }

  /**
   * The line in {@link #file()}.
   *
   * @return from 1; 0 when the server does not say
   */
  public final int line() {
    return diagnostic.line();
  }

  /**
   * The server's source routine that reports the error, never in another language.
   *
   * @return its name, or null
   */
  public final @Nullable String routine() {
    return diagnostic.routine();
  }

  /**
   * What the server said, as psql prints it: severity, SQLSTATE and message, the line of the SQL
   * with a caret below the place, DETAIL, HINT and QUERY.
   *
   * @return one or more lines
   */
  @Override
  public String getMessage() {
    StringBuilder text = new StringBuilder(severity()).append(":  ");
    text.append(sqlState()).append(": ").append(serverMessage());
    appendPlace(text);
    appendField(text, "DETAIL:  ", detail());
    appendField(text, "HINT:  ", hint());
    String query = internalQuery();
    appendField(text, "QUERY:  ", query == null ? null : withoutPasswords(query));
    if (row >= 0) {
      text.append("\nROW:  ").append(row).append(" (the first is 0)");
    }
    if (statement >= 0) {
      text.append("\nSTATEMENT:  ").append(statement).append(" (the first is 0)");
    }
    return text.toString();
  }

  /** The place in the caller's SQL, or, if the error is not there, in the server's internal one. */
  private void appendPlace(StringBuilder text) {
    int place = position() > 0 ? position() : internalPosition();
    String source = position() > 0 ? sql() : internalQuery();
    if (place <= 0) {
      return;
    }
    String shown = source == null ? null : SqlPosition.show(withoutPasswords(source), place);
    if (shown == null) {
      text.append(" at character ").append(place);
    } else {
      text.append('\n').append(shown);
    }
  }

  private static void appendField(StringBuilder text, String label, @Nullable String value) {
    if (value != null) {
      boolean fits = value.length() <= SHOWN_FIELD;
      text.append('\n').append(label).append(fits ? value : value.substring(0, SHOWN_FIELD) + "…");
    }
  }
}
