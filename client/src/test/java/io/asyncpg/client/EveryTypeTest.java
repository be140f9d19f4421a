package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.PgType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** All types of a live server, and all that its own catalogs hold. */
class EveryTypeTest {
  private static PgConnection connection;

  @BeforeAll
  static void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterAll
  static void close() {
    connection.close();
  }

  @Test
  void everyTypeThatCanBeSelectedCanBeReadAndWritten() {
    record Known(String name, int kind, boolean array) {}
    List<Known> types =
        connection
            .fetch(
                Known.class,
                """
                SELECT quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS name,
                       ascii(t.typtype::text) AS kind, t.typsubscript::text = 'array_subscript_handler' AS array
                FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                WHERE t.typtype <> 'p' AND n.nspname IN ('pg_catalog', 'information_schema')
                """)
            .await();
    assertThat(types).hasSizeGreaterThan(400);
    List<PgFuture<Rows>> answers = new ArrayList<>();
    for (Known type : types) {
      answers.add(
          connection.fetch("SELECT NULL::" + type.name() + ", $1::" + type.name(), (Object) null));
    }
    for (int i = 0; i < answers.size(); i++) {
      Row row = answers.get(i).await().get(0);
      assertThat(row.get(0)).as(types.get(i).name()).isNull();
      assertThat(row.get(1)).as(types.get(i).name()).isNull();
      PgType type = row.columns().get(0).type();
      assertThat(type instanceof PgType.Array)
          .as(types.get(i).name())
          .isEqualTo(types.get(i).array());
      if (type instanceof PgType.Base) {
        assertThat(type).isSameAs(BuiltinTypes.byOid(type.oid()));
      }
    }
  }

  @Test
  void whatTheCatalogsHoldIsReadAndPrintedAsTheServerPrintsIt() {
    List<String> relations =
        connection
            .fetch(
                String.class,
                """
                SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v')
                  AND c.relname NOT LIKE '%\\_numa' -- not on every machine
                """)
            .await();
    assertThat(relations).hasSizeGreaterThan(150);
    for (String relation : relations) {
      List<String> names =
          connection
              .fetch(
                  String.class,
                  "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = $1::text::regclass"
                      + " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                  relation)
              .await();
      // Each column beside its text, made of the same row: views over what goes on now change.
      String both = String.join(", ", names) + ", " + String.join("::text, ", names) + "::text";
      Rows rows = connection.fetch("SELECT " + both + " FROM " + relation + " LIMIT 30").await();
      for (Row row : rows) {
        for (int i = 0; i < names.size(); i++) {
          row.get(i);
          PgType type = row.columns().get(i).type();
          // Whose cast to text is not what their output functions print.
          if (type != BuiltinTypes.BOOL && type != BuiltinTypes.INET) {
            assertThat(row.getString(i))
                .as(relation + "." + names.get(i) + " " + type)
                .isEqualTo(row.getString(names.size() + i));
          }
        }
      }
    }
  }

  @Test
  void rowsOfTheCatalogsAreComposites() {
    for (String table : List.of("pg_type", "pg_class", "pg_proc", "pg_index", "pg_statistic")) {
      Rows rows = connection.fetch("SELECT t, t::text FROM " + table + " t LIMIT 50").await();
      assertThat(rows).isNotEmpty();
      for (Row row : rows) {
        assertThat(Objects.requireNonNull(row.get(0)).toString()).isNotEmpty();
        assertThat(row.getString(0)).as(table).isEqualTo(row.getString(1));
      }
    }
  }
}
