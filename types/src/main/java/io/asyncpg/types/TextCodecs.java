package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import java.nio.CharBuffer;
import java.util.function.Function;

/** Characters, and what is characters with a byte before them. */
final class TextCodecs {
  /** Types whose binary form is their text. */
  static final Codec<String> UTF8 = new Utf8(Format.BINARY);

  /** Types without a binary form, or with one that says less than their text. */
  static final Codec<String> TEXT = new Utf8(Format.TEXT);

  /** What the registry gives for a type that nobody knows: its text. */
  static final Conversions<String> UNKNOWN = text(TEXT);

  /** jsonb and jsonpath: a version byte, 1, and the text. */
  static final Codec<String> VERSIONED =
      new Codec<>() {
        @Override
        public Class<String> javaType() {
          return String.class;
        }

        @Override
        public void encode(String value, PgType type, ValueWriter out) {
          out.writeByte(1).writeUtf8(value);
        }

        @Override
        public String decode(PgType type, ValueReader in) {
          int version = in.readUnsignedByte();
          if (version != 1) {
            throw new PgCodecException(
                type.displayName() + " of version " + version + ", only 1 is known");
          }
          return in.readUtf8();
        }
      };

  /** The single-byte type "char", which may be any byte, NUL included. */
  static final Codec<Byte> CHAR =
      new Codec<>() {
        @Override
        public Class<Byte> javaType() {
          return Byte.class;
        }

        @Override
        public void encode(Byte value, PgType type, ValueWriter out) {
          out.writeByte(value);
        }

        @Override
        public Byte decode(PgType type, ValueReader in) {
          return in.readByte();
        }
      };

  private TextCodecs() {}

  /** Text as every class for text. */
  static Conversions<String> text(Codec<String> codec) {
    return Conversions.of(codec, Function.identity(), Function.identity())
        .both(char[].class, String::toCharArray, String::new)
        .both(Character.class, TextCodecs::onlyCharacter, String::valueOf)
        .both(CharBuffer.class, CharBuffer::wrap, CharBuffer::toString)
        .writes(CharSequence.class, CharSequence::toString);
  }

  static Conversions<Byte> singleByte() {
    return Conversions.of(CHAR, TextCodecs::printChar, TextCodecs::parseChar)
        .both(Character.class, b -> (char) (b & 0xFF), TextCodecs::toByte)
        .writes(CharSequence.class, TextCodecs::parseAscii);
  }

  private static Character onlyCharacter(String text) {
    if (text.length() != 1) {
      throw new IllegalArgumentException("not one character");
    }
    return text.charAt(0);
  }

  private static Byte toByte(char c) {
    if (c > 0xFF) {
      throw new IllegalArgumentException("not one byte");
    }
    return (byte) c;
  }

  /** As the server prints it: NUL as nothing, a byte above 127 in octal. */
  private static String printChar(Byte value) {
    if (value == 0) {
      return "";
    }
    return value > 0
        ? String.valueOf((char) value.byteValue())
        : String.format("\\%03o", value & 0xFF);
  }

  private static Byte parseChar(String text) {
    if (text.isEmpty()) {
      return 0;
    }
    return text.length() == 4 && text.matches("\\\\[0-3][0-7]{2}")
        ? toByte((char) Integer.parseInt(text, 1, 4, 8))
        : toByte(onlyCharacter(text));
  }

  /** What {@link #printChar} gives: a character beyond ASCII is no byte in UTF-8. */
  private static Byte parseAscii(CharSequence text) {
    if (text.chars().anyMatch(c -> c > 0x7F)) {
      throw new IllegalArgumentException("not ASCII");
    }
    return parseChar(text.toString());
  }

  private record Utf8(Format format) implements Codec<String> {
    @Override
    public Class<String> javaType() {
      return String.class;
    }

    @Override
    public void encode(String value, PgType type, ValueWriter out) {
      out.writeUtf8(value);
    }

    @Override
    public String decode(PgType type, ValueReader in) {
      return in.readUtf8();
    }
  }
}
