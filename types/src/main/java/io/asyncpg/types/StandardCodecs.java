package io.asyncpg.types;

import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What every built-in scalar type becomes in Java: a line a type. */
final class StandardCodecs {
  static final Conversions<String> TEXT = TextCodecs.text(TextCodecs.UTF8);

  private static final Map<String, Conversions<?>> BUILTIN = new HashMap<>();

  /** Types of extensions, which may live in any schema. */
  private static final Map<String, Conversions<?>> CONTRIB = new LinkedHashMap<>();

  static {
    builtin("bool", BinaryCodecs.bool());
    builtin("bytea", BinaryCodecs.bytea());
    builtin("uuid", BinaryCodecs.uuid());

    builtin("int2", NumberCodecs.whole(NumberCodecs.INT2, NumberCodecs::toShort, n -> n));
    builtin("int4", NumberCodecs.whole(NumberCodecs.INT4, Math::toIntExact, n -> n));
    builtin("int8", NumberCodecs.whole(NumberCodecs.INT8, n -> n, n -> n));
    builtin("oid", NumberCodecs.whole(NumberCodecs.UNSIGNED4, n -> n, n -> n));
    builtin("xid", NumberCodecs.whole(NumberCodecs.UNSIGNED4, n -> n, n -> n));
    builtin("cid", NumberCodecs.whole(NumberCodecs.UNSIGNED4, n -> n, n -> n));
    builtin("xid8", NumberCodecs.unsigned8());
    builtin("float4", NumberCodecs.float4());
    builtin("float8", NumberCodecs.float8());
    builtin("numeric", NumericCodecs.conversions());

    builtin("text", TEXT);
    builtin("varchar", TEXT);
    builtin("bpchar", TEXT);
    builtin("name", TEXT);
    builtin("json", TEXT);
    builtin("unknown", TEXT);
    builtin("cstring", TEXT);
    builtin("refcursor", TEXT);
    builtin("void", TEXT);
    builtin("jsonb", TextCodecs.text(TextCodecs.VERSIONED));
    builtin("jsonpath", TextCodecs.text(TextCodecs.VERSIONED));
    builtin("char", TextCodecs.singleByte());

    // Their binary form is lacking, or says less than, or something other than, their text.
    builtin("xml", TextCodecs.UNKNOWN);
    builtin("money", TextCodecs.UNKNOWN);
    builtin("tsvector", TextCodecs.UNKNOWN);
    builtin("tsquery", TextCodecs.UNKNOWN);
    builtin("gtsvector", TextCodecs.UNKNOWN);
    builtin("aclitem", TextCodecs.UNKNOWN);
    builtin("pg_node_tree", TextCodecs.UNKNOWN);
    builtin("pg_ndistinct", TextCodecs.UNKNOWN);
    builtin("pg_dependencies", TextCodecs.UNKNOWN);
    builtin("pg_brin_bloom_summary", TextCodecs.UNKNOWN);
    builtin("pg_brin_minmax_multi_summary", TextCodecs.UNKNOWN);
    builtin("pg_ddl_command", TextCodecs.UNKNOWN);
    builtin("pg_mcv_list", BinaryCodecs.bytea());

    builtin("date", TemporalCodecs.date());
    builtin("time", TemporalCodecs.time());
    builtin("timetz", TemporalCodecs.timeTz());
    builtin("timestamp", TemporalCodecs.timestamp());
    builtin("timestamptz", TemporalCodecs.timestampTz());
    builtin("interval", TemporalCodecs.interval());

    builtin("bit", BitCodecs.bits());
    builtin("varbit", BitCodecs.bits());
    builtin("inet", NetworkCodecs.inet());
    builtin("cidr", NetworkCodecs.cidr());
    builtin("macaddr", NetworkCodecs.macaddr());
    builtin("macaddr8", NetworkCodecs.macaddr8());

    builtin("point", GeometricCodecs.point());
    builtin("line", GeometricCodecs.line());
    builtin("lseg", GeometricCodecs.lineSegment());
    builtin("box", GeometricCodecs.box());
    builtin("path", GeometricCodecs.path());
    builtin("polygon", GeometricCodecs.polygon());
    builtin("circle", GeometricCodecs.circle());

    builtin("tid", SystemCodecs.tid());
    builtin("pg_lsn", SystemCodecs.lsn());
    builtin("pg_snapshot", SystemCodecs.snapshot());
    builtin("txid_snapshot", SystemCodecs.snapshot());
    builtin("regproc", SystemCodecs.objectName());
    builtin("regprocedure", SystemCodecs.objectName());
    builtin("regoper", SystemCodecs.objectName());
    builtin("regoperator", SystemCodecs.objectName());
    builtin("regclass", SystemCodecs.objectName());
    builtin("regcollation", SystemCodecs.objectName());
    builtin("regtype", SystemCodecs.objectName());
    builtin("regrole", SystemCodecs.objectName());
    builtin("regnamespace", SystemCodecs.objectName());
    builtin("regconfig", SystemCodecs.objectName());
    builtin("regdictionary", SystemCodecs.objectName());

    contrib("hstore", ContribCodecs.hstore());
    contrib("citext", TEXT);
    contrib("ltree", TextCodecs.UNKNOWN);
    contrib("lquery", TextCodecs.UNKNOWN);
    contrib("ltxtquery", TextCodecs.UNKNOWN);
    contrib("cube", TextCodecs.UNKNOWN);
    contrib("ean13", TextCodecs.UNKNOWN);
    contrib("isbn", TextCodecs.UNKNOWN);
    contrib("isbn13", TextCodecs.UNKNOWN);
    contrib("ismn", TextCodecs.UNKNOWN);
    contrib("ismn13", TextCodecs.UNKNOWN);
    contrib("issn", TextCodecs.UNKNOWN);
    contrib("issn13", TextCodecs.UNKNOWN);
    contrib("upc", TextCodecs.UNKNOWN);
    contrib("vector", ContribCodecs.vector(ContribCodecs.VECTOR));
    contrib("halfvec", ContribCodecs.vector(ContribCodecs.HALFVEC));
    contrib("sparsevec", ContribCodecs.sparsevec());
  }

