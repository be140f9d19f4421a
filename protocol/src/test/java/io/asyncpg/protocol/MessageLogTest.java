package io.asyncpg.protocol;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class MessageLogTest {
  private final MessageLog log = MessageLog.lengthsOnly();
  private final MessageLog open = MessageLog.withValues();

  @Test
  void aSessionReadsAsInTheTraceOfLibpq() throws IOException {
    List<String> golden = golden();
    assertThat(golden).hasSize(140);
    for (int i = 0; i < golden.size(); i += 2) {
      String[] message = golden.get(i).split(" ", -1);
      byte[] bytes = HexFormat.of().parseHex(message[1]);
      assertThat(lines(open, message[0], bytes)).containsExactly(golden.get(i + 1));
    }
  }

  @Test
  void valuesAreShownAsLengthsUnlessAskedFor() {
    byte[] bind =
        frame('B', cstr("") + cstr("s3") + "\0\1\0\1\0\2\0\0\0\2ab\377\377\377\377\0\1\0\1");
    assertThat(frontend(bind)).isEqualTo("F\t28\tBind\t \"\" \"s3\" 1 1 2 2 -1 1 1");
    assertThat(lines(open, "frontend", bind))
        .containsExactly("F\t28\tBind\t \"\" \"s3\" 1 1 2 2 'ab' -1 1 1");
    byte[] row = frame('D', "\0\2\0\0\0\6secret\0\0\0\0");
    assertThat(backend(row)).isEqualTo("B\t20\tDataRow\t 2 6 0");
    assertThat(lines(open, "backend", row)).containsExactly("B\t20\tDataRow\t 2 6 'secret' 0 ''");
    assertThat(backend(frame('d', "1\tsecret\n"))).isEqualTo("B\t13\tCopyData\t <9 bytes>");
    assertThat(frontend(frame('d', "1\tsecret\n"))).isEqualTo("F\t13\tCopyData\t <9 bytes>");
    assertThat(lines(open, "backend", frame('d', "1\ta\n")))
        .containsExactly("B\t8\tCopyData\t '1\\x09a\\x0a'");
  }

  @Test
  void noPasswordNoSaslMessageAndNoKeyIsEverShown() {
    for (MessageLog any : List.of(log, open)) {
      assertThat(lines(any, "frontend", frame('p', cstr("hunter2"))))
          .containsExactly("F\t12\tPasswordMessage\t <8 bytes>");
      assertThat(lines(any, "frontend", frame('p', cstr("SCRAM-SHA-256") + "\0\0\0\12n,,n=,r=xy")))
          .containsExactly("F\t32\tSASLInitialResponse\t \"SCRAM-SHA-256\" <10 bytes>");
      assertThat(lines(any, "frontend", frame('p', cstr("OAUTHBEARER") + "\377\377\377\377")))
          .containsExactly("F\t20\tSASLInitialResponse\t \"OAUTHBEARER\" <0 bytes>");
      assertThat(lines(any, "frontend", frame('p', "c=biws,r=xyz,p=proof")))
          .containsExactly("F\t24\tSASLResponse\t <20 bytes>");
      assertThat(lines(any, "backend", frame('R', "\0\0\0\13r=xyz,s=salt,i=4096")))
          .containsExactly("B\t27\tAuthenticationSASLContinue\t <19 bytes>");
      assertThat(lines(any, "backend", frame('R', "\0\0\0\14v=signature")))
          .containsExactly("B\t19\tAuthenticationSASLFinal\t <11 bytes>");
      assertThat(lines(any, "backend", frame('R', "\0\0\0\5salt")))
          .containsExactly("B\t12\tAuthenticationMD5Password\t <4 bytes>");
      assertThat(lines(any, "backend", frame('K', "\0\0\22\147" + "k".repeat(32))))
          .containsExactly("B\t40\tBackendKeyData\t 4711 <32 bytes>");
      assertThat(lines(any, "startup", packet("\4\322\26\56\0\0\22\147" + "k".repeat(32))))
          .containsExactly("F\t44\tCancelRequest\t 1234 5678 4711 <32 bytes>");
    }
  }

  @Test
  void passwordsInSqlAreCovered() {
    assertThat(frontend(frame('Q', cstr("ALTER ROLE bob PASSWORD 'hunter2'"))))
        .isEqualTo("F\t38\tQuery\t \"ALTER ROLE bob PASSWORD '*******'\"");
    assertThat(frontend(frame('P', cstr("") + cstr("alter user a password E'x\\'y'") + "\0\0")))
        .isEqualTo("F\t37\tParse\t \"\" \"alter user a password E'****'\" 0");
  }

  @Test
  void theStartOfASessionReadsLikeThis() {
    assertThat(lines(log, "startup", packet("\4\322\26\57")))
        .containsExactly("F\t8\tSSLRequest\t 1234 5679");
    assertThat(lines(log, "startup", packet("\4\322\26\60")))
        .containsExactly("F\t8\tGSSENCRequest\t 1234 5680");
    assertThat(lines(log, "ssl", new byte[] {'S'})).containsExactly("B\t1\tSSLResponse\t S");
    assertThat(lines(log, "ssl", new byte[] {0})).containsExactly("B\t1\tSSLResponse\t \\x00");
    assertThat(lines(log, "startup", packet("\0\3\0\2" + cstr("user") + cstr("bob") + "\0")))
        .containsExactly("F\t18\tStartupMessage\t 3 2 \"user\" \"bob\"");
    assertThat(backend(frame('R', "\0\0\0\0"))).isEqualTo("B\t8\tAuthenticationOk");
    assertThat(backend(frame('R', "\0\0\0\3"))).isEqualTo("B\t8\tAuthenticationCleartextPassword");
    assertThat(backend(frame('R', "\0\0\0\12" + cstr("SCRAM-SHA-256") + "\0")))
        .isEqualTo("B\t23\tAuthenticationSASL\t \"SCRAM-SHA-256\" \"\"");
    assertThat(backend(frame('R', "\0\0\0\7"))).isEqualTo("B\t8\tAuthenticationGSS");
    assertThat(backend(frame('R', "\0\0\0\11"))).isEqualTo("B\t8\tAuthenticationSSPI");
    assertThat(backend(frame('R', "\0\0\0\10token")))
        .isEqualTo("B\t13\tAuthenticationGSSContinue\t <5 bytes>");
    assertThat(backend(frame('R', "\0\0\0\143")))
        .isEqualTo("B\t8\tUnknown authentication message 99");
    assertThat(backend(frame('v', "\0\3\0\0\0\0\0\1" + cstr("_pq_.x"))))
        .isEqualTo("B\t19\tNegotiateProtocolVersion\t 196608 1 \"_pq_.x\"");
  }

  @Test
  void theOtherMessagesReadLikeThis() {
    assertThat(frontend(frame('H', ""))).isEqualTo("F\t4\tFlush");
    assertThat(frontend(frame('c', ""))).isEqualTo("F\t4\tCopyDone");
    assertThat(backend(frame('n', ""))).isEqualTo("B\t4\tNoData");
    assertThat(backend(frame('s', ""))).isEqualTo("B\t4\tPortalSuspended");
    assertThat(backend(frame('W', "\0\0\1\0\0"))).isEqualTo("B\t9\tCopyBothResponse\t \\x00 1 0");
    assertThat(backend(frame('y', ""))).isEqualTo("B\t4\tUnknown message: 79");
    assertThat(backend(frame('\377', "xy"))).isEqualTo("B\t6\tUnknown message: ff (2 bytes more)");
    assertThat(frontend(frame('Z', "I"))).isEqualTo("F\t5\tUnknown message: 5a (1 bytes more)");
  }

  @Test
  void severalMessagesAreALineEach() {
    byte[] flight = join(frame('E', cstr("") + "\0\0\0\0"), frame('S', ""), frame('X', ""));
    assertThat(lines(log, "frontend", flight))
        .containsExactly("F\t9\tExecute\t \"\" 0", "F\t4\tSync", "F\t4\tTerminate");
  }

  @Test
  void onlyTheGivenPartOfTheArrayIsRead() {
    byte[] all = join(new byte[] {1, 2, 3}, frame('S', ""), new byte[] {4});
    List<String> lines = new ArrayList<>();
    log.frontend(all, 3, 8, lines::add);
    assertThat(lines).containsExactly("F\t4\tSync");
    log.frontend(all, 3, 3, lines::add);
    assertThat(lines).hasSize(1);
    assertThatThrownBy(() -> log.frontend(all, 3, 10, lines::add))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void aMessageStaysOnItsLineWhateverIsInIt() {
    assertThat(frontend(frame('Q', cstr("SELECT\n\t'\u001b[2J'\r"))))
        .isEqualTo("F\t20\tQuery\t \"SELECT\\x0a\\x09'\\x1b[2J'\\x0d\"");
    assertThat(frontend(frame('Q', latin(cstr("SELECT 'äöü 日本 😀 \u2028'")))))
        .endsWith("\"SELECT 'äöü 日本 😀 \\u2028'\"");
  }

  @Test
  void longFieldsAreCut() {
    String sql = "x".repeat(1_000_000);
    assertThat(frontend(frame('Q', cstr(sql))))
        .hasSizeLessThan(2_100)
        .endsWith("xxx… <1000000 bytes>\"");
    byte[] row = frame('D', "\0\1\0\17\102\100" + sql);
    assertThat(backend(row)).isEqualTo("B\t1000010\tDataRow\t 1 1000000");
    assertThat(lines(open, "backend", row).get(0))
        .hasSizeLessThan(2_100)
        .endsWith("xxx… <1000000 bytes>'");
  }

  @Test
  void aMessageThatIsShorterThanItsFieldsSaysSo() {
    assertThat(backend(frame('D', "\0\3\0\0\0\1a")))
        .isEqualTo("B\t11\tDataRow\t 3 1 (message ends here)");
    assertThat(backend(frame('D', "\0\1\177\377\377\377a")))
        .isEqualTo("B\t11\tDataRow\t 1 2147483647 (message ends here)");
    assertThat(backend(frame('D', "\0\1\377\377\377\376a")))
        .isEqualTo("B\t11\tDataRow\t 1 -2 (message ends here)");
    assertThat(backend(frame('T', "\377\377")))
        .isEqualTo("B\t6\tRowDescription\t 65535 (message ends here)");
    assertThat(backend(frame('C', "SELECT")))
        .isEqualTo("B\t10\tCommandComplete\t \"SELECT\" (message ends here)");
    assertThat(backend(frame('E', "SERROR\0")))
        .isEqualTo("B\t11\tErrorResponse\t S \"ERROR\" (message ends here)");
    assertThat(backend(frame('R', "\0"))).isEqualTo("B\t5\tAuthentication (message ends here)");
  }

  @Test
  void aMessageThatIsLongerThanItsFieldsSaysSo() {
    assertThat(backend(frame('Z', "Ixyz"))).isEqualTo("B\t8\tReadyForQuery\t I (3 bytes more)");
  }

  @Test
  void aMessageThatIsNotAllThereSaysSo() {
    byte[] row = frame('D', "\0\1\0\0\0\4abcd");
    assertThat(lines(log, "backend", Arrays.copyOf(row, 13)))
        .containsExactly("B\t14\tDataRow\t 1 4 (cut off after 12 bytes)");
    assertThat(lines(log, "backend", Arrays.copyOf(row, 3)))
        .containsExactly("B\t?\tMalformed <3 bytes>");
    assertThat(lines(log, "startup", new byte[] {0, 0}))
        .containsExactly("F\t?\tMalformed <2 bytes>");
  }

  @Test
  void aLengthThatCannotBeEndsTheReading() {
    assertThat(lines(log, "backend", join(new byte[] {'S', 0, 0, 0, 3}, frame('Z', "I"))))
        .containsExactly("B\t3\tMalformed <11 bytes>");
    assertThat(lines(log, "backend", new byte[] {'S', -1, -1, -1, -1, 0}))
        .containsExactly("B\t-1\tMalformed <6 bytes>");
    assertThat(lines(log, "startup", new byte[] {0, 0, 0, 0, 9}))
        .containsExactly("F\t0\tMalformed <5 bytes>");
  }

  @Test
  void garbageIsPrintedAndNeverThrows() throws IOException {
    List<String> golden = golden();
    Random random = new Random(11);
    for (int round = 0; round < 30_000; round++) {
      String[] message = golden.get(random.nextInt(golden.size() / 2) * 2).split(" ", -1);
      byte[] bytes = HexFormat.of().parseHex(message[1]);
      for (int i = random.nextInt(6); i > 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      if (random.nextInt(3) == 0) {
        bytes = Arrays.copyOf(bytes, 1 + random.nextInt(bytes.length));
      }
      for (String kind : List.of("frontend", "backend", "startup")) {
        assertThat(lines(random.nextBoolean() ? log : open, kind, bytes))
            .isNotEmpty()
            .allMatch(
                line -> line.matches("[FB]\t(-?\\d+|\\?)\t[^\\p{Cntrl}]*(\t[^\\p{Cntrl}]*)?"));
      }
    }
  }

  @Test
  void noSecretShowsInDamagedMessagesEither() {
    Random random = new Random(13);
    byte[] password = frame('p', cstr("hunter2"));
    byte[] initial = frame('p', cstr("SCRAM-SHA-256") + "\0\0\0\21n,,n=,r=hunter2xx");
    byte[] key = frame('K', "\0\0\22\147hunter2hunter2");
    for (int round = 0; round < 2_000; round++) {
      int length = random.nextInt(8);
      for (byte[] message : List.of(password, initial)) {
        byte[] cut = Arrays.copyOf(message, Math.max(1, message.length - length));
        assertThat(lines(open, "frontend", cut).toString()).doesNotContain("hunter");
        byte[] wrong = message.clone();
        wrong[4] = (byte) random.nextInt(wrong[4] + 1);
        assertThat(lines(open, "frontend", wrong).get(0)).doesNotContain("hunter");
      }
      byte[] cut = Arrays.copyOf(key, Math.max(1, key.length - length));
      assertThat(lines(open, "backend", cut).toString()).doesNotContain("hunter");
    }
  }

  private static List<String> golden() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(MessageLogTest.class.getResourceAsStream("libpq-trace.txt"))) {
      return new String(in.readAllBytes(), UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .toList();
    }
  }

  private String frontend(byte[] frame) {
    return only(lines(log, "frontend", frame));
  }

  private String backend(byte[] frame) {
    return only(lines(log, "backend", frame));
  }

  private static String only(List<String> lines) {
    assertThat(lines).hasSize(1);
    return lines.get(0);
  }

  private static List<String> lines(MessageLog log, String kind, byte[] bytes) {
    List<String> lines = new ArrayList<>();
    switch (kind) {
      case "startup" -> log.startup(bytes, 0, bytes.length, lines::add);
      case "ssl" -> log.sslResponse(bytes[0], lines::add);
      case "frontend" -> log.frontend(bytes, 0, bytes.length, lines::add);
      default -> log.backend(bytes, 0, bytes.length, lines::add);
    }
    return lines;
  }

  private static byte[] frame(char type, String body) {
    byte[] bytes = body.getBytes(ISO_8859_1);
    return ByteBuffer.allocate(5 + bytes.length)
        .put((byte) type)
        .putInt(4 + bytes.length)
        .put(bytes)
        .array();
  }

  private static byte[] packet(String body) {
    byte[] bytes = body.getBytes(ISO_8859_1);
    return ByteBuffer.allocate(4 + bytes.length).putInt(4 + bytes.length).put(bytes).array();
  }

  private static String cstr(String text) {
    return text + "\0";
  }

  /** The UTF-8 bytes of a text, each as one character. */
  private static String latin(String text) {
    return new String(text.getBytes(UTF_8), ISO_8859_1);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
