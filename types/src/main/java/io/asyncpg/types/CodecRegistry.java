package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds the codec for a PostgreSQL type and a Java type: the modules first, the later one winning,
 * then the standard list. Arrays, ranges, domains and composites are put together from the codecs
 * of what they hold, wherever those come from. Immutable, and usable from any thread; answers are
 * remembered.
 *
 * <p>The format in which the server sends a type is that of its default codec, {@code decoder(type,
 * null)}; a codec in text is passed over where a value comes in binary. One in binary also serves
 * inside what travels in text, as a row does if one of its members has no binary form: the bytes
 * are made from the text, and the text from the bytes, for every type whose two forms are known
 * here.
 */
public final class CodecRegistry {
  private static final CodecRegistry STANDARD = new CodecRegistry(List.of(), BuiltinTypes::byOid);
  private static final int REMEMBERED = 16_384;

  /** The answer that there is none. */
  private static final Object NONE = new Object();

  private final List<CodecModule> modules;
  private final IntFunction<@Nullable PgType> types;
  private final ConcurrentHashMap<Question, Object> answers = new ConcurrentHashMap<>();

  /** Made when it is first asked for. */
  private volatile @Nullable CodecRegistry printing;

  private CodecRegistry(List<CodecModule> modules, IntFunction<@Nullable PgType> types) {
    this.modules = modules;
    this.types = types;
  }

  /**
   * The registry of every built-in type, and of the extensions that come with PostgreSQL.
   *
   * @return the one without modules
   */
  public static CodecRegistry standard() {
    return STANDARD;
  }

  /**
   * This registry with more modules, asked before those it has; the last is asked first.
   *
   * @param modules what to add
   * @return a new registry
   */
  public CodecRegistry with(CodecModule... modules) {
    var all = new ArrayList<>(this.modules);
    all.addAll(List.of(modules));
    return new CodecRegistry(List.copyOf(all), types);
  }

  /**
   * This registry with a codec for one type, by name, so that it survives a type made anew. It
   * serves that type alone, inside arrays, domains, ranges and composites too.
   *
   * @param schema the type's schema, unquoted; {@code pg_catalog} for a built-in one
   * @param typeName the type's name as pg_type has it, unquoted; of a built-in one the SQL
   *     standard's name will do, such as {@code double precision}
   * @param codec what reads and writes it
   * @return a new registry
   */
  public CodecRegistry with(String schema, String typeName, Codec<?> codec) {
    String name = nameInCatalog(schema, typeName);
    return with(
        (type, javaType) ->
            type.name().equals(name)
                    && type.schema().equals(schema)
                    && (javaType == null || related(codec.javaType(), JavaTypes.raw(javaType)))
                ? codec
                : null);
  }

  /**
   * This registry with one type read and written as another is, in all Java types that one has. For
   * a type of an extension whose values look like those of a type known here: {@code with("public",
   * "my_text", BuiltinTypes.TEXT, Format.BINARY)}.
   *
   * @param schema the type's schema, unquoted
   * @param typeName the type's name as pg_type has it, unquoted
   * @param sameAs the type whose codecs serve it; an extension's is found by its name alone, {@code
   *     new PgType.Base(0, "public", "hstore", ',')}
   * @param format the format to ask the server for: text is always right where both types print
   *     alike, binary where their send functions write the same bytes
   * @return a new registry
   */
  public CodecRegistry with(String schema, String typeName, PgType sameAs, Format format) {
    return with(new Alias(schema, nameInCatalog(schema, typeName), sameAs, format));
  }

  private static String nameInCatalog(String schema, String typeName) {
    PgType builtin = schema.equals("pg_catalog") ? BuiltinTypes.byName(typeName) : null;
    return builtin == null ? typeName : builtin.name();
  }

  /** Not asked for codecs, but for the type to go on with. */
  private record Alias(String schema, String name, PgType sameAs, Format format)
      implements CodecModule {
    boolean covers(PgType type) {
      return type.name().equals(name) && type.schema().equals(schema);
    }

    @Override
    public @Nullable Codec<?> codec(PgType type, @Nullable Type javaType) {
      return null;
    }
  }

