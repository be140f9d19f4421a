package io.asyncpg.client.session;

import io.asyncpg.client.CopySink;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a COPY on their way to a sink, one chunk at a time. While too many wait the socket
 * is not read. Confined to the event loop.
 */
final class Outlet {
  private static final int CHUNK = 64 * 1024;
  private static final int MUCH = 1 << 20;
  private static final int LITTLE = MUCH / 2;

  /** Takes chunks and an end, one after the other. */
  private interface Drain {
    /** Takes a chunk; what it throws is the same as a stage that fails. */
    CompletionStage<?> take(ByteBuffer chunk);

    /** Forgets a chunk that it has been given and has done nothing with. */
    default void drop() {}

    /**
     * All has been taken, or nothing more will come.
     *
     * @param failure why not all came; null when all did
     * @return its own failure to end, or null
     */
    CompletionStage<@Nullable Throwable> end(@Nullable Throwable failure);
  }

  private final Session session;
  private final Drain drain;

  private final ArrayDeque<ByteBuffer> waiting = new ArrayDeque<>();
  private byte[] filling = new byte[CHUNK];
  private int filled;
  private int waitingBytes;
  private boolean busy;
  private boolean paused;
  private boolean looksAgain;
  private boolean finished;
  private boolean ended;
  private @Nullable Throwable failure;

  /** Told once: what went wrong, or null when all has been taken. */
  private final Consumer<@Nullable Throwable> over;

  /**
   * Creates one.
   *
   * @param over told once, on the event loop: at the sink's failure, or behind {@link #finish} when
   *     all has been taken, or behind {@link #abort}
   */
  Outlet(Session session, CopySink sink, Consumer<@Nullable Throwable> over) {
    this.session = session;
    this.over = over;
    if (sink instanceof CopySink.Blocking stream) {
      drain = new Stream(stream);
    } else if (sink instanceof CopySink.Staged staged) {
      drain = new Staged(staged.chunks());
    } else if (sink instanceof CopySink.Subscribed subscribed) {
      drain = new Subscribed(subscribed.subscriber());
    } else {
      throw new AssertionError("another kind of " + sink);
    }
  }

  void add(byte[] bytes, int from, int to) {
    if (finished) {
      return;
    }
    int at = from;
    while (at < to) {
      int some = Math.min(to - at, CHUNK - filled);
      System.arraycopy(bytes, at, filling, filled, some);
      filled += some;
      at += some;
      if (filled == CHUNK) {
        waiting.add(ByteBuffer.wrap(filling));
        waitingBytes += filled;
        filling = new byte[CHUNK];
        filled = 0;
      }
    }
    if (!paused && waitingBytes > MUCH) {
      paused = true;
      session.channel().config().setAutoRead(false);
    }
    write();
    if (!busy && filled > 0 && !looksAgain) {
      // A slow server's rows are not kept until there are enough of them.
      looksAgain = true;
      session.runOnLoop(this::writeWhatIsThere);
    }
  }

  /** Called when all that a read of the socket brought is in. */
  private void writeWhatIsThere() {
    looksAgain = false;
    if (!busy && !finished) {
      pushRest();
      write();
    }
  }

  private void pushRest() {
    if (filled > 0) {
      waiting.add(ByteBuffer.wrap(Arrays.copyOf(filling, filled)));
      waitingBytes += filled;
      filled = 0;
    }
  }

  /** Nothing more will come; {@code over} is told when the sink has taken all of it. */
  void finish() {
    pushRest();
    finished = true;
    write();
  }

  /**
   * Nothing more is wanted: the sink is ended after what it is busy with.
   *
   * @param reason told to the sink
   */
  void abort(Throwable reason) {
    if (ended) {
      return;
    }
    if (failure == null) {
      failure = reason;
    }
    waiting.clear();
    waitingBytes = 0;
    filled = 0;
    finished = true;
    resume();
    drain.drop();
    write();
  }

  private void resume() {
    if (paused) {
      paused = false;
      session.channel().config().setAutoRead(true);
    }
  }

  private void write() {
    if (busy || ended) {
      return;
    }
    ByteBuffer chunk = waiting.poll();
    if (chunk == null) {
      if (finished) {
        ended = true;
        drain.end(failure).thenAccept(theirs -> session.runOnLoop(() -> ended(theirs)));
      }
      return;
    }
    busy = true;
    waitingBytes -= chunk.remaining();
    if (waitingBytes < LITTLE) {
      resume();
    }
    CompletionStage<?> taken;
    try {
      taken = Objects.requireNonNull(drain.take(chunk), "the sink gave no stage");
    } catch (Throwable theirs) {
      taken = CompletableFuture.failedFuture(theirs);
    }
    taken.whenComplete((nothing, theirs) -> session.runOnLoop(() -> taken(theirs)));
  }

  private void taken(@Nullable Throwable theirs) {
    busy = false;
    if (theirs == null) {
      write();
    } else {
      Throwable cause = theirs instanceof CompletionException ? theirs.getCause() : null;
      abort(cause == null ? theirs : cause);
    }
  }

  private void ended(@Nullable Throwable theirs) {
    over.accept(failure == null ? theirs : failure);
  }

