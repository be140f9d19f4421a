package io.asyncpg.client.session;

import io.asyncpg.client.CopySink;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
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

  private final Session session;
  private final Function<ByteBuffer, CompletionStage<?>> sink;

  /** Ends the sink; null where there is nothing to end. */
  private final @Nullable Blocking blocking;

  private final ArrayDeque<ByteBuffer> waiting = new ArrayDeque<>();
  private byte[] filling = new byte[CHUNK];
  private int filled;
  private int waitingBytes;
  private boolean busy;
  private boolean paused;
  private boolean finished;
  private boolean aborted;
  private @Nullable Throwable failure;

  /** Told once: what went wrong, or null when all has been taken. */
  private final Consumer<@Nullable Throwable> over;

  /**
   * Creates one.
   *
   * @param over told once, on the event loop: at the sink's failure, or behind {@link #finish} when
   *     all has been taken
   */
  Outlet(Session session, CopySink sink, Consumer<@Nullable Throwable> over) {
    this.session = session;
    this.over = over;
    if (sink instanceof CopySink.Blocking stream) {
      blocking = new Blocking(stream);
      this.sink = blocking;
    } else if (sink instanceof CopySink.Staged staged) {
      blocking = null;
      this.sink = staged.chunks();
    } else {
      throw new AssertionError("a third kind of " + sink);
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
        push();
      }
    }
    if (!paused && waitingBytes > MUCH) {
      paused = true;
      session.channel().config().setAutoRead(false);
    }
    write();
  }

  private void push() {
    waiting.add(ByteBuffer.wrap(filling, 0, filled));
    waitingBytes += filled;
    filling = new byte[CHUNK];
    filled = 0;
  }

  /** Nothing more will come; {@code over} is told when the sink has taken all of it. */
  void finish() {
    if (filled > 0) {
      waiting.add(ByteBuffer.wrap(Arrays.copyOf(filling, filled)));
      waitingBytes += filled;
      filled = 0;
    }
    finished = true;
    write();
  }

  /** Nothing more is wanted: the sink is ended after what it is busy with. */
  void abort() {
    waiting.clear();
    waitingBytes = 0;
    filled = 0;
    finished = true;
    aborted = true;
    resume();
    write();
  }

  private void resume() {
    if (paused) {
      paused = false;
      session.channel().config().setAutoRead(true);
    }
  }

  private void write() {
    if (busy) {
      return;
    }
    ByteBuffer chunk = failure == null ? waiting.poll() : null;
    if (chunk == null) {
      if (finished) {
        busy = true; // for ever: it is over
        end();
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
      taken = Objects.requireNonNull(sink.apply(chunk), "the sink gave no stage");
    } catch (Throwable theirs) {
      taken = CompletableFuture.failedFuture(theirs);
    }
    taken.whenComplete((nothing, theirs) -> session.runOnLoop(() -> taken(theirs)));
  }

  private void taken(@Nullable Throwable theirs) {
    busy = false;
    if (theirs == null) {
      write();
      return;
    }
    failure =
        theirs instanceof CompletionException && theirs.getCause() != null
            ? theirs.getCause()
            : theirs;
    abort();
  }

  private void end() {
    Blocking stream = blocking;
    boolean evenOfNothing = !aborted;
    if (stream == null) {
      over.accept(failure);
    } else {
      OffLoop.execute(
          () -> {
            Throwable ending = stream.end(evenOfNothing);
            session.runOnLoop(() -> over.accept(failure == null ? ending : failure));
          });
    }
  }

  /** A stream that is written on threads that may block. */
  private static final class Blocking implements Function<ByteBuffer, CompletionStage<?>> {
    private final CopySink.Blocking sink;
    private @Nullable OutputStream stream;

    Blocking(CopySink.Blocking sink) {
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
    public CompletionStage<?> apply(ByteBuffer chunk) {
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

    /** Ends the stream; a file that was never opened is made where nothing came and all is well. */
    @Nullable Throwable end(boolean evenOfNothing) {
      try {
        if (stream == null && !evenOfNothing) {
          return null;
        }
        OutputStream opened = open();
        if (sink.close()) {
          opened.close();
        } else {
          opened.flush();
        }
        return null;
      } catch (Throwable theirs) {
        return theirs;
      }
    }
  }
}
