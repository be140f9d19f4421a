package io.asyncpg.client.session;

import io.asyncpg.client.Notification;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgListener;
import io.asyncpg.error.DataException;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.RetrySafety;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A listener that outlives its connections.
 *
 * <p>Its state is guarded by its monitor, which is never held while a stranger is called: what is
 * to be done is decided inside and done outside.
 */
public final class Listening implements PgListener {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");
  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private enum State {
    /** Nobody has asked for a channel since it was made, or since the first attempt failed. */
    IDLE,
    CONNECTING,
    LISTENING,
    /** Between two attempts to connect again. */
    PAUSING,
    CLOSED;

    private boolean leadsTo(State next) {
      return switch (this) {
        case IDLE -> next == CONNECTING || next == CLOSED;
        case CONNECTING -> next != CONNECTING;
        case LISTENING -> next == PAUSING || next == CLOSED;
        case PAUSING -> next == CONNECTING || next == CLOSED;
        case CLOSED -> false;
      };
    }
  }

  private final Connector connector;
  private final @Nullable Executor executor;
  private final long beatNanos;
  private final long longestPauseNanos;
  private final int bufferSize;
  private final Consumer<Notification> relay = this::heard;
  private final PgFuture<Void> closed = new PgFuture<>();

  // Guarded by this.
  private final Map<String, List<Ear>> channels = new LinkedHashMap<>();
  private State state = State.IDLE;
  private @Nullable Connection link;
  private @Nullable PgFuture<PgConnection> attempt;
  private boolean everListened;
  private int failures;

  /** When it was last certain that nothing is missed. */
  private Instant complete = Instant.MIN;

  private @Nullable Throwable whyLost;

  /**
   * Creates a listener that has not connected.
   *
   * @param config where and as whom
   * @param heartbeat within which a dead link is found
   * @param longestPause between two attempts
   * @param bufferSize in events, for each subscriber
   */
  public Listening(PgConfig config, Duration heartbeat, Duration longestPause, int bufferSize) {
    this.connector = new Connector(config);
    this.executor = config.completionExecutor();
    this.beatNanos = Math.max(1, Deadlines.nanos(heartbeat) / 2);
    this.longestPauseNanos = Deadlines.nanos(longestPause);
    this.bufferSize = bufferSize;
  }

  // ---- Who listens

  @Override
  public PgFuture<Void> addListener(String channel, Consumer<? super Event> listener) {
    try {
      Notifications.quoted(channel);
    } catch (IllegalArgumentException refused) {
      return PgFuture.failed(refused);
    }
    return add(channel, new Ear(channel, new Called(channel, listener), listener));
  }

  @Override
  public void removeListener(String channel, Consumer<? super Event> listener) {
    Ear found = null;
    synchronized (this) {
      for (Ear ear : channels.getOrDefault(channel, List.of())) {
        if (listener.equals(ear.listener)) {
          found = ear;
        }
      }
    }
    if (found != null) {
      remove(found);
      found.end(null);
    }
  }

  @Override
  public Flow.Publisher<Event> listen(String channel) {
    Notifications.quoted(channel);
    return subscriber -> add(channel, new Ear(channel, subscriber, null));
  }

  private PgFuture<Void> add(String channel, Ear ear) {
    Connection open = null;
    boolean begin = false;
    synchronized (this) {
      if (state == State.CLOSED) {
        ear.end(new IllegalStateException("the listener has been closed: create another"));
        return ear.added;
      }
      List<Ear> those = channels.computeIfAbsent(channel, name -> new CopyOnWriteArrayList<>());
      for (Ear other : those) {
        if (ear.listener != null && ear.listener.equals(other.listener)) {
          return other.added;
        }
      }
      those.add(ear);
      if (state == State.IDLE) {
        become(State.CONNECTING);
        begin = true;
      } else if (state == State.LISTENING) {
        open = link;
      }
    }
    if (begin) {
      connect();
    } else if (open != null) {
      listenOn(open, Set.of());
    }
    return ear.added;
  }

