package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL enum as a Java enum, by label: a constant stands for the label equal to its name, or
 * to its toString, or to its name in another case with - or a space for _. Both formats are the
 * label's characters.
 */
final class EnumCodec<E extends Enum<E>> implements Codec<E> {
  private final Class<E> javaType;
  private final Format format;
  private final Map<String, E> constants = new HashMap<>();
  private final Map<E, String> labels = new HashMap<>();

  private EnumCodec(Class<E> javaType, List<String> labels, Format format) {
    this.javaType = javaType;
    this.format = format;
    for (String label : labels) {
      E constant = constant(label);
      if (constant != null) {
        constants.put(label, constant);
        this.labels.putIfAbsent(constant, label);
      }
    }
  }

  static @Nullable Codec<?> decoder(
      PgType.Enumeration type, @Nullable Class<?> wanted, Format format) {
    return wanted != null && wanted.isEnum()
        ? of(wanted, type.labels(), format)
        : text(format).reader(wanted, format);
  }

  static @Nullable Codec<?> encoder(PgType.Enumeration type, Class<?> given, Format format) {
    return Enum.class.isAssignableFrom(given)
        ? of(declared(given), type.labels(), format)
        : text(format).writer(given, format);
  }

  /** A constant with a body has a class of its own. */
  private static Class<?> declared(Class<?> given) {
    Class<?> above = given.getSuperclass();
    return given.isEnum() || above == null ? given : above;
  }

  /** A Java enum in a column of text: its constants' names. */
  static Codec<?> byName(Class<?> javaType, Format format) {
    Class<?> declared = declared(javaType);
    var names = new ArrayList<String>();
    for (Object constant : declared.getEnumConstants()) {
      names.add(((Enum<?>) constant).name());
    }
    return of(declared, names, format);
  }

  private static Conversions<String> text(Format format) {
    return format == Format.TEXT ? TextCodecs.UNKNOWN : StandardCodecs.TEXT;
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Codec<?> of(Class<?> javaType, List<String> labels, Format format) {
    return new EnumCodec(javaType, labels, format);
  }

  private @Nullable E constant(String label) {
    E constant = only(label, each -> each.name().equals(label));
    if (constant == null) {
      constant = only(label, each -> each.toString().equals(label));
    }
    if (constant == null) {
      String plain = plain(label);
      constant = only(label, each -> plain(each.name()).equals(plain));
    }
    return constant;
  }

  private @Nullable E only(String label, Predicate<E> test) {
    E found = null;
    for (E each : javaType.getEnumConstants()) {
      if (test.test(each)) {
        if (found != null) {
          throw new PgCodecException(
              "label \""
                  + label
                  + "\" could be "
                  + found.name()
                  + " or "
                  + each.name()
                  + " of "
                  + javaType.getName()
                  + ": rename one, or use String");
        }
        found = each;
      }
    }
    return found;
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace('-', '_').replace(' ', '_');
  }

  @Override
  public Class<E> javaType() {
    return javaType;
  }

  @Override
  public Format format() {
    return format;
  }

  @Override
  public void encode(E value, PgType type, ValueWriter out) {
    String label = labels.get(value);
    if (label == null) {
      throw OutdatedTypeException.explaining(
          type,
          javaType.getName()
              + "."
              + value.name()
              + " is no label of "
              + type.displayName()
              + ": add it with ALTER TYPE, or pass a String");
    }
    out.writeUtf8(label);
  }

  @Override
  public E decode(PgType type, ValueReader in) {
    String label = in.readUtf8();
    E constant = constants.get(label);
    if (constant == null) {
      throw OutdatedTypeException.explaining(
          type,
          "no constant of "
              + javaType.getName()
              + " stands for this "
              + type.displayName()
              + ": read it as java.lang.String");
    }
    return constant;
  }
}
