package io.asyncpg.types;

import static io.asyncpg.types.Wire.read;
import static io.asyncpg.types.Wire.text;
import static io.asyncpg.types.Wire.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.types.value.BitString;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class TextAndBinaryCodecsTest {
  @Test
  void textIsItsCharacters() {
    assertThat(write(BuiltinTypes.TEXT, "é")).isEqualTo("c3a9");
    assertThat(read(BuiltinTypes.TEXT, "c3a9")).isEqualTo("é");
    assertThat(write(BuiltinTypes.VARCHAR, java.nio.CharBuffer.wrap("ab"))).isEqualTo("6162");
    assertThat(write(BuiltinTypes.BPCHAR, 'x')).isEqualTo("78");
    assertThat(write(BuiltinTypes.NAME, new char[] {'a', 'b'})).isEqualTo("6162");
    assertThat(read(BuiltinTypes.TEXT, char[].class, "6162")).containsExactly('a', 'b');
    assertThat(read(BuiltinTypes.TEXT, CharSequence.class, "6162").toString()).isEqualTo("ab");
  }

  @Test
  void aNumberIsNoText() {
    assertThatThrownBy(() -> write(BuiltinTypes.TEXT, 5))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.Integer cannot become text")
        .hasMessageContaining("java.lang.String");
  }

  @Test
  void jsonbHasAVersionBeforeItsText() {
    assertThat(write(BuiltinTypes.JSONB, "{}")).isEqualTo("01" + "7b7d");
    assertThat(read(BuiltinTypes.JSONB, "01 7b7d")).isEqualTo("{}");
    assertThatThrownBy(() -> read(BuiltinTypes.JSONB, "02 7b7d"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("version 2");
    assertThat(write(BuiltinTypes.JSON, "{}")).isEqualTo("7b7d");
    assertThat(write(BuiltinTypes.JSONPATH, "$")).isEqualTo("01" + "24");
  }

  @Test
  void theSingleByteTypeMayBeAnyByte() {
    assertThat(read(BuiltinTypes.CHAR, "ff")).isEqualTo((byte) -1);
    assertThat(read(BuiltinTypes.CHAR, String.class, "ff")).isEqualTo("\\377");
    assertThat(read(BuiltinTypes.CHAR, Character.class, "80")).isEqualTo('\u0080');
    assertThat(read(BuiltinTypes.CHAR, String.class, "00")).isEmpty();
    assertThat(write(BuiltinTypes.CHAR, "b")).isEqualTo("62");
    assertThat(write(BuiltinTypes.CHAR, (byte) 0)).isEqualTo("00");
    assertThatThrownBy(() -> write(BuiltinTypes.CHAR, "é")).isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> write(BuiltinTypes.CHAR, "ab")).isInstanceOf(PgCodecException.class);
  }

  @Test
  void everySingleByteIsWrittenBackAsItWasRead() {
    CodecRegistry standard = CodecRegistry.standard();
    for (int b = 0; b < 256; b++) {
      String wire = String.format("%02x", b);
      String string = read(BuiltinTypes.CHAR, String.class, wire);
      assertThat(write(BuiltinTypes.CHAR, string)).as(string).isEqualTo(wire);
      assertThat(write(BuiltinTypes.CHAR, read(BuiltinTypes.CHAR, Character.class, wire)))
          .isEqualTo(wire);
      Codec<?> inText = standard.encoder(BuiltinTypes.CHAR, String.class, Format.TEXT);
      assertThat(write(inText, BuiltinTypes.CHAR, string)).isEqualTo(text(string));
    }
    for (String none : List.of("\\400", "\\08", "\\+12", "\\189", "x200", "\u0100")) {
      assertThatThrownBy(() -> write(BuiltinTypes.CHAR, none))
          .as(none)
          .isInstanceOf(PgCodecException.class)
          .hasMessageContaining("java.lang.String does not fit char");
    }
  }

  @Test
  void bytesAreTakenFromArraysBuffersAndStreams() throws Exception {
    byte[] bytes = {1, 2, 3};
    assertThat(write(BuiltinTypes.BYTEA, bytes)).isEqualTo("010203");
    assertThat(write(BuiltinTypes.BYTEA, ByteBuffer.wrap(bytes).position(1))).isEqualTo("0203");
    assertThat(write(BuiltinTypes.BYTEA, new ByteArrayInputStream(bytes))).isEqualTo("010203");
    assertThat(read(BuiltinTypes.BYTEA, byte[].class, "010203")).isEqualTo(bytes);
    assertThat(read(BuiltinTypes.BYTEA, ByteBuffer.class, "010203"))
        .isEqualTo(ByteBuffer.wrap(bytes));
    assertThat(read(BuiltinTypes.BYTEA, InputStream.class, "010203").readAllBytes())
        .isEqualTo(bytes);
    assertThat(read(BuiltinTypes.BYTEA, String.class, "010203")).isEqualTo("\\x010203");
  }

  @Test
  void aStreamInMemoryMayBeWrittenTwiceAndAnotherNotAtAll() {
    InputStream inMemory = new ByteArrayInputStream(new byte[] {1, 2, 3});
    assertThat(write(BuiltinTypes.BYTEA, inMemory)).isEqualTo("010203");
    assertThat(write(BuiltinTypes.BYTEA, inMemory)).isEqualTo("010203");
    assertThatThrownBy(() -> write(BuiltinTypes.BYTEA, InputStream.nullInputStream()))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("pass its bytes");
  }

  @Test
  void aBooleanIsOneByte() {
    assertThat(write(BuiltinTypes.BOOL, true)).isEqualTo("01");
    assertThat(read(BuiltinTypes.BOOL, "00")).isEqualTo(false);
    assertThat(read(BuiltinTypes.BOOL, String.class, "01")).isEqualTo("true");
    assertThatThrownBy(() -> read(BuiltinTypes.BOOL, "0100"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("more than java.lang.Boolean takes");
    assertThatThrownBy(() -> write(BuiltinTypes.BOOL, 1)).isInstanceOf(PgCodecException.class);
  }

  @Test
  void aUuidIsSixteenBytesOrItsText() {
    UUID id = UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
    String hex = "a0eebc999c0b4ef8bb6d6bb9bd380a11";
    assertThat(write(BuiltinTypes.UUID, id)).isEqualTo(hex);
    assertThat(read(BuiltinTypes.UUID, hex)).isEqualTo(id);
    assertThat(write(BuiltinTypes.UUID, id.toString())).isEqualTo(hex);
    assertThat(read(BuiltinTypes.UUID, String.class, hex)).isEqualTo(id.toString());
    assertThatThrownBy(() -> write(BuiltinTypes.UUID, "1-1-1-1-1"))
        .isInstanceOf(PgCodecException.class)
        .hasMessageContaining("java.lang.String does not fit uuid");
  }

  @Test
  void bitsAreCounted() {
    assertThat(write(BuiltinTypes.VARBIT, BitString.parse("101"))).isEqualTo("00000003" + "a0");
    assertThat(read(BuiltinTypes.VARBIT, "00000003 a0")).isEqualTo(BitString.parse("101"));
    assertThat(read(BuiltinTypes.VARBIT, "00000000")).isEqualTo(BitString.parse(""));
    assertThat(write(BuiltinTypes.BIT, new boolean[] {true, false})).isEqualTo("00000002" + "80");
    assertThat(write(BuiltinTypes.BIT, "1")).isEqualTo("00000001" + "80");
    assertThat(read(BuiltinTypes.BIT, Boolean.class, "00000001 80")).isTrue();
    assertThatThrownBy(() -> read(BuiltinTypes.BIT, Boolean.class, "00000002 80"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(BuiltinTypes.BIT, "00000003 a1"))
        .isInstanceOf(PgCodecException.class);
    assertThatThrownBy(() -> read(BuiltinTypes.BIT, "7fffffff a0"))
        .isInstanceOf(PgCodecException.class);
  }

  @Test
  void whatHasNoBinaryFormTravelsAsText() {
    for (PgType type :
        new PgType[] {BuiltinTypes.ACLITEM, BuiltinTypes.TSVECTOR, BuiltinTypes.MONEY}) {
      assertThat(CodecRegistry.standard().decoder(type, null).format()).isEqualTo(Format.TEXT);
      assertThat(CodecRegistry.standard().encoder(type, String.class).format())
          .isEqualTo(Format.TEXT);
      assertThat(read(type, text("x"))).isEqualTo("x");
    }
    assertThat(write(BuiltinTypes.REGCLASS, 1259)).isEqualTo(text("1259"));
    assertThatThrownBy(() -> write(BuiltinTypes.REGCLASS, -1L))
        .isInstanceOf(PgCodecException.class);
  }
}
