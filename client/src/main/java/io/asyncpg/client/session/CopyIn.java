package io.asyncpg.client.session;

import io.asyncpg.client.CommandTag;
import io.asyncpg.client.CopyOptions;
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
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * COPY into a table, by a Query, so that there is no Sync whose fate depends on when an error came.
 * Data is sent as the socket takes it, from the server's CopyInResponse on.
 */
abstract class CopyIn extends Request<CommandTag> {
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

  /** Bytes of data since {@link #progress} was told. */
  private int sent;

  private @Nullable Throwable failure;
  private @Nullable Throwable sourceFailure;
  private @Nullable CommandTag tag;
  private final Progress progress;

  /** Carries what the application's source threw past what this side throws. */
  private static final class SourceFailure extends Exception {
    private static final long serialVersionUID = 1L;

    SourceFailure(Throwable reason) {
      super(null, reason, false, false);
    }
  }

  CopyIn(Session session, CopyOptions options, long timeout) {
    super(session, timeout);
    this.progress = new Progress(options);
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

  /** How many rows have been sent; -1 where nobody counts. */
  abstract long rowsSent();

  /** The server is ready for the data of so many columns. */
  void serverIsReady(int columns) {}

  /**
   * What the application's code threw, and not ours: the copy's failure has it as its cause.
   *
   * @return never
   */
  static Exception sourceFailed(Throwable theirs) {
    return theirs instanceof Feed.NullRow misuse ? misuse : new SourceFailure(theirs);
  }

  /**
   * Whether a feed that had nothing has come to its end. Asked once each time: it may come to it
   * between two questions, by failing.
   */
  static boolean isAtEnd(Feed<?> feed) throws Exception {
    if (!feed.isAtEnd()) {
      return false;
    }
    Throwable reason = feed.failure();
    if (reason != null) {
      throw sourceFailed(reason);
    }
    return true;
  }

  @Override
  final boolean mustBeFirst() {
    return true;
  }

  @Override
  final boolean mustBeAlone() {
    return true;
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
      progress.moved(sent, rowsSent());
      sent = 0;
    } catch (SourceFailure theirs) {
      sourceFailure = theirs.getCause();
      giveUp(out, sourceFailure == null ? theirs : sourceFailure);
    } catch (Throwable unfit) {
      failure = unfit;
      giveUp(out, unfit);
    } finally {
      session.values().clear();
    }
  }

  private void giveUp(FrontendWriter out, Throwable why) {
    out.write(new FrontendMessage.CopyFail(reason(why)));
    phase = Phase.ENDED;
    stopSource();
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

  final void send(byte[] bytes, int from, int length, FrontendWriter out) {
    out.copyData(bytes, from, length);
    sent += length;
  }

  /** Writes the bytes that remain in a buffer, as many as the slice takes. */
  final void send(ByteBuffer chunk, FrontendWriter out) {
    while (chunk.hasRemaining() && out.mark() < Session.WRITE_SIZE) {
      int length = Math.min(chunk.remaining(), CHUNK);
      if (chunk.hasArray()) {
        send(chunk.array(), chunk.arrayOffset() + chunk.position(), length, out);
        chunk.position(chunk.position() + length);
      } else {
        byte[] copy = new byte[length];
        chunk.get(copy);
        send(copy, 0, length, out);
      }
    }
  }

  @Override
  void message(BackendMessage message) {
    if (message instanceof BackendMessage.CopyInResponse response && phase == Phase.ASKED) {
      phase = Phase.SENDING;
      serverIsReady(response.columnFormats().size());
    } else {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  @Override
  void commandComplete(String command, long rows) {
    if (phase != Phase.ENDED || failure != null || sourceFailure != null) {
      throw unexpected("CommandComplete");
    }
    phase = Phase.OVER;
    tag = new CommandTag(command, rows);
    progress.ended(rows);
  }

  @Override
  void failed(Diagnostic diagnostic) {
    phase = Phase.OVER;
    stopSource();
    if (failure == null) {
      PgServerException said =
          PgServerException.of(
              Script.withoutPrefix(diagnostic, beginPrefix().length()),
              copySql(),
              diagnostic.endsSession() ? RetrySafety.UNKNOWN : RetrySafety.ROLLED_BACK);
      if (sourceFailure != null) {
        said.initCause(sourceFailure);
      }
      failure = said;
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
    if (sourceFailure != null && reason != failure) {
      reason.addSuppressed(sourceFailure);
    }
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

    OfBytes(Session session, String table, CopySource source, CopyOptions options, long timeout) {
      super(session, options, timeout);
      this.sql = options.toTableSql(table);
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
      if (source instanceof CopySource.Staged staged) {
        return Feed.staged(staged.chunks());
      }
      throw new AssertionError("another kind of " + source);
    }

    private static Feed.Source<ByteBuffer> reading(InputStream stream) {
      return new Feed.Source<>() {
        private byte[] bytes = new byte[CHUNK];

        @Override
        public @Nullable ByteBuffer next() throws Exception {
          int read = stream.read(bytes);
          if (read < 0) {
            return null;
          }
          if (read < CHUNK / 2) {
            return ByteBuffer.wrap(Arrays.copyOf(bytes, read));
          }
          ByteBuffer chunk = ByteBuffer.wrap(bytes, 0, read);
          bytes = new byte[CHUNK];
          return chunk;
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
    boolean writeData(Session session, FrontendWriter out) throws Exception {
      while (out.mark() < Session.WRITE_SIZE) {
        ByteBuffer current = chunk;
        if (current == null || !current.hasRemaining()) {
          ByteBuffer next = feed.poll();
          if (next == null) {
            return isAtEnd(feed);
          }
          current = next.hasArray() ? next.duplicate() : next.slice();
          chunk = current;
        }
        send(current, out);
      }
      return false;
    }

    @Override
    void stopSource() {
      feed.stop();
    }

    @Override
    long rowsSent() {
      return -1;
    }
  }
}
