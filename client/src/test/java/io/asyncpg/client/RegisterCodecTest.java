package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Codec;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import io.asyncpg.types.value.Composite;
import io.asyncpg.types.value.Range;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Codecs registered on a live connection. */
class RegisterCodecTest {
  /** An int4 that counts thousandths. */
  record Milli(int thousandths) {}

  /** Feelings, louder. */
  record Loud(String mood) {}

  record Pair(int n, Loud mood) {}

  private static final Codec<Milli> MILLI =
      new Codec<>() {
        @Override
        public Class<Milli> javaType() {
          return Milli.class;
        }

        @Override
        public void encode(Milli value, PgType type, ValueWriter out) {
          out.writeInt(value.thousandths());
        }

        @Override
        public Milli decode(PgType type, ValueReader in) {
          return new Milli(in.readInt());
        }
      };

  private static final Codec<Loud> LOUD =
      new Codec<>() {
        @Override
        public Class<Loud> javaType() {
          return Loud.class;
        }

        @Override
        public Format format() {
          return Format.TEXT;
        }

        @Override
        public void encode(Loud value, PgType type, ValueWriter out) {
          out.writeUtf8(value.mood().toLowerCase(Locale.ROOT));
        }

        @Override
        public Loud decode(PgType type, ValueReader in) {
          return new Loud(in.readUtf8().toUpperCase(Locale.ROOT));
        }
      };

  private static final Codec<Pair> PAIR =
      new Codec<>() {
        @Override
        public Class<Pair> javaType() {
          return Pair.class;
        }

        @Override
        public Format format() {
          return Format.TEXT;
        }

        @Override
        public void encode(Pair value, PgType type, ValueWriter out) {
          out.writeUtf8("(" + value.n() + "," + value.mood().mood() + ")");
        }

        @Override
        public Pair decode(PgType type, ValueReader in) {
          String[] parts = in.readUtf8().replaceAll("[()]", "").split(",", 2);
          return new Pair(Integer.parseInt(parts[0]), new Loud(parts[1]));
        }
      };

  private static final Codec<byte[]> BYTES =
      new Codec<>() {
        @Override
        public Class<byte[]> javaType() {
          return byte[].class;
        }

        @Override
        public void encode(byte[] value, PgType type, ValueWriter out) {
          out.writeBytes(value);
        }

        @Override
        public byte[] decode(PgType type, ValueReader in) {
          return in.readRemainingBytes();
        }
      };

  private PgConnection connection;

