package io.asyncpg.client.session;

import io.asyncpg.client.CopySink;
import io.asyncpg.client.CopySource;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.Flow;

/**
 * What becomes of things given to a call that is refused, before there is a request that could see
 * to them: what the call would have closed is closed, and who would have been told is told.
 */
public final class Unused {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  private Unused() {}

  /**
   * Rows that nobody is going to read.
   *
   * @param rows closed if they are a stream's; any other Iterable is the caller's own
   */
  public static void rows(Iterable<?> rows) {
    if (rows instanceof StreamRows stream) {
      OffLoop.execute(() -> quietly(stream::close));
    }
  }

  /**
   * Bytes that nobody is going to read.
   *
   * @param source its stream is closed, on a thread that may block
   */
  public static void source(CopySource source) {
    if (source instanceof CopySource.Blocking blocking && blocking.isOpen()) {
      OffLoop.execute(
          () ->
              quietly(
                  () -> {
                    InputStream opened = blocking.open().call();
                    opened.close();
                  }));
    }
  }

  /**
   * A sink that gets nothing.
   *
   * @param sink its subscriber is told why, on this thread
   * @param why why the call was refused
   */
  public static void sink(CopySink sink, Throwable why) {
    if (sink instanceof CopySink.Subscribed subscribed) {
      quietly(
          () -> {
            Flow.Subscriber<?> subscriber = subscribed.subscriber();
            subscriber.onSubscribe(Streaming.NONE);
            subscriber.onError(why);
          });
    }
  }

  /** Code of the application's. */
  private interface Theirs {
    void run() throws Exception;
  }

  private static void quietly(Theirs code) {
    try {
      code.run();
    } catch (Throwable theirs) {
      LOG.log(Level.DEBUG, "what a refused call was given could not be closed, or told so", theirs);
    }
  }
}