  /** What PostGIS prints of a geometry is what it sends, in hex. */
  private static final Conversions<byte[]> HEX =
      Conversions.of(
          BinaryCodecs.BYTEA, HexFormat.of().withUpperCase()::formatHex, HexFormat.of()::parseHex);

  private StandardCodecs() {}

  private static void builtin(String name, Conversions<?> conversions) {
    BUILTIN.put(name, conversions);
  }

  private static void contrib(String name, Conversions<?> conversions) {
    CONTRIB.put(name, conversions);
  }

  /** The line of a type; null for one that is unknown here. */
  static @Nullable Conversions<?> find(PgType type) {
    if (type.schema().equals("pg_catalog")) {
      return BUILTIN.get(type.name());
    }
    return type instanceof PgType.Base ? CONTRIB.get(type.name()) : null;
  }

  /**
   * The line of a type whose binary form and text are both known here, or of what it is over: to
   * make one from the other, for a type without a line too.
   */
  static @Nullable Conversions<?> forms(PgType type) {
    if (type instanceof PgType.Domain domain) {
      return forms(domain.base());
    } else if (type instanceof PgType.Enumeration) {
      return TEXT;
    }
    Conversions<?> line = find(type);
    boolean spatial =
        line == null
            && type instanceof PgType.Base
            && (type.name().equals("geometry") || type.name().equals("geography"));
    return spatial ? HEX : line;
  }

  /** The types of extensions that have a line, for the documentation. */
  static Map<String, Conversions<?>> contrib() {
    return Collections.unmodifiableMap(CONTRIB);
  }
}
