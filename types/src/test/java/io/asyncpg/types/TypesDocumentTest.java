package io.asyncpg.types;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.testkit.TestServer;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class TypesDocumentTest {
  @Test
  void theDocumentIsWhatTheStandardListSays() throws IOException {
    assertThat(Files.readString(TypesDocument.FILE)).isEqualTo(TypesDocument.generate());
  }

  @Test
  void everyTypeOfTheServerIsInTheDocument() throws IOException {
    String document = Files.readString(TypesDocument.FILE);
    var rows =
        TestServer.shared()
            .rows(
                "SELECT t.oid, format_type(t.oid, NULL) FROM pg_type t"
                    + " WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.oid < 10000"
                    + " AND t.typtype <> 'c' AND NOT EXISTS"
                    + " (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typtype = 'c')");
    assertThat(rows).hasSizeGreaterThan(150);
    assertThat(rows).allSatisfy(row -> assertThat(document).contains("| " + row.get(0) + " |"));
  }
}
