package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.value.Composite;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Types that somebody else alters, drops or makes anew while we know them. */
class SchemaChangeTest {
  enum Mood {
    sad,
    ok,
    fresh
  }

  record Item(int a, String b) {}

  record Longer(int a, String b, Integer c) {}

  private PgConnection connection;
  private PgConnection other;

  @BeforeEach
  void createTypes() {
    connection = connect();
    other = connect();
    other
        .execute(
            """
            CREATE SCHEMA change;
            CREATE TYPE mood AS ENUM ('sad', 'ok');
            CREATE TYPE item AS (a int4, b text);
            CREATE DOMAIN dose AS int4;
            CREATE TYPE floats AS RANGE (subtype = float8);
            CREATE TABLE pair(a int4, b text);
            INSERT INTO pair VALUES (1, 'x')
            """)
        .await();
  }

  private static PgConnection connect() {
    return PgConnection.connect(
            PgConfig.parse(TestServer.shared().dsn()).toBuilder()
                .setting("search_path", "change,public")
                .build())
        .await();
  }

  @AfterEach
  void dropTypes() {
    connection.terminate();
    other.execute("DROP SCHEMA change CASCADE").await();
    other.close();
  }

  private Object value(String sql, Object... args) {
    return connection.fetchRow(sql, args).await().orElseThrow().get(0);
  }

