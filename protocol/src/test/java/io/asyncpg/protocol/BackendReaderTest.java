package io.asyncpg.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BackendReaderTest {
  private static final int WIDTH = 2;

  /** Writes down what it is told. */
  static class Notes implements BackendHandler {
    final List<String> lines = new ArrayList<>();
    int rowWidth = WIDTH;

    @Override
    public int rowWidth() {
      return rowWidth;
    }

    @Override
    public void dataRows(byte[] bytes, int from, int to, int count) {
      lines.add("rows " + HexFormat.of().formatHex(bytes, from, to));
    }

    @Override
    public void copyData(byte[] bytes, int from, int to) {
      lines.add("copy " + HexFormat.of().formatHex(bytes, from, to));
    }

    @Override
    public void commandComplete(String command, long rows) {
      lines.add("done " + command + " " + rows);
    }

    @Override
    public void readyForQuery(TransactionStatus status) {
      lines.add("ready " + status);
    }

    @Override
    public void message(BackendMessage message) {
      lines.add(
          message instanceof BackendMessage.ParameterDescription types
              ? "parameters " + Arrays.toString(types.typeOids())
              : message.toString());
    }

    @Override
    public String doing() {
      return "in a test";
    }

    /** The rows of all runs, one after the other: runs depend on how the bytes arrive. */
    List<String> joined() {
      List<String> joined = new ArrayList<>();
      for (String line : lines) {
        int last = joined.size() - 1;
        if (line.startsWith("rows ") && last >= 0 && joined.get(last).startsWith("rows ")) {
          joined.set(last, joined.get(last) + line.substring(5));
        } else {
          joined.add(line);
        }
      }
      return joined;
    }
  }

  private static byte[] hex(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }

  private static List<String> read(String hex) {
    return read(new Notes(), hex).lines;
  }

  private static Notes read(Notes notes, String hex) {
    BackendReader reader = new BackendReader(1 << 20);
    feed(reader, notes, hex(hex), 0, hex(hex).length);
    return notes;
  }

  private static void feed(BackendReader reader, Notes notes, byte[] bytes, int from, int to) {
    ByteBuf in = Unpooled.wrappedBuffer(bytes, from, to - from);
    reader.feed(in);
    in.release();
    reader.read(notes);
  }

  private static final String ROW = "44 00000013 0002 00000001 41 00000000".replace("13", "0f");
  private static final String NULL_ROW = "44 0000000e 0002 ffffffff ffffffff";

  @Test
  void aRunOfRowsIsHandedOverWhole() {
    assertThat(read(ROW + NULL_ROW + "43 0000000d 53454c454354203200 5a 00000005 49"))
        .containsExactly(
            "rows " + (ROW + NULL_ROW).replace(" ", ""), "done SELECT 2", "ready IDLE");
  }

  @Test
  void everyOtherMessageBecomesARecord() {
    assertThat(
            read(
                "31 00000004 32 00000004 33 00000004 6e 00000004 73 00000004 49 00000004 63 00000004"
                    + "74 0000000a 0001 00000017"
                    + "53 00000008 6100 6200"
                    + "41 0000000c 00000007 6300 7000"
                    + "47 00000009 00 0001 0000"
                    + "5a 00000005 54 5a 00000005 45"))
        .containsExactly(
            "ParseComplete[]",
            "BindComplete[]",
            "CloseComplete[]",
            "NoData[]",
            "PortalSuspended[]",
            "EmptyQueryResponse[]",
            "CopyDone[]",
            "parameters [23]",
            "ParameterStatus[name=a, value=b]",
            "NotificationResponse[processId=7, channel=c, payload=p]",
            "CopyInResponse[binary=false, columnFormats=[0]]",
            "ready IN_TRANSACTION",
            "ready FAILED");
  }

  @Test
  void aKeyIsFourToTwoHundredFiftySixBytesAndIsNeverPrinted() {
    assertThat(read("4b 0000000c 00000009 01020304"))
        .containsExactly("BackendKeyData[processId=9]");
    assertThat(read("4b 00000108 00000009" + "ab".repeat(256))).hasSize(1);
    refused("4b 0000000b 00000009 010203", "BackendKeyData with a key of 3 bytes");
    refused("4b 00000109 00000009" + "ab".repeat(257), "BackendKeyData with a key of 257 bytes");
  }

  @Test
  void anErrorHasAllItsFieldsAndIgnoresUnknownOnes() {
    assertThat(
            read(
                "45 00000029"
                    + "53 46454c00 56 4552524f5200 43 343250303100 4d 6e6f00 50 333100 5a 7800 52 7200 7a 7100"
                    + "00"))
        .singleElement()
        .asString()
        .contains("severity=ERROR, localizedSeverity=FEL, sqlState=42P01, message=no")
        .contains("position=31")
        .contains("routine=r");
  }

  @Test
  void whatIsNoSqlStateIsReadAsAnInternalError() {
    for (String none : List.of("", "35", "343250303120", "3432503031" + "30", "3432703031")) {
      String body = "53 4600 43" + none + "00 4d 6e6f00 00";
      int length = 4 + body.replace(" ", "").length() / 2;
      assertThat(read("45 %08x %s".formatted(length, body)))
          .as(none)
          .singleElement()
          .asString()
          .contains("sqlState=XX000, message=no");
    }
  }

  @Test
  void tagsAreReadWithTheirNumbers() {
    assertThat(read("43 0000000f 494e53455254203020 3500")).containsExactly("done INSERT 5");
    assertThat(read("43 00000011 435245415445205441424c4500"))
        .containsExactly("done CREATE TABLE 0");
  }

  @Test
  void howTheBytesArriveMakesNoDifference() {
    byte[] all =
        hex(
            "32 00000004"
                + ROW
                + NULL_ROW
                + ROW
                + "43 0000000d 53454c454354203300"
                + "53 00000008 6100 6200"
                + "5a 00000005 49"
                + "64 00000007 010203"
                + "5a 00000005 49");
    Notes whole = new Notes();
    feed(new BackendReader(1 << 20), whole, all, 0, all.length);
    for (int cut = 1; cut < all.length; cut++) {
      Notes notes = new Notes();
      BackendReader reader = new BackendReader(1 << 20);
      feed(reader, notes, all, 0, cut);
      feed(reader, notes, all, cut, all.length);
      assertThat(notes.joined()).as("cut at %d", cut).isEqualTo(whole.joined());
      assertThat(reader.isInsideMessage()).isFalse();
    }
    Notes slow = new Notes();
    BackendReader reader = new BackendReader(1 << 20);
    for (int i = 0; i < all.length; i++) {
      feed(reader, slow, all, i, i + 1);
    }
    assertThat(slow.joined()).isEqualTo(whole.joined());
  }

  @Test
  void aLongMessageGrowsTheBufferOnlyAsItArrives() {
    Notes notes = new Notes();
    BackendReader reader = new BackendReader(1 << 30);
    byte[] header = hex("64 3fffffff");
    feed(reader, notes, header, 0, header.length);
    assertThat(reader.isInsideMessage()).isTrue();
    assertThat(notes.lines).isEmpty();
  }

  @Test
  void itSaysWhatItHasOfAMessageAndWhatItLacks() {
    Notes notes = new Notes();
    BackendReader reader = new BackendReader(1 << 20);
    byte[] message = hex("64 00000007 010203" + "5a 00000005 49");
    int[][] buffered = {{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 3}, {6, 2}, {7, 1}, {0, 0}, {1, 0}};
    assertThat(reader.buffered()).isZero();
    assertThat(reader.missing()).isZero();
    for (int i = 0; i < buffered.length; i++) {
      feed(reader, notes, message, i, i + 1);
      assertThat(reader.buffered()).as("buffered after %d", i).isEqualTo(buffered[i][0]);
      assertThat(reader.missing()).as("missing after %d", i).isEqualTo(buffered[i][1]);
    }
  }

  @Test
  void theLongestMessageIsMissedByLessThanAnIntCanSay() {
    BackendReader reader = new BackendReader(Integer.MAX_VALUE);
    byte[] header = hex("64 7fffffff 00");
    feed(reader, new Notes(), header, 0, header.length);
    assertThat(reader.missing()).isEqualTo(Integer.MAX_VALUE - 5);
  }

  @Test
  void framesThatLieAreRefused() {
    refused("44 0000000f 0003 00000001 41 00000000", "DataRow of 3 columns where 2 were described");
    refused("44 0000000f 0002 00000009 41 00000000", "column 0 has length 9");
    refused("44 0000000f 0002 fffffffe 41 00000000", "column 0 has length -2");
    refused("44 00000010 0002 00000001 41 00000000 00", "1 bytes behind its last column");
    refused("44 00000004", "DataRow without a column count");
    refused("5a 00000003", "length 3");
    refused("5a 7fffffff", "length 2147483647, where 4 to 1048576 is allowed");
    refused("5a 00000005 58", "ReadyForQuery with an unknown status");
    refused("5a 00000006 49 49", "ReadyForQuery with 1 bytes too many");
    refused("40 00000004", "a message of unknown type 0x40 ('@') in a test");
    refused("74 00000006 0002", "ParameterDescription of 2 parameters that ends too early");
    refused("54 00000006 ffff", "RowDescription of 65535 columns that ends too early");
    refused("53 00000006 6161", "a string that does not end");
    refused("52 00000009 00000005 01", "AuthenticationMD5Password that ends too early");
    refused("76 0000000c 00030000 7fffffff", "NegotiateProtocolVersion of 2147483647 options");
  }

  private static void refused(String hex, String why) {
    assertThatThrownBy(() -> read(hex))
        .as(hex)
        .isInstanceOf(PgProtocolException.class)
        .hasMessageContaining(why);
  }

  private static final String ONE = "44 0000000e 0001 00000004 00000001";
  private static final String NOTHING = "44 0000000a 0001 ffffffff";
  private static final String LONGER = "44 0000000f 0001 00000005 4444444444";

  /** Rows of one column that are as long as the one before are told by their beginning. */
  @Test
  void rowsOfOneColumnMayBeAlikeOrNot() {
    String rows = ONE + ONE + ONE + NOTHING + NOTHING + LONGER + ONE + LONGER + LONGER + NOTHING;
    byte[] bytes = hex(rows);
    for (int cut = 0; cut <= bytes.length; cut++) {
      int[] counted = {0};
      Notes notes =
          new Notes() {
            @Override
            public void dataRows(byte[] all, int from, int to, int count) {
              super.dataRows(all, from, to, count);
              counted[0] += count;
            }
          };
      notes.rowWidth = 1;
      BackendReader reader = new BackendReader(1 << 20);
      feed(reader, notes, bytes, 0, cut);
      feed(reader, notes, bytes, cut, bytes.length);
      assertThat(notes.joined()).containsExactly("rows " + rows.replace(" ", ""));
      assertThat(counted[0]).as("cut at %s", cut).isEqualTo(10);
      assertThat(reader.isInsideMessage()).isFalse();
    }
  }

  @Test
  void aRowOfOneColumnThatLiesIsRefusedBehindOthersThatDoNot() {
    refusedBehindOthers("44 0000000e 0001 00000003 00000001", "1 bytes behind its last column");
    refusedBehindOthers("44 0000000e 0001 00000005 00000001", "column 0 has length 5");
    refusedBehindOthers("44 0000000e 0001 fffffffe 00000001", "column 0 has length -2");
    refusedBehindOthers("44 0000000e 0002 00000004 00000001", "2 columns where 1 were described");
    refusedBehindOthers("44 00000003", "length 3");
    refusedBehindOthers("00 0000000e 0001 00000004 00000001", "unknown type 0x00");
  }

  private static void refusedBehindOthers(String hex, String why) {
    Notes notes = new Notes();
    notes.rowWidth = 1;
    assertThatThrownBy(() -> read(notes, ONE + ONE + ONE + hex + ONE))
        .as(hex)
        .isInstanceOf(PgProtocolException.class)
        .hasMessageContaining(why);
  }

  @Test
  void garbageIsRefusedAndNothingElseHappens() {
    Random random = new Random(20261122);
    String types = "RKSZCDTtEN123nscIdGHWvA";
    int refused = 0;
    for (int i = 0; i < 200_000; i++) {
      byte[] bytes = new byte[5 + random.nextInt(40)];
      random.nextBytes(bytes);
      bytes[0] = (byte) types.charAt(random.nextInt(types.length()));
      bytes[1] = 0;
      bytes[2] = 0;
      bytes[3] = 0;
      bytes[4] = (byte) (bytes.length - 1);
      try {
        feed(new BackendReader(1 << 16), new Notes(), bytes, 0, bytes.length);
      } catch (PgProtocolException expected) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(50_000);
  }
}
