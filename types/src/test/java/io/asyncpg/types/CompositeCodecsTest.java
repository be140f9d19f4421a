package io.asyncpg.types;

import static io.asyncpg.types.Wire.read;
import static io.asyncpg.types.Wire.text;
import static io.asyncpg.types.Wire.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.PgType.Composite.Attribute;
import io.asyncpg.types.value.Composite;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CompositeCodecsTest {
  enum Mood {
    SAD,
    VERY_HAPPY
  }

  record Person(int id, @Nullable String firstName) {}

  record Boxed(@Nullable Integer id, @Nullable String firstName) {}

  record Team(String name, List<Person> members) {}

  record Stranger(int id, String nickname) {}

  private static final PgType.Composite PERSON =
      new PgType.Composite(
          70_000,
          "app",
          "person",
          List.of(
              new Attribute("id", BuiltinTypes.INT4),
              new Attribute("first_name", BuiltinTypes.TEXT)));
  private static final PgType.Array PERSONS = new PgType.Array(70_001, "app", "_person", PERSON);
  private static final PgType.Composite TEAM =
      new PgType.Composite(
          70_002,
          "app",
          "team",
          List.of(new Attribute("name", BuiltinTypes.TEXT), new Attribute("members", PERSONS)));
  private static final PgType.Enumeration MOOD =
      new PgType.Enumeration(70_003, "app", "mood", List.of("sad", "very happy"));
  private static final PgType.Base ODD = new PgType.Base(70_004, "app", "odd", ',');
  private static final PgType.Composite ODD_PAIR =
      new PgType.Composite(
          70_005,
          "app",
          "odd_pair",
          List.of(new Attribute("n", BuiltinTypes.INT4), new Attribute("odd", ODD)));
  private static final PgType.Domain EMAIL =
      new PgType.Domain(70_006, "app", "email", BuiltinTypes.TEXT);

  private static final String BOB = "00000002 00000017 00000004 00000007 00000019 00000003 426f62";
  private static final String NOBODY = "00000002 00000017 00000004 00000007 00000019 ffffffff";

  @Test
  void aCompositeKnowsItsAttributesByPlaceAndByName() {
    var bob = (Composite) read(PERSON, BOB);
    assertThat(bob.get(0)).isEqualTo(7);
    assertThat(bob.get("first_name")).isEqualTo("Bob");
    assertThat(bob).hasToString("(id=7, first_name=Bob)");
    assertThat(write(PERSON, bob)).isEqualTo(BOB.replace(" ", ""));
    assertThat(read(PERSON, String.class, BOB)).isEqualTo("(7,Bob)");
  }

  @Test
  void aCompositeIsReadAndWrittenAsAMap() {
    assertThat((Object) read(PERSON, Map.class, BOB))
        .isEqualTo(Map.of("id", 7, "first_name", "Bob"));
    assertThat(write(PERSON, Map.of("id", 7, "first_name", "Bob"))).isEqualTo(BOB.replace(" ", ""));
    assertThat(write(PERSON, Map.of("id", 7))).isEqualTo(NOBODY.replace(" ", ""));
    assertThatThrownBy(() -> write(PERSON, Map.of("bad", 7)))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("\"bad\" is no attribute of app.person");
  }

  @Test
  void aCompositeIsReadAndWrittenAsARecordByName() {
    assertThat(read(PERSON, Person.class, BOB)).isEqualTo(new Person(7, "Bob"));
    assertThat(write(PERSON, new Person(7, "Bob"))).isEqualTo(BOB.replace(" ", ""));
    assertThat(read(PERSON, Person.class, NOBODY)).isEqualTo(new Person(7, null));
    assertThat(write(PERSON, Composite.of(7, null))).isEqualTo(NOBODY.replace(" ", ""));
  }

  @Test
  void recordsNestThroughArrays() {
    var team = new Team("a", List.of(new Person(7, "Bob")));
    String hex = write(TEAM, team);
    assertThat(read(TEAM, Team.class, hex)).isEqualTo(team);
    assertThat(read(PERSONS, Person[].class, write(PERSONS, new Person[] {new Person(1, "x")})))
        .containsExactly(new Person(1, "x"));
    assertThat(read(TEAM, String.class, hex)).isEqualTo("(a,\"{\"\"(7,Bob)\"\"}\")");
  }

  @Test
  void aRecordThatDoesNotFitSaysWhy() {
    assertThatThrownBy(() -> read(PERSON, Stranger.class, BOB))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("component \"nickname\"")
        .hasMessageContaining("[id, first_name]");
    String nullId = "00000002 00000017 ffffffff 00000019 ffffffff";
    assertThatThrownBy(() -> read(PERSON, Person.class, nullId))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("component \"id\"")
        .hasMessageContaining("boxed");
    assertThat(read(PERSON, Boxed.class, nullId)).isEqualTo(new Boxed(null, null));
    assertThatThrownBy(() -> write(PERSON, new Boxed(1, "\u0000")))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("attribute \"first_name\" of app.person");
  }

  @Test
  void aChangedTypeIsNoticed() {
    assertThatThrownBy(() -> read(PERSON, "00000001 00000017 00000004 00000007"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("app.person has changed")
        .hasCauseInstanceOf(OutdatedTypeException.class);
    assertThatThrownBy(() -> read(PERSON, "00000002 00000014 00000004 00000007 00000019 ffffffff"))
        .isInstanceOf(PgCodecException.class)
        .hasCauseInstanceOf(OutdatedTypeException.class);
    assertThatThrownBy(() -> read(ODD_PAIR, text("(1)")))
        .hasCauseInstanceOf(OutdatedTypeException.class);
  }

  @Test
  void aCompositeWithAnUnknownMemberIsTextAndItsOtherMembersAreStillThemselves() {
    assertThat(CodecRegistry.standard().decoder(ODD_PAIR, null).format()).isEqualTo(Format.TEXT);
    assertThat(read(ODD_PAIR, text("(7,\"a \"\"b\")")))
        .isEqualTo(new Composite(List.of("n", "odd"), List.of(7, "a \"b")));
    assertThat(write(ODD_PAIR, Composite.of(7, "a \"b"))).isEqualTo(text("(7,\"a \"\"b\")"));
    assertThat(read(ODD_PAIR, text("(,)")))
        .isEqualTo(new Composite(List.of("n", "odd"), Arrays.asList(null, null)));
    assertThat(write(ODD_PAIR, Composite.of(null, ""))).isEqualTo(text("(,\"\")"));
    for (String bad : List.of("", "(", "(1", "1,2", "(1,2)x", "(1,\"2)")) {
      assertThatThrownBy(() -> read(ODD_PAIR, text(bad)))
          .as(bad)
          .isInstanceOf(PgCodecException.class);
    }
  }

  @Test
  void aSquareBracketEndsNoMemberOfACompositeInText() {
    assertThat(read(ODD_PAIR, text("(7,[])")))
        .isEqualTo(new Composite(List.of("n", "odd"), List.of(7, "[]")));
    assertThat(read(ODD_PAIR, text("(,])")))
        .isEqualTo(new Composite(List.of("n", "odd"), Arrays.asList(null, "]")));
  }

  @Test
  void anAnonymousRecordSaysItsTypesItself() {
    assertThat(read(BuiltinTypes.RECORD, BOB))
        .isEqualTo(new Composite(List.of("f1", "f2"), List.of(7, "Bob")));
    assertThat((Object) read(BuiltinTypes.RECORD, List.class, BOB)).isEqualTo(List.of(7, "Bob"));
    assertThat(read(BuiltinTypes.RECORD, String.class, BOB)).isEqualTo("(7,Bob)");
    String mood = "00000001 00011173 00000003 736164";
    assertThatThrownBy(() -> read(BuiltinTypes.RECORD, mood))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("member 1")
        .hasMessageContaining("70003");
    CodecRegistry knowing =
        CodecRegistry.standard().withTypes(oid -> oid == MOOD.oid() ? MOOD : null);
    assertThat(read(knowing, BuiltinTypes.RECORD, null, mood)).isEqualTo(Composite.of("sad"));
    assertThatThrownBy(() -> read(BuiltinTypes.RECORD, "7fffffff"))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void theMembersOfARecordAreWhatTheListOrTheMapIsOf() {
    CodecRegistry registry = CodecRegistry.standard();
    String oneTwo = "00000002 00000017 00000004 00000001 00000015 00000002 0002";
    assertThat(
            read(registry, BuiltinTypes.RECORD, new TypeReference<List<Long>>() {}.type(), oneTwo))
        .isEqualTo(List.of(1L, 2L));
    assertThat(
            read(
                registry,
                BuiltinTypes.RECORD,
                new TypeReference<Map<String, String>>() {}.type(),
                oneTwo))
        .isEqualTo(Map.of("f1", "1", "f2", "2"));
    assertThatThrownBy(
            () ->
                read(registry, BuiltinTypes.RECORD, new TypeReference<List<Long>>() {}.type(), BOB))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("member 2 of the record is text, which cannot be read as")
        .hasMessageContaining("java.lang.Long");
  }

  @Test
  void theKeysOfAMapAreNamesAndNothingElse() {
    var byNumber = new TypeReference<Map<Integer, String>>() {}.type();
    for (PgType type : List.of(PERSON, BuiltinTypes.RECORD)) {
      assertThatThrownBy(() -> CodecRegistry.standard().decoder(type, byNumber))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("cannot be read as java.util.Map<java.lang.Integer");
    }
  }

  @Test
  void aJavaRecordIsNotPromisedOfAnAnonymousOne() {
    assertThatThrownBy(() -> CodecRegistry.standard().decoder(BuiltinTypes.RECORD, Person.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageEndingWith(
            "ask for an io.asyncpg.types.value.Composite, a List, a Map or java.lang.String, or"
                + " cast the row to a named composite type, which a Java record can be read from");
  }

  @Test
  void attributesThatAreCalledF1AndF2GoByTheirNames() {
    var swapped =
        new PgType.Composite(
            70_008,
            "app",
            "swapped",
            List.of(
                new Attribute("f2", BuiltinTypes.INT4), new Attribute("f1", BuiltinTypes.INT4)));
    String twoOne = "00000002 00000017 00000004 00000002 00000017 00000004 00000001";
    assertThat(write(swapped, Composite.of(1, 2))).isEqualTo(twoOne.replace(" ", ""));
    var other = new Composite(List.of("f2", "f1"), List.of(2, 1));
    assertThat(write(swapped, other)).isEqualTo(twoOne.replace(" ", ""));
  }

  @Test
  void anEnumIsItsLabelOrAJavaEnum() {
    assertThat(read(MOOD, text("sad"))).isEqualTo("sad");
    assertThat(read(MOOD, Mood.class, text("very happy"))).isEqualTo(Mood.VERY_HAPPY);
    assertThat(write(MOOD, Mood.VERY_HAPPY)).isEqualTo(text("very happy"));
    assertThat(write(MOOD, "sad")).isEqualTo(text("sad"));
    assertThatThrownBy(() -> read(MOOD, Mood.class, text("new")))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("no constant of " + Mood.class.getName());
    assertThatThrownBy(() -> write(MOOD, Thread.State.NEW))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("NEW is no label of app.mood");
  }

  @Test
  void aDomainIsItsBase() {
    assertThat(read(EMAIL, text("a@b"))).isEqualTo("a@b");
    assertThat(write(EMAIL, "a@b")).isEqualTo(text("a@b"));
    var over = new PgType.Domain(70_007, "app", "persons", PERSONS);
    assertThat(read(over, Person[].class, write(over, List.of(new Person(1, null)))))
        .containsExactly(new Person(1, null));
    assertThatThrownBy(() -> write(EMAIL, 5))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.Integer cannot become app.email");
  }

  @Test
  void aMapWithNullsMakesAComposite() {
    var map = new HashMap<String, @Nullable Object>();
    map.put("id", 7);
    map.put("first_name", null);
    assertThat(write(PERSON, map)).isEqualTo(NOBODY.replace(" ", ""));
  }
}
