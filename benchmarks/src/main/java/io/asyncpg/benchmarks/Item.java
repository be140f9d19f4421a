package io.asyncpg.benchmarks;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;
import java.util.stream.IntStream;

/** A row to be written. */
record Item(int id, String name, long amount, double price) {
  static final List<Item> ITEMS =
      IntStream.range(0, Workload.ITEMS)
          .mapToObj(i -> new Item(i, "item number " + i, i * 1_000L, i * 0.25))
          .toList();

  /** A million, the same ones again and again: to make them costs nobody anything. */
  static final List<Item> MILLION = new Repeated();

  private static final class Repeated extends AbstractList<Item> implements RandomAccess {
    @Override
    public Item get(int index) {
      return ITEMS.get(index % ITEMS.size());
    }

    @Override
    public int size() {
      return Workload.MILLION_ROWS;
    }
  }

  /** This row as COPY reads it in text. */
  void appendTo(StringBuilder text) {
    text.append(id)
        .append('\t')
        .append(name)
        .append('\t')
        .append(amount)
        .append('\t')
        .append(price)
        .append('\n');
  }
}
