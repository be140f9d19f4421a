package io.asyncpg.client.session;

import io.asyncpg.client.PgFuture;
import io.asyncpg.client.QueryEvent;
import io.asyncpg.protocol.TransactionStatus;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** An exchange somebody waits for. */
abstract class Request<T extends @Nullable Object> extends Exchange {
  /** What the caller holds: cancelling it cancels the request. */
  static final class Answer<T extends @Nullable Object> extends PgFuture<T> {
    private final Request<T> request;

    Answer(Request<T> request) {
      this.request = request;
    }

    @Override
    protected void cancelled() {
      request.session.cancel(request);
    }

    @Override
    protected void beforeWaiting(boolean bounded) {
      request.session.beforeWaitingFor(this, bounded);
    }

    @Override
    protected boolean onEventLoop() {
      return request.session.isOnEventLoop();
    }
  }

  final Session session;
  private final Answer<T> answer;

  /** When its time is up, as {@link System#nanoTime} counts; 0 for never. */
  private final long deadline;

  private @Nullable Lease lease;

  /** When it was asked for, where query listeners want to know; 0 where none do, or were told. */
  private long askedAt;

  private final @Nullable CallSite callSite;

  /**
   * Creates a request.
   *
   * @param timeout in nanoseconds; 0 for none
   */
  Request(Session session, long timeout) {
    this.session = session;
    this.deadline = timeout == 0 ? 0 : Deadlines.in(timeout);
    this.answer = new Answer<>(this);
    this.askedAt = session.queryListeners().isEmpty() ? 0 : System.nanoTime() | 1;
    this.callSite = CallSite.here(session);
  }

  /** The lease of the session under which it was asked for; null for the session's own. */
  final @Nullable Lease lease() {
    return lease;
  }

  final void under(Lease asking) {
    lease = asking;
  }

  /** Whether it is somebody's use of the session. */
  boolean uses() {
    return true;
  }

  /** Whether it may leave anything in the session that the next borrower must not find. */
  boolean mayLeaveTraces() {
    return uses();
  }

  final PgFuture<T> future() {
    return answer;
  }

  long deadline() {
    return deadline;
  }

  /** What took the time of one that was not sent in time. */
  String whyUnsent() {
    return "earlier requests on this connection took too long";
  }

  /** Its caller has cancelled it, or its time is up. */
  void abandoned() {}

  /** Its caller has cancelled it: the query listeners are told. On the event loop. */
  final void cancelledByCaller() {
    abandon();
    abandoned();
    over(new CancellationException("cancelled by its caller"));
  }

  /** Whether running it once more would run it where it ran before: in no transaction. */
  final boolean mayRunAgain() {
    return !isAbandoned() && enclosing() == null && !session.transactions().isCurrentForRepeats();
  }

  /** Whether what has failed may have committed something before: in a transaction nothing can. */
  final boolean mayHaveCommitted(boolean byItself) {
    return byItself && enclosing() == null && session.transactionStatus() == TransactionStatus.IDLE;
  }

  /** The rows it returned or touched, once it has succeeded; 0 where nobody counts. */
  long rowsTouched() {
    return 0;
  }

  /** What the statement was given, for query listeners; null where there is no such list. */
  @Nullable Object @Nullable [] arguments() {
    return null;
  }

  /** Whether its statement had been prepared before. */
  boolean wasPrepared() {
    return false;
  }

  /** Tells the query listeners, once, before its caller learns of it. On the event loop. */
  final void over(@Nullable Throwable failure) {
    long begun = askedAt;
    String sql = sql();
    if (begun == 0 || sql == null) {
      return;
    }
    askedAt = 0;
    @Nullable Object[] given = session.queryListeners().areArgumentsWanted() ? arguments() : null;
    session
        .queryListeners()
        .tell(
            new QueryEvent(
                sql,
                Duration.ofNanos(System.nanoTime() - begun),
                failure == null ? rowsTouched() : 0,
                wasPrepared(),
                failure,
                given == null ? null : Collections.unmodifiableList(Arrays.asList(given))));
  }

  final void complete(T result) {
    over(null);
    session.sayIfAsNew(); // whoever waits for this may give the session back at once
    session.complete(answer, result);
  }

  @Override
  void fail(Throwable failure) {
    CallSite made = callSite;
    if (made != null) {
      made.addTo(failure);
    }
    over(failure);
    session.completeExceptionally(answer, failure);
  }
}
