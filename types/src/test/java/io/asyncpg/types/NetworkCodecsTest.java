package io.asyncpg.types;

import static io.asyncpg.types.Wire.read;
import static io.asyncpg.types.Wire.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Cidr;
import io.asyncpg.types.value.Inet;
import io.asyncpg.types.value.MacAddress;
import io.asyncpg.types.value.MacAddress8;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

class NetworkCodecsTest {
  private static final String MAPPED = "03 80 00 10 00000000000000000000ffff01020304";

  @Test
  void aHostKeepsItsMask() {
    assertThat(read(BuiltinTypes.INET, "02 18 00 04 c0a80105"))
        .isEqualTo(Inet.parse("192.168.1.5/24"));
    assertThat(write(BuiltinTypes.INET, Inet.parse("192.168.1.5/24")))
        .isEqualTo("02180004c0a80105");
    assertThat(write(BuiltinTypes.INET, "192.168.1.5")).isEqualTo("02200004c0a80105");
    assertThat(write(BuiltinTypes.CIDR, Cidr.parse("10.0.0.0/8"))).isEqualTo("020801040a000000");
  }

  @Test
  void aMappedAddressStaysIpv6() {
    Inet inet = (Inet) read(BuiltinTypes.INET, MAPPED);
    assertThat(inet.address()).isInstanceOf(Inet6Address.class);
    assertThat(inet).hasToString("::ffff:1.2.3.4");
    assertThat(write(BuiltinTypes.INET, inet)).isEqualTo(MAPPED.replace(" ", ""));
    assertThat(read(BuiltinTypes.INET, InetAddress.class, MAPPED)).isInstanceOf(Inet6Address.class);
  }

  @Test
  void anInetAddressIsGivenOnlyWhereNoMaskIsLost() {
    assertThat(read(BuiltinTypes.INET, InetAddress.class, "02 20 00 04 7f000001"))
        .isEqualTo(InetAddress.getLoopbackAddress());
    assertThat(write(BuiltinTypes.INET, InetAddress.getLoopbackAddress()))
        .isEqualTo("022000047f000001");
    assertThatThrownBy(() -> read(BuiltinTypes.INET, InetAddress.class, "02 08 00 04 7f000001"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("read it as io.asyncpg.types.value.Inet");
  }

  @Test
  void whatIsNoAddressIsRefusedAndNeverLookedUp() {
    for (String bad :
        List.of(
            "localhost",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.4/33",
            "1.2.3.4/",
            "::1/129",
            "1::2::3",
            "12345::",
            "1:2:3:4:5:6:7:8:9",
            ":1",
            "1.2.3.a",
            "",
            "::1%lo")) {
      assertThatIllegalArgumentException().as(bad).isThrownBy(() -> Inet.parse(bad));
    }
    assertThatIllegalArgumentException().isThrownBy(() -> Cidr.parse("10.0.0.1/8"));
    assertThatThrownBy(() -> write(BuiltinTypes.INET, "localhost"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageNotContaining("localhost");
  }

  @Test
  void bytesThatAreNoAddressAreRefused() {
    for (String bad :
        List.of("04 20 00 04 7f000001", "02 21 00 04 7f000001", "02 20 00 05 7f00000100", "02")) {
      assertThatThrownBy(() -> read(BuiltinTypes.INET, bad))
          .as(bad)
          .isInstanceOf(PgCodecException.class);
    }
    assertThatThrownBy(() -> read(BuiltinTypes.CIDR, "02 08 01 04 0a000001"))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void hardwareAddressesAreTheirBytes() {
    assertThat(read(BuiltinTypes.MACADDR, "08002b010203"))
        .isEqualTo(MacAddress.parse("08:00:2b:01:02:03"))
        .hasToString("08:00:2b:01:02:03");
    assertThat(write(BuiltinTypes.MACADDR, "ff-ff-ff-ff-ff-ff")).isEqualTo("ffffffffffff");
    assertThat(read(BuiltinTypes.MACADDR8, "f8002b0102030405"))
        .isEqualTo(MacAddress8.parse("f8:00:2b:01:02:03:04:05"))
        .hasToString("f8:00:2b:01:02:03:04:05");
    assertThat(write(BuiltinTypes.MACADDR8, MacAddress8.parse("f8002b0102030405")))
        .isEqualTo("f8002b0102030405");
    assertThatIllegalArgumentException().isThrownBy(() -> MacAddress.parse("08:00"));
    assertThatIllegalArgumentException().isThrownBy(() -> new MacAddress(1L << 48));
  }
}
