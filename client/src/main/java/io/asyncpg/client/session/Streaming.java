package io.asyncpg.client.session;

import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.client.RowStream;
import io.asyncpg.error.PgException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Flow;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The handle of a stream: begun by its one reader, an iterator or a subscriber. Any thread. */
final class Streaming implements RowStream {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");
  private static final int USUAL_FETCH_SIZE = 1000;

  /** Makes the request that fills the buffer. */
  interface Starter {
    StreamRequest request(RowBuffer buffer, int fetchSize, long timeout);
  }

  /** Ends the request of an iteration that was broken off and forgotten. Holds no stream. */
  private record Forgotten(StreamRequest request) implements Runnable {
    @Override
    public void run() {
      if (!request.future().isDone()) {
        request.stop();
      }
    }
  }

  private enum State {
    NEW,
    READING,
    CLOSED
  }

  private final Client client;
  private final String sql;
  private final Starter starter;
  private final RowBuffer buffer = new RowBuffer();

  // Guarded by this.
  private State state = State.NEW;
  private int fetchSize = USUAL_FETCH_SIZE;
  private @Nullable StreamRequest request;
  private long firstWithin;

  Streaming(Client client, String sql, Starter starter) {
    this.client = client;
    this.sql = Objects.requireNonNull(sql, "sql");
    this.starter = starter;
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

  /**
   * Bounds its first portion by what is left of a call that has waited for its connection before.
   *
   * @param nanos above zero
   */
  synchronized void firstWithin(long nanos) {
    firstWithin = nanos;
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

  /** Hands the request over. */
  private @Nullable PgFuture<?> start() {
    PgFuture<?> outcome;
    RowBuffer filled = buffer; // what is under way does not hold the stream
    synchronized (this) {
      if (state == State.CLOSED) {
        return null;
      }
      int rows = fetchSize;
      outcome =
          client.run(
              sql,
              time -> {
                StreamRequest made = starter.request(buffer, rows, time);
                if (firstWithin != 0) {
                  made.firstWithin(firstWithin);
                }
                request = made;
                return made;
              });
    }
    outcome.whenComplete((nothing, failure) -> filled.end(failure));
    return outcome;
  }

  /** Has an iteration end that nobody can go on with: one out of which a loop has jumped. */
  private void watch(PgFuture<?> outcome) {
    StreamRequest running;
    synchronized (this) {
      running = request;
    }
    if (running != null) {
      Cleaner.Cleanable watch = Lease.CLEANER.register(this, new Forgotten(running));
      outcome.whenComplete((nothing, failure) -> watch.clean());
    }
  }

  @Override
  public void close() {
    StreamRequest running;
    synchronized (this) {
      state = State.CLOSED;
      running = request;
    }
    if (!buffer.isEnded()) {
      buffer.end(new CancellationException("the stream has been closed"));
      if (running != null) {
        running.stop();
      }
    }
    buffer.clear();
  }

  @Override
  public Iterator<Row> iterator() {
    if (client.session.isOnEventLoop()) {
      throw new IllegalStateException(
          "iterating on the event loop "
              + Thread.currentThread().getName()
              + " would block the very thread that has to bring the rows: subscribe, or iterate on"
              + " another thread");
    }
    claim();
    Waiting waiting = new Waiting();
    PgFuture<?> begun = start();
    if (begun != null) {
      waiting.outcome = begun;
      watch(begun);
    }
    return waiting;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super Row> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    try {
      claim();
    } catch (IllegalStateException taken) {
      subscriber.onSubscribe(NONE);
      subscriber.onError(taken);
      return;
    }
    new Subscribed(subscriber).begin();
  }

  @Override
  public String toString() {
    return "RowStream[" + PgException.quoted(sql) + "]";
  }

  /** The subscription of one who gets nothing. */
  static final Flow.Subscription NONE =
      new Flow.Subscription() {
        @Override
        public void request(long n) {
          // There is nothing to ask for.
        }

        @Override
        public void cancel() {
          // There is nothing to end.
        }
      };

  /** A reader that waits, on the one thread that iterates. */
  private final class Waiting implements Iterator<Row>, ForkJoinPool.ManagedBlocker {
    private Iterator<Row> run = Collections.emptyIterator();
    private @Nullable PgFuture<?> outcome;
    private boolean done;

    @Override
    public boolean hasNext() {
      return run.hasNext() || (!done && waitForMore());
    }

    private boolean waitForMore() {
      if (client.session.isOnEventLoop()) {
        throw new IllegalStateException("iterating on an event loop would block it: subscribe");
      }
      Thread reader = Thread.currentThread();
      buffer.reader(() -> LockSupport.unpark(reader));
      while (true) {
        boolean ended = buffer.isEnded();
        ResultRows next = buffer.poll();
        if (next != null) {
          run = next.iterator();
          return true;
        }
        if (ended) {
          return end();
        }
        if (reader.isInterrupted()) {
          close();
          throw new CancellationException("interrupted while waiting; the stream has been closed");
        }
        park();
      }
    }

    /** Waits for a turn, and lets a pool that this thread belongs to know that it does. */
    private void park() {
      try {
        ForkJoinPool.managedBlock(this);
      } catch (InterruptedException never) {
        throw new AssertionError("block() does not throw it", never);
      }
    }

    @Override
    public boolean block() {
      LockSupport.park(Streaming.this);
      return true;
    }

    @Override
    public boolean isReleasable() {
      return false;
    }

    private boolean end() {
      done = true;
      Throwable failure = buffer.failure();
      PgFuture<?> begun = outcome;
      if (failure == null) {
        return false;
      }
      // Not where the stream was stopped: of that its request only knows that it was cancelled.
      if (begun != null && begun.handle((nothing, why) -> why == failure).getNow(false)) {
        begun.await(); // throws it, with this thread's frames
      }
      if (failure instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      throw new IllegalStateException("the stream failed", failure);
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return run.next();
    }
  }

  /**
   * A reader that is called. Whoever brings news, rows or demand or the end, lets it {@link #run}
   * where callbacks run, once at a time.
   */
  private final class Subscribed implements Flow.Subscription, Runnable {
    private final AtomicLong demand = new AtomicLong();
    private final AtomicInteger news = new AtomicInteger();
    private volatile Flow.@Nullable Subscriber<? super Row> subscriber;
    private volatile @Nullable IllegalArgumentException badRequest;
    private final AtomicBoolean begun = new AtomicBoolean();
    private Iterator<Row> run = Collections.emptyIterator();

    Subscribed(Flow.Subscriber<? super Row> subscriber) {
      this.subscriber = subscriber;
    }

    void begin() {
      Flow.Subscriber<? super Row> waiting = subscriber;
      buffer.reader(this::tell);
      news.set(1); // nothing is delivered before onSubscribe has returned
      if (waiting != null) {
        waiting.onSubscribe(this);
      }
      if (news.getAndSet(0) > 1) {
        tell();
      }
      String ended = client.ended();
      if (ended != null) {
        buffer.end(new IllegalStateException(ended));
      }
    }

    @Override
    public void request(long rows) {
      if (rows <= 0) {
        badRequest =
            new IllegalArgumentException(
                "request(" + rows + "): a subscriber asks for 1 row or more (rule 3.9)");
      } else {
        demand.accumulateAndGet(rows, (now, more) -> now + more < 0 ? Long.MAX_VALUE : now + more);
        if (subscriber != null && badRequest == null && begun.compareAndSet(false, true)) {
          start(); // here and now: what the caller asks for next comes behind it
        }
      }
      tell();
    }

    @Override
    public void cancel() {
      subscriber = null;
      close();
    }

    private void tell() {
      if (news.getAndIncrement() == 0) {
        client.session.onCompletionThread(this);
      }
    }

    @Override
    public void run() {
      int seen = news.get();
      do {
        deliver();
        seen = news.addAndGet(-seen);
      } while (seen != 0);
    }

    private void deliver() {
      try {
        long delivered = 0;
        while (true) {
          Flow.Subscriber<? super Row> listening = subscriber;
          if (listening == null) {
            run = Collections.emptyIterator();
            return;
          }
          IllegalArgumentException bad = badRequest;
          if (bad != null) {
            subscriber = null;
            close();
            listening.onError(bad);
            return;
          }
          boolean ended = buffer.isEnded();
          if (!run.hasNext()) {
            ResultRows next = delivered < demand.get() || ended ? buffer.poll() : null;
            if (next != null) {
              run = next.iterator();
            } else if (ended) {
              subscriber = null;
              end(listening);
              return;
            }
          }
          if (!run.hasNext() || delivered == demand.get()) {
            break;
          }
          delivered++;
          listening.onNext(run.next());
        }
        demand.addAndGet(-delivered);
      } catch (RuntimeException | Error theirs) {
        // A subscriber must not throw (rule 2.13); one that does has had its last row.
        LOG.log(Level.WARNING, "a subscriber failed", theirs);
        cancel();
      }
    }

    private void end(Flow.Subscriber<? super Row> listening) {
      Throwable failure = buffer.failure();
      if (failure == null) {
        listening.onComplete();
      } else {
        listening.onError(failure);
      }
    }
  }
}
