package io.asyncpg.client;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the bytes of a COPY into a table come from, in the format that the options name. It is read
 * as the server takes it, less than a megabyte ahead, from the call on; a slow server slows it.
 */
public sealed interface CopySource {

  /**
   * A file.
   *
   * @param path the file
   * @return the source
   */
  static CopySource from(Path path) {
    Objects.requireNonNull(path, "path");
    return new Blocking(() -> Files.newInputStream(path), false);
  }

  /**
   * A stream, read on a thread that may block, and closed at the end, whatever that is. When the
   * copy fails while it is read from, that thread is interrupted.
   *
   * @param stream the stream
   * @return the source, for one use
   */
  static CopySource from(InputStream stream) {
    Objects.requireNonNull(stream, "stream");
    return new Blocking(() -> stream, true);
  }

  /**
   * A channel, read on a thread that may block, and closed at the end, whatever that is.
   *
   * @param channel one that blocks: a channel in non-blocking mode fails the copy
   * @return the source, for one use
   */
  static CopySource from(ReadableByteChannel channel) {
    Objects.requireNonNull(channel, "channel");
    return new Blocking(() -> Channels.newInputStream(channel), true);
  }

  /**
   * A function that is asked for the next chunk when the last has been taken. Called on the event
   * loop, where it must not block; not called again once the copy has failed.
   *
   * @param chunks gives a stage of a buffer, which must not change any more, or of null at the end
   * @return the source, for one use
   */
  static CopySource from(Supplier<? extends CompletionStage<@Nullable ByteBuffer>> chunks) {
    return new Staged(Objects.requireNonNull(chunks, "chunks"));
  }

  /**
   * Bytes that are there.
   *
   * @param bytes must not change until the copy is over
   * @return the source
   */
  static CopySource from(byte[] bytes) {
    Objects.requireNonNull(bytes, "bytes");
    return new Blocking(() -> new ByteArrayInputStream(bytes), false);
  }

  /**
   * Bytes that somebody publishes. A few buffers are asked for ahead of what the server takes.
   *
   * @param publisher its buffers must not change once they are published
   * @return the source
   */
  static CopySource from(Flow.Publisher<ByteBuffer> publisher) {
    return new Published(Objects.requireNonNull(publisher, "publisher"));
  }

  /**
   * Bytes that are read where reading may block.
   *
   * @param open opens the stream, which is closed at the end; may throw {@link IOException}
   * @param isOpen whether there is something open already, to be closed though nothing is read
   */
  record Blocking(Callable<InputStream> open, boolean isOpen) implements CopySource {}

  /**
   * Bytes that somebody publishes.
   *
   * @param publisher who does
   */
  record Published(Flow.Publisher<ByteBuffer> publisher) implements CopySource {}

  /**
   * Bytes that a function gives.
   *
   * @param chunks gives them
   */
  record Staged(Supplier<? extends CompletionStage<@Nullable ByteBuffer>> chunks)
      implements CopySource {}
}
