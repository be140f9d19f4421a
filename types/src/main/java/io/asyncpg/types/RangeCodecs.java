package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Range;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Ranges and multiranges over any subtype.
 *
 * <pre>
 * +-------+------------------+------------------+     +-------+-----------------------+
 * | flags | length, lower    | length, upper    |     | count | count x length, range |
 * +-------+------------------+------------------+     +-------+-----------------------+
 *   byte    where there is one of them                  int32
 * </pre>
 */
final class RangeCodecs {
  private static final int EMPTY = 0x01;
  private static final int LOWER_INCLUSIVE = 0x02;
  private static final int UPPER_INCLUSIVE = 0x04;
  private static final int LOWER_INFINITE = 0x08;
  private static final int UPPER_INFINITE = 0x10;
  private static final String SPECIAL = "\"\\()[],";
  private static final String ENDS = ",)]";

  private RangeCodecs() {}

  static @Nullable Codec<?> decoder(
      CodecRegistry registry, PgType.Range type, @Nullable Type wanted, Format format) {
    if (wanted != null && !JavaTypes.raw(wanted).isAssignableFrom(Range.class)) {
      return null;
    }
    Type bound = wanted == null ? null : JavaTypes.argument(wanted, 0);
    Codec<?> subtype = registry.findDecoder(type.subtype(), bound, format);
    return subtype == null ? null : new OneRange(registry, type, subtype, format);
  }

  static @Nullable Codec<?> encoder(
      CodecRegistry registry, PgType.Range type, Class<?> given, Format format) {
    return given == Range.class ? new OneRange(registry, type, TextCodecs.TEXT, format) : null;
  }

  static @Nullable Codec<?> decoder(
      CodecRegistry registry, PgType.Multirange type, @Nullable Type wanted, Format format) {
    if (wanted != null && !JavaTypes.raw(wanted).isAssignableFrom(List.class)) {
      return null;
    }
    Type range = wanted == null ? null : JavaTypes.argument(wanted, 0);
    Codec<?> member = registry.findDecoder(type.range(), range, format);
    return member == null ? null : new ManyRanges<>(List.class, type, member, format);
  }

  static @Nullable Codec<?> encoder(
      CodecRegistry registry, PgType.Multirange type, Class<?> given, Format format) {
    if (!Collection.class.isAssignableFrom(given) && given != Range[].class) {
      return null;
    }
    Codec<?> member = registry.findEncoder(type.range(), Range.class, format);
    return member == null ? null : new ManyRanges<>(given, type, member, format);
  }

