package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One line of the standard list: a type's own codec, its form in text, and the other Java types it
 * can become or come from. A conversion that would lose something throws.
 *
 * @param <T> the Java type the others are converted from and to
 */
final class Conversions<T> {
  /** One more Java type; null functions where that direction is refused. */
  private record Conversion<T, S>(
      Class<S> javaType, @Nullable Function<T, S> read, @Nullable Function<S, T> write) {
    Codec<S> over(Codec<T> base) {
      return new Converted<>(base, javaType, read, write);
    }
  }

  private final Codec<T> natural;
  private final Codec<T> text;
  private final Function<T, String> print;
  private final List<Conversion<T, ?>> conversions = new ArrayList<>();
  private final List<Codec<?>> alternatives = new ArrayList<>();
  private Codec<?> standard;
  private Codec<?> standardText;

  private Conversions(Codec<T> natural, Codec<T> text, Function<T, String> print) {
    this.natural = natural;
    this.text = text;
    this.print = print;
    standard = natural;
    standardText = text;
  }

  /** A type that travels in its codec's format, and in text inside what travels in text. */
  static <T> Conversions<T> of(
      Codec<T> codec, Function<T, String> print, Function<String, T> parse) {
    return of(codec, print, parse, print);
  }

  /** The same where a String is not what the type's output function prints. */
  static <T> Conversions<T> of(
      Codec<T> codec,
      Function<T, String> print,
      Function<String, T> parse,
      Function<T, String> string) {
    Codec<T> text =
        codec.format() == Format.TEXT ? codec : new TextForm<>(codec.javaType(), print, parse);
    var all = new Conversions<>(codec, text, print);
    return codec.javaType() == String.class ? all : all.reads(String.class, string);
  }

  /** The Java type read when none is asked for, where it is not the one the others convert from. */
  <S> Conversions<T> standard(Codec<S> codec, Function<T, S> read, Function<S, T> write) {
    both(codec.javaType(), read, write);
    standard = codec;
    standardText = new Converted<>(text, codec.javaType(), read, write);
    return this;
  }

  /** Another Java type with a codec of its own, to spare the detour. */
  <S> Conversions<T> alternative(Codec<S> codec, Function<T, S> read, Function<S, T> write) {
    alternatives.add(codec);
    return both(codec.javaType(), read, write);
  }

  <S> Conversions<T> both(Class<S> javaType, Function<T, S> read, Function<S, T> write) {
    conversions.add(new Conversion<>(javaType, read, write));
    return this;
  }

  <S> Conversions<T> reads(Class<S> javaType, Function<T, S> read) {
    conversions.add(new Conversion<>(javaType, read, null));
    return this;
  }

  <S> Conversions<T> writes(Class<S> javaType, Function<S, T> write) {
    conversions.add(new Conversion<>(javaType, null, write));
    return this;
  }

  /** The format the server is asked for. */
  Format format() {
    return natural.format();
  }

  private @Nullable Codec<T> base(Format format) {
    return format == natural.format() ? natural : format == Format.TEXT ? text : null;
  }

  private Codec<?> standard(Format format) {
    return format == natural.format() ? standard : standardText;
  }

  /** What reads the type as the wanted class or one below it; null for the standard class. */
  @Nullable Codec<?> reader(@Nullable Class<?> wanted, Format format) {
    Codec<T> from = base(format);
    if (from == null) {
      return null;
    }
    Codec<?> own = standard(format);
    if (wanted == null || wanted.isAssignableFrom(own.javaType())) {
      return own;
    }
    if (wanted == from.javaType()) {
      return from;
    }
    Codec<?> alternative = alternative(wanted, format);
    if (alternative != null) {
      return alternative;
    }
    Conversion<T, ?> found = null;
    for (Conversion<T, ?> each : conversions) {
      if (each.read != null && each.javaType == wanted) {
        return each.over(from);
      }
      if (each.read != null && found == null && wanted.isAssignableFrom(each.javaType)) {
        found = each;
      }
    }
    return found == null ? null : found.over(from);
  }

