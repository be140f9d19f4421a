package io.asyncpg.client;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Function;

/**
 * Where the bytes of a COPY from a table or query go, in the format that the options name. A slow
 * sink slows the server; no more than about a megabyte waits for it. Each is for one use, but a
 * file.
 */
public sealed interface CopySink {

  /**
   * A file, made or overwritten when the first bytes come, or at the end of a copy without any.
   * After a failure it holds what had come; it is not made when nothing had.
   *
   * @param path the file
   * @return the sink
   */
  static CopySink to(Path path) {
    Objects.requireNonNull(path, "path");
    return new Blocking(() -> Files.newOutputStream(path), true);
  }

  /**
   * A stream, written on a thread that may block; flushed at the end, and not closed.
   *
   * @param stream the stream
   * @return the sink
   */
  static CopySink to(OutputStream stream) {
    Objects.requireNonNull(stream, "stream");
    return new Blocking(() -> stream, false);
  }

  /**
   * A channel, written on a thread that may block, and not closed.
   *
   * @param channel one that blocks: a channel in non-blocking mode fails the copy
   * @return the sink
   */
  static CopySink to(WritableByteChannel channel) {
    Objects.requireNonNull(channel, "channel");
    return new Blocking(() -> Channels.newOutputStream(channel), false);
  }

  /**
   * A function that takes the bytes a chunk at a time, each when its last stage is complete: until
   * then the server waits. Called on the event loop, where it must not block.
   *
   * @param chunks takes a buffer, which it may keep, and says when it wants the next
   * @return the sink
   */
  static CopySink to(Function<ByteBuffer, CompletionStage<?>> chunks) {
    return new Staged(Objects.requireNonNull(chunks, "chunks"));
  }

  /**
   * A subscriber, which gets the bytes a chunk at a time, as it asks for them: while it does not,
   * the server waits. It is subscribed when the first chunk is there, or the end; it completes when
   * the server has said that this was all, and its error is the copy's. When it cancels, the copy
   * fails with a {@link java.util.concurrent.CancellationException}. Called where futures complete.
   *
   * @param subscriber may keep the buffers
   * @return the sink
   */
  static CopySink to(Flow.Subscriber<? super ByteBuffer> subscriber) {
    return new Subscribed(Objects.requireNonNull(subscriber, "subscriber"));
  }

  /**
   * Bytes that are written where writing may block.
   *
   * @param open opens the stream; may throw {@link IOException}
   * @param close whether the stream is closed at the end
   */
  record Blocking(Callable<OutputStream> open, boolean close) implements CopySink {}

  /**
   * Bytes that go to a function.
   *
   * @param chunks takes them
   */
  record Staged(Function<ByteBuffer, CompletionStage<?>> chunks) implements CopySink {}

  /**
   * Bytes that go to a subscriber.
   *
   * @param subscriber takes them
   */
  record Subscribed(Flow.Subscriber<? super ByteBuffer> subscriber) implements CopySink {}
}
