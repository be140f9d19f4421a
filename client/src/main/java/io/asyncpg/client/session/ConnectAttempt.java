package io.asyncpg.client.session;

import io.asyncpg.client.LoadBalanceHosts;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.PgProxy;
import io.asyncpg.client.Row;
import io.asyncpg.client.SslMode;
import io.asyncpg.client.TargetSessionAttrs;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One call of connect: the hosts in turn, the addresses of each, and for each address the ways of
 * speaking to it that {@code sslmode} allows, until one takes us or the time is up. Confined to its
 * event loop.
 */
final class ConnectAttempt {
  /** What a server may say to the way it was spoken to, rather than to who speaks. */
  private static final Set<String> PERHAPS_OTHERWISE_ENCRYPTED =
      Set.of(
          SqlState.INVALID_AUTHORIZATION_SPECIFICATION,
          SqlState.PROTOCOL_VIOLATION,
          SqlState.SQLSERVER_REJECTED_ESTABLISHMENT_OF_SQLCONNECTION);

  /**
   * Errors, by class, that are about the server's state, so that another may do: broken
   * connections, too many of them, starting up or shutting down, its disk, its own bugs.
   */
  private static final Set<String> PERHAPS_ELSEWHERE = Set.of("08", "53", "57", "58", "XX");

  private static final String ROLE_QUERY =
      "SELECT pg_catalog.pg_is_in_recovery(),"
          + " pg_catalog.current_setting('transaction_read_only') = 'on'";

  /** Whether the server is a standby, and whether its sessions refuse writes. */
  private record Role(boolean standby, boolean readOnly) {}

  private final Connector connector;
  private final PgConfig config;
  private final EventLoop loop;

  /** Whether the hosts that other attempts wait for come last. */
  private final boolean beside;

  private final Answer answer = new Answer();

  private final Deque<PgConfig.Host> hosts = new ArrayDeque<>();
  private final Deque<SocketAddress> addresses = new ArrayDeque<>();
  private final Deque<Dial.Encryption> ways = new ArrayDeque<>();

  /** Reached and of the wrong role: they will do if there is no better one. */
  private final Deque<Dial> passedOver = new ArrayDeque<>();

  private final List<PgException> failures = new ArrayList<>();

  /** Who says which host comes first; null where the configuration does. */
  private final @Nullable Spread spread;

  /** The host that did come first, as long as that is not settled. */
  private PgConfig.@Nullable Host first;

  private TargetSessionAttrs wanted;
  private @Nullable Tls tls;
  private PgConfig.@Nullable Host host;
  private @Nullable SocketAddress address;
  private @Nullable Channel channel;
  private @Nullable ScheduledFuture<?> budget;
  private @Nullable ScheduledFuture<?> bound;
  private long deadline;

  /** Counts what is under way one after the other, so that an answer that comes late is known. */
  private int step;

  /** Whether a failure so far may be none the next time. */
  private boolean mayHeal;

  private final class Answer extends PgFuture<PgConnection> {
    private volatile boolean failedForGood;

    @Override
    protected void cancelled() {
      loop.execute(ConnectAttempt.this::giveUp);
    }

    @Override
    protected boolean onEventLoop() {
      return loop.inEventLoop() || EventLoops.isCurrentThread();
    }
  }

  ConnectAttempt(Connector connector, EventLoop loop, boolean beside) {
    this.connector = connector;
    this.beside = beside;
    this.config = connector.config();
    this.spread = connector.spread();
    this.loop = loop;
    this.wanted =
        config.targetSessionAttrs() == TargetSessionAttrs.PREFER_STANDBY
            ? TargetSessionAttrs.STANDBY
            : config.targetSessionAttrs();
  }

  PgFuture<PgConnection> answer() {
    return answer;
  }

  static boolean isAnswer(Object attempt) {
    return attempt instanceof Answer;
  }

  /** Whether a connection that was not made will not be made, until somebody changes something. */
  static boolean isFailedForGood(Object attempt) {
    return attempt instanceof Answer answer && answer.failedForGood;
  }

  void begin() {
    assert loop.inEventLoop();
    long nanos = Deadlines.nanos(config.connectTimeout());
    deadline = System.nanoTime() + nanos;
    budget = loop.schedule(this::timeUp, nanos, TimeUnit.NANOSECONDS);
    guarded(this::beginWithinBudget);
  }

