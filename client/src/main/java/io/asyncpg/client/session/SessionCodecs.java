package io.asyncpg.client.session;

import io.asyncpg.error.PgException;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.PgType;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The codecs of one session: those of the configuration, and on top of them what was registered on
 * the session itself. Confined to the event loop.
 */
final class SessionCodecs {
  /** A type by its name: what is registered for it outlives the type's OID. */
  record Name(String schema, String name) {
    @Override
    public String toString() {
      return schema + "." + name;
    }
  }

  private final CodecRegistry configured;
  private final Map<Name, UnaryOperator<CodecRegistry>> registered = new LinkedHashMap<>();
  private Map<Name, UnaryOperator<CodecRegistry>> kept = Map.of();
  private CodecRegistry now;

  /** Whether something else may be registered than what belongs to the session. */
  private boolean changed;

  SessionCodecs(CodecRegistry configured) {
    this.configured = configured;
    this.now = configured;
  }

  /** Another object whenever something else is registered. */
  CodecRegistry now() {
    return now;
  }

  /** What is registered now belongs to the session, and survives its reset. */
  void keep() {
    kept = new LinkedHashMap<>(registered);
    changed = false;
  }

  /** Whether {@link #reset} has something to do. */
  boolean isChanged() {
    return changed;
  }

  /** Back to what belongs to the session. */
  void reset() {
    if (!registered.equals(kept)) {
      registered.clear();
      registered.putAll(kept);
      rebuild();
    }
    changed = false;
  }

  private void register(Name type, UnaryOperator<CodecRegistry> codec) {
    registered.remove(type);
    registered.put(type, codec);
    rebuild();
  }

  private void reset(Name type) {
    if (registered.remove(type) != null) {
      rebuild();
    }
  }

  private void rebuild() {
    CodecRegistry all = configured;
    for (UnaryOperator<CodecRegistry> each : registered.values()) {
      all = each.apply(all);
    }
    now = all;
    changed = true;
  }

  /**
   * Registers or resets, in its turn: what was asked before uses the old codec, what is asked after
   * it the new one.
   */
  static final class Change extends UnwrittenRequest<Void> {
    private final Name name;
    private final @Nullable UnaryOperator<CodecRegistry> codec;
    private @Nullable TypeLookup lookup;
    private boolean checked;

    /**
     * Creates a change.
     *
     * @param codec adds what is to be registered; null to reset
     * @throws IllegalArgumentException when a built-in type cannot have a codec of its own
     */
    Change(
        Session session,
        String schema,
        String typeName,
        @Nullable UnaryOperator<CodecRegistry> codec,
        long timeout) {
      super(session, timeout);
      this.codec = codec;
      PgType builtin = schema.equals("pg_catalog") ? BuiltinTypes.byName(typeName) : null;
      this.name = new Name(schema, builtin == null ? typeName : builtin.name());
      if (builtin != null) {
        check(builtin);
        checked = true;
      }
    }

    private void check(@Nullable PgType type) {
      if (type == null) {
        throw new IllegalArgumentException(
            "no type "
                + name
                + " in this database: both names are taken as pg_type and pg_namespace have them,"
                + " unquoted and without the search path");
      }
      String of =
          type instanceof PgType.Array array
              ? "an array: register the codec for its element, " + array.element().displayName()
              : type instanceof PgType.Range range
                  ? "a range: register the codec for its subtype, " + range.subtype().displayName()
                  : type instanceof PgType.Multirange multirange
                      ? "a multirange: register the codec for the subtype of its range, "
                          + multirange.range().subtype().displayName()
                      : type instanceof PgType.Domain domain
                          ? "a domain, and the server sends its values as those of its base type:"
                              + " register the codec for "
                              + domain.base().displayName()
                          : type instanceof PgType.Pseudo
                              ? "a pseudo-type: cast the value to a type of its own"
                              : "";
      if (!of.isEmpty()) {
        throw new IllegalArgumentException(
            "a codec is registered for a scalar, enum or composite type, but "
                + name
                + " is "
                + of
                + (type instanceof PgType.Pseudo ? "" : ", which serves this one too"));
      }
    }

    @Override
    boolean isReadyToWrite(Session session, boolean first) {
      if (checked || !first) {
        return checked;
      }
      SessionCodecs codecs = session.statements().codecs();
      TypeLookup asked = lookup;
      if (codec == null && codecs.registered.containsKey(name)) {
        checked = true;
      } else if (asked == null) {
        asked =
            TypeLookup.named(
                session.statements().types(), name.schema, name.name, whyNot -> session.goOn());
        lookup = asked;
        session.submitUrgently(asked);
      } else if (asked.isOver()) {
        PgException whyNot = asked.failure();
        if (whyNot != null) {
          throw whyNot;
        }
        check(asked.found());
        checked = true;
      }
      return checked;
    }

    @Override
    @SuppressWarnings("NullAway") // a Void is null
    void turn(Session session) {
      SessionCodecs codecs = session.statements().codecs();
      if (codec == null) {
        codecs.reset(name);
      } else {
        codecs.register(name, codec);
      }
      complete(null);
    }

    @Override
    String doing() {
      return "while it looked up " + name + " to register a codec for it";
    }
  }
}
