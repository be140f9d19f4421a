package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which statements a session has to be reset for. */
class SqlTracesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT 1",
        " -- why\n/* and /* how */ */ select $1::int + 2;",
        "SELECT 1; -- that is all",
        "SELECT count(*), sum ( a ) FROM t WHERE b IN ($1, $2) AND (c OR NOT (d))",
        "SELECT pg_catalog.lower(name) FROM people",
        "SELECT a.b.c, t.x::numeric(10, 2), cast(y AS varchar(3)) FROM a.b, (VALUES (1)) v",
        "WITH RECURSIVE n(i) AS (VALUES (1)) SELECT max(i) OVER (PARTITION BY i) FROM n AS m(i)",
        "SELECT $q$pg_advisory_lock(1)$q$ FROM t WHERE x = E'y' AND z = $1",
        "SELECT a FROM t WHERE note = 'set_config(''a'')' FOR NO KEY UPDATE",
        "SELECT t.update, \"delete\" FROM t FOR UPDATE",
        "TABLE t",
        "VALUES (1), (2)"
      })
  void rowsThatAreReadLeaveNone(String sql) {
    assertThat(Sql.mayLeaveTraces(sql)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "SET work_mem = '1MB'",
        "LISTEN c",
        "BEGIN",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "CALL p()",
        "DO 'BEGIN END'",
        "PREPARE p AS SELECT 1",
        "EXPLAIN ANALYZE SELECT set_config('a.b', 'c', false)",
        "SELECT set_config('a.b', 'c', false)",
        "SELECT pg_advisory_lock /* here */ (1)",
        "SELECT pg_catalog.set_config('a.b', 'c', false)",
        "SELECT app.now()",
        "SELECT \"now\"()",
        "SELECT my_function($1)",
        "INSERT INTO t VALUES (my_function())",
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DO NOTHING",
        "WITH gone AS (DELETE FROM t RETURNING id) SELECT id FROM gone",
        "SELECT 1; SET x.y = 1",
        "SELECT 1; SELECT 2",
        "WITH a AS (SELECT pg_try_advisory_lock(5)) SELECT 1 FROM a",
        "SELECT 'a\\', set_config('a.b', 'c', false) -- '",
        "SELECT 1 FROM t, my_function(1) AS f(x)"
      })
  void whateverElseMay(String sql) {
    assertThat(Sql.mayLeaveTraces(sql)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "CALL p($1)",
        " -- why\n/* and /* how */ */ call p()",
        "do $$ begin end $$",
        "VACUUM (ANALYZE) t",
        "REINDEX TABLE t",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t(a)",
        "DROP DATABASE d",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "COMMIT AND CHAIN",
        "END",
        "PREPARE TRANSACTION 't'",
        "; CALL p()"
      })
  void whatMayCommitByItselfIsKnownByItsBeginning(String sql) {
    assertThat(Sql.mayCommit(sql)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "SELECT 1",
        "(SELECT 1)",
        "INSERT INTO calls VALUES ('call')",
        "CREATE TABLE t(a int)",
        "DROP TABLE t",
        "ALTER TABLE t ADD b int",
        "document",
        "BEGIN",
        "LISTEN c"
      })
  void othersDoNotCommit(String sql) {
    assertThat(Sql.mayCommit(sql)).isFalse();
  }

  @Test
  void aScriptOfSeveralStatementsHasSomethingBehindASemicolon() {
    assertThat(Sql.mayBeSeveral("SELECT 1; SELECT 2")).isTrue();
    assertThat(Sql.mayBeSeveral("; SELECT 2")).isTrue();
    assertThat(Sql.mayBeSeveral("SELECT 1; -- that is all")).isFalse();
    assertThat(Sql.mayBeSeveral("SELECT 1")).isFalse();
    assertThat(Sql.mayBeSeveral("")).isFalse();
  }
}
