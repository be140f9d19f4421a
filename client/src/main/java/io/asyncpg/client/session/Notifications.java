package io.asyncpg.client.session;

import io.asyncpg.client.Notification;
import io.asyncpg.error.Diagnostic;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.protocol.FrontendWriter;
import io.asyncpg.protocol.TransactionStatus;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Who listens to which channel of one session. Changed on the event loop, in the turn of the
 * requests that change it; read where notifications are delivered.
 */
final class Notifications {
  private static final Logger LOG = System.getLogger("io.asyncpg.session");

  /** NAMEDATALEN - 1: the server cuts longer names, and notifies under the shorter one. */
  private static final int LONGEST_NAME = 63;

  /** One listener to one channel, however often it was asked for. */
  private static final class Registration {
    final Consumer<Notification> listener;

    /** On the event loop: how many calls stand for it, as none of them was undone. */
    int calls;

    Registration(Consumer<Notification> listener) {
      this.listener = listener;
    }
  }

  private final Map<String, List<Registration>> listeners = new ConcurrentHashMap<>();
  private final InOrder deliveries;

  /** On the event loop: the channels that the server listens to for certain. */
  private final Set<String> listening = new HashSet<>();

  /** On the event loop: how often it was not certain any more what the server listens to. */
  private int doubts;

  Notifications(Session session) {
    this.deliveries = new InOrder(session::onCompletionThread);
  }

  void deliver(Notification notification) {
    List<Registration> those = listeners.getOrDefault(notification.channel(), List.of());
    boolean others = false;
    for (Registration each : those) {
      if (each.listener instanceof Ear ear) {
        ear.accept(notification); // it has its own buffer and its own thread
      } else {
        others = true;
      }
    }
    if (others) {
      call(those, notification);
    }
  }

  private void call(List<Registration> those, Notification notification) {
    deliveries.execute(
        () -> {
          for (Registration each : those) {
            if (each.listener instanceof Ear) {
              continue;
            }
            try {
              each.listener.accept(notification);
            } catch (RuntimeException | Error theirs) {
              LOG.log(
                  Level.WARNING,
                  "a listener to the channel " + notification.channel() + " failed",
                  theirs);
            }
          }
        });
  }

  /** Nobody listens any more: the session has been reset, or has ended for this reason. */
  void clear(@Nullable Throwable reason) {
    for (List<Registration> those : listeners.values()) {
      for (Registration each : those) {
        if (each.listener instanceof Ear ear) {
          ear.over(reason);
        }
      }
    }
    listeners.clear();
    unlistened();
  }

  /** The server listens to nothing, or to something less: the next to come says LISTEN again. */
  void unlistened() {
    doubts++;
    listening.clear();
  }

  boolean isEmpty() {
    return listeners.isEmpty() && listening.isEmpty();
  }

  private @Nullable Registration find(String channel, Consumer<Notification> listener) {
    for (Registration each : listeners.getOrDefault(channel, List.of())) {
      if (each.listener.equals(listener)) {
        return each;
      }
    }
    return null;
  }

  /** One call more for this listener. */
  private Registration add(String channel, Consumer<Notification> listener) {
    Registration registration = find(channel, listener);
    if (registration == null) {
      registration = new Registration(listener);
      listeners.computeIfAbsent(channel, name -> new CopyOnWriteArrayList<>()).add(registration);
    }
    registration.calls++;
    return registration;
  }

  /** One call less. */
  private void undo(String channel, Registration registration) {
    registration.calls--;
    if (registration.calls == 0) {
      remove(channel, registration);
    }
  }

  /** Returns whether it was the last of its channel. */
  private boolean remove(String channel, @Nullable Registration registration) {
    List<Registration> those = listeners.get(channel);
    if (those == null || !those.remove(registration) || !those.isEmpty()) {
      return false;
    }
    listeners.remove(channel);
    return true;
  }

  static String quoted(String channel) {
    int length = channel.getBytes(StandardCharsets.UTF_8).length;
    if (length == 0 || length > LONGEST_NAME) {
      throw new IllegalArgumentException(
          "the channel name has "
              + length
              + " bytes, but PostgreSQL takes 1 to "
              + LONGEST_NAME
              + ": "
              + channel);
    }
    if (channel.indexOf('\0') >= 0 || !StandardCharsets.UTF_8.newEncoder().canEncode(channel)) {
      throw new IllegalArgumentException(
          "the channel name has a NUL or half of a surrogate pair, which no text of PostgreSQL's can"
              + " hold");
    }
    return '"' + channel.replace("\"", "\"\"") + '"';
  }

  /** A subscriber, who leaves when it falls behind. */
  static final class Ear extends Mailbox<Notification> implements Consumer<Notification> {
    private final Connection connection;

    Ear(
        Connection connection,
        String channel,
        int bufferSize,
        Flow.Subscriber<? super Notification> subscriber) {
      super(channel, subscriber, connection.session.config().completionExecutor(), bufferSize);
      this.connection = connection;
    }