  private static boolean related(Class<?> codec, Class<?> asked) {
    return codec.isAssignableFrom(asked) || asked.isAssignableFrom(codec);
  }

  /**
   * This registry, able to read the members of an anonymous record that are of types made at run
   * time. Without this a record may hold built-in types only.
   *
   * @param types the types of one database by OID; null for one that is unknown there. Built-in
   *     types are not asked for
   * @return a new registry
   */
  public CodecRegistry withTypes(IntFunction<@Nullable PgType> types) {
    return new CodecRegistry(
        modules,
        oid -> {
          PgType builtin = BuiltinTypes.byOid(oid);
          return builtin == null ? types.apply(oid) : builtin;
        });
  }

  /** A type by its OID, as the members of a record are given. */
  @Nullable PgType type(int oid) {
    return types.apply(oid);
  }

  /**
   * The codec that reads a type.
   *
   * @param type the type the server sends
   * @param javaType what is wanted, a class or a generic type such as {@code List<Integer>}; null
   *     or {@code Object.class} for the type's default
   * @return a codec whose values are of that class or below it
   * @throws PgCodecException if the type cannot be read so; it says as what it can
   */
  public Codec<?> decoder(PgType type, @Nullable Type javaType) {
    Format format = formatOf(type);
    Codec<?> found = findDecoder(type, javaType, format);
    if (found != null) {
      return found;
    }
    throw new PgCodecException(
        type.displayName()
            + " cannot be read as "
            + (javaType == null ? "anything" : javaType.getTypeName())
            + ": "
            + readable(type, format)
            + (isRecord(type)
                ? "or cast the row to a named composite type, which a Java record can be read from"
                : "or register a Codec for it"));
  }

  /**
   * The codec that writes a type.
   *
   * @param type the type the server expects
   * @param javaType the class of the value
   * @return a codec that takes values of that class
   * @throws PgCodecException if the class cannot become the type; it says what can
   */
  public Codec<?> encoder(PgType type, Type javaType) {
    Class<?> given = JavaTypes.raw(javaType);
    Format format = formatOf(type);
    Codec<?> found = findEncoder(type, given, format);
    if (found == null || found instanceof ByWayOfText) {
      found = findEncoder(type, given, format == Format.BINARY ? Format.TEXT : Format.BINARY);
    } else if (format == Format.BINARY && ArrayCodecs.isBetterInText(type)) {
      Codec<?> text = findEncoder(type, given, Format.TEXT);
      found = text == null || text instanceof ByWayOfText ? found : text;
    }
    if (found != null) {
      return found;
    }
    throw new PgCodecException(
        given.getName()
            + " cannot become "
            + type.displayName()
            + ": "
            + writable(type, null)
            + (CharSequence.class.isAssignableFrom(given)
                ? "or cast the parameter with $1::text"
                : "or register a Codec for it"));
  }

  /**
   * The codec that writes a type in one format, for COPY, which has one for all.
   *
   * @param type the type the server expects
   * @param javaType the class of the value
   * @param format the format
   * @return a codec of that format that takes values of that class
   * @throws PgCodecException if the class cannot become the type in that format
   */
  public Codec<?> encoder(PgType type, Type javaType, Format format) {
    Class<?> given = JavaTypes.raw(javaType);
    Codec<?> found = findEncoder(type, given, format);
    if (found != null) {
      return found;
    }
    throw new PgCodecException(
        given.getName()
            + " cannot become "
            + type.displayName()
            + " in "
            + format
            + " format: "
            + writable(type, format)
            + "or register a Codec for it");
  }

  /**
   * The format in which rows of these types are written, for COPY, which has one for all.
   *
   * @param types the types of the columns
   * @return binary, unless one of them travels in text or has a value that the server takes in text
   *     only
   */
  public Format encodingFormat(List<PgType> types) {
    return types.stream()
            .allMatch(type -> formatOf(type) == Format.BINARY && !ArrayCodecs.isBetterInText(type))
        ? Format.BINARY
        : Format.TEXT;
  }

