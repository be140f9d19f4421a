package io.asyncpg.client.session;

import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgTransaction;
import io.asyncpg.client.TransactionOptions;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.BackendMessage;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * The transactions of one session: who is nested in whom, and how BEGIN gets to the server.
 *
 * <p>BEGIN is written in front of the first exchange that runs in the transaction, under the same
 * Sync, so that this exchange cannot run if BEGIN fails; and nothing is written behind it until the
 * server has answered BEGIN, so that nothing else can run outside either.
 */
final class Transactions {
  private final Session session;

  /** Guarded by this, as is handing over the requests that begin and end transactions. */
  private @Nullable Block innermost;

  private long begun;

  /** The transaction block of what is written next; on the event loop. */
  private @Nullable Block current;

  Transactions(Session session) {
    this.session = session;
  }

  // ---- From any thread

  /**
   * Begins a transaction, or a savepoint in the innermost that is open.
   *
   * @param alsoByHand whether a savepoint in a transaction begun by hand will do
   * @param timeout in nanoseconds; 0 for none
   * @throws IllegalArgumentException when the options are not for a savepoint
   */
  synchronized Begin begin(
      Client client, TransactionOptions options, boolean alsoByHand, long timeout) {
    Block around = innermostOpen();
    if (around != null) {
      Block.checkNested(options, around);
    }
    String over = client.ended();
    if (over != null) {
      throw new IllegalStateException(over); // given back by another thread
    }
    Block block = new Block(around, options, ++begun);
    innermost = block;
    Begin begin = new Begin(client, block, alsoByHand, timeout);
    Fetch.run(begin);
    return begin;
  }

  /** Commits or rolls back, if nobody else has. */
  PgFuture<Void> end(Block block, boolean commit, long timeout) {
    String ended;
    synchronized (this) {
      ended = block.ended();
      if (ended == null) {
        block.move(commit ? Block.Phase.COMMITTING : Block.Phase.ROLLING_BACK);
        return Fetch.run(new End(session, block, commit, timeout));
      }
    }
    return PgFuture.failed(new IllegalStateException(ended));
  }

  synchronized void rollBackIfOpen(Block block) {
    if (block.ended() == null) {
      end(block, false, 0);
    }
  }

  /** Rolls back if it is open, and stops what runs in it; its callers do not wait any more. */
  void stop(Block block) {
    rollBackIfOpen(block);
    session.runInOrder(
        () -> {
          for (Exchange exchange : session.pending()) {
            Block owner = exchange.owner();
            if (owner != null && owner.isWithin(block) && exchange instanceof Request<?> request) {
              request.future().cancel(true);
            }
          }
        });
  }

  /** All that are open end for their callers: the session is about to be reset. */
  synchronized void endAll() {
    for (Block block = innermostOpen(); block != null; block = block.around) {
      if (block.phase() == Block.Phase.OPEN) {
        block.move(Block.Phase.ROLLING_BACK);
        block.move(Block.Phase.ROLLED_BACK);
      }
    }
    innermost = null;
  }

  synchronized boolean isOpen() {
    return innermostOpen() != null;
  }

  private @Nullable Block innermostOpen() {
    Block block = innermost;
    while (block != null && block.ended() != null) {
      block = block.around;
    }
    innermost = block;
    return block;
  }

  // ---- On the event loop

  /** What is written next runs in no transaction begun here. */
  void leave() {
    Block block = current;
    if (block != null) {
      block.over();
      current = null;
    }
  }

  /** Whether BEGIN has been written and not been answered. */
  boolean holdsWrites() {
    Block block = current;
    return block != null && block.isBeginning();
  }

  /**
   * Whether BEGIN goes in front of this exchange. Such a one stays away from those in flight: were
   * one of them cancelled, the cancel could hit the new transaction, which cannot be run again.
   */
  boolean beginWith(Exchange exchange) {
    Block block = current;
    return block != null
        && block.isPending()
        && exchange.runsInTransactions()
        && !goesBefore(block, exchange);
  }

  /** Whether it is, or is asked for the sake of, what was written before the transaction began. */
  private boolean goesBefore(Block block, Exchange exchange) {
    return block.isPending() && (exchange.isRepeated() || session.hasToRepeat());
  }

  /** Whether what is written next runs in a transaction that was begun here. */
  boolean isCurrent() {
    return current != null;
  }

  /** The same, of what was written before and runs again: it goes in front of a BEGIN to come. */
  boolean isCurrentForRepeats() {
    Block block = current;
    return block != null && !block.isPending();
  }

