package io.asyncpg.types;

import static io.asyncpg.types.Wire.read;
import static io.asyncpg.types.Wire.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.Numeric;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NumberCodecsTest {
  @Test
  void wholeNumbersAreBigEndianOfTheirWidth() {
    assertThat(write(BuiltinTypes.INT2, (short) -2)).isEqualTo("fffe");
    assertThat(write(BuiltinTypes.INT4, 258)).isEqualTo("00000102");
    assertThat(write(BuiltinTypes.INT8, -1L)).isEqualTo("ffffffffffffffff");
    assertThat(read(BuiltinTypes.INT2, "8000")).isEqualTo(Short.MIN_VALUE);
    assertThat(read(BuiltinTypes.INT4, "7fffffff")).isEqualTo(Integer.MAX_VALUE);
    assertThat(read(BuiltinTypes.INT8, "8000000000000000")).isEqualTo(Long.MIN_VALUE);
  }

  @Test
  void aNumberOfAnyClassIsTakenWhereItFits() {
    assertThat(write(BuiltinTypes.INT8, 1)).isEqualTo("0000000000000001");
    assertThat(write(BuiltinTypes.INT2, 7L)).isEqualTo("0007");
    assertThat(write(BuiltinTypes.INT4, new BigDecimal("5.00"))).isEqualTo("00000005");
    assertThat(write(BuiltinTypes.INT4, 5.0)).isEqualTo("00000005");
    assertThat(read(BuiltinTypes.INT4, Long.class, "00000007")).isEqualTo(7L);
    assertThat(read(BuiltinTypes.INT4, int.class, "00000007")).isEqualTo(7);
    assertThat(read(BuiltinTypes.INT4, String.class, "fffffff9")).isEqualTo("-7");
    assertThat(read(BuiltinTypes.INT8, Short.class, "0000000000000007")).isEqualTo((short) 7);
  }

  @Test
  void aNumberThatDoesNotFitIsRefusedByName() {
    assertThatThrownBy(() -> write(BuiltinTypes.INT4, 1L << 31))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.Long does not fit int4");
    assertThatThrownBy(() -> write(BuiltinTypes.INT4, 1.5))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.Double does not fit int4");
    assertThatThrownBy(() -> read(BuiltinTypes.INT8, Integer.class, "0000000080000000"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("does not fit java.lang.Integer: read it as java.lang.Long");
  }

  @Test
  void aStringIsNoNumber() {
    assertThatThrownBy(() -> write(BuiltinTypes.INT4, "5"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.String cannot become int4")
        .hasMessageContaining("$1::text");
  }

  @Test
  void anOidHasNoSign() {
    assertThat(read(BuiltinTypes.OID, "ffffffff")).isEqualTo(4_294_967_295L);
    assertThat(write(BuiltinTypes.OID, 4_294_967_295L)).isEqualTo("ffffffff");
    assertThatThrownBy(() -> write(BuiltinTypes.OID, -1L)).isInstanceOf(PgCodecException.class);
  }

  @Test
  void anXid8AboveALongIsReadAsBigInteger() {
    assertThat(read(BuiltinTypes.XID8, "0000000000000005")).isEqualTo(5L);
    assertThatThrownBy(() -> read(BuiltinTypes.XID8, "ffffffffffffffff"))
        .hasMessageContaining("read it as java.math.BigInteger");
    BigInteger most = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
    assertThat(read(BuiltinTypes.XID8, BigInteger.class, "ffffffffffffffff")).isEqualTo(most);
    assertThat(write(BuiltinTypes.XID8, most)).isEqualTo("ffffffffffffffff");
  }

  @Test
  void floatsKeepMinusZeroNanAndInfinity() {
    assertThat(write(BuiltinTypes.FLOAT8, -0.0)).isEqualTo("8000000000000000");
    assertThat(read(BuiltinTypes.FLOAT8, "8000000000000000")).isEqualTo(-0.0);
    assertThat(read(BuiltinTypes.FLOAT4, "7fc00000")).isEqualTo(Float.NaN);
    assertThat(write(BuiltinTypes.FLOAT4, Float.NEGATIVE_INFINITY)).isEqualTo("ff800000");
    assertThat(write(BuiltinTypes.FLOAT4, Double.NaN)).isEqualTo("7fc00000");
  }

  @Test
  void aDoubleThatAFloatCannotHoldIsRefused() {
    assertThat(write(BuiltinTypes.FLOAT4, 0.5)).isEqualTo("3f000000");
    assertThatThrownBy(() -> write(BuiltinTypes.FLOAT4, 0.1))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("float4");
  }

  @Test
  void aDecimalIsTakenForTheFloatThatItStandsFor() {
    String tenth = write(BuiltinTypes.FLOAT4, 0.1f);
    assertThat(write(BuiltinTypes.FLOAT4, new BigDecimal("0.1"))).isEqualTo(tenth);
    assertThat(write(BuiltinTypes.FLOAT4, new BigDecimal("0.10"))).isEqualTo(tenth);
    assertThat(write(BuiltinTypes.FLOAT4, new BigDecimal("0.100000001490116119384765625")))
        .isEqualTo(tenth);
    assertThat(write(BuiltinTypes.FLOAT4, Numeric.parse("0.1"))).isEqualTo(tenth);
    assertThat(write(BuiltinTypes.FLOAT4, BigInteger.TEN.pow(20)))
        .isEqualTo(write(BuiltinTypes.FLOAT4, 1e20f));
    // The server prints 1e23 so.
    assertThat(write(BuiltinTypes.FLOAT8, new BigDecimal("9.999999999999999e22")))
        .isEqualTo(write(BuiltinTypes.FLOAT8, Double.parseDouble("1e23")));
    for (String other : List.of("0.100000001", "0.123456789", "1e39", "-1e999", "1e-46")) {
      assertThatThrownBy(() -> write(BuiltinTypes.FLOAT4, new BigDecimal(other)))
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("java.math.BigDecimal does not fit float4");
    }
  }

  @Test
  void aFloatReadAsADecimalIsWrittenBackAsItWas() {
    Random random = new Random(5);
    for (int round = 0; round < 20_000; round++) {
      float single = Float.intBitsToFloat(random.nextInt());
      double number = Double.longBitsToDouble(random.nextLong());
      if (Float.isFinite(single) && single != 0) {
        goesRound(BuiltinTypes.FLOAT4, write(BuiltinTypes.FLOAT4, single));
        assertThat(write(BuiltinTypes.FLOAT4, new BigDecimal(NumberCodecs.print(single))))
            .isEqualTo(write(BuiltinTypes.FLOAT4, single));
        assertThat(read(BuiltinTypes.NUMERIC, Float.class, write(BuiltinTypes.NUMERIC, single)))
            .isEqualTo(single);
      }
      if (Double.isFinite(number) && number != 0) {
        goesRound(BuiltinTypes.FLOAT8, write(BuiltinTypes.FLOAT8, number));
      }
    }
  }

  private static void goesRound(PgType type, String wire) {
    BigDecimal decimal = read(type, BigDecimal.class, wire);
    assertThat(write(type, decimal)).as("%s", decimal).isEqualTo(wire);
  }

  @Test
  void floatsPrintAsTheServerPrintsThem() {
    assertThat(NumberCodecs.print(0.1)).isEqualTo("0.1");
    assertThat(NumberCodecs.print(1e15)).isEqualTo("1e+15");
    assertThat(NumberCodecs.print(123456789012345.0)).isEqualTo("123456789012345");
    assertThat(NumberCodecs.print(1e-5)).isEqualTo("1e-05");
    assertThat(NumberCodecs.print(-1.5e300)).isEqualTo("-1.5e+300");
    assertThat(NumberCodecs.print(2.0E-3)).isEqualTo("0.002");
    assertThat(NumberCodecs.print(Double.parseDouble("1e23"))).isEqualTo("9.999999999999999e+22");
    assertThat(NumberCodecs.print(1e6f)).isEqualTo("1e+06");
    assertThat(NumberCodecs.print(Double.MIN_VALUE)).isEqualTo("5e-324");
  }

  @Test
  void aNumericKeepsItsScale() {
    assertThat(read(BuiltinTypes.NUMERIC, "0001 0000 0000 0005 0001"))
        .isEqualTo(new BigDecimal("1.00000"));
    assertThat(write(BuiltinTypes.NUMERIC, new BigDecimal("1.00000")))
        .isEqualTo("00010000000000050001");
    assertThat(write(BuiltinTypes.NUMERIC, new BigDecimal("-12345.678")))
        .isEqualTo("000300014000000300010929" + "1a7c");
    assertThat(read(BuiltinTypes.NUMERIC, "0003 0001 4000 0003 0001 0929 1a7c"))
        .isEqualTo(new BigDecimal("-12345.678"));
    assertThat(write(BuiltinTypes.NUMERIC, new BigDecimal("0.00"))).isEqualTo("0000000000000002");
    assertThat(read(BuiltinTypes.NUMERIC, "0000 0000 0000 0002")).isEqualTo(new BigDecimal("0.00"));
  }

  @Test
  void aNumericMayBeLargeOrSmall() {
    for (String number :
        new String[] {
          "1" + "0".repeat(1000),
          "123456789012345678901234567890.123456789",
          "-0.000000000000000000000000000001",
          "1e-100",
          "99999999999999999999",
          "-10000",
          "0.0001",
          "999999999999999999",
          "100000000000000000.0"
        }) {
      var value = new BigDecimal(number);
      assertThat(read(BuiltinTypes.NUMERIC, write(BuiltinTypes.NUMERIC, value))).isEqualTo(value);
    }
    assertThat(read(BuiltinTypes.NUMERIC, write(BuiltinTypes.NUMERIC, new BigDecimal("1e+30"))))
        .isEqualTo(new BigDecimal("1e+30").setScale(0));
  }

  @Test
  void aNumericThatIsNoNumberIsReadAsNumericOrDouble() {
    assertThatThrownBy(() -> read(BuiltinTypes.NUMERIC, "0000 0000 c000 0000"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("NaN")
        .hasMessageContaining("io.asyncpg.types.value.Numeric");
    assertThat(read(BuiltinTypes.NUMERIC, Numeric.class, "0000 0000 c000 0000"))
        .isEqualTo(Numeric.NAN);
    assertThat(read(BuiltinTypes.NUMERIC, Double.class, "0000 0000 f000 0000"))
        .isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(read(BuiltinTypes.NUMERIC, String.class, "0000 0000 d000 0020"))
        .isEqualTo("Infinity");
    assertThat(write(BuiltinTypes.NUMERIC, Double.NaN)).isEqualTo("00000000c0000000");
    assertThatThrownBy(Numeric.NAN::bigDecimal).hasMessageContaining("NaN is no BigDecimal");
  }

  @Test
  void aNumericIsReadAsDoubleOnlyIfThatIsTheSameNumber() {
    assertThat(read(BuiltinTypes.NUMERIC, Double.class, write(BuiltinTypes.NUMERIC, 0.1)))
        .isEqualTo(0.1);
    String long30 = write(BuiltinTypes.NUMERIC, new BigDecimal("0.123456789012345678901234567890"));
    assertThatThrownBy(() -> read(BuiltinTypes.NUMERIC, Double.class, long30))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.Double");
  }

  @Test
  void aNumericOutOfShapeIsRefused() {
    assertThatThrownBy(() -> read(BuiltinTypes.NUMERIC, "ffff 0000 0000 0000"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(BuiltinTypes.NUMERIC, "0001 0000 0000 0000 2710"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(BuiltinTypes.NUMERIC, "0001 ffff 0000 0000 0001"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> write(BuiltinTypes.NUMERIC, new BigDecimal("1e-16384")))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("16383");
  }
}
