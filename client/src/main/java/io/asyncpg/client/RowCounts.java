package io.asyncpg.client;

/** How many rows each execution of a batch touched. */
public interface RowCounts {
  /**
   * How many executions there were.
   *
   * @return 0 or more
   */
  int size();

  /**
   * The rows one execution touched.
   *
   * @param i the execution, from 0, in the order of the input
   * @return the count of its command tag
   */
  long get(int i);

  /**
   * The rows all executions touched.
   *
   * @return the sum
   */
  long total();
}
