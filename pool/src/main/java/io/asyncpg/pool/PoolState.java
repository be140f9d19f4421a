package io.asyncpg.pool;

import io.asyncpg.client.PgConnection;
import io.asyncpg.client.session.PooledSession;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Who has which connection, who waits for one, and what has to be done about it.
 *
 * <p>It decides and does nothing: it has no threads, no sockets and no clock. Everything that
 * happens is told to it, with the time as {@link System#nanoTime} counts; what is to be done is
 * taken from it by {@link #takeActions}. Confined to whoever holds its owner's lock.
 *
 * <p>A connection's life:
 *
 * <pre>
 *   CONNECTING --> IDLE --> CHECKING --> LENT --> RETURNING --> IDLE
 * </pre>
 *
 * with CHECKING left out where it was idle for a short time only, and an end, CLOSING and then
 * GONE, from each of them.
 */
final class PoolState {
  /** Where a connection stands. */
  enum Phase {
    CONNECTING,
    IDLE,
    /** Set aside for a waiter while it is seen whether it is still there. */
    CHECKING,
    LENT,
    /** Given back by its borrower; not fit for the next one yet. */
    RETURNING,
    /** Told to close; it counts until it has. */
    CLOSING,
    GONE;

    private boolean leadsTo(Phase next) {
      return switch (this) {
        case CONNECTING -> next == IDLE || next == CLOSING || next == GONE;
        case IDLE -> next == CHECKING || next == LENT || next == CLOSING || next == GONE;
        case CHECKING -> next == LENT || next == IDLE || next == CLOSING || next == GONE;
        case LENT -> next == RETURNING || next == CLOSING || next == GONE;
        case RETURNING -> next == IDLE || next == CLOSING || next == GONE;
        case CLOSING -> next == GONE;
        case GONE -> false;
      };
    }
  }

  /** One connection, from the decision to open it to its end. */
  static final class Member {
    /** For whoever carries out the actions; nothing is decided by them. */
    @Nullable PooledSession session;

    @Nullable CompletionStage<? extends PgConnection> attempt;
    @Nullable Loan loan;
    @Nullable Hook hook;

    private Phase phase = Phase.CONNECTING;
    private long generation;

    /** Null until it is open. */
    private @Nullable Host host;

    /** The host's when it was opened. */
    private long era;

    private long expiresAt;
    private boolean hasLifetime;
    private long since;
    private boolean leakTold;

    /** While connecting: whether the server has let us in. */
    private boolean letIn;

    private @Nullable Waiter checkedFor;

    /** Whether a hook of the application's is under way, and until when it may be. */
    private boolean hooked;

    private long hookedUntil;

    Phase phase() {
      return phase;
    }

    /** For whom it is being checked; null when nobody waits for it. */
    @Nullable Waiter checkedFor() {
      return checkedFor;
    }

    /** When it came to the phase it is in. */
    long since() {
      return since;
    }

    private void move(Phase next, long now) {
      assert phase.leadsTo(next) : phase + " -> " + next;
      phase = next;
      since = now;
    }
  }

  /** Somebody who wants a connection. */
  static final class Waiter {
    /** For whoever carries out the actions. */
    final @Nullable Acquire acquire;

    final long since;
    final long deadline;
    private long number;

    Waiter(@Nullable Acquire acquire, long since, long deadline) {
      this.acquire = acquire;
      this.since = since;
      this.deadline = deadline;
    }
  }

  /** Something to be done, in the order in which it was decided. */
  sealed interface Action {
    /**
     * Open a connection, and tell {@link #connected} or {@link #connectFailed}.
     *
     * @param beside whether another attempt hangs
     */
    record Connect(Member member, boolean beside) implements Action {}

    /** See whether the connection is there, and tell {@link #checked}. */
    record Check(Member member) implements Action {}

    /** Hand it over. */
    record Lend(Member member, Waiter waiter) implements Action {}

    /**
     * Close it, and tell {@link #ended}.
     *
     * @param atOnce whether nothing is worth waiting for
     */
    record Close(Member member, CloseReason reason, boolean atOnce) implements Action {}

    /** There is no connection for this waiter. */
    record Refuse(Waiter waiter, Refusal why) implements Action {}

    /** It has been lent for long. */
    record Suspect(Member member) implements Action {}

    /** What the application does with it has had its time. */
    record EndHook(Member member) implements Action {}
  }

  /** Why somebody gets no connection. */
  enum Refusal {
    TIMED_OUT,
    TOO_MANY_WAITING,
    CANNOT_CONNECT,
    CLOSED
  }

  /**
   * What was asked of the pool.
   *
   * @param maxWaiting how many may wait for what is lent
   * @param maxIdleTime in nanoseconds; 0 for no limit, as with the following three
   * @param checkAfter 0 to check always, negative for never
   * @param lifo whether the connection used last is lent first
   * @param balanced whether one to the host with the fewest lent is lent first, hosts with as many
   *     taking turns
   */
  record Policy(
      int maxWaiting,
      long maxIdleTime,
      long maxLifetime,
      long leakThreshold,
      long checkAfter,
      boolean lifo,
      boolean balanced) {}

  /** A host as long as there are connections to it. */
  private static final class Host {
    private int connections;
    private int lent;
    private long lastLent;

    /** How often one of them has met that it is gone, or not what it was. */
    private long era;
  }

  /**
   * So long a connection that was given back, or is asked whether it is there, is waited for before
   * another is opened: mostly it is there at once.
   */
  static final long IMMINENT_NANOS = 10_000_000;

  private static final long FOREVER = Long.MAX_VALUE / 2;

  private final Policy policy;
  private final LongUnaryOperator jitter;
  private final Backoff backoff;
  private int minSize;
  private int maxSize;

  private final Set<Member> members = new LinkedHashSet<>();

  /** Idle for longest first. */
  private final ArrayDeque<Member> idle = new ArrayDeque<>();

  private final TreeMap<Long, Waiter> waiting = new TreeMap<>();
  private final Map<String, Host> hosts = new HashMap<>();
  private long lends;
  private final Map<Phase, Integer> count = new EnumMap<>(Phase.class);
  private final Map<CloseReason, Long> closed = new EnumMap<>(CloseReason.class);
  private List<Action> actions = new ArrayList<>();
  private long waiterNumber;
  private long generation;
  private long created;
  private boolean shut;
  private boolean terminating;

  private boolean wakes;
  private long wakeAt;

  /**
   * Creates the state of a pool without connections.
   *
   * @param jitter given a bound above zero: a random number from zero up to it, exclusive
   */
  PoolState(Policy policy, int minSize, int maxSize, LongUnaryOperator jitter) {
    this.policy = policy;
    this.minSize = minSize;
    this.maxSize = maxSize;
    this.jitter = jitter;
    this.backoff = new Backoff(jitter);
  }

  // ---- What is asked

  /** What is to be done now; each action is given once. */
  List<Action> takeActions() {
    if (actions.isEmpty()) {
      return List.of();
    }
    List<Action> taken = actions;
    actions = new ArrayList<>();
    return taken;
  }

  /** Whether {@link #tick} wants to be called at some time. */
  boolean wakes() {
    return wakes;
  }

  /** When {@link #tick} wants to be called, at the latest. */
  long wakeAt() {
    return wakeAt;
  }

  int minSize() {
    return minSize;
  }

  int maxSize() {
    return maxSize;
  }

  /** All that count against the maximum: open, being opened, being closed. */
  int size() {
    return members.size();
  }

  int count(Phase phase) {
    return count.getOrDefault(phase, 0);
  }

  /** Those that are open and will stay. */
  int open() {
    return members.size() - count(Phase.CONNECTING) - count(Phase.CLOSING);
  }

  /** Whether somebody waits for whom no connection has been set aside. */
  boolean isWaitedFor() {
    return !waiting.isEmpty();
  }

  /** Those who wait, including those for whom a connection is being checked. */
  int waiting() {
    int waiters = waiting.size();
    if (count(Phase.CHECKING) > 0) {
      for (Member member : members) {
        waiters += member.checkedFor == null ? 0 : 1;
      }
    }
    return waiters;
  }

  long created() {
    return created;
  }

  Map<CloseReason, Long> closed() {
    return new EnumMap<>(closed);
  }

  Collection<Member> members() {
    return Collections.unmodifiableCollection(members);
  }

  /**
   * Whether every connection that was open before this generation began is gone. One that was being
   * opened then is nobody's, and is closed when it comes.
   */
  boolean isRenewedSince(long oldest) {
    for (Member member : members) {
      if (member.generation < oldest && member.phase != Phase.CONNECTING) {
        return false;
      }
    }
    return true;
  }

  /** The one that has been lent for longest; null when none is lent. */
  @Nullable Member lentLongest() {
    Member longest = null;
    for (Member member : members) {
      if (member.phase == Phase.LENT && (longest == null || member.since - longest.since < 0)) {
        longest = member;
      }
    }
    return longest;
  }

  /** Whether no attempt to connect has succeeded since one failed. */
  boolean isFailingToConnect() {
    return backoff.isFailing();
  }

  boolean isShut() {
    return shut;
  }

  boolean isOver() {
    return shut && members.isEmpty();
  }

  // ---- What happens

  /** The pool has been created: opens what it keeps open. */
  void start(long now) {
    proceed(now);
  }

  void acquire(Waiter waiter, long now) {
    if (shut) {
      actions.add(new Action.Refuse(waiter, Refusal.CLOSED));
      return;
    }
    waiter.number = ++waiterNumber;
    waiting.put(waiter.number, waiter);
    proceed(now);
    if (!waiting.containsKey(waiter.number)) {
      return;
    }
    if (waiting.size() > policy.maxWaiting && waiting.size() - coming(now) > policy.maxWaiting) {
      waiting.remove(waiter.number);
      actions.add(new Action.Refuse(waiter, Refusal.TOO_MANY_WAITING));
    } else {
      wakeBy(waiter.deadline);
    }
  }

  /**
   * How many of those who wait do so for no borrower: connections are being opened, or there is
   * room for them, or will be when one is closed; or they have just been given back.
   */
  private int coming(long now) {
    int closing = count(Phase.CLOSING);
    int coming = count(Phase.CONNECTING) + Math.max(0, maxSize - (members.size() - closing));
    if (count(Phase.RETURNING) + count(Phase.CHECKING) > 0) {
      for (Member member : members) {
        boolean opened = member.phase != Phase.CONNECTING;
        coming += opened && now - member.since < patience(member) ? 1 : 0;
      }
    }
    return coming;
  }

  /** The waiter does not want a connection any more; nothing happens if it has one. */
  void giveUp(Waiter waiter) {
    if (waiting.remove(waiter.number) == null) {
      for (Member member : members) {
        if (member.checkedFor == waiter) {
          member.checkedFor = null;
        }
      }
    }
  }

  /** The server has let us in; the connection is being made ready, for as long as that takes. */
  void letIn(Member member) {
    member.letIn = true;
  }

  /** The application does something with it, in whatever phase it is, and has so long for that. */
  void hookBegins(Member member, long until) {
    member.hooked = true;
    member.hookedUntil = until;
    wakeBy(until);
  }

  void hookIsOver(Member member) {
    member.hooked = false;
  }

  void connected(Member member, String hostName, long now) {
    if (member.phase != Phase.CONNECTING) {
      return;
    }
    if (backoff.isTroubled()) {
      closeOvertaken(member.since, now);
    }
    backoff.succeeded();
    created++;
    Host host = hosts.computeIfAbsent(hostName, unknown -> new Host());
    host.connections++;
    member.host = host;
    member.era = host.era;
    if (policy.maxLifetime > 0) {
      // Up to a tenth less, so that those opened together do not all go together.
      member.hasLifetime = true;
      member.expiresAt = now + policy.maxLifetime - jitter.applyAsLong(policy.maxLifetime / 10 + 1);
    }
    becomeIdle(member, now);
    CloseReason reason = unfit(member, now);
    if (reason != null) {
      close(member, reason, now);
    }
    proceed(now);
  }

  /**
   * The connection could not be opened.
   *
   * @param refused whether it will be the same next time: the server does not want us, rather than
   *     it is not there
   */
  void connectFailed(Member member, boolean refused, long now) {
    if (member.phase != Phase.CONNECTING) {
      return;
    }
    remove(member, now);
    backoff.failed(refused, now);
    if (refused && open() == 0) {
      refuseAll(Refusal.CANNOT_CONNECT);
    }
    proceed(now);
  }

  void checked(Member member, boolean well, long now) {
    if (member.phase != Phase.CHECKING) {
      return;
    }
    CloseReason reason = well ? unfit(member, now) : CloseReason.CHECK;
    Waiter waiter = member.checkedFor;
    if (reason != null) {
      close(member, reason, now);
      if (!well) {
        leaveHost(member, now);
      }
    } else if (waiter != null) {
      member.checkedFor = null;
      // Somebody who came earlier may wait again, as his connection did not answer.
      waiting.put(waiter.number, waiter);
      lend(member, waiting.pollFirstEntry().getValue(), now);
    } else {
      becomeIdle(member, now);
    }
    proceed(now);
  }

  /** The borrower has given it back; it is being made ready for the next. */
  void released(Member member, long now) {
    if (member.phase == Phase.LENT) {
      move(member, Phase.RETURNING, now);
    }
  }

  /**
   * The borrower has given it back, and it is ready for the next, if nobody waits for one.
   *
   * @param why it must be closed all the same, or null
   * @return whether it has been taken back
   */
  boolean returnedAsNew(Member member, @Nullable CloseReason why, long now) {
    boolean taken = !isWaitedFor() && member.phase == Phase.LENT;
    if (taken) {
      returned(member, why, now);
    }
    return taken;
  }

  /**
   * It is ready for the next borrower.
   *
   * @param why it must be closed all the same, or null
   */
  void returned(Member member, @Nullable CloseReason why, long now) {
    if (member.phase == Phase.LENT) {
      move(member, Phase.RETURNING, now);
    }
    if (member.phase != Phase.RETURNING) {
      return;
    }
    CloseReason reason = why == null ? unfit(member, now) : why;
    if (reason != null) {
      close(member, reason, now);
    } else {
      becomeIdle(member, now);
    }
    proceed(now);
  }

  /** It is to be closed, whoever has it. */
  void condemn(Member member, CloseReason reason, long now) {
    if (member.phase != Phase.GONE && member.phase != Phase.CLOSING) {
      close(member, reason, now);
      proceed(now);
    }
  }

  /** It is closed, by us or by others. */
  void ended(Member member, CloseReason reason, long now) {
    end(member, reason, now);
    proceed(now);
  }

  /** Its host, or the way there, has ended it: it may have lost all of them. */
  void lost(Member member, long now) {
    boolean isNews = member.phase != Phase.CLOSING && member.phase != Phase.GONE;
    end(member, CloseReason.LOST, now);
    if (isNews) {
      leaveHost(member, now);
    }
    proceed(now);
  }

  private void end(Member member, CloseReason reason, long now) {
    if (member.phase == Phase.GONE) {
      return;
    }
    Waiter waiter = member.checkedFor;
    if (waiter != null) {
      member.checkedFor = null;
      waiting.put(waiter.number, waiter);
    }
    if (member.phase != Phase.CLOSING) {
      closed.merge(reason, 1L, Long::sum);
    }
    remove(member, now);
  }

  /** Its host is there, but not what it was: no connection to it is lent any more. */
  void leave(Member member, long now) {
    leaveHost(member, now);
    proceed(now);
  }

  /**
   * Of the connections to the witness's host that are open the idle ones go, the others when they
   * come back. What was opened after that is of the host's next era: it stays, whatever older ones
   * have to tell of their own end later.
   */
  private void leaveHost(Member witness, long now) {
    Host host = witness.host;
    if (host == null || witness.era < host.era) {
      return;
    }
    host.era++;
    backoff.hostLeft();
    for (Member member : List.copyOf(members)) {
      if (member.host == host && (member.phase == Phase.IDLE || member.phase == Phase.CHECKING)) {
        close(member, CloseReason.HOST, now);
      }
    }
  }

  /**
   * All that are open are to be replaced: the idle ones now, the others when they come back.
   *
   * @return for {@link #isRenewedSince}
   */
  long expire(long now) {
    generation++;
    closeIdle(CloseReason.EXPIRED, now);
    proceed(now);
    return generation;
  }

  void resize(int min, int max, long now) {
    minSize = min;
    maxSize = max;
    while (open() + count(Phase.CONNECTING) > maxSize && !idle.isEmpty()) {
      close(idle.getFirst(), CloseReason.RESIZED, now);
    }
    idle.forEach(this::wakeForIdle); // those that were kept may go now
    proceed(now);
  }

  /** Nothing is lent any more; what is lent is closed when it comes back. */
  void shut(long now) {
    if (shut) {
      return;
    }
    shut = true;
    refuseAll(Refusal.CLOSED);
    closeIdle(CloseReason.CLOSED, now);
    for (Member member : List.copyOf(members)) {
      if (member.phase == Phase.CHECKING || member.phase == Phase.CONNECTING) {
        close(member, CloseReason.CLOSED, now);
      }
    }
  }

  /** All are closed now, lent or not. */
  void terminate(long now) {
    terminating = true;
    shut(now);
    for (Member member : List.copyOf(members)) {
      if (member.phase == Phase.CLOSING) {
        actions.add(new Action.Close(member, CloseReason.CLOSED, true)); // it may have been politer
      } else {
        close(member, CloseReason.CLOSED, now);
      }
    }
  }

  /** Some time has passed. */
  void tick(long now) {
    wakes = false;
    for (Iterator<Waiter> all = waiting.values().iterator(); all.hasNext(); ) {
      Waiter waiter = all.next();
      if (waiter.deadline - now <= 0) {
        all.remove();
        actions.add(new Action.Refuse(waiter, Refusal.TIMED_OUT));
      } else {
        wakeBy(waiter.deadline);
      }
    }
    for (Member member : List.copyOf(members)) {
      tickHook(member, now);
      switch (member.phase) {
        case CHECKING -> tickChecking(member, now);
        case IDLE -> tickIdle(member, now);
        case LENT -> tickLent(member, now);
        case CONNECTING, RETURNING, CLOSING, GONE -> {
          // They end by themselves.
        }
      }
    }
    proceed(now);
  }

  private void tickHook(Member member, long now) {
    if (!member.hooked) {
      return;
    }
    if (member.hookedUntil - now <= 0) {
      member.hooked = false;
      actions.add(new Action.EndHook(member));
    } else {
      wakeBy(member.hookedUntil);
    }
  }

  private void tickChecking(Member member, long now) {
    Waiter waiter = member.checkedFor;
    if (waiter == null) {
      return;
    }
    if (waiter.deadline - now <= 0) {
      member.checkedFor = null;
      actions.add(new Action.Refuse(waiter, Refusal.TIMED_OUT));
    } else {
      wakeBy(waiter.deadline);
    }
  }

  private void tickIdle(Member member, long now) {
    CloseReason reason = unfit(member, now);
    if (reason == null
        && policy.maxIdleTime > 0
        && open() > minSize
        && member.since + policy.maxIdleTime - now <= 0) {
      reason = CloseReason.IDLE;
    }
    if (reason != null) {
      close(member, reason, now);
    } else {
      wakeForIdle(member);
    }
  }

  private void tickLent(Member member, long now) {
    if (policy.leakThreshold == 0 || member.leakTold) {
      return;
    }
    long due = member.since + policy.leakThreshold;
    if (due - now <= 0) {
      member.leakTold = true;
      actions.add(new Action.Suspect(member));
    } else {
      wakeBy(due);
    }
  }

  // ---- What follows

  /** Serves who can be served, and opens what is missing. */
  private void proceed(long now) {
    if (shut) {
      return;
    }
    while (!waiting.isEmpty() && !idle.isEmpty()) {
      Member member = next();
      CloseReason reason = unfit(member, now);
      if (reason != null) {
        close(member, reason, now);
        continue;
      }
      Waiter waiter = waiting.pollFirstEntry().getValue();
      if (policy.checkAfter >= 0 && now - member.since > policy.checkAfter) {
        idle.remove(member);
        move(member, Phase.CHECKING, now);
        member.checkedFor = waiter;
        wakeBy(waiter.deadline);
        actions.add(new Action.Check(member));
      } else {
        idle.remove(member);
        lend(member, waiter, now);
      }
    }
    connect(now);
  }

  /** The idle connection that is lent next; there is one. */
  private Member next() {
    if (!policy.balanced) {
      return policy.lifo ? idle.getLast() : idle.getFirst();
    }
    Member best = idle.getFirst();
    for (Member member : idle) {
      int compared = Integer.compare(host(member).lent, host(best).lent);
      if (compared == 0) {
        compared = Long.compare(host(member).lastLent, host(best).lastLent);
      }
      if (compared < 0 || (compared == 0 && policy.lifo)) {
        best = member;
      }
    }
    return best;
  }

  private static Host host(Member member) {
    return Objects.requireNonNull(member.host, "it is not open");
  }

  /** Opens what is missing: for those who wait, and for those who will come. */
  private void connect(long now) {
    int connecting = count(Phase.CONNECTING);
    if (members.size() >= maxSize && connecting == 0) {
      return;
    }
    boolean waited = !waiting.isEmpty();
    int coming = connecting;
    int promising = connecting;
    int hanging = 0;
    Member lastHanging = null;
    if (waited && connecting + count(Phase.RETURNING) + count(Phase.CHECKING) > 0) {
      coming = 0;
      promising = 0;
      for (Member member : members) {
        long patience = patience(member);
        if (patience == 0) {
          continue;
        }
        boolean attempt = member.phase == Phase.CONNECTING;
        if (now - member.since < patience) {
          coming++;
          promising += attempt && !member.letIn ? 1 : 0;
          wakeBy(member.since + patience);
        } else if (attempt) {
          hanging++;
          lastHanging = member;
        }
      }
    }
    if (hanging > 0 && !backoff.isTroubled()) {
      backoff.attemptHangs();
      connect(now); // patience is at its end with the others, too
      return;
    }
    int missing = Math.max(waiting.size() - coming, minSize - open() - connecting);
    if (missing > 0 && (backoff.isOneByOne() || hanging > 0)) {
      long pause = backoff.pauseLeft(waited, now);
      if (pause > 0) {
        wakeBy(now + pause);
        return;
      }
      missing = promising > 0 ? 0 : 1;
      if (missing > 0 && hanging > 1) {
        // The one that has been under way for longest has all its time: it may only be slow.
        close(Objects.requireNonNull(lastHanging), CloseReason.CLOSED, now);
      }
    }
    int wanted = Math.min(missing, maxSize - members.size());
    for (int i = 0; i < wanted; i++) {
      Member member = new Member();
      member.generation = generation;
      member.since = now;
      members.add(member);
      count.merge(Phase.CONNECTING, 1, Integer::sum);
      actions.add(new Action.Connect(member, hanging > 0));
      if (waited) {
        wakeBy(now + patience(member));
      }
    }
  }

  /**
   * For how long it is counted on for whoever waits, from when it came to its phase; 0 if it is not
   * on its way to him.
   */
  private long patience(Member member) {
    return switch (member.phase) {
      case CONNECTING -> member.letIn ? FOREVER : backoff.patience();
      case RETURNING -> IMMINENT_NANOS;
      case CHECKING -> member.checkedFor == null ? IMMINENT_NANOS : 0;
      case IDLE, LENT, CLOSING, GONE -> 0;
    };
  }

  private void lend(Member member, Waiter waiter, long now) {
    move(member, Phase.LENT, now);
    member.leakTold = false;
    if (policy.leakThreshold > 0) {
      wakeBy(now + policy.leakThreshold);
    }
    actions.add(new Action.Lend(member, waiter));
  }

  private void becomeIdle(Member member, long now) {
    move(member, Phase.IDLE, now);
    idle.addLast(member);
    wakeForIdle(member);
  }

  private void wakeForIdle(Member member) {
    if (member.hasLifetime) {
      wakeBy(member.expiresAt);
    }
    if (policy.maxIdleTime > 0 && open() > minSize) {
      wakeBy(member.since + policy.maxIdleTime);
    }
  }

  /** Why it must not be lent any more; null while it may. */
  private @Nullable CloseReason unfit(Member member, long now) {
    if (shut) {
      return CloseReason.CLOSED;
    }
    if (member.host != null && member.era < member.host.era) {
      return CloseReason.HOST;
    }
    if (member.generation < generation) {
      return CloseReason.EXPIRED;
    }
    if (member.hasLifetime && member.expiresAt - now <= 0) {
      return CloseReason.LIFETIME;
    }
    return open() > maxSize ? CloseReason.RESIZED : null;
  }

  private void closeIdle(CloseReason reason, long now) {
    List.copyOf(idle).forEach(member -> close(member, reason, now));
  }

  /** Gives up the attempts that have hung since before one was begun that succeeded. */
  private void closeOvertaken(long begun, long now) {
    for (Member member : List.copyOf(members)) {
      if (member.phase == Phase.CONNECTING
          && !member.letIn
          && begun - member.since >= backoff.patience()) {
        close(member, CloseReason.CLOSED, now);
      }
    }
  }

  private void close(Member member, CloseReason reason, long now) {
    boolean wasOpen = member.phase != Phase.CONNECTING;
    boolean atOnce =
        terminating
            || (member.phase == Phase.CONNECTING && member.letIn) // in the middle of its init
            || member.phase == Phase.LENT
            || reason == CloseReason.CHECK
            || reason == CloseReason.HOOK
            || reason == CloseReason.HOST;
    if (member.phase == Phase.IDLE) {
      idle.remove(member);
    }
    Waiter waiter = member.checkedFor;
    if (waiter != null) {
      // In its old place: nobody who came later has been served before it for that.
      member.checkedFor = null;
      waiting.put(waiter.number, waiter);
    }
    move(member, Phase.CLOSING, now);
    if (wasOpen) {
      closed.merge(reason, 1L, Long::sum);
    }
    actions.add(new Action.Close(member, reason, atOnce));
  }

  private void remove(Member member, long now) {
    if (member.phase == Phase.IDLE) {
      idle.remove(member);
    }
    move(member, Phase.GONE, now);
    members.remove(member);
    Host host = member.host;
    if (host != null && --host.connections == 0) {
      hosts.values().remove(host);
    }
  }

  private void move(Member member, Phase next, long now) {
    count.merge(member.phase, -1, Integer::sum);
    if (member.phase == Phase.LENT) {
      host(member).lent--;
    }
    member.move(next, now);
    count.merge(next, 1, Integer::sum);
    if (next == Phase.LENT) {
      host(member).lent++;
      host(member).lastLent = ++lends;
    }
  }

  private void refuseAll(Refusal why) {
    for (Waiter waiter : waiting.values()) {
      actions.add(new Action.Refuse(waiter, why));
    }
    waiting.clear();
    for (Member member : members) {
      Waiter waiter = member.checkedFor;
      if (waiter != null) {
        member.checkedFor = null;
        actions.add(new Action.Refuse(waiter, why));
      }
    }
  }

  private void wakeBy(long time) {
    if (!wakes || time - wakeAt < 0) {
      wakes = true;
      wakeAt = time;
    }
  }
}
