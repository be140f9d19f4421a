package io.asyncpg.types;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.testkit.TestServer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class BuiltinTypesTest {
  private static final Path SOURCE = Path.of("src/main/java/io/asyncpg/types/BuiltinTypes.java");
  private static final int GENERATED_FROM = 18;

  /** Without white space and comment marks, which the formatter moves. */
  private static String bare(String source) {
    return source.replaceAll("[\\s*]+", "");
  }

  @Test
  void theTableIsWhatTheGeneratorMakesOfALiveServer() throws Exception {
    TestServer server = TestServer.shared();
    Assumptions.assumeTrue(
        server.majorVersion() == GENERATED_FROM,
        "server version " + server.majorVersion() + " has other types than the table");
    try (var connection = server.jdbc(server.database())) {
      assertThat(bare(Files.readString(SOURCE)))
          .contains(bare(BuiltinTypesGenerator.generate(connection)));
    }
  }

  @Test
  void everyTypeOfEveryServerIsInTheTableOrMadeAtRunTime() {
    var rows =
        TestServer.shared()
            .rows(
                "SELECT t.oid, t.typname FROM pg_type t"
                    + " WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.oid < 10000"
                    + " AND t.typtype <> 'c' AND NOT EXISTS"
                    + " (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typtype = 'c')");
    assertThat(rows).hasSizeGreaterThan(150);
    assertThat(rows)
        .allSatisfy(
            row -> {
              PgType type =
                  BuiltinTypes.byOid(Integer.parseUnsignedInt(String.valueOf(row.get(0))));
              assertThat(type).as(row.toString()).isNotNull();
              assertThat(type).extracting(PgType::name).isEqualTo(row.get(1));
            });
  }

  @Test
  void everyBuiltInTypeCanBeReadInItsOwnFormat() {
    assertThat(BuiltinTypes.all())
        .allSatisfy(
            type -> {
              Codec<?> codec = CodecRegistry.standard().decoder(type, null);
              assertThat(codec.format()).isEqualTo(CodecRegistry.standard().formatOf(type));
            });
  }

  @Test
  void everyBuiltInScalarHasALineOfItsOwn() {
    assertThat(BuiltinTypes.all())
        .filteredOn(PgType.Base.class::isInstance)
        .allSatisfy(type -> assertThat(StandardCodecs.find(type)).as(type.name()).isNotNull());
  }

  @Test
  void aTypeIsFoundByOidAndByName() {
    assertThat(BuiltinTypes.byOid(23)).isSameAs(BuiltinTypes.INT4);
    assertThat(BuiltinTypes.byOid(1007)).isSameAs(BuiltinTypes.INT4_ARRAY);
    assertThat(BuiltinTypes.byOid(1)).isNull();
    assertThat(BuiltinTypes.byOid(-1)).isNull();
    assertThat(BuiltinTypes.byOid(70_000)).isNull();
    assertThat(BuiltinTypes.byName("_int4")).isSameAs(BuiltinTypes.INT4_ARRAY);
    assertThat(BuiltinTypes.byName("int4[]")).isSameAs(BuiltinTypes.INT4_ARRAY);
    assertThat(BuiltinTypes.byName("mood")).isNull();
    assertThat(BuiltinTypes.byName("Double Precision")).isSameAs(BuiltinTypes.FLOAT8);
    assertThat(BuiltinTypes.byName("character varying")).isSameAs(BuiltinTypes.VARCHAR);
    assertThat(BuiltinTypes.byName("char")).isSameAs(BuiltinTypes.CHAR);
    assertThat(BuiltinTypes.INT4RANGE.subtype()).isSameAs(BuiltinTypes.INT4);
    assertThat(BuiltinTypes.INT4MULTIRANGE.range()).isSameAs(BuiltinTypes.INT4RANGE);
    assertThat(BuiltinTypes.BOX.delimiter()).isEqualTo(';');
    assertThat(BuiltinTypes.RECORD_ARRAY.element()).isSameAs(BuiltinTypes.RECORD);
  }

  @Test
  void aTypePrintsAsAPersonWouldWriteIt() {
    assertThat(BuiltinTypes.INT4_ARRAY).hasToString("int4[]");
    assertThat(new PgType.Base(7, "app", "mood", ',')).hasToString("app.mood");
    assertThat(new PgType.Array(8, "app", "_mood", new PgType.Base(7, "app", "mood", ',')))
        .hasToString("app.mood[]");
  }
}