  /** What writes values of the given class. */
  @Nullable Codec<?> writer(Class<?> given, Format format) {
    Codec<T> to = base(format);
    if (to == null) {
      return null;
    }
    Codec<?> own = standard(format);
    if (own.javaType() == given) {
      return own;
    }
    if (to.javaType().isAssignableFrom(given)) {
      return to;
    }
    Codec<?> alternative = alternative(given, format);
    if (alternative != null) {
      return alternative;
    }
    Conversion<T, ?> found = null;
    for (Conversion<T, ?> each : conversions) {
      if (each.write != null && each.javaType == given) {
        return each.over(to);
      }
      if (each.write != null && found == null && each.javaType.isAssignableFrom(given)) {
        found = each;
      }
    }
    return found == null ? null : found.over(to);
  }

  /** What reads the binary form as the type's output function prints it; null without that form. */
  @Nullable Codec<?> printer() {
    if (natural.format() == Format.TEXT || natural.javaType() == String.class) {
      return base(Format.BINARY);
    }
    return new Converted<>(natural, String.class, print, null);
  }

  /** A codec of the type's binary form for where it travels in text; null without that form. */
  @Nullable Codec<?> inText(Codec<?> binary) {
    return natural.format() == Format.TEXT ? null : new ByWayOfText<>(binary, natural, text);
  }

  private @Nullable Codec<?> alternative(Class<?> javaType, Format format) {
    for (Codec<?> each : alternatives) {
      if (each.javaType() == javaType && each.format() == format) {
        return each;
      }
    }
    return null;
  }

  /** The classes that can be read, for an error message and the documentation: standard first. */
  Set<Class<?>> readable() {
    return classes(true);
  }

  /** The classes that can be written: standard first. */
  Set<Class<?>> writable() {
    return classes(false);
  }

  private Set<Class<?>> classes(boolean read) {
    var classes = new LinkedHashSet<Class<?>>();
    classes.add(standard.javaType());
    classes.add(natural.javaType());
    for (Conversion<T, ?> each : conversions) {
      if ((read ? each.read : each.write) != null) {
        classes.add(each.javaType);
      }
    }
    return classes;
  }

  /** A codec by way of another's Java type. */
  private record Converted<T, S>(
      Codec<T> base,
      Class<S> javaType,
      @Nullable Function<T, S> read,
      @Nullable Function<S, T> write)
      implements Codec<S> {
    @Override
    public Format format() {
      return base.format();
    }

    @Override
    public void encode(S value, PgType type, ValueWriter out) {
      if (write == null) {
        throw new PgCodecException(
            javaType.getName() + " is only read from " + type.displayName() + ", never written");
      }
      T converted;
      try {
        converted = write.apply(value);
      } catch (IllegalArgumentException | ArithmeticException | java.time.DateTimeException e) {
        // Without the cause: its message may hold the value.
        throw new PgCodecException(
            "a "
                + value.getClass().getName()
                + " does not fit "
                + type.displayName()
                + ": it would lose something, or has no meaning there; pass "
                + article(base.javaType()));
      }
      base.encode(converted, type, out);
    }

    @Override
    public S decode(PgType type, ValueReader in) {
      if (read == null) {
        throw new PgCodecException(
            javaType.getName() + " is only written to " + type.displayName() + ", never read");
      }
      T value = base.decode(type, in);
      try {
        return read.apply(value);
      } catch (IllegalArgumentException | ArithmeticException | java.time.DateTimeException e) {
        throw new PgCodecException(
            "this "
                + type.displayName()
                + " does not fit "
                + javaType.getName()
                + ": read it as "
                + base.javaType().getName(),
            e);
      }
    }

    private static String article(Class<?> javaType) {
      return "a " + javaType.getName() + " that fits";
    }
  }

  /** A scalar as the server prints it. */
  private record TextForm<T>(
      Class<T> javaType, Function<T, String> print, Function<String, T> parse) implements Codec<T> {
    @Override
    public Format format() {
      return Format.TEXT;
    }

    @Override
    public void encode(T value, PgType type, ValueWriter out) {
      out.writeUtf8(print.apply(value));
    }

    @Override
    public T decode(PgType type, ValueReader in) {
      String text = in.readUtf8();
      try {
        return parse.apply(text);
      } catch (IllegalArgumentException | ArithmeticException | java.time.DateTimeException e) {
        throw new PgCodecException(
            "text that is no "
                + type.displayName()
                + ", inside a value that travels in text, as something else in it does: "
                + (e instanceof java.time.DateTimeException
                    ? "set DateStyle to ISO and IntervalStyle to postgres, or "
                    : "")
                + "read the whole value as java.lang.String",
            e);
      }
    }
  }
}
