package io.asyncpg.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.asyncpg.error.PgProtocolException;
import io.asyncpg.protocol.BackendReaderTest.Notes;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whatever the server sends, it is messages or refused, and the same however it is cut. */
class FrameFuzzTest {
  private static final int LONGEST = 1 << 20;

  /** The first byte is the width of rows, the second the size of the slices. */
  @FuzzTest(maxDuration = "10m")
  void anyBytesAreMessagesOrRefusedHoweverTheyAreCut(byte[] input) {
    if (input.length < 2) {
      return;
    }
    byte[] bytes = Arrays.copyOfRange(input, 2, input.length);
    Notes whole = notes(input[0]);
    Notes sliced = notes(input[0]);
    boolean refused = refuses(whole, bytes, bytes.length);
    assertThat(refuses(sliced, bytes, 1 + (input[1] & 0x3f))).isEqualTo(refused);
    if (!refused) {
      assertThat(shown(sliced)).isEqualTo(shown(whole));
    }
  }

  /** The first byte says who speaks, and whether values are shown. */
  @FuzzTest(maxDuration = "10m")
  void anyBytesAreLinesOfALog(byte[] input) {
    if (input.length < 1) {
      return;
    }
    MessageLog log = (input[0] & 4) == 0 ? MessageLog.lengthsOnly() : MessageLog.withValues();
    List<String> lines = new ArrayList<>();
    switch (input[0] & 3) {
      case 0 -> log.startup(input, 1, input.length, lines::add);
      case 1 -> log.frontend(input, 1, input.length, lines::add);
      default -> log.backend(input, 1, input.length, lines::add);
    }
    assertThat(lines).noneMatch(line -> line.indexOf('\n') >= 0 || line.indexOf('\r') >= 0);
  }

  /** Without the identity of arrays. */
  private static List<String> shown(Notes notes) {
    return notes.joined().stream().map(line -> line.replaceAll("\\[B@[0-9a-f]+", "…")).toList();
  }

  private static Notes notes(byte width) {
    Notes notes = new Notes();
    notes.rowWidth = width & 7;
    return notes;
  }

  private static boolean refuses(Notes notes, byte[] bytes, int slice) {
    BackendReader reader = new BackendReader(LONGEST);
    @Nullable PgProtocolException why = null;
    for (int at = 0; at < bytes.length && why == null; at += slice) {
      ByteBuf in = Unpooled.wrappedBuffer(bytes, at, Math.min(slice, bytes.length - at));
      try {
        reader.feed(in);
        reader.read(notes);
      } catch (PgProtocolException refused) {
        why = refused;
      } finally {
        in.release();
      }
    }
    return why != null;
  }
}
