package io.asyncpg.pool;

import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Where a pool connects to, how many connections it has, and what it does with them. Immutable. */
public final class PoolConfig {
  private final Builder source;

  private PoolConfig(Builder source) {
    this.source = source;
  }

  /**
   * Begins with the defaults.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Begins with this configuration.
   *
   * @return a builder
   */
  public Builder toBuilder() {
    return new Builder(source);
  }

  /**
   * Where and as whom.
   *
   * @return the configuration of each connection
   */
  public PgConfig connection() {
    return Objects.requireNonNull(source.connection);
  }

  /**
   * How many connections are kept open.
   *
   * @return 1 by default
   */
  public int minSize() {
    return source.minSize;
  }

  /**
   * How many connections there may be.
   *
   * @return 10 by default
   */
  public int maxSize() {
    return source.maxSize;
  }

  /**
   * How many may wait for a connection.
   *
   * @return no limit by default, which is {@link Integer#MAX_VALUE}
   */
  public int maxWaiting() {
    return source.maxWaiting;
  }

  /**
   * How many requests a connection serves before it is replaced.
   *
   * @return 50,000 by default; 0 for any number
   */
  public long maxQueries() {
    return source.maxQueries;
  }

  /**
   * How long a connection may be idle while there are more than {@link #minSize}.
   *
   * @return five minutes by default; zero for ever
   */
  public Duration maxIdleTime() {
    return source.maxIdleTime;
  }

  /**
   * How long a connection may be open, less up to a tenth by chance.
   *
   * @return an hour by default; zero for ever
   */
  public Duration maxLifetime() {
    return source.maxLifetime;
  }

  /**
   * How long a borrower waits at most.
   *
   * @return 30 seconds by default
   */
  public Duration acquireTimeout() {
    return source.acquireTimeout;
  }

  /**
   * How long a connection may have been idle to be lent without being checked.
   *
   * @return 5 seconds by default; null when none is ever checked
   */
  public @Nullable Duration checkAfter() {
    return source.checkAfter;
  }

  /**
   * How long a connection has to answer when it is checked.
   *
   * @return 2 seconds by default
   */
  public Duration checkTimeout() {
    return source.checkTimeout;
  }

  /**
   * How long the reset of a session that was given back may take, and a row of a batch that is
   * still under way may take to come.
   *
   * @return 10 seconds by default
   */
  public Duration resetTimeout() {
    return source.resetTimeout;
  }

  /**
   * How long {@link PgPool#close} leaves borrowers their connections.
   *
   * @return a minute by default
   */
  public Duration closeTimeout() {
    return source.closeTimeout;
  }

  /**
   * How long a connection may be lent before its borrower is suspected of having lost it.
   *
   * @return zero by default, which is for ever
   */
  public Duration leakThreshold() {
    return source.leakThreshold;
  }

  /**
   * Whether the connection that was used last is lent first.
   *
   * @return true by default
   */
  public boolean lifo() {
    return source.lifo;
  }

  /**
   * What opens a connection in place of the pool.
   *
   * @return null by default
   */
  public @Nullable Supplier<? extends CompletionStage<PgConnection>> connect() {
    return source.connect;
  }

  /**
   * What is done with each connection when it has been opened.
   *
   * @return null by default, for nothing
   */
  public @Nullable Function<? super PgConnection, ? extends CompletionStage<?>> init() {
    return source.init;
  }

  /**
   * What is done with a connection each time before it is lent.
   *
   * @return null by default, for nothing
   */
  public @Nullable Function<? super PgConnection, ? extends CompletionStage<?>> setup() {
    return source.setup;
  }

  /**
   * What is done with a connection each time it was given back, in place of the usual reset.
   *
   * @return null by default, for the usual reset
   */
  public @Nullable Function<? super PgConnection, ? extends CompletionStage<?>> reset() {
    return source.reset;
  }

  @Override
  public String toString() {
    return "PoolConfig[" + connection() + ", " + minSize() + " to " + maxSize() + "]";
  }

  /** Collects what a pool is to be. Not safe for use by several threads at once. */
  public static final class Builder {
    private @Nullable PgConfig connection;
    private int minSize = 1;
    private int maxSize = 10;
    private int maxWaiting = Integer.MAX_VALUE;
    private long maxQueries = 50_000;
    private Duration maxIdleTime = Duration.ofMinutes(5);
    private Duration maxLifetime = Duration.ofHours(1);
    private Duration acquireTimeout = Duration.ofSeconds(30);
    private @Nullable Duration checkAfter = Duration.ofSeconds(5);
    private Duration checkTimeout = Duration.ofSeconds(2);
    private Duration resetTimeout = Duration.ofSeconds(10);
    private Duration closeTimeout = Duration.ofMinutes(1);
    private Duration leakThreshold = Duration.ZERO;
    private boolean lifo = true;
    private @Nullable Supplier<? extends CompletionStage<PgConnection>> connect;
    private @Nullable Function<? super PgConnection, ? extends CompletionStage<?>> init;
    private @Nullable Function<? super PgConnection, ? extends CompletionStage<?>> setup;
    private @Nullable Function<? super PgConnection, ? extends CompletionStage<?>> reset;