    void listen() {
      begin();
      connection
          .addListener(channel, this)
          .exceptionally(
              failure -> {
                over(failure);
                return null;
              });
    }

    /** On the event loop. */
    @Override
    public void accept(Notification notification) {
      if (!put(notification)) {
        over(
            new IllegalStateException(
                "more than "
                    + capacity()
                    + " notifications waited for the subscriber to the channel "
                    + channel
                    + ", so it is told no more: give it a larger buffer, or do its work"
                    + " elsewhere"));
        left();
      }
    }

    @Override
    void left() {
      connection
          .removeListener(channel, this)
          .exceptionally(
              failure -> {
                LOG.log(Level.DEBUG, "UNLISTEN failed, which changes nothing here", failure);
                return null;
              });
    }
  }

  /** A change of who listens, with LISTEN or UNLISTEN where the server has to know. */
  private abstract static class Change extends Request<Void> {
    final String channel;
    final Consumer<Notification> listener;
    private final String sql;
    private boolean runAgain;
    private @Nullable Diagnostic failure;

    Change(
        Session session,
        String command,
        String channel,
        Consumer<Notification> listener,
        long timeout) {
      super(session, timeout);
      this.channel = channel;
      this.listener = listener;
      this.sql = command + " " + quoted(channel);
    }

    /** The server has answered. */
    abstract void answered(boolean well, TransactionStatus status);

    /** Whether it is being written once more: others may have changed the same since. */
    final boolean isRunAgain() {
      return isRepeated();
    }

    @SuppressWarnings("NullAway") // a Void is null
    final void succeed() {
      complete(null);
    }

    @Override
    void writeBegin(String begin, FrontendWriter out) {
      prefixBegin(begin);
    }

    @Override
    void write(Session session, FrontendWriter out) {
      out.query(beginPrefix() + sql);
    }

    @Override
    void commandComplete(String command, long rows) {
      // LISTEN or UNLISTEN
    }

    @Override
    void failed(Diagnostic diagnostic) {
      failure = diagnostic;
      runAgain = wasHitInstead() && !isRepeated();
    }

    @Override
    void ready(Session session, TransactionStatus status) {
      if (runAgain && status == TransactionStatus.IDLE && mayRunAgain()) {
        runAgain = false;
        failure = null;
        again();
        session.submitAgain(this, null);
        return;
      }
      Diagnostic reason = failure;
      answered(reason == null && !isAbandoned(), status);
      if (reason == null) {
        succeed();
      } else {
        fail(PgServerException.of(reason, sql, RetrySafety.ROLLED_BACK));
      }
    }

    @Override
    String sql() {
      return sql;
    }

    @Override
    String doing() {
      return "while it ran " + sql;
    }
  }

  static final class Listen extends Change {
    private @Nullable Registration added;
    private int doubts;

    Listen(Session session, String channel, Consumer<Notification> listener, long timeout) {
      super(session, "LISTEN", channel, listener, timeout);
    }

    @Override
    boolean endsUnwritten(Session session) {
      Notifications all = session.notifications();
      boolean removed = isRunAgain() && all.find(channel, listener) == null;
      if (!isRunAgain()) {
        added = all.add(channel, listener);
      }
      doubts = all.doubts;
      // What is in flight may be an UNLISTEN of the application's own.
      if (removed || (all.listening.contains(channel) && session.inFlight().isEmpty())) {
        succeed();
        return true;
      }
      return false;
    }

    @Override
    void fail(Throwable reason) {
      forget();
      super.fail(reason);
    }

    private void forget() {
      Registration own = added;
      added = null;
      if (own != null) {
        session.notifications().undo(channel, own);
      }
    }

    @Override
    void answered(boolean well, TransactionStatus status) {
      if (!well) {
        forget();
      } else if (status == TransactionStatus.IDLE && doubts == session.notifications().doubts) {
        // Inside a transaction it may still be undone: the next one says LISTEN again. So it does
        // when UNLISTEN has been written meanwhile.
        session.notifications().listening.add(channel);
      }
    }
  }

  static final class Unlisten extends Change {
    Unlisten(Session session, String channel, Consumer<Notification> listener, long timeout) {
      super(session, "UNLISTEN", channel, listener, timeout);
    }

    @Override
    boolean endsUnwritten(Session session) {
      Notifications all = session.notifications();
      boolean nobodyLeft =
          isRunAgain()
              ? !all.listeners.containsKey(channel)
              : all.remove(channel, all.find(channel, listener));
      if (nobodyLeft) {
        all.listening.remove(channel);
        all.doubts++;
        return false;
      }
      succeed();
      return true;
    }

    @Override
    void answered(boolean well, TransactionStatus status) {
      // Whatever the server does, nobody here listens any more.
    }
  }
}