  private synchronized void remove(Ear ear) {
    List<Ear> those = channels.get(ear.channel);
    if (those == null || !those.remove(ear) || !those.isEmpty()) {
      return;
    }
    channels.remove(ear.channel);
    Connection open = link;
    if (open != null) {
      PgFuture<Void> unlistened = open.removeListener(ear.channel, relay);
      unlistened.exceptionally(
          failure -> {
            LOG.log(Level.DEBUG, "UNLISTEN failed, which changes nothing here", failure);
            return null;
          });
    }
  }

  // ---- The connection

  private void connect() {
    PgFuture<PgConnection> connecting = connector.connect();
    synchronized (this) {
      attempt = connecting;
    }
    connecting.whenComplete(
        (connection, failure) -> {
          if (connection == null) {
            failed(failure);
          } else {
            connected((Connection) connection);
          }
        });
  }

  private void connected(Connection connection) {
    boolean late;
    synchronized (this) {
      attempt = null;
      late = state == State.CLOSED;
      if (!late) {
        link = connection;
      }
    }
    if (late) {
      connection.terminate();
      return;
    }
    connection.session.ended().whenComplete((nothing, never) -> lost(connection));
    listenOn(connection, Set.of());
  }

  /** Says LISTEN for all channels that are asked for, until there are no new ones. */
  private void listenOn(Connection connection, Set<String> listened) {
    Set<String> wanted;
    boolean done;
    boolean first = false;
    List<Ear> ready = new ArrayList<>();
    Map<String, PgFuture<Void>> answers = new LinkedHashMap<>();
    synchronized (this) {
      if (link != connection || state == State.CLOSED) {
        return;
      }
      wanted = new HashSet<>(channels.keySet());
      done = listened.containsAll(wanted);
      if (done) {
        first = state == State.CONNECTING;
        if (first) {
          become(State.LISTENING);
          everListened = true;
          failures = 0;
        }
        complete = Instant.now();
        channels.values().forEach(ready::addAll);
      } else {
        // Handed over here, so that LISTEN and UNLISTEN come in the order of the decisions.
        wanted.forEach(channel -> answers.put(channel, connection.addListener(channel, relay)));
      }
    }
    if (!done) {
      CompletableFuture.allOf(answers.values().toArray(CompletableFuture<?>[]::new))
          .whenComplete(
              (nothing, failure) -> {
                Throwable other = failure == null ? null : withoutBadNames(answers);
                if (other == null) {
                  listenOn(connection, wanted);
                } else {
                  // A standby, perhaps, which cannot listen: another host may be primary now.
                  refused(connection, other);
                }
              });
      return;
    }
    for (Ear ear : ready) {
      ear.listening();
    }
    if (first) {
      beatLater(connection);
    }
  }

  /**
   * Ends those who asked for a channel whose name no server takes: it would be refused on every
   * connection to come.
   *
   * @return why another was refused; null where there is none
   */
  private @Nullable Throwable withoutBadNames(Map<String, PgFuture<Void>> answers) {
    Throwable other = null;
    for (Map.Entry<String, PgFuture<Void>> answer : answers.entrySet()) {
      if (!answer.getValue().isCompletedExceptionally()) {
        continue;
      }
      Throwable failure = whyFailed(answer.getValue());
      if (isOfName(failure)) {
        List<Ear> those;
        synchronized (this) {
          those = channels.remove(answer.getKey());
        }
        if (those != null) {
          those.forEach(ear -> ear.end(failure));
        }
      } else if (other == null) {
        other = failure;
      }
    }
    return other;
  }

  private static Throwable whyFailed(PgFuture<Void> answer) {
    try {
      answer.getNow(null);
    } catch (CompletionException | CancellationException failed) {
      return failed.getCause() == null ? failed : failed.getCause();
    }
    throw new AssertionError("asked of one that has failed");
  }