  /** The format the server is asked for: the default codec's. */
  Format formatOf(PgType type) {
    var question = new Question(type, null, null, false);
    if (answers.get(question) instanceof Format known) {
      return known;
    }
    Format format = decideFormat(type);
    remember(question, format);
    return format;
  }

  private Format decideFormat(PgType type) {
    for (int i = modules.size() - 1; i >= 0; i--) {
      if (modules.get(i) instanceof Alias alias && alias.covers(type)) {
        return alias.format();
      }
      Codec<?> codec = modules.get(i).codec(type, null);
      if (codec != null) {
        return codec.format();
      }
    }
    if (type instanceof PgType.Array array) {
      return formatOf(array.element());
    } else if (type instanceof PgType.Domain domain) {
      return formatOf(domain.base());
    } else if (type instanceof PgType.Range range) {
      return formatOf(range.subtype());
    } else if (type instanceof PgType.Multirange multirange) {
      return formatOf(multirange.range());
    } else if (type instanceof PgType.Composite composite) {
      return composite.attributes().stream()
              .allMatch(attribute -> formatOf(attribute.type()) == Format.BINARY)
          ? Format.BINARY
          : Format.TEXT;
    } else if (type instanceof PgType.Enumeration) {
      return Format.BINARY;
    }
    if (isRecord(type)) {
      return Format.BINARY;
    }
    Conversions<?> conversions = StandardCodecs.find(type);
    return conversions == null ? Format.TEXT : conversions.format();
  }

  /** As {@link #decoder}, in a given format, and null where there is none. */
  @Nullable Codec<?> findDecoder(PgType type, @Nullable Type javaType, Format format) {
    Type wanted = javaType == Object.class ? null : javaType;
    var question = new Question(type, wanted, format, true);
    Object known = answers.get(question);
    if (known == null) {
      Codec<?> found = searchDecoder(type, wanted, format);
      known = found == null ? NONE : found;
      remember(question, known);
    }
    return known instanceof Codec<?> codec ? codec : null;
  }

  private @Nullable Codec<?> searchDecoder(PgType type, @Nullable Type wanted, Format format) {
    Class<?> raw = wanted == null ? null : JavaTypes.raw(wanted);
    for (int i = modules.size() - 1; i >= 0; i--) {
      if (modules.get(i) instanceof Alias alias && alias.covers(type)) {
        return findDecoder(alias.sameAs(), wanted, format);
      }
      Codec<?> codec = inFormat(format, modules.get(i).codec(type, wanted), type);
      if (codec != null
          && (raw == null
              || codec.javaType() == Object.class
              || raw.isAssignableFrom(JavaTypes.raw(codec.javaType())))) {
        return codec;
      }
    }
    if (type instanceof PgType.Domain domain) {
      return findDecoder(domain.base(), wanted, format);
    }
    if (raw == String.class && isContainer(type)) {
      return format == Format.BINARY ? printer(type) : TextCodecs.TEXT;
    }
    if (type instanceof PgType.Array array) {
      return ArrayCodecs.decoder(this, array, wanted, format);
    } else if (type instanceof PgType.Range range) {
      return RangeCodecs.decoder(this, range, wanted, format);
    } else if (type instanceof PgType.Multirange multirange) {
      return RangeCodecs.decoder(this, multirange, wanted, format);
    } else if (type instanceof PgType.Composite composite) {
      return CompositeCodecs.decoder(this, composite, wanted, format);
    } else if (isRecord(type)) {
      return CompositeCodecs.recordDecoder(this, wanted, format);
    } else if (type instanceof PgType.Enumeration enumeration) {
      return EnumCodec.decoder(enumeration, raw, format);
    }
    Conversions<?> conversions = StandardCodecs.find(type);
    if (conversions == null && format == Format.TEXT) {
      conversions = TextCodecs.UNKNOWN;
    }
    if (conversions == null || (raw == Map.class && !isMapOfText(wanted))) {
      return null;
    }
    return raw != null && raw.isEnum() && isText(conversions)
        ? EnumCodec.byName(raw, format)
        : conversions.reader(raw, format);
  }

