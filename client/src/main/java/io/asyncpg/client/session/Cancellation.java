package io.asyncpg.client.session;

import io.asyncpg.client.PgConfig;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Stops statements on the server, one at a time, and never another than the one meant.
 *
 * <p>A CancelRequest names a session, not a statement: it hits what runs when it arrives. So one is
 * sent only when the statement meant has come to the head of those in flight, and nothing more is
 * written until it is certain that it cannot hit anything else: the cancel's own socket is at its
 * end (the server closes it after the signal was sent), the statement meant has been answered, and
 * then one Sync has gone through, behind which a signal that came too late is forgotten by the
 * server. That Sync stands behind all that is in flight, and may have to wait: what is cancelled
 * meanwhile is stopped like the first, and has a Sync of its own. Statements that had been written
 * behind it already are innocent: while there are any, the cancel waits a moment, as most
 * statements end by themselves; one that is hit nevertheless is run again by itself.
 *
 * <p>A signal that finds the server's process idle is forgotten, and one that has overtaken its
 * statement does find it so: while the statement meant is not answered, another one is sent, after
 * a longer and longer while.
 */
final class Cancellation {
  /** How long a cancel waits for a statement to end by itself while innocent ones are behind it. */
  private static final long GRACE_MILLIS = 20;

  /** How long after a cancel's end the next is sent; twice as long each time. */
  private static final long FIRST_REPEAT_MILLIS = 50;

  private enum Phase {
    /** No cancel is wanted, or the statement meant has not come to the head. */
    NONE,
    /** The statement meant is at the head, and has its moment to end by itself. */
    GRACE,
    /** The request is on its way: waiting for its socket's end and for the statement's answer. */
    SENT;

    private boolean leadsTo(Phase next) {
      return switch (this) {
        case NONE -> next != NONE;
        case GRACE -> next == NONE || next == SENT;
        case SENT -> next == NONE;
      };
    }
  }

  private final Session session;
  private final PgConfig config;
  private Phase phase = Phase.NONE;
  private @Nullable Exchange target;
  private boolean targetAnswered;
  private boolean signalled;
  private @Nullable CancelSocket socket;

  /** How many of those in flight have been abandoned. */
  private int wanted;

  /** Whether a signal has been sent since the last fence: it may hit another than the one meant. */
  private boolean fenceOwed;

  /** The Sync that ends that, on its way; null if there is none, or a signal was sent since. */
  private @Nullable Fence fence;

  private long repeatMillis;
  private @Nullable ScheduledFuture<?> timer;
  private @Nullable ScheduledFuture<?> repeat;

  Cancellation(Session session, PgConfig config) {
    this.session = session;
    this.config = config;
  }

  /** Whether new requests have to wait. */
  boolean holdsWrites() {
    return wanted > 0 || fenceOwed || phase != Phase.NONE;
  }

  /**
   * The server has cancelled a statement.
   *
   * @return whether it was hit in place of the one meant
   */
  boolean hasHitInstead(Exchange exchange) {
    return fenceOwed && exchange != target;
  }

  /** One more of those in flight has been abandoned. */
  void wanted() {
    wanted++;
    advance();
  }

  /** An exchange has been answered and has left those in flight. */
  void answered(Exchange exchange) {
    if (!holdsWrites()) {
      return;
    }
    if (exchange.isToBeStopped()) {
      wanted--;
    }
    if (exchange == target) {
      targetAnswered = true;
      if (phase == Phase.GRACE) {
        reset();
      } else {
        settle();
      }
    }
    advance();
    if (!holdsWrites()) {
      session.goOn();
    }
  }

  /** The session is over: nothing is repeated any more. */
  void stop() {
    if (phase == Phase.NONE) {
      stopTimers();
    } else {
      reset();
    }
  }