  /** A character that the server's encoding lacks is a data exception. */
  private static boolean isOfName(Throwable failure) {
    return failure instanceof IllegalArgumentException || failure instanceof DataException;
  }

  private void refused(Connection connection, Throwable failure) {
    synchronized (this) {
      if (link != connection) {
        return;
      }
      whyLost = failure;
    }
    connection.terminate();
  }

  private void failed(Throwable failure) {
    List<Ear> given = List.of();
    synchronized (this) {
      attempt = null;
      if (state == State.CLOSED) {
        return;
      }
      if (everListened) {
        pause();
        return;
      }
      become(State.IDLE);
      given = takeAll();
    }
    for (Ear ear : given) {
      ear.end(failure);
    }
  }

  /** The connection has ended, for whatever reason. */
  private void lost(Connection connection) {
    List<Ear> given = List.of();
    Throwable reason;
    synchronized (this) {
      if (link != connection) {
        return;
      }
      link = null;
      reason = whyLost == null ? connection.session.whyEnded() : whyLost;
      whyLost = null;
      if (everListened) {
        for (List<Ear> those : channels.values()) {
          for (Ear ear : those) {
            ear.owesGap(complete, reason);
          }
        }
        pause();
      } else {
        become(State.IDLE);
        given = takeAll();
      }
    }
    for (Ear ear : given) {
      ear.end(reason);
    }
  }

  private List<Ear> takeAll() {
    List<Ear> all = new ArrayList<>();
    channels.values().forEach(all::addAll);
    channels.clear();
    return all;
  }

  private void pause() {
    assert Thread.holdsLock(this);
    become(State.PAUSING);
    long pause = Math.min(longestPauseNanos, FIRST_PAUSE_NANOS << Math.min(failures++, 20));
    connector.schedule(this::again, ThreadLocalRandom.current().nextLong(pause / 2, pause + 1));
  }

  private void again() {
    synchronized (this) {
      if (state != State.PAUSING) {
        return;
      }
      become(State.CONNECTING);
    }
    connect();
  }

  // ---- The heartbeat

  private void beatLater(Connection connection) {
    connection.session.schedule(() -> beat(connection), beatNanos, TimeUnit.NANOSECONDS);
  }

  private void beat(Connection connection) {
    if (connection.isClosed()) {
      return;
    }
    Instant asked = Instant.now();
    connection
        .withTimeout(Duration.ofNanos(beatNanos))
        .execute("SELECT 1")
        .whenComplete(
            (tag, failure) -> {
              synchronized (this) {
                if (link != connection) {
                  return;
                }
                if (failure == null) {
                  complete = asked;
                } else if (whyLost == null) {
                  whyLost = failure;
                }
              }
              if (failure == null) {
                beatLater(connection);
              } else {
                connection.terminate();
              }
            });
  }

  // ---- Delivery

  /** On the event loop. */
  private void heard(Notification notification) {
    Collection<Ear> ears;
    synchronized (this) {
      complete = Instant.now();
      ears = channels.getOrDefault(notification.channel(), List.of());
    }
    Heard event = new Heard(notification);
    for (Ear ear : ears) {
      ear.hear(event);
    }
  }

  // ---- Its own end

  @Override
  public synchronized boolean isListening() {
    return state == State.LISTENING;
  }

  @Override
  public PgFuture<Void> closed() {
    PgFuture<Void> view = Connector.future();
    closed.whenComplete((nothing, never) -> view.complete(null));
    return view;
  }

  @Override
  public void close() {
    List<Ear> ears;
    Connection open;
    PgFuture<PgConnection> connecting;
    synchronized (this) {
      if (state == State.CLOSED) {
        return;
      }
      become(State.CLOSED);
      ears = takeAll();
      open = link;
      link = null;
      connecting = attempt;
    }
    for (Ear ear : ears) {
      ear.end(null);
    }
    if (connecting != null) {
      connecting.cancel(true);
    }
    if (open == null) {
      closed.complete(null);
    } else {
      open.session.ended().whenComplete((nothing, never) -> closed.complete(null));
      open.close();
    }
  }