  /** What reads a value's binary form as the text that the server prints of it inside another. */
  @Nullable Codec<?> printer(PgType type) {
    CodecRegistry scalars = printing();
    Codec<?> found = scalars.findDecoder(type, null, Format.BINARY);
    return found == null || found.javaType() == String.class
        ? found
        : new PrintedCodec(found, scalars);
  }

  private CodecRegistry printing() {
    CodecRegistry known = printing;
    if (known == null) {
      var scalars = new ArrayList<CodecModule>();
      scalars.add(new PrintedScalars(this));
      modules.stream().filter(Alias.class::isInstance).forEach(scalars::add);
      known = new CodecRegistry(List.copyOf(scalars), types);
      printing = known;
    }
    return known;
  }

  /** As {@link #encoder}, in a given format, and null where there is none. */
  @Nullable Codec<?> findEncoder(PgType type, Class<?> given, Format format) {
    var question = new Question(type, given, format, false);
    Object known = answers.get(question);
    if (known == null) {
      Codec<?> found = searchEncoder(type, given, format);
      known = found == null ? NONE : found;
      remember(question, known);
    }
    return known instanceof Codec<?> codec ? codec : null;
  }

  private @Nullable Codec<?> searchEncoder(PgType type, Class<?> given, Format format) {
    for (int i = modules.size() - 1; i >= 0; i--) {
      if (modules.get(i) instanceof Alias alias && alias.covers(type)) {
        return findEncoder(alias.sameAs(), given, format);
      }
      Codec<?> codec = inFormat(format, modules.get(i).codec(type, given), type);
      if (codec != null && JavaTypes.raw(codec.javaType()).isAssignableFrom(given)) {
        return codec;
      }
    }
    if (type instanceof PgType.Domain domain) {
      return findEncoder(domain.base(), given, format);
    } else if (type instanceof PgType.Array array) {
      return ArrayCodecs.encoder(this, array, given, format);
    } else if (type instanceof PgType.Range range) {
      return RangeCodecs.encoder(this, range, given, format);
    } else if (type instanceof PgType.Multirange multirange) {
      return RangeCodecs.encoder(this, multirange, given, format);
    } else if (type instanceof PgType.Composite composite) {
      return CompositeCodecs.encoder(this, composite, given, format);
    } else if (type instanceof PgType.Enumeration enumeration) {
      return EnumCodec.encoder(enumeration, given, format);
    }
    Conversions<?> conversions = StandardCodecs.find(type);
    if (conversions == null && format == Format.TEXT) {
      conversions = TextCodecs.UNKNOWN;
    }
    if (conversions == null) {
      return null;
    }
    return Enum.class.isAssignableFrom(given) && isText(conversions)
        ? EnumCodec.byName(given, format)
        : conversions.writer(given, format);
  }

  /** A module's codec for what travels so; null if there is none. */
  private static @Nullable Codec<?> inFormat(Format format, @Nullable Codec<?> codec, PgType type) {
    if (codec == null || codec.format() == format) {
      return codec;
    }
    Conversions<?> forms = format == Format.TEXT ? StandardCodecs.forms(type) : null;
    return forms == null ? null : forms.inText(codec);
  }

  private static boolean isText(Conversions<?> conversions) {
    return conversions == StandardCodecs.TEXT || conversions == TextCodecs.UNKNOWN;
  }

  /** What hstore is, the one scalar with something in it. */
  private static boolean isMapOfText(@Nullable Type map) {
    return map == null || (JavaTypes.isTextual(map, 0) && JavaTypes.isTextual(map, 1));
  }

  static boolean isRecord(PgType type) {
    return type instanceof PgType.Pseudo && type.oid() == BuiltinTypes.RECORD.oid();
  }

  private static boolean isContainer(PgType type) {
    return type instanceof PgType.Array
        || type instanceof PgType.Range
        || type instanceof PgType.Multirange
        || type instanceof PgType.Composite;
  }

  private void remember(Question question, Object answer) {
    // Types that are made and dropped all day must not fill the heap.
    if (answers.size() > REMEMBERED) {
      answers.clear();
    }
    answers.put(question, answer);
  }

