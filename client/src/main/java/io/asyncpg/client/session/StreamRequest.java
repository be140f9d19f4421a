package io.asyncpg.client.session;

import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A request whose rows go to a reader while it runs. When the reader is slow the socket is not
 * read, so that the server waits: nothing else is under way on the connection then.
 */
abstract class StreamRequest extends PreparedRequest<@Nullable Void> {
  /** The socket is not read while more than this waits for the reader, in bytes. */
  private static final long MUCH = 1 << 20;

  /** It is read again below this. */
  private static final long LITTLE = MUCH / 2;

  /**
   * How long a stopped stream may take to end by itself before the server is asked to cancel it.
   */
  private static final long PATIENCE_MILLIS = 50;

  private final RowBuffer buffer;
  private final long timeout;
  private long deadline;

  /** When the first portion has to be there; 0 once it is, and where only the timeout bounds it. */
  private long firstDeadline;

  private boolean stopped;
  private long handed;
  private volatile boolean paused;

  StreamRequest(Session session, String sql, RowBuffer buffer, long timeout) {
    super(session, sql, timeout);
    this.buffer = buffer;
    this.timeout = timeout;
    this.deadline = super.deadline();
    buffer.writer(this::taken);
  }

  final RowBuffer buffer() {
    return buffer;
  }

  /** Whether the reader's demand lets more be asked for; any thread. */
  abstract boolean wantsMore();

  @Override
  final boolean mustBeFirst() {
    return true; // rows that have been handed out cannot be taken back, so it must not be near
    // another's cancel
  }

  @Override
  final long deadline() {
    return deadline;
  }

  @Override
  long rowsTouched() {
    return handed;
  }

  /** Bounds what comes before its first rows, the wait for its turn included. Before it is run. */
  final void firstWithin(long nanos) {
    firstDeadline = Deadlines.in(nanos);
    deadline = firstDeadline;
  }

  /** From now on the server has the request's whole time, or for the first portion what is left. */
  final void serverHasTheTurn() {
    if (stopped) {
      return;
    }
    if (firstDeadline != 0) {
      deadline = firstDeadline;
      session.watch(deadline);
    } else if (timeout != 0) {
      deadline = Deadlines.in(timeout);
      session.watch(deadline);
    }
  }

  /** The reader may take its time. */
  final void readerHasTheTurn() {
    firstDeadline = 0;
    deadline = 0;
  }

  /** Whether nobody takes its rows any more. */
  final boolean isStopped() {
    return stopped || isAbandoned();
  }

  final void hand(ResultShape shape, byte[] bytes, int from, int to, int count) {
    handed += count;
    if (isStopped()) {
      return;
    }
    buffer.add(shape, bytes, from, to, count);
    if (!paused && buffer.bytes() > MUCH) {
      paused = true;
      session.channel().config().setAutoRead(false);
      readerHasTheTurn();
      if (buffer.bytes() < LITTLE) {
        resume();
      }
    }
  }

  /** Called on the reader's thread. */
  private void taken() {
    if ((paused && buffer.bytes() < LITTLE) || wantsMore()) {
      session.runOnLoop(this::attend);
    }
  }

  private void attend() {
    if (paused && buffer.bytes() < LITTLE) {
      resume();
    }
    session.goOn();
  }

  private void resume() {
    if (paused) {
      paused = false;
      serverHasTheTurn();
      session.channel().config().setAutoRead(true);
    }
  }

  /** All of its rows are here. What comes next from the socket is not of its reader's pace. */
  final void allRead() {
    resume();
  }

  /** The reader has had enough. Any thread. */
  final void stop() {
    session.runInOrder(this::stopNow);
  }

  private void stopNow() {
    if (stopped || stage() == Stage.DONE) {
      return;
    }
    stopped = true;
    buffer.clear();
    resume();
    readerHasTheTurn();
    if (stage() == Stage.WAITING) {
      session.abandon(this);
    } else {
      // Mostly the portion under way is soon over, and a CancelRequest would cost more.
      session.schedule(this::giveUp, PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
      session.goOn();
    }
  }

  private void giveUp() {
    if (stage() == Stage.WRITTEN) {
      session.abandon(this);
    }
  }

  @Override
  void abandon() {
    super.abandon();
    resume();
  }

  @Override
  final void fail(Throwable reason) {
    resume();
    super.fail(reason);
  }
}