  /** Goes on to the next statement meant, or, when there is none, to the fence. */
  private void advance() {
    if (phase != Phase.NONE) {
      return;
    }
    Exchange head = session.inFlight().peek();
    if (head != null && head.isToBeStopped()) {
      target = head;
      targetAnswered = false;
      signalled = false;
      if (innocentsBehind()) {
        become(Phase.GRACE);
        setTimer(session.schedule(this::send, GRACE_MILLIS, TimeUnit.MILLISECONDS));
      } else {
        send();
      }
    } else if (wanted == 0 && fenceOwed && fence == null) {
      Fence next = new Fence();
      fence = next;
      session.submitUrgently(next);
      session.goOn();
    }
  }

  private boolean innocentsBehind() {
    for (Exchange exchange : session.inFlight()) {
      if (!exchange.isToBeStopped() && !(exchange instanceof Fence)) {
        return true;
      }
    }
    return false;
  }

  private void send() {
    byte[] key = session.cancelKey();
    become(Phase.SENT);
    if (key == null) {
      // A pooler that gives no key: nothing can be done but to wait for the answer.
      signalled = true;
      stopTimers();
      return;
    }
    setTimer(
        session.schedule(
            this::unanswered, Deadlines.nanos(config.cancelTimeout()), TimeUnit.NANOSECONDS));
    repeatMillis = FIRST_REPEAT_MILLIS;
    signal(key);
  }

  private void signal(byte[] key) {
    signalled = false;
    fenceOwed = true;
    fence = null;
    socket = CancelSocket.send(session, key, () -> signalled(key));
  }

  /** The cancel's socket is at its end, or was never open. */
  private void signalled(byte[] key) {
    if (phase != Phase.SENT) {
      return;
    }
    signalled = true;
    if (targetAnswered) {
      settle();
      advance();
    } else {
      repeat = session.schedule(() -> signal(key), repeatMillis, TimeUnit.MILLISECONDS);
      repeatMillis *= 2;
    }
  }

  private void settle() {
    if (phase == Phase.SENT && signalled && targetAnswered) {
      reset();
    }
  }

  private void unanswered() {
    CancelSocket sent = socket;
    if (targetAnswered && sent != null && sent.giveUp()) {
      return; // nothing was sent that could hit another
    }
    session.lose(
        new PgConnectionException(
            (targetAnswered ? "a CancelRequest" : "a cancelled statement")
                + " was not answered within "
                + config.cancelTimeout()
                + ", so the connection has been closed",
            RetrySafety.UNKNOWN,
            null));
  }

  private void reset() {
    become(Phase.NONE);
    target = null;
    socket = null;
    stopTimers();
  }

  private void stopTimers() {
    setTimer(null);
    ScheduledFuture<?> due = repeat;
    if (due != null) {
      due.cancel(false);
    }
    repeat = null;
  }

  private void setTimer(@Nullable ScheduledFuture<?> next) {
    ScheduledFuture<?> set = timer;
    if (set != null) {
      set.cancel(false);
    }
    timer = next;
  }

  private void become(Phase next) {
    assert phase.leadsTo(next) : phase + " -> " + next;
    phase = next;
  }

  /** A bare Sync: once it is answered, no signal sent before can be pending. */
  private final class Fence extends Exchange {
    @Override
    boolean runsInTransactions() {
      return false;
    }

    @Override
    void write(Session session, FrontendWriter out) {
      out.sync();
    }

    @Override
    void failed(Diagnostic diagnostic) {
      if (!diagnostic.sqlState().equals(SqlState.QUERY_CANCELED) && !diagnostic.endsSession()) {
        throw unexpected("ErrorResponse (" + diagnostic.message() + ")");
      }
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      if (fence == this) {
        fence = null;
        fenceOwed = false;
        session.goOn();
      }
    }

    @Override
    void fail(Throwable failure) {
      // Nobody waits for a fence.
    }

    @Override
    String doing() {
      return "while it made sure that no cancel is pending";
    }
  }
}
