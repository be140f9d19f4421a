package io.asyncpg.types;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Writes docs/types.md from the standard list: which PostgreSQL type is which Java type. */
public final class TypesDocument {
  static final Path FILE = Path.of("..", "docs", "types.md");

  private static final Map<String, String> NOTES = new TreeMap<>();

  static {
    note("bpchar", "`char(n)`; padded with spaces, as the server pads it.");
    note(
        "bytea",
        "An `InputStream` that is an argument by itself is read by the calling thread, before the call returns; inside another value, or in a row of many, only a `ByteArrayInputStream` is taken.");
    note("char", "The one-byte type `\"char\"`, any byte; not `char(n)`.");
    note("cid", "Unsigned, 0 to 4294967295.");
    note("cidr", "A network; no bit may be set after the prefix.");
    note(
        "date",
        "`infinity` is `LocalDate.MAX`, `-infinity` is `LocalDate.MIN`, both ways. 4714-11-24 BC to 5874897-12-31.");
    note(
        "float4",
        "A `Double` is taken only if a `Float` holds it exactly, a `BigDecimal` if it is the value of one or the shortest decimal that stands for it.");
    note(
        "inet",
        "The mask is kept; an `InetAddress` is given only where there is none to lose. Nothing is looked up.");
    note(
        "interval",
        "Months, days and microseconds, kept apart. `Period` and `Duration` only where nothing is lost.");
    note("json", "See json-ext for objects.");
    note("jsonb", "See json-ext for objects.");
    note(
        "money",
        "As the server prints it, which depends on `lc_monetary`; to compute, cast to numeric.");
    note(
        "numeric",
        "The display scale is kept. NaN and the infinities are in `Numeric` and `Double`; read as BigDecimal they are refused by name. `Double` and `Float` only where they stand for the same decimal.");
    note("oid", "Unsigned, 0 to 4294967295.");
    note("pg_mcv_list", "Read only.");
    note("time", "`24:00:00` is in `TimeOfDay`; read as LocalTime it is refused by name.");
    note(
        "timestamp",
        "`infinity` is `LocalDateTime.MAX`, `-infinity` is `LocalDateTime.MIN`, both ways. A fraction of a microsecond is refused.");
    note(
        "timestamptz",
        "Read in UTC. `infinity` is `OffsetDateTime.MAX` and `Instant.MAX`, `-infinity` their `MIN`, both ways. A `LocalDateTime` is refused: it is no moment. So is a fraction of a microsecond.");
    note("timetz", "`24:00:00` is in `TimeTz`. The offset is kept to the second.");
    note("void", "What a function without a result returns.");
    note("xid", "Unsigned, 0 to 4294967295.");
    note("xid8", "Unsigned; above 2^63-1 read it as `BigInteger`.");
    note("unknown", "A literal whose type the server has not decided.");
    for (String name :
        new String[] {
          "regproc",
          "regprocedure",
          "regoper",
          "regoperator",
          "regclass",
          "regcollation",
          "regtype",
          "regrole",
          "regnamespace",
          "regconfig",
          "regdictionary"
        }) {
      note(name, "The object's name, as the search path has it; an OID may be passed.");
    }
    note("bit", "`byte[]` only of whole bytes, `Boolean` only of one bit.");
    note("varbit", "`byte[]` only of whole bytes, `Boolean` only of one bit.");
    note("vector", "pgvector.");
    note("halfvec", "pgvector; a float that half precision cannot hold is refused.");
    note("sparsevec", "pgvector.");
    note("hstore", "Keys and values are Strings; a value may be null.");
  }

  private TypesDocument() {}

  private static void note(String type, String text) {
    NOTES.put(type, text);
  }

  /**
   * Writes the file.
   *
   * @param arguments none
   * @throws IOException if it cannot be written
   */
  public static void main(String[] arguments) throws IOException {
    Files.writeString(FILE, generate());
  }

  static String generate() {
    var text = new StringBuilder(HEAD);
    text.append("## Built-in types\n\n").append(TABLE_HEAD);
    for (PgType type : byOid()) {
      if (type instanceof PgType.Base || type instanceof PgType.Pseudo) {
        Conversions<?> conversions = StandardCodecs.find(type);
        text.append(line(type.name(), Integer.toUnsignedString(type.oid()), conversions));
      }
    }
    text.append("\n## Built-in arrays, ranges and multiranges\n\n| type | OID |\n|---|---|\n");
    for (PgType type : byOid()) {
      if (!(type instanceof PgType.Base || type instanceof PgType.Pseudo)) {
        text.append("| `%s` | %d |\n".formatted(type.displayName(), type.oid()));
      }
    }
    text.append("\n## Types of extensions, in any schema\n\n").append(TABLE_HEAD);
    StandardCodecs.contrib()
        .forEach((name, conversions) -> text.append(line(name, "", conversions)));
    return text.toString();
  }