  private void become(State next) {
    assert Thread.holdsLock(this) && state.leadsTo(next) : state + " -> " + next;
    state = next;
  }

  @Override
  public synchronized String toString() {
    return "PgListener["
        + connector.config().host()
        + ", "
        + state
        + ", "
        + channels.keySet()
        + "]";
  }

  /** One subscriber to one channel, who is told what it missed. */
  private final class Ear extends Mailbox<Event> {
    final @Nullable Consumer<? super Event> listener;

    final PgFuture<Void> added =
        new PgFuture<>() {
          @Override
          protected void cancelled() {
            remove(Ear.this);
            end(null);
          }

          @Override
          protected boolean onEventLoop() {
            return Connector.isOnEventLoop();
          }
        };

    // Guarded by this.
    private @Nullable Instant missedSince;
    private @Nullable Throwable whyMissed;
    private boolean linkIsLost;

    Ear(
        String channel,
        Flow.Subscriber<? super Event> subscriber,
        @Nullable Consumer<? super Event> listener) {
      super(channel, subscriber, executor, bufferSize);
      this.listener = listener;
      begin();
    }

    /** The link has been lost. One who had not begun to listen has missed nothing. */
    synchronized void owesGap(Instant since, Throwable reason) {
      if (!added.isDone()) {
        return;
      }
      linkIsLost = true;
      missed(since, reason);
    }

    private void missed(Instant since, Throwable reason) {
      if (missedSince == null) {
        missedSince = since;
        whyMissed = reason;
      }
    }

    void listening() {
      synchronized (this) {
        linkIsLost = false;
        tellOfGap();
      }
      added.complete(null);
    }

    synchronized void hear(Heard event) {
      linkIsLost = false;
      tellOfGap();
      if (missedSince != null || !put(event)) {
        missed(
            Instant.now(),
            new IllegalStateException(
                "more than "
                    + capacity()
                    + " events waited for a subscriber to the channel "
                    + channel
                    + ": raise bufferSize, or do the work elsewhere"));
        tellOfGap(); // in case that it has been read to the end in this moment
      }
    }

    private void tellOfGap() {
      Instant since = missedSince;
      Throwable reason = whyMissed;
      if (since != null && reason != null && !linkIsLost) {
        // As a timestamptz takes them: they are there to be looked up with.
        Gap gap =
            new Gap(
                since.truncatedTo(ChronoUnit.MICROS),
                Instant.now().truncatedTo(ChronoUnit.MICROS),
                reason);
        if (put(gap)) {
          missedSince = null;
          whyMissed = null;
        }
      }
    }

    /** Ends the subscription, after what is in its buffer. */
    void end(@Nullable Throwable reason) {
      over(reason);
      added.completeExceptionally(
          reason == null
              ? new PgConnectionException(
                  "the listener was closed before it listened to " + channel,
                  RetrySafety.NOT_SENT,
                  null)
              : reason);
    }

    @Override
    void left() {
      remove(this);
    }

    @Override
    synchronized void read() {
      tellOfGap(); // now that there is room for one more
    }
  }

  /** A plain listener as a subscriber. */
  private record Called(String channel, Consumer<? super Event> listener)
      implements Flow.Subscriber<Event> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Event event) {
      try {
        listener.accept(event);
      } catch (RuntimeException | Error theirs) {
        LOG.log(Level.WARNING, "a listener to the channel " + channel + " failed", theirs);
      }
    }

    @Override
    public void onError(Throwable failure) {
      // It is told by the future of addListener.
    }

    @Override
    public void onComplete() {
      // It was removed, or the whole was closed.
    }
  }
}
