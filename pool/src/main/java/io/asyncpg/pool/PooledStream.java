package io.asyncpg.pool;

import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowStream;
import io.asyncpg.client.session.Connector;
import io.asyncpg.client.session.PooledSession;
import io.asyncpg.error.PgException;
import java.time.Duration;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Flow;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A stream that borrows its connection when it is first read, and gives it back at its end. Any
 * thread.
 */
final class PooledStream implements RowStream {
  private enum State {
    NEW,
    READING,
    CLOSED
  }

  private final PooledClient client;
  private final String sql;
  private final Function<PgConnection, RowStream> opening;

  // Guarded by this.
  private State state = State.NEW;
  private int fetchSize;
  private long askedAt;
  private @Nullable PgFuture<PgConnection> acquiring;
  private @Nullable PgConnection connection;
  private @Nullable RowStream stream;

  PooledStream(PooledClient client, String sql, Function<PgConnection, RowStream> opening) {
    this.client = client;
    this.sql = Objects.requireNonNull(sql, "sql");
    this.opening = opening;
  }

  @Override
  public synchronized RowStream fetchSize(int rows) {
    if (rows < 1) {
      throw new IllegalArgumentException("fetchSize is " + rows + ", but must be 1 or more");
    }
    if (state != State.NEW) {
      throw used();
    }
    fetchSize = rows;
    return this;
  }

  private IllegalStateException used() {
    return new IllegalStateException(
        (state == State.CLOSED ? "the stream has been closed" : "the stream has its reader already")
            + ": ask for another: "
            + PgException.quoted(sql));
  }

  private synchronized void claim() {
    if (state != State.NEW) {
      throw used();
    }
    state = State.READING;
  }

  private PgFuture<PgConnection> acquire() {
    Duration bound = client.bound();
    if (bound != null && PooledClient.isOver(bound)) {
      return PgFuture.failed(PooledClient.noneLeft(bound, sql));
    }
    long now = System.nanoTime();
    PgFuture<PgConnection> acquire = client.acquire(sql, bound);
    boolean closed;
    synchronized (this) {
      askedAt = now;
      acquiring = acquire;
      closed = state == State.CLOSED;
    }
    if (closed) {
      acquire.cancel(true);
    }
    return acquire;
  }

  /** The stream of this connection; null when it has been closed meanwhile. */
  private @Nullable RowStream open(PgConnection borrowed) {
    try {
      Duration each = client.timeout();
      RowStream opened = opening.apply(each == null ? borrowed : borrowed.withTimeout(each));
      synchronized (this) {
        if (state != State.CLOSED) {
          if (fetchSize > 0) {
            opened.fetchSize(fetchSize);
          }
          boundFirst(opened);
          connection = borrowed;
          stream = opened;
          return opened;
        }
      }
    } catch (Throwable refused) {
      borrowed.close();
      throw refused;
    }
    borrowed.close();
    return null;
  }

  /**
   * The wait for the connection counts for the first rows; those after them have their own time.
   */
  private void boundFirst(RowStream opened) {
    Duration bound = client.bound();
    if (bound == null) {
      return;
    }
    Duration left = bound.minusNanos(System.nanoTime() - askedAt);
    if (PooledClient.isOver(left)) {
      throw PooledClient.noneLeft(left, sql);
    }
    PooledSession.firstWithin(opened, left);
  }

  /** The connection is not needed any more. */
  private void giveBack() {
    PgConnection borrowed;
    synchronized (this) {
      borrowed = connection;
      connection = null;
    }
    if (borrowed != null) {
      borrowed.close();
    }
  }

  @Override
  public void close() {
    PgFuture<PgConnection> acquire;
    RowStream opened;
    synchronized (this) {
      state = State.CLOSED;
      acquire = acquiring;
      opened = stream;
    }
    if (opened != null) {
      opened.close();
    } else if (acquire != null) {
      acquire.cancel(true);
    }
    giveBack();
  }

