package io.asyncpg.client;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Flow;

/** Where the bytes of a COPY into a table come from, in the format that the options name. */
public sealed interface CopySource {

  /**
   * A file, opened when the server is ready for it.
   *
   * @param path the file
   * @return the source
   */
  static CopySource from(Path path) {
    Objects.requireNonNull(path, "path");
    return new Blocking(() -> Files.newInputStream(path));
  }

  /**
   * A stream, read on a thread that may block, and closed at the end.
   *
   * @param stream the stream
   * @return the source, for one use
   */
  static CopySource from(InputStream stream) {
    Objects.requireNonNull(stream, "stream");
    return new Blocking(() -> stream);
  }

  /**
   * Bytes that are there.
   *
   * @param bytes must not change until the copy is over
   * @return the source
   */
  static CopySource from(byte[] bytes) {
    Objects.requireNonNull(bytes, "bytes");
    return new Blocking(() -> new java.io.ByteArrayInputStream(bytes));
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
   */
  record Blocking(Callable<InputStream> open) implements CopySource {}

  /**
   * Bytes that somebody publishes.
   *
   * @param publisher who does
   */
  record Published(Flow.Publisher<ByteBuffer> publisher) implements CopySource {}
}