  @SuppressWarnings("rawtypes")
  private record OneRange(
      CodecRegistry registry, PgType.Range range, Codec<?> subtype, Format format)
      implements Codec<Range> {
    @Override
    public Class<Range> javaType() {
      return Range.class;
    }

    @Override
    public Range<?> decode(PgType type, ValueReader in) {
      if (format == Format.TEXT) {
        var text = new LiteralText(in.readUtf8(), range, ENDS);
        Range<?> value = parse(text);
        text.expectEnd();
        return value;
      }
      int flags = in.readUnsignedByte();
      if ((flags & EMPTY) != 0) {
        return Range.empty();
      }
      Object lower = (flags & LOWER_INFINITE) != 0 ? null : bound(in);
      Object upper = (flags & UPPER_INFINITE) != 0 ? null : bound(in);
      return new Range<>(
          lower, upper, (flags & LOWER_INCLUSIVE) != 0, (flags & UPPER_INCLUSIVE) != 0, false);
    }

    private Object bound(ValueReader in) {
      Object bound = in.readValue(subtype, range.subtype());
      if (bound == null) {
        throw new PgCodecException(range.displayName() + " with a NULL for a bound");
      }
      return bound;
    }

    Range<?> parse(LiteralText text) {
      if (text.startsWith("empty")) {
        text.expect("empty");
        return Range.empty();
      }
      char opening = text.next();
      if (opening != '[' && opening != '(') {
        throw text.malformed();
      }
      Object lower = text.value(subtype, range.subtype());
      text.expect(',');
      Object upper = text.value(subtype, range.subtype());
      char closing = text.next();
      if (closing != ']' && closing != ')') {
        throw text.malformed();
      }
      return new Range<>(lower, upper, opening == '[', closing == ']', false);
    }

    @Override
    public void encode(Range value, PgType type, ValueWriter out) {
      if (format == Format.TEXT) {
        print(value, out);
        return;
      }
      if (value.isEmpty()) {
        out.writeByte(EMPTY);
        return;
      }
      out.writeByte(
          (value.lower() == null ? LOWER_INFINITE : 0)
              | (value.upper() == null ? UPPER_INFINITE : 0)
              | (value.lowerInclusive() ? LOWER_INCLUSIVE : 0)
              | (value.upperInclusive() ? UPPER_INCLUSIVE : 0));
      if (value.lower() != null) {
        int mark = out.beginLength();
        Members.write(registry, range.subtype(), value.lower(), format, "lower bound", out);
        out.endLength(mark);
      }
      if (value.upper() != null) {
        int mark = out.beginLength();
        Members.write(registry, range.subtype(), value.upper(), format, "upper bound", out);
        out.endLength(mark);
      }
    }

    private void print(Range<?> value, ValueWriter out) {
      if (value.isEmpty()) {
        out.writeUtf8("empty");
        return;
      }
      out.writeByte(value.lowerInclusive() ? '[' : '(');
      print(value.lower(), "lower bound", out);
      out.writeByte(',');
      print(value.upper(), "upper bound", out);
      out.writeByte(value.upperInclusive() ? ']' : ')');
    }

    private void print(@Nullable Object bound, String place, ValueWriter out) {
      if (bound != null) {
        var scratch = new ValueWriter();
        Members.write(registry, range.subtype(), bound, format, place, scratch);
        LiteralText.quote(scratch, SPECIAL, out);
      }
    }
  }

  private record ManyRanges<C>(
      Class<C> javaType, PgType.Multirange multirange, Codec<?> member, Format format)
      implements Codec<C> {
    @Override
    @SuppressWarnings("unchecked")
    public C decode(PgType type, ValueReader in) {
      return (C) Collections.unmodifiableList(format == Format.TEXT ? parse(in) : read(in));
    }

    private List<@Nullable Object> read(ValueReader in) {
      int count = in.readCount(5);
      var ranges = new ArrayList<@Nullable Object>(count);
      for (int i = 0; i < count; i++) {
        Object range = in.readValue(member, multirange.range());
        if (range == null) {
          throw new PgCodecException(multirange.displayName() + " with a NULL in it");
        }
        ranges.add(range);
      }
      return ranges;
    }

    private List<@Nullable Object> parse(ValueReader in) {
      if (!(member instanceof OneRange one)) {
        throw new PgCodecException(
            multirange.displayName() + " in text needs its range's own codec");
      }
      var text = new LiteralText(in.readUtf8(), multirange, ENDS);
      var ranges = new ArrayList<@Nullable Object>();
      text.expect('{');
      while (text.peek() != '}') {
        if (!ranges.isEmpty()) {
          text.expect(',');
        }
        ranges.add(one.parse(text));
      }
      text.expect('}');
      text.expectEnd();
      return ranges;
    }

    @Override
    @SuppressWarnings("unchecked")
    public void encode(C value, PgType type, ValueWriter out) {
      Collection<?> ranges =
          value instanceof Collection<?> collection ? collection : Arrays.asList((Object[]) value);
      var codec = (Codec<Object>) member;
      boolean text = format == Format.TEXT;
      if (text) {
        out.writeByte('{');
      } else {
        out.writeInt(ranges.size());
      }
      int index = 0;
      for (Object range : ranges) {
        if (!(range instanceof Range)) {
          throw new PgCodecException(
              (range == null ? "null" : range.getClass().getName())
                  + " at index "
                  + index
                  + " cannot become part of "
                  + multirange.displayName()
                  + ": pass io.asyncpg.types.value.Range");
        }
        if (text) {
          if (index > 0) {
            out.writeByte(',');
          }
          codec.encode(range, multirange.range(), out);
        } else {
          out.writeValue(codec, range, multirange.range());
        }
        index++;
      }
      if (text) {
        out.writeByte('}');
      }
    }
  }
}
