package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.UUID;

/** Bytes as they are, booleans and UUIDs. */
final class BinaryCodecs {
  static final Codec<Boolean> BOOL =
      new Codec<>() {
        @Override
        public Class<Boolean> javaType() {
          return Boolean.class;
        }

        @Override
        public void encode(Boolean value, PgType type, ValueWriter out) {
          out.writeByte(value ? 1 : 0);
        }

        @Override
        public Boolean decode(PgType type, ValueReader in) {
          return in.readByte() != 0;
        }
      };

  static final Codec<byte[]> BYTEA =
      new Codec<>() {
        @Override
        public Class<byte[]> javaType() {
          return byte[].class;
        }

        @Override
        public void encode(byte[] value, PgType type, ValueWriter out) {
          out.writeBytes(value);
        }

        @Override
        public byte[] decode(PgType type, ValueReader in) {
          return in.readRemainingBytes();
        }
      };

  static final Codec<UUID> UUID_BYTES =
      new Codec<>() {
        @Override
        public Class<UUID> javaType() {
          return UUID.class;
        }

        @Override
        public void encode(UUID value, PgType type, ValueWriter out) {
          out.writeLong(value.getMostSignificantBits()).writeLong(value.getLeastSignificantBits());
        }

        @Override
        public UUID decode(PgType type, ValueReader in) {
          return new UUID(in.readLong(), in.readLong());
        }
      };

  private BinaryCodecs() {}

  static Conversions<Boolean> bool() {
    // true::text is "true", but inside an array or a row it is printed as t.
    return Conversions.of(
        BOOL, bool -> bool ? "t" : "f", BinaryCodecs::parseBool, Object::toString);
  }

  static Conversions<byte[]> bytea() {
    return Conversions.of(BYTEA, b -> "\\x" + HexFormat.of().formatHex(b), BinaryCodecs::parseBytea)
        .both(ByteBuffer.class, ByteBuffer::wrap, BinaryCodecs::remaining)
        .both(InputStream.class, ByteArrayInputStream::new, BinaryCodecs::readAll);
  }

  static Conversions<UUID> uuid() {
    return Conversions.of(UUID_BYTES, UUID::toString, BinaryCodecs::parseUuid)
        .writes(CharSequence.class, text -> parseUuid(text.toString()));
  }

  private static Boolean parseBool(String text) {
    return switch (text) {
      case "t", "true" -> true;
      case "f", "false" -> false;
      default -> throw new IllegalArgumentException("no boolean");
    };
  }

  /** The server's hex output; its escape output is read too, as a setting may ask for it. */
  private static byte[] parseBytea(String text) {
    if (text.startsWith("\\x")) {
      return HexFormat.of().parseHex(text.substring(2));
    }
    var bytes = new java.io.ByteArrayOutputStream(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        bytes.write(c);
      } else if (text.startsWith("\\\\", i)) {
        bytes.write('\\');
        i++;
      } else {
        if (i + 4 > text.length()) {
          throw new IllegalArgumentException("an escape is cut short");
        }
        bytes.write(Integer.parseInt(text, i + 1, i + 4, 8));
        i += 3;
      }
    }
    return bytes.toByteArray();
  }

  private static byte[] remaining(ByteBuffer buffer) {
    var bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  /** What is in memory, and left as it stands: it may be written once more. */
  private static byte[] readAll(InputStream stream) {
    if (!(stream instanceof ByteArrayInputStream inMemory)) {
      throw new PgCodecException(
          stream.getClass().getName()
              + " might block here: a stream is read as an argument by itself only; inside another"
              + " value, or in a row of many, pass its bytes");
    }
    inMemory.mark(0);
    byte[] bytes = inMemory.readAllBytes();
    inMemory.reset();
    return bytes;
  }

  /** UUID.fromString takes much that is none, as 1-1-1-1-1. */
  private static UUID parseUuid(String text) {
    if (text.length() != 36) {
      throw new IllegalArgumentException("a UUID has 36 characters");
    }
    return UUID.fromString(text);
  }
}
