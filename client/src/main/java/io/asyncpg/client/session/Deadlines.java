package io.asyncpg.client.session;

import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The deadlines of one session's requests. One timer stands for all of them: it is set for the
 * nearest, so that a request whose deadline is later than the timer's costs nothing.
 */
final class Deadlines {
  /** Half of what nanoseconds in a long can say, so that now and a deadline can be compared. */
  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE / 2);

  private final Session session;
  private final Runnable check = this::check;
  private @Nullable ScheduledFuture<?> timer;
  private long timerAt;

  Deadlines(Session session) {
    this.session = session;
  }

  /** The deadline that is {@code timeout} nanoseconds away; never 0, which stands for none. */
  static long in(long timeout) {
    long deadline = System.nanoTime() + timeout;
    return deadline == 0 ? 1 : deadline;
  }

  /** A timeout in nanoseconds: 146 years where it is longer. */
  static long nanos(Duration timeout) {
    return timeout.compareTo(LONGEST) > 0 ? LONGEST.toNanos() : timeout.toNanos();
  }

  void watch(long deadline) {
    ScheduledFuture<?> set = timer;
    if (set != null) {
      if (deadline - timerAt >= 0) {
        return;
      }
      set.cancel(false);
    }
    timerAt = deadline;
    timer =
        session.schedule(check, Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
  }

  void stop() {
    ScheduledFuture<?> set = timer;
    if (set != null) {
      set.cancel(false);
      timer = null;
    }
  }

  private void check() {
    timer = null;
    long nearest;
    do {
      nearest = endLate(); // which takes time, and that of others may be up meanwhile
    } while (nearest != 0 && nearest - System.nanoTime() <= 0);
    if (nearest != 0) {
      watch(nearest);
    }
    session.goOn();
  }

  /** Ends those whose time is up; gives the nearest deadline of the others, 0 for none. */
  private long endLate() {
    long now = System.nanoTime();
    List<Request<?>> sent = new ArrayList<>();
    List<Request<?>> unsent = new ArrayList<>();
    long nearest = 0;
    for (Exchange exchange : session.pending()) {
      if (exchange instanceof Request<?> request
          && request.deadline() != 0
          && !request.isAbandoned()) {
        if (request.deadline() - now <= 0) {
          (request.stage() == Exchange.Stage.WRITTEN ? sent : unsent).add(request);
        } else if (nearest == 0 || request.deadline() - nearest < 0) {
          nearest = request.deadline();
        }
      }
    }
    // None may be sent for what becomes of another: those that wait have their end first.
    for (Request<?> request : unsent) {
      String message = "not sent in time: " + request.whyUnsent();
      request.fail(timeout(message, request.sql(), RetrySafety.NOT_SENT));
      session.leave(request);
    }
    for (Request<?> request : sent) {
      String message =
          request.mayBeStopped()
              ? "no answer in time; the server has been asked to cancel the statement"
              : "no answer in time; it is left to end by itself";
      request.fail(timeout(message, request.sql(), RetrySafety.UNKNOWN));
      session.leave(request);
    }
    return nearest;
  }

  /** What a call with no time left gets, before anything is sent. */
  static PgTimeoutException noneLeft(Duration timeout, String sql) {
    return timeout("the timeout of " + timeout + " leaves no time", sql, RetrySafety.NOT_SENT);
  }

  /** The server has answered, and the application has not taken the answer. */
  static PgTimeoutException sinkIsLate(@Nullable String sql) {
    return timeout(
        "the server has sent all in time, but the sink has not taken it", sql, RetrySafety.UNKNOWN);
  }

  private static PgTimeoutException timeout(
      String message, @Nullable String sql, RetrySafety safety) {
    return new PgTimeoutException(
        sql == null ? message : message + ": " + io.asyncpg.error.PgException.quoted(sql),
        sql,
        safety,
        null);
  }
}
