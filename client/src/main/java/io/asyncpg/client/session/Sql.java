package io.asyncpg.client.session;

import io.asyncpg.error.PgException;
import io.asyncpg.types.PgType;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What has to be known of an SQL text without understanding it. */
final class Sql {
  /** Statements that leave nothing in their session, unless a function that they call does. */
  private static final Set<String> PLAIN_STATEMENTS = Set.of("select", "values", "with", "table");

  /** Statements that may fire triggers, which may do anything. */
  private static final Set<String> WRITES = Set.of("insert", "update", "delete", "merge");

  /**
   * Statements that may commit what they have done before they end, and those that PostgreSQL
   * refuses in a transaction block, as they commit by themselves.
   */
  private static final Set<String> COMMITTING =
      Set.of(
          "analyze", "call", "cluster", "commit", "discard", "do", "end", "prepare", "reindex",
          "vacuum");

  /** Statements that are refused in a transaction block where they name one of the next. */
  private static final Set<String> DEFINING = Set.of("alter", "create", "drop");

  private static final List<String> DEFINED_OUTSIDE_BLOCKS =
      List.of("concurrently", "database", "subscription", "system", "tablespace");

  /** Words behind which a parenthesis is no function's, and functions without any effect. */
  private static final Set<String> HARMLESS_BEFORE_PARENTHESIS =
      Pattern.compile("\\s+")
          .splitAsStream(
              """
          all and any array as between by case conflict cube distinct else end except exists filter
          from full group grouping having ilike in inner intersect into join key lateral left like
          limit matched materialized not of offset on only or order outer over partition recursive returning
          right rollup row rows select set sets similar some then to union unique update using
          values when where window with within
          bigint bit char character decimal double float int integer interval numeric real smallint
          text time timestamp timestamptz varchar varying
          abs age any_value array_agg array_append array_cat array_length array_position
          array_prepend array_remove array_to_string avg bit_and bit_or bool_and bool_or btrim
          cardinality cast ceil ceiling char_length clock_timestamp coalesce concat concat_ws count
          cume_dist current_setting date_bin date_part date_trunc decode dense_rank encode every exp
          extract first_value floor format gen_random_uuid generate_series greatest initcap
          json_agg json_build_array json_build_object json_object_agg jsonb_agg
          jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
          jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path
          jsonb_extract_path_text jsonb_object_agg jsonb_object_keys jsonb_set jsonb_strip_nulls
          lag last_value lead least length ln log lower lpad ltrim make_date make_interval
          make_timestamp make_timestamptz max md5 min mod nextval now nth_value ntile nullif
          num_nonnulls num_nulls octet_length overlay percent_rank percentile_cont percentile_disc
          pg_backend_pid pg_notify pg_sleep pg_typeof position power random rank regexp_match
          regexp_matches regexp_replace repeat replace reverse round row_number row_to_json rpad
          rtrim sha256 sign split_part sqrt starts_with statement_timestamp stddev string_agg
          string_to_array strpos substr substring sum to_char to_date to_json to_jsonb to_number
          to_timestamp transaction_timestamp translate trim trunc unnest upper variance width_bucket
          """
                  .strip())
          .collect(Collectors.toUnmodifiableSet());

  /** Words behind which a name with a parenthesis is that of a table, or an alias. */
  private static final Set<String> NAMES_FOLLOW = Set.of("into", "as", "with", "recursive");

  private Sql() {}

  /**
   * Whether a statement may leave something in its session that another borrower must not find: a
   * setting, a lock, a cursor, a channel that is listened to. It does not if it reads rows and
   * calls only functions known to do nothing else. What a view or an operator does behind its back
   * is not seen.
   */
  static boolean mayLeaveTraces(String sql) {
    int at = beginning(sql);
    if (sql.indexOf('\\') >= 0 || !PLAIN_STATEMENTS.contains(lower(sql, at, endOfWord(sql, at)))) {
      return true;
    }
    String before = "";
    String name = ""; // what a parenthesis that comes now belongs to
    boolean dotted = false;
    while (at < sql.length()) {
      char c = sql.charAt(at);
      int end = at + 1;
      if (isWord(c) || c == '"') {
        end = c == '"' ? endOfQuoted(sql, at, '"', false) : endOfWord(sql, at);
        String word = lower(sql, at, end);
        // FOR UPDATE and FOR NO KEY UPDATE write nothing.
        if (WRITES.contains(word) && !dotted && !name.equals("for") && !name.equals("key")) {
          return true;
        }
        before = dotted ? before : name;
        name = dotted ? name + "." + word : word;
        dotted = false;
      } else if (Character.isWhitespace(c)) {
        end = at + 1;
      } else if (sql.startsWith("--", at) || sql.startsWith("/*", at)) {
        end = at + beginning(sql.substring(at));
      } else if (c == '.') {
        dotted = true;
      } else if (c == ';') {
        return beginning(sql.substring(end)) < sql.length() - end; // another statement
      } else if (c == '(' && !isHarmless(before, name)) {
        return true;
      } else {
        end = c == '\'' ? endOfQuoted(sql, at, c, false) : end;
        end = c == '$' ? endOfDollarQuoted(sql, at) : end;
        before = "";
        name = "";
        dotted = false;
      }
      at = end;
    }
    return false;
  }