  private record Staged(Function<ByteBuffer, CompletionStage<?>> chunks) implements Drain {
    @Override
    public CompletionStage<?> take(ByteBuffer chunk) {
      return chunks.apply(chunk);
    }

    @Override
    public CompletionStage<@Nullable Throwable> end(@Nullable Throwable failure) {
      return CompletableFuture.completedFuture(null);
    }
  }

  /** A stream that is written on threads that may block, one at a time. */
  private static final class Stream implements Drain {
    private final CopySink.Blocking sink;
    private @Nullable OutputStream stream;

    Stream(CopySink.Blocking sink) {
      this.sink = sink;
    }

    private OutputStream open() throws Exception {
      OutputStream opened = stream;
      if (opened == null) {
        opened = sink.open().call();
        stream = opened;
      }
      return opened;
    }

    @Override
    public CompletionStage<?> take(ByteBuffer chunk) {
      CompletableFuture<Boolean> written = new CompletableFuture<>();
      OffLoop.execute(
          () -> {
            try {
              open()
                  .write(chunk.array(), chunk.arrayOffset() + chunk.position(), chunk.remaining());
              written.complete(true);
            } catch (Throwable theirs) {
              written.completeExceptionally(theirs);
            }
          });
      return written;
    }

    /** A file that was never opened is made where nothing came and all is well. */
    @Override
    public CompletionStage<@Nullable Throwable> end(@Nullable Throwable failure) {
      CompletableFuture<@Nullable Throwable> over = new CompletableFuture<>();
      OffLoop.execute(
          () -> {
            try {
              if (stream != null || failure == null) {
                OutputStream opened = open();
                if (sink.close()) {
                  opened.close();
                } else {
                  opened.flush();
                }
              }
              over.complete(null);
            } catch (Throwable theirs) {
              over.complete(theirs);
            }
          });
      return over;
    }
  }

  /**
   * A subscriber, called where callbacks run. What it asks for and cancels comes from any thread.
   */
  private final class Subscribed implements Drain, Flow.Subscription {
    private final Flow.Subscriber<? super ByteBuffer> subscriber;
    private final InOrder callbacks = new InOrder(session::onCompletionThread);
    private boolean subscribed;
    private long demand;
    private @Nullable ByteBuffer chunk;
    private CompletableFuture<Boolean> taken = new CompletableFuture<>();
    private @Nullable Throwable enough;

    Subscribed(Flow.Subscriber<? super ByteBuffer> subscriber) {
      this.subscriber = subscriber;
    }

    private void subscribe() {
      if (!subscribed) {
        subscribed = true;
        callbacks.execute(
            () -> {
              try {
                subscriber.onSubscribe(this);
              } catch (RuntimeException | Error theirs) {
                enough(theirs);
              }
            });
      }
    }

    @Override
    public CompletionStage<?> take(ByteBuffer next) {
      subscribe();
      chunk = next;
      taken = new CompletableFuture<>();
      attend();
      return taken;
    }

    private void attend() {
      ByteBuffer next = chunk;
      Throwable why = enough;
      if (next == null) {
        return;
      }
      if (why != null) {
        chunk = null;
        taken.completeExceptionally(why);
      } else if (demand > 0) {
        demand -= demand == Long.MAX_VALUE ? 0 : 1;
        chunk = null;
        CompletableFuture<Boolean> done = taken;
        callbacks.execute(
            () -> {
              try {
                subscriber.onNext(next);
                done.complete(true);
              } catch (RuntimeException | Error theirs) {
                enough(theirs);
                done.completeExceptionally(theirs);
              }
            });
      }
    }

    @Override
    public void request(long chunks) {
      session.runOnLoop(
          () -> {
            if (chunks <= 0) {
              // Rule 3.9: told by onError, as the copy's own failure.
              abort(
                  new IllegalArgumentException(
                      "request(" + chunks + "): a subscriber asks for 1 chunk or more (rule 3.9)"));
            } else {
              demand = demand + chunks < 0 ? Long.MAX_VALUE : demand + chunks;
              attend();
            }
          });
    }

    @Override
    public void drop() {
      if (chunk != null) {
        chunk = null;
        taken.complete(true);
      }
    }

    @Override
    public void cancel() {
      enough(new CancellationException("the subscriber of the COPY has cancelled"));
    }

    /** Nothing more is to be said to it. */
    private void enough(Throwable why) {
      session.runOnLoop(
          () -> {
            if (enough == null) {
              enough = why;
              abort(why);
            }
          });
    }

    @Override
    public CompletionStage<@Nullable Throwable> end(@Nullable Throwable failure) {
      CompletableFuture<@Nullable Throwable> over = new CompletableFuture<>();
      subscribe();
      callbacks.execute(
          () ->
              session.runOnLoop(
                  () -> {
                    Throwable why = enough;
                    if (why != null) {
                      over.complete(why);
                    } else {
                      callbacks.execute(() -> over.complete(tell(failure)));
                    }
                  }));
      return over;
    }

    private @Nullable Throwable tell(@Nullable Throwable failure) {
      try {
        if (failure == null) {
          subscriber.onComplete();
        } else {
          subscriber.onError(failure);
        }
        return null;
      } catch (RuntimeException | Error theirs) {
        return theirs;
      }
    }
  }
}
