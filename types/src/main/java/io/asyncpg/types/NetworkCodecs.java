package io.asyncpg.types;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Cidr;
import io.asyncpg.types.value.Inet;
import io.asyncpg.types.value.MacAddress;
import io.asyncpg.types.value.MacAddress8;
import java.net.InetAddress;

/**
 * Addresses of hosts, networks and hardware.
 *
 * <pre>
 * +--------+--------+---------+--------+------------------+
 * | family | prefix | is cidr | length | 4 or 16 bytes    |    family: 2 for IPv4, 3 for IPv6
 * +--------+--------+---------+--------+------------------+
 * </pre>
 */
final class NetworkCodecs {
  private static final int IPV4 = 2;
  private static final int IPV6 = 3;

  static final Codec<Inet> INET =
      new Codec<>() {
        @Override
        public Class<Inet> javaType() {
          return Inet.class;
        }

        @Override
        public void encode(Inet value, PgType type, ValueWriter out) {
          write(value, 0, out);
        }

        @Override
        public Inet decode(PgType type, ValueReader in) {
          return read(in);
        }
      };

  static final Codec<Cidr> CIDR =
      new Codec<>() {
        @Override
        public Class<Cidr> javaType() {
          return Cidr.class;
        }

        @Override
        public void encode(Cidr value, PgType type, ValueWriter out) {
          write(new Inet(value.address(), value.prefix()), 1, out);
        }

        @Override
        public Cidr decode(PgType type, ValueReader in) {
          Inet inet = read(in);
          try {
            return new Cidr(inet.address(), inet.prefix());
          } catch (IllegalArgumentException e) {
            throw new PgCodecException("this cidr has bits set after its prefix", e);
          }
        }
      };

  static final Codec<MacAddress> MACADDR =
      new Codec<>() {
        @Override
        public Class<MacAddress> javaType() {
          return MacAddress.class;
        }

        @Override
        public void encode(MacAddress value, PgType type, ValueWriter out) {
          out.writeShort((int) (value.value() >>> 32)).writeInt((int) value.value());
        }

        @Override
        public MacAddress decode(PgType type, ValueReader in) {
          long high = in.readUnsignedShort();
          return new MacAddress((high << 32) | in.readUnsignedInt());
        }
      };

  static final Codec<MacAddress8> MACADDR8 =
      new Codec<>() {
        @Override
        public Class<MacAddress8> javaType() {
          return MacAddress8.class;
        }

        @Override
        public void encode(MacAddress8 value, PgType type, ValueWriter out) {
          out.writeLong(value.value());
        }

        @Override
        public MacAddress8 decode(PgType type, ValueReader in) {
          return new MacAddress8(in.readLong());
        }
      };

  private NetworkCodecs() {}

  static Conversions<Inet> inet() {
    return Conversions.of(INET, Inet::toString, Inet::parse)
        .both(InetAddress.class, NetworkCodecs::host, Inet::of)
        .writes(CharSequence.class, text -> Inet.parse(text.toString()));
  }

  static Conversions<Cidr> cidr() {
    return Conversions.of(CIDR, Cidr::toString, Cidr::parse)
        .both(
            Inet.class,
            cidr -> new Inet(cidr.address(), cidr.prefix()),
            inet -> new Cidr(inet.address(), inet.prefix()))
        .writes(CharSequence.class, text -> Cidr.parse(text.toString()));
  }

  static Conversions<MacAddress> macaddr() {
    return Conversions.of(MACADDR, MacAddress::toString, MacAddress::parse)
        .both(byte[].class, MacAddress::toBytes, MacAddress::of)
        .writes(CharSequence.class, text -> MacAddress.parse(text.toString()));
  }

  static Conversions<MacAddress8> macaddr8() {
    return Conversions.of(MACADDR8, MacAddress8::toString, MacAddress8::parse)
        .both(byte[].class, MacAddress8::toBytes, MacAddress8::of)
        .writes(CharSequence.class, text -> MacAddress8.parse(text.toString()));
  }

  private static InetAddress host(Inet inet) {
    if (!inet.isHost()) {
      throw new IllegalArgumentException("the prefix would be lost");
    }
    return inet.address();
  }

  private static void write(Inet value, int isCidr, ValueWriter out) {
    byte[] bytes = value.address().getAddress();
    out.writeByte(bytes.length == 4 ? IPV4 : IPV6)
        .writeByte(value.prefix())
        .writeByte(isCidr)
        .writeByte(bytes.length)
        .writeBytes(bytes);
  }

  private static Inet read(ValueReader in) {
    int family = in.readUnsignedByte();
    int prefix = in.readUnsignedByte();
    in.skip(1);
    int length = in.readUnsignedByte();
    if (!(family == IPV4 && length == 4) && !(family == IPV6 && length == 16)) {
      throw new PgCodecException("an address of family " + family + " with " + length + " bytes");
    }
    if (prefix > 8 * length) {
      throw new PgCodecException("an address of " + length + " bytes with a prefix of " + prefix);
    }
    return Inet.of(in.readBytes(length), prefix);
  }
}
