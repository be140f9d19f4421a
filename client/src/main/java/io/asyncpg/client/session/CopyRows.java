package io.asyncpg.client.session;

import io.asyncpg.client.CopyOptions;
import io.asyncpg.error.PgException;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.types.Format;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a query by a binary COPY, where that can be: without arguments, and each column in
 * binary. Otherwise by the portal.
 *
 * <p>A tuple of COPY is the body of a DataRow, so that its rows are read as all others are:
 *
 * <pre>
 *   'D'   length of the frame   count of columns   { length   value } …
 *   added by us                 as COPY sends it
 * </pre>
 */
final class CopyRows extends PortalStream {
  private static final byte[] SIGNATURE = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xff, '\r', '\n', 0
  };
  private static final int FRAME_HEADER = 5;
  private static final int RUN = 32 * 1024;

  private @Nullable Preparation fresh;
  private boolean copying;
  private boolean headerSeen;
  private boolean trailerSeen;
  private boolean changed;
  private byte[] run = new byte[RUN];
  private int length;
  private int count;

  CopyRows(
      Session session,
      String sql,
      @Nullable Object[] arguments,
      RowBuffer buffer,
      int fetchSize,
      long timeout) {
    super(session, sql, arguments, buffer, fetchSize, timeout);
  }

  /**
   * The columns as they are now: COPY runs without the statement that was prepared, so that nobody
   * would be told if the cache were wrong about it.
   */
  @Override
  Preparation find() {
    Preparation known = fresh;
    if (known == null || known.isDiscarded()) {
      known = session.statements().unnamed(sql());
      fresh = known;
    }
    return known;
  }

  @Override
  boolean isReadyToWrite(Session session, boolean first) {
    return first && super.isReadyToWrite(session, true);
  }

  private boolean canCopy() {
    ResultShape shape = shape();
    boolean can = !hasArguments() && shape.width() > 0;
    for (int i = 0; i < shape.width(); i++) {
      can &= shape.codec(i).format() == Format.BINARY;
    }
    return can;
  }

  @Override
  void writeBegin(String begin, FrontendWriter out) {
    if (canCopy()) {
      prefixBegin(begin);
    } else {
      super.writeBegin(begin, out);
    }
  }

  @Override
  void write(Session session, FrontendWriter out) {
    copying = canCopy();
    if (copying) {
      out.query(beginPrefix() + CopyOptions.binary().fromQuerySql(prepared().sql()));
      serverHasTheTurn();
    } else {
      super.write(session, out);
    }
  }

  /** Open to the end of the COPY, to be called when all that a read of the socket brought is in. */
  @Override
  boolean isOpen() {
    return copying ? !isOver() : super.isOpen();
  }

  @Override
  void writeMore(Session session, FrontendWriter out) {
    if (copying) {
      handOver();
    } else {
      super.writeMore(session, out);
    }
  }

  @Override
  void message(BackendMessage message) {
    if (!copying) {
      super.message(message);
    } else if (message instanceof BackendMessage.CopyOutResponse) {
      rowsBegin();
    } else if (!(message instanceof BackendMessage.CopyDone && (trailerSeen || changed))) {
      throw unexpected(message.getClass().getSimpleName());
    }
  }

  @Override
  void copyData(byte[] bytes, int from, int to) {
    if (!copying) {
      super.copyData(bytes, from, to);
      return;
    }
    if (!areRowsExpected()) {
      throw unexpected("CopyData");
    }
    if (changed) {
      return;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes, from, to - from);
    if (!headerSeen) {
      headerSeen = true;
      readHeader(in);
    }
    while (in.hasRemaining()) {
      readTuple(bytes, in);
    }
  }

  private void readHeader(ByteBuffer in) {
    byte[] signature = new byte[SIGNATURE.length];
    need(in, SIGNATURE.length + 8);
    in.get(signature);
    in.getInt(); // flags: none that concern us
    int extension = in.getInt();
    need(in, extension);
    in.position(in.position() + extension);
    if (!Arrays.equals(signature, SIGNATURE)) {
      throw unexpected("a COPY without its signature");
    }
  }

  private void readTuple(byte[] bytes, ByteBuffer in) {
    int begin = in.position();
    need(in, 2);
    short columns = in.getShort();
    if (columns == -1 && !in.hasRemaining() && !trailerSeen) {
      trailerSeen = true;
      return;
    }
    if (trailerSeen) {
      throw unexpected("a tuple behind the end of the COPY");
    }
    if (columns != shape().width()) {
      changed = true;
      in.position(in.limit());
      failLocally(
          new IllegalStateException(
              "the columns changed while they were read, from "
                  + shape().width()
                  + " to "
                  + columns
                  + ": run it again: "
                  + PgException.quoted(sql())));
      session.abandon(this);
      return;
    }
    for (int i = 0; i < columns; i++) {
      need(in, 4);
      int size = in.getInt();
      if (size != -1) {
        need(in, size);
        in.position(in.position() + size);
      }
    }
    append(bytes, begin, in.position() - begin);
  }

  private void need(ByteBuffer in, int size) {
    if (size < 0 || size > in.remaining()) {
      throw unexpected("a tuple that ends too early");
    }
  }

  private void append(byte[] bytes, int from, int size) {
    if (size > run.length - length - FRAME_HEADER) {
      handOver();
      if (size > run.length - FRAME_HEADER) {
        run = new byte[size + FRAME_HEADER];
      }
    }
    ByteBuffer.wrap(run, length, FRAME_HEADER).put((byte) 'D').putInt(size + 4);
    System.arraycopy(bytes, from, run, length + FRAME_HEADER, size);
    length += FRAME_HEADER + size;
    count++;
  }

  private void handOver() {
    if (count > 0) {
      hand(shape(), run, 0, length, count);
      length = 0;
      count = 0;
      if (run.length > RUN) {
        run = new byte[RUN];
      }
    }
  }

  @Override
  void commandComplete(String command, long rows) {
    if (copying) {
      handOver();
    }
    super.commandComplete(command, rows);
  }
}