  @Override
  public Iterator<Row> iterator() {
    if (Connector.isOnEventLoop()) {
      throw new IllegalStateException(
          "iterating on the event loop "
              + Thread.currentThread().getName()
              + " would block the very thread that has to bring the rows: subscribe, or iterate on"
              + " another thread");
    }
    claim();
    RowStream opened = open(acquire().await());
    if (opened == null) {
      throw new CancellationException("the stream has been closed");
    }
    return new Iterating(opened.iterator());
  }

  /** The rows for a thread that waits. */
  private final class Iterating implements Iterator<Row> {
    private final Iterator<Row> rows;

    Iterating(Iterator<Row> rows) {
      this.rows = rows;
    }

    @Override
    public boolean hasNext() {
      boolean more = false;
      try {
        more = rows.hasNext();
        return more;
      } finally {
        if (!more) {
          giveBack();
        }
      }
    }

    @Override
    public Row next() {
      boolean well = false;
      try {
        Row row = rows.next();
        well = true;
        return row;
      } finally {
        if (!well) {
          giveBack();
        }
      }
    }
  }

  @Override
  public void subscribe(Flow.Subscriber<? super Row> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    Relay relay = new Relay(subscriber);
    try {
      claim();
    } catch (IllegalStateException taken) {
      relay.refuse(taken);
      return;
    }
    subscriber.onSubscribe(relay);
  }

  @Override
  public String toString() {
    return "RowStream[" + PgException.quoted(sql) + "]";
  }

  /** Between a subscriber and the stream of the connection, which is there later. */
  private final class Relay implements Flow.Subscriber<Row>, Flow.Subscription {
    private final Flow.Subscriber<? super Row> subscriber;

    // Guarded by this.
    private Flow.@Nullable Subscription source;
    private long demand;
    private boolean begun;
    private boolean over;

    Relay(Flow.Subscriber<? super Row> subscriber) {
      this.subscriber = subscriber;
    }

    void refuse(IllegalStateException why) {
      over = true;
      subscriber.onSubscribe(this);
      subscriber.onError(why);
    }

    @Override
    public void request(long rows) {
      Flow.Subscription to;
      boolean begins = false;
      synchronized (this) {
        if (over) {
          return;
        }
        to = source;
        if (to == null && rows > 0) {
          demand = demand + rows < 0 ? Long.MAX_VALUE : demand + rows;
          begins = !begun;
          begun = true;
        }
      }
      if (to != null) {
        to.request(rows);
      } else if (rows <= 0) {
        close();
        fail(
            new IllegalArgumentException(
                "request(" + rows + "): a subscriber asks for 1 row or more (rule 3.9)"));
      } else if (begins) {
        begin();
      }
    }

    private void begin() {
      acquire()
          .whenComplete(
              (borrowed, failure) -> {
                if (borrowed == null) {
                  fail(Pool.unwrapped(failure));
                  return;
                }
                RowStream opened;
                try {
                  opened = open(borrowed);
                } catch (Throwable refused) {
                  fail(refused);
                  return;
                }
                if (opened == null) {
                  fail(new CancellationException("the stream has been closed"));
                } else {
                  opened.subscribe(this);
                }
              });
    }

    private void fail(Throwable failure) {
      synchronized (this) {
        if (over) {
          return;
        }
        over = true;
      }
      subscriber.onError(failure);
    }

    @Override
    public void cancel() {
      Flow.Subscription to;
      synchronized (this) {
        over = true;
        to = source;
      }
      if (to != null) {
        to.cancel();
      }
      close();
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      long asked;
      boolean cancelled;
      synchronized (this) {
        source = subscription;
        asked = demand;
        cancelled = over;
      }
      if (cancelled) {
        subscription.cancel();
      } else {
        subscription.request(asked);
      }
    }

    @Override
    public void onNext(Row row) {
      try {
        subscriber.onNext(row);
      } catch (RuntimeException | Error theirs) {
        cancel(); // it has had its last row, and its connection is free
        throw theirs;
      }
    }

    @Override
    public void onError(Throwable failure) {
      giveBack();
      fail(failure);
    }

    @Override
    public void onComplete() {
      giveBack();
      synchronized (this) {
        if (over) {
          return;
        }
        over = true;
      }
      subscriber.onComplete();
    }
  }
}
