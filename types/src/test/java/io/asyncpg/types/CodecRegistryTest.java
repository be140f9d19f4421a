package io.asyncpg.types;

import static io.asyncpg.types.Wire.read;
import static io.asyncpg.types.Wire.text;
import static io.asyncpg.types.Wire.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.PgType.Composite.Attribute;
import io.asyncpg.types.value.Composite;
import io.asyncpg.types.value.Range;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CodecRegistryTest {
  record Celsius(double degrees) {}

  record Name(String text) {}

  record Lists(List<Long> numbers, List<List<Integer>> nested, List<Integer>[] arrays) {}

  /** float8 as Celsius, in binary. */
  private static final Codec<Celsius> CELSIUS =
      new Codec<>() {
        @Override
        public Class<Celsius> javaType() {
          return Celsius.class;
        }

        @Override
        public void encode(Celsius value, PgType type, ValueWriter out) {
          out.writeDouble(value.degrees());
        }

        @Override
        public Celsius decode(PgType type, ValueReader in) {
          return new Celsius(in.readDouble());
        }
      };

  /** Any type as a Name, in text. */
  private static final Codec<Name> NAME =
      new Codec<>() {
        @Override
        public Class<Name> javaType() {
          return Name.class;
        }

        @Override
        public Format format() {
          return Format.TEXT;
        }

        @Override
        public void encode(Name value, PgType type, ValueWriter out) {
          out.writeUtf8(value.text());
        }

        @Override
        public Name decode(PgType type, ValueReader in) {
          return new Name(in.readUtf8());
        }
      };

  private static final PgType.Base TEMPERATURE = new PgType.Base(70_000, "app", "temperature", ',');
  private static final PgType.Array TEMPERATURES =
      new PgType.Array(70_001, "app", "_temperature", TEMPERATURE);
  private static final PgType.Range TEMPERATURE_RANGE =
      new PgType.Range(70_002, "app", "temperaturerange", TEMPERATURE);
  private static final PgType.Domain FEVER = new PgType.Domain(70_003, "app", "fever", TEMPERATURE);
  private static final PgType.Composite READING =
      new PgType.Composite(
          70_004,
          "app",
          "reading",
          List.of(new Attribute("at", BuiltinTypes.INT4), new Attribute("value", FEVER)));

  private final CodecRegistry registry =
      CodecRegistry.standard().with("app", "temperature", CELSIUS);

  @Test
  void aCodecAlsoServesArraysDomainsRangesAndComposites() {
    var degrees = new Celsius(36.6);
    for (Object value : new Object[] {degrees, List.of(degrees), Range.of(degrees, degrees)}) {
      PgType type =
          value instanceof Celsius
              ? FEVER
              : value instanceof List ? TEMPERATURES : TEMPERATURE_RANGE;
      assertThat(read(registry, type, null, write(registry, type, value))).isEqualTo(value);
    }
    String hex = write(registry, READING, Composite.of(1, degrees));
    assertThat(((Composite) read(registry, READING, null, hex)).get("value")).isEqualTo(degrees);
    assertThat(
            (Celsius[])
                read(
                    registry,
                    TEMPERATURES,
                    Celsius[].class,
                    write(registry, TEMPERATURES, List.of(degrees))))
        .containsExactly(degrees);
    assertThat(registry.decoder(READING, null).format()).isEqualTo(Format.BINARY);
  }

  @Test
  void withoutItsCodecTheSameTypeIsText() {
    assertThat(CodecRegistry.standard().decoder(TEMPERATURES, null).format())
        .isEqualTo(Format.TEXT);
    assertThat(read(TEMPERATURE, text("36.6"))).isEqualTo("36.6");
  }

  @Test
  void aBuiltInTypeCanBeOverridden() {
    CodecRegistry overriding = CodecRegistry.standard().with("pg_catalog", "float8", CELSIUS);
    assertThat(read(overriding, BuiltinTypes.FLOAT8, null, "3ff0000000000000"))
        .isEqualTo(new Celsius(1));
    assertThat(read(overriding, BuiltinTypes.FLOAT8, Double.class, "3ff0000000000000"))
        .isEqualTo(1.0);
    assertThat(write(overriding, BuiltinTypes.FLOAT8, 1.0)).isEqualTo("3ff0000000000000");
    assertThat(read(BuiltinTypes.FLOAT8, "3ff0000000000000")).isEqualTo(1.0);
  }

  @Test
  void aTypeOfTheSameNameInAnotherSchemaIsAnother() {
    var other = new PgType.Base(70_010, "other", "temperature", ',');
    assertThat(read(registry, other, null, text("warm"))).isEqualTo("warm");
  }

  @Test
  void aCodecInTextMakesItsContainersText() {
    CodecRegistry texts = CodecRegistry.standard().with("pg_catalog", "int4", NAME);
    assertThat(texts.decoder(BuiltinTypes.INT4_ARRAY, null).format()).isEqualTo(Format.TEXT);
    assertThat(read(texts, BuiltinTypes.INT4_ARRAY, null, text("{1,2}")))
        .isEqualTo(List.of(new Name("1"), new Name("2")));
    assertThat(write(texts, BuiltinTypes.INT4_ARRAY, List.of(new Name("1"), 2)))
        .isEqualTo(text("{1,2}"));
    assertThat(read(texts, BuiltinTypes.INT4, Integer.class, text("7"))).isEqualTo(7);
    assertThat((int[]) read(texts, BuiltinTypes.INT4_ARRAY, int[].class, text("{1,2}")))
        .containsExactly(1, 2);
  }

  @Test
  void theLaterModuleWins() {
    CodecRegistry both =
        registry.with((type, javaType) -> type.name().equals("temperature") ? NAME : null);
    assertThat(read(both, TEMPERATURE, null, text("warm"))).isEqualTo(new Name("warm"));
    assertThat(read(registry, TEMPERATURE, null, "3ff0000000000000")).isEqualTo(new Celsius(1));
  }

  @Test
  void aModuleIsAskedWithWhatIsWantedAndRemembered() {
    var asked = new AtomicInteger();
    CodecRegistry open =
        CodecRegistry.standard()
            .with(
                (type, javaType) -> {
                  asked.incrementAndGet();
                  return javaType == Celsius.class ? CELSIUS : null;
                });
    assertThat(read(open, BuiltinTypes.FLOAT8, Celsius.class, "3ff0000000000000"))
        .isEqualTo(new Celsius(1));
    int first = asked.get();
    assertThat(read(open, BuiltinTypes.FLOAT8, Celsius.class, "3ff0000000000000"))
        .isEqualTo(new Celsius(1));
    assertThat(asked).hasValue(first);
    assertThat(read(open, BuiltinTypes.FLOAT8, null, "3ff0000000000000")).isEqualTo(1.0);
  }

  @Test
  void genericTypesSayWhatListsHold() throws Exception {
    String one = "00000001 00000000 00000017 00000001 00000001 00000004 00000001";
    String nested =
        "00000002 00000000 00000017 00000001 00000001 00000001 00000001 00000004 00000001";
    CodecRegistry standard = CodecRegistry.standard();
    assertThat(read(standard, BuiltinTypes.INT4_ARRAY, component("numbers"), one))
        .isEqualTo(List.of(1L));
    assertThat(read(standard, BuiltinTypes.INT4_ARRAY, component("nested"), nested))
        .isEqualTo(List.of(List.of(1)));
  }

  private static Type component(String name) throws NoSuchMethodException {
    return Lists.class.getDeclaredMethod(name).getGenericReturnType();
  }

  @Test
  void whatCannotBeSaysBothSidesAndWhatCould() {
    assertThatThrownBy(() -> registry.decoder(BuiltinTypes.INT4, java.util.UUID.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("int4 cannot be read as java.util.UUID")
        .hasMessageContaining("java.lang.Integer");
    assertThatThrownBy(() -> registry.encoder(BuiltinTypes.INT4_ARRAY, String.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.String cannot become int4[]")
        .hasMessageContaining("a List or an array of what can become int4");
    assertThatThrownBy(() -> registry.encoder(BuiltinTypes.UUID, Integer.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.Integer cannot become uuid: pass java.util.UUID");
  }

  @Test
  void aTypeThatOnlyItsCodecKnowsIsSaidToBeOfThatCodecsClass() {
    assertThatThrownBy(() -> registry.decoder(TEMPERATURE, String.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageEndingWith(
            "cannot be read as java.lang.String: ask for "
                + Celsius.class.getName()
                + ", or register a Codec for it");
    assertThatThrownBy(() -> registry.encoder(TEMPERATURE, Integer.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("pass " + Celsius.class.getName() + ", java.lang.String, or");
    assertThatThrownBy(() -> registry.encoder(TEMPERATURE, String.class, Format.BINARY))
        .isInstanceOf(PgCodecException.class)
        .hasMessageEndingWith("pass " + Celsius.class.getName() + ", or register a Codec for it");
    assertThatThrownBy(() -> CodecRegistry.standard().decoder(TEMPERATURE, Integer.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("ask for java.lang.String, or");
    assertThatThrownBy(
            () -> CodecRegistry.standard().encoder(TEMPERATURE, String.class, Format.BINARY))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("in BINARY format: use the other format, or register");
  }

  @Test
  void aTypeThatItsCodecMadeBinaryIsNotSaidToBeReadableAsString() {
    var ltree = new PgType.Base(70_020, "public", "ltree", ',');
    CodecRegistry own = CodecRegistry.standard().with("public", "ltree", BinaryCodecs.BYTEA);
    assertThatThrownBy(() -> own.decoder(ltree, String.class))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("it arrives in BINARY format, for the codec registered for it")
        .hasMessageNotContaining("ask for java.lang.String");
  }

  @Test
  void anEnumInAColumnOfTextIsItsName() {
    assertThat(write(BuiltinTypes.TEXT, Thread.State.NEW)).isEqualTo(text("NEW"));
    assertThat(read(BuiltinTypes.VARCHAR, Thread.State.class, text("NEW")))
        .isEqualTo(Thread.State.NEW);
    assertThat(write(TEMPERATURE, Thread.State.NEW)).isEqualTo(text("NEW"));
  }

  @Test
  void aCodecInBinaryAlsoServesInsideWhatTravelsInText() {
    var mood = new PgType.Enumeration(70_011, "app", "mood", List.of("ok"));
    var row =
        new PgType.Composite(
            70_012,
            "app",
            "told",
            List.of(
                new Attribute("mark", BuiltinTypes.XML),
                new Attribute("degrees", BuiltinTypes.FLOAT8),
                new Attribute(
                    "limits",
                    new PgType.Array(
                        70_013,
                        "app",
                        "_limit",
                        new PgType.Domain(70_014, "app", "limit", BuiltinTypes.FLOAT8))),
                new Attribute("mood", mood)));
    CodecRegistry both =
        CodecRegistry.standard()
            .with("pg_catalog", "float8", CELSIUS)
            .with("app", "mood", BinaryCodecs.BYTEA);
    String told = text("(<a/>,36.6,\"{1,NULL}\",ok)");
    var composite = (Composite) read(both, row, null, told);
    assertThat(composite.get("degrees")).isEqualTo(new Celsius(36.6));
    assertThat(composite.get("limits")).isEqualTo(Arrays.asList(new Celsius(1), null));
    assertThat(composite.get("mood")).isEqualTo("ok".getBytes(StandardCharsets.UTF_8));
    assertThat(write(both, row, composite)).isEqualTo(told);
    // By itself it goes as it is.
    assertThat(both.encoder(BuiltinTypes.FLOAT8, Celsius.class)).isSameAs(CELSIUS);
    CodecRegistry inText = both.with("pg_catalog", "float8", NAME);
    assertThat(inText.encoder(BuiltinTypes.FLOAT8, Celsius.class)).isSameAs(CELSIUS);
  }

  @Test
  void whatATypeUnknownHereIsInBinaryIsNotMadeFromItsText() {
    var row =
        new PgType.Composite(
            70_012,
            "app",
            "told",
            List.of(
                new Attribute("mark", BuiltinTypes.XML), new Attribute("degrees", TEMPERATURE)));
    assertThat(((Composite) read(registry, row, null, text("(,36.6)"))).get("degrees"))
        .isEqualTo("36.6");
    assertThatThrownBy(() -> write(registry, row, Composite.of(null, new Celsius(1))))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("attribute \"degrees\" of app.told")
        .hasMessageContaining("in TEXT, as something in it has no binary form");
  }

  @Test
  void aContainerIsPrintedWhateverItsElementsAreInJava() {
    CodecRegistry overriding = CodecRegistry.standard().with("pg_catalog", "float8", CELSIUS);
    String array = write(BuiltinTypes.FLOAT8_ARRAY, new double[] {1, 2.5});
    assertThat(read(overriding, BuiltinTypes.FLOAT8_ARRAY, null, array))
        .isEqualTo(List.of(new Celsius(1), new Celsius(2.5)));
    assertThat(read(overriding, BuiltinTypes.FLOAT8_ARRAY, String.class, array))
        .isEqualTo("{1,2.5}");
    String record = "00000001 000002bd 00000008 3ff0000000000000";
    assertThat(read(overriding, BuiltinTypes.RECORD, String.class, record)).isEqualTo("(1)");
  }

  @Test
  void whatOnlyItsCodecCanReadIsNotPrinted() {
    String array = write(registry, TEMPERATURES, List.of(new Celsius(1)));
    assertThatThrownBy(() -> read(registry, TEMPERATURES, String.class, array))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("app.temperature travels in binary")
        .hasMessageContaining("with ::text");
  }

  @Test
  void theCodecsOfTheHotPathAreNotWrapped() {
    assertThat(registry.decoder(BuiltinTypes.INT4, null)).isInstanceOf(LongCodec.class);
    assertThat(registry.decoder(BuiltinTypes.INT4, int.class)).isSameAs(NumberCodecs.INT4);
    assertThat(registry.decoder(BuiltinTypes.FLOAT4, null)).isInstanceOf(DoubleCodec.class);
    assertThat(registry.encoder(BuiltinTypes.NUMERIC, java.math.BigDecimal.class))
        .isSameAs(NumericCodecs.DECIMAL);
    assertThat(registry.encoder(BuiltinTypes.TIMESTAMPTZ, java.time.Instant.class))
        .isSameAs(TemporalCodecs.INSTANT);
  }
}
