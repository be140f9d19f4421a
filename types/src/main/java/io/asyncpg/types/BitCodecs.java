package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.BitString;

/** bit and bit varying: an int32 count of bits, and the bits from the highest of the first byte. */
final class BitCodecs {
  static final Codec<BitString> BITS =
      new Codec<>() {
        @Override
        public Class<BitString> javaType() {
          return BitString.class;
        }

        @Override
        public void encode(BitString value, PgType type, ValueWriter out) {
          out.writeInt(value.length()).writeBytes(value.toBytes());
        }

        @Override
        public BitString decode(PgType type, ValueReader in) {
          int length = in.readInt();
          if (length < 0 || (length + 7L) / 8 != in.remaining()) {
            throw new PgCodecException(
                type.displayName() + " of " + length + " bits in " + in.remaining() + " bytes");
          }
          try {
            return BitString.of(in.readRemainingBytes(), length);
          } catch (IllegalArgumentException e) {
            throw new PgCodecException(type.displayName() + " with a bit set beyond its length", e);
          }
        }
      };

  private BitCodecs() {}

  static Conversions<BitString> bits() {
    return Conversions.of(BITS, BitString::toString, BitString::parse)
        .both(boolean[].class, BitString::toBooleans, BitString::of)
        .both(byte[].class, BitCodecs::wholeBytes, BitString::of)
        .both(Boolean.class, BitCodecs::onlyBit, bit -> BitString.of(new boolean[] {bit}))
        .writes(CharSequence.class, text -> BitString.parse(text.toString()));
  }

  private static byte[] wholeBytes(BitString bits) {
    if (bits.length() % 8 != 0) {
      throw new IllegalArgumentException("the length would be lost");
    }
    return bits.toBytes();
  }

  private static Boolean onlyBit(BitString bits) {
    if (bits.length() != 1) {
      throw new IllegalArgumentException("not one bit");
    }
    return bits.get(0);
  }
}
