package io.asyncpg.client;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** Where the bytes of a COPY from a table or query go, in the format that the options name. */
public sealed interface CopySink {

  /**
   * A file, made or overwritten. After a failure it holds what had come.
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
}