  private static boolean isHarmless(String before, String name) {
    return name.isEmpty()
        || NAMES_FOLLOW.contains(before)
        || HARMLESS_BEFORE_PARENTHESIS.contains(
            name.startsWith("pg_catalog.") ? name.substring("pg_catalog.".length()) : name);
  }

  private static int endOfWord(String sql, int at) {
    int end = at;
    while (end < sql.length()
        && (isWord(sql.charAt(end)) || (end > at && sql.charAt(end) == '$'))) {
      end++;
    }
    return end;
  }

  private static String lower(String sql, int from, int to) {
    return sql.substring(from, to).toLowerCase(Locale.ROOT);
  }

  /**
   * Whether a single statement may begin a transaction block: it starts with B or S, or with
   * something that is no letter, a comment perhaps.
   */
  static boolean mayOpenTransaction(String sql) {
    for (int i = 0; i < sql.length(); i++) {
      char c = sql.charAt(i);
      if (!Character.isWhitespace(c)) {
        boolean letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter) {
          return true;
        }
        return sql.regionMatches(true, i, "begin", 0, 5)
            || sql.regionMatches(true, i, "start", 0, 5);
      }
    }
    return false;
  }

  /** Whether one of a script's statements may begin a transaction block: a word of it says so. */
  static boolean scriptMayOpenTransaction(String sql) {
    for (int i = sql.length() - 5; i >= 0; i--) {
      char c = (char) (sql.charAt(i) | 0x20);
      if ((c == 'b' && sql.regionMatches(true, i, "begin", 0, 5))
          || (c == 's' && sql.regionMatches(true, i, "start", 0, 5))) {
        return true;
      }
    }
    return false;
  }

  /**
   * Whether a single statement may have committed something when it fails, so that it cannot be run
   * again: by its first word, and so for no function that commits by a way of its own.
   */
  static boolean mayCommit(String sql) {
    int at = beginning(sql);
    String word = lower(sql, at, endOfWord(sql, at));
    if (DEFINING.contains(word)) {
      String all = sql.toLowerCase(Locale.ROOT);
      return DEFINED_OUTSIDE_BLOCKS.stream().anyMatch(all::contains);
    }
    return COMMITTING.contains(word) || sql.startsWith(";", at);
  }

  /**
   * Whether a script may be more than one statement: there is something behind a semicolon. One in
   * a string counts too, which costs no more than a wait.
   */
  static boolean mayBeSeveral(String sql) {
    int semicolon = sql.indexOf(';');
    return semicolon >= 0 && semicolon + 1 + beginning(sql.substring(semicolon + 1)) < sql.length();
  }

  /** Whether a single statement is a COPY whose data comes from the client. */
  static boolean isCopyFromClient(String sql) {
    return isCopy(sql) && mayReadFromClient(sql);
  }

  /** Whether a single statement is a COPY whose data goes to the client. */
  static boolean isCopyToClient(String sql) {
    return isCopy(sql) && sql.toLowerCase(Locale.ROOT).contains("stdout");
  }

  private static boolean isCopy(String sql) {
    return sql.regionMatches(true, beginning(sql), "copy", 0, 4);
  }

  /** Where the first word begins, behind space and comments. */
  private static int beginning(String sql) {
    int at = 0;
    while (at < sql.length()) {
      if (Character.isWhitespace(sql.charAt(at))) {
        at++;
      } else if (sql.startsWith("--", at)) {
        int end = sql.indexOf('\n', at);
        at = end < 0 ? sql.length() : end + 1;
      } else if (sql.startsWith("/*", at)) {
        at = behindComment(sql, at);
      } else {
        break;
      }
    }
    return at;
  }

  /** Such comments nest. */
  private static int behindComment(String sql, int from) {
    int depth = 0;
    int at = from;
    do {
      if (sql.startsWith("/*", at)) {
        depth++;
        at += 2;
      } else if (sql.startsWith("*/", at)) {
        depth--;
        at += 2;
      } else {
        at++;
      }
    } while (depth > 0 && at < sql.length());
    return at;
  }

  /** Whether a script may ask for the data of a COPY: none does without this word. */
  static boolean mayReadFromClient(String sql) {
    return sql.toLowerCase(Locale.ROOT).contains("stdin");
  }

  static IllegalArgumentException copyRefused(String sql, String remedy) {
    return new IllegalArgumentException(
        "COPY from or to the client is no query: use " + remedy + ": " + PgException.quoted(sql));
  }

  /** A type as SQL names it. */
  static String type(PgType type) {
    return identifier(type.schema()) + "." + identifier(type.name());
  }

  static String identifier(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  /**
   * Puts literals in the place of parameters. What looks like a parameter inside a string, an
   * identifier or a comment is none.
   *
   * @param backslashes whether a backslash escapes in a string without E, too
   */
  static String inline(String sql, List<String> literals, boolean backslashes) {
    StringBuilder out = new StringBuilder(sql.length() + 16 * literals.size());
    int at = 0;
    while (at < sql.length()) {
      char c = sql.charAt(at);
      int end = at + 1;
      if (c == '\'') {
        boolean escapes = backslashes || (at > 0 && isE(sql, at - 1));
        end = endOfQuoted(sql, at, '\'', escapes);
      } else if (c == '"') {
        end = endOfQuoted(sql, at, '"', false);
      } else if (sql.startsWith("--", at)) {
        int line = sql.indexOf('\n', at);
        end = line < 0 ? sql.length() : line;
      } else if (sql.startsWith("/*", at)) {
        end = endOfComment(sql, at);
      } else if (isWord(c)) {
        // A $ inside a word is part of it.
        while (end < sql.length() && (isWord(sql.charAt(end)) || sql.charAt(end) == '$')) {
          end++;
        }
      } else if (c == '$') {
        int digits = end;
        while (digits < sql.length() && isDigit(sql.charAt(digits))) {
          digits++;
        }
        if (digits > end && digits - end <= 5) {
          int parameter = Integer.parseInt(sql.substring(end, digits));
          if (parameter >= 1 && parameter <= literals.size()) {
            out.append(literals.get(parameter - 1));
            at = digits;
            continue;
          }
        } else if (digits == end) {
          end = endOfDollarQuoted(sql, at);
        }
      }
      out.append(sql, at, end);
      at = end;
    }
    return out.toString();
  }

  /** Whether the string that begins behind it is an E'…' string, and no word's end. */
  private static boolean isE(String sql, int at) {
    return (sql.charAt(at) | 0x20) == 'e' && (at == 0 || !isWord(sql.charAt(at - 1)));
  }

  private static boolean isWord(char c) {
    return c == '_' || c >= 0x80 || isDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static int endOfQuoted(String sql, int at, char quote, boolean backslashes) {
    for (int i = at + 1; i < sql.length(); i++) {
      char c = sql.charAt(i);
      if (c == '\\' && backslashes) {
        i++;
      } else if (c == quote) {
        return i + 1; // a doubled quote begins another string at once: the same to us
      }
    }
    return sql.length();
  }

  /** Comments nest. */
  private static int endOfComment(String sql, int at) {
    int depth = 0;
    int i = at;
    while (i < sql.length()) {
      if (sql.startsWith("/*", i)) {
        depth++;
        i += 2;
      } else if (sql.startsWith("*/", i)) {
        depth--;
        i += 2;
        if (depth == 0) {
          return i;
        }
      } else {
        i++;
      }
    }
    return sql.length();
  }

  private static int endOfDollarQuoted(String sql, int at) {
    int tag = at + 1;
    while (tag < sql.length() && isWord(sql.charAt(tag))) {
      tag++;
    }
    if (tag >= sql.length() || sql.charAt(tag) != '$') {
      return at + 1;
    }
    String delimiter = sql.substring(at, tag + 1);
    int end = sql.indexOf(delimiter, tag + 1);
    return end < 0 ? sql.length() : end + delimiter.length();
  }
}
