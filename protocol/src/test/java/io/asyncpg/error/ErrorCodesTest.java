package io.asyncpg.error;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.error.ErrorCodesGenerator.Condition;
import io.asyncpg.error.ErrorCodesGenerator.Section;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ErrorCodesTest {
  private final List<Section> sections;

  ErrorCodesTest() throws IOException {
    sections = ErrorCodesGenerator.read(Files.readAllLines(ErrorCodesGenerator.CODES));
  }

  @Test
  void theGeneratedFilesAreCurrent() throws IOException {
    Map<String, String> onDisk = new HashMap<>();
    try (var files = Files.list(ErrorCodesGenerator.TARGET)) {
      for (Path file : files.toList()) {
        String text = Files.readString(file);
        if (text.contains(ErrorCodesGenerator.MARK)) {
          onDisk.put(file.getFileName().toString(), text);
        }
      }
    }
    Map<String, String> generated = ErrorCodesGenerator.generate(sections);
    assertThat(onDisk).containsOnlyKeys(generated.keySet());
    generated.forEach((file, text) -> assertThat(onDisk.get(file)).as(file).isEqualTo(text));
  }

  @Test
  void thereAre262CodesIn43Classes() {
    assertThat(sections).hasSize(43);
    assertThat(sections.stream().mapToInt(s -> s.conditions().size()).sum()).isEqualTo(262);
  }

  @Test
  void everyCodeIsAConstantWithItsName() throws ReflectiveOperationException {
    for (Section section : sections) {
      for (Condition condition : section.conditions()) {
        assertThat(SqlState.class.getField(condition.constant()).get(null))
            .isEqualTo(condition.sqlState());
        assertThat(SqlState.conditionName(condition.sqlState())).isEqualTo(condition.name());
      }
    }
    assertThat(SqlState.conditionName("ZZ123")).isNull();
  }

  @Test
  void everyErrorCodeBecomesItsOwnClassOrItsSqlstateClass() throws ReflectiveOperationException {
    for (Section section : sections) {
      for (Condition condition : section.conditions()) {
        PgServerException error = error(condition.sqlState(), null);
        boolean own = section.actedOn().contains(condition);
        Class<?> wanted =
            !section.denotesErrors()
                ? PgServerException.class
                : exceptionClass(own ? condition.exception() : section.exception());
        assertThat(error).isExactlyInstanceOf(wanted);
        assertThat(error.sqlState()).isEqualTo(condition.sqlState());
        if (section.denotesErrors()) {
          assertThat(error).isInstanceOf(exceptionClass(section.exception()));
        }
      }
    }
  }

  @Test
  void anUnknownCodeFallsBackToItsSqlstateClass() {
    assertThat(error("23Z99", null))
        .isExactlyInstanceOf(IntegrityConstraintViolationException.class);
    assertThat(error("40ZZZ", null)).isExactlyInstanceOf(TransactionRollbackException.class);
  }

  @Test
  void aCodeOfAnUnknownClassIsAPlainServerException() {
    assertThat(error("ZZ001", null)).isExactlyInstanceOf(PgServerException.class);
    assertThat(error("", null)).isExactlyInstanceOf(PgServerException.class);
    assertThat(error("2", null)).isExactlyInstanceOf(PgServerException.class);
  }

  @Test
  void theConditionsThatCallersRetryOnHaveTheirNames() {
    assertThat(error(SqlState.SERIALIZATION_FAILURE, null))
        .isExactlyInstanceOf(SerializationFailureException.class)
        .isInstanceOf(TransactionRollbackException.class);
    assertThat(error(SqlState.DEADLOCK_DETECTED, null))
        .isExactlyInstanceOf(DeadlockDetectedException.class);
    assertThat(error(SqlState.UNIQUE_VIOLATION, null))
        .isExactlyInstanceOf(UniqueViolationException.class)
        .isInstanceOf(IntegrityConstraintViolationException.class);
    assertThat(error(SqlState.QUERY_CANCELED, null))
        .isExactlyInstanceOf(QueryCanceledException.class)
        .isInstanceOf(OperatorInterventionException.class);
    assertThat(error(SqlState.SYNTAX_ERROR, null))
        .isExactlyInstanceOf(SyntaxErrorException.class)
        .isInstanceOf(SyntaxErrorOrAccessRuleViolationException.class);
  }

  @Test
  void aStalePlanIsKnownByItsRoutineNotItsMessage() {
    assertThat(error(SqlState.FEATURE_NOT_SUPPORTED, "RevalidateCachedQuery"))
        .isExactlyInstanceOf(InvalidCachedStatementException.class)
        .isInstanceOf(FeatureNotSupportedException.class);
    assertThat(error(SqlState.FEATURE_NOT_SUPPORTED, "transformInsertStmt"))
        .isExactlyInstanceOf(FeatureNotSupportedException.class);
    assertThat(error(SqlState.SYNTAX_ERROR, "RevalidateCachedQuery"))
        .isExactlyInstanceOf(SyntaxErrorException.class);
  }

  private static Class<?> exceptionClass(String name) throws ClassNotFoundException {
    return Class.forName("io.asyncpg.error." + name);
  }

  private static PgServerException error(String sqlState, @Nullable String routine) {
    Diagnostic diagnostic =
        new Diagnostic(
            "ERROR", "FEHLER", sqlState, "nein", null, null, 0, 0, null, null, null, null, null,
            null, null, null, 0, routine);
    return PgServerException.of(diagnostic, "SELECT 1", RetrySafety.ROLLED_BACK);
  }
}
