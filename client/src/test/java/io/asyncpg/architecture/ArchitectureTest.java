package io.asyncpg.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/**
 * The walls of the house: what ARCHITECTURE.md says, as rules over the classes on this class path.
 */
class ArchitectureTest {
  private static final String PROTOCOL = "io.asyncpg.protocol..";
  private static final String ERROR = "io.asyncpg.error..";
  private static final String TYPES = "io.asyncpg.types..";
  private static final String CLIENT = "io.asyncpg.client..";
  private static final String POOL = "io.asyncpg.pool..";
  private static final String[] EXTENSIONS = {"io.asyncpg.geometry..", "io.asyncpg.json.."};

  private static final Set<String> NAMES_OF_NOTHING =
      Set.of("util", "utils", "impl", "common", "manager", "helper", "internal", "misc");

  private static final JavaClasses house =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("/io/asyncpg/testkit/"))
          .importPackages("io.asyncpg");

  @Test
  void everyRoomBelowIsSeen() {
    assertThat(house.stream().map(JavaClass::getPackageName))
        .contains(
            "io.asyncpg.error",
            "io.asyncpg.protocol",
            "io.asyncpg.types",
            "io.asyncpg.client",
            "io.asyncpg.client.session")
        .noneMatch(name -> name.startsWith("io.asyncpg.testkit"));
  }

  @Test
  void theProtocolStandsOnNothingOfOurs() {
    noClasses()
        .that()
        .resideInAnyPackage(PROTOCOL, ERROR)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(with(EXTENSIONS, TYPES, CLIENT, POOL))
        .check(house);
  }

  @Test
  void typesStandOnTheProtocolAlone() {
    noClasses()
        .that()
        .resideInAPackage(TYPES)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(with(EXTENSIONS, CLIENT, POOL))
        .check(house);
  }

  @Test
  void typesKnowNoMessagesAndNoChannels() {
    noClasses()
        .that()
        .resideInAPackage(TYPES)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(PROTOCOL, "io.netty.channel..", "io.netty.handler..")
        .check(house);
  }

  @Test
  void theClientKnowsNeitherPoolNorExtensions() {
    noClasses()
        .that()
        .resideInAPackage(CLIENT)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(with(EXTENSIONS, POOL))
        .check(house);
  }

  @Test
  void onlyTheClientHasSockets() {
    noClasses()
        .that(not(resideInAnyPackage(CLIENT)))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.netty.channel..", "io.netty.handler..", "java.nio.channels..")
        .check(house);
  }

  @Test
  void nothingIsLoggedButThroughTheSystemLogger() {
    NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(house);
    NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING.check(house);
    noClasses().should().dependOnClassesThat().resideInAPackage("org.slf4j..").check(house);
  }

  /** A clock on the wall is set, and jumps; durations are measured with System.nanoTime. */
  @Test
  void noTimeIsMeasuredByTheClockOnTheWall() {
    noClasses().should().callMethod(System.class, "currentTimeMillis").check(house);
  }

  @Test
  void ourClassesLiveInOurPackages() {
    classes().should().resideInAPackage("io.asyncpg..").check(house);
  }

  @Test
  void noNettyTypeShowsInAPublicSignature() {
    List<JavaClass> shown =
        house.stream()
            .filter(type -> isShown(type) && isExportedWithoutNetty(type.getPackageName()))
            .toList();
    assertThat(shown).extracting(JavaClass::getSimpleName).contains("PgConnection", "Codec");

    List<String> seen = new ArrayList<>();
    for (JavaClass type : shown) {
      for (JavaClass used : inSignatures(type).toList()) {
        if (used.getPackageName().startsWith("io.netty")) {
          seen.add(type.getName() + " shows " + used.getName());
        }
      }
    }
    assertThat(seen).isEmpty();
  }

  @Test
  void noRoomIsNamedAfterNothing() {
    assertThat(packages())
        .isNotEmpty()
        .allSatisfy(
            room ->
                assertThat(Arrays.asList(room.getName().split("\\.")))
                    .as(room.getName())
                    .doesNotContainAnyElementsOf(NAMES_OF_NOTHING));
  }

  @Test
  void everyRoomIsNullMarked() {
    assertThat(packages())
        .isNotEmpty()
        .allSatisfy(
            room ->
                assertThat(room.tryGetPackageInfo())
                    .as("package-info of " + room.getName())
                    .hasValueSatisfying(
                        info -> assertThat(info.isAnnotatedWith(NullMarked.class)).isTrue()));
  }

  private static List<JavaPackage> packages() {
    return house.stream().map(JavaClass::getPackage).distinct().toList();
  }

  private static boolean isExportedWithoutNetty(String name) {
    return name.equals("io.asyncpg.client")
        || name.equals("io.asyncpg.pool")
        || name.equals("io.asyncpg.types")
        || name.startsWith("io.asyncpg.types.");
  }

  /**
   * Whether the class can be named from outside: it is public or protected, and so is what it is
   * nested in.
   */
  private static boolean isShown(JavaClass type) {
    return isShown(type.getModifiers())
        && type.getEnclosingClass().map(ArchitectureTest::isShown).orElse(true);
  }

  private static boolean isShown(Set<JavaModifier> modifiers) {
    return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
  }

  /** Every class named by the declaration of this one and of its members that show. */
  private static Stream<JavaClass> inSignatures(JavaClass type) {
    Stream<JavaClass> above =
        Stream.concat(type.getSuperclass().stream(), type.getInterfaces().stream())
            .flatMap(parent -> parent.getAllInvolvedRawTypes().stream());
    Stream<JavaClass> bounds =
        type.getTypeParameters().stream()
            .flatMap(parameter -> parameter.getAllInvolvedRawTypes().stream());
    Stream<JavaClass> fields =
        type.getFields().stream()
            .filter(field -> isShown(field.getModifiers()))
            .flatMap(ArchitectureTest::inSignature);
    Stream<JavaClass> codeUnits =
        type.getCodeUnits().stream()
            .filter(codeUnit -> isShown(codeUnit.getModifiers()))
            .flatMap(ArchitectureTest::inSignature);
    return Stream.of(above, bounds, fields, codeUnits).flatMap(each -> each);
  }

  private static Stream<JavaClass> inSignature(JavaField field) {
    return field.getType().getAllInvolvedRawTypes().stream();
  }

  private static Stream<JavaClass> inSignature(JavaCodeUnit codeUnit) {
    Stream<JavaClass> result = codeUnit.getReturnType().getAllInvolvedRawTypes().stream();
    Stream<JavaClass> parameters =
        codeUnit.getParameterTypes().stream()
            .flatMap(parameter -> parameter.getAllInvolvedRawTypes().stream());
    Stream<JavaClass> thrown = codeUnit.getExceptionTypes().stream();
    Stream<JavaClass> variables =
        codeUnit.getTypeParameters().stream()
            .flatMap(variable -> variable.getAllInvolvedRawTypes().stream());
    return Stream.of(result, parameters, thrown, variables).flatMap(each -> each);
  }

  private static String[] with(String[] some, String... more) {
    return Stream.concat(Stream.of(some), Stream.of(more)).toArray(String[]::new);
  }
}
