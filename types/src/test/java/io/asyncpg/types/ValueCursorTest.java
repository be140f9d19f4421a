package io.asyncpg.types;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class ValueCursorTest {
  private final ValueWriter out = new ValueWriter();

  private String written() {
    return HexFormat.of().formatHex(out.array(), 0, out.size());
  }

  private static ValueReader reader(String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    return new ValueReader(bytes, 0, bytes.length);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void numbersAreWrittenBigEndian() {
    out.writeByte(0x1FF).writeShort(-2).writeInt(1).writeLong(-1).writeFloat(1f).writeDouble(1.0);
    assertThat(written())
        .isEqualTo(
            "ff" + "fffe" + "00000001" + "ffffffffffffffff" + "3f800000" + "3ff0000000000000");
  }

  @Test
  void numbersAreReadBigEndian() {
    ValueReader in =
        reader("ff ff fffe fffe 80000000 80000000 8000000000000000 3f800000 3ff0000000000000");
    assertThat(in.readByte()).isEqualTo((byte) -1);
    assertThat(in.readUnsignedByte()).isEqualTo(255);
    assertThat(in.readShort()).isEqualTo((short) -2);
    assertThat(in.readUnsignedShort()).isEqualTo(65_534);
    assertThat(in.readInt()).isEqualTo(Integer.MIN_VALUE);
    assertThat(in.readUnsignedInt()).isEqualTo(2_147_483_648L);
    assertThat(in.readLong()).isEqualTo(Long.MIN_VALUE);
    assertThat(in.readFloat()).isEqualTo(1f);
    assertThat(in.readDouble()).isEqualTo(1.0);
    assertThat(in.hasRemaining()).isFalse();
  }

  @Test
  void nothingIsReadBeyondTheEnd() {
    byte[] bytes = new byte[16];
    assertThatThrownBy(() -> new ValueReader(bytes, 4, 7).readInt())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("4 bytes wanted, 3 left");
    assertThatThrownBy(() -> new ValueReader(bytes, 4, 7).readBytes(-1))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> new ValueReader(bytes, 4, 7).skip(Integer.MAX_VALUE))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> new ValueReader(bytes, 4, 17))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void aCountMustFitWhatFollows() {
    assertThat(reader("00000002 0000 0000").readCount(2)).isEqualTo(2);
    assertThatThrownBy(() -> reader("00000003 0000 0000").readCount(2))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> reader("ffffffff 0000").readCount(2))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void textIsUtf8InAllItsWidths() {
    String text = "a\u007F\u0080\u07FF\u0800\uFFFF\uD83D\uDE00z";
    out.writeUtf8(text);
    assertThat(Arrays.copyOf(out.array(), out.size())).isEqualTo(utf8(text));
    assertThat(new ValueReader(out.array(), 0, out.size()).readUtf8()).isEqualTo(text);
  }

  @Test
  void longAsciiTextIsReadWhole() {
    String text = "0123456789".repeat(100);
    byte[] bytes = utf8(text);
    assertThat(new ValueReader(bytes, 0, bytes.length).readUtf8()).isEqualTo(text);
    bytes[bytes.length - 1] = (byte) 0xFF;
    assertThatThrownBy(() -> new ValueReader(bytes, 0, bytes.length).readUtf8())
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("not UTF-8");
  }

  @Test
  void aReplacementCharacterThatWasSentIsNoError() {
    byte[] bytes = utf8("a\uFFFDb");
    assertThat(new ValueReader(bytes, 0, bytes.length).readUtf8()).isEqualTo("a\uFFFDb");
  }

  @Test
  void nulAndHalfASurrogatePairAreRefused() {
    assertThatThrownBy(() -> out.writeUtf8("ab\u0000"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("NUL")
        .hasMessageContaining("index 2");
    assertThatThrownBy(() -> out.writeUtf8("é\u0000")).isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> out.writeUtf8("a\uD83D"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("surrogate");
    assertThatThrownBy(() -> out.writeUtf8("\uDE00a")).isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> out.writeUtf8("\uD83Da")).isInstanceOf(PgCodecException.class);
  }

  @Test
  void aStringEndsAtItsNul() {
    ValueReader in = reader("6162 00 63");
    assertThat(in.readCString()).isEqualTo("ab");
    assertThat(in.remaining()).isEqualTo(1);
    assertThatThrownBy(in::readCString).isInstanceOf(PgCodecException.class);
  }

  @Test
  void nestedLengthsAreFilledIn() {
    int outer = out.beginLength();
    out.writeByte(1);
    int inner = out.beginLength();
    out.writeShort(2);
    out.endLength(inner);
    out.endLength(outer);
    assertThat(written()).isEqualTo("00000007" + "01" + "00000002" + "0002");
  }

  @Test
  void aNestedValueIsConfinedToItsLength() {
    ValueReader in = reader("00000004 00000007 ffffffff 09");
    assertThat(in.readValue(NumberCodecs.INT4, BuiltinTypes.INT4)).isEqualTo(7);
    assertThat(in.readValue(NumberCodecs.INT4, BuiltinTypes.INT4)).isNull();
    assertThat(in.readByte()).isEqualTo((byte) 9);
    assertThatThrownBy(
            () -> reader("00000002 0007 0000").readValue(NumberCodecs.INT4, BuiltinTypes.INT4))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(
            () -> reader("00000005 0000000700").readValue(NumberCodecs.INT4, BuiltinTypes.INT4))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("1 bytes more");
    assertThatThrownBy(() -> reader("fffffffe").readValue(NumberCodecs.INT4, BuiltinTypes.INT4))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void nestingWithoutEndIsCutOff() {
    var hex = new StringBuilder();
    for (int left = 300; left > 0; left--) {
      hex.append(HexFormat.of().toHexDigits((left - 1) * 4));
    }
    Codec<Object> endless =
        new Codec<>() {
          @Override
          public Class<Object> javaType() {
            return Object.class;
          }

          @Override
          public void encode(Object value, PgType type, ValueWriter out) {
            out.writeInt(0);
          }

          @Override
          public Object decode(PgType type, ValueReader in) {
            Object below = in.hasRemaining() ? in.readValue(this, type) : null;
            return below == null ? "end" : below;
          }
        };
    assertThatThrownBy(() -> reader(hex.toString()).readValue(endless, BuiltinTypes.TEXT))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("256");
  }

  @Test
  void whateverACodecThrowsIsACodecException() {
    Codec<String> broken =
        new Codec<>() {
          @Override
          public Class<String> javaType() {
            return String.class;
          }

          @Override
          public void encode(String value, PgType type, ValueWriter out) {
            throw new IllegalStateException("broken");
          }

          @Override
          public String decode(PgType type, ValueReader in) {
            throw new IllegalStateException("broken");
          }
        };
    assertThatThrownBy(() -> reader("00").readAll(broken, BuiltinTypes.TEXT))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("fails to read this text as java.lang.String")
        .hasCauseInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> out.writeValue(broken, "secret", BuiltinTypes.TEXT))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("fails to write a java.lang.String as text");
  }

  @Test
  void whatWasWrittenCanBeTakenBack() {
    out.writeInt(1).writeInt(2);
    out.truncate(4);
    assertThat(written()).isEqualTo("00000001");
    assertThatIllegalArgumentException().isThrownBy(() -> out.truncate(5));
    out.clear();
    assertThat(out.size()).isZero();
  }

  @Test
  void aLargeValueIsNotKeptInMemoryForever() {
    out.writeBytes(new byte[1 << 20]);
    assertThat(out.array().length).isGreaterThanOrEqualTo(1 << 20);
    out.clear();
    assertThat(out.array().length).isLessThan(1 << 17);
  }

  @Test
  void roomThatIsReservedIsRoomAndNothingElse() {
    out.writeByte(1).reserve(100_000);
    byte[] before = out.array();
    out.writeBytes(new byte[100_000]);
    assertThat(out.array()).isSameAs(before);
    assertThat(out.size()).isEqualTo(100_001);
    assertThatIllegalArgumentException().isThrownBy(() -> out.reserve(-1));
    assertThatThrownBy(() -> out.reserve(Integer.MAX_VALUE))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("no message can hold");
  }

  @Test
  void aBufferIsWrittenFromItsPositionAndStaysThere() {
    ByteBuffer buffer = ByteBuffer.wrap(new byte[] {1, 2, 3}).position(1);
    out.writeBytes(buffer).writeBytes(new byte[] {7, 8, 9}, 1, 1);
    assertThat(written()).isEqualTo("020308");
    assertThat(buffer.remaining()).isEqualTo(2);
  }

  @Test
  void doublesAreWrittenAndReadInBulkInEitherByteOrder() {
    out.writeDoubles(new double[] {0, 1, -2, 3}, 1, 2, ByteOrder.BIG_ENDIAN)
        .writeDoubles(new double[] {1}, 0, 1, ByteOrder.LITTLE_ENDIAN);
    assertThat(written()).isEqualTo("3ff0000000000000" + "c000000000000000" + "000000000000f03f");
    var in = new ValueReader(out.array(), 0, out.size());
    var doubles = new double[4];
    in.readDoubles(doubles, 1, 2, ByteOrder.BIG_ENDIAN);
    in.readDoubles(doubles, 3, 1, ByteOrder.LITTLE_ENDIAN);
    assertThat(doubles).containsExactly(0, 1, -2, 1);
    assertThat(in.hasRemaining()).isFalse();
  }

  @Test
  void moreDoublesThanAreLeftAreRefused() {
    ValueReader in = reader("3ff0000000000000 3ff00000000000");
    assertThatThrownBy(() -> in.readDoubles(new double[2], 0, 2, ByteOrder.BIG_ENDIAN))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("2 doubles wanted, 15 bytes left");
    assertThat(in.remaining()).isEqualTo(15);
  }

  @Test
  void aParserReadsTheBytesWhereTheyLie() {
    byte[] bytes = {1, 2, 3, 4};
    var in = new ValueReader(bytes, 1, 3);
    assertThat(in.array()).isSameAs(bytes);
    assertThat(in.position()).isEqualTo(1);
    assertThat(in.remaining()).isEqualTo(2);
  }
}