  /** Does the next thing. What nobody expected of it ends the attempt, which else goes nowhere. */
  private void guarded(Runnable next) {
    try {
      next.run();
    } catch (Throwable unexpected) {
      if (!answer.isDone()) {
        fail(
            new PgConnectionException(
                "the attempt to connect"
                    + (host == null ? "" : " to " + host)
                    + " failed: "
                    + unexpected,
                RetrySafety.NOT_SENT,
                unexpected),
            false);
      }
    }
  }

  private void beginWithinBudget() {
    List<PgConfig.Host> order = order();
    hosts.addAll(order);
    if (config.sslMode() == SslMode.DISABLE
        || order.stream().allMatch(PgConfig.Host::isUnixSocket)) {
      nextHost();
      return;
    }
    int mine = ++step;
    connector
        .tls()
        .whenCompleteAsync(
            (loaded, broken) -> {
              if (step != mine) {
                return;
              }
              if (loaded == null) {
                fail(unwrapped(broken), true);
              } else {
                tls = loaded;
                guarded(this::nextHost);
              }
            },
            loop);
  }

  // ---- Where

  private List<PgConfig.Host> order() {
    Set<PgConfig.Host> last = beside ? connector.waitedFor() : Set.of();
    if (spread != null) {
      List<PgConfig.Host> order = spread.begin(config.hosts(), last, System.nanoTime());
      first = order.get(0);
      return order;
    }
    List<PgConfig.Host> order = new ArrayList<>(config.hosts());
    if (config.loadBalanceHosts() == LoadBalanceHosts.RANDOM) {
      Collections.shuffle(order);
    }
    order.sort(Comparator.comparing(last::contains));
    return order;
  }

  private void nextHost() {
    PgConfig.Host next = hosts.poll();
    if (next == null) {
      nextPassedOver();
      return;
    }
    host = next;
    connector.isAt(this, next);
    address = null;
    if (next.isUnixSocket()) {
      try {
        addresses.add(EventLoops.transport(loop).unixAddress(next));
        nextAddress();
      } catch (IllegalArgumentException outOfReach) {
        failed(
            new PgConnectionException(
                String.valueOf(outOfReach.getMessage()), RetrySafety.NOT_SENT, outOfReach),
            true);
      }
      return;
    }
    int mine = ++step;
    bound(next, 1);
    PgProxy proxy = config.proxy();
    PgConfig.Host named = proxy == null ? next : new PgConfig.Host(proxy.host(), proxy.port());
    Lookup.addresses(named)
        .whenCompleteAsync(
            (found, unknown) -> {
              if (step != mine) {
                return;
              }
              if (found == null) {
                guarded(() -> failed(notKnown(named, unwrapped(unknown)), false));
                return;
              }
              List<InetAddress> order = new ArrayList<>(found);
              if (config.loadBalanceHosts() == LoadBalanceHosts.RANDOM) {
                Collections.shuffle(order);
              }
              order.forEach(one -> addresses.add(new InetSocketAddress(one, named.port())));
              guarded(this::nextAddress);
            },
            loop);
  }

  private void nextAddress() {
    SocketAddress next = addresses.poll();
    if (next == null) {
      nextHost();
      return;
    }
    address = next;
    ways.clear();
    PgConfig.Host to = host();
    if (to.isUnixSocket() || config.sslMode() == SslMode.DISABLE) {
      ways.add(Dial.Encryption.NONE);
    } else {
      switch (config.sslMode()) {
        case ALLOW -> {
          ways.add(Dial.Encryption.NONE);
          ways.add(Dial.Encryption.ALWAYS);
        }
        case PREFER -> {
          ways.add(Dial.Encryption.IF_OFFERED);
          ways.add(Dial.Encryption.NONE);
        }
        default -> ways.add(Dial.Encryption.ALWAYS);
      }
    }
    bound(to, 1 + addresses.size());
    nextWay();
  }

  private void nextWay() {
    Dial.Encryption way = ways.poll();
    SocketAddress to = address;
    if (way == null || to == null) {
      nextAddress();
    } else {
      open(new Dial(config, host(), to, way, tls));
    }
  }

  /** What was not wanted at first is better than nothing, if a preference is all it was. */
  private void nextPassedOver() {
    if (config.targetSessionAttrs() != TargetSessionAttrs.PREFER_STANDBY) {
      fail(summary(), !mayHeal);
      return;
    }
    wanted = TargetSessionAttrs.ANY;
    Dial again = passedOver.poll();
    if (again == null) {
      fail(summary(), !mayHeal);
      return;
    }
    bound(again.host(), 1 + passedOver.size());
    open(again);
  }

  private PgConfig.Host host() {
    PgConfig.Host current = host;
    if (current == null) {
      throw new IllegalStateException("no host is being tried");
    }
    return current;
  }

  // ---- One connection