  /**
   * Puts an exchange into its transaction; BEGIN goes in front of it when it is the first.
   *
   * @throws IllegalStateException when its transaction is over
   * @throws PgServerException when its transaction could not be begun
   */
  void writing(Exchange exchange, FrontendWriter out) {
    Block owner = exchange.owner();
    if (owner != null && owner.isOver()) {
      String ended = owner.ended();
      throw new IllegalStateException(ended == null ? "the transaction has ended" : ended);
    }
    Block block = current;
    if (block == null || !exchange.runsInTransactions() || goesBefore(block, exchange)) {
      return;
    }
    if (block.isBroken()) {
      throw block.whyBroken(exchange.sql());
    }
    exchange.entered(block);
    if (block.isPending()) {
      exchange.writeBegin(block.beginSql(), out);
    }
  }

  /** The exchange has been written, whole. */
  void written(Exchange exchange) {
    Block block = exchange.enclosing();
    if (block != null && block.isPending()) {
      block.beginWritten();
    }
  }

  /** ReadyForQuery of an exchange that ran in a transaction begun here. */
  static void answered(Block block, TransactionStatus status) {
    if (block.isBeginning() || (status == TransactionStatus.IDLE && !block.isOver())) {
      if (!block.isBroken()) {
        block.broken();
      }
    } else if (status == TransactionStatus.IN_TRANSACTION) {
      block.isWell();
    }
  }

  /**
   * Whether no transaction will be open when all that has been written is answered: true, false, or
   * null for what only the answers can tell.
   */
  private @Nullable Boolean willBeIdle() {
    Iterator<Exchange> latestFirst = session.inFlight().descendingIterator();
    while (latestFirst.hasNext()) {
      Exchange written = latestFirst.next();
      if (written instanceof End end && !end.block.isSavepoint()) {
        return true;
      }
      if (written.mayOpenTransaction()) {
        return null;
      }
    }
    if (session.transactionStatus() == TransactionStatus.IDLE) {
      return true;
    }
    return session.inFlight().isEmpty() ? false : null;
  }

  /** The beginning of a transaction, of which nothing is sent; or SAVEPOINT. */
  static final class Begin extends Request<PgTransaction> {
    private final Transactions transactions;
    private final Block block;
    private final boolean alsoByHand;
    private final Transaction transaction;
    private @Nullable Diagnostic failure;

    Begin(Client client, Block block, boolean alsoByHand, long timeout) {
      super(client.session, timeout);
      this.transactions = client.session.transactions();
      this.block = block;
      this.alsoByHand = alsoByHand;
      this.transaction = new Transaction(client, block);
      own(block.around);
      under(client.lease);
    }

    Block block() {
      return block;
    }

    @Override
    boolean mayLeaveTraces() {
      return false; // what is still open when the session comes back is rolled back
    }

    /** Its handle, before it is known whether it could be begun. */
    Transaction transaction() {
      return transaction;
    }

    @Override
    boolean isReadyToWrite(Session session, boolean first) {
      if (!first || block.isSavepoint()) {
        return first;
      }
      Boolean idle = transactions.willBeIdle();
      if (idle == null) {
        return false;
      }
      if (!idle && !alsoByHand) {
        throw new IllegalStateException(
            "a transaction was begun by hand, with SQL, and is open: end it the same way, or use"
                + " transaction() and begin() throughout");
      }
      if (!idle) {
        block.becomeSavepoint();
      }
      return true;
    }

    @Override
    boolean endsUnwritten(Session session) {
      if (block.isSavepoint()) {
        return false;
      }
      if (block.phase() != Block.Phase.NEVER_BEGUN) {
        transactions.current = block;
        complete(transaction);
      }
      return true;
    }

    @Override
    void abandoned() {
      if (stage() == Stage.WAITING) {
        block.neverBegun("its begin() was cancelled, or timed out");
      }
    }

    @Override
    void write(Session session, FrontendWriter out) {
      out.query(beginPrefix() + block.savepointSql());
      block.begun();
    }

    @Override
    void writeBegin(String begin, FrontendWriter out) {
      prefixBegin(begin);
    }

    @Override
    boolean mayOpenTransaction() {
      return true;
    }

    @Override
    void commandComplete(String command, long rows) {
      // SAVEPOINT
    }

    @Override
    void failed(Diagnostic diagnostic) {
      failure = diagnostic;
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      if (failure != null) {
        fail(PgServerException.of(failure, sql(), RetrySafety.ROLLED_BACK));
      } else {
        complete(transaction);
      }
    }

    @Override
    void fail(Throwable reason) {
      if (stage() == Stage.DONE) {
        block.neverBegun(reason.getMessage());
      }
      super.fail(reason);
    }

    @Override
    String sql() {
      return block.isSavepoint() ? block.savepointSql() : block.beginSql();
    }

    @Override
    String doing() {
      return "while it set a savepoint";
    }
  }

  /** The end of a transaction or savepoint. */
  private static final class End extends Request<Void> {
    private final Block block;
    private final boolean commit;
    private boolean commitWritten;
    private boolean written;
    private String tag = "";
    private @Nullable Diagnostic failure;

