package io.asyncpg.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.protocol.FrontendMessage.Target;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FrontendWriterTest {
  private final ByteBuf out = Unpooled.buffer();
  private final FrontendWriter writer = new FrontendWriter(out);

  private void writes(FrontendMessage message, String hex) {
    out.clear();
    writer.write(message);
    assertThat(ByteBufUtil.hexDump(out)).as(message.toString()).isEqualTo(hex.replace(" ", ""));
  }

  @Test
  void everyMessageHasTheBytesOfTheManual() {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("user", "bob");
    writes(
        new FrontendMessage.StartupMessage(FrontendMessage.PROTOCOL_3_0, parameters),
        "00000012 00030000 7573657200 626f6200 00");
    writes(
        new FrontendMessage.StartupMessage(FrontendMessage.PROTOCOL_3_2, Map.of()),
        "00000009 00030002 00");
    writes(new FrontendMessage.SSLRequest(), "00000008 04d2162f");
    writes(new FrontendMessage.GSSENCRequest(), "00000008 04d21630");
    writes(
        new FrontendMessage.CancelRequest(7, new byte[] {1, 2, 3, 4}),
        "00000010 04d2162e 00000007 01020304");
    writes(new FrontendMessage.PasswordMessage("pw"), "70 00000007 707700");
    writes(
        new FrontendMessage.SASLInitialResponse("M", new byte[] {9}),
        "70 0000000b 4d00 00000001 09");
    writes(new FrontendMessage.SASLInitialResponse("M", null), "70 0000000a 4d00 ffffffff");
    writes(new FrontendMessage.SASLResponse(new byte[] {8}), "70 00000005 08");
    writes(new FrontendMessage.GSSResponse(new byte[] {8}), "70 00000005 08");
    writes(new FrontendMessage.Query("é"), "51 00000007 c3a900");
    writes(
        new FrontendMessage.Parse("s", "q", new int[] {23}), "50 0000000e 7300 7100 0001 00000017");
    writes(
        new FrontendMessage.Bind(
            "p", "s", new short[] {1}, Arrays.asList(new byte[] {5}, null), new short[] {0, 1}),
        "42 0000001d 7000 7300 0001 0001 0002 00000001 05 ffffffff 0002 0000 0001");
    writes(new FrontendMessage.Describe(Target.STATEMENT, "s"), "44 00000007 53 7300");
    writes(new FrontendMessage.Execute("p", 7), "45 0000000a 7000 00000007");
    writes(new FrontendMessage.Close(Target.PORTAL, "p"), "43 00000007 50 7000");
    writes(new FrontendMessage.Sync(), "53 00000004");
    writes(new FrontendMessage.Flush(), "48 00000004");
    writes(new FrontendMessage.CopyData(new byte[] {1, 2}), "64 00000006 0102");
    writes(new FrontendMessage.CopyDone(), "63 00000004");
    writes(new FrontendMessage.CopyFail("no"), "66 00000007 6e6f00");
    writes(new FrontendMessage.Terminate(), "58 00000004");
  }

  @Test
  void theHotPathWritesTheSameBind() {
    byte[] value = {0, 0, 0, 1, 5, 77, 77};
    writer.bind(
        FrontendWriter.name("p"),
        FrontendWriter.name("s"),
        new byte[] {0, 1, 0, 1},
        1,
        value,
        5,
        new byte[] {0, 0});
    writer.executeAndSync();
    assertThat(ByteBufUtil.hexDump(out))
        .isEqualTo(
            "42 00000015 7000 7300 0001 0001 0001 00000001 05 0000 45 00000009 00 00000000 53 00000004"
                .replace(" ", ""));
  }

  private void refuses(FrontendMessage message, String why) {
    out.clear();
    assertThatThrownBy(() -> writer.write(message))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(why);
    assertThat(out.readableBytes()).as("nothing is written of what is refused").isZero();
  }

  @Test
  void whatCannotBeFramedIsRefusedBeforeItsFirstByte() {
    refuses(new FrontendMessage.Query("a\0b"), "NUL character at index 1");
    refuses(new FrontendMessage.Query("x\ud800"), "half of a surrogate pair at index 1");
    refuses(new FrontendMessage.Query("\udc00"), "half of a surrogate pair at index 0");
    refuses(new FrontendMessage.Parse("s\0", "q", new int[0]), "a name has a NUL");
    refuses(
        new FrontendMessage.StartupMessage(3 << 16, Map.of("user", "a\0database\0b")),
        "the setting user has a NUL");
    refuses(
        new FrontendMessage.StartupMessage(3 << 16, Map.of("user", "x".repeat(10_000))),
        "takes 10000 at most");
    refuses(new FrontendMessage.CancelRequest(1, new byte[3]), "a cancel key of 3 bytes");
    refuses(new FrontendMessage.CancelRequest(1, new byte[257]), "a cancel key of 257 bytes");
    refuses(new FrontendMessage.Parse("", "q", new int[65_536]), "65536 parameter types");
  }

  @Test
  void aPairOfSurrogatesIsOneCharacter() {
    writes(new FrontendMessage.Query("\ud83d\ude00"), "51 00000009 f09f988000");
  }

  @Test
  void whatWasWrittenSinceAMarkCanBeTakenBack() {
    writer.sync();
    int mark = writer.mark();
    writer.query("SELECT 1");
    writer.reset(mark);
    assertThat(ByteBufUtil.hexDump(out)).isEqualTo("5300000004");
  }

  @Test
  void nothingSecretIsPrinted() {
    assertThat(new FrontendMessage.PasswordMessage("sesame").toString()).doesNotContain("sesame");
    assertThat(new FrontendMessage.CancelRequest(5, new byte[] {1, 2, 3, 4}).toString())
        .isEqualTo("CancelRequest[processId=5]");
  }
}