    private Builder() {}

    private Builder(Builder other) {
      connection = other.connection;
      minSize = other.minSize;
      maxSize = other.maxSize;
      maxWaiting = other.maxWaiting;
      maxQueries = other.maxQueries;
      maxIdleTime = other.maxIdleTime;
      maxLifetime = other.maxLifetime;
      acquireTimeout = other.acquireTimeout;
      checkAfter = other.checkAfter;
      checkTimeout = other.checkTimeout;
      resetTimeout = other.resetTimeout;
      closeTimeout = other.closeTimeout;
      leakThreshold = other.leakThreshold;
      lifo = other.lifo;
      connect = other.connect;
      init = other.init;
      setup = other.setup;
      reset = other.reset;
    }

    /**
     * Sets where to connect to and as whom.
     *
     * @param config of each connection. Its {@code commandTimeout} bounds each call on the pool,
     *     the wait for a connection included: of a stream the first rows, of a transaction that
     *     wait and then each of its statements. What is done with a connection that is borrowed, by
     *     {@code acquire} or {@code withConnection}, has its own; the borrowing has {@link
     *     #acquireTimeout}
     * @return this builder
     */
    public Builder connection(PgConfig config) {
      connection = Objects.requireNonNull(config, "config");
      return this;
    }

    /**
     * Sets where to connect to and as whom.
     *
     * @param dsn a connection string
     * @return this builder
     */
    public Builder dsn(String dsn) {
      return connection(PgConfig.parse(dsn));
    }

    /**
     * Sets how many connections are kept open. They are opened in the background, and opened again
     * when they go.
     *
     * @param connections 0 or more
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder minSize(int connections) {
      if (connections < 0) {
        throw new IllegalArgumentException("minSize: 0 or more is wanted, not " + connections);
      }
      minSize = connections;
      return this;
    }

    /**
     * Sets how many connections there may be at the same time, those being opened and closed among
     * them.
     *
     * @param connections 1 or more
     * @return this builder
     * @throws IllegalArgumentException if it is less
     */
    public Builder maxSize(int connections) {
      if (connections < 1) {
        throw new IllegalArgumentException("maxSize: 1 or more is wanted, not " + connections);
      }
      maxSize = connections;
      return this;
    }

    /**
     * Sets how many borrowers may wait while all connections are lent; one more fails at once. As
     * many as there are connections being opened, being closed or just given back are not counted.
     *
     * @param borrowers 0 or more
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder maxWaiting(int borrowers) {
      if (borrowers < 0) {
        throw new IllegalArgumentException("maxWaiting: 0 or more is wanted, not " + borrowers);
      }
      maxWaiting = borrowers;
      return this;
    }

    /**
     * Sets after how many requests a connection is replaced, which bounds what a server process
     * collects in its memory.
     *
     * @param requests 0 for any number
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder maxQueries(long requests) {
      if (requests < 0) {
        throw new IllegalArgumentException(
            "maxQueries: 0 (for any number) or more is wanted, not " + requests);
      }
      maxQueries = requests;
      return this;
    }

    /**
     * Sets how long a connection may be idle while there are more than {@code minSize}.
     *
     * @param time zero for ever
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder maxIdleTime(Duration time) {
      maxIdleTime = notNegative("maxIdleTime", time);
      return this;
    }

    /**
     * Sets how long a connection may be open. One that is lent then is replaced when it comes back.
     * Each gets up to a tenth less, so that those opened together do not go together.
     *
     * @param time zero for ever
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder maxLifetime(Duration time) {
      maxLifetime = notNegative("maxLifetime", time);
      return this;
    }

    /**
     * Sets how long a borrower waits at most, connecting, checking and {@link #setup} included.
     *
     * @param time above zero
     * @return this builder
     * @throws IllegalArgumentException if it is not
     */
    public Builder acquireTimeout(Duration time) {
      acquireTimeout = positive("acquireTimeout", time);
      return this;
    }

    /**
     * Sets how long a connection may have been idle to be lent without being checked; one that was
     * idle for longer has to answer first, in one round trip.
     *
     * @param time zero to check always; null to check never
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder checkAfter(@Nullable Duration time) {
      checkAfter = time == null ? null : notNegative("checkAfter", time);
      return this;
    }

    /**
     * Sets how long a connection has to answer when it is checked. One that does not is closed, and
     * its borrower gets another.
     *
     * @param time above zero
     * @return this builder
     * @throws IllegalArgumentException if it is not
     */
    public Builder checkTimeout(Duration time) {
      checkTimeout = positive("checkTimeout", time);
      return this;
    }

