package io.asyncpg.client;

import io.asyncpg.client.session.Listening;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.function.Consumer;

/**
 * Listens to channels for as long as it is open, through lost connections: it has a connection of
 * its own, makes it anew when it is lost, listens again, and says that something may have been
 * missed. Safe from any thread.
 *
 * <p>The server keeps no notification for who is not there. So after an {@link Gap} an application
 * looks for itself at what the notifications were about; one that does this at each gap and at its
 * start misses nothing.
 *
 * <p>Subscribers and listeners are called on the configured completion executor, or else on a
 * thread that is no event loop: they may block. Each has a buffer of its own; what does not fit, as
 * it is slower than the server, is dropped, and it is told by a {@link Gap} as well. Neither the
 * other subscribers nor the connection wait for it.
 *
 * @see <a href="https://www.postgresql.org/docs/current/sql-notify.html">NOTIFY in PostgreSQL's
 *     manual</a>
 */
public interface PgListener extends AutoCloseable {

  /** What a listener is told. */
  sealed interface Event {}

  /**
   * A notification.
   *
   * @param notification what was said
   */
  record Heard(Notification notification) implements Event {}

  /**
   * Something may have been said that was not heard. Its times are whole microseconds, as
   * parameters of type timestamptz are.
   *
   * @param since when it was last known that nothing was missed
   * @param until from when on everything is heard again
   * @param reason why: the connection was lost, or the subscriber was too slow
   */
  record Gap(Instant since, Instant until, Throwable reason) implements Event {}

  /**
   * A listener with the usual settings. It connects when the first channel is asked for.
   *
   * @param dsn where and as whom
   * @return the listener, to be closed
   */
  static PgListener create(String dsn) {
    return create(PgConfig.parse(dsn));
  }

  /**
   * A listener with the usual settings. It connects when the first channel is asked for.
   *
   * @param config where and as whom
   * @return the listener, to be closed
   */
  static PgListener create(PgConfig config) {
    return builder(config).build();
  }

  /**
   * A listener with settings of one's own.
   *
   * @param config where and as whom
   * @return the settings
   */
  static Builder builder(PgConfig config) {
    return new Builder(config);
  }

  /**
   * Listens to a channel.
   *
   * @param channel its name, exactly as it is; quoted here
   * @param listener called for each event, in order and one at a time; may block; what it throws is
   *     logged. The same one twice counts once for a channel
   * @return complete when the server listens. While a lost connection is made anew it waits; it
   *     fails when the very first connection cannot be made, and the listener is then forgotten
   */
  PgFuture<Void> addListener(String channel, Consumer<? super Event> listener);

  /**
   * No longer listens to a channel.
   *
   * @param channel its name
   * @param listener one that was added; any other is ignored
   */
  void removeListener(String channel, Consumer<? super Event> listener);

  /**
   * The events of a channel, from each subscription on.
   *
   * @param channel its name, exactly as it is; quoted here
   * @return subscribers are told what {@link #addListener} would have told; {@code onError} when
   *     the very first connection cannot be made, {@code onComplete} when this is closed
   */
  Flow.Publisher<Event> listen(String channel);

  /**
   * Whether the server is listened to at this moment, as far as is known.
   *
   * @return false before the first channel is asked for, and while a lost connection is made anew
   */
  boolean isListening();

  /**
   * Completes when this is closed and its connection has ended.
   *
   * @return never fails
   */
  PgFuture<Void> closed();

  /** Ends all subscriptions, after what is in their buffers, and the connection. */
  @Override
  void close();

  /** The settings of a listener. */
  final class Builder {
    private final PgConfig config;
    private Duration heartbeat = Duration.ofSeconds(30);
    private Duration longestPause = Duration.ofSeconds(10);
    private int bufferSize = 1024;

    private Builder(PgConfig config) {
      this.config = Objects.requireNonNull(config, "config");
    }

    /**
     * Within this time a connection is found dead of which nothing has come, not even its end.
     *
     * @param interval 30 seconds unless set; half of it lies between two questions to the server,
     *     and half is what an answer may take
     * @return this
     */
    public Builder heartbeat(Duration interval) {
      heartbeat = positive("heartbeat", interval);
      return this;
    }

    /**
     * The pauses between attempts to connect grow up to this.
     *
     * @param pause 10 seconds unless set; each pause is shortened at random by up to a half, so
     *     that many clients do not return together
     * @return this
     */
    public Builder longestPause(Duration pause) {
      longestPause = positive("longestPause", pause);
      return this;
    }

    /**
     * So many events wait for a slow subscriber before some are dropped.
     *
     * @param events 1,024 unless set; rounded up to a power of two. A notification has up to 8,000
     *     bytes
     * @return this
     */
    public Builder bufferSize(int events) {
      if (events < 1 || events > 1 << 24) {
        throw new IllegalArgumentException(
            "bufferSize is " + events + ", but must be 1 to " + (1 << 24));
      }
      bufferSize = events;
      return this;
    }

    private static Duration positive(String name, Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new IllegalArgumentException(name + " is " + value + ", but must be positive");
      }
      return value;
    }

    /**
     * Makes the listener.
     *
     * @return it connects when the first channel is asked for; to be closed
     */
    public PgListener build() {
      return new Listening(config, heartbeat, longestPause, bufferSize);
    }
  }
}
