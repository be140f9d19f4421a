package io.asyncpg.client.session;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An {@link InputStream} that was given as an argument, as it was read where the call was made: the
 * event loop must not wait for it, and may have to encode it twice.
 */
public final class StreamArgument extends ByteArrayInputStream {
  /** In place of a stream that could not be read: its statement fails where it is encoded. */
  record Unread(Throwable reason) {}

  private StreamArgument(byte[] bytes) {
    super(bytes);
  }

  /**
   * Reads the streams among arguments; those that were read before begin anew. It waits for them,
   * so it is called on the thread that makes the call.
   *
   * @param args the arguments; left as they are
   * @return the arguments to go on with: the same array if there is no stream to read
   */
  public static @Nullable Object[] read(@Nullable Object[] args) {
    given(args);
    for (int i = 0; i < args.length; i++) {
      if (args[i] instanceof InputStream) {
        return readFrom(i, args);
      }
    }
    return args;
  }

  /** Java takes a lone null for the array, not for the one argument in it. */
  static @Nullable Object[] given(@Nullable Object[] args) {
    return Objects.requireNonNull(
        args, "the array of arguments is null: for one argument that is NULL write (Object) null");
  }

  private static @Nullable Object[] readFrom(int first, @Nullable Object[] args) {
    @Nullable Object[] read = Arrays.copyOf(args, args.length, Object[].class);
    for (int i = first; i < read.length; i++) {
      if (read[i] instanceof StreamArgument again) {
        again.reset();
      } else if (read[i] instanceof InputStream stream) {
        read[i] = readAll(stream);
      }
    }
    return read;
  }

  private static Object readAll(InputStream stream) {
    try {
      return new StreamArgument(stream.readAllBytes());
    } catch (IOException | RuntimeException | Error theirs) {
      return new Unread(theirs);
    }
  }
}