  @BeforeEach
  void createTypes() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
    connection
        .execute(
            """
            CREATE SCHEMA reg;
            CREATE TYPE reg.mood AS ENUM ('sad', 'ok');
            CREATE TYPE reg.pair AS (n int4, mood reg.mood);
            CREATE DOMAIN reg.dose AS int4;
            CREATE TYPE reg.moods AS RANGE (subtype = reg.mood);
            SET search_path = reg, public
            """)
        .await();
  }

  @AfterEach
  void dropTypes() {
    connection.execute("ROLLBACK; DROP SCHEMA reg CASCADE").await();
    connection.close();
  }

  private Object value(String sql, Object... args) {
    return connection.fetchRow(sql, args).await().orElseThrow().get(0);
  }

  @Test
  void aBinaryCodecReplacesABuiltInOneWhereverTheTypeStands() {
    connection.registerCodec("pg_catalog", "int4", MILLI).await();
    assertThat(value("SELECT 1500")).isEqualTo(new Milli(1500));
    assertThat(value("SELECT $1::int4", new Milli(7))).isEqualTo(new Milli(7));
    assertThat(value("SELECT $1::int4[]", List.of(new Milli(7)))).isEqualTo(List.of(new Milli(7)));
    assertThat(value("SELECT $1::dose", new Milli(7))).isEqualTo(new Milli(7));
    assertThat(value("SELECT $1::dose[]", List.of(new Milli(7)))).isEqualTo(List.of(new Milli(7)));
    assertThat(value("SELECT int4range(1, 3)")).isEqualTo(Range.of(new Milli(1), new Milli(3)));
    assertThat(((Composite) value("SELECT ROW(1, 'ok')::pair")).get("n")).isEqualTo(new Milli(1));
    assertThat(((Composite) value("SELECT $1::pair", Map.of("n", new Milli(2)))).get("n"))
        .isEqualTo(new Milli(2));
    assertThat(connection.fetchValue(Integer.class, "SELECT 5").await()).isEqualTo(5);
  }

  @Test
  void aTextCodecForAnEnumServesItsArraysRangesAndComposites() {
    connection.registerCodec("reg", "mood", LOUD).await();
    assertThat(value("SELECT 'ok'::mood")).isEqualTo(new Loud("OK"));
    assertThat(value("SELECT $1::mood", new Loud("SAD"))).isEqualTo(new Loud("SAD"));
    assertThat(value("SELECT '{ok,sad}'::mood[]"))
        .isEqualTo(List.of(new Loud("OK"), new Loud("SAD")));
    assertThat(value("SELECT $1::mood[]", List.of(new Loud("OK"))))
        .isEqualTo(List.of(new Loud("OK")));
    assertThat(value("SELECT '[sad,ok]'::moods"))
        .isEqualTo(Range.closed(new Loud("SAD"), new Loud("OK")));
    assertThat(((Composite) value("SELECT ROW(1, 'ok')::pair")).get("mood"))
        .isEqualTo(new Loud("OK"));
    assertThat(value("SELECT ($1::pair).mood", Map.of("n", 1, "mood", new Loud("SAD"))))
        .isEqualTo(new Loud("SAD"));
    assertThat(connection.fetchValue(String.class, "SELECT 'ok'::mood").await()).isEqualTo("ok");
  }

  @Test
  void aCodecForACompositeTakesItWhole() {
    connection.registerCodec("reg", "pair", PAIR).await();
    Pair pair = new Pair(4, new Loud("ok"));
    assertThat(value("SELECT $1::pair", pair)).isEqualTo(pair);
    assertThat(value("SELECT ARRAY[$1::pair]", pair)).isEqualTo(List.of(pair));
  }

  @Test
  void whatIsRegisteredServesCopyToo() {
    connection.execute("CREATE TABLE reg.copied(n int4, feelings mood[])").await();
    CopyOptions there = CopyOptions.binary().schema("reg");
    connection.registerCodec("pg_catalog", "int4", MILLI).await();
    connection
        .copyRecordsToTable("copied", List.of("n"), List.of(List.of(new Milli(1500))), there)
        .await();
    assertThat(connection.copyRows("SELECT n FROM copied").iterator().next().get(0))
        .isEqualTo(new Milli(1500));
    connection.resetCodec("pg_catalog", "int4").await();
    connection.execute("DELETE FROM copied").await();
    // A codec that speaks text makes the whole COPY a textual one.
    connection.registerCodec("reg", "mood", LOUD).await();
    connection
        .copyRecordsToTable(
            "copied",
            List.of("n", "feelings"),
            List.of(List.of(7, List.of(new Loud("OK"))), List.of(8, List.of())),
            there)
        .await();
    assertThat(value("SELECT array_agg(feelings::text ORDER BY n) FROM copied"))
        .isEqualTo(List.of("{ok}", "{}"));
    // A codec that knows only binary goes with it, by way of what int4 prints.
    connection.registerCodec("pg_catalog", "int4", MILLI).await();
    List<List<Object>> both = List.of(List.of(new Milli(1), List.of(new Loud("OK"))));
    connection.copyRecordsToTable("copied", List.of("n", "feelings"), both, there).await();
    assertThat(value("SELECT n FROM copied WHERE feelings = '{ok}' AND n = 1"))
        .isEqualTo(new Milli(1));
    // But not where nobody knows how its bytes are printed.
    connection.execute("ALTER TABLE reg.copied ADD COLUMN two pair").await();
    connection.registerCodec("reg", "pair", BYTES).await();
    List<List<Object>> bytes = List.of(List.of(new byte[] {1}, List.of(new Loud("OK"))));
    assertThatThrownBy(
            () ->
                connection
                    .copyRecordsToTable("copied", List.of("two", "feelings"), bytes, there)
                    .await())
        .hasMessageContaining("in TEXT format");
    assertThat(value("SELECT count(*) FROM copied")).isEqualTo(3L);
  }

  @Test
  void theSqlStandardsNamesAreUnderstood() {
    connection.registerCodec("pg_catalog", "Integer", MILLI).await();
    assertThat(value("SELECT 1500")).isEqualTo(new Milli(1500));
    connection.resetCodec("pg_catalog", "int4").await();
    assertThat(value("SELECT 1500")).isEqualTo(1500);
  }

  @Test
  void itCountsFromTheCallOnAndNotBefore() {
    PgFuture<Rows> before = connection.fetch("SELECT 1");
    PgFuture<Void> registered = connection.registerCodec("pg_catalog", "int4", MILLI);
    PgFuture<Rows> after = connection.fetch("SELECT 1");
    PgFuture<Void> reset = connection.resetCodec("pg_catalog", "int4");
    PgFuture<Rows> again = connection.fetch("SELECT 1");
    PgFuture<Void> mood = connection.registerCodec("reg", "mood", LOUD);
    PgFuture<Rows> moodAfter = connection.fetch("SELECT 'ok'::mood");
    assertThat(before.await().get(0).get(0)).isEqualTo(1);
    assertThat(registered.await()).isNull();
    assertThat(after.await().get(0).get(0)).isEqualTo(new Milli(1));
    assertThat(reset.await()).isNull();
    assertThat(again.await().get(0).get(0)).isEqualTo(1);
    assertThat(mood.await()).isNull();
    assertThat(moodAfter.await().get(0).get(0)).isEqualTo(new Loud("OK"));
  }

  @Test
  void aPreparedStatementUsesWhatIsRegisteredLater() {
    PgStatement statement = connection.prepare("SELECT $1::mood").await();
    assertThat(statement.fetchRow("ok").await().orElseThrow().get(0)).isEqualTo("ok");
    connection.registerCodec("reg", "mood", LOUD).await();
    assertThat(statement.fetchRow(new Loud("OK")).await().orElseThrow().get(0))
        .isEqualTo(new Loud("OK"));
    connection.resetCodec("reg", "mood").await();
    assertThat(statement.fetchRow("ok").await().orElseThrow().get(0)).isEqualTo("ok");
    assertThat(statement.parameters()).extracting(PgType::name).containsExactly("mood");
  }

  @Test
  void aStatementThatIsNotKeptUsesItToo() {
    PgConfig config =
        PgConfig.parse(TestServer.shared().dsn()).toBuilder().statementCacheSize(0).build();
    try (PgConnection other = PgConnection.connect(config).await()) {
      PgFuture<Void> registered = other.registerCodec("reg", "mood", LOUD);
      PgFuture<Rows> rows = other.fetch("SELECT 'ok'::reg.mood");
      assertThat(registered.await()).isNull();
      assertThat(rows.await().get(0).get(0)).isEqualTo(new Loud("OK"));
    }
  }

  @Test
  void rowsFetchedBeforeKeepTheirCodec() {
    Row row = connection.fetchRow("SELECT 12").await().orElseThrow();
    connection.registerCodec("pg_catalog", "int4", MILLI).await();
    assertThat(row.get(0)).isEqualTo(12);
    assertThat(row.getInt(0)).isEqualTo(12);
  }

  @Test
  void itServesBatchesCursorsStreamsAndRecords() {
    record Item(Milli n, Loud mood) {}
    connection.registerCodec("pg_catalog", "int4", MILLI).await();
    connection.registerCodec("reg", "mood", LOUD).await();
    connection.execute("CREATE TABLE item(n int4, mood mood)").await();
    Item item = new Item(new Milli(3), new Loud("OK"));
    connection.executeMany("INSERT INTO item VALUES ($1, $2)", List.of(item, item)).await();
    assertThat(connection.fetch(Item.class, "SELECT * FROM item").await())
        .containsExactly(item, item);
    try (RowStream rows = connection.stream("SELECT mood FROM item")) {
      for (Row row : rows) {
        assertThat(row.get(0)).isEqualTo(new Loud("OK"));
      }
    }
  }

  @Test
  void anotherConnectionKnowsNothingOfIt() {
    connection.registerCodec("pg_catalog", "int4", MILLI).await();
    try (PgConnection other = PgConnection.connect(TestServer.shared().dsn()).await()) {
      assertThat(other.fetchRow("SELECT 1").await().orElseThrow().get(0)).isEqualTo(1);
    }
  }

  @Test
  void resetTakesAllOfThemBack() {
    connection.registerCodec("pg_catalog", "int4", MILLI).await();
    connection.registerCodec("reg", "mood", LOUD).await();
    connection.reset().await();
    assertThat(value("SELECT 1")).isEqualTo(1);
    assertThat(value("SELECT 'ok'::reg.mood")).isEqualTo("ok");
    connection.registerCodec("pg_catalog", "int4", MILLI).await();
    connection.reset().await();
    assertThat(value("SELECT 1")).as("though nothing was run since").isEqualTo(1);
  }

  @Test
  void theConfigurationsCodecIsBackWhenTheSessionsIsReset() {
    PgConfig config =
        PgConfig.parse(TestServer.shared().dsn()).toBuilder().codec("reg", "mood", LOUD).build();
    Codec<String> shy =
        new Codec<>() {
          @Override
          public Class<String> javaType() {
            return String.class;
          }

          @Override
          public void encode(String value, PgType type, ValueWriter out) {
            out.writeUtf8(value);
          }

          @Override
          public String decode(PgType type, ValueReader in) {
            return in.readUtf8() + "?";
          }
        };
    try (PgConnection other = PgConnection.connect(config).await()) {
      String sql = "SELECT 'ok'::reg.mood";
      assertThat(other.fetchRow(sql).await().orElseThrow().get(0)).isEqualTo(new Loud("OK"));
      other.registerCodec("reg", "mood", shy).await();
      assertThat(other.fetchRow(sql).await().orElseThrow().get(0)).isEqualTo("ok?");
      other.resetCodec("reg", "mood").await();
      assertThat(other.fetchRow(sql).await().orElseThrow().get(0)).isEqualTo(new Loud("OK"));
      other.resetCodec("reg", "mood").await();
      assertThat(other.fetchRow(sql).await().orElseThrow().get(0)).isEqualTo(new Loud("OK"));
    }
  }

  @Test
  void itIsFoundByNameThoughTheTypeIsMadeAnew() {
    connection.registerCodec("reg", "mood", LOUD).await();
    assertThat(value("SELECT 'ok'::mood")).isEqualTo(new Loud("OK"));
    connection.execute("DROP TYPE mood CASCADE; CREATE TYPE mood AS ENUM ('new', 'ok')").await();
    assertThat(value("SELECT 'new'::mood")).isEqualTo(new Loud("NEW"));
    assertThat(value("SELECT 'ok'::mood")).isEqualTo(new Loud("OK"));
  }

  @Test
  void aTypeMayTravelAsAnother() {
    connection.registerCodec("reg", "mood", BuiltinTypes.VARCHAR, Format.TEXT).await();
    assertThat(connection.fetchValue(char[].class, "SELECT $1::mood", "ok").await())
        .containsExactly('o', 'k');
    connection
        .execute(
            """
            CREATE TYPE whole;
            CREATE FUNCTION whole_in(cstring) RETURNS whole LANGUAGE internal STRICT IMMUTABLE AS 'int4in';
            CREATE FUNCTION whole_out(whole) RETURNS cstring LANGUAGE internal STRICT IMMUTABLE AS 'int4out';
            CREATE FUNCTION whole_recv(internal) RETURNS whole LANGUAGE internal STRICT IMMUTABLE AS 'int4recv';
            CREATE FUNCTION whole_send(whole) RETURNS bytea LANGUAGE internal STRICT IMMUTABLE AS 'int4send';
            CREATE TYPE whole (INPUT = whole_in, OUTPUT = whole_out, RECEIVE = whole_recv, SEND = whole_send, LIKE = int4)
            """)
        .await();
    assertThat(value("SELECT '42'::whole")).isEqualTo("42");
    connection.registerCodec("reg", "whole", BuiltinTypes.INT4, Format.BINARY).await();
    assertThat(value("SELECT '42'::whole")).isEqualTo(42);
    assertThat(connection.fetchRow("SELECT '42'::whole").await().orElseThrow().getLong(0))
        .isEqualTo(42);
    assertThat(connection.fetchValue(Long.class, "SELECT $1::whole", 43L).await()).isEqualTo(43);
    assertThat(connection.fetchValue(int[].class, "SELECT $1::whole[]", new int[] {1, 2}).await())
        .containsExactly(1, 2);
    assertThatThrownBy(() -> value("SELECT $1::whole", "43"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.String cannot become reg.whole")
        .hasMessageContaining("pass java.lang.Integer");
    connection.registerCodec("reg", "whole", BuiltinTypes.INT8, Format.TEXT).await();
    assertThat(value("SELECT '42'::whole")).isEqualTo(42L);
    assertThat(value("SELECT $1::whole", 43)).isEqualTo(43L);
  }

  @Test
  void aTypeThatIsNotThereIsRefused() {
    assertThatThrownBy(() -> connection.registerCodec("reg", "nothing", LOUD).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("no type reg.nothing in this database");
    assertThatThrownBy(() -> connection.registerCodec("pg_catalog", "nothing", LOUD).await())
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> connection.resetCodec("reg", "nothing").await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("no type reg.nothing in this database");
    assertThatThrownBy(
            () ->
                connection
                    .registerCodec("reg", "nothing", BuiltinTypes.INT4, Format.BINARY)
                    .await())
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(value("SELECT 1")).isEqualTo(1);
  }

  @Test
  void aTypeMadeOfOthersIsRefusedWithWhatToRegisterInstead() {
    assertThatThrownBy(() -> connection.registerCodec("pg_catalog", "_int4", MILLI).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pg_catalog._int4 is an array")
        .hasMessageContaining("its element, int4, which serves this one too");
    assertThatThrownBy(() -> connection.registerCodec("reg", "_mood", LOUD).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("its element, reg.mood");
    assertThatThrownBy(() -> connection.registerCodec("reg", "moods", LOUD).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("its subtype, reg.mood");
    assertThatThrownBy(
            () -> connection.registerCodec("pg_catalog", "int4multirange", MILLI).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a multirange");
    assertThatThrownBy(() -> connection.registerCodec("reg", "dose", MILLI).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a domain")
        .hasMessageContaining("register the codec for int4");
    assertThatThrownBy(() -> connection.registerCodec("pg_catalog", "record", MILLI).await())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a pseudo-type");
  }

  @Test
  void insideAFailedTransactionTheServerSaysWhy() {
    connection.execute("BEGIN").await();
    assertThatThrownBy(() -> connection.execute("SELECT 1/0").await())
        .isInstanceOf(PgServerException.class);
    assertThatThrownBy(() -> connection.registerCodec("reg", "mood", LOUD).await())
        .isInstanceOf(PgServerException.class)
        .hasMessageContaining("current transaction is aborted");
    connection.execute("ROLLBACK").await();
    connection.registerCodec("reg", "mood", LOUD).await();
    assertThat(value("SELECT 'ok'::mood")).isEqualTo(new Loud("OK"));
  }
}