  private static List<PgType> byOid() {
    return BuiltinTypes.all().stream().sorted(Comparator.comparingInt(PgType::oid)).toList();
  }

  private static String line(
      String name, String oid, @org.jspecify.annotations.Nullable Conversions<?> conversions) {
    if (name.equals("record")) {
      return row(
          name,
          oid,
          "binary",
          "`Composite`",
          "`List`, `Map`, `String`",
          "",
          "Anonymous: its members are named f1, f2 and so on. The server takes none as a parameter.");
    }
    if (conversions == null) {
      return row(name, oid, "text", "`String`", "", "`String`", "A pseudo-type.");
    }
    var readable = new LinkedHashMap<String, String>();
    conversions.readable().forEach(each -> readable.put(each.getTypeName(), javaName(each)));
    var writable = new LinkedHashMap<String, String>();
    conversions.writable().forEach(each -> writable.put(each.getTypeName(), javaName(each)));
    String first = readable.values().iterator().next();
    return row(
        name,
        oid,
        conversions.format().name().toLowerCase(java.util.Locale.ROOT),
        first,
        joined(readable.values().stream().skip(1).toList()),
        joined(writable.values()),
        NOTES.getOrDefault(name, ""));
  }

  private static String row(String... cells) {
    cells[0] = "`" + cells[0] + "`";
    return "| " + String.join(" | ", cells) + " |\n";
  }

  private static String joined(Collection<String> names) {
    return names.stream().collect(Collectors.joining(", "));
  }

  private static String javaName(Class<?> javaType) {
    return "`" + javaType.getSimpleName() + "`";
  }

  private static final String TABLE_HEAD =
      """
      | type | OID | travels in | read as, by default | and, if asked for, as | written from | notes |
      |---|---|---|---|---|---|---|
      """;

  private static final String HEAD =
      """
      # PostgreSQL types and Java types

      Every type PostgreSQL has, what it is in Java, and what else it can be. Generated from the standard list by
      `TypesDocument`; a test compares the two, and another walks the `pg_type` of a live server.

      The rule: what the server holds is what you get, and what you can send back. Where a conversion would lose
      something it is refused, with an error that names both sides and what to do instead. Strings are not parsed into
      numbers or dates: write `$1::text::int4` to let the server do it.

      Classes without a package below are the JDK's or those of `io.asyncpg.types.value`.

      ## Types made of others

      | PostgreSQL | read as, by default | and, if asked for, as | written from |
      |---|---|---|---|
      | array | `PgArray`, an unmodifiable `List` (nested for more dimensions) that knows its lower bounds | `List<X>`, `Set`, `X[]`, `int[]` and the other primitives, `X[][]`…, `String`; refused if bounds, NULLs or duplicates would be lost | any `Collection` or array, nested for dimensions |
      | range | `Range` | `Range<X>`, `String` | `Range` |
      | multirange | `List` of `Range` | `List<Range<X>>`, `String` | any `Collection` of `Range`, `Range[]` |
      | composite, table row | `Composite` | `Map`, a Java record by its components' names (`first_name` is `firstName`), `String` | the same; what a `Map` leaves out is NULL |
      | enum | `String` | a Java enum, by label | the same |
      | domain | as the type it is over | | |
      | a type that no codec knows | `String`, as the server prints it | a Java enum, by name | `String` |

      Each takes its elements from the registry, so that a codec of your own also serves arrays, ranges, domains and
      composites of its type. As a `String` each is what the server prints, whatever its elements are in Java.
      The client prints what travels in binary, with the settings that a server begins with: a `timestamptz` in UTC, a date in
      ISO style, a `bytea` in hex, whatever `TimeZone`, `DateStyle`, `IntervalStyle` and `bytea_output` are in the session.

      A row, or an array of rows, travels in text where one of its attributes does (`tsvector`, `money` and what else "travels in"
      text below). The settings of the session count for what is in it then: where `extra_float_digits` is below 1 its floats are the
      rounded ones that the server prints, and its dates and intervals are read with `DateStyle` ISO and `IntervalStyle` postgres
      only; read it as a `String` with any other.

      """;
}
