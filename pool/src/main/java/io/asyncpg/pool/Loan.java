package io.asyncpg.pool;

import org.jspecify.annotations.Nullable;

/** What is known of one time that a connection was lent. It must not hold the handle. */
final class Loan {
  /** Where it was asked for; null unless leaks are looked for. */
  final @Nullable Throwable borrower;

  Loan(@Nullable Throwable borrower) {
    this.borrower = borrower;
  }

  /** The stack of a borrower, to be logged. */
  static final class Borrower extends Throwable {
    private static final long serialVersionUID = 1L;

    Borrower() {
      super("the connection was borrowed here");
    }
  }
}
