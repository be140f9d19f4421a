package io.asyncpg.pool;

import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.session.Connector;
import io.asyncpg.client.session.PooledSession;
import io.asyncpg.error.PgConnectionException;
import io.asyncpg.error.PgException;
import io.asyncpg.error.PgPoolException;
import io.asyncpg.error.PgServerException;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.error.RetrySafety;
import io.asyncpg.error.SqlState;
import io.asyncpg.pool.PoolState.Action;
import io.asyncpg.pool.PoolState.Member;
import io.asyncpg.pool.PoolState.Phase;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.ObjLongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Carries out what {@link PoolState} decides. Whatever happens is told to the state under the lock;
 * what it wants done is done when the lock has been let go, so that nothing foreign is ever called
 * while it is held. Any thread.
 */
final class Pool {
  private static final Logger LOG = System.getLogger("io.asyncpg.pool");

  /** Half of what nanoseconds in a long can say, so that now and a deadline can be compared. */
  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE / 2);

  /**
   * Errors, by class, that pass: the server is not there, is starting, is going down, has too many
   * sessions or too few resources, or others were in the way. What else it refuses it will refuse
   * again.
   */
  private static final Set<String> PASSING = Set.of("08", "40", "53", "55", "57", "58", "XX");

  /** What a server says to its sessions when it goes down. */
  private static final Set<String> HOST_GOES =
      Set.of(SqlState.ADMIN_SHUTDOWN, SqlState.CRASH_SHUTDOWN);

  private record Draining(long generation, PgFuture<Void> done) {}

  private final class Timer implements Runnable {
    private volatile @Nullable Future<?> set;
    private volatile boolean dropped;

    void set(long delay) {
      set = connector.timer(this, delay);
      if (dropped) {
        drop();
      }
    }

    void drop() {
      dropped = true;
      Future<?> task = set;
      if (task != null) {
        task.cancel(false);
      }
    }

    @Override
    public void run() {
      step(
          (state, now) -> {
            if (timer == Timer.this) {
              timer = null;
              state.tick(now);
            }
          });
    }
  }

  private final PoolConfig config;
  private final Connector connector;
  private final long acquireNanos;
  private final boolean findsLeaks;

  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by lock.
  private final PoolState state;
  private final List<PgFuture<Void>> waitingForReady = new ArrayList<>();
  private final List<Draining> draining = new ArrayList<>();
  private @Nullable Timer timer;
  private long timerAt;
  private @Nullable Throwable lastFailure;
  private long lastFailureAt;

  /** Whether somebody waited when the state was told of something last. Written under the lock. */
  private volatile boolean isWaitedFor;

  private final PgFuture<Void> closed = new PgFuture<>();
  private final Tally tally = new Tally();

  private Pool(PoolConfig config, boolean balanced) {
    this.config = config;
    this.connector = Connector.ofPool(config.connection(), balanced);
    this.acquireNanos = nanos(config.acquireTimeout());
    this.findsLeaks = !config.leakThreshold().isZero();
    Duration checkAfter = config.checkAfter();
    this.state =
        new PoolState(
            new PoolState.Policy(
                config.maxWaiting(),
                nanos(config.maxIdleTime()),
                nanos(config.maxLifetime()),
                nanos(config.leakThreshold()),
                checkAfter == null ? -1 : nanos(checkAfter),
                config.lifo(),
                balanced),
            config.minSize(),
            config.maxSize(),
            bound -> ThreadLocalRandom.current().nextLong(bound));
  }

  static PgPool create(PoolConfig config) {
    return create(config, false);
  }

  /**
   * Creates a pool.
   *
   * @param balanced whether its connections, and what is lent of them, are spread over the hosts
   */
  static PgPool create(PoolConfig config, boolean balanced) {
    Pool pool = new Pool(config, balanced);
    pool.step(PoolState::start);
    return new PooledClient(pool);
  }

  PoolConfig config() {
    return config;
  }

  static long nanos(Duration duration) {
    return duration.compareTo(LONGEST) > 0 ? LONGEST.toNanos() : duration.toNanos();
  }

  // ---- What applications ask

  /**
   * Asks for a connection.
   *
   * @param sql what it is for; null for the borrower's own use
   * @param timeout of the call, in nanoseconds; 0 for none but the pool's
   */
  Acquire acquire(@Nullable String sql, long timeout) {
    long now = System.nanoTime();
    boolean own = timeout > 0 && timeout < acquireNanos;
    Acquire acquire =
        new Acquire(
            this,
            sql,
            own,
            findsLeaks ? new Loan.Borrower() : null,
            now,
            now + (own ? timeout : acquireNanos));
    step((state, ignored) -> state.acquire(acquire.waiter, now));
    acquire.made();
    return acquire;
  }

  void giveUp(Acquire acquire) {
    tally.cancelled.incrementAndGet();
    step((state, now) -> state.giveUp(acquire.waiter));
  }

  PgFuture<Void> ready() {
    PgFuture<Void> ready = Connector.future();
    step((state, now) -> waitingForReady.add(ready));
    return ready;
  }

  PgFuture<Void> drain() {
    PgFuture<Void> done = Connector.future();
    step((state, now) -> draining.add(new Draining(state.expire(now), done)));
    return done;
  }

  void expire() {
    step(PoolState::expire);
  }

  void resize(int min, int max) {
    if (min < 0 || max < 1 || min > max) {
      throw new IllegalArgumentException(
          "resize("
              + min
              + ", "
              + max
              + "): the smallest size is 0 or more, the largest 1 or more and no less than the"
              + " smallest");
    }
    step((state, now) -> state.resize(min, max, now));
  }

  void close() {
    boolean[] first = new boolean[1];
    step(
        (state, now) -> {
          first[0] = !state.isShut();
          state.shut(now);
        });
    if (first[0] && !closed.isDone()) {
      Future<?> bound = connector.timer(this::terminate, nanos(config.closeTimeout()));
      closed.whenComplete((nothing, never) -> bound.cancel(false));
    }
  }

  void terminate() {
    step(PoolState::terminate);
  }

  PgFuture<Void> closed() {
    PgFuture<Void> told = Connector.future();
    closed.whenComplete((nothing, never) -> completeVoid(told));
    return told;
  }

  PoolStats stats() {
    lock.lock();
    try {
      return tally.with(state);
    } finally {
      lock.unlock();
    }
  }

  static IllegalStateException closedAlready() {
    return new IllegalStateException("the pool is closed: create another, or close it later");
  }

  // ---- The edge

  /** Something happens: tells the state, and does what follows. */
  private void step(ObjLongConsumer<PoolState> change) {
    List<Action> actions;
    List<PgFuture<Void>> done = List.of();
    List<PgFuture<Void>> neverReady = List.of();
    Timer next = null;
    Timer last = null;
    long delay = 0;
    boolean over;
    lock.lock();
    try {
      long now = System.nanoTime();
      change.accept(state, now);
      actions = state.takeActions();
      boolean waitedFor = state.isWaitedFor();
      if (waitedFor != isWaitedFor) {
        isWaitedFor = waitedFor;
      }
      if (state.isShut() && !waitingForReady.isEmpty()) {
        neverReady = List.copyOf(waitingForReady);
        waitingForReady.clear();
      }
      if (!waitingForReady.isEmpty() || !draining.isEmpty()) {
        done = whatIsDone();
      }
      over = state.isOver();
      if (over) {
        last = timer;
        timer = null;
      } else if (state.wakes() && (timer == null || state.wakeAt() - timerAt < 0)) {
        last = timer;
        next = new Timer();
        timer = next;
        timerAt = state.wakeAt();
        delay = timerAt - now;
      }
    } finally {
      lock.unlock();
    }
    if (last != null) {
      last.drop();
    }
    if (next != null) {
      next.set(delay);
    }
    for (Action action : actions) {
      carryOut(action);
    }
    done.forEach(Pool::completeVoid);
    neverReady.forEach(ready -> ready.completeExceptionally(closedAlready()));
    if (over) {
      completeVoid(closed);
    }
  }

  private List<PgFuture<Void>> whatIsDone() {
    List<PgFuture<Void>> done = new ArrayList<>();
    if (state.open() >= state.minSize()) {
      done.addAll(waitingForReady);
      waitingForReady.clear();
    }
    for (Iterator<Draining> all = draining.iterator(); all.hasNext(); ) {
      Draining one = all.next();
      if (state.isRenewedSince(one.generation)) {
        done.add(one.done);
        all.remove();
      }
    }
    return done;
  }

  @SuppressWarnings("NullAway") // a Void is null
  private static void completeVoid(PgFuture<Void> future) {
    future.complete(null);
  }

  private void carryOut(Action action) {
    if (action instanceof Action.Lend lend) {
      hand(lend.member(), Objects.requireNonNull(lend.waiter().acquire));
    } else if (action instanceof Action.Connect connect) {
      open(connect.member(), connect.beside());
    } else if (action instanceof Action.Check check) {
      check(check.member());
    } else if (action instanceof Action.Close close) {
      close(close.member(), close.atOnce());
    } else if (action instanceof Action.Refuse refuse) {
      refuse(Objects.requireNonNull(refuse.waiter().acquire), refuse.why());
    } else if (action instanceof Action.Suspect suspect) {
      suspect(suspect.member());
    } else if (action instanceof Action.EndHook end) {
      Hook late = hook(end.member());
      if (late != null) {
        late.timeUp();
      }
    }
  }

  // ---- Opening

  private void open(Member member, boolean beside) {
    var factory = config.connect();
    CompletionStage<? extends PgConnection> attempt =
        factory != null
            ? called("connect", factory)
            : beside ? connector.connectBeside() : connector.connect();
    boolean unwanted;
    lock.lock();
    try {
      member.attempt = attempt;
      unwanted = member.phase() != Phase.CONNECTING;
    } finally {
      lock.unlock();
    }
    attempt.whenComplete(
        (connection, failure) -> {
          if (failure != null) {
            connectFailed(member, unwrapped(failure));
          } else if (connection == null) {
            connectFailed(
                member,
                new IllegalStateException(
                    "the pool's connect came up with null: a connection is" + " wanted"));
          } else {
            opened(member, connection);
          }
        });
    if (unwanted) {
      abandon(member, attempt);
    }
  }

  /** What comes of the attempt is not wanted any more. */
  private void abandon(Member member, CompletionStage<? extends PgConnection> attempt) {
    if (Connector.isAttempt(attempt)) {
      attempt.toCompletableFuture().cancel(true); // connectFailed, or opened, will see to it
    } else {
      // What a future of others brings when it has been cancelled, nobody sees, and nobody closes.
      // It has its end when it has it, and what comes then is closed; nothing waits for that.
      step((state, now) -> state.ended(member, CloseReason.CLOSED, now));
    }
  }

  private void opened(Member member, PgConnection connection) {
    PooledSession session;
    try {
      session =
          PooledSession.of(
              connection, new Keeping(member), config.reset() != null, config.resetTimeout());
    } catch (RuntimeException unfit) {
      connection.terminate();
      connectFailed(member, unfit);
      return;
    }
    boolean unwanted;
    lock.lock();
    try {
      member.session = session;
      state.letIn(member);
      unwanted = member.phase() != Phase.CONNECTING;
    } finally {
      lock.unlock();
    }
    if (unwanted) {
      session.close();
      return;
    }
    var init = config.init();
    if (init == null) {
      step((state, now) -> state.connected(member, session.host(), now));
      return;
    }
    PgConnection handle = session.lendToHook();
    long until = System.nanoTime() + nanos(config.connection().connectTimeout());
    run("init", init, handle, member, "connectTimeout", until)
        .whenComplete(
            (nothing, failure) -> {
              session.keep(handle);
              if (failure == null) {
                step((state, now) -> state.connected(member, session.host(), now));
              } else {
                connectFailed(
                    member,
                    new PgPoolException(
                        "the pool's init failed for a new connection: " + said(failure),
                        RetrySafety.NOT_SENT,
                        failure));
                session.terminate();
              }
            });
  }

  /**
   * Has the application do something with a connection.
   *
   * @param limit the name of what says how long it may take
   * @param until when that is over
   * @return ends in any case, by then or with the connection
   */
  private Hook run(
      String name,
      Function<? super PgConnection, ? extends CompletionStage<?>> theirs,
      PgConnection handle,
      Member member,
      String limit,
      long until) {
    Hook hook = new Hook(limit);
    called(name, () -> theirs.apply(handle)).whenComplete((nothing, failure) -> hook.end(failure));
    if (hook.isDone()) {
      return hook;
    }
    step(
        (state, now) -> {
          member.hook = hook;
          state.hookBegins(member, until);
        });
    hook.whenComplete((nothing, failure) -> isOver(hook, member));
    if (session(member).isEnded()) {
      // Its keeper may have heard of that before there was a hook.
      hook.end(new PgConnectionException("the connection has ended", RetrySafety.UNKNOWN, null));
    }
    return hook;
  }

  /** What was done with it has failed. Where it has ended, its keeper tells why: it may be news. */
  private void condemn(Member member) {
    if (!session(member).isEnded()) {
      step((state, now) -> state.condemn(member, CloseReason.HOOK, now));
    }
  }

  private void isOver(Hook hook, Member member) {
    lock.lock();
    try {
      if (member.hook == hook) {
        member.hook = null;
        state.hookIsOver(member);
      }
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Hook hook(Member member) {
    lock.lock();
    try {
      return member.hook;
    } finally {
      lock.unlock();
    }
  }

  /** Calls what the application has given us: whatever comes of that, there is a stage. */
  private static <T extends @Nullable Object> CompletionStage<? extends T> called(
      String name, Supplier<? extends CompletionStage<? extends T>> theirs) {
    try {
      CompletionStage<? extends T> stage = theirs.get();
      return stage == null
          ? PgFuture.failed(
              new IllegalStateException(
                  "the pool's "
                      + name
                      + " returned null in place of a stage: return a completed one where there is"
                      + " nothing to wait for"))
          : stage;
    } catch (Throwable thrown) {
      return PgFuture.failed(thrown); // an Error, too, is theirs to hear of
    }
  }

  private void connectFailed(Member member, Throwable failure) {
    boolean refused = isRefusal(member, failure);
    List<PgFuture<Void>> unready = new ArrayList<>();
    step(
        (state, now) -> {
          if (member.phase() == Phase.CLOSING) {
            state.ended(member, CloseReason.CLOSED, now);
          } else if (member.phase() == Phase.CONNECTING) {
            tally.connectFailures.incrementAndGet();
            lastFailure = failure;
            lastFailureAt = now;
            unready.addAll(waitingForReady);
            waitingForReady.clear();
            state.connectFailed(member, refused, now);
          }
        });
    unready.forEach(ready -> ready.completeExceptionally(failure));
    LOG.log(Level.DEBUG, "an attempt of the pool to connect failed", failure);
  }

  /** Whether the next attempt will fail as well. */
  private boolean isRefusal(Member member, Throwable failure) {
    Throwable cause = failure.getCause();
    if (failure instanceof PgPoolException && cause != null) {
      return isRefusal(member, cause); // what an init met
    }
    return failure instanceof PgServerException server
        ? !PASSING.contains(server.sqlState().substring(0, 2))
        : !(failure instanceof PgConnectionException
                || failure instanceof PgTimeoutException
                || failure instanceof TimeoutException)
            || isFailedForGood(member);
  }

  private boolean isFailedForGood(Member member) {
    CompletionStage<? extends PgConnection> attempt;
    lock.lock();
    try {
      attempt = member.attempt;
    } finally {
      lock.unlock();
    }
    return attempt != null && Connector.isFailedForGood(attempt);
  }

  // ---- Lending

  private void hand(Member member, Acquire acquire) {
    PooledSession session = session(member);
    if (findsLeaks) {
      lock.lock();
      try {
        member.loan = new Loan(acquire.borrower);
      } finally {
        lock.unlock();
      }
    }
    var setup = config.setup();
    if (setup == null) {
      deliver(acquire, session.lend());
      return;
    }
    PgConnection handle = session.lendToHook();
    Hook hook = run("setup", setup, handle, member, "acquireTimeout", acquire.waiter.deadline);
    hook.whenComplete(
        (nothing, failure) -> {
          if (failure == null) {
            PooledSession.handOver(handle);
            deliver(acquire, handle);
            return;
          }
          session.keep(handle);
          condemn(member);
          if (hook.isTooLate(failure)) {
            timedOut(
                acquire,
                "the pool's setup has not ended for the connection that was to be lent",
                null);
          } else {
            fail(
                acquire,
                new PgPoolException(
                    "the pool's setup failed for the connection that was to be lent: "
                        + said(failure),
                    acquire.sql,
                    RetrySafety.NOT_SENT,
                    failure));
          }
        });
    if (!hook.isDone()) {
      acquire.atEnd(
          () -> hook.end(new CancellationException("nobody waits for the connection any more")));
    }
  }

  private void deliver(Acquire acquire, PgConnection handle) {
    tally.lent(System.nanoTime() - acquire.waiter.since, acquire.isBeingMade());
    onCompletionThread(
        acquire,
        () -> {
          if (!acquire.complete(handle)) {
            handle.close(); // its borrower gave up meanwhile: it is the next one's
          }
        });
  }

  private void fail(Acquire acquire, Throwable failure) {
    onCompletionThread(acquire, () -> acquire.completeExceptionally(failure));
  }

  /** Completes a future where futures complete; on this thread while its caller has not got it. */
  private void onCompletionThread(Acquire acquire, Runnable completion) {
    Executor executor = config.connection().completionExecutor();
    if (executor == null || acquire.isBeingMade()) {
      completion.run();
      return;
    }
    try {
      executor.execute(completion);
    } catch (RuntimeException | Error refused) { // shut down, or without a thread to be had
      completion.run(); // on the wrong thread is better than never
    }
  }

  private void check(Member member) {
    session(member)
        .check(config.checkTimeout())
        .whenComplete(
            (nothing, failure) ->
                step((state, now) -> state.checked(member, failure == null, now)));
  }

  private void refuse(Acquire acquire, PoolState.Refusal why) {
    switch (why) {
      case TIMED_OUT -> timedOut(acquire, situation(), failureOfLate());
      case TOO_MANY_WAITING -> {
        tally.rejected.incrementAndGet();
        fail(
            acquire,
            new PgPoolException(
                "no connection is free, and as many wait for one as may (maxWaiting, "
                    + config.maxWaiting()
                    + "): "
                    + situation()
                    + of(acquire),
                acquire.sql,
                RetrySafety.NOT_SENT,
                null));
      }
      case CANNOT_CONNECT -> {
        Throwable cause = failureOfLate();
        fail(
            acquire,
            new PgPoolException(
                "the pool cannot connect: "
                    + (cause == null ? "for no known reason" : said(cause))
                    + of(acquire),
                acquire.sql,
                RetrySafety.NOT_SENT,
                cause));
      }
      case CLOSED ->
          fail(
              acquire,
              acquire.isBeingMade()
                  ? closedAlready()
                  : new PgPoolException(
                      "the pool was closed before a connection came free" + of(acquire),
                      acquire.sql,
                      RetrySafety.NOT_SENT,
                      null));
    }
  }

  private void timedOut(Acquire acquire, String why, @Nullable Throwable cause) {
    tally.timedOut.incrementAndGet();
    Duration waited = Duration.ofNanos(acquire.waiter.deadline - acquire.waiter.since);
    String message = "no connection within " + waited + ": " + why + of(acquire);
    fail(
        acquire,
        acquire.ownDeadline
            ? new PgTimeoutException(message, acquire.sql, RetrySafety.NOT_SENT, cause)
            : new PgPoolException(message, acquire.sql, RetrySafety.NOT_SENT, cause));
  }

  private static String of(Acquire acquire) {
    return acquire.sql == null ? "" : ": " + PgException.quoted(acquire.sql);
  }

  private @Nullable Throwable failureOfLate() {
    lock.lock();
    try {
      return state.isFailingToConnect() ? lastFailure : null;
    } finally {
      lock.unlock();
    }
  }

  /** What there is, for an error about what there is not. */
  private String situation() {
    lock.lock();
    try {
      long now = System.nanoTime();
      StringBuilder text = new StringBuilder();
      text.append(state.count(Phase.LENT) + state.count(Phase.RETURNING))
          .append(" of at most ")
          .append(state.maxSize())
          .append(" connections are lent");
      Member longest = state.lentLongest();
      if (longest != null) {
        text.append(", one of them for ").append(rounded(now - longest.since()));
        Loan loan = longest.loan;
        if (loan != null && loan.borrower != null) {
          text.append(" to ").append(firstForeignFrame(loan.borrower));
        }
      }
      text.append("; ").append(state.count(Phase.IDLE)).append(" idle, ");
      text.append(state.count(Phase.CONNECTING)).append(" being opened, ");
      text.append(state.waiting()).append(" others waiting");
      Throwable failure = lastFailure;
      if (failure != null && state.isFailingToConnect()) {
        text.append("; the last attempt to connect failed ")
            .append(rounded(now - lastFailureAt))
            .append(" ago: ")
            .append(said(failure));
      }
      return text.toString();
    } finally {
      lock.unlock();
    }
  }

  /** What a failure says; its name where that is nothing. */
  private static String said(Throwable failure) {
    String message = failure.getMessage();
    return message == null ? failure.toString() : message;
  }

  private static Duration rounded(long nanos) {
    return Duration.ofMillis(TimeUnit.NANOSECONDS.toMillis(nanos));
  }

  private static String firstForeignFrame(Throwable borrower) {
    for (StackTraceElement frame : borrower.getStackTrace()) {
      String name = frame.getClassName();
      if (!name.equals(Pool.class.getName())
          && !name.startsWith(PooledClient.class.getName())
          && !name.equals(PooledStream.class.getName())) {
        return frame.toString();
      }
    }
    return "somebody";
  }

  private void suspect(Member member) {
    Loan loan;
    lock.lock();
    try {
      loan = member.phase() == Phase.LENT ? member.loan : null;
    } finally {
      lock.unlock();
    }
    if (loan != null) {
      LOG.log(
          Level.WARNING,
          "a connection (server process "
              + session(member).serverPid()
              + ") has been lent for more than "
              + config.leakThreshold()
              + ": has its borrower forgotten to close it?",
          loan.borrower);
    }
  }

  // ---- Closing

  private void close(Member member, boolean atOnce) {
    PooledSession session;
    CompletionStage<? extends PgConnection> attempt;
    lock.lock();
    try {
      session = member.session;
      attempt = member.attempt;
    } finally {
      lock.unlock();
    }
    if (session == null) {
      if (attempt != null) {
        abandon(member, attempt);
      }
    } else if (atOnce) {
      session.terminate();
    } else {
      session.close();
    }
  }

  private static PooledSession session(Member member) {
    return Objects.requireNonNull(member.session, "it is not open");
  }

  static Throwable unwrapped(Throwable failure) {
    Throwable at = failure;
    while ((at instanceof CompletionException || at instanceof ExecutionException)
        && at.getCause() != null) {
      at = at.getCause();
    }
    return at;
  }

  /** What becomes of one connection. */
  private final class Keeping implements PooledSession.Keeper {
    private final Member member;
    private boolean hookRan;

    Keeping(Member member) {
      this.member = member;
    }

    @Override
    public void released() {
      step((state, now) -> state.released(member, now));
    }

    @Override
    public boolean isWaitedFor() {
      return isWaitedFor;
    }

    @Override
    public boolean returnedAsNew() {
      CloseReason reason = usedUp(session(member));
      boolean[] taken = new boolean[1];
      step((state, now) -> taken[0] = state.returnedAsNew(member, reason, now));
      return taken[0];
    }

    /** Why it is not lent again after so many queries; null while it is. */
    private @Nullable CloseReason usedUp(PooledSession session) {
      return config.maxQueries() > 0 && session.requests() >= config.maxQueries()
          ? CloseReason.QUERIES
          : null;
    }

    @Override
    public void forgotten() {
      tally.reclaimed.incrementAndGet();
      Loan loan;
      lock.lock();
      try {
        loan = member.loan;
      } finally {
        lock.unlock();
      }
      LOG.log(
          Level.WARNING,
          "a connection (server process "
              + session(member).serverPid()
              + ") was not given back, and nobody can any more; the pool has taken it back",
          loan == null ? null : loan.borrower);
    }

    @Override
    public void returned(boolean wasUsed, boolean wasInTransaction) {
      PooledSession session = session(member);
      if (wasInTransaction) {
        tellOfTransaction(session);
      }
      var reset = config.reset();
      if (reset != null && wasUsed && !hookRan) {
        hookRan = true;
        PgConnection handle = session.lendToHook();
        long until = System.nanoTime() + nanos(config.resetTimeout());
        run("reset", reset, handle, member, "resetTimeout", until)
            .whenComplete(
                (nothing, failure) -> {
                  if (failure == null) {
                    PooledSession.handOver(handle);
                    handle.close(); // comes back here
                  } else {
                    session.keep(handle);
                    LOG.log(
                        Level.WARNING,
                        "the pool's reset failed; the connection is closed",
                        failure);
                    condemn(member);
                  }
                });
        return;
      }
      hookRan = false;
      CloseReason usedUp = usedUp(session);
      step((state, now) -> state.returned(member, usedUp, now));
    }

    private void tellOfTransaction(PooledSession session) {
      Loan loan;
      lock.lock();
      try {
        loan = member.loan;
      } finally {
        lock.unlock();
      }
      LOG.log(
          Level.WARNING,
          "a connection (server process "
              + session.serverPid()
              + ") was given back with a transaction open, which has been rolled back: end it"
              + " before closing the connection",
          loan == null ? null : loan.borrower);
    }

    @Override
    public void hostChanged() {
      step((state, now) -> state.leave(member, now));
    }

    @Override
    public void ended(Throwable reason) {
      boolean[] justOpened = new boolean[1];
      step(
          (state, now) -> {
            if (member.phase() == Phase.CONNECTING) {
              justOpened[0] = true;
              return;
            }
            PooledSession session = session(member);
            if (session.wasTerminated()) {
              state.ended(member, CloseReason.TERMINATED, now);
            } else if (session.wasBroken()) {
              state.ended(member, CloseReason.STATE, now);
            } else if (tellsOfItsHost(reason)) {
              state.lost(member, now);
            } else {
              state.ended(member, CloseReason.LOST, now);
            }
          });
      if (justOpened[0]) {
        connectFailed(member, reason);
      }
      Hook hook = hook(member);
      if (hook != null) {
        hook.end(reason);
      }
    }

    /** Whether the host or the network ended it, rather than it alone was to end. */
    private boolean tellsOfItsHost(Throwable reason) {
      return reason instanceof PgConnectionException
          && (!(reason.getCause() instanceof PgServerException said)
              || HOST_GOES.contains(said.sqlState()));
    }
  }
}
