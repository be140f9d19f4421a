package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Composite;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Composite types, as Composite, Map or a Java record by name, and anonymous records.
 *
 * <pre>
 * +---------+--------------------------------------+
 * | nfields | nfields x (type oid, length or -1, value) |    int32 each
 * +---------+--------------------------------------+
 * </pre>
 */
final class CompositeCodecs {
  private static final String SPECIAL = "\"\\(),";
  private static final String ENDS = ",)";

  private CompositeCodecs() {}

  static @Nullable Codec<?> decoder(
      CodecRegistry registry, PgType.Composite type, @Nullable Type wanted, Format format) {
    Class<?> raw = wanted == null ? Composite.class : JavaTypes.raw(wanted);
    var wants = new @Nullable Type[type.attributes().size()];
    List<String> names = type.attributes().stream().map(PgType.Composite.Attribute::name).toList();
    Function<@Nullable Object[], Object> shape;
    if (raw.isAssignableFrom(Composite.class)) {
      raw = Composite.class;
      shape = values -> new Composite(names, Arrays.asList(values));
    } else if (raw.isAssignableFrom(LinkedHashMap.class)
        && (wanted == null || JavaTypes.isTextual(wanted, 0))) {
      raw = Map.class;
      Arrays.fill(wants, wanted == null ? null : JavaTypes.argument(wanted, 1));
      shape = values -> new Composite(names, Arrays.asList(values)).toMap();
    } else if (raw.isRecord()) {
      var components = RecordComponents.of(raw);
      int[] places = components.places(names, type);
      Type[] types = components.types();
      for (int i = 0; i < places.length; i++) {
        wants[places[i]] = types[i];
      }
      shape = values -> components.make(values, places, type.displayName());
    } else {
      return null;
    }
    var attributes = new Codec<?>[wants.length];
    for (int i = 0; i < wants.length; i++) {
      PgType attribute = type.attributes().get(i).type();
      Codec<?> codec = registry.findDecoder(attribute, wants[i], format);
      if (codec == null && wants[i] != null && raw.isRecord()) {
        // For its message, which names the attribute's type and what it can be read as.
        throw OutdatedTypeException.explaining(
            type,
            "attribute \""
                + names.get(i)
                + "\" of "
                + type.displayName()
                + ": "
                + attribute.displayName()
                + " cannot be read as "
                + wants[i].getTypeName()
                + ", the type of the component of "
                + raw.getName());
      }
      if (codec == null) {
        return null;
      }
      attributes[i] = codec;
    }
    return whole(raw, registry, type, attributes, format, shape);
  }

  static @Nullable Codec<?> encoder(
      CodecRegistry registry, PgType.Composite type, Class<?> given, Format format) {
    return given == Composite.class || Map.class.isAssignableFrom(given) || given.isRecord()
        ? whole(given, registry, type, new Codec<?>[0], format, Arrays::asList)
        : null;
  }

  @SuppressWarnings("unchecked")
  private static <C> Codec<C> whole(
      Class<C> javaType,
      CodecRegistry registry,
      PgType.Composite type,
      Codec<?>[] attributes,
      Format format,
      Function<@Nullable Object[], Object> shape) {
    return new Whole<>(
        javaType, registry, type, List.of(attributes), format, values -> (C) shape.apply(values));
  }

  static @Nullable Codec<?> recordDecoder(
      CodecRegistry registry, @Nullable Type wanted, Format format) {
    Class<?> raw = wanted == null ? Composite.class : JavaTypes.raw(wanted);
    if (format == Format.TEXT) {
      return raw.isAssignableFrom(String.class) || wanted == null ? TextCodecs.TEXT : null;
    }
    if (raw.isAssignableFrom(Composite.class)) {
      return new Anonymous<>(Composite.class, registry, null, Function.identity());
    }
    Type asked = wanted == null ? raw : wanted;
    if (raw.isAssignableFrom(List.class)) {
      Type member = JavaTypes.argument(asked, 0);
      return new Anonymous<>(List.class, registry, member, Composite::values);
    }
    if (raw == String.class) {
      return new Anonymous<>(String.class, registry, null, CompositeCodecs::print);
    }
    if (raw.isAssignableFrom(LinkedHashMap.class) && JavaTypes.isTextual(asked, 0)) {
      Type member = JavaTypes.argument(asked, 1);
      return new Anonymous<>(Map.class, registry, member, Composite::toMap);
    }
    return null;
  }

