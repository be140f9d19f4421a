package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.value.Composite;
import io.asyncpg.types.value.Range;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Types that the server learned after it was built: nobody registers them. */
class RunTimeTypesTest {
  enum Mood {
    sad,
    ok,
    happy
  }

  record Item(String name, int[] sizes, Mood mood) {}

  private PgConnection connection;

  @BeforeEach
  void createTypes() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    connection
        .execute(
            """
            CREATE SCHEMA runtime;
            CREATE TYPE runtime.mood AS ENUM ('sad', 'ok', 'happy');
            CREATE DOMAIN runtime.sizes AS int4[] CHECK (cardinality(VALUE) < 10);
            CREATE TYPE runtime.item AS (name text, sizes runtime.sizes, mood runtime.mood);
            CREATE TYPE runtime.floatrange AS RANGE (subtype = float8, multirange_type_name = runtime.floats);
            SET search_path = runtime
            """)
        .await();
  }

  @AfterEach
  void dropTypes() {
    connection.execute("DROP SCHEMA runtime CASCADE").await();
    connection.close();
  }

  @Test
  void anEnumIsAStringOrAJavaEnumBothWays() {
    assertThat(connection.fetchRow("SELECT 'ok'::mood").await().orElseThrow().get(0))
        .isEqualTo("ok");
    assertThat(connection.fetchValue(Mood.class, "SELECT $1::mood", Mood.happy).await())
        .isEqualTo(Mood.happy);
    assertThat(connection.fetchValue(Mood.class, "SELECT $1::mood", "sad").await())
        .isEqualTo(Mood.sad);
    assertThat(connection.fetchRow("SELECT ARRAY['ok', NULL]::mood[]").await().orElseThrow().get(0))
        .isEqualTo(java.util.Arrays.asList("ok", null));
  }

  @Test
  void aCompositeIsARecordBothWays() {
    Item item = new Item("hat", new int[] {1, 2}, Mood.ok);
    Item back = connection.fetchValue(Item.class, "SELECT ($1::item), 1", item).await();
    assertThat(back.name()).isEqualTo("hat");
    assertThat(back.sizes()).containsExactly(1, 2);
    assertThat(back.mood()).isEqualTo(Mood.ok);
    Composite value =
        connection.fetchValue(Composite.class, "SELECT ROW('cap', '{3}', 'sad')::item").await();
    assertThat(value.get("name")).isEqualTo("cap");
    assertThat(
            connection
                .fetchValue(
                    String.class, "SELECT ($1::item).name", Map.of("name", "boot", "mood", "ok"))
                .await())
        .isEqualTo("boot");
  }

  @Test
  void aRangeOfOnesOwnAndItsMultirangeAreRanges() {
    Range<?> range = connection.fetchValue(Range.class, "SELECT '[1.5,2.5)'::floatrange").await();
    assertThat(range.lower()).isEqualTo(1.5);
    assertThat(connection.fetchRow("SELECT '{[1,2),[3,4)}'::floats").await().orElseThrow().get(0))
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.LIST)
        .hasSize(2);
  }

  @Test
  void aDomainIsWhatItIsOver() {
    assertThat(connection.fetchRow("SELECT '{4,5}'::sizes").await().orElseThrow().get(0))
        .isEqualTo(List.of(4, 5));
  }

  @Test
  void aTableIsAType() {
    connection.execute("CREATE TABLE pair(a int, gone int, b text)").await();
    connection
        .execute("ALTER TABLE pair DROP COLUMN gone; INSERT INTO pair VALUES (1, 'x')")
        .await();
    Composite pair = connection.fetchValue(Composite.class, "SELECT p FROM pair p").await();
    assertThat(pair.get("a")).isEqualTo(1);
    assertThat(pair.get("b")).isEqualTo("x");
  }

  @Test
  void aLabelThatTheJavaEnumLacksIsAnErrorThatNamesIt() {
    connection.execute("ALTER TYPE mood ADD VALUE 'odd'").await();
    assertThatThrownBy(() -> connection.fetchValue(Mood.class, "SELECT 'odd'::mood").await())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("Mood")
        .hasMessageContaining("read it as java.lang.String");
    assertThat(connection.fetchValue(String.class, "SELECT 'odd'::mood").await()).isEqualTo("odd");
  }
}
