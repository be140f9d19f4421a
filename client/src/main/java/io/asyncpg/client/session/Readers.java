package io.asyncpg.client.session;

import io.asyncpg.types.ValueReader;

/** Where a row gets the reader of one of its values from. */
@FunctionalInterface
interface Readers {
  /** A new one each time. */
  Readers ANY_NUMBER = ValueReader::new;

  /** A reader of one value, for the current thread and until its next call. */
  ValueReader reader(byte[] bytes, int from, int to);
}