  /** As the server prints a record, from its members as it prints them. */
  private static String print(Composite composite) {
    var out = new ValueWriter();
    var scratch = new ValueWriter();
    for (Object member : composite.values()) {
      out.writeByte(out.size() == 0 ? '(' : ',');
      if (member != null) {
        scratch.clear();
        scratch.writeUtf8(member.toString());
        LiteralText.quote(scratch, SPECIAL, out);
      }
    }
    if (composite.size() == 0) {
      out.writeByte('(');
    }
    out.writeByte(')');
    return new ValueReader(out.array(), 0, out.size()).readUtf8();
  }

  private record Whole<C>(
      Class<C> javaType,
      CodecRegistry registry,
      PgType.Composite composite,
      List<Codec<?>> attributes,
      Format format,
      Function<@Nullable Object[], C> shape)
      implements Codec<C> {
    @Override
    public C decode(PgType type, ValueReader in) {
      return shape.apply(format == Format.TEXT ? parse(in) : read(in));
    }

    private @Nullable Object[] read(ValueReader in) {
      int count = in.readInt();
      if (count != attributes.size()) {
        throw outdated("it has " + count + " attributes now, not " + attributes.size());
      }
      var values = new @Nullable Object[count];
      for (int i = 0; i < count; i++) {
        PgType attribute = composite.attributes().get(i).type();
        int oid = in.readInt();
        if (oid != attribute.oid()) {
          throw outdated(
              "attribute \""
                  + composite.attributes().get(i).name()
                  + "\" is now of type "
                  + Integer.toUnsignedString(oid)
                  + ", not "
                  + attribute.displayName());
        }
        try {
          values[i] = in.readValue(attributes.get(i), attribute);
        } catch (PgCodecException e) {
          throw at(i, e);
        }
      }
      return values;
    }

    private @Nullable Object[] parse(ValueReader in) {
      var text = new LiteralText(in.readUtf8(), composite, ENDS);
      var values = new @Nullable Object[attributes.size()];
      text.expect('(');
      for (int i = 0; i < values.length; i++) {
        if (i > 0) {
          if (text.peek() != ',') {
            throw outdated("it has " + i + " attributes now, not " + values.length);
          }
          text.expect(',');
        }
        try {
          values[i] = text.value(attributes.get(i), composite.attributes().get(i).type());
        } catch (PgCodecException e) {
          throw at(i, e);
        }
      }
      if (text.peek() == ',') {
        throw outdated("it has more attributes now than " + values.length);
      }
      text.expect(')');
      text.expectEnd();
      return values;
    }

    private PgCodecException at(int index, PgCodecException e) {
      return new PgCodecException(
          "attribute \""
              + composite.attributes().get(index).name()
              + "\" of "
              + composite.displayName()
              + ": "
              + e.getMessage(),
          e);
    }

    private PgCodecException outdated(String how) {
      return OutdatedTypeException.explaining(
          composite,
          composite.displayName()
              + " has changed, "
              + how
              + ": run it again, or reloadSchemaState()");
    }

    @Override
    public void encode(C value, PgType type, ValueWriter out) {
      @Nullable Object[] values = values(value);
      if (format == Format.TEXT) {
        print(values, out);
        return;
      }
      out.writeInt(values.length);
      for (int i = 0; i < values.length; i++) {
        PgType.Composite.Attribute attribute = composite.attributes().get(i);
        out.writeInt(attribute.type().oid());
        Object each = values[i];
        if (each == null) {
          out.writeInt(-1);
        } else {
          int mark = out.beginLength();
          write(i, each, out);
          out.endLength(mark);
        }
      }
    }

    private void print(@Nullable Object[] values, ValueWriter out) {
      out.writeByte('(');
      var scratch = new ValueWriter();
      for (int i = 0; i < values.length; i++) {
        if (i > 0) {
          out.writeByte(',');
        }
        Object each = values[i];
        if (each != null) {
          scratch.clear();
          write(i, each, scratch);
          LiteralText.quote(scratch, SPECIAL, out);
        }
      }
      out.writeByte(')');
    }

    /** One attribute. That nothing in it can become its type is explained by one that changed. */
    private void write(int index, Object each, ValueWriter out) {
      PgType attribute = composite.attributes().get(index).type();
      try {
        Members.write(registry, attribute, each, format, place(index), out);
      } catch (PgCodecException e) {
        throw OutdatedTypeException.explains(e)
            ? OutdatedTypeException.explaining(composite, String.valueOf(e.getMessage()))
            : e;
      }
    }

    private String place(int index) {
      return "attribute \""
          + composite.attributes().get(index).name()
          + "\" of "
          + composite.displayName();
    }

    /** The attributes' values in their order; those a map leaves out are NULL. */
    private @Nullable Object[] values(C value) {
      int count = composite.attributes().size();
      List<String> names =
          composite.attributes().stream().map(PgType.Composite.Attribute::name).toList();
      if (value instanceof Composite given) {
        List<String> places = Composite.of(new Object[count]).names();
        // Unless the type's own attributes are called f1, f2 and so on, in whatever order.
        boolean anonymous = given.names().equals(places) && !names.containsAll(places);
        return given.names().equals(names) || anonymous
            ? given.values().toArray()
            : fromMap(given.toMap(), names);
      }
      if (value instanceof Map<?, ?> map) {
        return fromMap(map, names);
      }
      return RecordComponents.of(value.getClass()).values(value, names, composite);
    }

    private @Nullable Object[] fromMap(Map<?, ?> map, List<String> names) {
      var places = new HashMap<Object, Integer>();
      for (int i = 0; i < names.size(); i++) {
        places.put(names.get(i), i);
      }
      var values = new @Nullable Object[names.size()];
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        Integer place = places.get(entry.getKey());
        if (place == null) {
          throw OutdatedTypeException.explaining(
              composite,
              "\""
                  + entry.getKey()
                  + "\" is no attribute of "
                  + composite.displayName()
                  + ", which has "
                  + names);
        }
        values[place] = entry.getValue();
      }
      return values;
    }
  }

  /** A record whose members say their types themselves. */
  private record Anonymous<C>(
      Class<C> javaType,
      CodecRegistry registry,
      @Nullable Type member,
      Function<Composite, C> shape)
      implements Codec<C> {
    @Override
    public C decode(PgType type, ValueReader in) {
      int count = in.readCount(8);
      var names = new ArrayList<String>(count);
      var values = new ArrayList<@Nullable Object>(count);
      for (int i = 0; i < count; i++) {
        int oid = in.readInt();
        PgType memberType = registry.type(oid);
        if (memberType == null) {
          throw new PgCodecException(
              "member "
                  + (i + 1)
                  + " of the record is of type "
                  + Integer.toUnsignedString(oid)
                  + ", which is unknown here: cast the row to a named composite type, or select"
                  + " its members as columns");
        }
        Codec<?> codec =
            javaType == String.class
                ? registry.printer(memberType)
                : registry.findDecoder(memberType, member, Format.BINARY);
        if (codec == null) {
          throw unreadable(i, memberType);
        }
        names.add("f" + (i + 1));
        values.add(in.readValue(codec, memberType));
      }
      return shape.apply(new Composite(names, Collections.unmodifiableList(values)));
    }

    private PgCodecException unreadable(int index, PgType type) {
      boolean inTextOnly = registry.findDecoder(type, null, Format.BINARY) == null;
      return new PgCodecException(
          "member "
              + (index + 1)
              + " of the record is "
              + type.displayName()
              + (inTextOnly || member == null
                  ? ", which is read in text only: cast the member with ::text"
                  : ", which cannot be read as "
                      + member.getTypeName()
                      + ": ask for members of java.lang.Object"));
    }

    @Override
    public void encode(C value, PgType type, ValueWriter out) {
      throw new PgCodecException(
          "the server takes no anonymous record: cast the parameter to a named composite type");
    }
  }
}