  @Test
  void anAlteredTableIsNoticedWhenARowOfItComesAndTheNextCallIsRight() {
    assertThat(((Composite) value("SELECT p FROM pair p")).names()).containsExactly("a", "b");
    other.execute("ALTER TABLE pair ADD COLUMN c int4 DEFAULT 7").await();
    assertThatThrownBy(() -> value("SELECT p FROM pair p"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("column 0 (p, change.pair)")
        .hasMessageContaining("has changed, it has 3 attributes now, not 2");
    assertThat(((Composite) value("SELECT p FROM pair p")).toMap())
        .isEqualTo(Map.of("a", 1, "b", "x", "c", 7));
    other.execute("ALTER TABLE pair DROP COLUMN b").await();
    assertThatThrownBy(() -> value("SELECT p FROM pair p")).isInstanceOf(PgCodecException.class);
    assertThat(((Composite) value("SELECT p FROM pair p")).toMap())
        .isEqualTo(Map.of("a", 1, "c", 7));
    other.execute("ALTER TABLE pair ALTER COLUMN c TYPE text").await();
    assertThatThrownBy(() -> value("SELECT p FROM pair p"))
        .hasMessageContaining("attribute \"c\" is now of type 25, not int4");
    assertThat(((Composite) value("SELECT p FROM pair p")).get("c")).isEqualTo("7");
  }

  @Test
  void itIsNoticedInsideArraysAndOtherCompositesAndByPreparedStatements() {
    other.execute("CREATE TYPE bag AS (items item[])").await();
    String sql = "SELECT ROW(ARRAY[r])::bag FROM (SELECT '(1,x)'::text::item r) s";
    PgStatement statement = connection.prepare(sql).await();
    assertThat(statement.fetchRow().await().orElseThrow().get(0))
        .hasToString("(items=[(a=1, b=x)])");
    other.execute("ALTER TYPE item DROP ATTRIBUTE b").await();
    String now = sql.replace("(1,x)", "(1)");
    assertThatThrownBy(() -> value(now))
        .hasMessageContaining("attribute \"items\" of change.bag: change.item has changed");
    assertThat(value(now)).hasToString("(items=[(a=1)])");
    other.execute("ALTER TYPE item ADD ATTRIBUTE b text").await();
    assertThatThrownBy(() -> statement.fetchRow().await().orElseThrow().get(0))
        .isInstanceOf(PgCodecException.class);
    assertThat(statement.fetchRow().await().orElseThrow().get(0))
        .hasToString("(items=[(a=1, b=x)])");
  }

  @Test
  void theStatementThatSendsAnAlteredCompositeIsRunAgain() {
    assertThat(value("SELECT ($1::item).a", Map.of("a", 1))).isEqualTo(1);
    other.execute("ALTER TYPE item ADD ATTRIBUTE c int4").await();
    assertThat(value("SELECT ($1::item).a", Map.of("a", 2))).isEqualTo(2);
    assertThat(value("SELECT ($1::item).c", new Longer(1, "b", 3))).isEqualTo(3);
    other.execute("CREATE TABLE held(i item)").await();
    connection.executeMany("INSERT INTO held VALUES ($1)", rows(new Longer(1, "b", 3))).await();
    other
        .execute("DROP TABLE held; ALTER TYPE item DROP ATTRIBUTE c; CREATE TABLE held(i item)")
        .await();
    connection.executeMany("INSERT INTO held VALUES ($1)", rows(Map.of("a", 1))).await();
    assertThat(connection.fetch(Item.class, "SELECT (i).* FROM held").await())
        .containsExactly(new Item(1, null));
  }

  private static List<?> rows(Object argument) {
    return List.of(new Object[][] {{argument}});
  }

  @Test
  void insideATransactionTheNextOneIsRight() {
    assertThat(value("SELECT ($1::item).a", Map.of("a", 1))).isEqualTo(1);
    other.execute("ALTER TYPE item ADD ATTRIBUTE c int4").await();
    PgTransaction transaction = connection.begin().await();
    assertThatThrownBy(() -> transaction.fetchRow("SELECT ($1::item).a", Map.of("a", 1)).await())
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("wrong number of columns");
    transaction.rollback().await();
    PgTransaction next = connection.begin().await();
    assertThat(next.fetchValue(Integer.class, "SELECT ($1::item).a", Map.of("a", 1)).await())
        .isEqualTo(1);
    next.rollback().await();
  }

  @Test
  void aRecordOfTheNewShapeIsRefusedOnceAndThenTaken() {
    assertThat(value("SELECT ($1::item).a", new Item(1, "b"))).isEqualTo(1);
    other.execute("ALTER TYPE item ADD ATTRIBUTE c int4").await();
    assertThatThrownBy(() -> value("SELECT ($1::item).a", new Longer(1, "b", 2)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("component \"c\"");
    assertThat(value("SELECT ($1::item).c", new Longer(1, "b", 2))).isEqualTo(2);
    assertThatThrownBy(() -> value("SELECT ($1::item).c", new Item(1, "b")))
        .as("the error is true now, and stays")
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> value("SELECT ($1::item).c", new Item(1, "b")))
        .hasMessageContaining("has 2 components for the 3 attributes of change.item");
  }

  @Test
  void aRecordThatIsAWholeColumnIsReadAtTheSecondTry() {
    String sql = "SELECT ROW(1, 'x')::item AS p";
    assertThat(connection.fetch(Item.class, sql).await()).containsExactly(new Item(1, "x"));
    other.execute("ALTER TYPE item ADD ATTRIBUTE c int4").await();
    String longer = "SELECT ROW(1, 'x', 2)::item AS p";
    assertThatThrownBy(() -> connection.fetch(Longer.class, longer).await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("column 0 (p, change.item): component \"c\"")
        .hasMessageContaining("has no attribute in change.item");
    assertThat(connection.fetch(Longer.class, longer).await())
        .containsExactly(new Longer(1, "x", 2));
  }

  record Misfit(Integer a, Integer b) {}

  record Half(String p, int a) {}

  @Test
  void aRecordThatIsNoWholeColumnSaysWhy() {
    String sql = "SELECT ROW(1, 'x')::item AS p";
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> connection.fetch(Misfit.class, sql).await())
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("column 0 (p, change.item): attribute \"b\"")
          .hasMessageContaining("text cannot be read as java.lang.Integer");
      assertThatThrownBy(() -> connection.fetch(Half.class, sql).await())
          .as("one component is the column's name")
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Half.a has no column");
    }
  }

  @Test
  void anAttributeOfAnotherTypeIsWrittenAtTheSecondTry() {
    other.execute("CREATE TYPE bag AS (items item[], sizes int4[])").await();
    String sql = "SELECT ($1::item).a::text";
    String inBag = "SELECT $1::bag::text";
    Map<String, Object> bag = Map.of("items", List.of(Map.of("a", "old")), "sizes", List.of("S"));
    assertThat(value(sql, Map.of("a", 1))).isEqualTo("1");
    assertThat(value(inBag, Map.of("sizes", List.of(1)))).isEqualTo("(,{1})");
    other
        .execute(
            """
            ALTER TYPE item ALTER ATTRIBUTE a TYPE text;
            ALTER TYPE bag ALTER ATTRIBUTE sizes TYPE text[]
            """)
        .await();
    assertThatThrownBy(() -> value(inBag, bag))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.String cannot become int4");
    assertThat(value(inBag, bag)).isEqualTo("(\"{\"\"(old,)\"\"}\",{S})");
    assertThat(value(sql, Map.of("a", "old"))).isEqualTo("old");
    other.execute("DROP TYPE bag; DROP TYPE item; CREATE TYPE item AS (a bool, b text)").await();
    assertThatThrownBy(() -> value(sql, Map.of("a", true)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.Boolean cannot become text");
    assertThat(value(sql, Map.of("a", true))).isEqualTo("true");
  }

  @Test
  void aRowOfAnAlteredTypeIsCopiedAtTheSecondTry() {
    other.execute("CREATE TABLE held(i item)").await();
    List<String> columns = List.of("i");
    connection.copyRecordsToTable("held", columns, List.of(List.of(Map.of("a", 1)))).await();
    other
        .execute(
            """
            DROP TABLE held; ALTER TYPE item ALTER ATTRIBUTE a TYPE text; CREATE TABLE held(i item)
            """)
        .await();
    List<List<Map<String, String>>> texts = List.of(List.of(Map.of("a", "old")));
    assertThatThrownBy(() -> connection.copyRecordsToTable("held", columns, texts).await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.String cannot become int4");
    connection.copyRecordsToTable("held", columns, texts).await();
    assertThat(value("SELECT (i).a FROM held")).isEqualTo("old");
  }

  @Test
  void aColumnOfAnotherTypeIsWrittenAtTheSecondTry() {
    String sql = "INSERT INTO pair(a) VALUES ($1)";
    PgStatement held = connection.prepare(sql).await();
    connection.execute(sql, 2).await();
    other.execute("ALTER TABLE pair ALTER COLUMN a TYPE int8").await();
    assertThatThrownBy(() -> connection.execute(sql, 1L << 40).await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("does not fit int4");
    connection.execute(sql, 1L << 40).await();
    assertThatThrownBy(() -> held.execute(1L << 40).await())
        .as("prepared before the first doubt")
        .isInstanceOf(PgCodecException.class);
    held.execute(1L << 40).await();
    assertThat(value("SELECT count(*) FROM pair WHERE a = 1::int8 << 40")).isEqualTo(2L);
  }

  @Test
  void anArgumentThatNeverFitsHasItsStatementPreparedAnewOnceASecondAtMost() {
    PgStatement held = connection.prepare("SELECT $1::int4").await();
    long begun = System.nanoTime();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      assertThatThrownBy(() -> held.fetch("x").await()).isInstanceOf(PgCodecException.class);
      assertThat(held.fetchValue(Integer.class, i).await()).isEqualTo(i);
      names.add(held.name());
    }
    long seconds = Duration.ofNanos(System.nanoTime() - begun).toSeconds();
    assertThat(names).hasSizeBetween(1, (int) seconds + 2);
  }

  @Test
  void aLabelAddedToAnEnumIsKnownAtTheSecondTry() {
    String sql = "SELECT $1::mood";
    assertThat(connection.fetchValue(Mood.class, sql, Mood.ok).await()).isEqualTo(Mood.ok);
    other.execute("ALTER TYPE mood ADD VALUE 'fresh'").await();
    assertThat(connection.fetchValue(String.class, sql, "fresh").await()).isEqualTo("fresh");
    assertThatThrownBy(() -> connection.fetchValue(Mood.class, sql, "fresh").await())
        .isInstanceOf(PgCodecException.class);
    assertThat(connection.fetchValue(Mood.class, sql, Mood.fresh).await()).isEqualTo(Mood.fresh);
    other.execute("ALTER TYPE mood RENAME VALUE 'fresh' TO 'Fresh'").await();
    assertThatThrownBy(() -> connection.fetchValue(Mood.class, sql, Mood.fresh).await())
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("invalid input value for enum");
    connection.reloadSchemaState().await();
    assertThat(connection.fetchValue(Mood.class, sql, Mood.fresh).await()).isEqualTo(Mood.fresh);
  }

  @Test
  void aTypeMadeAnewIsFoundUnderItsNewOid() {
    connection.execute("CREATE EXTENSION hstore SCHEMA change").await();
    PgStatement held = connection.prepare("SELECT $1::mood").await();
    for (int i = 0; i < 2; i++) {
      assertThat(value("SELECT 'ok'::mood")).isEqualTo("ok");
      assertThat(value("SELECT $1::mood", "ok")).isEqualTo("ok");
      assertThat(held.fetchValue(Mood.class, Mood.ok).await()).isEqualTo(Mood.ok);
      assertThat(value("SELECT $1::mood[]", List.of("ok"))).isEqualTo(List.of("ok"));
      assertThat(value("SELECT ROW(1, 'x')::item")).hasToString("(a=1, b=x)");
      assertThat(value("SELECT ($1::item).b", new Item(1, "x"))).isEqualTo("x");
      assertThat(value("SELECT 1::dose")).isEqualTo(1);
      assertThat(value("SELECT $1::dose", 1)).isEqualTo(1);
      assertThat(value("SELECT '[1,2]'::floats")).hasToString("[1.0,2.0]");
      assertThat(value("SELECT $1::hstore", Map.of("a", "1"))).isEqualTo(Map.of("a", "1"));
      other
          .execute(
              """
              DROP EXTENSION hstore; CREATE EXTENSION hstore SCHEMA change;
              DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad', 'ok');
              DROP TYPE item; CREATE TYPE item AS (a int4, b text);
              DROP DOMAIN dose; CREATE DOMAIN dose AS int4;
              DROP TYPE floats; CREATE TYPE floats AS RANGE (subtype = float8)
              """)
          .await();
    }
  }

  @Test
  void aTableMadeAnewIsStreamedAndFetchedThroughACursor() throws Exception {
    String sql = "SELECT p FROM pair p";
    for (int i = 0; i < 2; i++) {
      try (RowStream rows = connection.stream(sql)) {
        assertThat(rows.iterator().next().get(0)).hasToString("(a=1, b=x)");
      }
      try (PgTransaction transaction = connection.begin().await()) {
        Cursor cursor = connection.cursor(sql).await();
        assertThat(cursor.fetch(1).await().get(0).get(0)).hasToString("(a=1, b=x)");
        transaction.rollback().await();
      }
      other
          .execute(
              "DROP TABLE pair; CREATE TABLE pair(a int4, b text); INSERT INTO pair VALUES (1, 'x')")
          .await();
    }
  }

  @Test
  void membersOfAnAnonymousRecordMayBeOfAnyType() {
    assertThat(value("SELECT ROW(1, 'ok'::mood, ROW(2, 'y')::item, '{sad}'::mood[])"))
        .hasToString("(f1=1, f2=ok, f3=(a=2, b=y), f4=[sad])");
    other.execute("CREATE TYPE later AS ENUM ('now')").await();
    String sql = "SELECT ARRAY[ROW(1, 'now'::later)]";
    assertThatThrownBy(() -> value(sql))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("unknown here");
    assertThat(value(sql)).hasToString("[(f1=1, f2=now)]");
  }

  @Test
  void membersOfAnAnonymousRecordMayBeOfTypesThatTheServerWasMadeWith() {
    assertThat(value("SELECT ROW(t.table_name) FROM information_schema.tables t LIMIT 1"))
        .isInstanceOf(Composite.class);
    Composite cast =
        (Composite) value("SELECT ROW(c) FROM pg_cast c WHERE castsource = 23 AND casttarget = 20");
    assertThat(((Composite) cast.get(0)).get("castsource")).isEqualTo(23L);
    Composite depend = (Composite) value("SELECT ROW(ARRAY[d]) FROM pg_depend d LIMIT 1");
    assertThat(((List<?>) depend.get(0)).get(0)).isInstanceOf(Composite.class);
  }

  @Test
  void aTypeDroppedInMidAirIsTheServersError() {
    assertThat(value("SELECT $1::mood", "ok")).isEqualTo("ok");
    other.execute("DROP TYPE mood").await();
    assertThatThrownBy(() -> value("SELECT $1::mood", "ok"))
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("type \"mood\" does not exist");
    assertThat(value("SELECT 1")).isEqualTo(1);
  }
}