  /** What to ask for instead, before "or". */
  private String readable(PgType type, Format format) {
    Conversions<?> standard = conversions(type);
    Codec<?> registered = findDecoder(type, null, format);
    if (registered != null && standard != null && standard.format() != format) {
      return "it arrives in "
          + format
          + " format, for the codec registered for it: ask for "
          + classOf(registered)
          + ", ";
    }
    boolean asString = findDecoder(type, String.class, format) != null;
    String kind = kind(type);
    if (kind != null) {
      return "ask for " + kind + (asString ? " or java.lang.String, " : ", ");
    }
    return standard == null
        ? "ask for " + served(registered, asString)
        : "ask for " + names(standard.readable()) + ", ";
  }

  /** What to pass instead, before "or"; in any format if none is given. */
  private String writable(PgType type, @Nullable Format only) {
    if (isRecord(type)) {
      return "the server takes no anonymous record: cast the parameter to a named composite type, ";
    }
    boolean asString =
        (only != Format.TEXT && findEncoder(type, String.class, Format.BINARY) != null)
            || (only != Format.BINARY && findEncoder(type, String.class, Format.TEXT) != null);
    String kind = kind(type);
    if (kind != null) {
      return "pass " + kind + (asString ? ", java.lang.String, " : ", ");
    }
    Conversions<?> conversions = conversions(type);
    if (conversions != null) {
      return "pass " + names(conversions.writable()) + ", ";
    }
    String served = served(findDecoder(type, null, formatOf(type)), asString);
    return served.isEmpty() ? "use the other format, " : "pass " + served;
  }

  /** What a type is that has a registered codec and nothing else, or not even that. */
  private static String served(@Nullable Codec<?> registered, boolean asString) {
    return (registered == null || registered.javaType() == String.class
            ? ""
            : classOf(registered) + ", ")
        + (asString ? "java.lang.String, " : "");
  }

  /** The class of a codec's values; whose codec it is where it has values of several classes. */
  private static String classOf(Codec<?> codec) {
    return codec.javaType() == Object.class
        ? "one of the classes that " + codec.getClass().getNestHost().getName() + " is for"
        : codec.javaType().getTypeName();
  }

  /** What the values of a type are, where they are put together from others. */
  private static @Nullable String kind(PgType type) {
    if (type instanceof PgType.Domain domain) {
      return kind(domain.base());
    } else if (type instanceof PgType.Array array) {
      return "a List or an array of what can become " + array.element().displayName();
    } else if (type instanceof PgType.Range range) {
      return "an io.asyncpg.types.value.Range of what can become " + range.subtype().displayName();
    } else if (type instanceof PgType.Multirange multirange) {
      return "a List of what can become " + multirange.range().displayName();
    } else if (type instanceof PgType.Composite) {
      return "an io.asyncpg.types.value.Composite, a Map, a record by its components' names";
    } else if (isRecord(type)) {
      return "an io.asyncpg.types.value.Composite, a List, a Map";
    }
    return type instanceof PgType.Enumeration ? "a Java enum" : null;
  }

  private @Nullable Conversions<?> conversions(PgType type) {
    for (CodecModule module : modules) {
      if (module instanceof Alias alias && alias.covers(type)) {
        return conversions(alias.sameAs());
      }
    }
    if (type instanceof PgType.Domain domain) {
      return conversions(domain.base());
    }
    return type instanceof PgType.Base || type instanceof PgType.Pseudo
        ? StandardCodecs.find(type)
        : null;
  }

  private static String names(Set<Class<?>> classes) {
    return classes.stream().map(Class::getTypeName).collect(Collectors.joining(", "));
  }

  /**
   * What the registry remembers an answer to. The same type object nearly always asks again, so
   * graphs are seldom compared.
   */
  private record Question(
      PgType type, @Nullable Type javaType, @Nullable Format format, boolean reads) {
    @Override
    public int hashCode() {
      int hash = 31 * type.oid() + (javaType == null ? 0 : javaType.hashCode());
      return 31 * hash + (format == null ? 4 : 2 * format.code()) + (reads ? 1 : 0);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Question that
          && reads == that.reads
          && format == that.format
          && (javaType == that.javaType || (javaType != null && javaType.equals(that.javaType)))
          && (type == that.type || type.equals(that.type));
    }
  }
}