    End(Session session, Block block, boolean commit, long timeout) {
      super(session, timeout);
      this.block = block;
      this.commit = commit;
    }

    @Override
    boolean isWrittenEvenAbandoned() {
      return true;
    }

    @Override
    boolean mayBeStopped() {
      return false;
    }

    @Override
    boolean mayLeaveTraces() {
      return false;
    }

    @Override
    boolean runsInTransactions() {
      return false;
    }

    @Override
    boolean endsUnwritten(Session session) {
      Block transaction = session.transactions().current;
      boolean nothingThere =
          block.isPending()
              || block.isOver()
              || block.whyNeverBegun() != null
              || (block.isSavepoint() && transaction != null && transaction.isBroken())
              || (block.isBroken() && session.transactionStatus() == TransactionStatus.IDLE);
      if (!nothingThere) {
        return false;
      }
      Block broken = block.isSavepoint() ? transaction : block;
      RuntimeException trouble = null;
      if (block.whyNeverBegun() != null && commit) {
        trouble =
            new IllegalStateException("the transaction was never begun: " + block.whyNeverBegun());
      } else if (broken != null && broken.isBroken() && (commit || broken.wasEndedByHand())) {
        trouble = broken.whyBroken(sql());
      }
      over(session);
      if (trouble != null) {
        block.move(commit ? Block.Phase.FAILED : Block.Phase.ROLLED_BACK);
        super.fail(trouble);
      } else {
        block.move(commit ? Block.Phase.COMMITTED : Block.Phase.ROLLED_BACK);
        succeed();
      }
      return true;
    }

    private void over(Session session) {
      block.over();
      Transactions transactions = session.transactions();
      if (transactions.current == block) {
        transactions.current = null;
      }
    }

    @SuppressWarnings("NullAway") // a Void is null
    private void succeed() {
      complete(null);
    }

    @Override
    void write(Session session, FrontendWriter out) {
      // What came too late to be committed in time is undone: its caller has been told so.
      commitWritten = commit && !isAbandoned();
      out.query(commitWritten ? block.commitSql() : block.rollbackSql());
      written = true;
      over(session);
    }

    @Override
    void commandComplete(String command, long rows) {
      tag = command;
    }

    @Override
    void failed(Diagnostic diagnostic) {
      failure = diagnostic;
    }

    @Override
    void message(BackendMessage message) {
      throw unexpected(message.getClass().getSimpleName());
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      boolean undone = !commitWritten || tag.equals("ROLLBACK");
      if (failure != null || (commitWritten && undone)) {
        if (block.isSavepoint() || status != TransactionStatus.IDLE) {
          session.submitUrgently(new Undo(block.rollbackSql()));
        }
        block.move(commit ? Block.Phase.FAILED : Block.Phase.ROLLED_BACK);
        super.fail(
            failure == null
                ? block.rolledBackInstead()
                : PgServerException.of(failure, sql(), RetrySafety.ROLLED_BACK));
      } else {
        block.move(undone ? Block.Phase.ROLLED_BACK : Block.Phase.COMMITTED);
        succeed();
      }
    }

    @Override
    void fail(Throwable reason) {
      if (stage() != Stage.DONE) {
        super.fail(reason); // out of time; the answer will move the block
        return;
      }
      if (commitWritten && !block.isSavepoint()) {
        block.move(Block.Phase.LOST);
        super.fail(
            new PgConnectionException(
                "the connection was lost during COMMIT: whether the transaction was committed"
                    + " is unknown",
                "COMMIT",
                RetrySafety.UNKNOWN,
                reason));
      } else {
        block.move(commit ? Block.Phase.FAILED : Block.Phase.ROLLED_BACK);
        super.fail(reason);
      }
    }

    @Override
    String sql() {
      return commit ? block.commitSql() : block.rollbackSql();
    }

    @Override
    String doing() {
      return "while it ended a transaction" + (written ? "" : " that was not sent");
    }
  }

  /** Undoes what is left of a block whose end went wrong. Nobody waits for it. */
  private static final class Undo extends Exchange {
    private final String sql;

    Undo(String sql) {
      this.sql = sql;
    }

    @Override
    boolean runsInTransactions() {
      return false;
    }

    @Override
    void write(Session session, FrontendWriter out) {
      out.query(sql);
    }

    @Override
    void commandComplete(String command, long rows) {
      // As it should be.
    }

    @Override
    void failed(Diagnostic diagnostic) {
      // The savepoint went with the transaction.
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      if (wasHitInstead()) {
        session.submitUrgently(new Undo(sql));
      }
    }

    @Override
    void fail(Throwable failure) {
      // The server undoes all when the session ends.
    }

    @Override
    String sql() {
      return sql;
    }

    @Override
    String doing() {
      return "while it undid a transaction";
    }
  }
}