  private void open(Dial dial) {
    int mine = ++step;
    channel =
        dial.open(
            loop,
            new Dial.Outcome() {
              @Override
              public void opened(Channel open) {
                if (step == mine) {
                  guarded(() -> start(open, Dial.of(open)));
                } else {
                  Dial.close(open);
                }
              }

              @Override
              public void notOpened(PgException reason, boolean reached, boolean lasting) {
                if (step == mine) {
                  guarded(() -> openOtherwise(dial, reason, reached, lasting));
                }
              }
            });
  }

  private void openOtherwise(Dial dial, PgException reason, boolean reached, boolean lasting) {
    Tls used = tls;
    if (used != null && used.hasAnotherWay(reason)) {
      open(dial);
      return;
    }
    if (!reached || dial.encryption() != Dial.Encryption.IF_OFFERED) {
      ways.clear(); // the same would come of another way
    }
    failed(reason, lasting);
  }

  private void start(Channel open, Dial dial) {
    int mine = ++step;
    Session session = new Session(config, open, connector.types());
    WireLog.listen(session, dial);
    open.pipeline().addLast(session);
    session.submit(
        new Startup(
            session,
            config,
            dial.host(),
            Dial.tlsSession(open),
            connector.scramKeys(),
            new Startup.Outcome() {
              @Override
              public void ready(Session ready) {
                if (step == mine) {
                  guarded(() -> checkRole(ready, dial));
                } else {
                  ready.terminate();
                }
              }

              @Override
              public void failed(PgException reason, boolean refused, boolean lasting) {
                if (step == mine) {
                  guarded(() -> notStarted(reason, refused, lasting));
                }
              }
            }));
  }

  private void notStarted(PgException reason, boolean refused, boolean lasting) {
    if (reason instanceof PgServerException server) {
      String state = server.sqlState();
      if (!ways.isEmpty() && PERHAPS_OTHERWISE_ENCRYPTED.contains(state)) {
        failed(reason, true);
        return;
      }
      ways.clear();
      if (!PERHAPS_ELSEWHERE.contains(state.substring(0, 2))) {
        // A wrong password does not get better at the next host, only more often wrong.
        failures.forEach(reason::addSuppressed);
        fail(reason, true);
        return;
      }
    }
    ways.clear();
    if (refused) {
      failures.forEach(reason::addSuppressed);
      fail(reason, lasting && !mayHeal);
    } else {
      failed(reason, lasting);
    }
  }

  private void failed(PgException reason, boolean lasting) {
    mayHeal |= !lasting;
    step++;
    Channel abandoned = channel;
    if (abandoned != null) {
      Dial.close(abandoned);
    }
    failures.add(reason);
    if (ways.isEmpty()) {
      nextAddress();
    } else {
      nextWay();
    }
  }

  // ---- Whether it is the server we want

  private void checkRole(Session session, Dial dial) {
    if (wanted == TargetSessionAttrs.ANY) {
      succeed(session);
      return;
    }
    Map<String, String> parameters = session.parameters();
    String standby = parameters.get("in_hot_standby");
    String readOnly = parameters.get("default_transaction_read_only");
    if (standby != null && readOnly != null) {
      decide(session, dial, new Role(standby.equals("on"), readOnly.equals("on")));
      return;
    }
    // Older servers and poolers do not report it.
    int mine = ++step;
    PgConnection asking = new Connection(session);
    asking
        .fetchRow(ROLE_QUERY)
        .whenCompleteAsync(
            (row, broken) -> {
              if (step != mine) {
                session.terminate();
              } else if (row == null) {
                session.terminate();
                Throwable why = unwrapped(broken);
                guarded(
                    () ->
                        failed(
                            new PgConnectionException(
                                dial
                                    + " does not say whether it is a standby"
                                    + " (target_session_attrs): "
                                    + why.getMessage(),
                                RetrySafety.NOT_SENT,
                                why),
                            false));
              } else {
                guarded(() -> decide(session, dial, role(row)));
              }
            },
            loop);
  }

  private static Role role(Optional<Row> row) {
    boolean standby = row.map(found -> found.getBoolean(0)).orElse(false);
    return new Role(standby, standby || row.map(found -> found.getBoolean(1)).orElse(false));
  }

