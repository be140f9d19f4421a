package io.asyncpg.client.session;

import io.asyncpg.client.PgFuture;
import org.jspecify.annotations.Nullable;

/** An exchange somebody waits for. */
abstract class Request<T extends @Nullable Object> extends Exchange {
  /** What the caller holds: cancelling it cancels the request. */
  private static final class Answer<T extends @Nullable Object> extends PgFuture<T> {
    private final Request<T> request;

    Answer(Request<T> request) {
      this.request = request;
    }

    @Override
    protected void cancelled() {
      request.session.cancel(request);
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

  /**
   * Creates a request.
   *
   * @param timeout in nanoseconds; 0 for none
   */
  Request(Session session, long timeout) {
    this.session = session;
    this.deadline = timeout == 0 ? 0 : Deadlines.in(timeout);
    this.answer = new Answer<>(this);
  }

  final PgFuture<T> future() {
    return answer;
  }

  long deadline() {
    return deadline;
  }

  /** Its caller has cancelled it, or its time is up. */
  void abandoned() {}

  /** Whether running it once more would run it where it ran before: in no transaction. */
  final boolean mayRunAgain() {
    return !isAbandoned() && enclosing() == null && !session.transactions().isCurrent();
  }

  final void complete(T result) {
    session.complete(answer, result);
  }

  @Override
  void fail(Throwable failure) {
    session.completeExceptionally(answer, failure);
  }
}
