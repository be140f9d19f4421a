package io.asyncpg.client;

import java.util.AbstractList;
import java.util.Iterator;
import java.util.List;
import java.util.RandomAccess;
import java.util.Spliterator;
import java.util.function.Consumer;

/** The rows of one result, in the order in which the server sent them. Immutable. */
public final class Rows extends AbstractList<Row> implements RandomAccess {
  private final List<Column> columns;
  private final CommandTag tag;
  private final List<Row> rows;

  /**
   * Creates a result of rows that are there already.
   *
   * @param columns the columns of each row
   * @param tag what the server said when it was done
   * @param rows the rows; not copied
   */
  public Rows(List<Column> columns, CommandTag tag, List<Row> rows) {
    this.columns = columns;
    this.tag = tag;
    this.rows = rows;
  }

  /**
   * The columns of every row.
   *
   * @return empty for a statement that returns none
   */
  public List<Column> columns() {
    return columns;
  }

  /**
   * What the server said when it was done.
   *
   * @return the command tag
   */
  public CommandTag tag() {
    return tag;
  }

  @Override
  public Row get(int index) {
    return rows.get(index);
  }

  @Override
  public int size() {
    return rows.size();
  }

  @Override
  public Iterator<Row> iterator() {
    return rows.iterator();
  }

  @Override
  public Spliterator<Row> spliterator() {
    return rows.spliterator();
  }

  @Override
  public void forEach(Consumer<? super Row> action) {
    rows.forEach(action);
  }
}
