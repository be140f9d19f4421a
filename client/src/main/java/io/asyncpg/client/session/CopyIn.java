package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.CopySource;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * COPY into a table, by a Query, so that there is no Sync whose fate depends on when an error came.
 * Data is sent as the socket takes it, from the server's CopyInResponse on.
 */
abstract class CopyIn extends PreparedRequest<CommandTag> {
  private enum Phase {
    ASKED,
    SENDING,
    ENDED,
    OVER
  }

  /** The reason of a CopyFail comes back in the server's error: no more than a log can bear. */
  private static final int LONGEST_REASON = 500;

  private static final int CHUNK = 64 * 1024;

  private Phase phase = Phase.ASKED;
  private boolean written;
  private @Nullable Throwable failure;
  private @Nullable CommandTag tag;

  CopyIn(Session session, String sql, long timeout) {
    super(session, sql, timeout);
  }

  /** The COPY command. */
  abstract String copySql();

  /**
   * Writes data until the slice is full, or there is none now.
   *
   * @return whether that was all
   */
  abstract boolean writeData(Session session, FrontendWriter out) throws Exception;

  /** No more data is wanted. */
  abstract void stopSource();

  @Override
  final boolean mustBeFirst() {
    return true;
  }

  @Override
  final boolean mustBeAlone() {
    return true;
  }

  @Override
  final boolean mayOpenTransaction() {
    return false;
  }

  @Override
  final boolean isOpen() {
    return written && (phase == Phase.ASKED || phase == Phase.SENDING);
  }

  @Override
  void writeBegin(String begin, FrontendWriter out) {
    prefixBegin(begin);
  }

  @Override
  void write(Session session, FrontendWriter out) {
    out.query(beginPrefix() + copySql());
    written = true;
  }

  @Override
  final void writeMore(Session session, FrontendWriter out) {
    if (phase != Phase.SENDING) {
      return; // the server has not asked for data yet
    }
    try {
      if (isAbandoned()) {
        throw new CancellationException("the copy was cancelled");
      }
      if (writeData(session, out)) {
        out.write(new FrontendMessage.CopyDone());
        phase = Phase.ENDED;
      }
    } catch (Throwable theirs) {
      if (failure == null) {
        failure = theirs;
      }
      out.write(new FrontendMessage.CopyFail(reason(theirs)));
      phase = Phase.ENDED;
      stopSource();
    } finally {
      session.values().clear();
    }
  }

  /** What the server may show and log: an exception's own words, without what cannot be sent. */
  private static String reason(Throwable failure) {
    StringBuilder reason = new StringBuilder();
    String text =
        failure.getMessage() == null ? failure.getClass().getName() : failure.getMessage();
    for (int i = 0; i < text.length() && reason.length() < LONGEST_REASON; i++) {
      char c = text.charAt(i);
      reason.append(c == 0 || Character.isSurrogate(c) ? '?' : c);
    }
    return reason.toString();
  }

  /** Writes the bytes that remain in a buffer, as many as the slice takes. */
  static void writeBytes(ByteBuffer chunk, FrontendWriter out) {
    while (chunk.hasRemaining() && out.mark() < Session.WRITE_SIZE) {
      int length = Math.min(chunk.remaining(), CHUNK);
      if (chunk.hasArray()) {
        out.copyData(chunk.array(), chunk.arrayOffset() + chunk.position(), length);
        chunk.position(chunk.position() + length);
      } else {
        byte[] copy = new byte[length];
        chunk.get(copy);
        out.copyData(copy, 0, length);
      }
    }
  }

  @Override
  void message(BackendMessage message) {
    if (message instanceof BackendMessage.CopyInResponse && phase == Phase.ASKED) {
      phase = Phase.SENDING;
    } else {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  @Override
  void commandComplete(String command, long rows) {
    if (phase != Phase.ENDED || failure != null) {
      throw unexpected("CommandComplete");
    }
    phase = Phase.OVER;
    tag = new CommandTag(command, rows);
  }

  @Override
  void failed(Diagnostic diagnostic) {
    phase = Phase.OVER;
    stopSource();
    if (failure == null) {
      failure =
          PgServerException.of(
              diagnostic,
              copySql(),
              diagnostic.endsSession() ? RetrySafety.UNKNOWN : RetrySafety.ROLLED_BACK);
    }
  }

  @Override
  void ready(Session session, TransactionStatus status) {
    Throwable reason = failure;
    CommandTag done = tag;
    if (isOpen()) {
      throw unexpected("ReadyForQuery");
    }
    if (reason != null) {
      fail(reason);
    } else if (done == null) {
      throw unexpected("ReadyForQuery");
    } else {
      complete(done);
    }
  }

  @Override
  void abandon() {
    super.abandon();
    if (!written) {
      stopSource();
    }
  }

  @Override
  void fail(Throwable reason) {
    stopSource();
    super.fail(failure == null ? reason : failure);
  }

  @Override
  long rowsTouched() {
    CommandTag done = tag;
    return done == null ? 0 : done.rows();
  }

  @Override
  String sql() {
    return copySql();
  }

  @Override
  String doing() {
    return "while it ran " + PgException.quoted(copySql());
  }

  /** Bytes as they are. */
  static final class OfBytes extends CopyIn {
    private static final int BUFFERS_AHEAD = 4;

    private final String sql;
    private final Feed<ByteBuffer> feed;
    private @Nullable ByteBuffer chunk;

    OfBytes(Session session, String sql, CopySource source, long timeout) {
      super(session, sql, timeout);
      this.sql = sql;
      this.feed = feed(source);
      feed.start(session::wake);
    }

    private static Feed<ByteBuffer> feed(CopySource source) {
      if (source instanceof CopySource.Published published) {
        return Feed.of(published.publisher(), BUFFERS_AHEAD);
      }
      if (source instanceof CopySource.Blocking blocking) {
        return Feed.blocking(() -> reading(blocking.open().call()), BUFFERS_AHEAD);
      }
      throw new AssertionError("a third kind of " + source);
    }

    private static Feed.Source<ByteBuffer> reading(InputStream stream) {
      return new Feed.Source<>() {
        @Override
        public @Nullable ByteBuffer next() throws Exception {
          byte[] bytes = new byte[CHUNK];
          int read = stream.read(bytes);
          return read < 0 ? null : ByteBuffer.wrap(bytes, 0, read);
        }

        @Override
        public void close() throws Exception {
          stream.close();
        }
      };
    }

    @Override
    String copySql() {
      return sql;
    }

    @Override
    boolean isReadyToWrite(Session session, boolean first) {
      return true;
    }

    @Override
    boolean writeData(Session session, FrontendWriter out) throws Exception {
      while (out.mark() < Session.WRITE_SIZE) {
        ByteBuffer current = chunk;
        if (current == null || !current.hasRemaining()) {
          ByteBuffer next = feed.poll();
          if (next == null) {
            Throwable reason = feed.isAtEnd() ? feed.failure() : null;
            if (reason instanceof Exception exception) {
              throw exception;
            } else if (reason instanceof Error error) {
              throw error;
            }
            return feed.isAtEnd();
          }
          current = next.hasArray() ? next.duplicate() : next.slice();
          chunk = current;
        }
        writeBytes(current, out);
      }
      return false;
    }

    @Override
    void stopSource() {
      feed.stop();
    }
  }
}