  private void decide(Session session, Dial dial, Role role) {
    String wrong =
        switch (wanted) {
          case ANY, PREFER_STANDBY -> null;
          case READ_WRITE ->
              role.standby
                  ? "is in hot standby"
                  : role.readOnly ? "has default_transaction_read_only = on" : null;
          case READ_ONLY -> role.standby || role.readOnly ? null : "accepts writes";
          case PRIMARY -> role.standby ? "is in hot standby" : null;
          case STANDBY -> role.standby ? null : "is not in hot standby";
        };
    if (wrong == null) {
      succeed(session);
      return;
    }
    if (spread != null) {
      spread.passedOver(dial.host(), System.nanoTime());
    }
    new Connection(session).close();
    channel = null; // it ends by itself, in an orderly way
    ways.clear();
    passedOver.add(dial);
    failed(
        new PgConnectionException(
            dial + " " + wrong + ", but target_session_attrs=" + config.targetSessionAttrs(),
            RetrySafety.NOT_SENT,
            null),
        false);
  }

  // ---- The end

  private void settle(PgConfig.@Nullable Host taken) {
    connector.isOver(this);
    PgConfig.Host tried = first;
    if (spread != null && tried != null) {
      spread.end(tried, taken);
      first = null;
    }
  }

  private void succeed(Session session) {
    step++;
    stopTimers();
    PgConfig.Host taken = Dial.of(session.channel()).host();
    settle(taken);
    Spread counting = spread;
    if (counting != null) {
      session.ended().whenComplete((nothing, never) -> counting.ended(taken));
    }
    if (!answer.complete(new Connection(session))) {
      session.terminate();
    }
  }

  private void fail(Throwable reason, boolean forGood) {
    answer.failedForGood = forGood;
    settle(null);
    step++;
    stopTimers();
    answer.completeExceptionally(reason); // whatever becomes of the channel
    Channel abandoned = channel;
    if (abandoned != null) {
      Dial.close(abandoned);
    }
  }

  private void giveUp() {
    fail(
        new PgConnectionException(
            "the attempt to connect was cancelled", RetrySafety.NOT_SENT, null),
        false);
  }

  /**
   * Bounds one address: by what is configured for it, else by its share of what is left, so that
   * one that is silent leaves time for the others.
   *
   * @param ofHost how many addresses the host has left, this one included
   */
  private void bound(PgConfig.Host of, int ofHost) {
    stop(bound);
    Duration configured = config.addressTimeout();
    long left = deadline - System.nanoTime();
    int candidates = ofHost + hosts.size();
    long share =
        configured == null ? left / candidates : Math.min(Deadlines.nanos(configured), left);
    if (configured == null && candidates == 1) {
      bound = null; // the budget is its bound
      return;
    }
    SocketAddress at = address;
    bound =
        loop.schedule(
            () -> {
              ways.clear();
              PgConnectionException late =
                  new PgConnectionException(
                      "no session with "
                          + of
                          + (at instanceof InetSocketAddress inet && inet.getAddress() != null
                              ? " (" + inet.getAddress().getHostAddress() + ")"
                              : "")
                          + " within "
                          + Duration.ofNanos(share)
                              .truncatedTo(java.time.temporal.ChronoUnit.MILLIS)
                          + ", its part of the connect timeout",
                      RetrySafety.NOT_SENT,
                      null);
              guarded(() -> failed(late, false));
            },
            share,
            TimeUnit.NANOSECONDS);
  }

  private void timeUp() {
    fail(
        new PgConnectionException(
            "no session with "
                + host
                + " within the connect timeout of "
                + config.connectTimeout()
                + (failures.isEmpty() ? "" : "; before that: " + summary().getMessage()),
            RetrySafety.NOT_SENT,
            null),
        false);
  }

  private void stopTimers() {
    stop(budget);
    stop(bound);
  }

  private static void stop(@Nullable ScheduledFuture<?> timer) {
    if (timer != null) {
      timer.cancel(false);
    }
  }

  private PgException summary() {
    if (failures.size() == 1) {
      return failures.get(0);
    }
    PgException last = failures.get(failures.size() - 1);
    StringBuilder all = new StringBuilder("no server took us:");
    for (PgException failure : failures) {
      all.append(failure == failures.get(0) ? " " : "; ").append(failure.getMessage());
    }
    PgConnectionException summary =
        new PgConnectionException(all.toString(), RetrySafety.NOT_SENT, last);
    failures.subList(0, failures.size() - 1).forEach(summary::addSuppressed);
    return summary;
  }

  private static Throwable unwrapped(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }

  private static PgConnectionException notKnown(PgConfig.Host host, Throwable cause) {
    return new PgConnectionException(
        "could not connect to "
            + host
            + ": "
            + (cause instanceof UnknownHostException
                ? "the name is not known: check the host, or the network's name service"
                : "the name could not be looked up: " + cause.getMessage()),
        RetrySafety.NOT_SENT,
        cause);
  }
}
