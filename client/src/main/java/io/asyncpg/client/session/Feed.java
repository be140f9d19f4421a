package io.asyncpg.client.session;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What an application gives one after another, rows or chunks of bytes, on its way to the event
 * loop. A bounded number is read ahead; what may block is read on a thread that may.
 *
 * <p>{@link #start} is called once, from any thread; all else on the event loop. Whenever there was
 * nothing to {@link #poll}, the feed calls back when there is something, or the end.
 */
abstract class Feed<T> {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  /** Where a feed that may block gets its things. */
  interface Source<T> extends AutoCloseable {
    /** The next, or null at the end. */
    @Nullable T next() throws Exception;

    @Override
    void close() throws Exception;
  }

  private long taken;

  /**
   * Things of an Iterable. A Collection is walked on the event loop, as its iterator does not
   * block; any other on a thread of its own.
   */
  static <T> Feed<T> of(Iterable<? extends T> things) {
    if (things instanceof Collection<? extends T> collection) {
      return new InMemory<>(collection);
    }
    return blocking(
        () -> {
          Iterator<? extends T> iterator = things.iterator();
          return new Source<T>() {
            private long index;

            @Override
            public @Nullable T next() {
              return iterator.hasNext() ? notNull(iterator.next(), index++) : null;
            }

            @Override
            public void close() throws Exception {
              if (iterator instanceof AutoCloseable closeable) {
                closeable.close();
              }
            }
          };
        },
        512);
  }

  /** Things that a source gives which may block. */
  static <T> Feed<T> blocking(Callable<? extends Source<T>> open, int readAhead) {
    return new Blocking<>(open, readAhead);
  }

  /** Things that somebody publishes; at most so many are asked for and not taken yet. */
  static <T> Feed<T> of(Flow.Publisher<? extends T> things, int readAhead) {
    return new Published<>(things, readAhead);
  }

  /** Things that a function gives, each in a stage of its own; null is the end. */
  static <T> Feed<T> staged(Supplier<? extends CompletionStage<@Nullable T>> things) {
    return new Staged<>(things);
  }

  /** Why a row was refused that the application gave: no failure of its own. */
  static final class NullRow extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    NullRow(long index) {
      super("row " + index + " is null: each row is an object");
    }
  }

  /**
   * Begins to read ahead.
   *
   * @param wake called from any thread after {@link #poll} has given null
   */
  void start(Runnable wake) {}

  /** The next one; null when there is none now, or none any more. */
  final @Nullable T poll() {
    T next = take();
    if (next != null) {
      taken++;
    }
    return next;
  }

  /** How many have been taken: the index of the next. */
  final long taken() {
    return taken;
  }

  abstract @Nullable T take();

  /** Whether all has been taken that will ever come. */
  abstract boolean isAtEnd();

  /** Why it ended before its time; null when it did not. */
  @Nullable Throwable failure() {
    return null;
  }

  /** Nothing more of it is wanted. */
  void stop() {}

  /** Begins anew with the first, if that can be done. */
  boolean restart() {
    return false;
  }

  final void takenAgain() {
    taken = 0;
  }

  private static <T> T notNull(@Nullable T thing, long index) {
    if (thing == null) {
      throw new NullRow(index);
    }
    return thing;
  }

  private static final class InMemory<T> extends Feed<T> {
    private final Collection<? extends T> all;
    private @Nullable Iterator<? extends T> rest;
    private @Nullable Throwable failure;

    InMemory(Collection<? extends T> all) {
      this.all = all;
    }

    private Iterator<? extends T> rest() {
      Iterator<? extends T> walking = rest;
      if (walking == null) {
        walking = all.iterator();
        rest = walking;
      }
      return walking;
    }

    @Override
    @Nullable T take() {
      try {
        if (failure == null && rest().hasNext()) {
          return notNull(rest().next(), taken());
        }
      } catch (RuntimeException | Error theirs) {
        failure = theirs;
      }
      return null;
    }

    @Override
    boolean isAtEnd() {
      return failure != null || !rest().hasNext();
    }

    @Override
    @Nullable Throwable failure() {
      return failure;
    }

    @Override
    boolean restart() {
      rest = null;
      takenAgain();
      return true;
    }
  }

  /** Two portions: one is taken while the next is read. */
  private static final class Blocking<T> extends Feed<T> implements Runnable {
    /** A portion that is not full is handed over when this time has passed. */
    private static final long PATIENCE_NANOS = 5_000_000;

    private final Callable<? extends Source<T>> open;
    private final int portionSize;

    /** The reading thread's own; handed from one to the next by the lock. */
    private @Nullable Source<T> source;

    private Runnable wake = () -> {};
    private ArrayDeque<T> portion = new ArrayDeque<>();

    // Guarded by this.
    private @Nullable ArrayDeque<T> next;
    private boolean reading;
    private @Nullable Thread reader;
    private boolean ended;
    private boolean stopped;
    private @Nullable Throwable failure;

    Blocking(Callable<? extends Source<T>> open, int portionSize) {
      this.open = open;
      this.portionSize = portionSize;
    }

    @Override
    void start(Runnable wake) {
      this.wake = wake;
      synchronized (this) {
        reading = true;
      }
      OffLoop.execute(this);
    }

    @Override
    @Nullable T take() {
      T first = portion.poll();
      if (first != null) {
        return first;
      }
      boolean read;
      synchronized (this) {
        ArrayDeque<T> full = next;
        if (full == null) {
          return null;
        }
        next = null;
        portion = full;
        read = !ended && !stopped && !reading;
        reading |= read;
      }
      if (read) {
        OffLoop.execute(this);
      }
      return portion.poll();
    }

    @Override
    boolean isAtEnd() {
      synchronized (this) {
        return portion.isEmpty() && next == null && (ended || stopped);
      }
    }

    @Override
    @Nullable Throwable failure() {
      synchronized (this) {
        return failure;
      }
    }

    @Override
    void stop() {
      portion.clear();
      boolean close;
      synchronized (this) {
        close = !stopped && !ended && !reading;
        stopped = true;
        next = null;
        if (reader != null) {
          reader.interrupt(); // what it waits for is not wanted any more
        }
      }
      if (close) {
        OffLoop.execute(this::close);
      }
    }

    private synchronized boolean isStopped() {
      return stopped;
    }

    /** Reads one portion. */
    @Override
    public void run() {
      ArrayDeque<T> read = new ArrayDeque<>();
      Throwable reason = null;
      boolean atEnd = false;
      long begun = System.nanoTime();
      synchronized (this) {
        reader = Thread.currentThread();
      }
      try {
        Source<T> from = source;
        if (from == null) {
          from = open.call();
          source = from;
        }
        while (!isStopped()) {
          T one = from.next();
          if (one == null) {
            atEnd = true;
            break;
          }
          read.add(one);
          if (read.size() == portionSize || System.nanoTime() - begun > PATIENCE_NANOS) {
            break;
          }
        }
      } catch (Throwable theirs) {
        reason = theirs;
      }
      synchronized (this) {
        reader = null;
        Thread.interrupted(); // by stop(): nothing for whoever uses this thread next
      }
      if (atEnd || reason != null || isStopped()) {
        Throwable closing = close();
        reason = reason == null ? closing : reason;
        atEnd = true;
      }
      boolean close;
      synchronized (this) {
        reading = false;
        ended |= atEnd;
        failure = reason;
        close = stopped && !ended;
        if (!stopped && !read.isEmpty()) {
          next = read;
        }
      }
      if (close) {
        close();
      }
      wake.run();
    }

    private @Nullable Throwable close() {
      Source<T> opened = source;
      source = null;
      try {
        if (opened != null) {
          opened.close();
        }
        return null;
      } catch (Throwable theirs) {
        return theirs;
      }
    }
  }

  private static final class Published<T> extends Feed<T> implements Flow.Subscriber<T> {
    private final Flow.Publisher<? extends T> publisher;
    private final int readAhead;
    private final Queue<T> arrived = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean foundNothing = new AtomicBoolean();
    private final AtomicBoolean subscribed = new AtomicBoolean();
    private Runnable wake = () -> {};
    private int unasked;
    private volatile Flow.@Nullable Subscription subscription;
    private volatile @Nullable Throwable failure;
    private volatile boolean ended;
    private volatile boolean stopped;

    Published(Flow.Publisher<? extends T> publisher, int readAhead) {
      this.publisher = publisher;
      this.readAhead = readAhead;
    }

    @Override
    void start(Runnable wake) {
      this.wake = wake;
      try {
        publisher.subscribe(this);
      } catch (RuntimeException | Error theirs) {
        onError(theirs);
      }
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      if (!subscribed.compareAndSet(false, true)) {
        given.cancel();
        return;
      }
      subscription = given;
      if (stopped) {
        given.cancel();
      } else {
        given.request(readAhead);
      }
    }

    @Override
    public void onNext(T one) {
      if (one == null) {
        throw new NullPointerException("onNext(null)");
      }
      if (!stopped) {
        arrived.add(one);
        tell();
      }
    }

    @Override
    public void onError(Throwable reason) {
      if (reason == null) {
        throw new NullPointerException("onError(null)");
      }
      failure = reason;
      ended = true;
      tell();
    }

    @Override
    public void onComplete() {
      ended = true;
      tell();
    }

    private void tell() {
      if (foundNothing.getAndSet(false)) {
        wake.run();
      }
    }

    @Override
    @Nullable T take() {
      T one = arrived.poll();
      if (one == null) {
        foundNothing.set(true);
        one = arrived.poll();
        if (one == null) {
          return null;
        }
      }
      Flow.Subscription from = subscription;
      if (++unasked * 2 >= readAhead && from != null) {
        int more = unasked;
        unasked = 0;
        try {
          from.request(more);
        } catch (RuntimeException | Error theirs) {
          onError(theirs);
        }
      }
      return one;
    }

    @Override
    boolean isAtEnd() {
      // In this order: what was published before the end is not overlooked.
      return stopped || (ended && arrived.isEmpty());
    }

    @Override
    @Nullable Throwable failure() {
      return failure;
    }

    @Override
    void stop() {
      if (stopped) {
        return;
      }
      stopped = true;
      Flow.Subscription from = subscription;
      if (from != null && !ended) {
        try {
          from.cancel();
        } catch (RuntimeException | Error theirs) {
          // It must not throw (rule 3.15), and there is nothing more to be had of it.
          LOG.log(Level.WARNING, "a publisher could not be cancelled", theirs);
        }
      }
      arrived.clear();
    }
  }

  private static final class Staged<T> extends Feed<T> {
    /** What a stage came to. */
    private record Outcome<T>(@Nullable T thing, @Nullable Throwable failure) {}

    private final Supplier<? extends CompletionStage<@Nullable T>> things;
    private Runnable wake = () -> {};
    private boolean asked;
    private boolean ended;
    private @Nullable Throwable failure;
    private volatile @Nullable Outcome<T> arrived;

    Staged(Supplier<? extends CompletionStage<@Nullable T>> things) {
      this.things = things;
    }

    @Override
    void start(Runnable wake) {
      this.wake = wake;
    }

    @Override
    @Nullable T take() {
      if (ended) {
        return null;
      }
      if (!asked) {
        asked = true;
        ask();
      }
      Outcome<T> outcome = arrived;
      if (outcome == null) {
        return null;
      }
      asked = false;
      arrived = null;
      failure = outcome.failure;
      ended = outcome.thing == null;
      return outcome.thing;
    }

    private void ask() {
      CompletionStage<@Nullable T> stage;
      try {
        stage = things.get();
        if (stage == null) {
          throw new NullPointerException("the source gave no stage");
        }
      } catch (RuntimeException | Error theirs) {
        arrived = new Outcome<>(null, theirs);
        return;
      }
      stage.whenComplete(
          (thing, theirs) -> {
            Throwable cause = theirs instanceof CompletionException ? theirs.getCause() : null;
            arrived = new Outcome<>(thing, cause == null ? theirs : cause);
            wake.run();
          });
    }

    @Override
    boolean isAtEnd() {
      return ended;
    }

    @Override
    @Nullable Throwable failure() {
      return failure;
    }

    @Override
    void stop() {
      ended = true;
      arrived = null;
    }
  }
}
