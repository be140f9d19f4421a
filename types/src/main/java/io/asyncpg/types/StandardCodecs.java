package io.asyncpg.types;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What every built-in scalar type becomes in Java: a line a type. */
final class StandardCodecs {
  static final Conversions<String> TEXT = TextCodecs.text(TextCodecs.UTF8);

  private static final Map<String, Conversions<?>> BUILTIN = new HashMap<>();

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
    builtin(
        "float4",
        NumberCodecs.floating(NumberCodecs.FLOAT4, NumberCodecs::exactFloat, NumberCodecs::print));
    builtin("float8", NumberCodecs.floating(NumberCodecs.FLOAT8, n -> n, NumberCodecs::print));
    builtin("numeric", NumericCodecs.conversions());

    builtin("text", TEXT);
    builtin("varchar", TEXT);
    builtin("bpchar", TEXT);
    builtin("name", TEXT);
    builtin("json", TEXT);
    builtin("unknown", TEXT);
    builtin("cstring", TEXT);
    builtin("jsonb", TextCodecs.text(TextCodecs.VERSIONED));
    builtin("char", TextCodecs.singleByte());

    builtin("date", TemporalCodecs.date());
    builtin("time", TemporalCodecs.time());
    builtin("timetz", TemporalCodecs.timeTz());
    builtin("timestamp", TemporalCodecs.timestamp());
    builtin("timestamptz", TemporalCodecs.timestampTz());
    builtin("interval", TemporalCodecs.interval());
  }

  private StandardCodecs() {}

  private static void builtin(String name, Conversions<?> conversions) {
    BUILTIN.put(name, conversions);
  }

  /** The line of a type; null for one that is unknown here. */
  static @Nullable Conversions<?> find(PgType type) {
    return type.schema().equals("pg_catalog") ? BUILTIN.get(type.name()) : null;
  }
}
