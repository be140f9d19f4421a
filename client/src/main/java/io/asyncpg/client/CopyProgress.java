package io.asyncpg.client;

/**
 * Is told how far a COPY has come: some hundred kilobytes after it was told last, and at the end of
 * a copy that succeeded. Called on the event loop, before the future completes, and must not block
 * there; when it throws, that is logged, and the copy goes on without it.
 */
@FunctionalInterface
public interface CopyProgress {
  /**
   * The copy has come this far.
   *
   * @param rows the rows sent or received; -1 on the way of bytes into a table, where only the
   *     server counts them, but at the end
   * @param bytes the bytes of COPY data sent or received
   */
  void progress(long rows, long bytes);
}
