package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.Codec;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A row as a value, and what its getters say of NULL. */
class RowTest {
  private PgConnection connection;

  @BeforeEach
  void connect() {
    connection = PgConnection.connect(TestServer.shared().dsn()).await();
  }

  @AfterEach
  void close() {
    connection.close();
    connection.closed().await();
  }

  private Row row(String sql) {
    return connection.fetchRow(sql).await().orElseThrow();
  }

  /** As pgvector's type is read. */
  private static final class AsFloats implements Codec<float[]> {
    @Override
    public Class<float[]> javaType() {
      return float[].class;
    }

    @Override
    public void encode(float[] value, PgType type, ValueWriter out) {
      throw new UnsupportedOperationException();
    }

    @Override
    public float[] decode(PgType type, ValueReader in) {
      return new float[] {in.readInt(), 0.5f};
    }
  }

  @Test
  void rowsOfEqualValuesAreEqualWhateverTheValuesAreMadeOf() {
    connection.registerCodec("pg_catalog", "int4", new AsFloats()).await();
    String sql =
        """
        SELECT 1::int4 AS floats, '\\x01'::bytea AS bytes, ARRAY['\\x0203', NULL]::bytea[] AS list,
          ARRAY[1, 2]::int4[] AS vectors, ROW('\\x04'::bytea, 'x') AS record, 5::int8 AS n
        """;
    Row one = row(sql);
    Row same = row(sql);
    assertThat(one).isEqualTo(same).hasSameHashCodeAs(same);
    assertThat(new HashSet<>(List.of(one, row(sql + " WHERE true")))).isEqualTo(Set.of(same));
    for (String other :
        List.of(
            sql.replace("1::int4", "2::int4"),
            sql.replace("\\x01", "\\x00"),
            sql.replace("\\x0203", "\\x0204"),
            sql.replace("'\\x0203', NULL", "'\\x0203'"),
            sql.replace("[1, 2]", "[1, 3]"),
            sql.replace("\\x04'", "\\x05'"),
            sql.replace("AS n", "AS m"))) {
      assertThat(row(other)).isNotEqualTo(one);
    }
    assertThat(one)
        .hasToString(
            "Row(floats=[1.0, 0.5], bytes=byte[1], list=[byte[2], null],"
                + " vectors=[[1.0, 0.5], [2.0, 0.5]], record=(f1=byte[1], f2=x), n=5)");
  }

  @Test
  void rangesAreComparedByTheirBounds() {
    connection.execute("CREATE TYPE pg_temp.keys AS RANGE (subtype = bytea)").await();
    String sql = "SELECT '[\\\\x01,\\\\x05)'::pg_temp.keys AS keys";
    Row one = row(sql);
    assertThat(one)
        .isEqualTo(row(sql))
        .hasSameHashCodeAs(row(sql))
        .isNotEqualTo(row(sql.replace("x05", "x06")))
        .isNotEqualTo(row(sql.replace(")'", "]'")))
        .hasToString("Row(keys=[byte[1],byte[1]))");
  }

  @ParameterizedTest
  @ValueSource(strings = {"int2", "int4", "int8", "oid", "numeric"})
  void aGetterNamesItsOwnTypeWhereNullIsNone(String type) {
    Row row = row("SELECT NULL::" + type + " AS n");
    assertThatThrownBy(() -> row.getInt(0)).hasMessageContaining("is NULL, which is no int:");
    assertThatThrownBy(() -> row.getLong(0)).hasMessageContaining("is NULL, which is no long:");
    assertThatThrownBy(() -> row.getDouble(0))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("is NULL, which is no double:");
  }
}