    /**
     * Sets how long the reset of a session that was given back may take, by the server or by {@link
     * #reset}; one that takes longer is closed. It is also how long an {@code executeMany} that was
     * under way then waits for a row that its publisher or iterator has not brought yet, before it
     * fails.
     *
     * @param time above zero
     * @return this builder
     * @throws IllegalArgumentException if it is not
     */
    public Builder resetTimeout(Duration time) {
      resetTimeout = positive("resetTimeout", time);
      return this;
    }

    /**
     * Sets how long {@link PgPool#close} leaves borrowers their connections before it terminates
     * them.
     *
     * @param time zero for not at all
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder closeTimeout(Duration time) {
      closeTimeout = notNegative("closeTimeout", time);
      return this;
    }

    /**
     * Turns leak detection on: a connection that is lent for longer is told of in the log, once,
     * with the stack of its borrower; so is one that is never given back. It costs a stack trace
     * for each time a connection is lent.
     *
     * @param time zero to turn it off
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder leakThreshold(Duration time) {
      leakThreshold = notNegative("leakThreshold", time);
      return this;
    }

    /**
     * Sets which idle connection is lent first.
     *
     * @param last true for the one that was used last, so that those not needed can go; false for
     *     the one idle for longest, so that all are used alike
     * @return this builder
     */
    public Builder lifo(boolean last) {
      lifo = last;
      return this;
    }

    /**
     * Sets what opens a connection in place of the pool: one on event loops of the application's
     * own, for instance. Such connections do not share what they learn, and go where the factory
     * sends them: {@link PgPool#readOnly} and {@link PgPool#readWrite} of such a pool ask the same
     * factory, which knows nothing of the servers that they want.
     *
     * @param factory gives a new connection each time, which is the pool's then; must not block. A
     *     stage that is not wanted any more is cancelled if it is the very future that this
     *     library's {@code connect} has returned; any other is left to come to its end, and its
     *     connection is closed then, though the pool may have been closed before
     * @return this builder
     */
    public Builder connect(Supplier<? extends CompletionStage<PgConnection>> factory) {
      connect = Objects.requireNonNull(factory, "factory");
      return this;
    }

    /**
     * Sets what is done with each connection when it has been opened, before it is lent for the
     * first time. A setting made here lasts only until the first reset: put settings into the
     * {@link PgConfig}, or make them in {@link #setup}.
     *
     * @param hook called where futures complete; must not block. {@code close()} has no effect on
     *     the connection before its stage is complete. When the stage fails, or does not end within
     *     {@link PgConfig#connectTimeout()}, the connection is closed, and it counts as an attempt
     *     to connect that failed: whoever waits goes on waiting where that may pass (a connection
     *     that was lost, a time that was up, a serialization failure or deadlock), and is told at
     *     once where it will not
     * @return this builder
     */
    public Builder init(Function<? super PgConnection, ? extends CompletionStage<?>> hook) {
      init = Objects.requireNonNull(hook, "hook");
      return this;
    }

    /**
     * Sets what is done with a connection each time before it is lent.
     *
     * @param hook called on the borrower's thread or where futures complete; must not block. {@code
     *     close()} has no effect on the connection before its stage is complete. When the stage
     *     fails, so does the borrower's future, and the connection is closed; it is closed as well
     *     when the borrower's time is up before the stage has ended, or he gives up
     * @return this builder
     */
    public Builder setup(Function<? super PgConnection, ? extends CompletionStage<?>> hook) {
      setup = Objects.requireNonNull(hook, "hook");
      return this;
    }

    /**
     * Sets what is done with a connection that was given back, in place of the usual reset
     * (advisory locks released, cursors closed, no listening, settings set back). Not called for
     * one on which nothing was run. A transaction is rolled back and listeners are dropped before.
     *
     * @param hook called on the event loop; must not block. {@code close()} has no effect on the
     *     connection. When the hook's stage fails, or does not end within {@link #resetTimeout},
     *     the connection is closed
     * @return this builder
     */
    public Builder reset(Function<? super PgConnection, ? extends CompletionStage<?>> hook) {
      reset = Objects.requireNonNull(hook, "hook");
      return this;
    }

    /**
     * Makes the configuration.
     *
     * @return what was set, and the defaults
     * @throws IllegalArgumentException if {@code minSize} is more than {@code maxSize}
     * @throws IllegalStateException if no connection was set
     */
    public PoolConfig build() {
      if (connection == null) {
        throw new IllegalStateException(
            "where to connect to was not said: call connection(PgConfig) or dsn(String)");
      }
      if (minSize > maxSize) {
        throw new IllegalArgumentException(
            "minSize is " + minSize + ", which is more than maxSize, " + maxSize);
      }
      return new PoolConfig(new Builder(this));
    }

    private static Duration notNegative(String name, Duration time) {
      if (time.isNegative()) {
        throw new IllegalArgumentException(
            name + ": a duration of zero or more is wanted, not " + time);
      }
      return time;
    }

    private static Duration positive(String name, Duration time) {
      if (time.isNegative() || time.isZero()) {
        throw new IllegalArgumentException(name + ": a duration above zero is wanted, not " + time);
      }
      return time;
    }
  }
}
