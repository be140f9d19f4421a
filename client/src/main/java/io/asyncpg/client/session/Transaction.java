package io.asyncpg.client.session;

import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgTransaction;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A handle of a transaction block or savepoint. Any thread. */
final class Transaction extends Client implements PgTransaction {
  private final Block block;

  /** Handed to a function that returns the outcome: it is not for the function to end it. */
  private final boolean managed;

  Transaction(Client client, Block block) {
    this(client, block, client.ownTimeout, false);
  }

  private Transaction(Client client, Block block, @Nullable Duration timeout, boolean managed) {
    super(client.session, client.lease, timeout);
    this.block = block;
    this.managed = managed;
  }

  /** The same, for a function that must not end it. */
  Transaction managed() {
    return new Transaction(this, block, ownTimeout, true);
  }

  @Override
  Block block() {
    return block;
  }

  @Override
  @Nullable String ended() {
    String leaseOver = super.ended();
    if (leaseOver != null && lease.home() != null) {
      return leaseOver; // that it was rolled back then is not all there is to say
    }
    String ended = block.ended();
    return ended == null ? leaseOver : ended;
  }

  @Override
  public PgFuture<Void> commit() {
    return end(true);
  }

  @Override
  public PgFuture<Void> rollback() {
    return end(false);
  }

  private PgFuture<Void> end(boolean commit) {
    if (managed) {
      return PgFuture.failed(
          new IllegalStateException(
              "transaction(work) commits and rolls back by itself: return a stage that completes"
                  + " well to commit, or one that fails to roll back"));
    }
    return bounded(
        commit ? "COMMIT" : "ROLLBACK", nanos -> session.transactions().end(block, commit, nanos));
  }

  @Override
  public void close() {
    if (!managed && ended() == null) {
      session.transactions().end(block, false, 0);
    }
  }

  @Override
  public Transaction withTimeout(Duration timeout) {
    return new Transaction(this, block, timeout, managed);
  }

  @Override
  public String toString() {
    return "PgTransaction[" + block.phase() + " on #" + session.processId() + "]";
  }
}
