package io.asyncpg.client.session;

import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopyProgress;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/** How far a COPY has come, for who wants to know. Confined to the event loop. */
final class Progress {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  /** So many bytes lie between two calls at least. */
  private static final long STEP = 256 * 1024;

  private @Nullable CopyProgress listener;
  private long bytes;
  private long told;

  Progress(CopyOptions options) {
    listener = options.progress();
  }

  /**
   * More bytes have gone by.
   *
   * @param rows how many rows have by now; -1 where that is not known
   */
  void moved(long more, long rows) {
    bytes += more;
    if (bytes - told >= STEP) {
      tell(rows);
    }
  }

  /** That was all. */
  void ended(long rows) {
    tell(rows);
  }

  private void tell(long rows) {
    CopyProgress listening = listener;
    told = bytes;
    if (listening != null) {
      try {
        listening.progress(rows, bytes);
      } catch (RuntimeException | Error theirs) {
        listener = null; // once is enough, of what may be called a thousand times
        LOG.log(Level.WARNING, "a listener to the progress of a COPY failed", theirs);
      }
    }
  }
}
