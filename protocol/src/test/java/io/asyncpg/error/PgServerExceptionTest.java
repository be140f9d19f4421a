package io.asyncpg.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class PgServerExceptionTest {
  private static final Diagnostic DUPLICATE =
      new Diagnostic(
          "ERROR",
          "FEHLER",
          "23505",
          "doppelter Schlüsselwert",
          "Schlüssel »(id)=(1)« existiert bereits.",
          "Nimm einen anderen.",
          7,
          9,
          "INSERT INTO inner_table VALUES (1)",
          "SQL function \"f\"",
          "public",
          "users",
          "id",
          "int4",
          "users_pkey",
          "nbtinsert.c",
          666,
          "_bt_check_unique");

  @Test
  void everyFieldOfTheServerIsThere() {
    PgServerException error = error(DUPLICATE, "INSERT INTO users VALUES (1)");
    assertThat(error.sqlState()).isEqualTo("23505");
    assertThat(error.severity()).isEqualTo("ERROR");
    assertThat(error.serverMessage()).isEqualTo("doppelter Schlüsselwert");
    assertThat(error.detail()).isEqualTo("Schlüssel »(id)=(1)« existiert bereits.");
    assertThat(error.hint()).isEqualTo("Nimm einen anderen.");
    assertThat(error.position()).isEqualTo(7);
    assertThat(error.internalPosition()).isEqualTo(9);
    assertThat(error.internalQuery()).isEqualTo("INSERT INTO inner_table VALUES (1)");
    assertThat(error.context()).isEqualTo("SQL function \"f\"");
    assertThat(error.schema()).isEqualTo("public");
    assertThat(error.table()).isEqualTo("users");
    assertThat(error.column()).isEqualTo("id");
    assertThat(error.dataType()).isEqualTo("int4");
    assertThat(error.constraint()).isEqualTo("users_pkey");
    assertThat(error.file()).isEqualTo("nbtinsert.c");
    assertThat(error.line()).isEqualTo(666);
    assertThat(error.routine()).isEqualTo("_bt_check_unique");
    assertThat(error.sql()).isEqualTo("INSERT INTO users VALUES (1)");
    assertThat(error.retrySafety()).isEqualTo(RetrySafety.ROLLED_BACK);
    assertThat(error.diagnostic()).isSameAs(DUPLICATE);
  }

  @Test
  void theMessageReadsLikePsql() {
    assertThat(
            error(
                diagnostic("relation \"missing\" does not exist", 15, 0, null),
                "SELECT * FROM missing"))
        .hasMessage(
            """
            ERROR:  42P01: relation "missing" does not exist
            LINE 1: SELECT * FROM missing
                                  ^""");
  }

  @Test
  void detailHintAndQueryFollowThePlace() {
    assertThat(error(DUPLICATE, "SELECT f(1)"))
        .hasMessage(
            """
            ERROR:  23505: doppelter Schlüsselwert
            LINE 1: SELECT f(1)
                          ^
            DETAIL:  Schlüssel »(id)=(1)« existiert bereits.
            HINT:  Nimm einen anderen.
            QUERY:  INSERT INTO inner_table VALUES (1)""");
  }

  @Test
  void anErrorInsideAFunctionShowsTheInternalQuery() {
    assertThat(error(diagnostic("oh no", 0, 8, "SELECT nope"), "SELECT f()"))
        .hasMessage(
            """
            ERROR:  42P01: oh no
            LINE 1: SELECT nope
                           ^
            QUERY:  SELECT nope""");
  }

  @Test
  void aPositionThatCannotBeShownIsSaid() {
    assertThat(error(diagnostic("oh no", 15, 0, null), null))
        .hasMessage("ERROR:  42P01: oh no at character 15");
    assertThat(error(diagnostic("oh no", 15, 0, null), "SELECT 1"))
        .hasMessage("ERROR:  42P01: oh no at character 15");
    assertThat(error(diagnostic("oh no", 0, 3, null), "SELECT 1"))
        .hasMessage("ERROR:  42P01: oh no at character 3");
  }

  @Test
  void aPasswordInTheSqlIsCoveredAndTheCaretStaysRight() {
    assertThat(
            error(
                diagnostic("syntax error at or near \"LOGGIN\"", 36, 0, null),
                "ALTER ROLE bob PASSWORD 'hunter😀2' LOGGIN"))
        .hasMessage(
            """
            ERROR:  42P01: syntax error at or near "LOGGIN"
            LINE 1: ALTER ROLE bob PASSWORD '********' LOGGIN
                                                       ^""");
  }

  @Test
  void aMegabyteOfDetailIsCut() {
    Diagnostic diagnostic =
        new Diagnostic(
            "ERROR",
            "ERROR",
            "XX000",
            "m",
            "d".repeat(1_000_000),
            null,
            0,
            0,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            0,
            null);
    assertThat(error(diagnostic, null).getMessage()).hasSizeLessThan(3_000).endsWith("d…");
    assertThat(error(diagnostic, null).detail()).hasSize(1_000_000);
  }

  @Test
  void anExceptionSurvivesSerialization() throws IOException, ClassNotFoundException {
    PgServerException error = error(DUPLICATE, "SELECT f(1)");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(error);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject())
          .isExactlyInstanceOf(UniqueViolationException.class)
          .isInstanceOfSatisfying(
              PgServerException.class,
              copy -> {
                assertThat(copy.diagnostic()).isEqualTo(DUPLICATE);
                assertThat(copy.sql()).isEqualTo("SELECT f(1)");
                assertThat(copy.retrySafety()).isEqualTo(RetrySafety.ROLLED_BACK);
                assertThat(copy).hasMessage(error.getMessage());
              });
    }
  }

  @Test
  void fatalAndPanicEndTheSession() {
    assertThat(DUPLICATE.endsSession()).isFalse();
    Diagnostic fatal =
        new Diagnostic(
            "FATAL", "FATAL", "57P01", "bye", null, null, 0, 0, null, null, null, null, null, null,
            null, null, 0, null);
    assertThat(fatal.endsSession()).isTrue();
    assertThat(error(fatal, null)).isExactlyInstanceOf(AdminShutdownException.class);
  }

  private static PgServerException error(Diagnostic diagnostic, @Nullable String sql) {
    return PgServerException.of(diagnostic, sql, RetrySafety.ROLLED_BACK);
  }

  private static Diagnostic diagnostic(
      String message, int position, int internalPosition, @Nullable String internalQuery) {
    return new Diagnostic(
        "ERROR",
        "ERROR",
        "42P01",
        message,
        null,
        null,
        position,
        internalPosition,
        internalQuery,
        "PL/pgSQL function f() line 1 at SQL statement",
        null,
        null,
        null,
        null,
        null,
        null,
        0,
        null);
  }
}
